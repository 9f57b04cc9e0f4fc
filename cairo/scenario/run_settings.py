"""Settings of a run: every key of a scenario file's run, with its unit, default and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from cairo.errors import ScenarioError, listed
from cairo.files.recorded_options import STORAGE, recorded_options
from cairo.model.elasticity import Elasticity, Response
from cairo.model.names import Backend, RunType, gas_tariff_year
from cairo.model.setting_problems import one_line_error, setting_problems
from cairo.model.subclass_requirements import PASSTHROUGH, methods
from cairo.model.tariff_rules import TierRule
from cairo.workers.settings import STRICT, DaskSettings, PathText

DERIVED_PREFIX = "derived:"
"""Before the alias of a tariff that is derived, in the place of its file."""
RUN_PREFIX = "run:"
"""Before the name of a run of the same file, in the place of a path."""
MONTHS_FROM_1 = set(range(1, 13))
OF_OTHER_TOOLS = (
    "upgrade",
    "fair_default",
    "path_tou_supply_energy_mc",
    "path_tou_supply_capacity_mc",
)
"""Keys that scenario files have for other programs."""


EVERYBODY = "all"
"""Alias of the one tariff of a run whose homes are all on it."""


def checked_months(value: list[int] | None) -> list[int] | None:
    """Months that are all different and some of a year's, not all."""
    if value is not None and (len(set(value)) < len(value) or not set(value) <= MONTHS_FROM_1):
        raise ValueError(f"{value}: expected different months from 1 to 12")
    return value


class SubclassConfig(BaseModel):
    """Which metadata column tells the subclasses apart, and each one's values.

    It says which homes are in which subclass where a run has no tariff map.
    """

    model_config = STRICT
    group_col: str = Field(
        min_length=1, description="Metadata column, which `postprocess_group.` may stand before."
    )
    selectors: dict[str, str | bool | int | float | list[str | bool | int | float]] = Field(
        default_factory=dict,
        description="{alias of the subclass: its values in the column}: one, a list, or text with "
        'commas between them. Case does not matter, and `"true"` fits a switch.',
    )


class TariffChange(BaseModel):
    """What is changed of a tariff that a file has."""

    model_config = STRICT
    fixed_charge: float | None = Field(None, description="Fixed charge [$/month] instead.")
    min_charge: float | None = Field(None, ge=0, description="Minimum charge [$/month] instead.")
    rate_scale: float | None = Field(
        None, ge=0, description="All energy rates are multiplied by it."
    )


class RequirementFrom(BaseModel):
    """A finished run that subclasses' requirements are taken of, and how."""

    model_config = STRICT
    run: PathText = Field(
        description="Its name in the file, or its directory; of the same homes and weights."
    )
    delivery: str = Field(description="Method for delivery.")
    supply: str | None = Field(
        None, description="Method for supply; needed in a run that includes supply."
    )

    @field_validator("delivery", "supply")
    @classmethod
    def _method(cls, value: str | None) -> str | None:
        if value is not None and value not in methods():
            raise ValueError(f"expected {listed(methods())}")
        return value


Knob = Literal["fixed_charge", "level", "winter_rate", "summer_rate"]


class DerivedTariff(BaseModel):
    """A tariff whose rates follow from the costs that a finished run has found."""

    model_config = STRICT | ConfigDict(populate_by_name=True)
    derive: Literal["flat", "seasonal", "fair", "tou"] = Field(
        description="One rate, or a lower winter rate, under which the class pays what it costs; "
        "one tariff for everybody under which `subclass` does; or periods from load and prices."
    )
    from_: PathText = Field(
        alias="from",
        description="The tariff it starts from: `run:NAME`, `run:NAME#ALIAS`, or "
        "`FOLDER/tariff_final_config.json#KEY`; that run's bills and costs are used.",
    )
    allocation: str = Field(
        "percustomer", description="Of the residual, by which the class pays too much."
    )
    winter_months: list[int] | None = Field(
        None, description="Months of winter from 1; the run's, or October to March."
    )
    hours: int | None = Field(
        None, ge=1, le=12, description="Hours of the `tou` window; 1 to 12 are tried."
    )
    knobs: tuple[Knob, Knob] = Field(
        ("fixed_charge", "level"),
        description="What `fair` solves for; the rest stays as in `from`.",
    )
    subclass: str | None = Field(
        None, description="Alias of `subclass_config` whose costs `fair` meets."
    )

    @field_validator("winter_months")
    @classmethod
    def _months(cls, value: list[int] | None) -> list[int] | None:
        return checked_months(value)

    @field_validator("allocation")
    @classmethod
    def _allocation(cls, value: str) -> str:
        known = [method for method in methods() if method != PASSTHROUGH]
        if value not in known:
            raise ValueError(f"expected {listed(known)}")
        return value

    @property
    def known_before(self) -> bool:
        """Whether its schedule is known before its source is finished."""
        taken = self.from_.startswith((RUN_PREFIX, DERIVED_PREFIX))
        return self.derive != "tou" and not (self.derive == "fair" and taken)


class RunSettings(BaseModel):
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
        100, ge=1, le=8760, description="Hours `distribution_cost_per_kw_year` is spread over."
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
        found = list(self._misfits())
        if found:
            raise ValueError("\n".join(found))
        return self

    def _misfits(self) -> Iterator[str]:
        """What is wrong between keys that are each right alone."""
        sources = ("utility_revenue_requirement", "residual_cost", "residual_cost_frac")
        given = [name for name in sources if getattr(self, name) is not None]
        # A default run bills its tariffs as they are; what they collect is its requirement then.
        derived = self.requirement_from
        if len(given) > 1 or not (given or derived or self.run_type == "default"):
            yield (
                f"expected exactly one of {', '.join(sources)}, "
                f"found {' and '.join(given) or 'none'}"
            )
        topped_up = self.delivery_only_revenue_requirement
        for name in ("run_includes_subclasses", "delivery_only_revenue_requirement"):
            from_run = name == "run_includes_subclasses" and derived is not None
            if getattr(self, name) and self.utility_revenue_requirement is None and not from_run:
                yield f"{name} needs utility_revenue_requirement"
        yield from self._component_misfits()
        if self.run_includes_subclasses and derived is None:
            if not self.residual_allocation_delivery:
                yield "run_includes_subclasses needs residual_allocation_delivery"
            if self.run_includes_supply and not self.residual_allocation_supply:
                yield (
                    "run_includes_subclasses with run_includes_supply needs "
                    "residual_allocation_supply"
                )
        if self.run_includes_subclasses and topped_up:
            yield (
                "delivery_only_revenue_requirement cannot be split over subclasses: give "
                "run_includes_supply and their supply requirement instead"
            )
        if topped_up and self.run_includes_supply:
            yield (
                "delivery_only_revenue_requirement adds supply to a requirement that holds it by "
                "run_includes_supply: expected one of the two"
            )
        if self.path_tariff_maps_electric is None:
            yield from self._unmapped()
        if (self.path_tariff_maps_gas is None) != (self.path_tariffs_gas is None):
            yield "path_tariff_maps_gas and path_tariffs_gas go together, found one"
        yield from self._underived()
        for alias in self.tariff_changes:
            if alias not in self.path_tariffs_electric:
                there = listed(self.path_tariffs_electric)
                yield f"tariff_changes names {alias}; path_tariffs_electric has {there}"
        if self.path_utility_assignment is not None and self.utility is None:
            yield "path_utility_assignment needs utility"
        if self.net_metering_rollover and self.solar_pv_compensation != "net_metering":
            yield "net_metering_rollover needs solar_pv_compensation net_metering"
        spread = self.distribution_cost_per_kw_year is not None
        if spread and self.path_dist_and_sub_tx_mc is not None:
            yield (
                "expected one of distribution_cost_per_kw_year and path_dist_and_sub_tx_mc, "
                "found both"
            )

    def _component_misfits(self) -> Iterator[str]:
        """What is wrong between keys of delivery and supply."""
        derived = self.requirement_from
        if derived is not None:
            if not self.run_includes_subclasses:
                yield "requirement_from needs run_includes_subclasses"
            if self.residual_cost is not None or self.residual_cost_frac is not None:
                yield "requirement_from and a residual: expected one of the two"
            if self.run_includes_supply and derived.supply is None:
                yield "requirement_from with run_includes_supply needs a method for supply"
            for name in ("delivery", "supply"):
                own = getattr(self, f"residual_allocation_{name}")
                if own is not None and getattr(derived, name) not in (None, own):
                    yield (
                        f"requirement_from.{name} is {getattr(derived, name)}, "
                        f"residual_allocation_{name} is {own}: expected one method"
                    )
        keys = [key for key in ("delivery_tariffs", "delivery_run") if getattr(self, key)]
        if len(keys) > 1:
            yield "expected one of delivery_tariffs and delivery_run, found both"
        for key in keys:
            if not self.run_includes_supply:
                yield f"{key} needs run_includes_supply: without it the whole bill is delivery's"
        if self.delivery_tariffs is None:
            return
        if set(self.delivery_tariffs) != set(self.path_tariffs_electric):
            yield (
                f"delivery_tariffs has {listed(self.delivery_tariffs)}, expected a twin of each of "
                f"path_tariffs_electric: {listed(self.path_tariffs_electric)}"
            )
        not_modelled = {
            "elasticity": self.response is not None,
            "energy_surcharge_rate": bool(self.energy_surcharge_rate),
            "low_income_strategy": self.low_income_strategy is not None,
            "tariff_changes": bool(self.tariff_changes),
        }
        for name, there in not_modelled.items():
            if there:
                yield f"delivery_tariffs with {name} is not modelled: give delivery_run instead"

    def _unmapped(self) -> Iterator[str]:
        """What keeps the tariffs from being mapped to homes without a map."""
        named, config = set(self.path_tariffs_electric), self.subclass_config
        if named == {EVERYBODY}:
            return
        if config is None:
            yield (
                "path_tariff_maps_electric is missing: expected it, a subclass_config, or one "
                f"tariff of path_tariffs_electric named {EVERYBODY}"
            )
        elif named != set(config.selectors):
            yield (
                "without path_tariff_maps_electric, path_tariffs_electric needs the subclasses "
                f"of subclass_config: it has {listed(sorted(named))}, selectors have "
                f"{listed(sorted(config.selectors)) or 'none'}"
            )

    def _underived(self) -> Iterator[str]:
        """What is wrong of tariffs that are derived."""
        subclasses = self.subclass_config.selectors if self.subclass_config else {}
        for alias, derived in self.derived_tariffs.items():
            if self.path_tariffs_electric.get(alias) != f"{DERIVED_PREFIX}{alias}":
                yield f"derived_tariffs names {alias}, whose tariff is not derived"
            if (derived.derive == "fair") != (derived.subclass is not None):
                yield f"derived tariff {alias}: subclass goes with derive: fair, and only with it"
            elif derived.subclass is not None and derived.subclass not in subclasses:
                yield f"derived tariff {alias}: subclass_config has no subclass {derived.subclass}"
            if derived.derive == "tou" and self.run_type != "precalc":
                yield f"derived tariff {alias}: derive: tou gives ratios, for run_type precalc"
            if derived.derive == "tou" and self.response is not None:
                yield f"derived tariff {alias}: derive: tou and elasticity are runs of their own"

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


def is_reference(text: str) -> bool:
    """Whether a setting names a run of the file, which may not be finished, or a tariff of it."""
    return text.startswith(RUN_PREFIX)


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
