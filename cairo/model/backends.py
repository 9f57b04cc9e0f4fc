"""The registry of backends: a name, and where the class behind it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Backend = Literal["pandas", "dask_delayed", "dask_dataframe"]
"""How the stages over hourly loads are run."""
BACKENDS: tuple[Backend, ...] = get_args(Backend)


@dataclass(frozen=True)
class Registered:
    """What is known of a backend before its class is imported.

    place : its module and class.
    on_workers : its work is done by a cluster's workers, which start to import while the run's
        inputs are read, and which have a dashboard and a performance report.
    """

    place: str
    on_workers: bool = False


REGISTRY: dict[Backend, Registered] = {
    "pandas": Registered("cairo.rates_tool.pandas_backend:PandasBackend"),
    "dask_delayed": Registered("cairo.rates_tool.pandas_backend:DelayedBackend"),
    "dask_dataframe": Registered(
        "cairo.rates_tool.dd_stages.backend:DataFrameBackend", on_workers=True
    ),
}

ON_WORKERS = tuple(name for name, backend in REGISTRY.items() if backend.on_workers)
