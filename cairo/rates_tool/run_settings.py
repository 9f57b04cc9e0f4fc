"""Settings of a run: every key of a scenario file's run, with its unit, default and limits."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from cairo.errors import InputErrors, ScenarioError
from cairo.rates_tool.dask_settings import (
    STRICT,
    ClusterSettings,
    DaskSettings,
    PathText,
    TLSSettings,
)
from cairo.rates_tool.lookups import gas_tariff_year

RunType = Literal["precalc", "default"]
Backend = Literal["pandas", "dask_delayed", "dask_dataframe"]


class RunSettings(BaseModel):
    """One run of a scenario file. Paths are strings, already resolved."""

    model_config = STRICT

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
        ScenarioError, InputErrors
            Values that do not fit.
        """
        values = self.model_dump(by_alias=True) | changes
        return validated(values, f"run {self.run_name}")


class SubclassConfig(BaseModel):
    """Which metadata column tells the subclasses apart, and each one's value.

    It documents the file: the tariff map says which homes are in which subclass.
    """

    model_config = STRICT
    group_col: str = Field(description="Metadata column.")
    selectors: dict[str, str | bool | int | float | list[str]] = Field(
        default_factory=dict, description="{alias of the subclass: its values in the column}."
    )


def validated(values: Mapping[str, Any], where: str) -> RunSettings:
    """Typed settings of plain values.

    Raises
    ------
    ScenarioError, InputErrors
        A line for each key that is unknown, missing or does not fit; it begins with `where`.
    """
    try:
        return RunSettings.model_validate(dict(values))
    except ValidationError as error:
        raise problems(error, values, where) from None
    except RecursionError:
        raise one_line_error(f"{where} is nested too deeply") from None


_MODELS: dict[tuple[str, ...], type[BaseModel]] = {
    ("dask",): DaskSettings,
    ("dask", "security"): TLSSettings,
    ("dask", "cluster"): ClusterSettings,
    ("subclass_config",): SubclassConfig,
}


def problems(
    error: ValidationError,
    values: Mapping[str, Any],
    where: str,
    model: type[BaseModel] = RunSettings,
) -> ScenarioError | InputErrors:
    """Pydantic's problems with `values`, a line for each key.

    A key that may be of several types has a problem for each; they become one line.
    """
    lines: dict[tuple[str, ...], list[str]] = {}
    for problem in error.errors(include_url=False, include_context=False):
        key = _key(problem, values)
        lines.setdefault(key, []).append(_worded(problem, key, model))
    found = []
    for key, texts in lines.items():
        text = " or ".join(dict.fromkeys(texts))
        found.append(
            one_line_error(f"{where} key {'.'.join(key)} {text}" if key else f"{where}: {text}")
        )
    return found[0] if len(found) == 1 else InputErrors(found)


def _key(problem: Mapping[str, Any], values: Any) -> tuple[str, ...]:
    """The part of a problem's place that is a key of the file, without pydantic's own words."""
    key: list[str] = []
    for part in problem["loc"]:
        if isinstance(values, Mapping) and part in values:
            values = values[part]
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        elif problem["type"] == "missing" and part == problem["loc"][-1]:
            values = None
        else:
            break
        key.append(str(part))
    return tuple(key)


def _worded(problem: Mapping[str, Any], key: tuple[str, ...], model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden":
        owner = _MODELS.get(key[:-1], model)
        known = [
            field.alias or field.validation_alias or name
            for name, field in owner.model_fields.items()
        ]
        near = get_close_matches(key[-1], [str(name) for name in known], 1)
        return "is unknown" + (f", did you mean {near[0]}?" if near else "")
    if problem["type"] == "missing":
        return "is missing"
    message = (
        str(problem["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")
    )
    if not key:
        return message
    return (
        message if message.startswith("found ") else f"is {_shown(problem.get('input'))}: {message}"
    )


def _shown(value: Any) -> str:
    """A value from a file, briefly."""
    if isinstance(value, Mapping | list | tuple | set):
        return f"a {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def one_line_error(text: str) -> ScenarioError:
    """A `ScenarioError` on one line, whatever names of the file it quotes."""
    return ScenarioError(" ".join(text.split()))
