"""The report page: its numbers from the run's files, and what a real browser makes of it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cairo
from cairo.errors import CairoError, OutputError
from cairo.rates_tool.run_files import DETERMINANTS
from cairo.results.report import write_report
from cairo.results.report.numbers import (
    ALL,
    dollars,
    energy,
    group_numbers,
    percent,
    short_dollars,
    weighted_quantile,
)
from cairo.results.report.segments import segments
from cairo.runs.demo import write_demo

HOMES = 16
DOI = "https://doi.org/10.1016/j.jup.2023.101539"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Path, Path]:
    scenario = write_demo(tmp_path_factory.mktemp("report") / "demo", HOMES)
    return tuple(
        cairo.run(scenario, name, backend="pandas", workers=1).path
        for name in ("demo_flat_precalc", "demo_hp_tou_precalc")
    )


@pytest.fixture
def flat(pair, tmp_path) -> Path:
    return Path(shutil.copytree(pair[0], tmp_path / "flat"))


@pytest.fixture
def tou(pair, tmp_path) -> Path:
    return Path(shutil.copytree(pair[1], tmp_path / "tou"))


def rows_of(page: Path, caption: str) -> list[list[str]]:
    """The body rows, as text, of the table with a caption."""
    text = page.read_text(encoding="utf-8")
    table = next(
        part
        for part in re.split("<table[^>]*>", text)
        if part.startswith(f"<caption>{caption}</caption>")
    )
    body = table[table.index("</thead>") : table.index("</table>")]
    return [
        [
            html.unescape(re.sub("<[^>]+>", "", cell))
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row)
        ]
        for row in re.findall(r"<tr.*?</tr>", body)
    ]


def number(text: str) -> float:
    return float(re.sub(r"[$,%]", "", text).replace("−", "-"))


def homes_of(run: Path) -> pd.DataFrame:
    bat = pd.read_csv(run / "cross_subsidization" / "cross_subsidization_BAT_values.csv")
    metadata = pd.read_csv(run / "customer_metadata.csv")
    return metadata.merge(bat.drop(columns="weight", errors="ignore"), on="bldg_id")


def test_revenue_by_tariff_is_the_weighted_sum_of_its_homes_bills(tou):
    bills = pd.read_csv(tou / "bills" / "elec_bills_year_run.csv")
    annual = bills[bills["month"] == "Annual"]
    keys = pd.read_csv(tou / "tariff_map.csv").set_index("bldg_id")["tariff_key"]
    dollars_of = (annual["weight"] * annual["bill_level"]).groupby(
        annual["bldg_id"].map(keys).to_numpy()
    )
    shown = rows_of(write_report(tou), "Electric bills of all customers in the year.")
    assert {row[0]: number(row[2]) for row in shown[:-1]} == dict(dollars_of.sum().round())
    assert number(shown[-1][2]) == round((annual["weight"] * annual["bill_level"]).sum())
    assert shown[-1][4] == "$0.00"


def test_costs_add_up_to_the_requirement(flat):
    shown = {row[0]: number(row[1]) for row in rows_of(write_report(flat), "Costs by type.")}
    required = json.loads((flat / "run.json").read_text())["summary"]["revenue_requirement"]
    total = shown["Total Marginal Costs"] + shown["Residual Costs"]
    assert shown["Total System Costs"] == pytest.approx(required, abs=1)
    assert total == pytest.approx(required, abs=2)


@pytest.mark.parametrize("allocation", ["BAT_vol", "BAT_peak", "BAT_percustomer", "BAT_epmc"])
def test_the_segment_table_holds_weighted_means_and_shares(flat, allocation):
    homes = homes_of(flat)
    column = "postprocess_group.has_hp"
    rows = rows_of(write_report(flat), "Bill alignment [$ a customer and year] by heat pump.")
    order = ["BAT_vol", "BAT_peak", "BAT_percustomer", "BAT_epmc"]
    size = len(rows) // len(order)
    mine = rows[order.index(allocation) * size :][1:size]
    words = homes[column].map({True: "yes", False: "no"})
    groups = dict(list(homes.groupby(words)))
    assert len(mine) == len(groups) + 1
    for name, customers, over, _, under, _, mean, _, total in mine:
        group = homes if name == ALL else groups[name]
        weight, value = group["weight"], group[allocation]
        assert number(customers) == round(weight.sum())
        assert number(over) == pytest.approx(
            100 * weight[value > 0].sum() / weight.sum(), abs=0.051
        )
        assert number(under) == pytest.approx(
            100 * weight[value < 0].sum() / weight.sum(), abs=0.051
        )
        assert number(mean) == pytest.approx((weight * value).sum() / weight.sum(), abs=0.006)
        if "million" not in total:
            assert number(total) == pytest.approx((weight * value).sum(), abs=0.6)


def test_months_show_the_customers_quartiles(flat):
    bills = pd.read_csv(flat / "bills" / "elec_bills_year_run.csv")
    july = bills[bills["month"] == "Jul"]
    repeated = np.repeat(july["bill_level"], np.round(july["weight"]).astype(int))
    row = rows_of(write_report(flat), "Bills of the customers [$ a month].")[6]
    assert row[0] == "Jul"
    assert [number(cell) for cell in row[1:4]] == pytest.approx(
        np.quantile(repeated, [0.25, 0.5, 0.75], method="averaged_inverted_cdf"), abs=0.006
    )


def test_two_runs_show_the_change_of_each_groups_bills(flat, tou):
    bills = [
        pd.read_csv(run / "bills" / "elec_bills_year_run.csv").query("month == 'Annual'")
        for run in (flat, tou)
    ]
    both = bills[0].merge(bills[1], on="bldg_id")
    change = both["bill_level_y"] - both["bill_level_x"]
    keys = both["bldg_id"].map(
        pd.read_csv(tou / "tariff_map.csv").set_index("bldg_id")["tariff_key"]
    )
    page = write_report(flat, tou)
    caption = "Change of annual bills, B minus A [$ a customer] by tariff under B."
    shown = {row[0]: number(row[6]) for row in rows_of(page, caption)[1:]}
    for key in set(keys):
        mine = keys == key
        mean = np.average(change[mine], weights=both["weight_x"][mine])
        assert shown[key] == pytest.approx(mean, abs=0.006)
    assert page == flat / "report_vs_tou.html"


def test_a_run_against_itself_changes_nothing(flat, pair):
    page = write_report(flat, pair[0])
    caption = "Change of annual bills, B minus A [$ a customer] by heat pump."
    row = rows_of(page, caption)[-1]
    assert [row[2], row[4], row[6]] == ["0.0%", "0.0%", "$0.00"]


def test_the_highlighted_group_is_the_one_asked_for(flat):
    text = write_report(flat, group="in.has_pv=Yes").read_text(encoding="utf-8")
    assert "solar: yes, in % of these customers" in text
    assert "heat pump: yes" not in text


def test_nothing_outside_the_file_is_asked_for(flat, tou):
    for page in (write_report(flat), write_report(flat, tou)):
        text = page.read_text(encoding="utf-8")
        addresses = set(re.findall(r"https?://[^\"'<> )]+", text))
        assert addresses - {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"} == {DOI}
        assert not re.search(r"<(link|img|iframe|object|script src)|@import|url\((?!#)", text)


def test_the_same_run_gives_the_same_bytes(flat, tmp_path):
    one, two = (write_report(flat, output=tmp_path / name) for name in ("1.html", "2.html"))
    assert one.read_bytes() == two.read_bytes()


def test_names_from_the_run_are_text_not_markup(flat):
    place = flat / "customer_metadata.csv"
    homes = pd.read_csv(place)
    homes["in.note"] = "<script>alert(1)</script>"
    homes.to_csv(place, index=False)
    text = write_report(flat).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def dumped(page: Path, fragment: str, folder: Path) -> tuple[str, str]:
    """What Chromium's document is after its scripts ran, and what it logged."""
    done = subprocess.run(
        [
            str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            f"--user-data-dir={folder}", "--virtual-time-budget=3000", "--dump-dom",
            page.as_uri() + fragment,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


@needs_browser
def test_a_browser_shows_one_column_at_a_time_and_follows_links(flat, tmp_path):
    page = write_report(flat)
    names = re.findall(r'data-segment id="(by-\d+)"', page.read_text(encoding="utf-8"))
    assert len(names) > 2
    for fragment, chosen in (("", names[0]), (f"#{names[2]}", names[2])):
        dom, logged = dumped(page, fragment, tmp_path / chosen)
        assert "CONSOLE" not in logged  # an error, or something its policy refused
        seen = re.findall(r'<div data-segment="" id="(by-\d+)"(?: class="(\w*)")?', dom)
        assert [name for name, kind in seen if kind != "away"] == [chosen]


@needs_browser
def test_a_browser_finds_nothing_to_refuse_in_two_runs(flat, tou, tmp_path):
    dom, logged = dumped(write_report(flat, tou), "", tmp_path / "profile")
    assert "CONSOLE" not in logged
    assert '<html lang="en" class="js">' in dom


@pytest.mark.parametrize(
    "name",
    [
        "run.json",
        "customer_metadata.csv",
        "tariff_map.csv",
        "tariff_final_config.json",
        "system_hourly.csv",
        "costs_by_type.csv",
        "cross_subsidization/cross_subsidization_BAT_values.csv",
        "bills/elec_bills_year_run.csv",
    ],
)
@pytest.mark.parametrize("damage", ["missing", "garbled", "empty"])
def test_a_missing_or_broken_file_is_named(flat, name, damage):
    place = flat / name
    if damage == "missing":
        place.unlink()
    else:
        place.write_bytes(b"\xff\x00\x81{" if damage == "garbled" else b"")
    with pytest.raises(CairoError, match=re.escape(str(place))) as caught:
        write_report(flat)
    assert "\n" not in str(caught.value)
    assert not (flat / "report.html").exists()


@pytest.mark.parametrize(
    ("group", "says"),
    [
        ("in.has_pv", "expected COLUMN=VALUE"),
        ("in.age=3", "expected COLUMN=VALUE with one of"),
        ("in.has_pv=Maybe", "no home has it; in.has_pv has No, Yes"),
    ],
)
def test_a_group_that_is_not_there_is_said(flat, group, says):
    with pytest.raises(CairoError, match=re.escape(says)):
        write_report(flat, group=group)


def test_runs_without_a_home_in_common_are_not_compared(flat, tou):
    for name in ("customer_metadata.csv", "tariff_map.csv"):
        frame = pd.read_csv(tou / name)
        frame.assign(bldg_id=frame["bldg_id"] + 10**7).to_csv(tou / name, index=False)
    for place in [*(tou / "bills").glob("*year_run.csv"), next(tou.rglob("*BAT_values.csv"))]:
        frame = pd.read_csv(place)
        frame.assign(bldg_id=frame["bldg_id"] + 10**7).to_csv(place, index=False)
    (tou / DETERMINANTS).unlink()
    with pytest.raises(CairoError, match="designs are compared on the same homes"):
        write_report(flat, tou)


def test_a_page_that_cannot_be_written_is_an_error(flat, tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        write_report(flat, output=tmp_path / "absent" / "page.html")


def test_quantiles_count_customers_not_homes():
    values, weight = np.array([30.0, 10.0, 20.0]), np.array([1.0, 5.0, 2.0])
    assert weighted_quantile(values, weight, (0.25, 0.5, 0.75, 1.0)).tolist() == [10, 10, 20, 30]
    assert weighted_quantile(values, np.ones(3), (0.5,)).tolist() == [20]
    assert weighted_quantile(np.array([1.0, 3.0]), np.ones(2), (0.5,)).tolist() == [2]
    assert np.isnan(weighted_quantile(values, np.zeros(3), (0.5,))).all()


def test_group_numbers_by_hand():
    values, weight = np.array([10.0, -2.0, 0.004, 6.0]), np.array([1.0, 3.0, 2.0, 2.0])
    rows = group_numbers(values, weight, ("a", "b"), np.array([0, 0, 1, 1]))
    a, b, everyone = rows
    assert (a.over, a.over_mean, a.under, a.under_mean) == (0.25, 10, 0.75, -2)
    assert (a.mean, a.total, a.median) == (1, 4, -2)
    assert (b.over, b.under, b.over_mean) == (0.5, 0, 6)
    assert everyone.customers == 8
    assert everyone.total == pytest.approx(4 + 12.008)


def test_numeric_columns_are_grouped_by_fifths_of_the_customers():
    homes = pd.DataFrame(
        {"bldg_id": range(20), "weight": 1.0, "in.sqft": [str(100 * n) for n in range(20)]}
    )
    found, left_out = segments(homes, {"tariff": np.array(["t"] * 20)})
    assert [(s.column, s.note) for s in found] == [("in.sqft", "fifths of the customers")]
    assert np.bincount(found[0].code).tolist() == [4, 4, 4, 4, 4]
    assert not left_out


def test_numbers_are_written_as_in_a_filing():
    assert dollars(-1234.5) == "−$1,234"
    assert dollars(-0.2) == "$0"
    assert short_dollars(914_812_201) == "$914.8 million"
    assert short_dollars(-2.5e9) == "−$2.50 billion"
    assert percent(0.6036) == "60.4%"
    assert energy(5_188_900_000) == "5,188.9 GWh"


def test_a_page_of_hundreds_of_tariffs_can_be_opened(flat):
    """Those of most customers have their rates in full, the others a row each."""
    path = flat / "tariff_final_config.json"
    one = next(iter(json.loads(path.read_text()).values()))
    rng = np.random.default_rng(1)
    one["ur_ec_tou_mat"] = [
        [period, tier, 100.0 * tier if tier < 4 else 1e38, 0, 0.01 * period, 0.0, 0.0]
        for period in range(1, 13)
        for tier in range(1, 5)
    ]
    for day in ("ur_ec_sched_weekday", "ur_ec_sched_weekend"):
        one[day] = rng.integers(1, 13, (12, 24)).tolist()
    keys = [f"t{number:03}" for number in range(500)]
    path.write_text(json.dumps(dict.fromkeys(keys, one)))
    homes = pd.read_csv(flat / "tariff_map.csv").assign(tariff_key=keys[-HOMES:])
    homes.to_csv(flat / "tariff_map.csv", index=False)
    page = write_report(flat)
    assert page.stat().st_size < 2_500_000
    caption = "Tariffs of fewer customers, in short; tariff_final_config.json has their rates."
    rows = rows_of(page, caption)
    assert len(rows) == 460
    assert rows[-1][1] == "0" and rows[-1][3:5] == ["0.010000", "0.120000"]
