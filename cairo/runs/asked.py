"""Settings of the runs that are asked for: the file's, those given instead, finished sources."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from cairo.errors import OutputError, ScenarioError
from cairo.files.run_names import LATEST, filled_folder
from cairo.files.yaml_files import HALF
from cairo.results.finding import finished_runs, run_directory
from cairo.scenario.references import (
    FINAL_TARIFFS,
    OF_RUNS,
    OF_TARIFFS,
    Reference,
    check_references,
    references,
    with_directories,
)
from cairo.scenario.scenario_file import RunSettings, Scenario


class Instead(TypedDict, total=False):
    """Settings of a run given in the place of its file's; None leaves the file's."""

    backend: str | None
    output_dir: str | os.PathLike[str] | None
    workers: int | None
    allow_unmodelled: bool | None


KEYS = {
    "backend": "backend",
    "output_dir": "path_outputs",
    "workers": "process_workers",
    "allow_unmodelled": "allow_unmodelled",
}


def settings_of(
    scenario: Scenario, run_name: str, instead: Instead, batch: str | None
) -> RunSettings:
    """A run's settings with those given in the place of its file's, its output folder filled in."""
    settings = scenario.run(run_name)
    changes: dict[str, object] = {
        KEYS[name]: str(value) if name == "output_dir" else value
        for name, value in instead.items()
        if value is not None
    }
    folder = str(changes.get("path_outputs", settings.path_outputs))
    if HALF.search(folder):
        raise OutputError(f"cannot write {folder}: it has a name that is not UTF-8")
    changes["path_outputs"] = filled_folder(folder, batch)
    return with_latest(settings.changed(**changes))


def with_latest(settings: RunSettings) -> RunSettings:
    """A run's settings with the newest finished directories in the place of `latest:RUN_NAME`.

    Those of its own output folder where no folder is named; of a tariff `latest:RUN_NAME#KEY` the
    one of that key.

    Raises
    ------
    CairoError
        There is none.
    """

    def place(text: str) -> str:
        return str(run_directory(text, settings.path_outputs))

    def tariff(path: str) -> str:
        if not path.startswith(LATEST):
            return path
        name, mark, key = path.partition("#")
        return f"{Path(place(name)) / FINAL_TARIFFS}{mark}{key}"

    changes: dict[str, object] = {}
    for key in OF_TARIFFS:
        given = getattr(settings, key)
        if given:
            changes[key] = {alias: tariff(path) for alias, path in given.items()}
    for key in OF_RUNS:
        named = getattr(settings, key)
        if named is not None:
            changes[key] = place(named) if named.startswith(LATEST) else named
    derived = settings.requirement_from
    if derived is not None and derived.run.startswith(LATEST):
        changes["requirement_from"] = derived.model_copy(update={"run": place(derived.run)})
    return settings.model_copy(update=changes)


def settings_alone(
    scenario: Scenario, run_name: str, instead: Instead, batch: str | None
) -> RunSettings:
    """A run's settings, what it takes of other runs being that of finished ones.

    Raises
    ------
    ScenarioError, InputErrors
        As `settings_of`; or a run that it refers to is not finished.
    """
    runs = {run_name: settings_of(scenario, run_name, instead, batch)}
    waiting = references(runs[run_name])
    while waiting:
        one = waiting.pop()
        if one.run not in runs and one.run in scenario.runs:
            runs[one.run] = settings_of(scenario, one.run, instead, batch)
            waiting += references(runs[one.run])
    check_references(runs, [run_name])
    places = {
        one.run: finished_source(scenario, runs, run_name, one, instead)
        for one in references(runs[run_name])
    }
    return with_directories(runs[run_name], runs, places)


def output_folder(scenario: Scenario, name: str, instead: Instead) -> str:
    """A run's output folder as it is written, with what stands for time and batch."""
    given = instead.get("output_dir")
    return str(given) if given is not None else scenario.run(name).path_outputs


def finished_source(
    scenario: Scenario,
    runs: Mapping[str, RunSettings],
    name: str,
    one: Reference,
    instead: Instead,
) -> Path:
    """The newest finished directory of a run that another refers to.

    Raises
    ------
    ScenarioError
        There is none.
    """
    folder = output_folder(scenario, one.run, instead)
    there = finished_runs(folder, runs[one.run].run_name)
    if not there:
        raise ScenarioError(
            f"run {name} key {one.key} refers to run {one.run}, which has no finished directory "
            f"in {folder}: run {one.run} too"
        )
    return there[0]
