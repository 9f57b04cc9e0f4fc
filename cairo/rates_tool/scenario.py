"""Scenario files: YAML to typed settings.

A scenario file holds `runs: {name: {...}}`. Relative paths in it start from the config folder:
the parent of the file's `scenarios/` folder, else the file's own folder. URLs such as
`s3://bucket/folder` are left as they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from cairo.errors import InputErrors, ScenarioError, listed
from cairo.utils.files import read_bytes

MOST_BYTES = 16 * 2**20
"""A scenario file larger than this is something else."""
MOST_ALIASES = 1000

_FROZEN = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TLSSettings(BaseModel):
    """Certificates for a `tls://` scheduler, as `distributed.Security` takes them."""

    model_config = _FROZEN
    ca_file: str | None = Field(None, description="Certificate authority, PEM file.")
    cert: str | None = Field(None, description="This side's certificate, PEM file.")
    key: str | None = Field(None, description="This side's private key, PEM file.")
    require_encryption: bool = Field(True, description="Refuse connections without TLS.")


class ClusterSettings(BaseModel):
    """A cluster class to start, such as `dask_jobqueue.SLURMCluster`."""

    model_config = _FROZEN
    class_: str = Field(alias="class", description="Dotted name of the class.")
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        validation_alias="kwargs",
        serialization_alias="kwargs",
        description="What its constructor is given.",
    )
    n_workers: int | None = Field(
        None, ge=1, description="Workers to scale to after it has started, and to wait for."
    )


class DaskSettings(BaseModel):
    """Where the `dask_dataframe` backend runs."""

    model_config = _FROZEN
    scheduler_address: str | None = Field(
        None, description="Use this cluster (`tcp://` or `tls://host:port`)."
    )
    scheduler_file: str | None = Field(None, description="Use the cluster this file describes.")
    security: TLSSettings | None = Field(None, description="Certificates for `tls://`.")
    cluster: ClusterSettings | None = Field(None, description="Start a cluster of this class.")
    n_workers: int | None = Field(
        None, ge=1, description="Workers of a LocalCluster; `process_workers` by default."
    )
    threads_per_worker: int | None = Field(None, ge=1, description="Threads of each worker.")
    processes: bool | Literal["auto"] = Field(
        "auto", description="Worker processes, or threads of this one; by stock size."
    )
    memory_limit: str | int | float = Field(
        "auto", description="Memory of each worker: bytes, `4GB`, or a fraction of the machine."
    )
    dashboard_address: str | None = Field(
        "127.0.0.1:8787", description="Dashboard; another port is taken when this one is in use."
    )
    partition_buildings: int | Literal["auto"] = Field(
        "auto", description="Buildings of a partition."
    )

    @field_validator("partition_buildings")
    @classmethod
    def _at_least_one(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError("expected auto or at least 1")
        return value

    @field_validator("memory_limit")
    @classmethod
    def _memory(cls, value: str | int | float) -> str | int | float:
        if value != "auto":
            from dask.utils import parse_bytes

            if isinstance(value, str):
                parse_bytes(value)
            elif value <= 0:
                raise ValueError("expected auto, bytes, a size such as 4GB, or a fraction")
        return value


RunType = Literal["precalc", "default"]
Backend = Literal["pandas", "dask_delayed", "dask_dataframe"]


class RunSettings(BaseModel):
    """One run of a scenario file. Paths are strings, already resolved."""

    model_config = _FROZEN

    run_name: str = Field(description="Name of the run and, after its time stamp, its folder.")
    run_type: RunType = Field(
        description="`precalc` solves for rates that meet the requirement; `default` bills as is."
    )
    backend: Backend = Field("pandas", description="How the stages over hourly loads are run.")
    state: str | None = Field(None, description="State, for the reader.")
    utility: str | None = Field(None, description="Code of the electric utility.")
    year_run: int = Field(ge=1900, le=2200, description="Calendar year of loads and bills.")
    year_dollar_conversion: int | None = Field(
        None, description="Year in whose dollars the `target` bills are; `year_run` by default."
    )
    process_workers: int | None = Field(
        None, ge=1, description="Processes of the stages or workers; all cores by default."
    )

    path_resstock_loads: str = Field(description="Folder of load files, or a packed stock.")
    path_resstock_metadata: str = Field(description="Parquet with `bldg_id`, `weight`, columns.")
    path_utility_assignment: str | None = Field(
        None, description="Parquet `bldg_id, sb.electric_utility`; keeps this utility's homes."
    )
    path_electric_utility_stats: str | None = Field(
        None, description="Parquet `utility_code, residential_customers`."
    )
    path_outputs: str = Field("outputs", description="Folder of run directories.")

    path_tariff_maps_electric: str = Field(description="CSV `bldg_id, tariff_key`.")
    path_tariffs_electric: dict[str, str] = Field(
        description="{alias: URDB JSON}; the tariff key is the file's stem."
    )
    path_tariff_maps_gas: str | None = Field(None, description="CSV `bldg_id, tariff_key`.")
    path_tariffs_gas: str | dict[str, str] | None = Field(
        None, description="Folder of URDB JSON files, or {alias: file}."
    )

    utility_revenue_requirement: str | None = Field(
        None, description="YAML of requirements [$/year]."
    )
    run_includes_supply: bool = Field(False, description="Delivery and supply, or delivery alone.")
    run_includes_subclasses: bool = Field(False, description="A requirement by subclass.")
    residual_allocation_delivery: str | None = Field(
        None, description="Method of the subclass delivery requirement."
    )
    residual_allocation_supply: str | None = Field(
        None, description="Method of the subclass supply requirement."
    )
    residual_cost: float | None = Field(None, description="Residual [$/year] instead.")
    residual_cost_frac: float | None = Field(
        None, ge=0, lt=1, description="Residual as a fraction of the system's cost instead."
    )
    delivery_only_revenue_requirement: bool = Field(
        False, description="Top the requirement up with energy and capacity marginal costs."
    )

    path_supply_energy_mc: str = Field(description="Parquet `timestamp, energy_cost_enduse`.")
    path_supply_capacity_mc: str = Field(description="Parquet `timestamp, capacity_cost_enduse`.")
    path_supply_ancillary_mc: str | None = Field(
        None, description="Parquet `timestamp, ancillary_cost_enduse` [$/MWh]."
    )
    path_dist_and_sub_tx_mc: str | None = Field(
        None, description="Parquet `timestamp, mc_total_per_kwh` [$/kWh]."
    )
    path_bulk_tx_mc: str | None = Field(
        None, description="Parquet `timestamp, bulk_tx_cost_enduse` [$/kWh]."
    )
    distribution_cost_per_kw_year: float | None = Field(
        None, ge=0, description="[$/kW-yr] spread over the system's own highest net-load hours."
    )
    distribution_cost_hours: int = Field(100, ge=1, le=8760, description="How many hours.")

    solar_pv_compensation: Literal["net_metering", "net_billing"] | None = Field(
        None, description="How exports are credited."
    )
    solar_pv_export_import_ratio: float | None = Field(
        None, ge=0, description="Export price over retail price."
    )
    floor_negative_net_load: bool = Field(
        True, description="Negative net load counts as zero, hour by hour."
    )
    elasticity: float = Field(0.0, description="Demand response; only zero is modelled.")
    sample_size: int | None = Field(None, ge=1, description="Take a sample of buildings.")
    sample_seed: int = Field(0, ge=0, description="Seed of the sample.")
    metadata_columns: list[str] = Field(
        default_factory=list, description="Metadata columns to keep besides the usual."
    )

    utility_tax_rate: float = Field(0.0, ge=0, description="Fraction added to bills.")
    energy_surcharge_rate: float = Field(0.0, description="[$/kWh] of grid consumption.")
    low_income_strategy: Literal["generic"] | None = Field(None, description="Bill assistance.")
    low_income_participation_target: float | None = Field(
        None, ge=0, le=1, description="Part of the eligible customers that takes part."
    )
    low_income_bill_assistance_program: dict[str, Any] | None = Field(
        None, description="Settings of the assistance."
    )

    dask: DaskSettings = Field(default_factory=DaskSettings, description="See below.")
    storage_options: dict[str, Any] = Field(
        default_factory=dict, description="fsspec options for URLs, such as `{anon: true}`."
    )

    @field_validator("elasticity")
    @classmethod
    def _no_response(cls, value: float) -> float:
        if value != 0.0:
            raise ValueError("demand response is not modelled, expected 0.0")
        return value

    @model_validator(mode="after")
    def _fits(self) -> RunSettings:
        given = [
            name
            for name in ("utility_revenue_requirement", "residual_cost", "residual_cost_frac")
            if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise ValueError(
                "expected exactly one of utility_revenue_requirement, residual_cost and "
                f"residual_cost_frac, found {' and '.join(given) or 'none'}"
            )
        if self.run_includes_subclasses and not self.residual_allocation_delivery:
            raise ValueError("run_includes_subclasses needs residual_allocation_delivery")
        if (self.path_tariff_maps_gas is None) != (self.path_tariffs_gas is None):
            raise ValueError("path_tariff_maps_gas and path_tariffs_gas go together")
        if self.path_utility_assignment is not None and self.utility is None:
            raise ValueError("path_utility_assignment needs utility")
        return self

    @property
    def dollar_year(self) -> int:
        """Year of the `target` bills' dollars."""
        return self.year_run if self.year_dollar_conversion is None else self.year_dollar_conversion

    def changed(self, **changes: Any) -> RunSettings:
        """These settings with some replaced, checked again.

        Raises
        ------
        ScenarioError
            A value that does not fit.
        """
        values = self.model_dump(by_alias=True) | changes
        return _validated(values, f"run {self.run_name}")


class SubclassConfig(BaseModel):
    """Which metadata column tells the subclasses apart, and each one's value."""

    model_config = _FROZEN
    group_col: str
    selectors: dict[str, str] = Field(default_factory=dict)


class Scenario(BaseModel):
    """A scenario file."""

    model_config = ConfigDict(frozen=True)
    path: str
    config_dir: str
    runs: dict[str, dict[str, Any]]
    subclass_config: SubclassConfig | None = None

    def run(self, name: str) -> RunSettings:
        """Settings of one run.

        Raises
        ------
        ScenarioError, InputErrors
            No such run, or keys that are unknown, missing or do not fit.
        """
        if name not in self.runs:
            near = get_close_matches(name, self.runs, 1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise ScenarioError(
                f"scenario file {self.path} has no run {name}{hint} (there are {listed(self.runs)})"
            )
        values = {"run_name": name} | self.runs[name]
        return _validated(
            _resolved(values, Path(self.config_dir)), f"scenario file {self.path} run {name}"
        )


def read_scenario(
    path: str | os.PathLike[str], config_dir: str | os.PathLike[str] | None = None
) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path : YAML file.
    config_dir : folder that relative paths start from, instead of the rule above.

    Raises
    ------
    ScenarioError
        It is missing, not YAML, or not of a scenario's shape.
    """
    name = os.fspath(path)
    stored = read_yaml(name, "scenario file")
    unknown = sorted(set(map(str, stored)) - {"runs", "subclass_config"})
    if unknown:
        raise ScenarioError(
            f"scenario file {name} has unknown keys {listed(unknown)}, "
            "expected runs and subclass_config"
        )
    runs = stored.get("runs")
    if not isinstance(runs, dict) or not runs:
        raise ScenarioError(f"scenario file {name} has no runs: expected runs: {{name: {{...}}}}")
    for run, values in runs.items():
        if not isinstance(run, str) or not isinstance(values, dict):
            raise ScenarioError(
                f"scenario file {name} run {run} is a {type(values).__name__}, expected a name "
                "and a mapping of settings"
            )
    folder = Path(name).expanduser().resolve().parent
    if config_dir is not None:
        folder = Path(config_dir).expanduser().resolve()
    elif folder.name == "scenarios":
        folder = folder.parent
    try:
        return Scenario(
            path=name,
            config_dir=str(folder),
            runs=runs,
            subclass_config=stored.get("subclass_config"),
        )
    except ValidationError as error:
        raise _problems(error, f"scenario file {name}") from None


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML whose keys may not repeat and whose aliases are bounded."""

    aliases = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > MOST_ALIASES:
                raise yaml.YAMLError("too many aliases")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            try:
                repeated = key in seen
                seen.add(key)
            except TypeError:
                raise yaml.YAMLError(f"key {key!r} is not a plain value") from None
            if repeated and key_node.tag != "tag:yaml.org,2002:merge":
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(f"key {key} is there twice (line {line})")
        return super().construct_mapping(node, deep)


def read_yaml(
    path: str, what: str, storage_options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A YAML file that holds a mapping, loaded safely.

    Raises
    ------
    ScenarioError
        It is missing, too large, not YAML, or not a mapping.
    """
    content = read_bytes(path, storage_options, ScenarioError, what)
    if len(content) > MOST_BYTES:
        raise ScenarioError(f"{what} {path} has {len(content)} bytes, expected a small YAML file")
    try:
        stored = yaml.load(content.decode("utf-8"), _StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError, OverflowError) as error:
        text = " ".join(str(error).split())[:200] or "nested too deeply"
        raise ScenarioError(f"{what} {path} is not valid YAML: {text}") from None
    if not isinstance(stored, dict):
        raise ScenarioError(
            f"{what} {path} holds a {type(stored).__name__}, expected a mapping of keys"
        )
    return stored


def is_path_key(key: str) -> bool:
    """Whether a run's key holds a path."""
    return key.startswith("path_") or key == "utility_revenue_requirement"


def _resolved(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Settings with their paths absolute; what is not text is left for validation."""

    def one(path: Any) -> Any:
        if not isinstance(path, str) or "://" in path:
            return path
        if "\0" in path:
            return path.replace("\0", "\\0")
        return os.path.normpath(folder / Path(path).expanduser())

    resolved: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(key, str) and is_path_key(key):
            value = {k: one(v) for k, v in value.items()} if isinstance(value, dict) else one(value)
        resolved[str(key)] = value
    dask = resolved.get("dask")
    if isinstance(dask, dict):
        dask = dict(dask)
        if isinstance(dask.get("scheduler_file"), str):
            dask["scheduler_file"] = one(dask["scheduler_file"])
        if isinstance(dask.get("security"), dict):
            dask["security"] = {
                k: one(v) if k in ("ca_file", "cert", "key") else v
                for k, v in dask["security"].items()
            }
        resolved["dask"] = dask
    return resolved


def _validated(values: dict[str, Any], where: str) -> RunSettings:
    try:
        return RunSettings.model_validate(values)
    except ValidationError as error:
        raise _problems(error, where) from None
    except RecursionError:
        raise ScenarioError(f"{where} is nested too deeply") from None


def _problems(error: ValidationError, where: str) -> ScenarioError | InputErrors:
    """Each of pydantic's problems as one line naming the key."""
    found = []
    for problem in error.errors(include_url=False):
        key = ".".join(str(part) for part in problem["loc"]) or "settings"
        if problem["type"] == "extra_forbidden":
            known = list(RunSettings.model_fields) + list(DaskSettings.model_fields)
            near = get_close_matches(str(problem["loc"][-1]), known, 1)
            text = "is unknown" + (f", did you mean {near[0]}?" if near else "")
        elif problem["type"] == "missing":
            text = "is missing"
        else:
            given = " ".join(repr(problem.get("input")).split())
            text = f"is {given[:80]}: {' '.join(problem['msg'].split())}"
            if key == "settings":
                text = " ".join(problem["msg"].removeprefix("Value error, ").split())
        found.append(ScenarioError(f"{where} key {key} {text}"))
    return found[0] if len(found) == 1 else InputErrors(found)
