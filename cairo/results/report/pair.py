"""The page of two runs of the same homes side by side: two rate designs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cairo.errors import CairoError, listed
from cairo.model.allocations import label
from cairo.model.arrays import Float1D
from cairo.results.report import charts
from cairo.results.report.data import FUELS, RunData
from cairo.results.report.numbers import (
    ALL,
    EVEN,
    Segment,
    count,
    dollars,
    group_numbers,
    highlight,
    percent,
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
from cairo.results.report.rates import rate_tables
from cairo.results.report.single import SEGMENT_HEAD, group_cells, made


@dataclass(frozen=True)
class Pair:
    """Two runs whose homes are in one order: A's; `place` (n,) is where B has each."""

    a: RunData
    b: RunData
    place: np.ndarray

    def of_b(self, values: np.ndarray) -> np.ndarray:
        """(n,) of run B in A's order of homes."""
        own: np.ndarray = values[self.place]
        return own


def paired(a: RunData, b: RunData) -> Pair:
    """Match the homes of two runs by bldg_id.

    Raises
    ------
    CairoError
        A home is in one run only, or stands for other customers in the other.
    """
    for one, other in ((a, b), (b, a)):
        missing = sorted(set(one.homes["bldg_id"]) - set(other.homes["bldg_id"]))
        if missing:
            raise CairoError(
                f"run {other.path} has no buildings {listed(missing)} of run {one.path}: "
                "two rate designs are compared on the same homes"
            )
    order = np.argsort(b.homes["bldg_id"].to_numpy(), kind="stable")
    ids = b.homes["bldg_id"].to_numpy()[order]
    place = order[np.searchsorted(ids, a.homes["bldg_id"].to_numpy())]
    other_weight = ~np.isclose(a.weight, b.weight[place], rtol=1e-9, atol=0.0)
    if other_weight.any():
        odd = a.homes["bldg_id"].to_numpy()[other_weight].tolist()
        raise CairoError(
            f"buildings {listed(odd)} stand for other numbers of customers in {a.path} "
            f"and {b.path}: two rate designs are compared on the same customers"
        )
    return Pair(a, b, place)


def pair_page(a: RunData, b: RunData, group: str | None = None) -> str:
    """The whole page."""
    pair = paired(a, b)
    changes = _bill_changes(pair)
    body = join(
        [
            section("summary", "In short", _summary(pair, changes)),
            section("change", "Change of annual bills", *_changes(pair, changes, group)),
            section("segments", "Change by segment", *_segments(pair, changes)),
            section("alignment", "Bill alignment", *_alignment(pair, group)),
            section("rates", "Final rates", _side_by_side(
                join(rate_tables(a.tariffs, a.customers_by_tariff)),
                join(rate_tables(b.tariffs, b.customers_by_tariff)))),
            section("made", "How these runs were made",
                    _side_by_side(join(made(a.record)), join(made(b.record)))),
        ]
    )  # fmt: skip
    sections = [
        ("summary", "In short"),
        ("change", "Bill changes"),
        ("segments", "Segments"),
        ("alignment", "Bill alignment"),
        ("rates", "Rates"),
        ("made", "How they were made"),
    ]
    note = (
        f"A: {a.name}. B: {b.name}. {count(len(a.homes))} modelled homes for "
        f"{count(a.customers)} customers"
    )
    return document(
        "Two rate designs side by side", f"{a.name} and {b.name}", note, sections, body, wide=True
    )


def _bill_changes(pair: Pair) -> dict[str, Float1D]:
    """Annual bills, B minus A, by fuel; of electricity alone when no gas bill changes."""
    a, b = pair.a.bills, pair.b.bills
    changes = {key: pair.of_b(b[key].annual) - a[key].annual for key in a if key in b}
    moved = "gas" in changes and (np.abs(changes["gas"]) > EVEN).any()
    return changes if moved else {"elec": changes["elec"]}


def _side_by_side(left: Html, right: Html) -> Html:
    return Html(
        f'<div class="pair"><div><p class="note">A</p>{left}</div>'
        f'<div><p class="note">B</p>{right}</div></div>'
    )


def _summary(pair: Pair, changes: dict[str, Float1D]) -> Html:
    a, b = pair.a, pair.b
    everybody = group_numbers(changes["elec"], a.weight, _everybody(len(a.homes)))[-1]
    rows = [
        _both("Revenue requirement", a.requirement, b.requirement),
        _both("Revenue recovered", a.revenue, b.revenue),
        _both("Residual costs", a.residual, b.residual),
        _both("System peak [kW]", _peak(a), _peak(b), money=False),
    ]
    for key in (key for key in a.bills if key in b.bills):
        means = [math.fsum(run.weight * run.bills[key].annual) / run.customers for run in (a, b)]
        rows.append(_both(f"Mean bill, {FUELS[key].lower()} [$ a customer]", *means, places=2))
    return join(
        [
            cards(
                [
                    (
                        "Customers who pay more under B",
                        percent(everybody.over),
                        f"by {dollars(everybody.over_mean)} a year on average",
                    ),
                    (
                        "Customers who pay less under B",
                        percent(everybody.under),
                        f"by {dollars(-everybody.under_mean)} a year on average",
                    ),
                    (
                        "Median change",
                        dollars(everybody.median),
                        "of the annual electric bill, B minus A",
                    ),
                ]
            ),
            table(["", "A", "B", "B minus A"], rows, caption="The two runs."),
        ]
    )


def _both(name: str, a: float, b: float, *, money: bool = True, places: int = 0) -> list[str]:
    shown = (lambda value: dollars(value, places)) if money else count
    return [name, shown(a), shown(b), shown(b - a)]


def _peak(run: RunData) -> float:
    return float(run.hours["system_load_kwh"].max())


def _everybody(n: int) -> Segment:
    return Segment("", "", (), np.zeros(n, dtype=np.int64))


def _changes(pair: Pair, changes: dict[str, Float1D], group: str | None) -> list[Html]:
    chosen = highlight(pair.a.homes, group)
    drawing = charts.alignment_histograms(
        [(FUELS[key], change, pair.a.weight) for key, change in changes.items()],
        [chosen.chosen if chosen else None] * len(changes),
        chosen.label if chosen else None,
        columns=len(changes),
        name="change",
        xlabel="change of the annual bill [$]",
        title="Change of annual bills, B minus A",
    )
    return [
        figure(
            drawing,
            "Customers by the change of their annual bill, B minus A; above zero they pay more "
            "under B. The outermost bars hold all customers beyond them."
            + ("" if "gas" in changes else " No gas bill changes."),
        )
    ]


def _segments(pair: Pair, changes: dict[str, Float1D]) -> list[Html]:
    """Who gains and who loses, for every metadata column and fuel."""
    found, _ = segments(
        pair.a.homes,
        {"tariff under B": pair.of_b(pair.b.tariff_of), "tariff under A": pair.a.tariff_of},
    )
    if not found:
        return [paragraph("Run A keeps no metadata column to group customers by.")]
    head = [
        {"Over": "Pay more", "Under": "Pay less", "Average alignment": "Average change"}.get(n, n)
        for n in SEGMENT_HEAD
    ]
    names = {key: FUELS[key] for key in changes}
    parts = [chooser([(f"by-{n}", s.column) for n, s in enumerate(found)], "bill", names)]
    for number, segment in enumerate(found):
        bodies = []
        for key, change in changes.items():
            rows = "".join(
                row_html(group_cells(row), (0,), "total" if row.group == ALL else "")
                for row in group_numbers(change, pair.a.weight, segment)
            )
            label = f'<tr class="head"><th colspan="{len(head)}">{esc(FUELS[key])}</th></tr>'
            bodies.append(f'<tbody data-part="{esc(key)}">{label}{rows}</tbody>')
        note = f" ({segment.note})" if segment.note else ""
        caption = f"Change of annual bills, B minus A [$ a customer] by {segment.column}."
        parts.append(
            Html(
                f'<div data-segment id="by-{number}">{heading(segment.column + note)}'
                f"{table_of(bodies, head, caption, (0,))}</div>"
            )
        )
    return parts


def _alignment(pair: Pair, group: str | None) -> list[Html]:
    """The two runs' histograms, A on the left and B on the right of each row."""
    a, b = pair.a, pair.b
    names = [name for name in a.bat if name in b.bat]
    chosen = highlight(a.homes, group)
    mark = chosen.chosen if chosen else None
    panels, marks = [], []
    for name in names:
        panels.append((f"A: {label(name)}", a.bat[name], a.weight))
        panels.append((f"B: {label(name)}", pair.of_b(b.bat[name]), a.weight))
        marks += [mark, mark]
    drawing = charts.alignment_histograms(panels, marks, chosen.label if chosen else None)
    rows = []
    for name in names:
        means = [
            math.fsum(a.weight * np.abs(values)) / a.customers / 2
            for values in (a.bat[name], pair.of_b(b.bat[name]))
        ]
        rows.append([label(name), *map(short_dollars, (v * a.customers for v in means)),
                     *(dollars(v, 2) for v in means)])  # fmt: skip
    return [
        figure(
            drawing,
            "Customers by bill alignment, a row an allocation of the residual, A on the left.",
        ),
        table(
            ["Residual allocation", "A", "B", "A, a customer", "B, a customer"],
            rows,
            caption="Dollars that customers pay for one another in the year: half of the "
            "absolute bill alignments added over all customers.",
        ),
    ]
