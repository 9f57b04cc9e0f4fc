"""A run directory as typed, checked arrays: what the report's pages are drawn from."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cairo.errors import CairoError, listed
from cairo.model.allocations import BAT, share_columns
from cairo.model.arrays import Float1D, Float2D
from cairo.model.components import is_of_component
from cairo.model.labels import Labels
from cairo.model.names import (
    ANNUAL,
    HOURS,
    PRICE_COLUMNS,
    RESIDUAL_COSTS,
    TOTAL_PRICE,
    months,
)
from cairo.model.tariff import Tariff, parse_tariff
from cairo.rates_tool.run_files import BAT_FILE, LOAD_BEFORE, SYSTEM_LOAD
from cairo.rates_tool.run_reader import RunReader
from cairo.results.report.exports import Exports, exports_of
from cairo.results.report.mean_parts import mean_parts
from cairo.results.report.numbers import weighted_quantile

FUELS = {"elec": "Electricity", "gas": "Gas", "comb": "Electricity and gas"}
"""File prefixes of the bills and what they bill."""
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class FuelBills:
    """Bills of one fuel: annual (n,) [$] by home, quartiles (12, 3) [$/month] of the customers."""

    annual: Float1D
    quartiles: Float2D


@dataclass(frozen=True, eq=False)
class ResponseData:
    """Customers' response to price.

    table : `demand_response.csv`. load_before : (8760,) system load before it [kWh].
    marginal_change : {tariff key: change of its homes' marginal cost [$/year]}.
    asked : {(tariff key, season): elasticity}.
    """

    table: pd.DataFrame
    load_before: Float1D
    marginal_change: Mapping[str, float]
    asked: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class RunData:
    """A run directory of n homes.

    record : `run.json`.
    homes : `bldg_id`, `weight` [customers] and the metadata columns as text, a row a home.
    bat : {allocation column: (n,) bill alignment [$/customer-year]}, in the homes' order.
    bills : by the keys of `FUELS`; electricity alone in a run without gas.
    tariffs : {tariff key: its final rates}.
    tariff_of : (n,) tariff key of each home.
    hours : `time` (local standard), `system_load_kwh`, price columns [$/kWh]; 8760 rows.
    costs : {cost type: [$/year]}.
    requirement : [$/year]; requirement_by_tariff : {tariff key: [$/year]}, may be empty.
    exports : how exported energy is credited. labels : columns and values in words.
    response : None of a run without it.
    parts : {item of the bill: (12,) what it adds to the mean electric bill [$ a month]}; empty of
    a directory without determinants.
    """

    path: Path
    name: str
    record: Mapping[str, object]
    homes: pd.DataFrame
    bat: Mapping[str, Float1D]
    bills: Mapping[str, FuelBills]
    dollar_year: str
    tariffs: Mapping[str, Tariff]
    tariff_of: np.ndarray
    hours: pd.DataFrame
    utc_offset: str
    costs: Mapping[str, float]
    requirement: float
    requirement_by_tariff: Mapping[str, float]
    exports: Exports
    labels: Labels
    response: ResponseData | None = None
    parts: Mapping[str, Float1D] = field(default_factory=dict)

    @property
    def weight(self) -> Float1D:
        """(n,) customers each home stands for."""
        weight: Float1D = self.homes["weight"].to_numpy(np.float64)
        return weight

    @property
    def customers(self) -> float:
        """Customers of the stock."""
        return math.fsum(self.weight)

    @property
    def customers_by_tariff(self) -> dict[str, float]:
        """Customers on each tariff that any is on."""
        keys, code = np.unique(self.tariff_of.astype(str), return_inverse=True)
        weights = np.bincount(code, self.weight, len(keys))
        return dict(zip(keys.tolist(), weights.tolist(), strict=True))

    @property
    def revenue(self) -> float:
        """Weighted electric bills [$/year]."""
        return math.fsum(self.weight * self.bills["elec"].annual)

    @property
    def settings(self) -> Mapping[str, object]:
        """The run's settings as its record has them."""
        settings = self.record.get("settings")
        return settings if isinstance(settings, Mapping) else {}

    @property
    def residual(self) -> float:
        """Requirement that marginal costs do not cover [$/year]."""
        return self.costs[RESIDUAL_COSTS]


def read_run(run_dir: str | os.PathLike[str]) -> RunData:
    """Read what a report needs of a run directory.

    Raises
    ------
    CairoError
        A file is missing, unreadable, lacks a column, or does not fit the others; it is named.
    """
    reader = RunReader(run_dir)
    record = reader.mapping("run.json")
    homes = _homes(reader)
    index = pd.Index(homes["bldg_id"])
    header = reader.header(BAT_FILE)
    names = [name for name in header if name.startswith(BAT) and not is_of_component(name)]
    if not names:
        raise CairoError(
            f"{reader.path / BAT_FILE} has none of the columns {listed(share_columns())}"
        )
    frame = _aligned(reader, BAT_FILE, reader.table(BAT_FILE, ["bldg_id", *names]), index)
    hours, offset = _hours(reader)
    settings = record.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    requirement, by_tariff = _requirement(reader.path / "run.json", record)
    return RunData(
        path=reader.path,
        name=str(record.get("run_name") or reader.path.name),
        record=record,
        homes=homes,
        bat={name: frame[name].to_numpy(np.float64) for name in names},
        bills=_fuels(reader, index),
        dollar_year=str(frame["dollar_year"].iloc[0]) if "dollar_year" in frame else "",
        tariffs=_tariffs(reader),
        tariff_of=_tariff_of(reader, index),
        hours=hours,
        utc_offset=offset,
        costs=_costs(reader),
        requirement=requirement,
        requirement_by_tariff=by_tariff,
        exports=exports_of(record, settings),
        labels=_labels(settings),
        response=_response(reader, record),
        parts=mean_parts(reader, index, homes["weight"].to_numpy(np.float64)),
    )


def _labels(settings: Mapping[str, object]) -> Labels:
    """What the scenario adds to the words of columns and values."""
    own = settings.get("labels")
    own = own if isinstance(own, Mapping) else {}
    return Labels({str(key): words for key, words in own.items() if isinstance(words, str)})


def _response(reader: RunReader, record: Mapping[str, object]) -> ResponseData | None:
    told = record.get("demand_response")
    if not isinstance(told, Mapping):
        return None
    needed = ["bldg_id", "tariff_key", "season", "period", "kwh_before", "kwh_after", "price"]
    load = reader.table("system_hourly.csv", [LOAD_BEFORE], others=False)[LOAD_BEFORE]
    return ResponseData(
        reader.table("demand_response.csv", needed),
        load.to_numpy(np.float64),
        {str(key): float(value) for key, value in dict(told["marginal_cost_change"]).items()},
        {
            (key, season): float(facts["elasticity"])
            for key, seasons in dict(told["seasons"]).items()
            for season, facts in seasons.items()
        },
    )


def _homes(reader: RunReader) -> pd.DataFrame:
    """Homes with their metadata columns as text."""
    name = "customer_metadata.csv"
    place = reader.path / name
    homes = reader.table(name, ["bldg_id", "weight"], text=True)
    _distinct(place, homes)
    if not (homes["weight"] >= 0).all() or not homes["weight"].sum() > 0:
        raise CairoError(f"{place}: weights must be zero or more, and not all zero")
    return homes


def _distinct(path: Path, frame: pd.DataFrame) -> None:
    twice = frame.loc[frame["bldg_id"].duplicated(), "bldg_id"]
    if len(twice):
        raise CairoError(f"{path} has buildings {listed(twice)} more than once")


def _aligned(reader: RunReader, name: str, frame: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """The frame's rows in the order of the homes."""
    path = reader.path / name
    _distinct(path, frame)
    place = pd.Index(frame["bldg_id"]).get_indexer(index)
    if (place < 0).any():
        raise CairoError(
            f"{path} has no buildings {listed(index[place < 0])} of customer_metadata.csv"
        )
    if len(frame) > len(index):
        odd = frame.loc[~frame["bldg_id"].isin(index), "bldg_id"]
        raise CairoError(f"{path} has buildings {listed(odd)} that customer_metadata.csv lacks")
    return frame.iloc[place]


def _bills(reader: RunReader, fuel: str, index: pd.Index) -> FuelBills:
    name = f"bills/{fuel}_bills_year_run.csv"
    path = reader.path / name
    frame = reader.table(name, ["bldg_id", "weight", "month", "bill_level"], others=False)
    known = [*months, ANNUAL]
    odd = [name for name in frame["month"].cat.categories if name not in known]
    if odd:
        raise CairoError(f"{path} has month {listed(odd)}, expected Jan to Dec and {ANNUAL}")
    code = frame["month"].cat.set_categories(known).cat.codes.to_numpy()
    counts = np.bincount(code, minlength=len(known))
    if (counts != len(index)).any():
        short = [name for name, n in zip(known, counts, strict=True) if n != len(index)]
        raise CairoError(f"{path} does not have one row a home for {listed(short)}")
    bill, weight = frame["bill_level"].to_numpy(), frame["weight"].to_numpy()
    quartiles = [
        weighted_quantile(bill[code == m], weight[code == m], QUARTILES) for m in range(len(months))
    ]
    year = _aligned(reader, name, frame[code == len(months)], index)
    return FuelBills(year["bill_level"].to_numpy(np.float64), np.array(quartiles))


def _fuels(reader: RunReader, index: pd.Index) -> dict[str, FuelBills]:
    """Bills by the keys of `FUELS`; electricity alone when nobody has a gas bill."""
    bills = {key: _bills(reader, key, index) for key in FUELS}
    return bills if bills["gas"].annual.any() else {"elec": bills["elec"]}


def _tariffs(reader: RunReader) -> dict[str, Tariff]:
    name = "tariff_final_config.json"
    path = reader.path / name
    try:
        tables = {key: parse_tariff(key, tariff) for key, tariff in reader.mapping(name).items()}
    except CairoError as error:
        raise error if str(path) in str(error) else CairoError(f"{path}: {error}") from None
    if not tables:
        raise CairoError(f"{path} has no tariff")
    return tables


def _hours(reader: RunReader) -> tuple[pd.DataFrame, str]:
    """Hourly rows with their times as local standard time, and the zone, such as `-05:00`."""
    name = "system_hourly.csv"
    prices = [column for column in PRICE_COLUMNS if column in reader.header(name)]
    frame = reader.table(name, ["time", SYSTEM_LOAD, *prices, TOTAL_PRICE], others=False)
    if len(frame) != HOURS:
        raise CairoError(f"{reader.path / name} has {len(frame)} rows, expected {HOURS}")
    stamps = frame["time"].astype(str)
    try:
        times = pd.to_datetime(stamps.str.slice(0, 19), format="ISO8601")
    except ValueError as error:
        raise reader.unreadable(name, error) from None
    return frame.assign(time=times.to_numpy()), stamps.iloc[0][19:]


def _costs(reader: RunReader) -> dict[str, float]:
    name = "costs_by_type.csv"
    frame = reader.table(name, ["cost", "dollars"])
    costs = dict(zip(frame["cost"].astype(str), frame["dollars"].tolist(), strict=True))
    if RESIDUAL_COSTS not in costs:
        raise CairoError(
            f"{reader.path / name} has no row {RESIDUAL_COSTS}; it has {listed(costs)}"
        )
    return costs


def _requirement(path: Path, record: Mapping[str, object]) -> tuple[float, dict[str, float]]:
    summary = record.get("summary")
    summary = summary if isinstance(summary, dict) else {}
    by_tariff = summary.get("revenue_requirement_by_tariff") or {}
    total: Any = summary.get("revenue_requirement")
    numbers = {"revenue_requirement": total}
    numbers |= by_tariff if isinstance(by_tariff, dict) else {"by_tariff": None}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise CairoError(f"{path}: summary has {name} = {value!r}, expected a number of $")
    return float(total), {k: float(v) for k, v in by_tariff.items()}


def _tariff_of(reader: RunReader, index: pd.Index) -> np.ndarray:
    """Each home's tariff."""
    name = "tariff_map.csv"
    frame = _aligned(reader, name, reader.table(name, ["bldg_id", "tariff_key"]), index)
    return np.asarray(frame["tariff_key"].astype(object))
