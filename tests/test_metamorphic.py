"""What a change of the inputs has to change in a whole run, and what it must not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cairo import Run
from cairo.model.allocations import share_columns
from cairo.rates_tool.lookups import BURDEN
from tests.strategies import write_load_file
from tests.whole_runs import IN_PROCESS, Demo, contents, make_demo

NEW_ID = 999_999


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_demo(tmp_path_factory.mktemp("source") / "demo", 12)
    demo = Demo(folder, folder.parent / "prepared")
    demo.settings(IN_PROCESS)
    # Weights stand as the metadata has them: no customer count to scale them to.
    demo.yaml(
        "rates/rev_requirement/demo.yaml",
        lambda y: {k: v for k, v in y.items() if k != "test_year_customer_count"},
    )
    return demo.folder


@pytest.fixture(scope="module")
def plain(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(Demo(source, tmp_path_factory.mktemp("plain") / "demo").run())


MAPS = {
    "electric": "rates/tariff_maps/electric/hp_tou_vs_flat.csv",
    "gas": "rates/tariff_maps/gas/gas.csv",
}


def add_building(demo: Demo, like: int, weight: float) -> None:
    """A building with the metadata and tariffs of another."""

    def copied(frame: pd.DataFrame) -> pd.DataFrame:
        row = frame[frame["bldg_id"] == like].assign(bldg_id=NEW_ID)
        if "weight" in frame:
            row = row.assign(weight=weight)
        return pd.concat([frame, row])

    demo.parquet(demo.metadata, copied)
    demo.parquet("resstock/metadata/utility_assignment.parquet", copied)
    for path in MAPS.values():
        demo.csv(path, copied)


def tables(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(bill alignment, annual bills) by building, without the new one."""
    bat = run.bat.set_index("bldg_id").drop(columns="weight")
    bills = run.bills.pivot(index="bldg_id", columns="month", values="bill_level")
    return bat.drop(index=NEW_ID, errors="ignore"), bills.drop(index=NEW_ID, errors="ignore")


def assert_same(found: Run, expected: Run) -> None:
    for one, other in zip(tables(found), tables(expected), strict=True):
        pd.testing.assert_frame_equal(one, other, rtol=1e-11, atol=1e-8, check_like=True)


def test_a_customer_split_in_two_changes_nobody_else(demo: Demo, plain: Run) -> None:
    like = int(plain.metadata["bldg_id"].iloc[4])
    half = float(plain.metadata["weight"].iloc[4]) / 2
    add_building(demo, like, half)
    demo.parquet(
        demo.metadata, lambda f: f.assign(weight=f["weight"].where(f["bldg_id"] != like, half))
    )
    file = demo.loads / f"{like}-0.parquet"
    frame = pd.read_parquet(file).assign(bldg_id=NEW_ID)
    frame.to_parquet(demo.loads / f"{NEW_ID}-0.parquet", index=False)
    split = Run(demo.run())
    assert_same(split, plain)
    halves = split.bat.set_index("bldg_id").loc[[like, NEW_ID]]
    assert halves.iloc[0].tolist() == halves.iloc[1].tolist()


def test_doubling_weights_and_requirement_changes_no_bill(demo: Demo, plain: Run) -> None:
    demo.parquet(demo.metadata, lambda f: f.assign(weight=f["weight"] * 2))

    def doubled(value: object) -> object:
        if isinstance(value, dict):
            return {key: doubled(item) for key, item in value.items()}
        return value * 2 if isinstance(value, float) else value

    demo.yaml("rates/rev_requirement/demo.yaml", doubled)  # type: ignore[arg-type]
    assert_same(Run(demo.run()), plain)


def test_permuting_buildings_permutes_rows(demo: Demo, plain: Run) -> None:
    order = np.random.default_rng(8).permutation(12)
    demo.parquet(demo.metadata, lambda f: f.iloc[order])
    permuted = Run(demo.run())
    assert permuted.bat["bldg_id"].tolist() == plain.bat["bldg_id"].iloc[order].tolist()
    # To the bit: no sum depends on the order of the metadata.
    pd.testing.assert_frame_equal(
        permuted.bat, plain.bat.iloc[order].reset_index(drop=True), check_exact=True
    )
    same = {"system_hourly.csv", "costs_by_type.csv", "tariff_final_config.json"}
    one, other = contents(permuted.path), contents(plain.path)
    assert {name: one[name] for name in same} == {name: other[name] for name in same}


def test_an_empty_building_of_no_weight_changes_only_its_row(demo: Demo, plain: Run) -> None:
    like = int(plain.metadata["bldg_id"].iloc[0])
    add_building(demo, like, 0.0)
    nothing = np.zeros(8760)
    stamps = pd.read_parquet(demo.loads / f"{like}-0.parquet")["timestamp"].to_numpy()
    write_load_file(demo.loads / f"{NEW_ID}-0.parquet", NEW_ID, nothing, nothing, nothing, stamps)
    more = Run(demo.run())
    assert_same(more, plain)
    row = more.bat.set_index("bldg_id").loc[NEW_ID]
    assert row[BURDEN] == 0.0
    assert row[share_columns()["BAT_vol"]] == 0.0
    assert row[share_columns()["BAT_percustomer"]] > 0.0


def test_scaling_prices_scales_burdens(demo: Demo, plain: Run) -> None:
    for name in ("supply_energy", "supply_capacity", "dist_and_sub_tx", "bulk_tx"):
        demo.parquet(
            f"rates/marginal_costs/{name}.parquet",
            lambda f: f.assign(**{f.columns[1]: f[f.columns[1]] * 4.0}),
        )
    scaled = Run(demo.run())
    # Four is a power of two: products and sums are the same but for their exponent.
    assert (scaled.bat[BURDEN] == 4.0 * plain.bat[BURDEN]).all()
    shares = plain.bat[share_columns()["BAT_epmc"]] / plain.bat[BURDEN]
    assert shares.to_numpy() == pytest.approx(shares.iloc[0], rel=1e-12)
    assert_bills = (scaled.bills["bill_level"] == plain.bills["bill_level"]).all()
    assert assert_bills, "calibrated bills do not depend on marginal prices"


def test_weighted_bills_meet_the_requirement_of_each_subclass(plain: Run) -> None:
    required = plain.summary["revenue_requirement_by_tariff"]
    heat_pump = plain.metadata.set_index("bldg_id")["postprocess_group.has_hp"]
    bat = plain.bat.set_index("bldg_id")
    paid = (bat["Annual"] * bat["weight"]).groupby(heat_pump.reindex(bat.index)).sum()
    assert paid[True] == pytest.approx(required["hp_tou"], rel=1e-9)
    assert paid[False] == pytest.approx(required["flat"], rel=1e-9)
    for bat_name, share in share_columns().items():
        total = sum(required.values())
        assert abs((bat[bat_name] * bat["weight"]).sum()) < 1e-6 * total
        residual = plain.summary["costs_by_type"]["Residual Costs ($)"]
        assert (bat[share] * bat["weight"]).sum() == pytest.approx(residual, rel=1e-12)
