"""A run directory as typed, checked arrays: what the report's pages are drawn from."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cairo.errors import CairoError, listed, one_line
from cairo.model.allocations import BAT, share_columns
from cairo.model.arrays import Float1D, Float2D
from cairo.model.names import (
    ANNUAL,
    HOURS,
    PRICE_COLUMNS,
    RESIDUAL_COSTS,
    TOTAL_PRICE,
    months,
)
from cairo.model.tariff import Tariff, parse_tariff
from cairo.results.report.numbers import weighted_quantile

FUELS = {"elec": "Electricity", "gas": "Gas", "comb": "Electricity and gas"}
"""File prefixes of the bills and what they bill."""
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class FuelBills:
    """Bills of one fuel: annual (n,) [$] by home, quartiles (12, 3) [$/month] of the customers."""

    annual: Float1D
    quartiles: Float2D


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
    """

    path: Path
    name: str
    record: Mapping[str, Any]
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
    def revenue(self) -> float:
        """Weighted electric bills [$/year]."""
        return math.fsum(self.weight * self.bills["elec"].annual)

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
    path = Path(run_dir)
    if not path.is_dir():
        raise CairoError(f"run directory {path} does not exist")
    record = _mapping(path / "run.json")
    place = path / "customer_metadata.csv"
    homes = _csv(place, {"bldg_id": "int64", "weight": "float64"}, others=True)
    _distinct(place, homes)
    if not (homes["weight"] >= 0).all() or not homes["weight"].sum() > 0:
        raise CairoError(f"{place}: weights must be zero or more, and not all zero")
    index = pd.Index(homes["bldg_id"])
    place = path / "cross_subsidization" / "cross_subsidization_BAT_values.csv"
    names = [name for name in _header(place) if name.startswith(BAT)]
    if not names:
        raise CairoError(f"{place} has none of the columns {listed(share_columns())}")
    frame = _csv(place, {"bldg_id": "int64", **dict.fromkeys(names, "float64")}, others=True)
    frame = _aligned(place, frame, index)
    tariffs = _tariffs(path / "tariff_final_config.json")
    hours, offset = _hours(path / "system_hourly.csv")
    requirement, by_tariff = _requirement(path / "run.json", record)
    return RunData(
        path=path,
        name=str(record.get("run_name") or path.name),
        record=record,
        homes=homes,
        bat={name: frame[name].to_numpy(np.float64) for name in names},
        bills=_fuels(path / "bills", index),
        dollar_year=str(frame["dollar_year"].iloc[0]) if "dollar_year" in frame else "",
        tariffs=tariffs,
        tariff_of=_tariff_of(path / "tariff_map.csv", index),
        hours=hours,
        utc_offset=offset,
        costs=_costs(path / "costs_by_type.csv"),
        requirement=requirement,
        requirement_by_tariff=by_tariff,
    )


def _unreadable(path: Path, error: BaseException) -> CairoError:
    return CairoError(f"{path} cannot be read: {one_line(error)}")


def _mapping(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from None
    if not isinstance(stored, dict):
        raise CairoError(f"{path} has {type(stored).__name__}, expected a JSON object")
    return stored


def _header(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error) as error:
        raise _unreadable(path, error) from None


def _csv(path: Path, types: Mapping[str, str], *, others: bool = False) -> pd.DataFrame:
    """Columns of the given types, all there and finite; `others` are read as text."""
    import pyarrow as pa
    import pyarrow.csv

    header = _header(path)
    absent = [name for name in types if name not in header]
    if absent:
        raise CairoError(f"{path} has no column {listed(absent)}; it has {listed(header)}")
    names = [name for name in header if name in types or others]
    if len(set(names)) < len(names):
        raise CairoError(f"{path} has two columns of one name: {listed(names)}")
    kinds = {"category": pa.dictionary(pa.int32(), pa.string())}
    options = pyarrow.csv.ConvertOptions(
        include_columns=names,
        column_types={name: kinds.get(kind := types.get(name, "string"), kind) for name in names},
        null_values=["", "nan", "NaN"],
        strings_can_be_null=True,
    )
    try:
        frame: pd.DataFrame = pyarrow.csv.read_csv(path, convert_options=options).to_pandas()
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise _unreadable(path, error) from None
    if frame.empty:
        raise CairoError(f"{path} has no rows")
    for name in types:
        column = frame[name]
        bad = column.isna() if types[name] == "category" else ~np.isfinite(column)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise CairoError(f"{path}: row {row + 1} has no finite {name}")
    return frame


def _distinct(path: Path, frame: pd.DataFrame) -> None:
    twice = frame.loc[frame["bldg_id"].duplicated(), "bldg_id"]
    if len(twice):
        raise CairoError(f"{path} has buildings {listed(twice)} more than once")


def _aligned(path: Path, frame: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """The frame's rows in the order of the homes."""
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


def _bills(path: Path, index: pd.Index) -> FuelBills:
    frame = _csv(
        path,
        {"bldg_id": "int64", "weight": "float64", "month": "category", "bill_level": "float64"},
    )
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
    year = _aligned(path, frame[code == len(months)], index)
    return FuelBills(year["bill_level"].to_numpy(np.float64), np.array(quartiles))


def _fuels(folder: Path, index: pd.Index) -> dict[str, FuelBills]:
    """Bills by the keys of `FUELS`; electricity alone when nobody has a gas bill."""
    bills = {key: _bills(folder / f"{key}_bills_year_run.csv", index) for key in FUELS}
    return bills if bills["gas"].annual.any() else {"elec": bills["elec"]}


def _tariffs(path: Path) -> dict[str, Tariff]:
    try:
        tables = {key: parse_tariff(key, tariff) for key, tariff in _mapping(path).items()}
    except CairoError as error:
        raise error if str(path) in str(error) else CairoError(f"{path}: {error}") from None
    if not tables:
        raise CairoError(f"{path} has no tariff")
    return tables


def _hours(path: Path) -> tuple[pd.DataFrame, str]:
    """Hourly rows with their times as local standard time, and the zone, such as `-05:00`."""
    prices = [name for name in PRICE_COLUMNS if name in _header(path)]
    numbers = dict.fromkeys(["system_load_kwh", *prices, TOTAL_PRICE], "float64")
    frame = _csv(path, {"time": "category", **numbers})
    if len(frame) != HOURS:
        raise CairoError(f"{path} has {len(frame)} rows, expected {HOURS}")
    stamps = frame["time"].astype(str)
    try:
        times = pd.to_datetime(stamps.str.slice(0, 19), format="ISO8601")
    except ValueError as error:
        raise _unreadable(path, error) from None
    return frame.assign(time=times.to_numpy()), stamps.iloc[0][19:]


def _costs(path: Path) -> dict[str, float]:
    frame = _csv(path, {"cost": "category", "dollars": "float64"})
    costs = dict(zip(frame["cost"].astype(str), frame["dollars"].tolist(), strict=True))
    if RESIDUAL_COSTS not in costs:
        raise CairoError(f"{path} has no row {RESIDUAL_COSTS}; it has {listed(costs)}")
    return costs


def _requirement(path: Path, record: Mapping[str, Any]) -> tuple[float, dict[str, float]]:
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


def _tariff_of(path: Path, index: pd.Index) -> np.ndarray:
    """Each home's tariff."""
    frame = _csv(path, {"bldg_id": "int64", "tariff_key": "category"})
    return np.asarray(_aligned(path, frame, index)["tariff_key"].astype(object))
