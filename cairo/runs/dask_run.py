"""The `dask_dataframe` backend's share of a run: cluster, load frame, pass."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairo.errors import OutputError
from cairo.files.load_file import NOTHING_READ
from cairo.rates_tool.dd_stages import load_pass
from cairo.rates_tool.dd_stages.summary import target_times
from cairo.rates_tool.systemsimulator import gas_tariff_strategy
from cairo.rates_tool.tariffs import _load_base_tariffs
from cairo.runs.prices import full_prices
from cairo.workers import cluster

if TYPE_CHECKING:
    from cairo.scenario.inputs import RunInputs
    from cairo.workers.stages import Timings


def prepare(inputs: RunInputs, timings: Timings, performance_report: bool) -> dict[str, Any]:
    """Run the pass on a cluster; the fields of the runner's prepared loads.

    Hourly figures of single buildings stay on the workers; what comes back is a `LoadSummary`.
    """
    settings = inputs.settings
    metadata = inputs.customer_metadata
    ids = metadata["bldg_id"].tolist()
    strategy, params = _load_base_tariffs(inputs.tariffs_params, inputs.tariff_map, ids)
    gas_strategy, gas_tariffs = (
        gas_tariff_strategy(ids, inputs.gas_tariff_map, inputs.gas_tariffs)
        if inputs.gas_tariff_map is not None
        else (None, None)
    )
    size = cluster.sizing(settings.dask, settings.process_workers, len(ids))
    frame = inputs.loads.load_frame(size.partition_buildings)
    report: Callable[[Path], None] | None = None
    with timings.stage("workers"):
        connected = cluster.connected(settings.dask, size, timings.note)
        client = connected.__enter__()
    try:
        with _performance_report(client, performance_report) as report:
            prices = inputs.marginal_system_prices
            read = NOTHING_READ
            if inputs.distribution_cost is not None:
                with timings.stage("system hourly demand", len(ids)):
                    plan = load_pass.demand_plan(metadata)
                    first = load_pass.execute(frame, plan, client, timings.advance)
                    read += first.read
                    times = target_times(settings.year_run)
                    prices = full_prices(inputs, first.hourly_demand_series(times))
            with timings.stage("pass over the loads", len(ids)):
                plan = load_pass.run_plan(
                    metadata,
                    prices,
                    params,
                    strategy,
                    settings.year_run,
                    gas_tariffs=gas_tariffs,
                    gas_strategy=gas_strategy,
                    solar=settings.solar_pv_compensation is not None,
                )
                summary = load_pass.execute(frame, plan, client, timings.advance)
    finally:
        import sys

        with timings.stage("workers"):
            connected.__exit__(*sys.exc_info())
    return {
        "electricity": summary,
        "gas": None,
        "demand": summary.hourly_demand_series(prices.index),
        "prices": prices,
        "report": report,
        "workers": asdict(size),
        "read": read + summary.read,
    }


@contextmanager
def _performance_report(client: Any, wanted: bool) -> Iterator[Callable[[Path], None] | None]:
    """Record Dask's performance report; what is given writes it into a run directory."""
    if not wanted:
        yield None
        return
    from distributed import performance_report

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        html: dict[str, str] = {}

        def write(place: Path) -> None:
            try:
                place.write_text(html["text"], encoding="utf-8")
            except OSError as error:
                raise OutputError(f"cannot write {place}: {error.strerror}") from None

        with client.as_current(), performance_report(filename=str(path)):
            yield write
        html["text"] = path.read_text(encoding="utf-8")
