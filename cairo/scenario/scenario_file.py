"""Scenario files: YAML to typed settings.

A scenario file holds `runs: {name: {...}}`. Relative paths in it start from the config folder:
the nearest folder above the file that holds it in a `scenarios/` folder, at any depth, else the
file's own folder. URLs such as
`s3://bucket/folder` are left as they are.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cairo.errors import CairoError, ScenarioError, listed
from cairo.files.reading import is_url
from cairo.files.run_names import LATEST
from cairo.files.yaml_files import HALF, read_yaml
from cairo.model.setting_problems import one_line_error, setting_problems
from cairo.scenario.run_parts import DERIVED_PREFIX, RUN_PREFIX, SubclassConfig
from cairo.scenario.run_settings import RunSettings, validated
from cairo.workers.settings import ClusterSettings, DaskSettings, TLSSettings

__all__ = [
    "ClusterSettings",
    "DaskSettings",
    "RunSettings",
    "Scenario",
    "SubclassConfig",
    "TLSSettings",
    "is_path_key",
    "read_scenario",
]

TOP_KEYS = ("runs", "subclass_config")
OTHER_PATHS = ("utility_revenue_requirement", "delivery_tariffs")
RUN_KEYS = ("compare_to", "delivery_run")
"""Keys that name a run of the file, or the directory of a finished one."""
TAKEN = (RUN_PREFIX, DERIVED_PREFIX)
"""Beginnings of what is no path."""
PATHS_OF_DASK = ("scheduler_file",)
PATHS_OF_SECURITY = ("ca_file", "cert", "key")


class Scenario(BaseModel):
    """A scenario file: its runs' settings as written, made typed when one is asked for.

    So one run's mistakes do not keep the others from running.
    """

    model_config = ConfigDict(frozen=True)
    path: str = Field(description="The file.")
    config_dir: str = Field(description="Folder or URL that relative paths start from.")
    runs: dict[str, dict[str, Any]] = Field(description="{name of the run: its settings}.")
    subclass_config: SubclassConfig | None = Field(
        None, description="How the stock is split into subclasses, for runs that do not say."
    )

    def run(self, name: str) -> RunSettings:
        """Settings of one run.

        Raises
        ------
        ScenarioError, InputErrors
            No such run, or keys that are unknown, missing or do not fit, a line each.
        """
        if name not in self.runs:
            raise self._no_run(name)
        values = {"run_name": name} | self.runs[name]
        for key in RUN_KEYS:
            values |= self._named(values, key)
        derived = values.get("requirement_from")
        if isinstance(derived, dict):
            values["requirement_from"] = derived | self._named(derived, "run")
        values |= _derived(values)
        if self.subclass_config is not None:
            values = {"subclass_config": self.subclass_config.model_dump()} | values
        where = f"scenario file {self.path} run {name}"
        return validated(_resolved(values, self.config_dir), where)

    def _named(self, values: Mapping[str, object], key: str) -> dict[str, str]:
        """A key that names a run of the file as a reference to it; nothing for anything else."""
        name = values.get(key)
        return {key: f"{RUN_PREFIX}{name}"} if isinstance(name, str) and name in self.runs else {}

    def chosen(self, names: Sequence[str] | None) -> list[str]:
        """Names of the runs that some names and patterns fit, each once; all for None.

        Raises
        ------
        ScenarioError
            One fits none.
        """
        if names is None:
            return list(self.runs)
        fitting: list[str] = []
        for name in names:
            # A name is itself before it is a pattern.
            mine = [name] if name in self.runs else fnmatch.filter(self.runs, name)
            if not mine:
                raise self._no_run(name)
            fitting += mine
        return list(dict.fromkeys(fitting))

    def _no_run(self, name: str) -> CairoError:
        hint = _hint(name, self.runs)
        return one_line_error(
            f"scenario file {self.path} has no run {name}{hint} (there are {listed(self.runs)})"
        )


def _derived(values: Mapping[str, object]) -> dict[str, object]:
    """Tariffs that are given as how they are derived, apart from those of files."""
    given = values.get("path_tariffs_electric")
    if not isinstance(given, dict):
        return {}
    derived = {alias: how for alias, how in given.items() if isinstance(how, dict)}
    if not derived:
        return {}
    paths = {
        alias: f"{DERIVED_PREFIX}{alias}" if alias in derived else path
        for alias, path in given.items()
    }
    return {"path_tariffs_electric": paths, "derived_tariffs": derived}


def read_scenario(
    path: str | os.PathLike[str], config_dir: str | os.PathLike[str] | None = None
) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path : YAML file, local or fsspec URL. Top-level keys besides `runs` and `subclass_config`
        may hold what its runs share by YAML anchors.
    config_dir : folder that relative paths start from, instead of the rule above.

    Raises
    ------
    ScenarioError
        It is missing, not YAML, or not of a scenario's shape.
    """
    name = os.fspath(path)
    stored = read_yaml(name, "scenario file")
    for key in map(str, stored):
        near = get_close_matches(key, TOP_KEYS, 1)
        if key not in TOP_KEYS and near:
            raise one_line_error(
                f"scenario file {name} key {key} is unknown, did you mean {near[0]}?"
            )
    runs = stored.get("runs")
    if not isinstance(runs, dict) or not runs:
        raise one_line_error(
            f"scenario file {name} has no runs, expected runs: {{name: {{...}}}} "
            f"(there is {listed(stored) or 'nothing'})"
        )
    # Names that are numbers are what they are written as.
    runs = {
        str(run) if isinstance(run, int) and not isinstance(run, bool) else run: values
        for run, values in runs.items()
    }
    for run, values in runs.items():
        if not isinstance(run, str) or not isinstance(values, dict):
            raise one_line_error(
                f"scenario file {name} run {run!r} holds a {type(values).__name__}, "
                "expected a name of letters and a mapping of settings"
            )
    folder = _config_folder(name) if config_dir is None else _whole(config_dir)
    for place in (name, folder):
        if HALF.search(place):
            raise ScenarioError(f"{place} has a name that is not UTF-8: rename it")
    values = {
        "path": name,
        "config_dir": folder,
        "runs": {run: {str(k): v for k, v in values.items()} for run, values in runs.items()},
        "subclass_config": stored.get("subclass_config"),
    }
    try:
        return Scenario.model_validate(values)
    except ValidationError as error:
        raise setting_problems(error, values, f"scenario file {name}", Scenario) from None


def is_path_key(key: str) -> bool:
    """Whether a run's key holds a path."""
    return key.startswith("path_") or key in OTHER_PATHS or key in RUN_KEYS


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f", did you mean {near[0]}?" if near else ""


def _whole(folder: str | os.PathLike[str]) -> str:
    name = os.fspath(folder)
    return name if is_url(name) else str(_expanded(name).resolve())


def _config_folder(path: str) -> str:
    """Folder that a scenario file's relative paths start from."""
    if is_url(path):
        folder = path.rpartition("/")[0]
        above, found, _ = f"{folder}/".rpartition("/scenarios/")
        return above if found else folder
    own = _expanded(path).resolve().parent
    above_it = (one.parent for one in (own, *own.parents) if one.name == "scenarios")
    return str(next(above_it, own))


def _expanded(path: str) -> Path:
    """A path with `~` written out; `~nobody` is an ordinary name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _resolved(values: dict[str, object], folder: str) -> dict[str, object]:
    """Settings with their paths absolute; what is not text is left for validation."""

    def one(path: object) -> object:
        if not isinstance(path, str) or not path or path.startswith(TAKEN) or is_url(path):
            return path
        if path.startswith(LATEST):
            place, slash, name = path.removeprefix(LATEST).rpartition("/")
            return f"{LATEST}{one(place)}/{name}" if place and slash else path
        # A path cannot hold a null; written out it is a file that does not exist.
        path = path.replace("\0", "\\0")
        if is_url(folder) and not path.startswith(("/", "~")):
            scheme, rest = folder.split("://", 1)
            return f"{scheme}://{os.path.normpath(f'{rest}/{path}')}"
        return os.path.normpath(Path(folder) / _expanded(path))

    def those(mapping: object, keys: Iterable[str]) -> object:
        if not isinstance(mapping, dict):
            return mapping
        return {key: one(value) if key in keys else value for key, value in mapping.items()}

    resolved: dict[str, object] = {}
    for key, value in values.items():
        if is_path_key(key):
            value = {k: one(v) for k, v in value.items()} if isinstance(value, dict) else one(value)
        elif key == "derived_tariffs" and isinstance(value, dict):
            value = {alias: those(given, ("from",)) for alias, given in value.items()}
        elif key == "requirement_from":
            value = those(value, ("run",))
        resolved[key] = value
    dask = those(resolved.get("dask"), PATHS_OF_DASK)
    if isinstance(dask, dict) and "security" in dask:
        dask["security"] = those(dask["security"], PATHS_OF_SECURITY)
    return resolved if dask is None else resolved | {"dask": dask}
