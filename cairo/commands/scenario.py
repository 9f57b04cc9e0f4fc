"""Commands on a scenario file that run nothing: `cairo init`, `cairo runs`, `cairo check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cairo.commands.completion import run_names
from cairo.commands.terminal import ConfigOption, ScenarioArgument, put, table, tell
from cairo.errors import CairoError, InputErrors


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make; nothing is overwritten.")],
    demo: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a demo: the scenario uses its homes, prices and requirement, and runs "
            "as it is."
        ),
    ] = None,
) -> None:
    """Write a commented scenario, an example tariff and a tariff map, to begin a study with."""
    from cairo.runs.first_scenario import MAP, TO_FILL, write_first_scenario

    scenario = write_first_scenario(folder, demo)
    put(scenario)
    if demo is None:
        tell(f"put your files in the place of each {TO_FILL}, and your homes into {folder / MAP};")
        tell("cairo check says what is left")
    else:
        tell(f"cairo run {scenario} example_precalc")


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
        str | None,
        typer.Argument(
            help="The run to check; every run of the file by default.",
            metavar="RUN",
            autocompletion=run_names,
        ),
    ] = None,
    config_dir: ConfigOption = None,
) -> None:
    """Find every input error of a scenario's runs, load files included; write nothing."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.runs.asked import with_latest
    from cairo.scenario.scenario_checks import check_runs, first_settings
    from cairo.scenario.scenario_file import read_scenario
    from cairo.workers.progress import watching

    found = read_scenario(scenario, config_dir)
    errors: dict[str, CairoError] = {}
    runs = {}
    for run_name in [name] if name else list(found.runs):
        try:
            runs[run_name] = with_latest(found.run(run_name))
        except InputErrors as several:
            errors |= {str(error): error for error in several.errors}
        except CairoError as error:
            errors[str(error)] = error
    first, wrong = first_settings(found, runs)
    errors |= {str(error): error for error in wrong}
    with watching() as progress:
        errors |= {str(error): error for error in check_runs(first, progress)}
    unused = sorted({key for settings in runs.values() for key in settings.not_used})
    if unused:
        tell(f"not used: {', '.join(unused)}")
    if errors:
        raise InputErrors(errors.values())
    put(f"{scenario}: no errors found")
