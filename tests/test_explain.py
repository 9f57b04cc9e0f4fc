"""`cairo explain`: one home's bill, line by line, and what it says when it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import cairo
from cairo.commands import terminal
from cairo.errors import CairoError
from cairo.model.tariff import parse_tariff
from cairo.rates_tool import system_revenues
from cairo.results.explain import explain
from cairo.results.rate_words import tariff_words
from cairo.results.report import write_report
from tests.cairo_command import Command
from tests.strategies import NO_LIMIT, tariff_dict
from tests.whole_runs import IN_PROCESS, Demo, contents, make_demo

MIXED = "demo_mixed_default"
SETTINGS = IN_PROCESS | {
    "backend": "dask_dataframe",
    "process_workers": 1,
    "utility_tax_rate": 0.07,
    "energy_surcharge_rate": 0.001,
    "low_income_strategy": "generic",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    source = make_demo(tmp_path_factory.mktemp("made") / "demo", 8)
    demo = Demo(source, tmp_path_factory.mktemp("explain") / "demo")
    demo.settings(SETTINGS, MIXED)
    return demo


@pytest.fixture(scope="module")
def run(demo: Demo) -> cairo.Run:
    return cairo.open_run(demo.run(MIXED))


def on_tariff(run: cairo.Run, key: str) -> int:
    homes = pd.read_csv(run.path / "tariff_map.csv")
    return int(homes.loc[homes["tariff_key"] == key, "bldg_id"].iloc[0])


def bills_of(run: cairo.Run, bldg_id: int) -> pd.Series:
    bills = run.bills[run.bills["bldg_id"] == bldg_id]
    return bills.set_index(bills["month"].astype(str))["bill_level"]


def test_dollars_by_month_add_to_the_bills(run: cairo.Run) -> None:
    for bldg_id in run.metadata["bldg_id"]:
        table = run.explain(bldg_id)
        bills = bills_of(run, bldg_id)
        assert table.loc["bill"].tolist() == pytest.approx(bills[table.columns].tolist())
        parts = table.drop("bill")
        assert parts.sum().tolist() == pytest.approx(bills[table.columns].tolist())
        assert parts.index.is_unique and "other" not in parts.index


def test_lines_are_quantity_times_rate(run: cairo.Run) -> None:
    bldg_id = on_tariff(run, "hp_tou")
    for month, name in ((None, "Annual"), (7, "Jul")):
        lines = explain(run, bldg_id).lines(month).drop("bill")
        product = lines["quantity"] * lines["rate"]
        assert product.tolist() == pytest.approx(lines["dollars"].tolist())
        assert lines["dollars"].sum() == pytest.approx(bills_of(run, bldg_id)[name])
    # July has the two summer periods of the tariff.
    energy = [name for name in run.explain(bldg_id, 7).index if name.startswith("energy")]
    assert energy == ["energy, period 3", "energy, period 4"]


def test_the_command_prints_a_bill_that_can_be_checked_by_hand(
    run: cairo.Run, command: Command
) -> None:
    bldg_id = on_tariff(run, "tiered")
    said = command("explain", run.path, bldg_id, "--month", "jan")
    assert said.code == 0 and said.errors == []
    head, *lines = said.output.splitlines()
    assert head == f"building {bldg_id}, tariff tiered, run {MIXED}"
    assert max(map(len, lines)) < 80
    at = lines.index("item\tquantity\tunit\trate\tdollars")
    assert lines[at - 1] == "bill of Jan"
    rows = [line.split("\t") for line in lines[at + 1 : lines.index("", at)]]
    amounts = {name: (quantity, rate, dollars) for name, quantity, _, rate, dollars in rows}
    quantity, rate, dollars = amounts["energy, period 1, tier 1"]
    assert float(quantity) * float(rate.split()[0]) == pytest.approx(float(dollars), abs=0.01)
    bill = float(amounts.pop("bill")[2])
    assert sum(float(row[2]) for row in amounts.values()) == pytest.approx(bill, abs=0.05)
    assert bill == round(bills_of(run, bldg_id)["Jan"], 2)
    # Bill less burden less share is the alignment, for each allocation.
    table = [line.split("\t") for line in lines[lines.index("", at) + 2 :]]
    assert table[0] == ["residual", "bill", "burden", "share", "alignment"]
    assert [row[0] for row in table[1:]] == ["volumetric", "peak", "per customer", "epmc"]
    for row in table[1:]:
        paid, burden, share, alignment = (float(cell.replace(",", "")) for cell in row[1:])
        assert paid - burden - share == pytest.approx(alignment, abs=0.02)


def test_the_year_has_a_table_by_month(run: cairo.Run, command: Command) -> None:
    bldg_id = on_tariff(run, "flat")
    lines = command("explain", run.path, bldg_id).output.splitlines()
    at = lines.index("bill by month [$]")
    head, rows = lines[at + 1].split("\t"), [line.split("\t") for line in lines[at + 2 :]]
    assert head == ["item", *bills_of(run, bldg_id).index]
    last = next(row for row in rows if row[0] == "bill")
    shown = [float(cell.replace(",", "")) for cell in last[1:]]
    assert shown == pytest.approx(bills_of(run, bldg_id).round(2).tolist())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["1"], "has no building 1; the nearest of its 8 ("),
        (["1", "--month", "13"], "--month is '13', expected 1 to 12 or Jan to Dec"),
        (["1", "--month", "Ju"], "--month is 'Ju', expected 1 to 12 or Jan to Dec"),
    ],
)
def test_what_cannot_be_explained_is_one_line(
    run: cairo.Run, command: Command, arguments: list[str], said: str
) -> None:
    ended = command("explain", run.path, *arguments)
    assert ended.code == 2 and ended.output == ""
    (error,) = ended.errors
    assert error.startswith("error: ") and said in error


def test_the_nearest_homes_are_named(run: cairo.Run) -> None:
    ids = sorted(run.metadata["bldg_id"])
    with pytest.raises(CairoError, match=r"^month is 0, expected 1 to 12$"):
        run.explain(ids[0], 0)
    with pytest.raises(CairoError, match=f"are {ids[2]} and {ids[3]}$"):
        run.explain((ids[2] + ids[3]) // 2)


@pytest.mark.slow
def test_determinants_of_another_run_are_an_error(run: cairo.Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    path = copy / "billing_determinants.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("dollars")
    twice = table["dollars"].to_numpy() * 2.0
    pq.write_table(table.set_column(place, "dollars", [twice]), path)
    bldg_id = on_tariff(run, "flat")
    with pytest.raises(CairoError, match=r"the files are not of one run$"):
        cairo.open_run(copy).explain(bldg_id)
    path.unlink()
    with pytest.raises(CairoError, match=r"billing_determinants\.parquet cannot be read"):
        cairo.open_run(copy).explain(bldg_id)
    # A directory of an earlier version is reported without them.
    assert "by its parts" not in write_report(copy, output=tmp_path / "old.html").read_text()


def test_what_a_callers_own_function_adds_is_told(
    monkeypatch: pytest.MonkeyPatch, demo: Demo, command: Command
) -> None:
    original = system_revenues.run_system_revenues
    monkeypatch.setattr(
        system_revenues,
        "run_system_revenues",
        lambda *given, **named: original(*given, **named) + 1.0,
    )
    place = demo.run(MIXED, backend="pandas")
    said = command("explain", place, on_tariff(cairo.open_run(place), "flat")).output
    (line,) = (line for line in said.splitlines() if line.startswith("other\t12"))
    # The tax on it is among the taxes.
    assert line.split("\t")[-1] == "12.00"
    assert "a function in the place of CAIRO's own made this bill" in " ".join(said.split())


@pytest.mark.slow
def test_the_report_splits_the_mean_bill_in_its_parts(run: cairo.Run, tmp_path: Path) -> None:
    page = write_report(run.path, output=tmp_path / "report.html").read_text("utf-8")
    rows = run.determinants.merge(run.metadata[["bldg_id", "weight"]], on="bldg_id")
    july = rows[(rows["month"] == 7) & (rows["item"] == "energy")]
    mean = (july["weight"] * july["dollars"]).sum() / run.metadata["weight"].sum()
    table = page[page.index("Mean electric bill of the customers by its parts [$ a month].") :]
    assert f"${mean:,.2f}" in table[: table.index("</table>")]


def test_tariffs_in_words() -> None:
    rows = [
        [1, 1, 300.0, 0, 0.1, 0.02, 0.0],
        [1, 2, NO_LIMIT, 0, 0.2, 0.0, 0.0],
        [2, 1, NO_LIMIT, 0, 0.3, 0.0, 0.0],
        [3, 1, NO_LIMIT, 0, 0.9, 0.0, 0.0],
    ]
    day = [1] * 16 + [2] * 5 + [1] * 3
    words = tariff_words(
        parse_tariff(
            "t",
            tariff_dict(
                rows,
                [day] * 12,
                [[1] * 24] * 12,
                ur_monthly_fixed_charge=10.0,
                ur_monthly_min_charge=15.0,
                ur_dc_enable=1,
                ur_dc_flat_mat=[[m, 1, NO_LIMIT, 4.0 if m < 6 else 5.0] for m in range(12)],
            ),
        )
    )
    assert words == [
        "Fixed charge $10.00 a month; minimum bill $15.00 a month",
        "energy, period 1 (All year: weekdays 21:00-16:00; weekends all day): 0.12 $/kWh up to "
        "300 kWh a month, then 0.2 $/kWh",
        "energy, period 2 (All year: weekdays 16:00-21:00): 0.3 $/kWh",
        "demand, Jan-Jun: 4 $/kW of the month's highest hour",
        "demand, Jul-Dec: 5 $/kW of the month's highest hour",
    ]


def test_a_table_of_many_numbers_is_drawn_in_tables_that_fit() -> None:
    head = ["item", *(f"m{n}" for n in range(13))]
    rows = [["energy, period 1", *["123.45"] * 13]]
    tables = terminal._fitting(head, rows, 1, 80)
    assert [table[0] for table in tables] == [0, 0]
    assert [c for table in tables for c in table[1:]] == list(range(1, 14))
    assert terminal._fitting(head, rows, 1, 300) == [list(range(14))]
    assert terminal._fitting(head, rows, None, 80) == [list(range(14))]
    # However narrow, a number is shown.
    assert len(terminal._fitting(head, rows, 1, 5)) == 13


def test_explaining_writes_nothing(run: cairo.Run, command: Command) -> None:
    before = contents(run.path)
    command("explain", run.path, on_tariff(run, "flat"))
    assert contents(run.path) == before
