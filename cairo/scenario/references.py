"""References of runs to others: rates that another run ends with, bills to measure against.

Wherever a tariff file is named, `run:NAME` stands for the final rates of a run of the same file
(its only tariff), `run:NAME#ALIAS` for one of several; `FOLDER/tariff_final_config.json#KEY` is
the file of a finished run. Keys that name a run take `NAME`, or the run directory of a finished
one. A tariff that is taken keeps its key, so that the tariff map of its source fits it.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cairo.errors import ScenarioError, listed
from cairo.files.tariff_maps import keys_of_aliases, tariff_key
from cairo.model.setting_problems import one_line_error
from cairo.scenario.run_parts import DERIVED_PREFIX, RUN_PREFIX, DerivedTariff
from cairo.scenario.run_settings import RunSettings

FINAL_TARIFFS = "tariff_final_config.json"
OF_TARIFFS = ("path_tariffs_electric", "delivery_tariffs")
"""Keys of {alias: tariff file}."""
OF_RUNS = ("compare_to", "delivery_run")
"""Keys that name a run; `requirement_from` has one more in it."""


@dataclass(frozen=True)
class Reference:
    """What a run takes of another: key : of the settings, with the alias that it is for.

    run : name of the other; alias : of its tariff, None for its only one.
    """

    key: str
    run: str
    alias: str | None = None


def reference(key: str, text: object) -> Reference | None:
    """The reference that a setting is; None when it is a file or folder."""
    if not isinstance(text, str) or not text.startswith(RUN_PREFIX):
        return None
    name, _, alias = text.removeprefix(RUN_PREFIX).partition("#")
    return Reference(key, name, alias or None)


def references(settings: RunSettings) -> list[Reference]:
    """Everything that a run takes of other runs of its file."""

    def every() -> Iterator[Reference | None]:
        for key in OF_TARIFFS:
            for alias, path in (getattr(settings, key) or {}).items():
                yield reference(f"{key}.{alias}", path)
        for alias, derived in settings.derived_tariffs.items():
            yield reference(f"path_tariffs_electric.{alias}.from", derived.from_)
        for key in OF_RUNS:
            yield reference(key, getattr(settings, key))
        if settings.requirement_from is not None:
            yield reference("requirement_from.run", settings.requirement_from.run)

    return [one for one in every() if one is not None]


def check_references(
    runs: Mapping[str, RunSettings], asked: Sequence[str], unsound: Container[str] = ()
) -> None:
    """Check that what some runs take of others is there to take.

    Parameters
    ----------
    runs : {name: settings} of every run that is asked for or referred to.
    asked : names. unsound : names of runs whose settings cannot be read, which is told elsewhere.

    Raises
    ------
    ScenarioError
        An unknown run or alias, a run of another utility's homes.
    """
    for name in asked:
        for one in references(runs[name]):
            if one.run in unsound:
                continue
            where = f"run {name} key {one.key}"
            if one.run not in runs:
                raise one_line_error(
                    f"{where} refers to run {one.run}, which the file does not have"
                )
            other = runs[one.run]
            if runs[name].utility != other.utility:
                raise one_line_error(
                    f"{where} refers to run {one.run} of utility {other.utility}, expected one of "
                    f"the run's own utility {runs[name].utility}"
                )
            if one.key.partition(".")[0] in OF_TARIFFS:
                _alias_of(one, other, where)


def _alias_of(one: Reference, other: RunSettings, where: str) -> str:
    """The alias, in the other run, of the tariff that is taken."""
    there = other.path_tariffs_electric
    if one.alias is None:
        if len(there) != 1:
            raise one_line_error(
                f"{where} is run:{one.run}, which has tariffs {listed(there)}: say which with "
                f"run:{one.run}#ALIAS"
            )
        return next(iter(there))
    if one.alias not in there:
        raise one_line_error(
            f"{where} is run:{one.run}#{one.alias}, but that run has tariffs {listed(there)}"
        )
    return one.alias


def order(runs: Mapping[str, RunSettings], asked: Sequence[str]) -> list[str]:
    """The runs asked for, each after those it builds on, otherwise in the order given.

    Raises
    ------
    ScenarioError
        Runs that build on each other in a circle.
    """
    place = {name: number for number, name in enumerate(asked)}
    needs = {name: {one.run for one in references(runs[name])} & set(asked) for name in asked}
    ready = [place[name] for name in asked if not needs[name]]
    heapq.heapify(ready)
    found: list[str] = []
    while ready:
        name = asked[heapq.heappop(ready)]
        found.append(name)
        for other in asked:
            if name in needs[other]:
                needs[other].discard(name)
                if not needs[other]:
                    heapq.heappush(ready, place[other])
    left = [name for name in asked if name not in found]
    if left:
        raise ScenarioError(f"runs build on each other in a circle: {_circle(needs, left[0])}")
    return found


def _circle(needs: Mapping[str, set[str]], start: str) -> str:
    seen = [start]
    while True:
        following = min(needs[seen[-1]])
        if following in seen:
            return " -> ".join([*seen[seen.index(following) :], following])
        seen.append(following)


def first_form(
    runs: Mapping[str, RunSettings], settings: RunSettings, path: str
) -> tuple[str, DerivedTariff | None]:
    """(file, or how it is derived) of a run's tariff, which may be taken of another run.

    Its schedule and the shape of its rates are known from these, but for derived tariffs that are
    not `known_before`.
    """
    one = reference("", path)
    if one is not None:
        other = runs[one.run]
        taken = _alias_of(one, other, path)
        return first_form(runs, other, other.path_tariffs_electric[taken])
    if not path.startswith(DERIVED_PREFIX):
        return path, None
    derived = settings.derived_tariffs[path.removeprefix(DERIVED_PREFIX)]
    start, inner = first_form(runs, settings, derived.from_)
    # Of what is itself derived nothing is known before.
    return path, derived if inner is not None else derived.model_copy(update={"from_": start})


def keys_of(runs: Mapping[str, RunSettings], name: str) -> dict[str, str]:
    """{alias: tariff key} of a run; a tariff that is taken of another keeps its key."""
    settings = runs[name]
    paths: dict[str, str] = {}
    for alias, path in settings.path_tariffs_electric.items():
        one = reference("", path)
        if one is not None:
            taken = _alias_of(one, runs[one.run], path)
            path = f"{FINAL_TARIFFS}#{keys_of(runs, one.run)[taken]}"
        paths[alias] = path
    if settings.path_tariff_maps_electric is None:
        return keys_of_aliases(paths)
    return {alias: tariff_key(path) for alias, path in paths.items()}


def before_others(settings: RunSettings, runs: Mapping[str, RunSettings]) -> RunSettings:
    """A run's settings before those it builds on have been run: tariffs as their files have them.

    What it asks of the hours is known from these. Runs that bills and requirements are taken of
    stay references, and what they will give is left open.
    """
    changes: dict[str, object] = {}
    for key in OF_TARIFFS:
        given = getattr(settings, key)
        if not given:
            continue
        forms = {alias: first_form(runs, settings, path) for alias, path in given.items()}
        changes[key] = {
            alias: path if derived is None else f"{DERIVED_PREFIX}{alias}"
            for alias, (path, derived) in forms.items()
        }
        derived_ones = {alias: how for alias, (_, how) in forms.items() if how is not None}
        if key == "path_tariffs_electric":
            changes["derived_tariffs"] = derived_ones
        elif derived_ones:
            raise one_line_error(
                f"run {settings.run_name} key {key}: a delivery twin cannot be a derived tariff"
            )
    if reference("compare_to", settings.compare_to):
        changes["compare_to"] = None
    return settings.model_copy(update=changes)


def with_directories(
    settings: RunSettings, runs: Mapping[str, RunSettings], places: Mapping[str, Path]
) -> RunSettings:
    """A run's settings with the directories of finished runs in the place of their names."""

    def tariff(alias: str, path: str) -> str:
        one = reference(f"{alias}", path)
        if one is None:
            return path
        taken = _alias_of(one, runs[one.run], path)
        return f"{places[one.run] / FINAL_TARIFFS}#{keys_of(runs, one.run)[taken]}"

    changes: dict[str, object] = {}
    for key in OF_TARIFFS:
        given = getattr(settings, key)
        if given:
            changes[key] = {alias: tariff(alias, path) for alias, path in given.items()}
    changes["derived_tariffs"] = {
        alias: how.model_copy(update={"from_": tariff(alias, how.from_)})
        for alias, how in settings.derived_tariffs.items()
    }
    for key in OF_RUNS:
        one = reference(key, getattr(settings, key))
        if one is not None:
            changes[key] = str(places[one.run])
    derived = settings.requirement_from
    one = None if derived is None else reference("requirement_from.run", derived.run)
    if derived is not None and one is not None:
        changes["requirement_from"] = derived.model_copy(update={"run": str(places[one.run])})
    return settings.model_copy(update=changes)


def tariff_name(path: str) -> str:
    """A tariff of the settings in few words: its key, or the run that it is taken of."""
    return path if reference("", path) else tariff_key(path)
