"""Hypothesis strategies for stocks, prices and tariffs, used by every property test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from cairo.model.calendar import hour_stamps
from cairo.rates_tool.lookups import (
    CAPACITY_PRICE,
    DISTRIBUTION_PRICE,
    ENERGY_PRICE,
    GAS_COLUMN,
    HOURS,
    NET_LOAD,
    PV_COLUMN,
    TOTAL_COLUMN,
)

YEAR = 2025
NO_LIMIT = 1e38


@dataclass(frozen=True)
class Stock:
    """Loads of n buildings as arrays, as a load frame, or as ResStock files."""

    bldg_ids: list[int]
    weight: np.ndarray
    total: np.ndarray
    pv: np.ndarray
    gas: np.ndarray

    @property
    def metadata(self) -> pd.DataFrame:
        return pd.DataFrame({"bldg_id": self.bldg_ids, "weight": self.weight})

    @property
    def net(self) -> np.ndarray:
        negative = (self.pv.sum(axis=1) < 0)[:, None]
        return np.where(negative, self.total + self.pv, self.total - self.pv)

    def electric_frame(self) -> pd.DataFrame:
        columns = {"load_data": self.total, "pv_generation": self.pv, NET_LOAD: self.net}
        return self._frame(columns)

    def gas_frame(self) -> pd.DataFrame:
        return self._frame({"load_data": self.gas * 0.0341214116})

    def _frame(self, columns: dict[str, np.ndarray]) -> pd.DataFrame:
        index = pd.MultiIndex.from_product(
            [self.bldg_ids, hour_stamps(YEAR, "EST")], names=["bldg_id", "time"]
        )
        return pd.DataFrame({k: v.reshape(-1) for k, v in columns.items()}, index=index)

    def write(self, folder: Path, year: int = 2018) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for row, bldg_id in enumerate(self.bldg_ids):
            write_load_file(
                folder / f"{bldg_id}-0.parquet",
                bldg_id,
                self.total[row],
                self.pv[row],
                self.gas[row],
                hour_stamps(year).to_numpy(),
            )
        return folder


def write_load_file(
    path: Path,
    bldg_id: int | None,
    total: np.ndarray,
    pv: np.ndarray,
    gas: np.ndarray,
    stamps: np.ndarray,
    suffix: str = "",
) -> None:
    """One ResStock file, with a column the model does not need."""
    columns: dict[str, Any] = {} if bldg_id is None else {"bldg_id": np.full(len(total), bldg_id)}
    columns |= {
        "timestamp": stamps,
        TOTAL_COLUMN + suffix: total,
        "out.electricity.plug_loads.energy_consumption" + suffix: total * 0.5,
        PV_COLUMN + suffix: pv,
        GAS_COLUMN + suffix: gas,
    }
    pq.write_table(pa.table(columns), path)


KINDS = (
    "plain",
    "pv negative",
    "pv positive",
    "pv with losses",
    "all zero",
    "negative net",
    "flat",
)


def _home(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    hour = np.arange(HOURS) % 24
    total = rng.gamma(2.0, 0.5, HOURS)
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None) * rng.uniform(0.5, 4.0)
    pv = np.zeros(HOURS)
    if kind == "pv negative":
        pv = -sun
    elif kind == "pv positive":
        pv = sun
    elif kind == "pv with losses":
        pv = np.where(sun > 0.0, sun, -0.002) * rng.choice([-1.0, 1.0])
    elif kind == "all zero":
        total = np.zeros(HOURS)
    elif kind == "negative net":
        total, pv = total * 0.01, -sun - 0.5
    elif kind == "flat":
        total = np.full(HOURS, rng.uniform(0.1, 3.0))
    return total, pv


@st.composite
def stocks(draw: st.DrawFn, max_buildings: int = 12, weights: bool = True) -> Stock:
    """Stocks with sparse unordered ids, PV of either sign, zero and negative homes, gas."""
    n = draw(st.integers(1, max_buildings))
    ids = draw(st.lists(st.integers(1, 600_000), min_size=n, max_size=n, unique=True))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=n, max_size=n))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    homes = [_home(kind, rng) for kind in kinds]
    exponents = draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n))
    weight = rng.uniform(1.0, 10.0, n) * (10.0 ** np.array(exponents) if weights else 1.0)
    gas = rng.gamma(1.5, 3.0, (n, HOURS)) * draw(st.sampled_from([0.0, 1.0]))
    return Stock(ids, weight, np.stack([h[0] for h in homes]), np.stack([h[1] for h in homes]), gas)


@st.composite
def price_frames(draw: st.DrawFn) -> pd.DataFrame:
    """Hourly prices with zero and negative hours, with or without capacity hours."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    energy = rng.normal(0.04, draw(st.sampled_from([0.0, 0.03])), HOURS)
    energy[rng.random(HOURS) < 0.05] = 0.0
    hours = draw(st.sampled_from([0, 1, 40, 100]))
    capacity, distribution = np.zeros(HOURS), np.zeros(HOURS)
    capacity[rng.choice(HOURS, hours, replace=False)] = rng.uniform(0.1, 5.0, hours)
    distribution[rng.choice(HOURS, hours, replace=False)] = rng.uniform(0.1, 5.0, hours)
    prices = {ENERGY_PRICE: energy, CAPACITY_PRICE: capacity}
    if draw(st.booleans()):
        prices[DISTRIBUTION_PRICE] = distribution
    return pd.DataFrame(prices, index=hour_stamps(YEAR, "EST"))


def tariff_dict(
    rows: list[list[float]],
    weekday: np.ndarray | None = None,
    weekend: np.ndarray | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A PySAM-style tariff from its energy rows."""
    flat = np.ones((12, 24), dtype=int)
    weekday = flat if weekday is None else weekday
    return {
        "ur_ec_tou_mat": rows,
        "ur_ec_sched_weekday": np.asarray(weekday).tolist(),
        "ur_ec_sched_weekend": np.asarray(weekday if weekend is None else weekend).tolist(),
        "ur_monthly_fixed_charge": 0.0,
        "ur_monthly_min_charge": 0.0,
        "ur_annual_min_charge": 0.0,
        "ur_metering_option": 0,
        "ur_dc_enable": 0,
        **more,
    }


@st.composite
def tariffs(draw: st.DrawFn) -> dict[str, Any]:
    """Flat, time-of-use, tiered and combined tariffs, with the charges tariffs have."""
    periods = draw(st.sampled_from([1, 2, 4]))
    tiers = draw(st.sampled_from([1, 2, 3]))
    unit = draw(st.sampled_from([0, 0, 1, 2, 3])) if tiers > 1 else 0
    rates = st.floats(0.01, 0.6)
    scale = {0: 150.0, 1: 60.0, 2: 5.0, 3: 2.0}[unit]
    rows = []
    for period in range(1, periods + 1):
        for tier in range(1, tiers + 1):
            limit = NO_LIMIT if tier == tiers else scale * tier
            rows.append([period, tier, limit, unit, draw(rates), draw(rates) / 10, 0.0])
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weekday = rng.integers(1, periods + 1, (12, 24))
    weekday[0, :periods] = np.arange(1, periods + 1)
    weekend = rng.integers(1, periods + 1, (12, 24))
    more: dict[str, Any] = {
        "ur_monthly_fixed_charge": draw(st.sampled_from([0.0, 11.47])),
        "ur_monthly_min_charge": draw(st.sampled_from([0.0, 25.0])),
        "ur_annual_min_charge": draw(st.sampled_from([0.0, 400.0])),
    }
    if draw(st.booleans()):
        demand = rng.integers(1, 3, (12, 24))
        demand[0, :2] = [1, 2]
        more |= {
            "ur_dc_enable": 1,
            "ur_dc_sched_weekday": demand.tolist(),
            "ur_dc_sched_weekend": demand.tolist(),
            "ur_dc_tou_mat": [[1, 1, 2.0, 3.0], [1, 2, NO_LIMIT, 5.0], [2, 1, NO_LIMIT, 1.5]],
            "ur_dc_flat_mat": [[m, 1, NO_LIMIT, 2.0 + m / 10] for m in range(12)],
        }
    return tariff_dict(rows, weekday, weekend, **more)
