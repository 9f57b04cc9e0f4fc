"""Everything a run reads besides hourly loads, checked and put together before work starts."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from cairo.errors import (
    CairoError,
    InputErrors,
    MetadataError,
    TariffError,
    listed,
    listed_buildings,
)
from cairo.files.load_file import FIELDS
from cairo.files.metadata import (
    building_ids,
    plain_cells,
    read_frame,
    return_buildingstock,
)
from cairo.files.numbers import written_number
from cairo.files.reading import folder_listing, is_url, read_bytes
from cairo.files.run_names import check_run_name, local_folder
from cairo.files.short_tariff import SUFFIXES
from cairo.files.tariff_files import read_tariffs
from cairo.files.tariff_maps import TariffMap, keys_by_home, tariff_place
from cairo.model.elasticity import Response
from cairo.model.export_compensation import export_credits
from cairo.model.prices import Prices
from cairo.model.tariff_fields import Unmodelled
from cairo.model.tariff_rows import TariffDict
from cairo.rates_tool.dd_stages.sources import LoadOptions, LoadSource, listing_digest, load_source
from cairo.rates_tool.response_run import plans_of_some, response_plans
from cairo.rates_tool.run_files import BAT_FILE
from cairo.rates_tool.run_spec import (
    Assistance,
    Billing,
    Customers,
    DistributionCost,
    GasService,
    GivenTariff,
    Requirement,
    RunSpec,
    Service,
    Solar,
    Taxes,
)
from cairo.rates_tool.tariffs import precalc_period_mapping
from cairo.scenario.electric_tariffs import ElectricTariffs, electric_tariffs, read_map, stems
from cairo.scenario.requirement import (
    Homes,
    check_delivery_hours,
    delivery_of,
    requirement_of,
)
from cairo.scenario.requirement_file import (
    COUNT,
    KWH_SCALE,
    RequirementFile,
    read_requirement_file,
)
from cairo.scenario.run_parts import DERIVED_PREFIX, RUN_PREFIX, is_reference
from cairo.scenario.run_settings import built_on
from cairo.scenario.scenario_file import RunSettings, is_path_key
from cairo.scenario.tariff_rules import ruled, tariff_rules
from cairo.scenario.upgrades import name_other_upgrades
from cairo.shared import read_once

T = TypeVar("T")


ELECTRIC_FIELDS = ("total", "pv")


@dataclass(frozen=True, eq=False)
class RunInputs:
    """What a run's inputs hold, read and checked.

    spec : the run. loads : of its homes, moved to its year and changed as the settings say.
    fingerprints : {input file: SHA-256}, folders by their listing.
    unmodelled : fields of the tariffs that bills leave out, as the settings allow.
    """

    settings: RunSettings
    spec: RunSpec
    loads: LoadSource
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    unmodelled: tuple[Unmodelled, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of `load_file.FIELDS` that the run reads."""
        return ELECTRIC_FIELDS if self.spec.gas is None else tuple(FIELDS)

    # The same as CAIRO's functions take it

    @property
    def customer_metadata(self) -> pd.DataFrame:
        """`bldg_id`, `weight` (scaled to the customer count), segment columns."""
        return self.spec.customers.frame

    @property
    def tariff_map(self) -> pd.DataFrame:
        """`bldg_id, tariff_key`, a row a building of the run."""
        return self.spec.electricity.frame

    @property
    def tariffs_params(self) -> dict[str, TariffDict]:
        """{tariff_key: PySAM-style tariff}."""
        return self.spec.electricity.dicts()

    @property
    def gas_tariff_map(self) -> TariffMap | None:
        """`bldg_id, tariff_key` of gas; None bills no gas."""
        return None if self.spec.gas is None else self.spec.gas.tariff_map

    @property
    def gas_tariffs(self) -> Mapping[str, GivenTariff]:
        """{tariff_key: PySAM-style gas tariff} per kWh, as published."""
        return {} if self.spec.gas is None else self.spec.gas.as_given()

    @property
    def marginal_system_prices(self) -> pd.DataFrame:
        """8760 rows of price components [$/kWh], EST."""
        return self.spec.prices.frame

    @property
    def revenue_requirement(self) -> float | Mapping[str, float] | None:
        """[$/year], or {tariff_key: $/year}; None when a residual is given."""
        return self.spec.requirement.target


class _Errors:
    """Input errors found so far; a check that needs what failed is skipped."""

    def __init__(self) -> None:
        self.found: list[CairoError] = []

    def tried(self, check: Callable[..., T], *arguments: object, **named: object) -> T | None:
        """The check's result, or None when it or what it needs has failed."""
        if any(argument is _FAILED for argument in arguments):
            return None
        try:
            return check(*arguments, **named)
        except InputErrors as errors:
            self.found += errors.errors
        except CairoError as error:
            self.found.append(error)
        return None


NO_INPUTS = ("path_outputs", "delivery_run")
"""Keys of folders that are written, or read for one of their files."""
NO_GAS = GasService({}, {})
"""Of a run that bills no gas."""

_FAILED = object()


def _or_failed(value: object) -> object:
    return _FAILED if value is None else value


def read_inputs(
    settings: RunSettings, derived: Mapping[str, TariffDict] | None = None
) -> RunInputs:
    """Read and check the inputs of a run.

    derived : {alias: tariff} of tariffs that are derived, where they have been.

    Raises
    ------
    InputErrors
        Every error found, each a line that names a file, building or key.
    """
    errors = _Errors()
    tried = errors.tried
    tried(check_run_name, settings.run_name)
    tried(local_folder, settings.path_outputs)
    tried(_check_dollar_years, settings)
    tried(_check_assistance, settings)
    stored = tried(read_requirement_file, settings)
    requirement_file = RequirementFile() if stored is None else stored
    count = tried(_customer_count, settings, requirement_file)
    ids = tried(_assigned_buildings, settings)
    metadata = tried(_metadata, settings, ids, count)
    ids_or_failed = _or_failed(None if metadata is None else metadata["bldg_id"].tolist())
    scale = tried(requirement_file.positive, KWH_SCALE)
    loads = tried(_loads, settings, ids_or_failed, scale)
    tariffs = tried(electric_tariffs, settings, _or_failed(metadata), derived)
    gas = tried(_gas, settings, ids_or_failed)
    prices = tried(_prices, settings)
    homes = None if metadata is None else Homes(metadata, 1.0 if scale is None else scale)
    asked = (settings, _or_failed(stored))
    on = (_or_failed(tariffs), _or_failed(homes))
    requirement = tried(requirement_of, *asked, *on)
    delivery = tried(delivery_of, *asked, _or_failed(requirement), *on)
    response = settings.response
    if response is not None and tariffs is not None:
        tried(_check_response, response, tariffs, settings, derived is not None)
    if errors.found:
        raise InputErrors(errors.found)
    assert metadata is not None and tariffs is not None and prices is not None
    assert loads is not None and gas is not None
    assert requirement is not None and homes is not None
    service = None if gas is NO_GAS else gas
    spec = replace(
        _spec(settings, metadata, tariffs, service, read_once(Prices, prices), requirement),
        delivery=delivery,
        kwh_scale=homes.kwh_scale,
        at_cost=frozenset(
            tariffs.key_of[alias]
            for alias, how in settings.derived_tariffs.items()
            if how.derive == "tou"
        ),
    )
    if isinstance(delivery, pd.Series) and (derived is not None or not settings.derived_tariffs):
        check_delivery_hours(settings, spec)
    stamps = fingerprints(settings, tariffs.files, service)
    left_out = [*tariffs.unmodelled, *gas.unmodelled]
    if isinstance(delivery, Billing):
        left_out += delivery.unmodelled
    return RunInputs(settings, spec, loads, stamps, tuple(left_out))


def _spec(
    settings: RunSettings,
    metadata: pd.DataFrame,
    tariffs: ElectricTariffs,
    gas: GasService | None,
    prices: Prices,
    requirement: Requirement,
) -> RunSpec:
    """The run, of what has been read."""
    parsed = tariffs.parsed
    on = keys_by_home(tariffs.frame)
    style = settings.solar_pv_compensation
    credited = export_credits(style, settings.solar_pv_export_import_ratio, parsed)
    cost, strategy = settings.distribution_cost_per_kw_year, settings.low_income_strategy
    return RunSpec(
        settings.run_name,
        settings.run_type,
        settings.year_run,
        settings.dollar_year,
        read_once(Customers.of, metadata),
        Service(parsed, on),
        prices,
        requirement,
        gas,
        precalc_period_mapping(parsed) if settings.run_type == "precalc" else None,
        Solar.of(style, credited, list(parsed)),
        Taxes(settings.utility_tax_rate, settings.energy_surcharge_rate),
        None
        if strategy is None
        else Assistance(
            strategy,
            settings.low_income_participation_target,
            settings.low_income_bill_assistance_program,
        ),
        None if cost is None else DistributionCost(cost, settings.distribution_cost_hours),
        settings.response,
    )


def _check_response(
    response: Response, tariffs: ElectricTariffs, settings: RunSettings, are_derived: bool
) -> None:
    """Check that somebody responds; of tariffs that are yet to be derived nothing is known."""
    whole = are_derived or not settings.derived_tariffs
    known = tariffs.parsed if whole else tariffs.files
    tables = {key: tariffs.parsed[key] for key in known}
    check = response_plans if whole else plans_of_some
    check(response, tables, settings.year_run, settings.solar_pv_compensation)


def _check_dollar_years(settings: RunSettings) -> None:
    from cairo.model.dollar_years import dollar_factor

    dollar_factor(settings.year_run, settings.dollar_year)


def _check_assistance(settings: RunSettings) -> None:
    from cairo.model.low_income_assistance import assistance_program

    assistance_program(settings.low_income_bill_assistance_program)


def _customer_count(settings: RunSettings, requirement: RequirementFile) -> float | None:
    """Customers of the test year, else of the utility's statistics, else None."""
    count = requirement.positive(COUNT)
    path = settings.path_electric_utility_stats
    if count is not None or path is None or settings.utility is None:
        return count
    what = "utility statistics file"
    frame = read_once(
        read_frame, path, what, ("utility_code", "residential_customers"), settings.storage_options
    )
    codes = plain_cells(frame["utility_code"], f"{what} {path}")
    rows = frame[codes.astype(str) == settings.utility]
    if len(rows) != 1:
        raise MetadataError(
            f"{what} {path} has {len(rows)} rows of utility {settings.utility}, expected one "
            f"(there are {listed(codes)})"
        )
    stored_count = rows["residential_customers"].iloc[0]
    found = written_number(stored_count)
    if found is None or not 0 < found < math.inf:
        said = repr(stored_count) if found is None else str(found)
        raise MetadataError(
            f"{what} {path} has {said[:40]} residential_customers, expected some of utility "
            f"{settings.utility}"
        )
    return found


def _assigned_buildings(settings: RunSettings) -> list[int] | None:
    path, utility = settings.path_utility_assignment, settings.utility
    if path is None:
        return None
    return read_once(_assigned_to, path, utility, settings.storage_options)


def _assigned_to(
    path: str, utility: str | None, storage_options: Mapping[str, object]
) -> list[int]:
    what = "utility assignment file"
    frame = read_frame(path, what, ("bldg_id", "sb.electric_utility"), storage_options)
    utilities = plain_cells(frame["sb.electric_utility"], f"{what} {path}")
    mine = frame[utilities.astype(str) == utility]
    if not len(mine):
        raise MetadataError(
            f"{what} {path} has no building of utility {utility} "
            f"(there are {listed(sorted(utilities.dropna().unique()))})"
        )
    ids = building_ids(mine["bldg_id"], f"{what} {path}")
    twice = ids[ids.duplicated()].unique().tolist()
    if twice:
        raise MetadataError(
            f"{what} {path} has buildings more than once: {listed_buildings(twice)}"
        )
    assigned: list[int] = ids.tolist()
    return assigned


def _metadata(
    settings: RunSettings, ids: list[int] | None, customer_count: float | None
) -> pd.DataFrame:
    path, options = settings.path_resstock_metadata, settings.storage_options
    columns = list(settings.metadata_columns)
    if settings.path_tariff_maps_electric is None and settings.subclass_config is not None:
        columns.append(settings.subclass_config.group_col)
    if settings.sample_size is not None:
        whole = read_once(return_buildingstock, path, ids, None, columns, options)
        if settings.sample_size > len(whole):
            raise MetadataError(
                f"sample_size {settings.sample_size} is above the {len(whole)} buildings of {path}"
            )
        rng = np.random.default_rng(settings.sample_seed)
        stock = np.sort(whole["bldg_id"].to_numpy())
        ids = rng.choice(stock, settings.sample_size, replace=False).tolist()
    return read_once(return_buildingstock, path, ids, customer_count, columns, options)


def _loads(settings: RunSettings, ids: list[int], scale: float | None) -> LoadSource:
    loads = read_once(
        _loads_of,
        settings.path_resstock_loads,
        ids,
        settings.year_run,
        1.0 if scale is None else scale,
        settings.floor_negative_net_load,
        settings.storage_options,
    )
    name_other_upgrades(settings, loads)
    return loads


def _loads_of(
    path: str,
    ids: Sequence[int],
    year: int,
    scale: float,
    floor: bool,
    storage_options: Mapping[str, object],
) -> LoadSource:
    options = LoadOptions(year, scale, floor, storage_options=storage_options)
    return load_source(path, options).take(ids)


def _gas(settings: RunSettings, ids: list[int]) -> GasService:
    """Gas tariffs; without homes or tariffs where no gas is billed."""
    tariff_map, where = settings.path_tariff_maps_gas, settings.path_tariffs_gas
    if tariff_map is None or where is None:
        return NO_GAS
    options, rules = settings.storage_options, tariff_rules(settings.tier_rule)
    allowed = settings.allow_unmodelled
    return read_once(_gas_of, tariff_map, where, ids, options, rules, allowed)


def gas_tariff_file(folder: str, key: str) -> str:
    """A tariff's file in a folder: `<key>.json`, or YAML of the short form.

    Raises
    ------
    TariffError
        Both are there.
    """
    place = folder.rstrip("/")
    names = [f"{place}/{key}{suffix}" for suffix in (".json", *SUFFIXES)]
    there = [] if is_url(folder) else [name for name in names if Path(name).exists()]
    if len(there) > 1:
        raise TariffError(f"gas tariff {key} has two files, expected one of {listed(there)}")
    return there[0] if there else names[0]


def _gas_of(
    tariff_map: str,
    where: str | Mapping[str, str],
    ids: Sequence[int],
    options: dict[str, object],
    rules: Mapping[str, object],
    allow_unmodelled: bool,
) -> GasService:
    frame = read_map(tariff_map, ids, options, "gas tariff map")
    keys = list(dict.fromkeys(frame["tariff_key"]))
    if isinstance(where, str):
        paths = {key: gas_tariff_file(where, key) for key in keys}
    else:
        paths = stems(where, "path_tariffs_gas")
        unknown = [key for key in keys if key not in paths]
        if unknown:
            raise TariffError(
                f"gas tariff map {tariff_map} names tariffs {listed(unknown)}; "
                f"path_tariffs_gas has {listed(paths)}"
            )
    left_out: list[Unmodelled] = []
    allowed = left_out if allow_unmodelled else None
    as_read = read_tariffs(keys, paths, options, allowed)
    tariffs = ruled(as_read, rules)
    # A file says what is billed where the run adds nothing to it and leaves nothing out.
    whole = not left_out and all(tariffs[key].given == as_read[key].given for key in keys)
    files = {key: paths[key] for key in keys if whole and not is_url(paths[key])}
    return GasService(frame, tariffs, files, tuple(left_out))


def _prices(settings: RunSettings) -> pd.DataFrame:
    from cairo.utils.marginal_costs.marginal_cost_calculator import marginal_prices

    return read_once(
        marginal_prices,
        settings.path_supply_energy_mc,
        settings.path_supply_capacity_mc,
        settings.path_dist_and_sub_tx_mc,
        settings.path_bulk_tx_mc,
        settings.path_supply_ancillary_mc,
        target_year=settings.year_run,
        storage_options=settings.storage_options,
    )


def fingerprints(
    settings: RunSettings, electric: Mapping[str, str], gas: GasService | None
) -> dict[str, str]:
    """SHA-256 of every small input file; of a load folder's file names and sizes."""
    paths: list[str] = []
    for key, value in settings.model_dump().items():
        if not is_path_key(key) or key in NO_INPUTS or value is None:
            continue
        if key == "path_tariffs_electric":
            paths += electric.values()
        elif isinstance(value, dict):
            paths += value.values()
        elif key == "path_tariffs_gas" and gas is not None:
            paths += [gas_tariff_file(value, name) for name in sorted(gas.tariffs)]
        else:
            paths.append(value)
    paths += [f"{run}/{BAT_FILE}" for run in built_on(settings) if not is_reference(run)]
    paths += [
        how.from_
        for how in settings.derived_tariffs.values()
        if not how.from_.startswith((RUN_PREFIX, DERIVED_PREFIX))
    ]
    return {path: read_once(_fingerprint, path, settings.storage_options) for path in paths}


def _fingerprint(path: str, storage_options: Mapping[str, object] | None) -> str:
    path, _ = tariff_place(path)
    listing = folder_listing(path, storage_options)
    if listing is None:
        content = read_bytes(path, storage_options, CairoError, "input")
        return hashlib.sha256(content).hexdigest()
    return listing_digest(listing)
