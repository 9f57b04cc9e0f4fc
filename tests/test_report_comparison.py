"""Reports of several runs: who gains and who loses, what is not alike, and the tables in files."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import cairo
from cairo.errors import CairoError
from cairo.model.bat_statistics import paid_for_one_another
from cairo.model.income import income_of
from cairo.model.labels import Labels
from cairo.model.tariff import parse_tariff
from cairo.rates_tool.run_files import DETERMINANTS
from cairo.results.report import write_report
from cairo.results.report.alike import unlike
from cairo.results.report.burden import income
from cairo.results.report.changes import brackets, more_than, of_bill, percent_shares
from cairo.results.report.checks import remarks_of
from cairo.results.report.comparison import comparison_page
from cairo.results.report.data import read_run
from cairo.results.report.designs import Designs, designs_of, letters
from cairo.results.report.export import ACTIVE, TABLES, write_tables
from cairo.results.report.exports import Exports, exports_of
from cairo.results.report.segments import segments
from cairo.results.report.single import revenue
from cairo.results.report.tables import Column, Table
from cairo.runs.demo import write_demo
from cairo.scenario.scenario_file import read_scenario
from tests.cairo_command import Command

HOMES = 16
DELIVERY, FLAT, TOU, MIXED = (
    "demo_flat_precalc_delivery",
    "demo_flat_precalc",
    "demo_hp_tou_precalc",
    "demo_mixed_default",
)
BAT = "cross_subsidization/cross_subsidization_BAT_values.csv"
ALLOCATIONS = ("BAT_vol", "BAT_peak", "BAT_percustomer", "BAT_epmc")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    scenario = write_demo(tmp_path_factory.mktemp("designs") / "demo", HOMES)
    return {
        name: cairo.run(scenario, name, backend="pandas", workers=1).path
        for name in (DELIVERY, FLAT, TOU, MIXED)
    }


@pytest.fixture(scope="module")
def page_of(made: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The page of runs as they were made, written once."""
    folder = tmp_path_factory.mktemp("pages")

    @cache
    def page(*names: str) -> Path:
        output = folder / f"{'-'.join(names)}.html"
        return write_report(*(made[name] for name in names), output=output)

    return page


@pytest.fixture
def runs(made: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Copies that a test may change, under the runs' names."""
    return {
        name: Path(shutil.copytree(path, tmp_path / "runs" / name)) for name, path in made.items()
    }


def annual(run: Path, fuel: str = "elec") -> pd.Series:
    bills = pd.read_csv(run / "bills" / f"{fuel}_bills_year_run.csv")
    return bills[bills["month"] == "Annual"].set_index("bldg_id")["bill_level"]


def weight_of(run: Path) -> pd.Series:
    return pd.read_csv(run / "customer_metadata.csv").set_index("bldg_id")["weight"]


def written(page: Path, table: str) -> pd.DataFrame:
    return pd.read_csv(page.with_name(f"{page.stem}_tables") / f"{table}.csv")


def change_record(run: Path, **values: object) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | values))


def change_csv(place: Path, **columns: object) -> None:
    frame = pd.read_csv(place)
    frame.assign(**columns).to_csv(place, index=False)


def told(*paths: Path) -> list[str]:
    return unlike(designs_of([read_run(path) for path in paths]))


# What customers pay for one another


def test_half_of_what_alignments_differ_from_their_mean_changes_hands() -> None:
    values, weight = np.array([1.0, 3.0, -4.0]), np.array([1.0, 1.0, 2.0])
    # Mean (1 + 3 - 8) / 4 = -1, so half of 2 + 4 + 2 x 3.
    assert paid_for_one_another(values, weight) == 6.0
    assert paid_for_one_another(values + 100.0, weight) == 6.0
    assert paid_for_one_another(np.full(3, 7.0), weight) == 0.0


def test_the_page_has_the_formulas_dollars(
    made: dict[str, Path], page_of: Callable[..., Path]
) -> None:
    table = written(page_of(*made), "paid_for_one_another")
    for name, run in made.items():
        bat = pd.read_csv(run / BAT)
        w = bat["weight"]
        expected = [
            (w * (bat[x] - (w * bat[x]).sum() / w.sum()).abs()).sum() / 2 for x in ALLOCATIONS
        ]
        own = table[table["Design"].str.endswith(f": {name}")]
        np.testing.assert_allclose(own["In the year [$]"], expected, rtol=1e-9)


# Winners and losers


def test_every_design_is_measured_against_the_first(
    made: dict[str, Path], page_of: Callable[..., Path]
) -> None:
    runs, order = made, (FLAT, TOU, MIXED)
    table = written(page_of(*order), "winners_and_losers").set_index("Design")
    assert list(table.index) == [f"B: {TOU}", f"C: {MIXED}"]
    weight, before = weight_of(runs[FLAT]), annual(runs[FLAT])
    for title, name in zip(table.index, order[1:], strict=True):
        change = annual(runs[name]) - before
        part = change / before
        more = change > 0.005
        row = table.loc[title]

        def share(chosen: pd.Series) -> float:
            return float(weight[chosen].sum() / weight.sum())

        assert row["Pay more [share]"] == pytest.approx(share(more))
        assert row["Pay less [share]"] == pytest.approx(share(change < -0.005))
        if more.any():
            mean_rise = (weight * change)[more].sum() / weight[more].sum()
            assert row["More by on average [$]"] == pytest.approx(mean_rise)
        assert row["Bill rises more than 10% [share]"] == pytest.approx(share(part > 0.1))
        assert row["Bill falls more than 10% [share]"] == pytest.approx(share(part < -0.1))
        mean = (weight * change).sum() / weight.sum()
        assert row["Average change [$]"] == pytest.approx(mean, abs=1e-9)
        assert row["Of the average bill [share]"] == pytest.approx(
            mean / ((weight * before).sum() / weight.sum()), abs=1e-12
        )
        collected = (weight * before).sum() / (weight * annual(runs[name])).sum()
        if name == MIXED:
            assert row["Pay more at A's revenue [share]"] == pytest.approx(
                share(annual(runs[name]) * collected - before > 0.005)
            )
        else:
            assert np.isnan(row["Pay more at A's revenue [share]"])


def test_segments_hold_each_groups_change(
    made: dict[str, Path], page_of: Callable[..., Path]
) -> None:
    runs, several = made, written(page_of(FLAT, TOU, MIXED), "change_by_segment")
    table = several[several["Design and bill"] == f"C: {MIXED}, Electricity"]
    homes = pd.read_csv(runs[FLAT] / "customer_metadata.csv").set_index("bldg_id")
    change = annual(runs[MIXED]) - annual(runs[FLAT])
    tenure = table[(table["Group by"] == "tenure") & (table["Group"] != "All customers")]
    assert set(tenure["Group"]) == set(homes["in.tenure"])
    for _, row in tenure.iterrows():
        mine = homes.index[homes["in.tenure"] == row["Group"]]
        w = homes["weight"][mine]
        assert row["Average change [$]"] == pytest.approx((w * change[mine]).sum() / w.sum())


def test_a_change_of_exactly_a_threshold_is_not_beyond_it() -> None:
    bill = np.array([100.0, 200.0, 300.0, 0.0, -5.0])
    part = of_bill(0.1 * bill, bill)
    assert np.isnan(part[3:]).all()
    assert not more_than(part, 0.1).any() and not more_than(-part, -0.1).any()
    assert more_than(part * 1.001, 0.1).tolist() == [True, True, True, False, False]


def test_brackets_hold_every_customer_once(runs: dict[str, Path]) -> None:
    designs = designs_of([read_run(runs[FLAT]), read_run(runs[MIXED])])
    shares = percent_shares(designs, designs.others[0])
    assert len(shares) == len(brackets()) + 1
    assert sum(shares) == pytest.approx(1.0)
    part = (annual(runs[MIXED]) / annual(runs[FLAT]) - 1.0).to_numpy()
    weight = weight_of(runs[FLAT]).to_numpy()
    edges = [-np.inf, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2, np.inf]
    assert shares[:-1] == pytest.approx(np.histogram(part, edges, weights=weight)[0] / weight.sum())


def test_the_baseline_may_be_any_of_the_runs(runs: dict[str, Path], tmp_path: Path) -> None:
    pair = (runs[FLAT], runs[TOU])
    for baseline in (TOU, runs[TOU]):
        page = write_report(*pair, baseline=baseline, output=tmp_path / "page.html")
        assert written(page, "runs")["Run"].tolist() == [TOU, FLAT]
    with pytest.raises(CairoError, match=r"^baseline other is none of the runs: expected one of"):
        write_report(*pair, baseline="other", output=tmp_path / "page.html")
    change_record(runs[FLAT], run_name=TOU)
    with pytest.raises(CairoError, match=r"is the name of 2 runs"):
        write_report(*pair, baseline=TOU, output=tmp_path / "page.html")


def test_letters_go_on_after_z() -> None:
    assert letters(28)[24:] == ["Y", "Z", "A2", "B2"]


def test_two_and_three_runs_have_the_same_sections(page_of: Callable[..., Path]) -> None:
    pages = [page_of(FLAT, TOU), page_of(FLAT, TOU, MIXED)]
    sections = [re.findall(r'<section id="([\w-]+)"', page.read_text("utf-8")) for page in pages]
    assert sections[0] == sections[1]


# Not like for like


def test_designs_alone_are_like_for_like(
    made: dict[str, Path], page_of: Callable[..., Path]
) -> None:
    assert told(made[FLAT], made[TOU], made[MIXED]) == []
    assert "not like for like" not in page_of(FLAT, TOU).read_text(encoding="utf-8")


def test_requirement_prices_and_scope_that_differ_are_said_first(runs: dict[str, Path]) -> None:
    said = told(*(runs[name] for name in (DELIVERY, FLAT, TOU)))
    required = [
        json.loads((runs[name] / "run.json").read_text())["summary"] for name in (DELIVERY, FLAT)
    ]
    a, b = (one["revenue_requirement"] for one in required)
    each = (b - a) / required[0]["customers"]
    assert said[0].startswith(f"Requirement: A ${a / 1e6:,.1f} million, B and C ${b / 1e6:,.1f}")
    assert f"{100 * (b / a - 1):,.1f}%" in said[0] and f"or ${each:,.2f} more a customer" in said[0]
    assert said[1].startswith("Marginal prices") and "energy A 0.0000, B and C 0.0" in said[1]
    assert said[2] == "Bills: A delivery alone, B and C delivery and supply."
    page = comparison_page(designs_of([read_run(runs[DELIVERY]), read_run(runs[FLAT])]))
    text = page.page
    assert text.index("These runs are not like for like") < text.index("Customers who pay more")
    assert "Pay more if B collected what A does" in text


def test_homes_that_differ_are_said_and_left_out(runs: dict[str, Path], tmp_path: Path) -> None:
    other, lost = runs[TOU], pd.read_csv(runs[TOU] / "tariff_map.csv")["bldg_id"][3]
    for place in (
        other / "customer_metadata.csv", other / "tariff_map.csv", other / BAT,
        *(other / "bills").glob("*_year_run.csv"),
    ):  # fmt: skip
        frame = pd.read_csv(place)
        frame[frame["bldg_id"] != lost].to_csv(place, index=False)
    (other / DETERMINANTS).unlink()
    (said,) = told(runs[FLAT], other)
    assert said.startswith(f"Homes: 1 of A are not in B ({lost}). Changes are of the {HOMES - 1}")
    page = write_report(runs[FLAT], other, output=tmp_path / "page.html")
    change = (annual(other) - annual(runs[FLAT]))[lambda both: both.index != lost]
    weight = weight_of(runs[FLAT])[change.index]
    row = written(page, "winners_and_losers").iloc[0]
    expected = (weight * change).sum() / weight.sum()
    assert row["Average change [$]"] == pytest.approx(expected, abs=1e-9)


def test_weights_and_loads_that_differ_are_said(runs: dict[str, Path]) -> None:
    place = runs[TOU] / "customer_metadata.csv"
    change_csv(place, weight=pd.read_csv(place)["weight"] * 2)
    place = runs[TOU] / "system_hourly.csv"
    change_csv(place, system_load_kwh=pd.read_csv(place)["system_load_kwh"] * 2)
    said = " ".join(told(runs[FLAT], runs[TOU]))
    assert f"Customers: {HOMES} homes stand for other numbers of customers; A has 50,000" in said
    assert "Changes count them as A does." in said
    assert "Loads: A " in said


def test_an_input_that_changed_between_runs_is_named(runs: dict[str, Path], tmp_path: Path) -> None:
    record = json.loads((runs[TOU] / "run.json").read_text())
    (file, *_) = (name for name in record["inputs"] if name.endswith("metadata-sb.parquet"))
    change_record(runs[TOU], inputs=record["inputs"] | {file: "0" * 64})
    page = write_report(runs[FLAT], runs[TOU], output=tmp_path / "page.html")
    assert written(page, "inputs_that_changed")["File"].tolist() == [file]
    assert set(written(page, "settings_that_differ")["Key"]) >= {"path_tariff_maps_electric"}


# Nothing is picked silently


def test_what_is_no_run_is_named_and_the_rest_used(
    runs: dict[str, Path], command: Command, tmp_path: Path
) -> None:
    folder = runs[FLAT].parent
    for name in (DELIVERY, MIXED):
        shutil.rmtree(runs[name])
    (folder / "study.csv").write_text("run\n")
    (folder / "notes").mkdir()
    page = tmp_path / "page.html"
    ended = command("report", *sorted(folder.iterdir()), "--output", page)
    assert (ended.code, ended.output) == (0, f"{page}\n")
    assert [line for line in ended.errors if line.startswith("not used")] == [
        f"not used: {folder / name} is no run directory (it has no run.json)"
        for name in ("notes", "study.csv")
    ]
    assert written(page, "runs")["Run"].tolist() == [FLAT, TOU]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["study.csv"], "run directory .*study.csv does not exist"),
        (["absent", FLAT], "run directory .*absent does not exist"),
        (["notes"], "run.json cannot be read"),
        ([FLAT, FLAT], "is named twice"),
    ],
)
def test_a_report_without_runs_is_refused(
    runs: dict[str, Path], command: Command, names: list[str], says: str
) -> None:
    folder = runs[FLAT].parent
    (folder / "study.csv").write_text("run\n")
    (folder / "notes").mkdir()
    ended = command("report", *(folder / name for name in names))
    assert ended.code == 2
    assert re.search(says, ended.errors[-1])
    assert not list(folder.rglob("report*"))


# Tables


def test_no_table_has_two_columns_of_one_name(page_of: Callable[..., Path]) -> None:
    for page in (page_of(TOU), page_of(FLAT, TOU), page_of(FLAT, TOU, MIXED)):
        heads = re.findall("<thead>(.*?)</thead>", page.read_text("utf-8"))
        assert len(heads) > 20
        for head in heads:
            names = re.findall("<th[^>]*>(.*?)</th>", head)
            assert len(set(names)) == len(names), names


def everything(page: Path) -> dict[str, bytes]:
    """{name: bytes} of a page and its tables."""
    tables = page.with_name(f"{page.stem}_tables")
    files = [page, page.with_suffix(".xlsx"), *sorted(tables.iterdir())]
    return {path.name: path.read_bytes() for path in files}


def sheets(workbook: Path) -> dict[str, list[list[str]]]:
    """{sheet: rows of text}; nothing of it is a formula or a link."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(workbook) as file:
        strings = [
            "".join(one.itertext())
            for one in ElementTree.fromstring(file.read("xl/sharedStrings.xml"))
        ]
        names = [
            one.get("name", "")
            for one in ElementTree.fromstring(file.read("xl/workbook.xml")).iter(f"{main}sheet")
        ]
        found = {}
        for number, name in enumerate(names, 1):
            tree = ElementTree.fromstring(file.read(f"xl/worksheets/sheet{number}.xml"))
            assert not list(tree.iter(f"{main}f")) and not list(tree.iter(f"{main}hyperlink"))
            found[name] = [
                [
                    strings[int(cell[0].text or 0)] if cell.get("t") == "s" else cell[0].text or ""
                    for cell in row
                ]
                for row in tree.iter(f"{main}row")
            ]
        return found


def test_a_workbook_has_every_table(made: dict[str, Path], page_of: Callable[..., Path]) -> None:
    page = page_of(FLAT, TOU)
    folder = page.with_name(f"{page.stem}_tables")
    found = sheets(page.with_suffix(".xlsx"))
    assert set(found) == {path.stem for path in folder.iterdir()}
    for name, rows in found.items():
        table = list(csv.reader(io.StringIO((folder / f"{name}.csv").read_text("utf-8"))))
        assert rows[1] == table[0], name
        assert len(rows) == len(table) + 1, name
    _, _, *rows = found["designs"]
    required = json.loads((made[FLAT] / "run.json").read_text())["summary"]["revenue_requirement"]
    assert float(rows[0][1]) == required


def test_the_same_runs_give_the_same_bytes(
    made: dict[str, Path], page_of: Callable[..., Path], tmp_path: Path
) -> None:
    page = page_of(FLAT, TOU)
    again = write_report(made[FLAT], made[TOU], output=tmp_path / page.name)
    one, two = everything(page), everything(again)
    assert one == two and len(one) > 15


def test_no_cell_is_a_formula(runs: dict[str, Path], tmp_path: Path) -> None:
    evil = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "https://a.b/", 'a,b"c\nd']
    for run in (runs[FLAT], runs[TOU]):
        place = run / "customer_metadata.csv"
        frame = pd.read_csv(place)
        frame["=evil"] = [evil[n % len(evil)] for n in range(len(frame))]
        frame.to_csv(place, index=False)
        change_record(run, run_name='=HYPERLINK("x")')
    write_report(runs[FLAT], runs[TOU], output=tmp_path / "page.html")
    for place in (tmp_path / "page_tables").iterdir():
        for row in csv.reader(io.StringIO(place.read_text("utf-8"))):
            for cell in row:
                number = re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", cell)
                assert number or not cell.startswith(ACTIVE), (place.name, cell)
    cells = {
        cell for rows in sheets(tmp_path / "page.xlsx").values() for row in rows for cell in row
    }
    assert {"=1+1", "@SUM(A1)"} <= cells


def test_tables_of_another_page_are_not_left(tmp_path: Path) -> None:
    page, folder = tmp_path / "page.html", tmp_path / "page_tables"
    write_tables(page, [Table(n, "", (Column("a"),), [["x"]]) for n in ("runs", "settings")])
    (folder / "mine.csv").write_text("my own")
    write_tables(page, [Table("settings", "", (Column("a"),), [["y"]])])
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "mine.csv": "my own",
        "settings.csv": "a\ny\n",
    }


def test_every_table_has_a_name_that_is_known(page_of: Callable[..., Path]) -> None:
    for page in (page_of(TOU), page_of(FLAT, TOU), page_of(FLAT, TOU, MIXED)):
        folder = page.with_name(f"{page.stem}_tables")
        assert {path.stem for path in folder.iterdir()} <= TABLES


def test_a_page_without_tables_or_to_a_stream_writes_no_files(
    runs: dict[str, Path], command: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    assert command("report", runs[FLAT], "--no-tables", "--output", folder / "a.html").code == 0
    assert [path.name for path in folder.iterdir()] == ["a.html"]
    assert write_report(runs[FLAT], output="/dev/null") == Path("/dev/null")
    assert not Path("/dev/null_tables").exists() and not Path("/dev/null.xlsx").exists()


# Words


def test_columns_and_values_are_words() -> None:
    labels = Labels({"in.tenure": "ownership", "in.tenure=renter": "rents"})
    assert labels.column("postprocess_group.has_hp") == "heat pump"
    assert labels.value("postprocess_group.has_hp", "True") == "yes"
    assert labels.column("in.tenure") == "ownership"
    assert labels.value("in.tenure", "Renter") == "rents"
    assert labels.value("in.tenure", "Owner") == "Owner"
    assert labels.column("in.cooling_type") == "cooling type"
    assert labels.columns(["in.a_b", "x.a_b"]) == {"in.a_b": "a b (in.a_b)", "x.a_b": "a b (x.a_b)"}


def test_a_scenario_extends_the_words(runs: dict[str, Path]) -> None:
    record = json.loads((runs[TOU] / "run.json").read_text())
    own = {"in.tenure=Renter": "rents", "tariff=hp_tou": "heat pump TOU", "in.tenur": "x"}
    change_record(runs[TOU], settings=record["settings"] | {"labels": own})
    run = read_run(runs[TOU])
    found, _ = segments(run.homes, {"tariff": run.tariff_of}, run.labels)
    assert "rents" in next(s.groups for s in found if s.column == "in.tenure")
    assert "heat pump TOU" in next(s.groups for s in found if s.column == "tariff")
    assert "heat pump TOU" in [row[0] for row in revenue(run).rows]
    assert remarks_of(run) == ["labels has in.tenur, which is no metadata column of the run."]


def test_labels_are_a_key_of_a_run(tmp_path: Path) -> None:
    scenario = write_demo(tmp_path / "demo", 4)
    text = scenario.read_text(encoding="utf-8")
    (name, *_) = read_scenario(scenario).runs
    scenario.write_text(
        text.replace(f"  {name}:\n", f"  {name}:\n    labels: {{in.tenure: ownership}}\n", 1)
    )
    assert read_scenario(scenario).run(name).labels == {"in.tenure": "ownership"}


def test_heating_and_income_come_first(runs: dict[str, Path]) -> None:
    run = read_run(runs[TOU])
    found, _ = segments(run.homes, {"tariff": run.tariff_of}, run.labels)
    assert [s.name for s in found][:4] == ["heat pump", "heating", "income [$/year]", "tariff"]


# Exports


def test_net_metering_credits_the_retail_rate(page_of: Callable[..., Path]) -> None:
    page = page_of(TOU)
    rates = written(page, "energy_rates")
    assert (rates["Export credit [$/kWh]"] == rates["Rate [$/kWh]"]).all()
    assert (rates["Rate [$/kWh]"] > 0).all()
    words = written(page, "rates_in_words")["Rates"]
    assert words.str.endswith("Exports are credited at the retail rate.").all()


def test_a_credit_is_what_the_record_tells(runs: dict[str, Path]) -> None:
    key, tariff = next(iter(read_run(runs[FLAT]).tariffs.items()))
    rate = tariff.rate[:, 0]
    half = exports_of({"exports": {"style": "net_metering", "by_tariff": {key: [0.5]}}}, {})
    assert half.credit(tariff) == pytest.approx(0.5 * rate)
    assert half.words(tariff) == "exports are credited at 50% of the retail rate"
    billed = exports_of({"exports": {"style": "net_billing", "by_tariff": {key: [0.03]}}}, {})
    assert billed.credit(tariff) == pytest.approx([0.03])
    assert Exports().credit(tariff) == pytest.approx([0.0])
    assert "not credited" in Exports().words(tariff)
    # Records from before they told.
    of_scenario = {"solar_pv_compensation": "net_metering", "path_resstock_loads": "x"}
    assert exports_of({}, of_scenario).credit(tariff) == pytest.approx(rate)
    assert np.isnan(exports_of({}, {"solar_pv_compensation": "net_billing"}).credit(tariff)).all()


def test_a_run_records_what_its_exports_are_credited_with(tmp_path: Path) -> None:
    scenario = write_demo(tmp_path / "demo", 4)
    text = scenario.read_text(encoding="utf-8").replace("net_metering", "net_billing")
    scenario.write_text(
        text.replace("net_billing", "net_billing\n    solar_pv_export_import_ratio: 0.4")
    )
    run = cairo.run(scenario, FLAT, backend="pandas", workers=1)
    given = json.loads(Path(run.info["settings"]["path_tariffs_electric"]["all"]).read_text())
    rate = given["items"][0]["energyratestructure"][0][0]
    rate = rate["rate"] + rate.get("adj", 0.0)
    exports = read_run(run.path).exports
    (tariff,) = (parse_tariff(key, one) for key, one in run.tariffs.items())
    assert exports.credit(tariff) == pytest.approx([0.4 * rate])


# What is remarked on


def test_a_default_run_that_misses_its_requirement_is_remarked_on(runs: dict[str, Path]) -> None:
    run = runs[MIXED]
    record = json.loads((run / "run.json").read_text())
    revenue = record["summary"]["revenue"]
    summary = record["summary"] | {"revenue_requirement": revenue / (1 - 0.024)}
    change_record(run, summary=summary)
    (text,) = remarks_of(read_run(run))
    assert "2.4% less than the requirement" in text
    assert text.endswith("The run bills its tariffs as they are.")
    assert remarks_of(read_run(runs[TOU])) == []


def test_a_rate_of_half_a_cent_is_remarked_on(runs: dict[str, Path]) -> None:
    place = runs[FLAT] / "tariff_final_config.json"
    tariffs = json.loads(place.read_text())
    (key,) = tariffs
    tariffs[key]["ur_ec_tou_mat"][0][4] = 0.0047
    place.write_text(json.dumps(tariffs))
    said = f"Tariff {key} has energy rates below 0.01 or above 1 $/kWh: 0.004700 in period 1"
    assert any(text.startswith(said) for text in remarks_of(read_run(runs[FLAT])))


# Income


@pytest.mark.parametrize(
    ("text", "income"),
    [("65000", 65e3), ("40000-44999", 42499.5), ("<10000", 5e3), ("200000+", 2e5), ("10,000", 1e4)],
)
def test_incomes_are_read_as_metadata_word_them(text: str, income: float) -> None:
    assert income_of(text) == income


def test_what_names_no_income_is_unknown() -> None:
    assert np.isnan([income_of(text) for text in ("", "None", "Not Available", "1-2-3")]).all()


def test_a_burden_is_the_bills_of_a_group_over_its_income(
    made: dict[str, Path], page_of: Callable[..., Path]
) -> None:
    runs, table = made, written(page_of(FLAT, TOU), "burden")
    row = table[table["Design"] == f"A: {FLAT}"].set_index("Income").loc["All customers"]
    homes = pd.read_csv(runs[FLAT] / "customer_metadata.csv").set_index("bldg_id")
    weight, income = homes["weight"], homes["in.income"].map(income_of)
    bill = annual(runs[FLAT], "comb")[homes.index]
    assert row["Share of income [share]"] == pytest.approx(
        (weight * bill).sum() / (weight * income).sum()
    )
    assert row["Pay more than 6% [share]"] == pytest.approx(
        weight[bill > 0.06 * income].sum() / weight.sum()
    )


def test_a_stock_without_income_has_no_section_of_it(runs: dict[str, Path]) -> None:
    place = runs[FLAT] / "customer_metadata.csv"
    pd.read_csv(place).drop(columns="in.income").to_csv(place, index=False)
    assert income(designs_of([read_run(runs[FLAT])])) is None


def test_columns_of_bill_alignment_nobody_knows_are_shown(runs: dict[str, Path]) -> None:
    for run in (runs[FLAT], runs[TOU]):
        frame = pd.read_csv(run / BAT)
        change_csv(run / BAT, BAT_new=frame["BAT_vol"], BAT_vol_other=frame["BAT_vol"])
    designs = designs_of([read_run(runs[FLAT]), read_run(runs[TOU])])
    assert designs.allocations == [*ALLOCATIONS, "BAT_new", "BAT_vol_other"]


def test_designs_of_one_run_are_its_own_homes(runs: dict[str, Path]) -> None:
    run = read_run(runs[FLAT])
    designs: Designs = designs_of([run])
    assert designs.homes["bldg_id"].tolist() == run.homes["bldg_id"].tolist()
    assert designs.others == ()
