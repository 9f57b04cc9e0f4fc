"""A seeded synthetic stock in ResStock's layout: weather, homes, hourly loads, files.

Numbers are made up but their shapes are a cold coastal state's: heat pumps follow the
temperature, gas homes heat with gas, some roofs have PV, stored negative as ResStock does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cairo.model.arrays import Float1D
from cairo.model.calendar import hour_stamps
from cairo.model.names import DAYS, GAS_COLUMN, HOURS, HOURS_OF_DAY, PV_COLUMN, TOTAL_COLUMN
from cairo.model.progress import Progress

WEATHER_YEAR = 2018
GAS_EFFICIENCY = 0.8
DECIMALS = 6
"""Energies are stored to a mWh, as published ones are of limited precision."""


@dataclass(frozen=True)
class Weather:
    """Hourly temperature [degrees C] and sun (0 to 1) of a year."""

    temperature: Float1D
    sun: Float1D


def synthetic_weather(seed: int) -> Weather:
    """A year's weather: annual and daily cycles and spells of some days."""
    rng = np.random.default_rng([seed, 0])
    hour = np.arange(HOURS)
    day_of_year, hour_of_day = hour // HOURS_OF_DAY, hour % HOURS_OF_DAY
    spells = np.convolve(rng.normal(0.0, 1.0, HOURS + 72), np.ones(72) / 72**0.5, "valid")[:HOURS]
    season = -np.cos(2 * np.pi * (day_of_year - 20) / DAYS)
    temperature = 10.0 + 12.5 * season + 4.0 * np.sin(2 * np.pi * (hour_of_day - 9) / HOURS_OF_DAY)
    length = 12.0 + 3.2 * season
    height = np.cos(np.pi * (hour_of_day - 12.5) / length) * (
        np.abs(hour_of_day - 12.5) < length / 2
    )
    noon = 0.7 + 0.3 * season
    clouds = np.clip(0.75 - 0.25 * spells, 0.1, 1.0)
    return Weather(temperature + 3.5 * spells, np.clip(height, 0.0, None) * noon * clouds)


@dataclass(frozen=True)
class SyntheticStock:
    """Homes of a synthetic stock: metadata as ResStock words it, and what makes their loads."""

    metadata: pd.DataFrame
    seed: int
    weather: Weather

    def loads(self, homes: slice = slice(None)) -> Iterator[tuple[int, dict[str, Float1D]]]:
        """(bldg_id, {ResStock column: hourly kWh}) of each home."""
        for row in self.metadata.iloc[homes].itertuples(index=False):
            yield (
                int(row.bldg_id),
                home_loads(
                    int(row.bldg_id),
                    bool(row.heat_pump),
                    row.pv_kw,
                    row.size,
                    self.weather,
                    self.seed,
                ),
            )


def synthetic_stock(buildings: int, seed: int) -> SyntheticStock:
    """A stock of homes with sparse unordered ids; a third heat pumps, one in seven with PV."""
    rng = np.random.default_rng([seed, 1])
    ids = rng.choice(np.arange(1, 550_000), buildings, replace=False)
    place = np.arange(buildings)
    heat_pump = rng.permutation(place % 3 == 0)
    has_pv = rng.permutation(place % 7 == 0)
    income = rng.choice(
        [8_000, 15_000, 28_000, 42_000, 65_000, 95_000, 140_000, 220_000], buildings
    )
    poverty = np.array(["0-100%", "100-150%", "150-200%", "200-300%", "300-400%", "400%+"])
    heating = np.where(heat_pump, "heat_pump", "natgas")
    metadata = pd.DataFrame(
        {
            "bldg_id": ids,
            "weight": 252.3,
            "applicability": True,
            "upgrade": 0,
            "postprocess_group.has_hp": heat_pump,
            "postprocess_group.heating_type": heating,
            "postprocess_group.heating_type_v2": heating,
            "in.vintage_acs": rng.choice(
                ["<1940", "1940-59", "1960-79", "1980-99", "2000-09"], buildings
            ),
            "in.income": income.astype(str),
            "in.federal_poverty_level": poverty[
                np.searchsorted([15e3, 28e3, 42e3, 65e3, 95e3], income)
            ],
            "in.occupants": rng.choice(["1", "2", "3", "4", "5", "10+"], buildings),
            "in.tenure": rng.choice(["Owner", "Renter"], buildings, p=[0.62, 0.38]),
            "in.has_pv": np.where(has_pv, "Yes", "No"),
            "heat_pump": heat_pump,
            "pv_kw": np.where(has_pv, 5.0, 0.0),
            "size": rng.lognormal(0.0, 0.35, buildings),
        }
    )
    return SyntheticStock(metadata, seed, synthetic_weather(seed))


def home_loads(
    bldg_id: int, heat_pump: bool, pv_kw: float, size: float, weather: Weather, seed: int
) -> dict[str, Float1D]:
    """Hourly energies of one home [kWh], from its own random stream."""
    rng = np.random.default_rng([seed, 2, bldg_id])
    hour = np.arange(HOURS) % HOURS_OF_DAY
    habits = np.roll(_DAY_SHAPE, rng.integers(-2, 3))[hour]
    plugs = 0.55 * size * habits * rng.gamma(8.0, 1 / 8.0, HOURS)
    heat = np.maximum(16.0 - weather.temperature, 0.0) * 0.16 * size
    cop = np.clip(2.0 + 0.06 * (weather.temperature + 10.0), 1.5, 4.0)
    heating = heat / cop if heat_pump else np.zeros(HOURS)
    cooling = np.maximum(weather.temperature - 22.0, 0.0) * 0.10 * size
    water = 0.30 * size * np.roll(_DAY_SHAPE, 1)[hour]
    electric_water = heat_pump or bldg_id % 2 == 0
    hot_water = water if electric_water else np.zeros(HOURS)
    gas = np.zeros(HOURS) if heat_pump else heat / GAS_EFFICIENCY
    if not electric_water:
        gas = gas + water / 0.6
    energies = {
        TOTAL_COLUMN: plugs + heating + cooling + hot_water,
        PV_COLUMN: -0.85 * pv_kw * weather.sun,
        GAS_COLUMN: gas,
        "out.electricity.heating.energy_consumption": heating,
        "out.electricity.cooling.energy_consumption": cooling,
        "out.electricity.hot_water.energy_consumption": hot_water,
    }
    return {name: np.round(values, DECIMALS) + 0.0 for name, values in energies.items()}


_DAY_SHAPE = np.array(
    [0.5, 0.4, 0.4, 0.4, 0.5, 0.7, 1.0, 1.2, 1.1, 0.9, 0.8, 0.8,
     0.9, 0.9, 0.9, 1.0, 1.3, 1.7, 1.9, 1.8, 1.6, 1.3, 1.0, 0.7]
)  # fmt: skip


def write_stock(
    stock: SyntheticStock, loads: Path, metadata: Path, progress: Progress | None = None
) -> Float1D:
    """Write `<bldg_id>-0.parquet` files and the metadata; the stock's hourly net load [kWh].

    progress : told of each home written.
    """
    loads.mkdir(parents=True, exist_ok=True)
    stamps = hour_stamps(WEATHER_YEAR).to_numpy()
    system = np.zeros(HOURS)
    for bldg_id, energies in stock.loads():
        columns = {"bldg_id": np.full(HOURS, bldg_id), "timestamp": stamps, **energies}
        pq.write_table(pa.table(columns), loads / f"{bldg_id}-0.parquet")
        system += np.maximum(energies[TOTAL_COLUMN] + energies[PV_COLUMN], 0.0)
        if progress:
            progress.advance(1)
    write_metadata(stock, metadata)
    return system


def write_metadata(stock: SyntheticStock, path: Path) -> None:
    """Write the metadata columns that ResStock has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stock.metadata.drop(columns=["heat_pump", "pv_kw", "size"]).to_parquet(path, index=False)
