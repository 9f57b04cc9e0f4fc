"""What a run has to collect, and where the delivery part of its bills comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from cairo.errors import RequirementError, TariffError, listed
from cairo.files.tariff_files import read_tariffs
from cairo.files.tariff_maps import keys_by_home
from cairo.model.components import DELIVERY, SUPPLY
from cairo.model.export_compensation import export_credits
from cairo.model.tariff_fields import Unmodelled
from cairo.rates_tool.run_spec import Billing, Requirement, RunSpec, Service, Solar
from cairo.rates_tool.tariffs import precalc_period_mapping
from cairo.scenario.electric_tariffs import ElectricTariffs
from cairo.scenario.finished_run import FinishedRun
from cairo.scenario.requirement_file import (
    DELIVERY_TOTAL,
    WHOLE_TOTAL,
    RequirementFile,
    of_subclasses,
    stored_requirement,
)
from cairo.scenario.run_parts import is_reference
from cairo.scenario.run_settings import RunSettings
from cairo.scenario.tariff_rules import electric_rules, ruled


@dataclass(frozen=True, eq=False)
class Homes:
    """The homes of a run: `bldg_id, weight` and segment columns, and the factor on their hours."""

    metadata: pd.DataFrame
    kwh_scale: float


def requirement_of(
    settings: RunSettings, file: RequirementFile, tariffs: ElectricTariffs, homes: Homes
) -> Requirement:
    """The requirement of a run, from its file, from a finished run, or a residual.

    Raises
    ------
    CairoError
        The file lacks what the run asks of it, the finished run is of other homes or does not
        have it, or a subclass has no homes.
    """
    if settings.requirement_from is not None:
        requirement = _derived(settings, file, tariffs, homes)
        what = f"requirement_from {settings.requirement_from.run}"
    elif settings.utility_revenue_requirement is not None:
        requirement, what = stored_requirement(settings, file, tariffs.key_of), file.what
    else:
        return Requirement(None, settings.residual_cost, settings.residual_cost_frac)
    if isinstance(requirement.target, Mapping):
        unused = sorted(set(requirement.target) - set(tariffs.frame["tariff_key"]))
        if unused:
            raise RequirementError(
                f"{what} has a requirement for tariff {listed(unused)}, but tariff map "
                f"{settings.path_tariff_maps_electric} puts no building on it"
            )
    return requirement


def _derived(
    settings: RunSettings, file: RequirementFile, tariffs: ElectricTariffs, homes: Homes
) -> Requirement:
    """What subclasses have to pay of a finished run's costs; nothing of one that is not yet."""
    given = settings.requirement_from
    assert given is not None
    names = list(dict.fromkeys(tariffs.key_of.values()))
    if is_reference(given.run):
        nothing = dict.fromkeys(names, 0.0)
        return Requirement(nothing, delivery=nothing if settings.run_includes_supply else None)
    run = FinishedRun.read(given.run)
    run.check_same("requirement_from", homes.metadata, settings.year_run, homes.kwh_scale)
    if settings.response is not None:
        run.check_not_responded("requirement_from")
    wanted = {DELIVERY: given.delivery}
    if settings.run_includes_supply:
        wanted[SUPPLY] = str(given.supply)
    on = tariffs.frame.set_index("bldg_id")["tariff_key"].reindex(run.bldg_ids).tolist()
    found = run.required(on, names, {part: [method] for part, method in wanted.items()})
    by_key = {part: found[part][method] for part, method in wanted.items()}
    for part, dollars in by_key.items():
        what = f"requirement_from {given.run}: subclasses of {part}.{wanted[part]}"
        file.check_sum(part, math.fsum(dollars.values()), what)
    return of_subclasses(by_key, split=settings.run_includes_supply)


def delivery_of(
    settings: RunSettings,
    file: RequirementFile,
    requirement: Requirement,
    tariffs: ElectricTariffs,
    homes: Homes,
) -> Billing | pd.Series | None:
    """The tariffs' delivery twins, or the delivery bills of another run.

    None without either, and of a run that is not finished yet.

    Raises
    ------
    CairoError
        The requirement is not split, a twin cannot be billed, or the run is of other homes.
    """
    twins, run = settings.delivery_tariffs, settings.delivery_run
    if twins is None and run is None:
        return None
    if requirement.delivery is None:
        where = file.what if file.path else "the run's requirement"
        raise RequirementError(
            f"{'delivery_run' if twins is None else 'delivery_tariffs'} needs {DELIVERY_TOTAL} and "
            f"{WHOLE_TOTAL}: {where} has not both"
        )
    if twins is not None:
        return _twins(settings, twins, tariffs)
    if is_reference(str(run)):
        return None
    finished = FinishedRun.read(str(run))
    finished.check_same("delivery_run", homes.metadata, settings.year_run, homes.kwh_scale)
    return finished.delivery_bills(settings)


def check_delivery_hours(settings: RunSettings, spec: RunSpec) -> None:
    """Check that the bills of `delivery_run` are of the hours that the run bills.

    Raises
    ------
    RequirementError
        Its customers respond to price in another way.
    """
    if spec.response is not None:
        plans = spec.response_plans(spec.first_prices())
        finished = FinishedRun.read(str(settings.delivery_run))
        finished.check_same_response(plans, spec.electricity.tariff_of)


def _twins(settings: RunSettings, paths: Mapping[str, str], tariffs: ElectricTariffs) -> Billing:
    files: dict[str, str] = {}
    for alias, path in paths.items():
        key = tariffs.key_of[alias]
        if files.setdefault(key, path) != path:
            raise TariffError(
                f"delivery_tariffs alias {alias} is another twin of tariff {key} than {files[key]}"
            )
    left_out: list[Unmodelled] = []
    allowed = left_out if settings.allow_unmodelled else None
    options, rules = settings.storage_options, electric_rules(settings)
    own = ruled(read_tariffs(tariffs.parsed, files, options, allowed), rules)
    style = settings.solar_pv_compensation
    credited = export_credits(style, settings.solar_pv_export_import_ratio, own)
    on = keys_by_home(tariffs.frame)
    return Billing(
        Service(own, on),
        precalc_period_mapping(own) if settings.run_type == "precalc" else None,
        Solar.of(style, credited, list(own)),
        tuple(left_out),
    )
