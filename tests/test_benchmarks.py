"""The benchmark harness: contenders agree, and what it writes is what it measured."""

import json
from pathlib import Path

import pytest

from benchmarks import chart
from benchmarks.__main__ import main, table
from benchmarks.contenders import STAGES, prices, weights_of
from benchmarks.stock import benchmark_stock
from benchmarks.study import study_scenario
from cairo.rates_tool.loads import _return_load
from cairo.scenario.references import check_references, order
from cairo.scenario.scenario_file import read_scenario

HOMES = 6


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("bench")
    names = ["numpy_matrix", "dask_dataframe_threads", "whole_dask_dataframe"]
    arguments = ["--buildings", str(HOMES), "--repeats", "1", "--stock", str(folder)]
    main([*arguments, "--json", str(folder / "b.json"), "--only", *names])
    return json.loads((folder / "b.json").read_text())


def test_contenders_of_a_run_were_compared_and_agree(result):
    assert set(result["checks"]) == {"numpy_matrix", "dask_dataframe_threads"}
    assert max(result["checks"].values()) < 1e-12


def test_the_figures_are_those_of_the_loads(result):
    stock = benchmark_stock(Path(result["stock"]["root"]).parent, HOMES)
    found = STAGES["numpy_matrix"](stock)
    net = _return_load(None, "electricity", 2018, None, stock.loads)["electricity_net"]
    hourly = net.to_numpy().reshape(HOMES, 8760)
    energy, capacity = prices()
    assert found.kwh == pytest.approx(hourly.sum(axis=1))
    assert found.burden == pytest.approx((hourly * (energy + capacity)).sum(axis=1))
    assert found.demand == pytest.approx((hourly.T * weights_of(stock).to_numpy()).sum(axis=1))


def test_a_whole_runs_stages_add_up_to_its_wall_time(result):
    (run,) = result["runs"]["whole_dask_dataframe"]
    assert sum(run["stages"].values()) == pytest.approx(run["wall"])
    assert run["peak_bytes"] > 5e7
    assert "pass over the loads" in chart.stage_table(result)


def test_ratios_are_medians_over_the_floors_median():
    runs = {
        "floor": [{"seconds": s, "peak_bytes": 1e6} for s in (1.0, 2.0, 9.0)],
        "numpy_matrix": [{"seconds": s, "peak_bytes": 3e6} for s in (3.0, 4.0, 5.0)],
    }
    floor, matrix = table(runs)
    assert (floor["to_floor"], matrix["to_floor"], matrix["peak_mb"]) == (1.0, 2.0, 3.0)


def test_the_chart_has_a_bar_for_each_contender(result, tmp_path):
    chart.draw(result, tmp_path / "chart.svg")
    text = (tmp_path / "chart.svg").read_text()
    for name in ("floor", "numpy_matrix", "dask_dataframe_threads"):
        assert chart.NAMES[name] in text


def test_a_stock_written_before_is_kept(result):
    root = Path(result["stock"]["root"])
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*-0.parquet")}
    assert len(before) == HOMES
    benchmark_stock(root.parent, HOMES)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_study_of_the_benchmark_has_its_runs_in_order(tmp_path):
    scenario = read_scenario(study_scenario(benchmark_stock(tmp_path, HOMES), 8))
    runs = {name: scenario.run(name) for name in scenario.runs}
    assert len(runs) == 8
    check_references(runs, list(runs))
    place = order(runs, sorted(runs))
    assert all(place.index(f"precalc_{n:02}") < place.index(f"default_{n:02}") for n in range(4))


def test_the_chart_of_studies_has_a_bar_for_each_and_the_published_one(tmp_path):
    rows = [{"runs": runs, "seconds": 3.0 * runs} for runs in (1, 16)]
    result = {"table": rows, "stock": {"buildings": "1910"}, "machine": {"cores": 2}}
    (tmp_path / "study.json").write_text(json.dumps(result))
    chart.main([str(tmp_path / "study.json"), str(tmp_path / "study.svg")])
    text = (tmp_path / "study.svg").read_text()
    assert all(word in text for word in ("16 runs, 1,910 homes", "48.0 s", "1,917.0 s"))
