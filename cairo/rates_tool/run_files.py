"""The files of a run directory: one table, from which the writer, readers and docs follow.

An entry says what a file is called, what it holds, its columns with their units, which of them
tell rows apart, and how it is made of a `RunResult`. A file that the bill alignment test itself
writes, as callers may replace that, has none of the last.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from cairo.files.parquet_tables import write_parquet
from cairo.files.run_directory import write_csv, write_json, write_text, writing
from cairo.model import bat_statistics
from cairo.model.allocations import ALLOCATIONS
from cairo.model.bill_parts import ITEMS, UNITS
from cairo.model.components import COMPONENTS, DELIVERY, of_component
from cairo.model.determinants import Determinants
from cairo.model.dollar_years import convert_dollars
from cairo.model.names import (
    ANNUAL,
    BURDEN,
    PRICE_COLUMNS,
    TOTAL_PRICE,
    months,
)
from cairo.model.prices import Prices
from cairo.model.tariff import Tariff
from cairo.rates_tool.baseline import CHANGE, PERCENT
from cairo.rates_tool.design import Design
from cairo.rates_tool.determinants import determinants_table
from cairo.rates_tool.response_run import Responded
from cairo.rates_tool.run_spec import Costs, RunSpec

FUELS = {"elec": "electricity", "gas": "gas", "comb": "electricity and gas added"}
"""Beginnings of the bills' file names, and what they bill."""
DETERMINANTS = "billing_determinants.parquet"
BAT_FILE = "cross_subsidization/cross_subsidization_BAT_values.csv"
SYSTEM_LOAD = "system_load_kwh"
LOAD_BEFORE = "system_load_before_response_kwh"


@dataclass(frozen=True, eq=False)
class RunResult:
    """A finished run, before it is written.

    demand : (8760,) system demand by time [kWh].
    bills, gas_bills : index bldg_id, `Jan`..`Dec`, `Annual` [$ of the run's year].
    tariffs : {tariff key: tariff with its final rates}.
    record : what `run.json` holds. determinants : parts of the electric bills.
    performance_report : Dask's, as HTML.
    responded : what customers have done in response to price; None when they did nothing.
    changes : of bills against another run's, see `Baseline.changes`; None without one.
    twins : {tariff key: its delivery twin with its final rates}, where there are some.
    """

    spec: RunSpec
    costs: Costs
    prices: Prices
    demand: pd.Series
    bills: pd.DataFrame
    gas_bills: pd.DataFrame
    tariffs: Mapping[str, Tariff]
    record: Mapping[str, object]
    determinants: Determinants
    performance_report: str | None = None
    responded: Responded | None = None
    changes: pd.DataFrame | None = None
    twins: Mapping[str, Tariff] | None = None

    def fuel(self, fuel: str) -> pd.DataFrame:
        """Bills of a key of `FUELS`."""
        if fuel == "comb":
            return self.bills + self.gas_bills
        return self.bills if fuel == "elec" else self.gas_bills


Content: TypeAlias = pd.DataFrame | pa.Table | Mapping[str, object] | str


@dataclass(frozen=True)
class Column:
    """A column of a file: its name, what numbers it holds ("" for text), and what they are."""

    name: str
    kind: str
    about: str = ""


@dataclass(frozen=True)
class RunFile:
    """A file of a run directory.

    name : its path in the directory; `<column>` stands for a metadata column.
    about : what it holds.
    columns : those of a table; a run may have others besides.
    keys : columns that say what a row is about.
    made : its content, None when this run has none; absent for what is written elsewhere.
    always : whether every run has it.
    same_as : name of the file, written before, that has the very same content in a run.
    """

    name: str
    about: str
    columns: tuple[Column, ...] = ()
    keys: tuple[str, ...] = ()
    made: Callable[[RunResult], Content | None] | None = None
    always: bool = True
    same_as: Callable[[RunResult], str | None] = lambda result: None

    def is_named(self, name: str) -> bool:
        """Whether a path in a run directory is this file's."""
        before, column, after = self.name.partition("<column>")
        if not column:
            return name == self.name
        return bool(re.fullmatch(re.escape(before) + "[^/]+" + re.escape(after), name))


INT, FLOAT, TEXT = "int64", "float64", ""
BLDG = Column("bldg_id", INT, "home")
WEIGHT = Column("weight", FLOAT, "customers")
DOLLAR_YEAR = Column("dollar_year", INT, "year of the dollars")
STATISTICS = (
    Column("buildings", FLOAT, "homes of the group"),
    Column("customers", FLOAT, "customers they stand for"),
    Column("mean", FLOAT, "over homes [$]"),
    Column("median", FLOAT, "over homes [$]"),
    Column("weighted_average", FLOAT, "over customers [$]"),
    Column("std", FLOAT, "sample standard deviation over homes [$]"),
    Column("coefficient_of_variation", FLOAT, "`std` over `mean`"),
    Column("quartile_coefficient_of_dispersion", FLOAT, "(Q3 - Q1) / (Q3 + Q1) over homes"),
)


def long_bills(bills: pd.DataFrame, weight: pd.Series, dollar_year: int) -> pd.DataFrame:
    """Bills with a row a building and month, `Annual` last.

    Columns `bldg_id, weight, month, bill_level [$], dollar_year`.
    """
    names = [*months, ANNUAL]
    n = len(bills)
    return pd.DataFrame(
        {
            "bldg_id": np.repeat(bills.index.to_numpy(), len(names)),
            "weight": np.repeat(weight.reindex(bills.index).to_numpy(np.float64), len(names)),
            "month": pd.Categorical.from_codes(np.tile(np.arange(len(names)), n), names),
            "bill_level": bills[names].to_numpy(np.float64).reshape(-1),
            "dollar_year": dollar_year,
        }
    )


def _bills(fuel: str, in_run_year: bool) -> RunFile:
    def made(result: RunResult) -> pd.DataFrame:
        spec = result.spec
        year = spec.year if in_run_year else spec.dollar_year
        converted = convert_dollars(result.fuel(fuel), spec.year, year)
        return long_bills(converted, spec.customers.weight_by_id, year)

    same = None if in_run_year else f"bills/{fuel}_bills_year_run.csv"
    kind, year = ("run", "year_run") if in_run_year else ("target", "year_dollar_conversion")
    zeros = "; zeros in a run without gas" if fuel == "gas" else ""
    return RunFile(
        f"bills/{fuel}_bills_year_{kind}.csv",
        f"bills of {FUELS[fuel]}, dollars of `{year}`: 13 rows a home, January to December, then "
        f"`{ANNUAL}`{zeros}",
        (
            BLDG,
            WEIGHT,
            Column("month", TEXT, f"`Jan` to `Dec`, `{ANNUAL}`"),
            Column("bill_level", FLOAT, "$"),
            DOLLAR_YEAR,
        ),
        ("bldg_id", "month"),
        made,
        same_as=lambda result: same if result.spec.year == result.spec.dollar_year else None,
    )


def _statistics(fuel: str) -> RunFile:
    def made(result: RunResult) -> pd.DataFrame:
        frame = result.spec.customers.frame
        return bat_statistics.bill_statistics(frame, result.fuel(fuel)[ANNUAL])

    return RunFile(
        f"bills/{fuel}_bill_statistics_by_segment.csv",
        f"statistics of annual bills of {FUELS[fuel]}, dollars of `year_run`: a row a group, "
        "`all customers` last in each segment",
        (
            Column("segment", TEXT, "metadata column"),
            Column("group", TEXT, "value in it"),
            Column("metric", TEXT, f"`{ANNUAL}`"),
            *STATISTICS,
        ),
        ("segment", "group", "metric"),
        made,
    )


def _system(result: RunResult) -> pd.DataFrame:
    prices = result.prices.with_total
    demand = pd.Series(result.demand.to_numpy(), index=prices.index, name=SYSTEM_LOAD)
    times = prices.index
    if not isinstance(times, pd.DatetimeIndex):
        times = result.demand.index
    loads = [demand]
    if result.responded is not None:
        before = result.responded.demand_before.to_numpy()
        loads.append(pd.Series(before, index=prices.index, name=LOAD_BEFORE))
    hourly = pd.concat([*loads, prices], axis=1).set_axis(times.rename("time"), axis=0)
    return hourly.reset_index()


def _dicts(tariffs: Mapping[str, Tariff]) -> dict[str, object]:
    return {key: tariffs[key].to_dict() for key in sorted(tariffs)}


def _costs(result: RunResult) -> pd.DataFrame:
    costs = result.costs.by_type
    return pd.DataFrame({"cost": list(costs), "dollars": list(costs.values())})


def _bat_columns() -> tuple[Column, ...]:
    return (
        BLDG,
        Column(ANNUAL, FLOAT, "electric bill of the year [$]"),
        Column(BURDEN, FLOAT, "marginal cost of service [$]"),
        *(
            Column(one.share, FLOAT, f"residual share by {one.basis_label} [$]")
            for one in ALLOCATIONS
        ),
        WEIGHT,
        *(
            Column(
                one.name,
                FLOAT,
                "bill less burden and share [$]; above zero pays more than its cost",
            )
            for one in ALLOCATIONS
        ),
        DOLLAR_YEAR,
        *_split_columns(),
    )


def _split_columns() -> Iterator[Column]:
    """Columns of delivery and supply, of a run that is split."""
    for component in COMPONENTS:
        there = f"where the run has {DELIVERY} bills [$]"
        yield Column(of_component(ANNUAL, component), FLOAT, f"{component} part of it, {there}")
    for component in COMPONENTS:
        yield Column(of_component(BURDEN, component), FLOAT, f"{component} part of it, {SPLIT_RUN}")
    for component in COMPONENTS:
        for one in ALLOCATIONS:
            yield Column(
                of_component(one.share, component),
                FLOAT,
                f"share of the {component} residual, {SPLIT_RUN}",
            )
    for component in COMPONENTS:
        for one in ALLOCATIONS:
            yield Column(of_component(one.name, component), FLOAT, f"of {component} alone, {there}")


SPLIT_RUN = "where the requirement is split [$]"
RUN_FILES: list[RunFile] = [
    *(_bills(fuel, in_run_year) for fuel in FUELS for in_run_year in (True, False)),
    *(_statistics(fuel) for fuel in FUELS),
    RunFile(
        DETERMINANTS,
        "every part of every electric bill, dollars of `year_run`: a row a home, month, item, "
        "period and tier; a home's `dollars` of a month add to its bill",
        (
            BLDG,
            Column("month", "int8", "1 to 12"),
            Column("item", TEXT, ", ".join(f"`{name}`" for name in ITEMS)),
            Column("period", "int16", "from 1; 0 where the item has none"),
            Column("tier", "int16", "from 1; 0 where the item has none"),
            Column("quantity", FLOAT, "what is billed, in `unit`"),
            Column("unit", TEXT, ", ".join(f"`{unit}`" for unit in UNITS)),
            Column("rate", FLOAT, "$ per unit; empty where it is no price"),
            Column("dollars", FLOAT, "what it adds to the bill, credits negative [$]"),
        ),
        ("bldg_id", "month", "item", "period", "tier"),
        lambda result: (
            None if result.determinants is None else determinants_table(result.determinants)
        ),
    ),
    RunFile(
        BAT_FILE,
        "burden, shares and bill alignment for one customer of each home, in the metadata's order",
        _bat_columns(),
        ("bldg_id",),
    ),
    RunFile(
        "cross_subsidization/cross_subsidization_BAT_by_<column>.csv",
        "their statistics by the groups of a metadata column, which is the first column; `metric` "
        "is an allocation's `BAT_` column",
        (Column("metric", TEXT, "column of bill alignment"), *STATISTICS),
        ("metric",),
        always=False,
    ),
    RunFile(
        "customer_metadata.csv",
        "homes, a row each, with the metadata columns kept",
        (BLDG, WEIGHT),
        ("bldg_id",),
        lambda result: result.spec.customers.frame,
    ),
    RunFile(
        "tariff_map.csv",
        "which tariff each home is on",
        (BLDG, Column("tariff_key", TEXT, "tariff")),
        ("bldg_id",),
        lambda result: result.spec.electricity.frame,
    ),
    RunFile(
        "tariff_final_config.json",
        "tariffs with their final rates, {tariff key: PySAM-style dict}",
        made=lambda result: _dicts(result.tariffs),
    ),
    RunFile(
        "delivery_tariff_final_config.json",
        "delivery twins of the tariffs with their final rates, of a run with `delivery_tariffs`",
        made=lambda result: None if result.twins is None else _dicts(result.twins),
        always=False,
    ),
    RunFile(
        "system_hourly.csv",
        "system demand and prices, 8760 rows",
        (
            Column("time", TEXT, "beginning of the hour, EST"),
            Column(SYSTEM_LOAD, FLOAT, "weighted net load of all homes [kWh]"),
            Column(LOAD_BEFORE, FLOAT, "the same before customers respond, where they do [kWh]"),
            *(
                Column(name, FLOAT, "price component, where the run has it")
                for name in PRICE_COLUMNS
            ),
            Column(TOTAL_PRICE, FLOAT, "their sum"),
        ),
        ("time",),
        _system,
    ),
    RunFile(
        "costs_by_type.csv",
        "marginal costs by component and in all, residual and total costs",
        (Column("cost", TEXT, "type"), Column("dollars", FLOAT, "$/year")),
        ("cost",),
        _costs,
    ),
    RunFile(
        "demand_response.csv",
        "what homes that respond to price use, a row a home, season and period",
        (
            BLDG,
            Column("tariff_key", TEXT, "tariff"),
            Column("season", TEXT, "`winter`, `summer`, or a number"),
            Column("period", INT, "energy period from 1"),
            Column("kwh_before", FLOAT, "kWh before the response"),
            Column("kwh_after", FLOAT, "kWh after it"),
            Column("price", FLOAT, "of the period's first tier [$/kWh]"),
            Column("flat_price", FLOAT, "what the tariff's homes pay on average [$/kWh]"),
            Column(
                "achieved_elasticity",
                FLOAT,
                "log(kWh after / before) / log(price / flat price), empty where it says nothing",
            ),
        ),
        ("bldg_id", "season", "period"),
        lambda result: None if result.responded is None else result.responded.table(),
        always=False,
    ),
    RunFile(
        "bill_changes.csv",
        "bills of the year beside those of the run that `compare_to` names, dollars of `year_run`",
        (
            BLDG,
            WEIGHT,
            *(
                Column(f"{fuel}_{when}", FLOAT, f"bill of {fuel} {when} the change [$/year]")
                for fuel in ("electricity", "gas")
                for when in ("before", "after")
            ),
            Column(CHANGE, FLOAT, "of both together [$/year]"),
            Column(PERCENT, FLOAT, "of the bills before [%]"),
        ),
        ("bldg_id",),
        lambda result: result.changes,
        always=False,
    ),
    RunFile(
        "derived_tariffs/<column>.json",
        "a tariff that was derived, named by its alias: URDB JSON with a note of how it was made",
        always=False,
    ),
    RunFile("run.json", "how the run was made", made=lambda result: result.record),
    RunFile(
        "performance_report.html",
        "Dask's performance report, with `--performance-report`",
        made=lambda result: result.performance_report,
        always=False,
    ),
]
"""Every file, in the order they are written; a script may append its own before a run."""


def write_files(folder: Path, result: RunResult) -> None:
    """Write every file of the table that is made of a run's result.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    for one in RUN_FILES:
        same = one.same_as(result)
        if same is not None:
            with writing(folder / one.name):
                shutil.copyfile(folder / same, folder / one.name)
            continue
        content = None if one.made is None else one.made(result)
        if content is not None:
            write(folder / one.name, content)


def write_designs(folder: Path, designs: Mapping[str, Design]) -> None:
    """Write derived tariffs, {alias: tariff}, a file each."""
    for alias, design in designs.items():
        place = folder / "derived_tariffs" / f"{alias}.json"
        with writing(place):
            place.parent.mkdir(exist_ok=True)
        write(place, design.urdb(alias))


def write(path: Path, content: Content) -> None:
    """Write a frame as CSV, an Arrow table as parquet, a mapping as JSON, a text as it is."""
    if isinstance(content, pd.DataFrame):
        write_csv(content, path)
    elif isinstance(content, pa.Table):
        write_parquet(content, path)
    elif isinstance(content, str):
        write_text(content, path)
    else:
        write_json(content, path)


def keys_of(name: str, columns: Iterable[str]) -> list[str]:
    """Columns that say what a row of a file is about, among those it has."""
    for one in RUN_FILES:
        if one.is_named(name):
            found = [key for key in one.keys if key in set(columns)]
            # The groups of a metadata column come first in a file named after it.
            return [*list(columns)[:1], *found] if "<column>" in one.name else found
    anywhere = {key for one in RUN_FILES for key in one.keys}
    return [column for column in columns if column in anywhere]
