"""A tariff without what is not modelled of it, and what that was."""

from __future__ import annotations

from collections.abc import Mapping

from cairo.files.urdb_fields import ENERGY_STRUCTURE, unknown_fields, unknown_tier_fields
from cairo.model.tariff_fields import Unmodelled, unknown_inputs

STRUCTURES = ("energyratestructure", "demandratestructure", "flatdemandstructure")


def without_unmodelled(key: str, given: object) -> tuple[object, list[Unmodelled]]:
    """(the tariff as it can be billed, what has been left out).

    Parameters
    ----------
    key : of the tariff.
    given : a PySAM-style dict, `{"items": [{...}]}` with one URDB item, or the item. It is not
        changed; anything else is given back as it is.
    """
    if not isinstance(given, Mapping):
        return given, []
    if "ur_ec_tou_mat" in given:
        return _left_out(key, given, unknown_inputs(given))
    items = given.get("items")
    if not isinstance(items, list):
        return _modelled_item(key, given)
    if len(items) != 1 or not isinstance(items[0], Mapping):
        return given, []
    item, found = _modelled_item(key, items[0])
    return {**given, "items": [item]}, found


def _left_out(
    key: str, given: Mapping[str, object], names: list[str], where: str = ""
) -> tuple[dict[str, object], list[Unmodelled]]:
    found = [Unmodelled.of(key, f"{name}{where}", given[name]) for name in names]
    return {name: value for name, value in given.items() if name not in names}, found


def _modelled_item(
    key: str, given: Mapping[str, object]
) -> tuple[dict[str, object], list[Unmodelled]]:
    if ENERGY_STRUCTURE not in given:
        return dict(given), []  # no tariff, which is told where it is read
    item, found = _left_out(key, given, unknown_fields(given))
    for field in STRUCTURES:
        periods = item.get(field)
        if not isinstance(periods, list) or not all(isinstance(one, list) for one in periods):
            continue
        kept: list[list[object]] = []
        for number, period in enumerate(periods, start=1):
            kept.append([])
            for tier in period:
                if isinstance(tier, Mapping):
                    where = f" of {field} period {number}, tier {len(kept[-1]) + 1}"
                    tier, parts = _left_out(key, tier, unknown_tier_fields(tier), where)
                    found += parts
                kept[-1].append(tier)
        item[field] = kept
    return item, found
