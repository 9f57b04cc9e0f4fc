"""Functions of CAIRO's that a caller has put another in place of, and who passes them over."""

from __future__ import annotations

import logging
from typing import Any

from cairo.errors import listed
from cairo.model.names import Backend
from cairo.rates_tool import loads, postprocessing, system_revenues

logger = logging.getLogger(__name__)

_BAT = postprocessing.InternalCrossSubsidizationProcessor
_BURDEN = (_BAT, "_determine_marginal_cost_allocation")
_ALIGNMENT = tuple(
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
_STAGES = (
    (loads, "process_building_demand_by_period"),
    (loads, "process_residential_hourly_demand"),
    (system_revenues, "run_system_revenues"),
    (system_revenues, "_precalc_customer_rates"),
)
_ORIGINALS = {place: getattr(*place) for place in (*_STAGES, _BURDEN, *_ALIGNMENT)}
_DONE_OTHERWISE: dict[Backend, tuple[tuple[Any, str], ...]] = {
    "pandas": (),
    "dask_delayed": _ALIGNMENT,
    "dask_dataframe": (*_STAGES, _BURDEN, *_ALIGNMENT),
}
"""What a backend does itself, so that a replacement is not called."""


def passed_over(backend: Backend) -> list[str]:
    """Names of replaced functions that a backend does not call."""
    return [
        f"{owner.__name__.rpartition('.')[2]}.{name}"
        for owner, name in _DONE_OTHERWISE[backend]
        if getattr(owner, name) is not _ORIGINALS[owner, name]
    ]


def warn_of_passed_over(backend: Backend, others: list[str]) -> None:
    """Say in one warning which replaced functions a backend does not call.

    Parameters
    ----------
    backend : of the run.
    others : names of further ones that the caller has found.
    """
    names = [*passed_over(backend), *others]
    if names:
        logger.warning(
            "backend %s does these stages itself and passes over what is in their place: %s; "
            "backend pandas runs it",
            backend,
            listed(names),
        )
