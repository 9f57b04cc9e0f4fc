"""Settings given on the command line: `--set KEY=VALUE`, and several values as several runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from cairo.errors import listed
from cairo.files.reading import stem_of
from cairo.files.yaml_files import yaml_values
from cairo.model.setting_problems import one_line_error
from cairo.scenario.references import reference
from cairo.scenario.run_parts import RUN_PREFIX, TariffChange
from cairo.scenario.run_settings import RunSettings
from cairo.scenario.scenario_file import RUN_KEYS, Scenario

TARIFFS = "tariffs"
"""First part of `tariffs.ALIAS.CHANGE`."""
NOT_FOR_NAMES = {("storage_options",), ("not_used",), ("dask", "cluster")}
"""Beginnings of keys whose values may be secret."""
CHANGES = "tariff_changes"
"""The key of the settings that holds them."""


@dataclass(frozen=True)
class Override:
    """A key of a run's settings, in its parts, and the values it takes, one a run."""

    key: tuple[str, ...]
    values: tuple[object, ...]

    @property
    def name(self) -> str:
        """The key as it is written."""
        return ".".join(self.key)


def override(text: str) -> Override:
    """`KEY=VALUE[,VALUE...]`; values are YAML, as the file would have them.

    Raises
    ------
    ScenarioError
        It is no such thing, or the key is none of a run.
    """
    name, found, written = text.partition("=")
    key = tuple(name.strip().split("."))
    if not found or not all(key):
        raise one_line_error(f"--set {text}: expected KEY=VALUE or KEY=VALUE,VALUE")
    _check_key(name, key)
    try:
        values = yaml_values(written)
    except ValueError:
        # Not what it is: it may be a secret that misses a quote.
        raise one_line_error(f"--set {name}: the value cannot be read as YAML") from None
    if len(values) > 1 and {key[:1], key[:2]} & NOT_FOR_NAMES:
        raise one_line_error(
            f"--set {name} has {len(values)} values, which would stand in the names of runs: "
            "expected one"
        )
    return Override(key, tuple(values) or (None,))


def _check_key(name: str, key: tuple[str, ...]) -> None:
    if key[0] == TARIFFS:
        changes = list(TariffChange.model_fields)
        if len(key) == 3 and key[2] in changes:
            return
        near = get_close_matches(key[-1], changes, 1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise one_line_error(
            f"--set {name}{hint or ' is unknown'}: expected {TARIFFS}.ALIAS.CHANGE, with a change "
            f"of {listed(changes)}"
        )
    known = [*RunSettings.model_fields, TARIFFS]
    if key[0] not in known:
        near = get_close_matches(key[0], known, 1)
        raise one_line_error(
            f"--set {name}: {key[0]} is no key of a run"
            + (f", did you mean {near[0]}?" if near else "")
        )


def overridden(
    scenario: Scenario, names: Sequence[str], sets: Sequence[str]
) -> tuple[Scenario, list[str]]:
    """A scenario with settings changed in some runs, and the runs' names.

    A key of several values makes a run of each, named after its value; several such keys make
    a run of each combination. Runs that refer to each other refer to those of their own values.

    Parameters
    ----------
    scenario : the file. names : runs that are changed. sets : `KEY=VALUE[,VALUE...]`.

    Raises
    ------
    ScenarioError
        A key is unknown or given twice, runs disagree on it, or lack the tariff.
    """
    if not sets:
        return scenario, list(names)
    overrides = [override(text) for text in sets]
    twice = [one.name for one in overrides if sum(o.key == one.key for o in overrides) > 1]
    if twice:
        raise one_line_error(f"--set {twice[0]} is given twice: give its values in one")
    for one in overrides:
        _check_agreement(scenario, names, one)
    runs = dict(scenario.runs)
    made: list[str] = []
    for values in itertools.product(*(one.values for one in overrides)):
        chosen = list(zip(overrides, values, strict=True))
        suffix = "".join(f"_{_label(one, value)}" for one, value in chosen if len(one.values) > 1)
        for name in names:
            settings = _renamed(scenario.runs[name], names, suffix)
            for one, value in chosen:
                settings = _with(settings, _place(one.key), value)
            if suffix and "run_name" in settings:
                settings["run_name"] = f"{settings['run_name']}{suffix}"
            if f"{name}{suffix}" in made or (suffix and f"{name}{suffix}" in scenario.runs):
                raise one_line_error(f"--set makes run {name}{suffix} twice: give other values")
            runs[f"{name}{suffix}"] = settings
            made.append(f"{name}{suffix}")
    return scenario.model_copy(update={"runs": runs}), made


def _place(key: tuple[str, ...]) -> tuple[str, ...]:
    return (CHANGES, *key[1:]) if key[0] == TARIFFS else key


def _label(one: Override, value: object) -> str:
    """What tells a run of several from the others: `fixed_charge=10`."""
    text = stem_of(value) if isinstance(value, str) and "/" in value else str(value)
    return f"{one.key[-1]}={re.sub(r'[^A-Za-z0-9_.+-]+', '-', text).strip('-')}"


def _check_agreement(scenario: Scenario, names: Sequence[str], one: Override) -> None:
    """Check that what is set is the same in all runs, so that it is known what is replaced."""
    first: tuple[str, object] | None = None
    for name in names:
        found = _tariff_file(scenario, name, one.key[1]) if one.key[0] == TARIFFS else None
        settings = scenario.runs[name]
        there = found, _at(settings, _place(one.key))
        if first is None:
            first = name, there
        elif there != first[1]:
            raise one_line_error(
                f"--set {one.name}: runs {first[0]} and {name} have different values of it; run "
                "them apart, or change the file"
            )


def _tariff_file(scenario: Scenario, name: str, alias: str, seen: tuple[str, ...] = ()) -> object:
    """The file that a run's tariff begins with.

    Raises
    ------
    ScenarioError
        The run has no such tariff.
    """
    given = scenario.runs[name].get("path_tariffs_electric")
    aliases = given if isinstance(given, Mapping) else {}
    if alias not in aliases:
        near = get_close_matches(alias, list(map(str, aliases)), 1)
        raise one_line_error(
            f"--set {TARIFFS}.{alias}: run {name} has no tariff {alias}"
            + (f", did you mean {near[0]}?" if near else f" (there are {listed(aliases)})")
        )
    of_other = reference("", aliases[alias])
    if of_other is None or of_other.run not in scenario.runs or of_other.run in seen:
        return aliases[alias]
    theirs = scenario.runs[of_other.run].get("path_tariffs_electric")
    only = next(iter(theirs)) if isinstance(theirs, Mapping) and len(theirs) == 1 else None
    source = of_other.alias or only
    if source is None:
        return aliases[alias]
    return _tariff_file(scenario, of_other.run, str(source), (*seen, name))


def _at(settings: Mapping[str, object], key: tuple[str, ...]) -> object:
    value: object = settings
    for part in key:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _with(settings: Mapping[str, object], key: tuple[str, ...], value: object) -> dict[str, object]:
    first, *rest = key
    if not rest:
        return {**settings, first: value}
    inner = settings.get(first)
    mapping = inner if isinstance(inner, Mapping) else {}
    return {**settings, first: _with(mapping, tuple(rest), value)}


def _renamed(
    settings: Mapping[str, object], names: Sequence[str], suffix: str
) -> dict[str, object]:
    """Settings that refer to runs of the same values."""

    def one(value: object, names_run: bool) -> object:
        if isinstance(value, Mapping):
            return {key: one(inner, key in (*RUN_KEYS, "run")) for key, inner in value.items()}
        if not isinstance(value, str):
            return value
        if names_run and value in names:
            return f"{value}{suffix}"
        taken = reference("", value)
        if taken is None or taken.run not in names:
            return value
        return f"{RUN_PREFIX}{taken.run}{suffix}" + (f"#{taken.alias}" if taken.alias else "")

    return {key: one(value, key in RUN_KEYS) for key, value in settings.items()}
