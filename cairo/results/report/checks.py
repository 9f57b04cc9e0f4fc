"""What a reader of a run should know first: noted by the run itself, or plain from its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from cairo.errors import listed
from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import reached_tiers
from cairo.results.report.data import RunData
from cairo.results.report.numbers import percent, rate, ratio, short_dollars

GAP = 0.001
"""Share of the requirement by which revenue may miss it unsaid."""
LOW_RATE, HIGH_RATE = 0.01, 1.0
"""Energy rates outside these are remarked on [$/kWh]: few residential tariffs have such."""


def remarks_of(run: RunData) -> list[str]:
    """Texts, a sentence or two each."""
    summary = run.record.get("summary")
    noted = summary.get("remarks") if isinstance(summary, Mapping) else None
    texts = [str(one) for one in noted] if isinstance(noted, list) else []
    return [*texts, *_revenue(run), *_rates(run), *_labels(run)]


def _revenue(run: RunData) -> Iterator[str]:
    gap = ratio(run.revenue, run.requirement) - 1.0
    if not abs(gap) > GAP:
        return
    word = "more" if gap > 0.0 else "less"
    why = (
        " The run bills its tariffs as they are."
        if run.settings.get("run_type") == "default"
        else " Rates were solved for the requirement; taxes, surcharges or bill assistance are "
        "what may come on top."
    )
    apart = abs(run.revenue - run.requirement)
    yield (
        f"Bills collect {short_dollars(run.revenue)}, {percent(abs(gap))} {word} than the "
        f"requirement of {short_dollars(run.requirement)}: {short_dollars(apart)} {word}.{why}"
    )


def _rates(run: RunData) -> Iterator[str]:
    on = set(run.tariff_of.tolist())
    for key, tariff in run.tariffs.items():
        if key in on:
            yield from _odd_rates(tariff)


def _odd_rates(tariff: Tariff) -> Iterator[str]:
    found = []
    for period in np.union1d(tariff.weekday, tariff.weekend).tolist():
        for tier in range(reached_tiers(tariff.max_usage[period - 1])):
            price = float(tariff.rate[period - 1, tier])
            if not LOW_RATE <= price <= HIGH_RATE:
                where = f"period {period}" + (f" tier {tier + 1}" if tariff.n_tiers > 1 else "")
                found.append(f"{rate(price)} in {where}")
    if found:
        yield (
            f"Tariff {tariff.key} has energy rates below {LOW_RATE:g} or above {HIGH_RATE:g} "
            f"$/kWh: {listed(found)}. Check that they are meant."
        )


def _labels(run: RunData) -> Iterator[str]:
    known = [*map(str, run.homes), "tariff"]
    for key in run.labels.unknown(known):
        yield f"labels has {key}, which is no metadata column of the run."
