"""Column names, months and units that everything above uses."""

from __future__ import annotations

from typing import Literal, get_args

HOURS = 8760
"""Hours of a model year; a leap day is left out."""
HOURS_OF_DAY = 24
DAYS = HOURS // HOURS_OF_DAY

KWH_TO_THERM = 0.0341214116
"""Therms in one kWh (1 kWh = 3412.14116 Btu, 1 therm = 100,000 Btu)."""

ELECTRICITY = "total_fuel_electricity"
GAS = "total_fuel_gas"
LoadKey = Literal["total_fuel_electricity", "total_fuel_gas"]

TOTAL_COLUMN = "out.electricity.total.energy_consumption"
PV_COLUMN = "out.electricity.pv.energy_consumption"
GAS_COLUMN = "out.natural_gas.total.energy_consumption"
UNIT_SUFFIXES = ("", "..kwh", "....kwh", ".kwh")
"""Endings under which ResStock releases publish the same energy column."""

load_types_map: dict[str, list[str]] = {
    ELECTRICITY: [TOTAL_COLUMN, PV_COLUMN],
    GAS: [GAS_COLUMN],
}

months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MONTHS = len(months)
ANNUAL = "Annual"
DAYS_OF_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

gas_tariff_year = 2025
"""Default calendar year of gas tariffs."""

RunType = Literal["precalc", "default"]
"""Solve for rates that meet the requirement, or bill the tariffs as they are."""
RUN_TYPES: tuple[RunType, ...] = get_args(RunType)

WINTER, SUMMER = "winter", "summer"
"""The seasons where a run or a derived tariff tells two apart."""

NET_LOAD = "electricity_net"
GROSS_LOAD = "load_data"
GENERATION = "pv_generation"
ENERGY_PRICE = "Marginal Energy Costs ($/kWh)"
CAPACITY_PRICE = "Marginal Capacity Costs ($/kWh)"
ANCILLARY_PRICE = "Marginal Ancillary Costs ($/kWh)"
DISTRIBUTION_PRICE = "Marginal Distribution Costs ($/kWh)"
TOTAL_PRICE = "Total Marginal Costs ($/kWh)"
PRICE_COLUMNS = (ENERGY_PRICE, CAPACITY_PRICE, ANCILLARY_PRICE, DISTRIBUTION_PRICE)
"""The components of the hourly marginal price; `TOTAL_PRICE` is their sum, never one of them."""

RESIDUAL_COSTS = "Residual Costs ($)"
TOTAL_SYSTEM_COSTS = "Total System Costs ($)"
TOTAL_MARGINAL_COSTS = "Total Marginal Costs ($)"

BURDEN = "customer_level_economic_burden"
SPLIT_BASES = ("kwh", "peak_kwh", "delivery_burden")
"""A home's net energy of the year and of the peak hours [kWh], and its burden of delivery [$]."""

summary_buildings_cols_keep = [
    "in.vintage_acs",
    "in.income",
    "in.federal_poverty_level",
    "in.occupants",
    "in.tenure",
    "in.has_pv",
    "in.heating_fuel",
    "in.geometry_building_type_recs",
    "postprocess_group.has_hp",
    "postprocess_group.heating_type",
    "postprocess_group.heating_type_v2",
]
"""Metadata columns a run keeps when the file has them."""
