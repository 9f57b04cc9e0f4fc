"""`run.json`: everything needed to say how a run was made, and to make it again."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import pandas as pd

from cairo.files.load_file import NOTHING_READ, ReadCount
from cairo.files.recorded_options import open_text
from cairo.model.tariff_fields import Unmodelled
from cairo.rates_tool import system_revenues
from cairo.rates_tool.baseline import Baseline
from cairo.rates_tool.design import Design
from cairo.rates_tool.run_spec import Costs, RunSpec
from cairo.workers.memory import PeakMemory
from cairo.workers.stages import Timings

logger = logging.getLogger(__name__)

MOST_OF_REVENUE = 10
"""A requirement beyond so many times the revenue is a placeholder."""
PACKAGES = ("cairo", "dask", "distributed", "pandas", "pyarrow", "numpy", "pydantic")


@dataclass(frozen=True)
class Origin:
    """Where a run comes from.

    settings : as they were given, secrets left out. inputs : {input file: fingerprint}.
    started : UTC. memory : watched since then.
    baseline : bills that the run's are measured against.
    designs : {alias: derived tariff}.
    unmodelled : fields of tariffs that bills leave out.
    """

    settings: Mapping[str, object]
    inputs: Mapping[str, str] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    memory: PeakMemory | None = None
    baseline: Baseline | None = None
    designs: Mapping[str, Design] = field(default_factory=dict)
    unmodelled: Sequence[Unmodelled] = ()


@dataclass(frozen=True)
class LoadWork:
    """What it took to read the loads: files and bytes, and the workers of the cluster."""

    read: ReadCount = NOTHING_READ
    workers: Mapping[str, object] = field(default_factory=dict)


def run_record(
    spec: RunSpec,
    costs: Costs,
    demand: pd.Series,
    bills: pd.DataFrame,
    origin: Origin,
    loads: LoadWork,
    timings: Timings,
    further: Sequence[str] = (),
) -> dict[str, object]:
    """The record of a finished run, plain values throughout; `further` are remarks to add."""
    _, revenue = system_revenues.aggregate_system_revenues(bills, spec.customers.frame)
    first = remarks(costs, revenue)
    if first and not costs.from_bills:
        logger.warning("%s: %s", spec.name, first[0])
    return {
        "run_name": spec.name,
        "started": origin.started.isoformat(timespec="seconds"),
        "settings": open_text(origin.settings),
        "summary": {
            "customers": float(spec.customers.frame["weight"].sum()),
            "buildings": len(spec.customers.frame),
            "revenue_requirement": costs.requirement,
            "revenue_requirement_by_tariff": costs.by_tariff,
            "revenue_requirement_from": "bills" if costs.from_bills else "settings",
            "revenue": revenue,
            "components": components_record(costs),
            "remarks": [*left_out(origin.unmodelled), *first, *further],
            "peak_kw": float(demand.max()),
            "peak_time": str(demand.idxmax()),
            "annual_kwh": float(demand.sum()),
            "kwh_scale_factor": spec.kwh_scale,
            "costs_by_type": {str(name): float(value) for name, value in costs.by_type.items()},
        },
        "exports": {
            "style": spec.solar.style,
            "by_tariff": {key: sell[:, 0].tolist() for key, sell in spec.solar.sell.items()},
        },
        "timings_s": {name: round(value, 4) for name, value in timings.seconds.items()},
        "peak_memory_bytes": None if origin.memory is None else origin.memory.peak_bytes(),
        "loads_read": asdict(loads.read),
        "workers": dict(loads.workers),
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {"system": platform.platform(), "cpus": os.cpu_count()},
        "unmodelled": [asdict(one) for one in origin.unmodelled],
        "inputs": open_text(origin.inputs),
    }


def components_record(costs: Costs) -> dict[str, dict[str, float]] | None:
    """Requirement, marginal costs and residual [$/year] of delivery and supply; None unsplit."""
    if costs.components is None:
        return None
    return {
        component: {
            "revenue_requirement": one.requirement,
            "marginal_costs": one.marginal,
            "residual_costs": one.residual,
        }
        for component, one in costs.components.items()
    }


def left_out(unmodelled: Sequence[Unmodelled]) -> list[str]:
    """One line on what bills leave out of the tariffs; none when that is nothing."""
    if not unmodelled:
        return []
    return [f"Not modelled, so in no bill: {'; '.join(map(str, unmodelled))}."]


def remarks(costs: Costs, revenue: float) -> list[str]:
    """What a reader of the results should know first."""
    if costs.from_bills:
        return [
            "No revenue requirement was given: it is what the bills collect, and the residual is "
            "that less marginal costs."
        ]
    if costs.requirement > MOST_OF_REVENUE * revenue > 0.0:
        return [
            f"The revenue requirement of {costs.requirement:,.0f} $ is more than "
            f"{MOST_OF_REVENUE} times the {revenue:,.0f} $ that bills collect: it cannot be meant, "
            "and residual shares and bill alignment say nothing."
        ]
    return []


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
