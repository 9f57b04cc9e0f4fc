"""Two tariffs that a customer pays side by side, such as delivery and supply, as one."""

from __future__ import annotations

import numpy as np

from cairo.errors import TariffError
from cairo.model.arrays import Float1D, Int1D, Int2D
from cairo.model.demand_charges import DemandCharges
from cairo.model.known_fields import KnownFields, refuse_waiting_inputs
from cairo.model.names import MONTHS, months
from cairo.model.tariff import Tariff, parse_tariff
from cairo.model.tariff_fields import FUEL_ADJUSTMENT
from cairo.model.tariff_rows import NO_LIMIT, UNITS, TariffDict, reached_tiers
from cairo.model.tariff_rules import nets

KNOWN = KnownFields(
    # The tier rule is refused in words of its own.
    "rate sell max_usage unit weekday weekend monthly_fixed metering_option fuel_adjustment "
    "tier_rule demand",
    demand="weekday weekend tou_price tou_max flat_price flat_max",
)
"""What two tariffs have that one for both has too."""
NOT_MERGED = "which is not merged: leave it out if the sum is wanted without it"
Tiers = tuple[Float1D, Float1D, Float1D]
"""(limits, prices, sell rates) of a period's tiers that some usage can reach."""


def merged(delivery: Tariff, supply: Tariff, key: str) -> Tariff:
    """One tariff whose bills are the sums of both tariffs' bills.

    Rates and export credits add hour by hour, so that periods are the products of both; fixed
    charges, fuel adjustments and demand charges add.

    Raises
    ------
    TariffError
        No tariff bills the sum: one has a minimum charge or a demand ratchet, a period with tiers
        would be cut within a month, limits are in two units, demand periods differ, exports are
        metered otherwise. Or one has a field that is not merged.
    """
    _refuse(delivery, supply, key)
    pairs, weekday, weekend = _products(delivery, supply)
    for one, mine in ((delivery, pairs[:, 0]), (supply, pairs[:, 1])):
        _refuse_cut_tiers(one, mine, weekday, weekend, key)
    rows: list[list[float]] = []
    for number, (p, q) in enumerate(pairs.tolist(), start=1):
        limits, prices, sells = _added(_tiers(delivery, p), _tiers(supply, q))
        unit = _unit(delivery, supply, p, q, key)
        for tier, cells in enumerate(zip(limits, prices, sells, strict=True), start=1):
            rows.append(
                [number, tier, float(cells[0]), unit, float(cells[1]), 0.0, float(cells[2])]
            )
    given: TariffDict = {
        "ur_ec_tou_mat": rows,
        "ur_ec_sched_weekday": weekday.tolist(),
        "ur_ec_sched_weekend": weekend.tolist(),
        "ur_monthly_fixed_charge": delivery.monthly_fixed + supply.monthly_fixed,
        "ur_monthly_min_charge": 0.0,
        "ur_annual_min_charge": 0.0,
        "ur_metering_option": delivery.metering_option,
        "ur_dc_enable": 0,
    }
    fuel = delivery.fuel_adjustment + supply.fuel_adjustment
    if fuel.any():
        given[FUEL_ADJUSTMENT] = fuel.tolist()
    return parse_tariff(key, given | _demand(delivery.demand, supply.demand, key))


def _refuse(delivery: Tariff, supply: Tariff, key: str) -> None:
    for one in (delivery, supply):
        if one.monthly_min > 0.0 or one.annual_min > 0.0:
            raise TariffError(
                f"tariff {key}: {one.key} has a minimum charge, which counts against its part of "
                "the bill alone, but a merged tariff has one for the whole; merge without it and "
                "add it by hand if that is meant"
            )
        if one.tier_rule != "period" or one.rollover is not None:
            raise TariffError(
                f"tariff {key}: {one.key} has a tier_rule or carried credits, which are not merged"
            )
        if one.demand is not None and one.demand.billing is not None:
            raise TariffError(f"tariff {key}: {one.key} has a demand ratchet, which is not merged")
        KNOWN.refuse_others(one, NOT_MERGED)
        refuse_waiting_inputs(one, NOT_MERGED)
    options = {one.metering_option for one in (delivery, supply)}
    if len(options) > 1 and not all(map(nets, options)):
        raise TariffError(
            f"tariff {key}: {delivery.key} meters exports otherwise than {supply.key} "
            f"(ur_metering_option {delivery.metering_option} and {supply.metering_option})"
        )


def _products(delivery: Tariff, supply: Tariff) -> tuple[Int2D, Int2D, Int2D]:
    """((P, 2) periods of both from 0, weekday and weekend schedules from 1)."""
    both = np.stack(
        [
            np.stack([delivery.weekday, supply.weekday], axis=-1),
            np.stack([delivery.weekend, supply.weekend], axis=-1),
        ]
    )
    pairs, number = np.unique(both.reshape(-1, 2), axis=0, return_inverse=True)
    schedules = number.reshape(both.shape[:-1]) + 1
    return pairs - 1, schedules[0], schedules[1]


def _refuse_cut_tiers(one: Tariff, mine: Int1D, weekday: Int2D, weekend: Int2D, key: str) -> None:
    """A period's tiers are filled with its own use in the month: parts of it would fill anew."""
    for month in range(MONTHS):
        used = np.union1d(weekday[month], weekend[month]) - 1
        counts = np.bincount(mine[used], minlength=one.n_periods)
        for period in np.flatnonzero(counts > 1).tolist():
            if len(_tiers(one, period)[0]) > 1:
                raise TariffError(
                    f"tariff {key}: period {period + 1} of {one.key} has tiers, and the other "
                    f"tariff cuts it into {counts[period]} periods in {months[month]}, each of "
                    "which would fill the tiers anew; no tariff bills that"
                )


def _tiers(one: Tariff, period: int) -> Tiers:
    limit = one.max_usage[period]
    n = reached_tiers(limit)
    return np.append(limit[: n - 1], NO_LIMIT), one.rate[period, :n], one.sell[period, :n]


def _added(a: Tiers, b: Tiers) -> Tiers:
    """Tiers at the limits of both, the prices of both added."""
    limits = np.union1d(a[0], b[0])
    # Usage just below a limit is in the first tier whose own limit reaches as far.
    i, j = (np.searchsorted(one[0], limits, side="left") for one in (a, b))
    return limits, _sum(a[1][i], b[1][j]), _sum(a[2][i], b[2][j])


def _sum(a: Float1D, b: Float1D) -> Float1D:
    """Prices added, to the fifteen digits that a float holds of what people write."""
    return np.array([float(f"{value:.15g}") for value in (a + b).tolist()])


def _unit(delivery: Tariff, supply: Tariff, p: int, q: int, key: str) -> int:
    tiered = [
        int(one.unit[period, 0])
        for one, period in ((delivery, p), (supply, q))
        if len(_tiers(one, period)[0]) > 1
    ]
    if len(set(tiered)) > 1:
        raise TariffError(
            f"tariff {key}: {delivery.key} has tiers in {UNITS[tiered[0]]}, {supply.key} in "
            f"{UNITS[tiered[1]]}, expected one unit"
        )
    return tiered[0] if tiered else 0


def _demand(a: DemandCharges | None, b: DemandCharges | None, key: str) -> TariffDict:
    charges = [one for one in (a, b) if one is not None]
    if not charges:
        return {}
    timed = [one for one in charges if len(one.tou_price)]
    if len(timed) == 2 and not (
        (timed[0].weekday == timed[1].weekday).all()
        and (timed[0].weekend == timed[1].weekend).all()
    ):
        raise TariffError(
            f"tariff {key}: both tariffs have demand charges by period, and the periods differ; "
            "the highest hours of their parts do not add, expected the same demand periods"
        )

    def rows(tables: list[tuple[np.ndarray, np.ndarray]], n: int, first: int) -> list[list[float]]:
        found: list[list[float]] = []
        for place in range(n):
            tiers = [
                (np.append(most[place, :-1], NO_LIMIT), price[place]) for price, most in tables
            ]
            limits = np.unique(np.concatenate([limit for limit, _ in tiers]))
            price = sum(p[np.searchsorted(limit, limits)] for limit, p in tiers)
            cells = zip(limits.tolist(), np.asarray(price).tolist(), strict=True)
            found += [[place + first, t, most, one] for t, (most, one) in enumerate(cells, start=1)]
        return found

    given: TariffDict = {
        "ur_dc_enable": 1,
        "ur_dc_flat_mat": rows([(one.flat_price, one.flat_max) for one in charges], MONTHS, 0),
    }
    if timed:
        n = min(len(one.tou_price) for one in timed)
        given["ur_dc_tou_mat"] = rows([(one.tou_price, one.tou_max) for one in timed], n, 1)
        given["ur_dc_sched_weekday"] = timed[0].weekday.tolist()
        given["ur_dc_sched_weekend"] = timed[0].weekend.tolist()
    return given
