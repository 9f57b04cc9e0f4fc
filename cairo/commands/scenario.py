"""Commands on a scenario file that run nothing: `cairo runs`, `cairo check`."""

from __future__ import annotations

from typing import Annotated

import typer

from cairo.commands.terminal import (
    ConfigOption,
    ScenarioArgument,
    UnmodelledOption,
    put,
    table,
    tell,
)
from cairo.errors import CairoError, InputErrors


def runs(scenario: ScenarioArgument, config_dir: ConfigOption = None) -> None:
    """List the runs of a scenario file."""
    from cairo.scenario.references import tariff_name
    from cairo.scenario.scenario_file import read_scenario

    found = read_scenario(scenario, config_dir)
    rows, errors = [], []
    for name in found.runs:
        try:
            settings = found.run(name)
        except CairoError as error:
            errors.append(error)
            continue
        scope = "delivery and supply" if settings.run_includes_supply else "delivery"
        tariffs = ", ".join(tariff_name(path) for path in settings.path_tariffs_electric.values())
        rows.append([name, settings.run_type, settings.backend, scope, tariffs])
    table(["run", "type", "backend", "requirement", "tariffs"], rows)
    if errors:
        raise InputErrors(errors)


def check(
    scenario: ScenarioArgument,
    name: Annotated[
        str | None, typer.Argument(help="One run; all by default.", metavar="RUN")
    ] = None,
    config_dir: ConfigOption = None,
    allow_unmodelled: UnmodelledOption = False,
) -> None:
    """Find every input error of a scenario's runs, load files included; write nothing."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.scenario.scenario_checks import check_runs, first_settings
    from cairo.scenario.scenario_file import read_scenario
    from cairo.workers.progress import watching

    found = read_scenario(scenario, config_dir)
    errors: dict[str, CairoError] = {}
    runs = {}
    for run_name in [name] if name else list(found.runs):
        try:
            settings = found.run(run_name)
            if allow_unmodelled:
                settings = settings.changed(allow_unmodelled=True)
            runs[run_name] = settings
        except InputErrors as several:
            errors |= {str(error): error for error in several.errors}
        except CairoError as error:
            errors[str(error)] = error
    first, wrong = first_settings(found, runs)
    errors |= {str(error): error for error in wrong}
    with watching() as progress:
        left_out: dict[str, None] = {}
        found_wrong = check_runs(first, progress, lambda one: left_out.setdefault(str(one)))
        errors |= {str(error): error for error in found_wrong}
    unused = sorted({key for settings in runs.values() for key in settings.not_used})
    if unused:
        tell(f"not used: {', '.join(unused)}")
    for line in left_out:
        put(f"not modelled: {line}")
    if errors:
        raise InputErrors(errors.values())
    put(f"{scenario}: no errors found")
