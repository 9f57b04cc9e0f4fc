"""Customers' response to price: what moved, what it saves, and who gains."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cairo.model.arrays import Bool1D, Float1D
from cairo.model.tariff import Tariff
from cairo.results.report.charts import BLUE, GREY, drawing, svg
from cairo.results.report.data import RunData
from cairo.results.report.numbers import (
    count,
    dollars,
    energy,
    percent,
    power,
    short_dollars,
    weighted_quantile,
)
from cairo.results.report.page import Html, cards, figure, paragraph, table

PEAK_DAYS = 3


def response(run: RunData) -> list[Html]:
    """The section's parts."""
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
    return [
        cards(
            [
                ("Customers who respond", count(float(weight[homes].sum())), "on a rate that "
                 f"varies within a day, of {count(run.customers)}"),
                ("System peak", power(float(after.max())),
                 f"{power(float(before.max()))} before the response: {power(peak)} less"),
                ("Marginal costs saved", short_dollars(saved), "a year; the residual stays"),
                ("Energy moved", energy(given), "to cheaper periods in the year; none is saved"),
            ]
        ),
        figure(
            load_shapes(run.hours, before, after),
            f"System load before and after the response, on the {PEAK_DAYS} days of the highest "
            "load before it and on the average day of each half year.",
        ),
        _periods(use, weight, moved.asked),
        *_gains(use, weight, run.tariffs),
    ]  # fmt: skip


def load_shapes(hours: pd.DataFrame, before: Float1D, after: Float1D) -> Html:
    """Load by hour of the day, before and after, a panel a day."""
    days = before.reshape(-1, 24)
    order = np.sort(np.argsort(-days.max(axis=1), kind="stable")[:PEAK_DAYS])
    month = hours["time"].dt.month.to_numpy()[::24]
    summer: Bool1D = (month >= 4) & (month <= 9)
    panels = [
        (f"{hours['time'].iloc[24 * day]:%d %B}", np.arange(len(days)) == day) for day in order
    ]
    panels += [("average day, April to September", summer), ("October to March", ~summer)]
    big = max(before.max(), after.max()) >= 1e4
    unit, scale = ("MW", 1e3) if big else ("kW", 1.0)
    with drawing(10, 2.9, "response") as canvas:
        axes = canvas.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for ax, (name, chosen) in zip(axes, panels, strict=True):
            ax.grid(True)
            ax.plot(days[chosen].mean(axis=0) / scale, color=GREY, linewidth=2.2, label="before")
            own = after.reshape(-1, 24)[chosen].mean(axis=0) / scale
            ax.plot(own, color=BLUE, linewidth=1.6, label="after")
            ax.set_title(name, size=9)
            ax.set_xticks([0, 6, 12, 18, 24])
        axes[0].set_ylabel(f"load [{unit}]")
        axes[0].set_ylim(bottom=min(0.0, float(min(before.min(), after.min())) / scale))
        axes[len(panels) // 2].set_xlabel("hour of the day (local standard time)")
        handles, labels = axes[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper left", ncols=2, fontsize=8.5)
        return svg(
            canvas,
            "response",
            "Load before and after customers respond",
            "System load by hour of the day before and after the response, on the days of the "
            "highest load and on average days; the table below has the energy moved.",
        )


def _periods(use: pd.DataFrame, weight: pd.Series, asked: Mapping[tuple[str, str], float]) -> Html:
    """Energy of all who respond by tariff, season and period, and the elasticity it comes to."""
    rows = []
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
                f"{price:.4f}",
                f"{flat:.4f}",
                energy(before),
                energy(after),
                percent(change),
                f"{asked[str(tariff), str(season)]:.3f}".replace("-", "−"),
                "–" if math.isnan(achieved) else f"{achieved:.3f}".replace("-", "−"),
            ]
        )
    return table(
        [
            "Tariff",
            "Season",
            "Period",
            "Price [$/kWh]",
            "Flat price [$/kWh]",
            "Before",
            "After",
            "Change",
            "Elasticity",
            "Achieved",
        ],
        rows,
        text=(0, 1),
        caption="Energy of those who respond. The cheapest period of a season takes what the "
        "others give, so its elasticity follows from theirs.",
    )


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
