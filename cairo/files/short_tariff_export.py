"""Tariffs in the short form: what `short_tariff` reads, with units as comments."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import yaml

from cairo.errors import TariffError, listed
from cairo.files.schedule_texts import ALL_YEAR, REST, hours_text, months_text
from cairo.files.short_seasons import MONTHLY
from cairo.files.short_tariff import urdb_of_short
from cairo.files.urdb import RULES, tariff_of_urdb
from cairo.model.arrays import Bool1D, Float1D, Int2D
from cairo.model.demand_charges import DemandCharges
from cairo.model.known_fields import refuse_waiting_inputs
from cairo.model.names import MONTHS, SUMMER, WINTER, months
from cairo.model.schedule_words import spans
from cairo.model.tariff import Tariff
from cairo.model.tariff_meaning import differing_meaning
from cairo.model.tariff_rows import UNIT_WORDS, UNITS, TariffDict, reached_tiers
from cairo.model.tariff_rules import nets

JULY = 6
BY_PRICE = {1: ("all hours",), 2: ("off-peak", "peak"), 3: ("off-peak", "mid-peak", "peak")}
"""Names of periods from the cheapest, by how many there are."""
COMMENTS = {
    "fixed_charge": "$ a month",
    "minimum_charge": "$ a month",
    "annual_minimum_charge": "$ a year",
    "tiers": "upper limits, the last tier has none",
    "rates": "$/kWh",
    "export_credit": "$/kWh, for net billing",
    "fuel_adjustment": "$/kWh of each month, added to every rate",
    "demand": "$/kW of the month's highest hour, of all hours or of a period's",
}
NO_WORDS = "which the short form has no words for"
MOST_WHOLE = 1e15
"""Above it a whole number is written as any other."""
ONE_LINE = 10**6
"""Characters of a line that is never broken."""


def short_text(tariff: Tariff) -> str:
    """The YAML text of a tariff's short form.

    Raises
    ------
    TariffError
        It has a demand ratchet, which the form has no words for.
    """
    lines = []
    for key, value in short_of(tariff).items():
        first, *rest = _lines(key, value)
        lines += [f"{first}  # {COMMENTS[key]}" if key in COMMENTS else first, *rest]
    return "\n".join(lines) + "\n"


def _lines(key: str, value: object, depth: int = 0) -> list[str]:
    """Lines of YAML, the innermost mappings of nested ones on one line each."""
    indent = "  " * depth
    inner = isinstance(value, Mapping) and any(isinstance(v, Mapping) for v in value.values())
    if isinstance(value, Mapping) and (inner or depth == 0):
        lines = [line for k, v in value.items() for line in _lines(k, v, depth + 1)]
        return [f"{indent}{_flow({key: 0})[:-2]}", *lines]
    return [f"{indent}{_flow({key: value})}"]


def _flow(mapping: Mapping[str, object]) -> str:
    """`key: value` on one line."""
    text: str = yaml.safe_dump(
        dict(mapping), sort_keys=False, default_flow_style=True, width=ONE_LINE, allow_unicode=True
    )
    return text.strip()[1:-1]


def short_of(tariff: Tariff) -> TariffDict:
    """The mapping that the short form of a tariff holds: read again, it bills the same to the bit.

    Adjustments are part of the rates, and periods that no hour belongs to are left out.

    Raises
    ------
    TariffError
        It has a demand ratchet, a `tier_rule`, carried credits, or what does not come back: what is
        written is read again and compared.
    """
    if tariff.demand is not None and tariff.demand.billing is not None:
        raise TariffError(
            f"tariff {tariff.key}: has billing demand (a ratchet), {NO_WORDS}; keep its "
            "PySAM-style JSON"
        )
    if tariff.tier_rule != "period" or tariff.rollover is not None:
        raise TariffError(
            f"tariff {tariff.key}: has a tier_rule or carried credits, {NO_WORDS}; keep its JSON, "
            "or give them in the run"
        )
    refuse_waiting_inputs(tariff, f"{NO_WORDS}; keep its JSON")
    short = _written(tariff)
    lost = differing_meaning(tariff, tariff_of_urdb(urdb_of_short(short), tariff.key))
    if lost:
        raise TariffError(f"tariff {tariff.key}: has {listed(lost)}, {NO_WORDS}; keep its JSON")
    return short


def _written(tariff: Tariff) -> TariffDict:
    """The mapping, whatever it may lack."""
    short: TariffDict = {"name": tariff.key, "fixed_charge": _short(tariff.monthly_fixed)}
    if tariff.monthly_min:
        short["minimum_charge"] = _short(tariff.monthly_min)
    if tariff.annual_min:
        short["annual_minimum_charge"] = _short(tariff.annual_min)
    short |= _energy(tariff)
    if tariff.fuel_adjustment.any():
        short["fuel_adjustment"] = tariff.fuel_adjustment.tolist()
    if not nets(tariff.metering_option):
        short["metering"] = RULES[tariff.metering_option].lower()
    if tariff.demand is not None:
        demand = _demand(tariff.demand)
        demand["seasons"] = demand.get("seasons", ALL_YEAR[0])
        if demand["seasons"] == short.get("seasons", ALL_YEAR[0]):
            # The energy's seasons are the demand's where it has none of its own.
            del demand["seasons"]
        short["demand"] = demand
    return short


@dataclass(frozen=True)
class _Layout:
    """Seasons of months that are alike, and the names of the periods in each.

    seasons : {name: (12,)}; one named "" when all months are alike.
    names : {season: {period from 0: name}}; one named "" when no month has two.
    """

    seasons: Mapping[str, Bool1D]
    names: Mapping[str, Mapping[int, str]]
    weekday: Int2D
    weekend: Int2D

    def fields(self) -> TariffDict:
        """`seasons` and `periods` of the file."""
        fields: TariffDict = {}
        if len(self.seasons) == MONTHS:
            fields["seasons"] = MONTHLY
        elif len(self.seasons) > 1:
            fields["seasons"] = {name: months_text(flags) for name, flags in self.seasons.items()}
        if all(list(names.values()) == [""] for names in self.names.values()):
            return fields
        hours = {season: self._hours(season) for season in self.seasons}
        first, *others = hours.values()
        same = all(one == first for one in others)
        fields["periods"] = first if same else hours
        return fields

    def _hours(self, season: str) -> dict[str, str]:
        month = int(np.flatnonzero(self.seasons[season])[0])
        days = np.stack([self.weekday[month], self.weekend[month]])
        texts = {name: hours_text(days == period) for period, name in self.names[season].items()}
        if len(texts) > 1:
            texts[max(texts, key=lambda name: len(texts[name]))] = REST[0]
        return texts

    def values(self, of: Callable[[int, int], object]) -> object:
        """What the file has for a value of each (month, period), in as few words as will do."""
        table = {
            season: {
                name: of(int(np.flatnonzero(self.seasons[season])[0]), period)
                for period, name in names.items()
            }
            for season, names in self.names.items()
        }
        every = [value for row in table.values() for value in row.values()]
        if all(value == every[0] for value in every):
            return every[0]
        by_season = {season: row[""] if list(row) == [""] else row for season, row in table.items()}
        return by_season[""] if list(by_season) == [""] else by_season


def _layout(
    weekday: Int2D, weekend: Int2D, price: Float1D, spec: Callable[[int, int], Hashable]
) -> _Layout:
    """Seasons and periods of (12, 24) schedules from 0.

    price : (P,) that periods are named by. spec : what a month's period costs; months whose
    periods cost otherwise are other seasons.
    """
    alike: dict[Hashable, list[int]] = {}
    for month in range(MONTHS):
        used = np.union1d(weekday[month], weekend[month]).tolist()
        costs = tuple((period, spec(month, period)) for period in used)
        alike.setdefault((weekday[month].tobytes(), weekend[month].tobytes(), costs), []).append(
            month
        )
    groups = [np.isin(np.arange(MONTHS), chosen) for chosen in alike.values()]
    seasons = dict(zip(_season_names(groups), groups, strict=True))
    used_in = {
        season: sorted(
            np.union1d(weekday[flags], weekend[flags]).tolist(), key=lambda p: (price[p], p)
        )
        for season, flags in seasons.items()
    }
    return _Layout(seasons, _period_names(used_in, price, spec, seasons), weekday, weekend)


def _season_names(groups: Sequence[Bool1D]) -> list[str]:
    if len(groups) == 1:
        return [""]
    if len(groups) == MONTHS:
        return list(months)
    if len(groups) == 2:
        return [SUMMER if flags[JULY] else WINTER for flags in groups]
    return [
        months_text(flags) if len(spans(flags)) == 1 else f"season {number}"
        for number, flags in enumerate(groups, start=1)
    ]


def _period_names(
    used_in: Mapping[str, list[int]],
    price: Float1D,
    spec: Callable[[int, int], Hashable],
    seasons: Mapping[str, Bool1D],
) -> dict[str, dict[int, str]]:
    """Names by price within a season; a period of several seasons has one name in all."""
    every = [period for used in used_in.values() for period in used]
    if len(set(every)) < len(every):
        ordered = sorted(set(every), key=lambda p: (price[p], p))
        names = dict(zip(ordered, _by_price(len(ordered)), strict=True))
        if len(ordered) == 1:
            names = dict.fromkeys(ordered, "")
        return {season: {p: names[p] for p in used} for season, used in used_in.items()}
    if all(len(used) == 1 for used in used_in.values()):
        return {season: {used[0]: ""} for season, used in used_in.items()}
    found: dict[str, dict[int, str]] = {}
    known: set[tuple[str, Hashable]] = set()
    for season, used in used_in.items():
        month = int(np.flatnonzero(seasons[season])[0])
        found[season] = {}
        for period, name in zip(used, _by_price(len(used)), strict=True):
            # Of one name and one price two periods would be read as one.
            unlike = f"{season} {name}".strip() if (name, spec(month, period)) in known else name
            known.add((unlike, spec(month, period)))
            found[season][period] = unlike
    return found


def _by_price(count: int) -> list[str]:
    return list(BY_PRICE.get(count, [f"period {number}" for number in range(1, count + 1)]))


def _energy(tariff: Tariff) -> TariffDict:
    weekday, weekend = tariff.weekday - 1, tariff.weekend - 1

    def tiers(period: int) -> int:
        return reached_tiers(tariff.max_usage[period])

    def spec(_month: int, period: int) -> Hashable:
        n = tiers(period)
        tables = (tariff.rate, tariff.sell, tariff.max_usage)
        return *(tuple(table[period, :n].tolist()) for table in tables), _unit(tariff, period)

    layout = _layout(weekday, weekend, tariff.rate[:, 0], spec)
    fields = layout.fields()
    if any(tiers(period) > 1 for names in layout.names.values() for period in names):
        fields["tiers"] = layout.values(lambda _, p: _limits(tariff.max_usage[p]))
        unit = layout.values(lambda _, p: UNIT_WORDS[_unit(tariff, p)])
        fields |= {} if unit == UNITS[0] else {"tier_unit": unit}
    fields["rates"] = layout.values(lambda _, p: _prices(tariff.rate[p], tariff.max_usage[p]))
    sell = layout.values(lambda _, p: _prices(tariff.sell[p], tariff.max_usage[p]))
    return fields | ({"export_credit": sell} if tariff.sell.any() else {})


def _demand(demand: DemandCharges) -> TariffDict:
    """The `demand` mapping; its seasons are its own."""
    timed = bool(len(demand.tou_price))
    ones = np.zeros_like(demand.weekday)
    weekday, weekend = (demand.weekday - 1, demand.weekend - 1) if timed else (ones, ones)

    def spec(month: int, period: int) -> Hashable:
        of_month = (*demand.flat_price[month].tolist(), *demand.flat_max[month].tolist())
        mine = (*demand.tou_price[period], *demand.tou_max[period]) if timed else ()
        return of_month, mine

    price = demand.tou_price[:, 0] if timed else np.zeros(1)
    layout = _layout(weekday, weekend, price, spec)
    fields = layout.fields()
    flat = _Layout(layout.seasons, {name: {0: ""} for name in layout.seasons}, ones, ones)
    if demand.flat_price.any():
        fields["monthly"] = flat.values(
            lambda month, _: _prices(demand.flat_price[month], demand.flat_max[month])
        )
        limits = flat.values(lambda month, _: _limits(demand.flat_max[month]))
        fields |= {"monthly_tiers": limits} if limits else {}
    if timed:
        fields["rates"] = layout.values(
            lambda _, p: _prices(demand.tou_price[p], demand.tou_max[p])
        )
        limits = layout.values(lambda _, p: _limits(demand.tou_max[p]))
        fields |= {"tiers": limits} if limits else {}
    return fields


def _unit(tariff: Tariff, period: int) -> int:
    """Unit code of a period's limits; where it has none any would do."""
    return int(tariff.unit[period, 0]) if reached_tiers(tariff.max_usage[period]) > 1 else 0


def _limits(limit: Float1D) -> list[float]:
    return [_short(one) for one in limit[: reached_tiers(limit) - 1].tolist()]


def _short(value: float) -> float:
    """A whole number without its `.0`."""
    return int(value) if value.is_integer() and abs(value) < MOST_WHOLE else value


def _prices(price: Float1D, limit: Float1D) -> float | list[float]:
    """One price, or one a tier."""
    prices: list[float] = price[: reached_tiers(limit)].tolist()
    return prices[0] if len(prices) == 1 else prices
