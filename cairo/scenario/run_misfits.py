"""What is wrong between keys of a run that are each right alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cairo.errors import listed
from cairo.scenario.run_parts import DERIVED_PREFIX, EVERYBODY

if TYPE_CHECKING:
    from cairo.scenario.run_settings import RunSettings


def misfits(run: RunSettings) -> Iterator[str]:
    """A line for each pair of keys that do not fit."""
    yield from _requirement_misfits(run)
    yield from _component_misfits(run)
    yield from _subclass_misfits(run)
    yield from _tariff_misfits(run)
    yield from _derived_misfits(run)
    if run.path_utility_assignment is not None and run.utility is None:
        yield "path_utility_assignment needs utility"
    if run.net_metering_rollover and run.solar_pv_compensation != "net_metering":
        yield "net_metering_rollover needs solar_pv_compensation net_metering"
    spread = run.distribution_cost_per_kw_year is not None
    if spread and run.path_dist_and_sub_tx_mc is not None:
        yield (
            "expected one of distribution_cost_per_kw_year and path_dist_and_sub_tx_mc, found both"
        )


def _requirement_misfits(run: RunSettings) -> Iterator[str]:
    """What is wrong between keys that say what the run has to collect."""
    sources = ("utility_revenue_requirement", "residual_cost", "residual_cost_frac")
    given = [name for name in sources if getattr(run, name) is not None]
    # A default run bills its tariffs as they are; what they collect is its requirement then.
    derived = run.requirement_from
    if len(given) > 1 or not (given or derived or run.run_type == "default"):
        yield (
            f"expected exactly one of {', '.join(sources)}, found {' and '.join(given) or 'none'}"
        )
    for name in ("run_includes_subclasses", "delivery_only_revenue_requirement"):
        from_run = name == "run_includes_subclasses" and derived is not None
        if getattr(run, name) and run.utility_revenue_requirement is None and not from_run:
            yield f"{name} needs utility_revenue_requirement"
    if run.delivery_only_revenue_requirement and run.run_includes_supply:
        yield (
            "delivery_only_revenue_requirement adds supply to a requirement that holds it by "
            "run_includes_supply: expected one of the two"
        )


def _component_misfits(run: RunSettings) -> Iterator[str]:
    """What is wrong between keys of delivery and supply."""
    derived = run.requirement_from
    if derived is not None:
        if not run.run_includes_subclasses:
            yield "requirement_from needs run_includes_subclasses"
        if run.residual_cost is not None or run.residual_cost_frac is not None:
            yield "requirement_from and a residual: expected one of the two"
        if run.run_includes_supply and derived.supply is None:
            yield "requirement_from with run_includes_supply needs a method for supply"
        for name in ("delivery", "supply"):
            own = getattr(run, f"residual_allocation_{name}")
            if own is not None and getattr(derived, name) not in (None, own):
                yield (
                    f"requirement_from.{name} is {getattr(derived, name)}, "
                    f"residual_allocation_{name} is {own}: expected one method"
                )
    keys = [key for key in ("delivery_tariffs", "delivery_run") if getattr(run, key)]
    if len(keys) > 1:
        yield "expected one of delivery_tariffs and delivery_run, found both"
    for key in keys:
        if not run.run_includes_supply:
            yield f"{key} needs run_includes_supply: without it the whole bill is delivery's"
    if run.delivery_tariffs is None:
        return
    if set(run.delivery_tariffs) != set(run.path_tariffs_electric):
        yield (
            f"delivery_tariffs has {listed(run.delivery_tariffs)}, expected a twin of each of "
            f"path_tariffs_electric: {listed(run.path_tariffs_electric)}"
        )
    not_modelled = {
        "elasticity": run.response is not None,
        "energy_surcharge_rate": bool(run.energy_surcharge_rate),
        "low_income_strategy": run.low_income_strategy is not None,
        "tariff_changes": bool(run.tariff_changes),
    }
    for name, there in not_modelled.items():
        if there:
            yield f"delivery_tariffs with {name} is not modelled: give delivery_run instead"


def _subclass_misfits(run: RunSettings) -> Iterator[str]:
    """What is wrong of a run whose subclasses have requirements of their own."""
    if not run.run_includes_subclasses:
        return
    if run.requirement_from is None:
        if not run.residual_allocation_delivery:
            yield "run_includes_subclasses needs residual_allocation_delivery"
        if run.run_includes_supply and not run.residual_allocation_supply:
            yield (
                "run_includes_subclasses with run_includes_supply needs residual_allocation_supply"
            )
    if run.delivery_only_revenue_requirement:
        yield (
            "delivery_only_revenue_requirement cannot be split over subclasses: give "
            "run_includes_supply and their supply requirement instead"
        )


def _tariff_misfits(run: RunSettings) -> Iterator[str]:
    """What is wrong between tariffs and what says who is on which."""
    if run.path_tariff_maps_electric is None:
        yield from _unmapped(run)
    if (run.path_tariff_maps_gas is None) != (run.path_tariffs_gas is None):
        yield "path_tariff_maps_gas and path_tariffs_gas go together, found one"
    for alias in run.tariff_changes:
        if alias not in run.path_tariffs_electric:
            there = listed(run.path_tariffs_electric)
            yield f"tariff_changes names {alias}; path_tariffs_electric has {there}"


def _unmapped(run: RunSettings) -> Iterator[str]:
    """What keeps the tariffs from being mapped to homes without a map."""
    named, config = set(run.path_tariffs_electric), run.subclass_config
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


def _derived_misfits(run: RunSettings) -> Iterator[str]:
    """What is wrong of tariffs that are derived."""
    subclasses = run.subclass_config.selectors if run.subclass_config else {}
    for alias, derived in run.derived_tariffs.items():
        if run.path_tariffs_electric.get(alias) != f"{DERIVED_PREFIX}{alias}":
            yield f"derived_tariffs names {alias}, whose tariff is not derived"
        if (derived.derive == "fair") != (derived.subclass is not None):
            yield f"derived tariff {alias}: subclass goes with derive: fair, and only with it"
        elif derived.subclass is not None and derived.subclass not in subclasses:
            yield f"derived tariff {alias}: subclass_config has no subclass {derived.subclass}"
        if derived.derive == "tou" and run.run_type != "precalc":
            yield f"derived tariff {alias}: derive: tou gives ratios, for run_type precalc"
