"""Customers' response to price: what moved, what it saves, and who gains."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cairo.model.arrays import Float1D, Int1D
from cairo.model.names import HOURS_OF_DAY
from cairo.model.response import seasons_of
from cairo.results.report.assembled import Section
from cairo.results.report.data import RunData
from cairo.results.report.drawing import BLUE, GREY, drawing, panel, panels, svg
from cairo.results.report.numbers import (
    cents,
    count,
    energy,
    percent,
    power,
    short_dollars,
    weighted_quantile,
)
from cairo.results.report.page import Html, cards, paragraph
from cairo.results.report.segments import Highlight
from cairo.results.report.tables import Column, Row, Table

PEAK_DAYS = 3


def response(run: RunData, chosen: Highlight | None = None) -> Section:
    """The section of a run with response; `chosen` homes are told apart in who gains."""
    moved = run.response
    assert moved is not None
    before = moved.load_before
    after = run.hours["system_load_kwh"].to_numpy(np.float64)
    use = moved.table
    homes = use["bldg_id"].unique()
    weight = pd.Series(run.weight, index=run.homes["bldg_id"])
    less = use["kwh_before"] - use["kwh_after"]
    given = math.fsum((less.clip(lower=0.0) * use["bldg_id"].map(weight)).tolist())
    saved = -math.fsum(moved.marginal_change.values())
    peak = float(before.max() - after.max())
    headline = cards(
        [
            ("Customers who respond", count(float(weight[homes].sum())), "on a rate that "
             f"varies within a day, of {count(run.customers)}"),
            ("System peak", power(float(after.max())),
             f"{power(float(before.max()))} before the response: {power(peak)} less"),
            ("Marginal costs saved", short_dollars(saved), "a year; the residual stays"),
            ("Energy moved", energy(given), "to cheaper periods in the year; none is saved"),
        ]
    )  # fmt: skip
    return Section(
        "response",
        "Response to price",
        "Response",
        [
            headline,
            load_shapes(run.hours, before, after, _seasons(run)),
            _periods(use, weight, moved.asked),
            *_gains(use, weight, run, chosen),
        ],
    )


def _seasons(run: RunData) -> dict[str, Int1D]:
    """{season in words: its months, from 1}: those of the rates, half years where they differ."""
    assert run.response is not None
    winter = run.settings.get("winter_months")
    months = [int(str(month)) for month in winter] if isinstance(winter, list) else None
    found: list[dict[str, list[int]]] = []
    for key in sorted({key for key, _ in run.response.asked}):
        names, of_month = seasons_of(run.tariffs[key], months)
        own = {name: (np.flatnonzero(of_month == s) + 1).tolist() for s, name in enumerate(names)}
        found += [] if own in found else [own]
    if len(found) == 1 and len(found[0]) > 1:
        return {name: np.array(of_season) for name, of_season in found[0].items()}
    return {
        "April to September": np.arange(4, 10),
        "October to March": np.array([1, 2, 3, 10, 11, 12]),
    }


def load_shapes(
    hours: pd.DataFrame, before: Float1D, after: Float1D, seasons: Mapping[str, Int1D]
) -> Html:
    """Load by hour of the day, before and after, a panel a day.

    seasons : {in words: months from 1}, of each an average day.
    """
    days = before.reshape(-1, HOURS_OF_DAY)
    order = np.sort(np.argsort(-days.max(axis=1), kind="stable")[:PEAK_DAYS])
    month = hours["time"].dt.month.to_numpy()[::HOURS_OF_DAY]
    shown = [
        (f"{hours['time'].iloc[HOURS_OF_DAY * day]:%d %B}", np.arange(len(days)) == day)
        for day in order
    ]
    shown += [(f"average day, {name}", np.isin(month, of)) for name, of in seasons.items()]
    big = max(before.max(), after.max()) >= 1e4
    unit, scale = ("MW", 1e3) if big else ("kW", 1.0)
    low = min(0.0, float(min(before.min(), after.min())) / scale)
    high = 1.05 * float(max(before.max(), after.max())) / scale
    charts = []
    for number, (title, chosen) in enumerate(shown):
        name = f"response-{number}"
        with drawing(name) as figure:
            ax = figure.subplots()
            ax.grid(True)
            means = [
                load.reshape(-1, HOURS_OF_DAY)[chosen].mean(axis=0) / scale
                for load in (before, after)
            ]
            ax.plot(means[0], color=GREY, linewidth=2.4)
            ax.plot(means[1], color=BLUE, linewidth=1.6)
            ax.set_xticks([0, 6, 12, 18, 24])
            ax.set_ylim(low, high)
            ax.set_ylabel(f"load [{unit}]")
            ax.set_xlabel("hour (local standard time)")
            chart = svg(
                figure,
                name,
                f"Load before and after customers respond, {title}",
                "System load by hour of the day; the table below has the energy moved.",
            )
        charts.append(panel(chart, title))
    return panels(
        charts,
        f"System load before and after the response, on the {PEAK_DAYS} days of the highest load "
        "before it and on the average day of each season.",
        [("line-bar", "before"), ("line-under", "after")],
    )


def _periods(use: pd.DataFrame, weight: pd.Series, asked: Mapping[tuple[str, str], float]) -> Table:
    """Energy of all who respond by tariff, season and period, and the elasticity it comes to."""
    rows: list[Row] = []
    own = use.assign(weight=use["bldg_id"].map(weight))
    keys = ["tariff_key", "season", "period"]
    for (tariff, season, period), part in own.groupby(keys, sort=True, observed=True):
        w = part["weight"].to_numpy()
        before = math.fsum(w * part["kwh_before"].to_numpy())
        after = math.fsum(w * part["kwh_after"].to_numpy())
        price, flat = float(part["price"].iloc[0]), float(part["flat_price"].iloc[0])
        ratio = math.log(price / flat) if price > 0.0 and flat > 0.0 else 0.0
        change = after / before - 1.0 if before > 0.0 else math.nan
        achieved = math.log(after / before) / ratio if before > 0.0 < after and ratio else math.nan
        rows.append(
            [
                str(tariff),
                str(season),
                str(period),
                price,
                flat,
                before,
                after,
                change,
                asked[str(tariff), str(season)],
                achieved,
            ]
        )
    return Table(
        "response",
        "Energy of those who respond. The cheapest period of a season takes what the others give, "
        "so its elasticity follows from theirs.",
        (
            Column("Tariff"),
            Column("Season"),
            Column("Period"),
            Column("Price [$/kWh]", price_of),
            Column("Flat price [$/kWh]", price_of),
            Column("Before", energy, "kWh"),
            Column("After", energy, "kWh"),
            Column("Change", percent, "share"),
            Column("Elasticity", elasticity),
            Column("Achieved", elasticity),
        ),
        rows,
    )


def price_of(value: float) -> str:
    """`0.1234`."""
    return f"{value:.4f}"


def elasticity(value: float) -> str:
    """`−0.100`."""
    return f"{value:.3f}".replace("-", "−")


def _gains(
    use: pd.DataFrame, weight: pd.Series, run: RunData, chosen: Highlight | None
) -> list[Html | Table]:
    """What moving saves each home at the run's final rates, and who they are."""
    final = {
        (key, period + 1): float(rate)
        for key, tariff in run.tariffs.items()
        for period, rate in enumerate(tariff.rate[:, 0])
    }
    rates = [final[key, int(p)] for key, p in zip(use["tariff_key"], use["period"], strict=True)]
    saving = (use["kwh_before"] - use["kwh_after"]) * np.array(rates)
    by_home = saving.groupby(use["bldg_id"].to_numpy()).sum()
    values, w = by_home.to_numpy(), weight[by_home.index].to_numpy()
    groups = {"All who respond": np.ones(len(values), dtype=np.bool_)}
    key_of = use.drop_duplicates("bldg_id").set_index("bldg_id")["tariff_key"][by_home.index]
    keys = sorted(set(key_of))
    if len(keys) > 1:
        groups |= {f"tariff {key}": (key_of == key).to_numpy() for key in keys}
    if chosen is not None:
        mine = np.isin(by_home.index, run.homes["bldg_id"][chosen.chosen])
        if mine.any() and not mine.all():
            groups |= {chosen.label: mine, "others who respond": ~mine}
    table = Table(
        "response_gains",
        "Who gains: what a customer who responds saves of a year's bill by moving use, at the "
        "final rates of the first tier.",
        (
            Column("Group"),
            Column("Customers", count),
            Column("Mean", cents, "$/year"),
            Column("Lowest quarter below", cents, "$/year"),
            Column("Median", cents, "$/year"),
            Column("Highest quarter above", cents, "$/year"),
            Column("Who save", percent, "share"),
        ),
        [_gain(name, values[one], w[one]) for name, one in groups.items()],
    )
    return [table, paragraph(
        "What everybody saves or pays by the change of rates comes on top: compare the run with "
        "one without response."
    )]  # fmt: skip


def _gain(name: str, saved: Float1D, weight: Float1D) -> Row:
    customers = math.fsum(weight)
    quarters = weighted_quantile(saved, weight, (0.25, 0.5, 0.75))
    return [
        name,
        customers,
        math.fsum(saved * weight) / customers,
        *[float(one) for one in quarters],
        math.fsum(weight[saved > 0.0]) / customers,
    ]
