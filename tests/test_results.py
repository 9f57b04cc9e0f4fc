"""A finished run in a notebook: its tables, facts and plots, and the package's own names."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
import yaml

import cairo
from cairo.errors import CairoError, ScenarioError
from cairo.rates_tool.lookups import HOURS, TOTAL_COLUMN, months
from cairo.runs.demo import LOADS, METADATA, write_demo

matplotlib.use("Agg")

HOMES = 12


@pytest.fixture(scope="module")
def scenario(tmp_path_factory) -> Path:
    return write_demo(tmp_path_factory.mktemp("demo") / "stock", HOMES)


@pytest.fixture(scope="module")
def run(scenario):
    return cairo.run(scenario, "demo_flat_precalc", backend="pandas", workers=1)


def test_tables_have_a_row_for_each_home_and_month(run):
    ids = pd.read_parquet(run.path.parents[1] / METADATA)["bldg_id"].tolist()
    assert isinstance(run, cairo.Run)
    assert run.bat["bldg_id"].tolist() == ids == run.metadata["bldg_id"].tolist()
    for bills in (run.bills, run.gas_bills):
        assert bills["month"].tolist() == [*months, "Annual"] * HOMES
    assert len(run.system) == HOURS
    assert set(run.tariffs) == {"flat"}


def test_the_summary_agrees_with_the_tables(run):
    annual = run.bills[run.bills["month"] == "Annual"]
    revenue = (annual["bill_level"] * annual["weight"]).sum()
    assert run.summary["revenue"] == pytest.approx(revenue, rel=1e-12)
    assert run.summary["peak_kw"] == run.system["system_load_kwh"].max()
    assert run.summary["customers"] == pytest.approx(run.metadata["weight"].sum(), rel=1e-12)


def test_the_final_rate_explains_a_bill(run, scenario):
    (row,) = run.tariffs["flat"]["ur_ec_tou_mat"]
    pv = run.metadata.set_index("bldg_id")["in.has_pv"]
    bldg_id = int(pv.index[pv == "No"][0])
    load = pd.read_parquet(scenario.parents[2] / LOADS / f"{bldg_id}-0.parquet")[TOTAL_COLUMN]
    bill = run.bat.set_index("bldg_id").loc[bldg_id, "Annual"]
    fixed = 12 * run.tariffs["flat"]["ur_monthly_fixed_charge"]
    assert bill == pytest.approx((row[4] + row[5]) * load.sum() + fixed, rel=1e-9)


def test_the_text_and_the_html_tell_name_revenue_and_place(run):
    for shown in (repr(run), run._repr_html_()):
        assert "demo_flat_precalc (precalc, pandas)" in shown
        assert f"{run.summary['revenue_requirement']:,.0f} $" in shown
        assert str(run.path) in shown
    assert "<table" in run._repr_html_() and "BAT_epmc" in run._repr_html_()


def test_a_name_with_markup_stays_text_in_html(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    stored = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(stored | {"run_name": "<script>x</script>"}))
    assert "<script>" not in cairo.Run(copy)._repr_html_()


def test_histogram_bars_count_customers_and_the_group_its_own(run):
    ax = run.plot.bat_histogram("postprocess_group.has_hp", True, "BAT_peak", bins=7)
    everybody, chosen = (sum(bar.get_height() for bar in bars) for bars in ax.containers)
    weight = run.metadata["weight"]
    assert everybody == pytest.approx(weight.sum(), rel=1e-9)
    assert chosen == pytest.approx(weight[run.metadata["postprocess_group.has_hp"]].sum(), rel=1e-9)
    assert "BAT_peak" in ax.get_xlabel() and "$" in ax.get_xlabel()


def test_plots_of_load_and_bills_show_the_run(run):
    load = run.plot.system_load()
    assert np.array_equal(
        load.lines[0].get_ydata(), run.system["system_load_kwh"].to_numpy() / 1000
    )
    assert len(load.lines[1].get_ydata()) == 100
    bills = run.plot.bills_by_month()
    january = run.bills.loc[run.bills["month"] == "Jan", "bill_level"]
    assert bills.lines[0].get_ydata()[0] == pytest.approx(january.median(), rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"allocation": "BAT_none"}, "BAT_none is no allocation"),
        ({"by": "in.age", "group": 1}, "in.age"),
        ({"by": "in.tenure", "group": "Lodger"}, "no home has in.tenure = Lodger"),
    ],
)
def test_what_a_plot_cannot_show_is_said(run, arguments, message):
    with pytest.raises(CairoError, match=message):
        run.plot.bat_histogram(**arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "cannot be read"), ("[1]", "expected a JSON object"), ("{}", "has no run_name")],
)
def test_a_damaged_record_is_named(tmp_path, text, message):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(CairoError, match=message) as raised:
        repr(cairo.Run(tmp_path))
    assert "run.json" in str(raised.value) and "\n" not in str(raised.value)


def test_a_folder_that_is_no_run_and_a_run_without_a_file_are_named(run, tmp_path):
    with pytest.raises(CairoError, match="is not a run directory"):
        cairo.Run(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    (copy / "customer_metadata.csv").unlink()
    with pytest.raises(CairoError, match=r"customer_metadata\.csv cannot be read"):
        _ = cairo.Run(copy).metadata


def test_a_run_that_is_not_in_the_file_is_named(scenario):
    with pytest.raises(ScenarioError, match="did you mean demo_flat_precalc"):
        cairo.run(scenario, "demo_flat_precal")


def test_loads_are_a_lazy_frame_of_the_columns_asked_for(scenario):
    folder = scenario.parents[2] / LOADS
    ids = sorted(int(path.name.split("-")[0]) for path in folder.glob("*.parquet"))
    frame = cairo.read_loads(folder, columns=["electricity_net"])
    assert list(frame.columns) == ["electricity_net"]
    assert frame.divisions[0] == ids[0] and frame.divisions[-1] == ids[-1]
    net = frame.compute(scheduler="synchronous")
    assert net.index.tolist() == np.repeat(ids, HOURS).tolist()


SCRIPT = """
import cairo
{guard}
    cairo.run({scenario!r}, "demo_flat_precalc", workers=2, output_dir={out!r})
"""


@pytest.mark.slow
@pytest.mark.parametrize("guarded", [True, False])
def test_a_script_that_workers_cannot_import_is_told_what_to_do(scenario, tmp_path, guarded):
    demo = Path(shutil.copytree(scenario.parents[2], tmp_path / "demo"))
    place = demo / scenario.relative_to(scenario.parents[2])
    text = yaml.safe_load(place.read_text())
    text["runs"]["demo_flat_precalc"]["dask"] = {"processes": True}
    place.write_text(yaml.safe_dump(text))
    script = tmp_path / "script.py"
    guard = 'if __name__ == "__main__":' if guarded else "if True:"
    script.write_text(SCRIPT.format(guard=guard, scenario=str(place), out=str(tmp_path / "out")))
    here = {**os.environ, "PYTHONPATH": str(Path(cairo.__file__).parents[1])}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=here)
    runs = list(tmp_path.glob("out/*"))
    if guarded:
        assert (done.returncode, len(runs)) == (0, 1)
    else:
        assert done.returncode == 1 and not runs
        assert 'under `if __name__ == "__main__":`' in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [
        (
            "cairo, cairo.cli",
            ("pandas", "dask", "distributed", "pyarrow", "matplotlib", "numpy", "pydantic"),
        ),
        # Read before worker processes are started, which import beside the command.
        (
            "cairo.commands.run, cairo.scenario.scenario_file",
            ("pandas", "dask", "distributed", "pyarrow", "matplotlib"),
        ),
    ],
)
def test_what_a_command_begins_with_imports_nothing_heavy(imported, heavy):
    code = f"import sys, {imported}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_the_package_offers_exist_and_others_do_not():
    assert all(hasattr(cairo, name) for name in cairo.__all__)
    assert set(cairo.__all__) <= set(dir(cairo))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cairo.nothing
