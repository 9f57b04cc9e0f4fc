"""The page of one run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from cairo.model.allocations import basis_label, label
from cairo.model.arrays import Float1D
from cairo.model.names import (
    CAPACITY_PRICE,
    DISTRIBUTION_PRICE,
    HOURS,
    RESIDUAL_COSTS,
    TOTAL_MARGINAL_COSTS,
    TOTAL_SYSTEM_COSTS,
    months,
)
from cairo.results.report import charts
from cairo.results.report.data import FUELS, RunData
from cairo.results.report.numbers import (
    ALL,
    GroupNumbers,
    Highlight,
    Segment,
    count,
    dollars,
    energy,
    group_numbers,
    highlight,
    percent,
    power,
    segments,
    short_dollars,
)
from cairo.results.report.page import (
    Html,
    cards,
    chooser,
    document,
    esc,
    figure,
    heading,
    join,
    paragraph,
    row_html,
    section,
    table,
    table_of,
)
from cairo.results.report.parts import part_tables
from cairo.results.report.rates import rate_tables
from cairo.results.report.response import response

RESPONSE = "Response to price"


def single_page(run: RunData, group: str | None = None) -> str:
    """The whole page."""
    chosen = highlight(run.homes, group)
    body = join(
        [
            section("summary", "In short", *remarks(run), headline(run)),
            section("revenue", "Revenue and requirement", revenue(run)),
            section("alignment", "Bill alignment", *alignment(run, chosen)),
            section("segments", "Bill alignment by segment", *segment_tables(run)),
            section("system", "System load and marginal cost hours", *system(run)),
            *([] if run.response is None else [section("response", RESPONSE, *response(run))]),
            section("bills", "Bills by month", *bills(run)),
            section("rates", "Final rates", *rate_tables(run.tariffs, run.customers_by_tariff)),
            section("made", "How this run was made", *made(run.record)),
        ]
    )
    sections = [
        ("summary", "In short"),
        ("revenue", "Revenue"),
        ("alignment", "Bill alignment"),
        ("segments", "Segments"),
        ("system", "System load"),
        *([] if run.response is None else [("response", "Response")]),
        ("bills", "Bills"),
        ("rates", "Rates"),
        ("made", "How it was made"),
    ]
    return document("Rate design report", run.name, facts(run), sections, body)


def facts(run: RunData) -> str:
    """What the run is of, in a line."""
    parts = [f"{count(len(run.homes))} modelled homes for {count(run.customers)} customers"]
    if run.dollar_year:
        parts.append(f"{run.dollar_year} dollars")
    if run.record.get("started"):
        parts.append(f"run of {str(run.record['started'])[:10]}")
    return ", ".join(parts)


def remarks(run: RunData) -> list[Html]:
    """What a reader should know first, as the run has noted it."""
    summary = run.record.get("summary")
    noted = summary.get("remarks") if isinstance(summary, Mapping) else None
    return [paragraph(str(one), "remark") for one in noted] if isinstance(noted, list) else []


def headline(run: RunData) -> Html:
    """The numbers asked for first."""
    load = run.hours["system_load_kwh"].to_numpy()
    peak = int(np.argmax(load))
    when = run.hours["time"].iloc[peak]
    elec = run.bills["elec"].annual
    mean_bill = math.fsum(run.weight * elec) / run.customers
    marginal = run.costs.get(TOTAL_MARGINAL_COSTS, math.nan)
    return cards(
        [
            (
                "Revenue recovered",
                short_dollars(run.revenue),
                f"of {short_dollars(run.requirement)} required "
                f"({percent(_ratio(run.revenue, run.requirement), 2)})",
            ),
            (
                "Marginal costs",
                short_dollars(marginal),
                f"{percent(_ratio(marginal, run.requirement))} of the requirement",
            ),
            (
                "Residual",
                short_dollars(run.residual),
                f"{percent(_ratio(run.residual, run.requirement))} of the requirement",
            ),
            (
                "System peak",
                power(float(load[peak])),
                f"hour beginning {when:%d %B, %H:%M}, local standard time",
            ),
            ("Energy", energy(float(load.sum())), "net of generation at home, in the year"),
            ("Mean electric bill", dollars(mean_bill), "a customer and year"),
        ]
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def revenue(run: RunData) -> Html:
    """Weighted bills beside the requirement, by tariff where it is set so."""
    elec, weight = run.bills["elec"].annual, run.weight
    rows = []
    if len(run.tariffs) > 1:
        for key in run.tariffs:
            mine = run.tariff_of == key
            if mine.any():
                rows.append(
                    _revenue_row(
                        key, weight[mine], elec[mine], run.requirement_by_tariff.get(key, math.nan)
                    )
                )
    rows.append(_revenue_row(ALL, weight, elec, run.requirement))
    return table(
        ["Tariff", "Customers", "Weighted bills", "Requirement", "Difference", "Mean bill"],
        rows,
        caption="Electric bills of all customers in the year.",
        last_is_total=True,
    )


def _revenue_row(name: str, weight: Float1D, bills: Float1D, requirement: float) -> list[str]:
    collected, customers = math.fsum(weight * bills), math.fsum(weight)
    return [
        name,
        count(customers),
        dollars(collected),
        dollars(requirement),
        dollars(collected - requirement, 2),
        dollars(_ratio(collected, customers)),
    ]


def alignment(run: RunData, chosen: Highlight | None) -> list[Html]:
    """What bill alignment is, and its distribution by allocation."""
    names = list(run.bat)
    explained = (
        "Bill alignment is a customer's bill minus the marginal cost of serving the customer "
        "minus a share of the residual costs. Above zero the customer pays more than the costs "
        "allocated to the customer; below zero, less. Weighted over all customers it adds up to "
        "the difference between revenue and total costs, which is zero when rates are calibrated."
    )
    drawing = charts.alignment_histograms(
        [(label(name), run.bat[name], run.weight) for name in names],
        [chosen.chosen if chosen else None] * len(names),
        chosen.label if chosen else None,
    )
    bases = "; ".join(f"{label(name).lower()}, by {basis_label(name)}" for name in names)
    return [
        paragraph(explained),
        figure(
            drawing,
            f"Customers by bill alignment, a panel an allocation of the residual: {bases}. The "
            "outermost bars hold all customers beyond them.",
        ),
    ]


def segment_tables(run: RunData) -> list[Html]:
    """Who pays over and who under, for every metadata column and allocation."""
    found, left_out = segments(run.homes, {"tariff": run.tariff_of})
    if not found:
        return [paragraph("The run keeps no metadata column to group customers by.")]
    names = {name: label(name) for name in run.bat}
    tables = [_segment(segment, run, names) for segment in found]
    intro = paragraph(
        "Customers are over or under when their bill alignment differs from zero by more than "
        "half a cent a year. Average alignment is the cross-subsidy per customer: what customers "
        "of the group pay on average to others (above zero) or receive (below zero)."
    )
    parts = [
        intro,
        chooser([(f"by-{n}", s.column) for n, s in enumerate(found)], "allocation", names),
        *[Html(f'<div data-segment id="by-{n}">{html}</div>') for n, html in enumerate(tables)],
    ]
    if left_out:
        text = f"Columns with too many values to be groups: {', '.join(left_out)}."
        parts.append(paragraph(text, "small"))
    return parts


SEGMENT_HEAD = (
    "Group", "Customers", "Over", "By on average", "Under", "By on average",
    "Average alignment", "Median", "Total",
)  # fmt: skip


def _segment(segment: Segment, run: RunData, names: Mapping[str, str]) -> Html:
    bodies = []
    for key, name in names.items():
        rows = group_numbers(run.bat[key], run.weight, segment)
        head = f'<tr class="head"><th colspan="{len(SEGMENT_HEAD)}">{esc(name)}</th></tr>'
        body = "".join(
            row_html(group_cells(row), (0,), "total" if row.group == ALL else "") for row in rows
        )
        bodies.append(f'<tbody data-part="{esc(key)}">{head}{body}</tbody>')
    note = f" ({segment.note})" if segment.note else ""
    return join(
        [
            heading(segment.column + note),
            table_of(bodies, SEGMENT_HEAD, f"Bill alignment [$ a customer and year] by "
                     f"{segment.column}.", (0,)),
        ]
    )  # fmt: skip


def group_cells(row: GroupNumbers) -> list[str]:
    """A group's numbers as the cells of `SEGMENT_HEAD`."""
    return [
        row.group,
        count(row.customers),
        percent(row.over),
        dollars(row.over_mean),
        percent(row.under),
        dollars(row.under_mean),
        dollars(row.mean, 2),
        dollars(row.median),
        short_dollars(row.total),
    ]


def system(run: RunData) -> list[Html]:
    """The year's load, the hours that cost, and the costs by type."""
    priced = [name for name in (CAPACITY_PRICE, DISTRIBUTION_PRICE) if name in run.hours]
    marked = np.zeros(HOURS, dtype=bool)
    for name in priced:
        marked |= run.hours[name].to_numpy() > 0
    rows = [
        [name.removesuffix(" ($)"), dollars(value), percent(_ratio(value, run.requirement))]
        for name, value in run.costs.items()
        if name not in (RESIDUAL_COSTS, TOTAL_SYSTEM_COSTS, TOTAL_MARGINAL_COSTS)
    ]
    for name in (TOTAL_MARGINAL_COSTS, RESIDUAL_COSTS, TOTAL_SYSTEM_COSTS):
        if name in run.costs:
            value = run.costs[name]
            share = percent(_ratio(value, run.requirement))
            rows.append([name.removesuffix(" ($)"), dollars(value), share])
    return [
        figure(
            charts.system_load(run.hours, marked),
            f"Weighted load of all homes, net of their generation. Orange: the "
            f"{int(marked.sum())} hours with a marginal capacity or delivery cost.",
        ),
        table(
            ["Cost", "In the year", "Of the requirement"],
            rows,
            caption="Costs by type.",
            last_is_total=True,
        ),
    ]


def bills(run: RunData) -> list[Html]:
    """Monthly quartiles of every fuel's bills, and the parts of the mean electric bill."""
    rows = []
    for number, month in enumerate(months):
        cells = [month]
        for fuel in run.bills.values():
            cells += [dollars(value, 2) for value in fuel.quartiles[number]]
        rows.append(cells)
    head = ["Month", *["Quarter below", "Median", "Quarter above"] * len(run.bills)]
    over = [("", 1), *[(FUELS[key], 3) for key in run.bills]]
    return [
        figure(
            charts.bills_by_month(dict(run.bills), FUELS),
            "Median bill of the customers, and the band that holds the middle half of them.",
        ),
        table(head, rows, caption="Bills of the customers [$ a month].", over=over),
        *part_tables(run.parts),
    ]


def made(record: Mapping[str, object]) -> list[Html]:
    """Settings, versions, times and inputs, as `run.json` has them."""
    seconds = record.get("timings_s")
    rows = [[name, f"{value:,.2f} s"] for name, value in _items(seconds)]
    memory = record.get("peak_memory_bytes")
    if isinstance(memory, int | float) and memory:
        rows.append(["peak memory", f"{memory / 1e9:,.2f} GB"])
    text: Sequence[int] = (0, 1)
    return [
        heading("Settings"),
        table(["Key", "Value"], _rows(record.get("settings")), text=text),
        heading("Time and memory"),
        table(["Stage", "Taken"], rows),
        heading("Versions and machine"),
        table(
            ["Package", "Version"],
            [*_rows(record.get("versions")), *_rows(record.get("machine"))],
            text=text,
        ),
        heading("Inputs"),
        table(["File", "SHA-256"], _rows(record.get("inputs"), code=True), text=text),
    ]


def _items(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _rows(value: object, code: bool = False) -> list[list[str]]:
    """Nested mappings as rows of dotted keys."""
    rows: list[list[str]] = []
    for key, item in _items(value):
        if isinstance(item, Mapping):
            rows += [[f"{key}.{inner}", shown] for inner, shown in _rows(item)]
        else:
            shown = "" if item is None else str(item)
            rows.append([str(key), Html(f"<code>{esc(shown)}</code>") if code else shown])
    return rows
