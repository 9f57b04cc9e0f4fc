"""The page of several runs side by side: rate designs, the first the one they are measured by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cairo.results.report import changes
from cairo.results.report.alignment import alignment, by_segment_of_all
from cairo.results.report.alike import unlike
from cairo.results.report.assembled import Part, Report, Section, assembled
from cairo.results.report.bills import annual_bills
from cairo.results.report.burden import income
from cairo.results.report.checks import remarks_of
from cairo.results.report.designs import Designs, all_of
from cairo.results.report.made import made
from cairo.results.report.numbers import count
from cairo.results.report.page import remarks
from cairo.results.report.rates import rates
from cairo.results.report.segments import Segment, highlight, segments

NAMED = 4
"""Designs that the page's title names."""


def comparison_page(designs: Designs, group: str | None = None) -> Report:
    """The whole page."""
    chosen = highlight(designs.homes, group, designs.labels)
    found, _ = segments(designs.homes, _tariffs(designs), designs.labels)
    bars, shares = changes.in_percent(designs)
    sections = [
        Section("summary", "In short", "In short", _summary(designs)),
        Section("change", "Change of annual bills", "Bill changes",
                [changes.histograms(designs, chosen), bars, shares, annual_bills(designs)]),
        changes.by_segment(designs, found),
        income(designs),
        alignment(designs, chosen),
        _alignment_of_segments(designs, found),
        rates(designs),
        made(designs),
    ]  # fmt: skip
    names = [one.run.name for one in designs.every]
    several = f"{count(len(names))} rate designs side by side"
    title = "Two rate designs side by side" if len(names) == 2 else several
    subtitle = all_of(names)
    if len(names) > NAMED:
        subtitle = f"{names[0]} and {count(len(names) - 1)} others"
    facts = (
        f"{'. '.join(one.title for one in designs.every)}. {count(len(designs.homes))} modelled "
        f"homes for {count(float(designs.weight.sum()))} customers"
    )
    there = [one for one in sections if one is not None]
    return assembled(title, subtitle, facts, there, several=True)


def _tariffs(designs: Designs) -> dict[str, np.ndarray]:
    """{`tariff under B and C`: (n,) tariff key of each home}; the same keys are told once."""
    under: dict[tuple[str, ...], list[str]] = {}
    for one in (*designs.others, designs.base):
        under.setdefault(tuple(one.of(one.run.tariff_of).tolist()), []).append(one.letter)
    return {
        f"tariff under {all_of(names)}": np.array(keys, dtype=object)
        for keys, names in under.items()
    }


def _summary(designs: Designs) -> list[Part]:
    """What is not alike before all else, then who gains and who loses."""
    known = [f"{one.letter}: {text}" for one in designs.every for text in remarks_of(one.run)]
    parts: list[Part] = [
        remarks("These runs are not like for like", unlike(designs)),
        remarks("Of the runs", known),
    ]
    if len(designs.others) == 1:
        parts.append(changes.headline(designs))
    return [*parts, changes.everybody(designs), changes.totals(designs)]


def _alignment_of_segments(designs: Designs, found: Sequence[Segment]) -> Section | None:
    return by_segment_of_all(designs, found) if found else None
