"""The same bytes of every output file, however the work is split or handed over."""

from __future__ import annotations

from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from cairo.files.pack import pack
from cairo.rates_tool import loads as load_funcs
from cairo.rates_tool import tariffs
from cairo.rates_tool.dd_stages.frame import LoadOptions, read_load_frame
from cairo.rates_tool.lookups import RESIDUAL_COSTS
from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import read_scenario
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents

HOMES = 11


SPLITS: dict[str, dict[str, Any]] = {
    "partitions of one": {"processes": False, "partition_buildings": 1},
    "partitions of three": {"processes": False, "partition_buildings": 3},
    "one partition": {"processes": False, "partition_buildings": 100},
    "two threads": {"processes": False, "n_workers": 1, "threads_per_worker": 2},
    "three workers in here": {"processes": False, "n_workers": 3, "partition_buildings": 2},
    "two processes": {"processes": True, "n_workers": 2, "partition_buildings": 2},
    "a process of three threads": {
        "processes": True, "n_workers": 1, "threads_per_worker": 3, "partition_buildings": 1,
    },
}  # fmt: skip


@pytest.mark.parametrize("split", SPLITS)
def test_bytes_do_not_depend_on_workers_threads_or_partitions(
    demo: Demo, expected: dict[str, bytes], split: str
) -> None:
    demo.settings({"dask": SPLITS[split] | {"dashboard_address": None}})
    assert contents(demo.run()) == expected


def test_bytes_do_not_depend_on_the_load_folder_being_packed(
    demo: Demo, expected: dict[str, bytes]
) -> None:
    packed = pack(demo.loads, demo.folder / "packed", block_buildings=4)
    demo.settings(IN_PROCESS | {"path_resstock_loads": str(packed)})
    assert contents(demo.run()) == expected


def test_bytes_do_not_depend_on_the_order_of_files(demo: Demo, expected: dict[str, bytes]) -> None:
    files = sorted(demo.loads.iterdir())
    kept = {path.name: path.read_bytes() for path in files}
    for path in files:
        path.unlink()
    for name in reversed(list(kept)):
        (demo.loads / name).write_bytes(kept[name])
    demo.csv("rates/tariff_maps/electric/hp_tou_vs_flat.csv", lambda f: f[::-1])
    demo.csv("rates/tariff_maps/gas/gas.csv", lambda f: f.sample(frac=1, random_state=1))
    demo.settings(IN_PROCESS)
    assert contents(demo.run()) == expected


def test_a_second_run_gives_the_same_bytes(demo: Demo, expected: dict[str, bytes]) -> None:
    demo.settings(IN_PROCESS)
    assert contents(demo.run()) == contents(demo.run()) == expected


def simulated(demo: Demo, electricity: Any, gas: Any, **options: Any) -> dict[str, bytes]:
    """Output of a caller's own script: its own load frames handed to `simulate`."""
    inputs = read_inputs(read_scenario(demo.scenario).run(RUN))
    simulator = MeetRevenueSufficiencySystemWide(
        "precalc",
        2025,
        2025,
        1,
        inputs.customer_metadata["bldg_id"].tolist(),
        "mine",
        demo.folder / "simulated",
        "dask_dataframe",
    )
    simulator.simulate(
        inputs.revenue_requirement,
        inputs.tariffs_params,
        inputs.tariff_map,
        tariffs.precalc_period_mapping(inputs.tariffs_params),
        inputs.customer_metadata,
        electricity,
        gas,
        inputs.gas_tariff_map,
        inputs.gas_tariffs,
        marginal_system_prices=inputs.marginal_system_prices,
        costs_by_type=pd.Series({RESIDUAL_COSTS: 1e7}),
        **options,
    )
    assert simulator.save_file_loc is not None
    return contents(simulator.save_file_loc)


def test_pandas_and_dask_frames_give_the_same_bytes(demo: Demo) -> None:
    ids = np.sort(np.asarray([int(p.name.split("-")[0]) for p in demo.loads.iterdir()])).tolist()
    options = LoadOptions(2025, floor_net=True)
    frame = read_load_frame(demo.loads, ids, options=options, partition_buildings=4)
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        from_dask = simulated(demo, frame, frame)
        electricity = load_funcs._return_load(None, "electricity", 2025, ids, demo.loads, "EST")
        electricity["electricity_net"] = electricity["electricity_net"].clip(lower=0.0)
        gas = load_funcs._return_load(None, "gas", 2025, ids, demo.loads, "EST")
        before = electricity.copy(deep=True)
        from_pandas = simulated(demo, electricity, gas)
        pd.testing.assert_frame_equal(electricity, before, check_exact=True)
        shuffled = ids[::-1]
        again = load_funcs._return_load(electricity, "electricity", 2025, shuffled)
        from_shuffled = simulated(demo, again, gas)
    assert isinstance(frame, dd.DataFrame)
    assert from_pandas == from_dask == from_shuffled
