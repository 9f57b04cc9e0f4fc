"""Functions of CAIRO's that a caller has put another in place of."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TypeAlias, TypeVar

from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import TariffDict
from cairo.rates_tool import loads, postprocessing, system_revenues

Place: TypeAlias = tuple[type | ModuleType, str]
"""The module or class that a function is looked up in, and its name there."""

_BAT = postprocessing.InternalCrossSubsidizationProcessor
BURDEN: Place = (_BAT, "_determine_marginal_cost_allocation")
ALIGNMENT: tuple[Place, ...] = tuple(
    (_BAT, name)
    for name in (
        "_allocate_residual_volumetric",
        "_allocate_residual_peak",
        "_allocate_residual_percustomer",
        "_allocate_residual_epmc",
        "_determine_residual_cost_allocation",
        "_return_customer_level_economic_burden_and_residual_share",
        "_return_cross_subsidization_metrics",
    )
)
DEMAND_BY_PERIOD: Place = (loads, "process_building_demand_by_period")
REVENUES: Place = (system_revenues, "run_system_revenues")
RATES: Place = (system_revenues, "_precalc_customer_rates")
STAGES: tuple[Place, ...] = (
    DEMAND_BY_PERIOD,
    (loads, "process_residential_hourly_demand"),
    REVENUES,
    RATES,
)


def among(places: Iterable[Place]) -> list[str]:
    """Names of those functions that have been replaced."""
    return [
        f"{owner.__name__.rpartition('.')[2]}.{name}"
        for owner, name in places
        if not _is_ours(owner, name)
    ]


Parsed = TypeVar("Parsed", bound=Tariff | None)


def as_taken(place: Place, tariffs: Mapping[str, Parsed]) -> Mapping[str, Parsed | TariffDict]:
    """Tariffs as the function at a place takes them: a caller's own gets CAIRO's dicts.

    Ours takes both, and what has been parsed is not parsed again.
    """
    if _is_ours(*place):
        return tariffs
    return {key: one if one is None else one.to_dict() for key, one in tariffs.items()}


def _is_ours(owner: type | ModuleType, name: str) -> bool:
    """Whether a function is the one its own file defines, whenever another was put in its place."""
    module = owner if isinstance(owner, ModuleType) else sys.modules[owner.__module__]
    code = getattr(getattr(owner, name), "__code__", None)
    return code is not None and code.co_filename == module.__file__ and code.co_name == name
