"""Customers' response to price: what moved, what it saves, and who gains."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cairo.model.arrays import Bool1D, Float1D
from cairo.model.tariff import Tariff
from cairo.results.report.assembled import Section
from cairo.results.report.data import RunData
from cairo.results.report.drawing import BLUE, GREY, drawing, panel, panels, svg
from cairo.results.report.numbers import (
    count,
    dollars,
    energy,
    percent,
    power,
    short_dollars,
    weighted_quantile,
)
from cairo.results.report.page import Html, cards, paragraph
from cairo.results.report.tables import Column, Row, Table

PEAK_DAYS = 3


def response(run: RunData) -> Section:
    """The section of a run with response."""
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
            load_shapes(run.hours, before, after),
            _periods(use, weight, moved.asked),
            *_gains(use, weight, run.tariffs),
        ],
    )


def load_shapes(hours: pd.DataFrame, before: Float1D, after: Float1D) -> Html:
    """Load by hour of the day, before and after, a panel a day."""
    days = before.reshape(-1, 24)
    order = np.sort(np.argsort(-days.max(axis=1), kind="stable")[:PEAK_DAYS])
    month = hours["time"].dt.month.to_numpy()[::24]
    summer: Bool1D = (month >= 4) & (month <= 9)
    shown = [
        (f"{hours['time'].iloc[24 * day]:%d %B}", np.arange(len(days)) == day) for day in order
    ]
    shown += [("average day, April to September", summer), ("October to March", ~summer)]
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
            means = [load.reshape(-1, 24)[chosen].mean(axis=0) / scale for load in (before, after)]
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
        "before it and on the average day of each half year.",
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


def _gains(use: pd.DataFrame, weight: pd.Series, tariffs: Mapping[str, Tariff]) -> list[Html]:
    """What moving saves each home at the run's final rates."""
    final = {
        (key, period + 1): float(rate)
        for key, tariff in tariffs.items()
        for period, rate in enumerate(tariff.rate[:, 0])
    }
    rates = [final[key, int(p)] for key, p in zip(use["tariff_key"], use["period"], strict=True)]
    saving = (use["kwh_before"] - use["kwh_after"]) * np.array(rates)
    by_home = saving.groupby(use["bldg_id"].to_numpy()).sum()
    values, w = by_home.to_numpy(), weight[by_home.index].to_numpy()
    quartiles = weighted_quantile(values, w, (0.1, 0.25, 0.5, 0.75, 0.9))
    mean = math.fsum(values * w) / math.fsum(w)
    text = (
        "A customer who responds saves "
        f"{dollars(mean, 2)} of a year's bill on average at the final rates of the first tier; the "
        f"middle half between {dollars(float(quartiles[1]), 2)} and "
        f"{dollars(float(quartiles[3]), 2)}, a tenth more than {dollars(float(quartiles[4]), 2)}. "
        "What everybody saves or pays by the change of rates comes on top: compare the run with "
        "one without response."
    )
    return [paragraph(text)]
