"""The few functions a notebook needs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cairo.results.run import Run
from cairo.workers.dask_settings import import_dask

if TYPE_CHECKING:
    import dask.dataframe as dd


def run(scenario: str | os.PathLike[str], name: str, **options: Any) -> Run:
    """Run one run of a scenario file.

    Parameters
    ----------
    scenario : scenario YAML file.
    name : name of the run in it.
    options : as `cairo.runs.runner.run_scenario` takes: backend, output_dir, config_dir,
        workers, progress, performance_report.

    Raises
    ------
    CairoError
        Any input error, before anything is written.
    """
    import_dask()
    from cairo.runs.runner import run_scenario

    return Run(run_scenario(scenario, name, **options))


def read_loads(
    path: str | os.PathLike[str],
    bldg_ids: Iterable[int] | None = None,
    *,
    target_year: int | None = None,
    columns: Sequence[str] | None = None,
    storage_options: Mapping[str, object] | None = None,
) -> dd.DataFrame:
    """Hourly loads as a Dask DataFrame, one partition for some buildings.

    Parameters
    ----------
    path : load folder, fsspec URL or packed stock.
    bldg_ids : buildings; all by default.
    target_year : year whose calendar the hours take; the weather year's by default.
    columns : of `time, load_data, pv_generation, electricity_net` [kWh], `natural_gas` [therms].
    storage_options : fsspec options of a URL.

    Returns
    -------
    Index `bldg_id`, ascending, divisions known; 8760 rows a building. Nothing is read yet.

    Raises
    ------
    LoadError
        No such folder, or buildings without a file.
    """
    import_dask()
    from cairo.rates_tool.dd_stages.frame import LoadOptions, read_load_frame

    options = LoadOptions(target_year, storage_options=storage_options or {})
    return read_load_frame(path, bldg_ids, options=options, columns=columns)
