"""Whether runs are like for like, in words: homes, customers, loads, requirement, prices, scope.

A change of bills is a change of rates alone only when all of these are the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from cairo.errors import listed
from cairo.model.arrays import Float1D
from cairo.model.names import HOURS, PRICE_COLUMNS
from cairo.results.report.data import RunData
from cairo.results.report.designs import Design, Designs, all_of
from cairo.results.report.numbers import cents, count, energy, percent, power, short_dollars

SAME = 1e-9
"""Relative difference below which two amounts are the same."""
SCOPE: dict[str, tuple[str, Mapping[object, str]]] = {
    "year_run": ("year", {}),
    "run_includes_supply": ("bills", {True: "delivery and supply", False: "delivery alone"}),
    "solar_pv_compensation": ("exports", {None: "not credited"}),
    "utility_tax_rate": ("tax rate", {None: "0"}),
    "energy_surcharge_rate": ("surcharge [$/kWh]", {None: "0"}),
    "low_income_strategy": ("bill assistance", {None: "none"}),
    "sample_size": ("sample of homes", {None: "all"}),
}
"""{setting that says what bills are of: (its name, its values in words)}."""


OTHER = "\0"
"""Stands for the letters of the runs that a sentence is about, which may be several."""


def unlike(designs: Designs) -> list[str]:
    """What keeps the runs from being like for like, a sentence each; none when they are."""
    about: dict[str, list[str]] = {}
    for one in designs.others:
        for text in _unlike(designs, designs.base, one):
            about.setdefault(text, []).append(one.letter)
    return [text.replace(OTHER, all_of(letters)) for text, letters in about.items()]


def _unlike(designs: Designs, base: Design, other: Design) -> Iterator[str]:
    yield from _homes(designs, base, other)
    yield from _requirement(base, other)
    yield from _loads(base, other)
    yield from _prices(base, other)
    for key, (name, words) in SCOPE.items():
        values = [one.run.settings.get(key) for one in (base, other)]
        if key == "run_includes_supply" and None in values:
            continue
        texts = [str(words.get(value, value)) for value in values]
        if texts[0] != texts[1]:
            yield f"{name.capitalize()}: {base.letter} {texts[0]}, {OTHER} {texts[1]}."
    years = [one.run.dollar_year for one in (base, other)]
    if years[0] != years[1]:
        yield f"Dollars: {base.letter} of {years[0]}, {OTHER} of {years[1]}."
    if list(base.run.bills) != list(other.run.bills):
        has = base.letter if "gas" in base.run.bills else OTHER
        yield f"Gas is billed in {has} alone."


def _homes(designs: Designs, base: Design, other: Design) -> Iterator[str]:
    sets = [set(one.run.homes["bldg_id"].tolist()) for one in (base, other)]
    parts = [
        f"{count(len(ids))} of {mine} are not in {its} ({listed(sorted(ids))})"
        for mine, its, ids in (
            (base.letter, OTHER, sets[0] - sets[1]),
            (OTHER, base.letter, sets[1] - sets[0]),
        )
        if ids
    ]
    if parts:
        share = math.fsum(designs.weight) / base.run.customers
        yield (
            f"Homes: {'; '.join(parts)}. Changes are of the {count(len(designs.homes))} homes "
            f"that all runs have, {percent(share)} of {base.letter}'s customers."
        )
    weight = other.of(other.run.weight)
    differ = ~np.isclose(designs.weight, weight, rtol=SAME, atol=0.0)
    if differ.any():
        yield (
            f"Customers: {count(int(differ.sum()))} homes stand for other numbers of customers; "
            f"{base.letter} has {count(base.run.customers)} in all, {OTHER} "
            f"{count(other.run.customers)}. Changes count them as {base.letter} does."
        )


def _requirement(base: Design, other: Design) -> Iterator[str]:
    a, b = base.run.requirement, other.run.requirement
    if math.isclose(a, b, rel_tol=SAME):
        return
    each = b / other.run.customers - a / base.run.customers
    more = "more" if b > a else "less"
    share = f" ({percent(abs(b / a - 1.0))})" if a else ""
    yield (
        f"Requirement: {base.letter} {short_dollars(a)}, {OTHER} {short_dollars(b)}, "
        f"{short_dollars(abs(b - a))} {more}{share}, or {cents(abs(each))} {more} a customer and "
        "year whatever the rates."
    )


def load_of(run: RunData) -> Float1D:
    """(8760,) system load [kWh], before customers respond to price."""
    if run.response is not None:
        return run.response.load_before
    load: Float1D = run.hours["system_load_kwh"].to_numpy(np.float64)
    return load


def _loads(base: Design, other: Design) -> Iterator[str]:
    a, b = load_of(base.run), load_of(other.run)
    apart = float(np.abs(a - b).max())
    if apart > SAME * float(np.abs(a).max()):
        yield (
            f"Loads: {base.letter} {energy(float(a.sum()))} in the year and a peak of "
            f"{power(float(a.max()))}, {OTHER} {energy(float(b.sum()))} and "
            f"{power(float(b.max()))}."
        )
    for letter, one, its in ((base.letter, base, other), (OTHER, other, base)):
        if one.run.response is not None and its.run.response is None:
            yield f"Customers respond to price in {letter} alone."


def _prices(base: Design, other: Design) -> Iterator[str]:
    parts = []
    load = load_of(base.run)
    for name in PRICE_COLUMNS:
        given = [
            one.run.hours[name].to_numpy(np.float64) if name in one.run.hours else np.zeros(HOURS)
            for one in (base, other)
        ]
        if not np.allclose(given[0], given[1], rtol=SAME, atol=1e-15):
            means = [_mean_price(price, load) for price in given]
            what = name.removeprefix("Marginal ").removesuffix(" Costs ($/kWh)").lower()
            parts.append(f"{what} {base.letter} {means[0]}, {OTHER} {means[1]}")
    if parts:
        yield f"Marginal prices, mean over {base.letter}'s load [$/kWh]: {'; '.join(parts)}."


def _mean_price(price: Float1D, load: Float1D) -> str:
    total = float(load.sum())
    return f"{float((price * load).sum()) / total:.4f}" if total else "none"
