"""A tariff for the terminal: its rates in words and its schedule as 12 x 24 blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from rich.text import Text

from cairo.model.arrays import Float1D, Int2D
from cairo.model.names import HOURS_OF_DAY, months
from cairo.model.tariff import Tariff
from cairo.results.rate_words import (
    charges,
    demand_words,
    energy_words,
    metering_words,
    monthly_demand_words,
)

SHADES = {False: "░▒▓█", True: ".-+#"}
"""Blocks from cheap to dear, in any encoding where asked for."""
SHADES_OF = {1: (0,), 2: (0, 2), 3: (0, 1, 2), 4: (0, 1, 2, 3)}
"""Which of them some periods take."""
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
CHEAP, MIDDLE, DEAR = (120, 190, 120), (240, 215, 110), (225, 110, 90)
"""Colours behind black text, red, green and blue of 255."""
GAP = "   "
"""Between weekdays and weekends."""
Words = Mapping[int, tuple[str, list[str]]]


def tariff_picture(tariff: Tariff, *, plain: bool = False) -> Text:
    """Charges, rates and schedule of a tariff.

    plain : characters that every encoding has.

    Periods are told apart by a character, so that nothing is lost without colours; the cheapest
    is the lightest.
    """
    page = Text()
    page.append(f"{tariff.key}\n", style="bold")
    metering = metering_words(tariff)
    parts = [*charges(tariff), *([f"exports by {metering}"] if metering else [])]
    page.append("; ".join(parts) + ".\n\n")
    page.append("Energy\n", style="bold")
    _schedule(
        page, tariff.weekday, tariff.weekend, tariff.rate[:, 0], energy_words(tariff), plain=plain
    )
    demand = tariff.demand
    if demand is None:
        return _as_encoded(page, plain)
    page.append("\nDemand\n", style="bold")
    for line in monthly_demand_words(demand):
        page.append(f"  {line}\n")
    if len(demand.tou_price):
        words = demand_words(demand)
        _schedule(page, demand.weekday, demand.weekend, demand.tou_price[:, 0], words, plain=plain)
    return _as_encoded(page, plain)


def _as_encoded(page: Text, plain: bool) -> Text:
    if plain:
        return Text(page.plain.replace("–", "-"))
    return page


def _schedule(
    page: Text, weekday: Int2D, weekend: Int2D, price: Float1D, words: Words, *, plain: bool
) -> None:
    ordered = sorted(words, key=lambda period: (price[period - 1], period))
    marks, styles = _marks(ordered, price, plain=plain)
    for period in ordered:
        rates, times = words[period]
        page.append("  ")
        page.append(marks[period] * 2, style=styles[period])
        page.append(f"  {rates}\n")
        for line in times:
            page.append(f"        {line}\n")
    days = [("weekdays", weekday), ("weekends", weekend)]
    if (weekday == weekend).all():
        days = [("every day", weekday)]
    wide = 2 if len(days) == 1 else 1
    clock = "".join(f"{hour:<{6 * wide}}" for hour in range(0, HOURS_OF_DAY, 6))
    for texts in ([name for name, _ in days], [clock for _ in days]):
        above = GAP.join(f"{text:<{wide * HOURS_OF_DAY}}" for text in texts)
        page.append(f"\n     {above.rstrip()}")
    for month, name in enumerate(months):
        page.append(f"\n{name}")
        for number, (_, schedule) in enumerate(days):
            page.append(GAP if number else "  ")
            for period, hours in groupby(schedule[month].tolist()):
                page.append(marks[period] * wide * len(list(hours)), style=styles[period])
    page.append("\n")


def _marks(
    ordered: Sequence[int], price: Float1D, *, plain: bool
) -> tuple[dict[int, str], dict[int, str]]:
    """({period: character}, {period: style}) of periods from cheap to dear."""
    n = len(ordered)
    if n in SHADES_OF:
        characters = [SHADES[plain][place] for place in SHADES_OF[n]]
    else:
        characters = [LETTERS[number % len(LETTERS)] for number in range(n)]
    low, high = price[ordered[0] - 1], price[ordered[-1] - 1]
    styles = {}
    for period in ordered:
        share = (price[period - 1] - low) / (high - low) if high > low else 0.0
        red, green, blue = _colour(float(share))
        styles[period] = f"black on rgb({red},{green},{blue})"
    return dict(zip(ordered, characters, strict=True)), styles


def _colour(share: float) -> tuple[int, ...]:
    """From cheap (0) over the middle to dear (1)."""
    first, last = (CHEAP, MIDDLE) if share < 0.5 else (MIDDLE, DEAR)
    part = 2 * share if share < 0.5 else 2 * share - 1
    return tuple(np.round(np.array(first) + part * (np.array(last) - np.array(first))).astype(int))
