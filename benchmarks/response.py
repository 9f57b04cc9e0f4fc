"""What a response to price costs: `python -m benchmarks.response`.

The passes of a whole run without a response, with one whose sums say everything, and with one that
needs the hours of those who respond once more, interleaved.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from unittest import mock

import pandas as pd

from benchmarks.__main__ import cache
from benchmarks.contenders import WHOLE_RUN
from benchmarks.stock import benchmark_stock
from cairo.model import response
from cairo.results.run import Run
from cairo.runs.runner import run
from cairo.scenario.scenario_file import read_scenario

STAGES = ("pass over the loads", "response", "hours after the response")
KINDS = ("none", "from sums", "hours again")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.response", description=__doc__)
    parser.add_argument("--buildings", type=int, default=1910)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--stock", type=Path, default=cache(), help="where stocks are kept")
    parser.add_argument("--all", action="store_true", help="every home is on the rate")
    asked = parser.parse_args()
    stock = benchmark_stock(asked.stock, asked.buildings)
    settings = read_scenario(stock.scenario, None).run(WHOLE_RUN)
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    homes = 0
    with tempfile.TemporaryDirectory() as folder:
        if asked.all:
            every = Path(folder) / "map.csv"
            homes_of = pd.read_csv(settings.path_tariff_maps_electric)
            homes_of.assign(tariff_key="hp_tou").to_csv(every, index=False)
            settings = settings.changed(
                path_tariff_maps_electric=str(every), run_includes_subclasses=False
            )
        for repeat in range(asked.repeats + 1):
            for kind in KINDS:
                changes = {"path_outputs": folder, "backend": "dask_dataframe"}
                mine = settings.changed(**changes, elasticity=0.0 if kind == "none" else -0.2)
                # The run's tariff has no demand charge: the hours are asked again all the same.
                needs = mock.patch.object(response, "needs_peaks", lambda table: True)
                with needs if kind == "hours again" else tempfile.TemporaryDirectory():
                    info = Run(run(mine)).info
                took = sum(info["timings_s"].get(stage, 0.0) for stage in STAGES)
                if repeat:
                    seconds[kind].append(took)
                if kind != "none":
                    homes = sum(info["demand_response"]["homes"].values())
    print(f"{asked.buildings} homes, {homes} of them respond")
    first = statistics.median(seconds["none"])
    for kind in KINDS:
        middle = statistics.median(seconds[kind])
        print(f"{kind:12s} {middle:7.3f} s, {middle / first:.2f} x")


if __name__ == "__main__":
    main()
