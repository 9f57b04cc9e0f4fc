"""Settings of a run: every key of a scenario file's run, with its unit, default and limits."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import (
    Field,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from cairo.errors import ScenarioError
from cairo.files.recorded_options import STORAGE, recorded_options
from cairo.model.backends import Backend
from cairo.model.elasticity import Elasticity, Response
from cairo.model.names import HOURS, RunType, gas_tariff_year
from cairo.model.plain_settings import PlainSettings
from cairo.model.setting_problems import one_line_error, setting_problems
from cairo.model.tariff_rules import TierRule
from cairo.scenario.run_misfits import misfits
from cairo.scenario.run_parts import (
    DerivedTariff,
    RequirementFrom,
    SubclassConfig,
    TariffChange,
    checked_months,
)
from cairo.workers.settings import STRICT, DaskSettings, PathText

OF_OTHER_TOOLS = (
    "upgrade",
    "fair_default",
    "path_tou_supply_energy_mc",
    "path_tou_supply_capacity_mc",
)
"""Keys that scenario files have for other programs."""


class RunSettings(PlainSettings):
    """One run of a scenario file. Paths are strings, already resolved, or fsspec URLs."""

    model_config = STRICT

    run_name: str = Field(
        min_length=1,
        description="Name of the run and, after its time stamp, its folder; the run's key by "
        "default.",
    )
    run_type: RunType = Field(
        description="`precalc` solves for rates that meet the requirement; `default` bills the "
        "tariffs as they are."
    )
    backend: Backend = Field(
        "dask_dataframe", description="How the stages over hourly loads are run."
    )
    state: str | None = Field(None, description="State, for the reader.")
    utility: str | None = Field(None, description="Code of the electric utility.")
    year_run: int = Field(ge=1900, le=2200, description="Calendar year of loads and bills.")
    year_dollar_conversion: int | None = Field(
        None,
        ge=1900,
        le=2200,
        description="Year in whose dollars the `target` bills are; `year_run` by default.",
    )
    gas_tariff_year: int = Field(
        gas_tariff_year,
        ge=1900,
        le=2200,
        description="Year the gas tariffs were published for, for the reader: gas is billed in "
        "the calendar of `year_run`.",
    )
    process_workers: int | None = Field(
        None,
        ge=1,
        description="Workers of `dask_dataframe`, all cores by default; processes of the other "
        "backends, one by default. At most the cores.",
    )

    path_resstock_loads: PathText = Field(
        description="Folder of `<bldg_id>-<upgrade>.parquet` files [kWh], or a packed stock."
    )
    path_resstock_metadata: PathText = Field(
        description="Parquet `bldg_id, weight` [customers] and segment columns."
    )
    path_utility_assignment: PathText | None = Field(
        None, description="Parquet `bldg_id, sb.electric_utility`; only `utility`'s homes are run."
    )
    path_electric_utility_stats: PathText | None = Field(
        None,
        description="Parquet `utility_code, residential_customers`; weights are scaled to add to "
        "`utility`'s customers when the requirement file has no test_year_customer_count.",
    )
    path_outputs: PathText = Field("outputs", description="Local folder of run directories.")
    compare_to: PathText | None = Field(
        None,
        description="Run whose bills this one's are compared with, home by home: its name, or the "
        "directory of a finished one. It may be on another stock.",
    )

    path_tariff_maps_electric: PathText | None = Field(
        None,
        description="CSV `bldg_id, tariff_key`; a key is a tariff file's stem, or else its alias. "
        "Without it homes are on the tariff of their subclass in `subclass_config`, or all on the "
        "one tariff named `all`.",
    )
    path_tariffs_electric: dict[str, PathText] = Field(
        min_length=1,
        description="{alias: URDB JSON, or YAML of the short form}; the tariff key is the file's "
        "stem. Without a map the "
        "aliases are those of `subclass_config`, and files of one stem have their aliases as keys. "
        "`run:NAME` or "
        "`run:NAME#ALIAS` is the final tariff of another run of the file, "
        "`FOLDER/tariff_final_config.json#KEY` of a finished one.",
    )
    tariff_changes: dict[str, TariffChange] = Field(
        default_factory=dict,
        description="{alias: changes to the tariff of its file}, as `--set tariffs.ALIAS...` has "
        "them.",
    )
    delivery_tariffs: dict[str, PathText] | None = Field(
        None,
        description="{alias: URDB JSON}: what homes would pay for delivery alone, of every alias "
        "of `path_tariffs_electric`; a precalc run calibrates them to the delivery requirement. "
        "Bills and bill alignment are then split into delivery and supply.",
    )
    delivery_run: PathText | None = Field(
        None,
        description="Run of the same homes for delivery alone, whose bills are the delivery part, "
        "instead of `delivery_tariffs`: its name, or the directory of a finished one.",
    )
    derived_tariffs: dict[str, DerivedTariff] = Field(
        default_factory=dict,
        description="{alias: how its rates follow from costs}; in a scenario the mapping stands in "
        "the place of the alias's file in `path_tariffs_electric`.",
    )
    path_tariff_maps_gas: PathText | None = Field(
        None, description="CSV `bldg_id, tariff_key`; without it gas is not billed."
    )
    path_tariffs_gas: PathText | dict[str, PathText] | None = Field(
        None, description="Folder of `<tariff_key>.json` (or `.yaml`) files, or {alias: file}."
    )
    tier_rule: TierRule = Field(
        "period",
        description="Whose use fills tiers when a month has several periods: each period's own, or "
        "that of the whole `month`, of which each period has its share (SAM's rule).",
    )

    allow_unmodelled: bool = Field(
        False,
        description="Fields of a tariff that hold money, a share or a switch and are not modelled "
        "are left out and named in `cairo check`, `run.json` and the report, instead of refused.",
    )

    utility_revenue_requirement: PathText | None = Field(
        None, description="YAML of requirements [$/year]."
    )
    run_includes_supply: bool = Field(
        False, description="The requirement is of delivery and supply, or of delivery alone."
    )
    run_includes_subclasses: bool = Field(
        False, description="Each tariff has a requirement of its own."
    )
    residual_allocation_delivery: str | None = Field(
        None, description="Method of the subclasses' delivery requirement in the YAML."
    )
    residual_allocation_supply: str | None = Field(
        None, description="Method of the subclasses' supply requirement in the YAML."
    )
    requirement_from: RequirementFrom | None = Field(
        None,
        description="A finished run that the subclasses' requirements are taken of, instead of "
        "the file's.",
    )
    residual_cost: float | None = Field(
        None, description="Residual [$/year], instead of `utility_revenue_requirement`."
    )
    residual_cost_frac: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Residual as a fraction of the system's whole cost, instead of either.",
    )
    delivery_only_revenue_requirement: bool = Field(
        False,
        description="The requirement is of delivery alone and is topped up with the energy, "
        "capacity and ancillary marginal costs.",
    )

    path_supply_energy_mc: PathText = Field(
        description="Parquet `timestamp, energy_cost_enduse` [$/MWh], or a Cambium file."
    )
    path_supply_capacity_mc: PathText = Field(
        description="Parquet `timestamp, capacity_cost_enduse` [$/MWh], or a Cambium file."
    )
    path_supply_ancillary_mc: PathText | None = Field(
        None, description="Parquet `timestamp, ancillary_cost_enduse` [$/MWh]."
    )
    path_dist_and_sub_tx_mc: PathText | None = Field(
        None, description="Parquet `timestamp, mc_total_per_kwh` [$/kWh]."
    )
    path_bulk_tx_mc: PathText | None = Field(
        None, description="Parquet `timestamp, bulk_tx_cost_enduse` [$/kWh]."
    )
    distribution_cost_per_kw_year: float | None = Field(
        None,
        ge=0,
        description="[$/kW-yr] spread over the system's own highest net-load hours, instead of "
        "`path_dist_and_sub_tx_mc`.",
    )
    distribution_cost_hours: int = Field(
        100, ge=1, le=HOURS, description="Hours `distribution_cost_per_kw_year` is spread over."
    )

    solar_pv_compensation: Literal["net_metering", "net_billing"] | None = Field(
        None, description="How exports are credited; not at all by default."
    )
    solar_pv_export_import_ratio: float | None = Field(
        None,
        ge=0,
        description="Export credit as a fraction of the retail rate; 1 by default for net "
        "metering. Net billing takes the tariff's own sell rates first, where it has any.",
    )
    net_metering_rollover: bool = Field(
        False,
        description="Net metering credits are carried from month to month and settled once a "
        "year: kWh, or dollars for tariffs with `ur_metering_option` 1. Without it a month credits "
        "its own exports.",
    )
    floor_negative_net_load: bool = Field(
        True, description="Negative net load counts as zero, hour by hour."
    )
    elasticity: float | dict[str, float] = Field(
        0.0,
        description="How customers on time-of-use rates respond to price: an elasticity of "
        "substitution from -5 to 0, or `{winter: e, summer: e}`; nobody does by default.",
    )
    elasticity_response: Literal["given", "calibrated"] = Field(
        "given",
        description="Customers respond to the tariff as its file has it, or to the rates that the "
        "run solves for.",
    )
    winter_months: list[int] | None = Field(
        None,
        min_length=1,
        max_length=11,
        description="Months of winter from 1, for `elasticity`; by default the tariff's own "
        "seasons: months with the same periods, summer the one with July.",
    )
    sample_size: int | None = Field(
        None, ge=1, description="Buildings of a random sample; all by default."
    )
    sample_seed: int = Field(0, ge=0, description="Seed of the sample.")
    metadata_columns: list[str] = Field(
        default_factory=list, description="Metadata columns to keep besides the usual."
    )

    labels: dict[str, str] | None = Field(
        None,
        description="Words that reports have for metadata columns and values: `{column: words}`, "
        "`{column=value: words}`.",
    )

    utility_tax_rate: float = Field(0.0, ge=0, description="Fraction added to bills.")
    energy_surcharge_rate: float = Field(0.0, description="[$/kWh] of grid consumption.")
    low_income_strategy: Literal["generic"] | None = Field(
        None, description="Bill assistance; none by default."
    )
    low_income_participation_target: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Fraction of eligible customers that takes part; 1 by default.",
    )
    low_income_bill_assistance_program: dict[str, Any] | None = Field(
        None, description="Settings of the assistance."
    )

    dask: DaskSettings = Field(
        default_factory=DaskSettings, description="Where the `dask_dataframe` backend runs."
    )
    subclass_config: SubclassConfig | None = Field(
        None,
        description="How the stock is split into subclasses; the file's own by default. It makes "
        "the tariff map where `path_tariff_maps_electric` is left out.",
    )
    not_used: dict[str, Any] = Field(
        default_factory=dict,
        description="Keys of other tools that the run had: named in `run.json`, used for nothing.",
    )
    storage_options: dict[str, Any] = Field(
        default_factory=dict, description="fsspec options for URLs, such as `{anon: true}`."
    )

    @field_serializer("storage_options", when_used="json")
    def _without_secrets(self, options: dict[str, object]) -> dict[str, object]:
        """Storage options as `run.json` records them."""
        return recorded_options(options, STORAGE)

    @field_serializer("not_used", when_used="json")
    def _of_other_tools(self, values: dict[str, object]) -> dict[str, object]:
        """Keys of other tools as `run.json` records them: what they hold is not for us to tell."""
        return recorded_options(values, frozenset(OF_OTHER_TOOLS))

    @field_validator("elasticity")
    @classmethod
    def _elasticity(cls, value: float | dict[str, float]) -> float | dict[str, float]:
        try:
            Elasticity.of(value)
        except ScenarioError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("winter_months")
    @classmethod
    def _months(cls, value: list[int] | None) -> list[int] | None:
        return checked_months(value)

    @model_validator(mode="after")
    def _fits(self) -> RunSettings:
        found = list(misfits(self))
        if found:
            raise ValueError("\n".join(found))
        return self

    @property
    def response(self) -> Response | None:
        """How customers respond to price; None when they do not."""
        elasticity = Elasticity.of(self.elasticity)
        if not elasticity.responds:
            return None
        winter = None if self.winter_months is None else tuple(self.winter_months)
        return Response(elasticity, winter, self.elasticity_response == "calibrated")

    @property
    def dollar_year(self) -> int:
        """Year of the `target` bills' dollars."""
        return self.year_run if self.year_dollar_conversion is None else self.year_dollar_conversion

    def recorded(self) -> dict[str, object]:
        """The settings as `run.json` records them: plain values, secrets left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def changed(self, **changes: object) -> RunSettings:
        """These settings with some replaced, checked again.

        Raises
        ------
        ScenarioError, InputErrors
            Values that do not fit.
        """
        values = self.model_dump(by_alias=True) | changes
        return validated(values, f"run {self.run_name}")


def built_on(settings: RunSettings) -> list[str]:
    """Runs that a run's figures are built on: their directories, or references to them."""
    derived = settings.requirement_from
    named = [settings.delivery_run, None if derived is None else derived.run]
    return [run for run in named if run is not None]


def _split(values: Mapping[str, object]) -> dict[str, object]:
    """The values of a run, keys of other tools set apart.

    A mapping that is no near miss of a key of ours is another tool's; a near miss stays, and is an
    error.
    """
    known = set(RunSettings.model_fields)
    others = {
        key: value
        for key, value in values.items()
        if key not in known
        and (
            key in OF_OTHER_TOOLS
            or (isinstance(value, Mapping) and not get_close_matches(key, known, 1))
        )
    }
    ours = {key: value for key, value in values.items() if key not in others}
    if others:
        before = ours.get("not_used")
        ours["not_used"] = (dict(before) if isinstance(before, Mapping) else {}) | others
    return ours


def validated(values: Mapping[str, object], where: str) -> RunSettings:
    """Typed settings of plain values.

    Raises
    ------
    ScenarioError, InputErrors
        A line for each key that is unknown, missing or does not fit; it begins with `where`.
    """
    try:
        return RunSettings.model_validate(_split(values))
    except ValidationError as error:
        raise setting_problems(error, values, where, RunSettings) from None
    except RecursionError:
        raise one_line_error(f"{where} is nested too deeply") from None
