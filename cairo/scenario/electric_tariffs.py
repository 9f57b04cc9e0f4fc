"""Electric tariffs of a run: their files, and which home is on which.

A scenario names each file by an alias, which a requirement by subclass uses too. Results name a
tariff by its key, the file's stem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cairo.errors import TariffError, listed
from cairo.files.tariff_files import read_tariffs
from cairo.files.tariff_maps import TariffMap, keys_of_aliases, tariff_key, tariff_of
from cairo.model.derived_rates import FIXED, LEVEL
from cairo.model.derived_tariffs import (
    WINTER_MONTHS,
    fair_tariff,
    flat_tariff,
    seasonal_tariff,
)
from cairo.model.tariff import Tariff, parse_tariff
from cairo.model.tariff_fields import Unmodelled
from cairo.model.tariff_rows import TariffDict
from cairo.rates_tool.tariffs import precalc_period_mapping
from cairo.scenario.run_parts import EVERYBODY, DerivedTariff, TariffChange
from cairo.scenario.run_settings import RunSettings
from cairo.scenario.subclasses import subclass_of
from cairo.scenario.tariff_rules import electric_rules, ruled
from cairo.shared import read_once


@dataclass(frozen=True, eq=False)
class ElectricTariffs:
    """What homes are billed by.

    frame : `bldg_id, tariff_key`, a row a home. parsed : {tariff key: tariff}.
    key_of : {alias: tariff key}. files : {tariff key: file} of those in use.
    unmodelled : fields that bills leave out.
    """

    frame: pd.DataFrame
    parsed: Mapping[str, Tariff]
    key_of: Mapping[str, str]
    files: Mapping[str, str]
    unmodelled: Sequence[Unmodelled]


def electric_tariffs(
    settings: RunSettings,
    metadata: pd.DataFrame,
    derived: Mapping[str, TariffDict] | None = None,
) -> ElectricTariffs:
    """The electric tariffs of a run's homes, read and checked.

    derived : {alias: tariff} of those that are derived; before they are, they have a first form.

    Raises
    ------
    TariffError, MetadataError
        A map or subclasses that do not fit the homes or the tariffs, or a tariff that cannot be
        billed.
    """
    paths, ids = settings.path_tariffs_electric, metadata["bldg_id"].tolist()
    if settings.path_tariff_maps_electric is None:
        key_of = keys_of_aliases(paths)
        frame = pd.DataFrame({"bldg_id": ids, "tariff_key": _made_map(settings, metadata, key_of)})
    else:
        stems(paths, "path_tariffs_electric")
        key_of = {alias: tariff_key(path) for alias, path in paths.items()}
        frame = _stored_map(settings.path_tariff_maps_electric, ids, settings, key_of)
    files = {key_of[alias]: path for alias, path in paths.items()}
    keys = list(dict.fromkeys(frame["tariff_key"]))
    left_out: list[Unmodelled] = []
    allowed = left_out if settings.allow_unmodelled else None
    made = {key_of[alias]: alias for alias in settings.derived_tariffs}
    from_files = [key for key in keys if key not in made]
    read = read_tariffs(from_files, files, settings.storage_options, allowed)
    parsed = {
        key: read[key]
        if key in read
        else parse_tariff(key, _derived_tariff(settings, made[key], derived))
        for key in keys
    }
    for key, change in _changes(settings, key_of).items():
        if key in parsed:
            parsed[key] = parsed[key].changed(**change.model_dump())
    parsed = ruled(parsed, electric_rules(settings))
    if settings.run_type == "precalc":
        precalc_period_mapping(parsed)
    return ElectricTariffs(frame, parsed, key_of, {key: files[key] for key in from_files}, left_out)


def _derived_tariff(
    settings: RunSettings, alias: str, derived: Mapping[str, TariffDict] | None
) -> TariffDict:
    """A derived tariff; its first form, with a schedule that fits, before it is derived."""
    if derived is not None:
        return derived[alias]
    how = settings.derived_tariffs[alias]
    winter = winter_months_of(settings, how)
    if how.derive == "seasonal":
        return seasonal_tariff(1.0, 1.0, winter, 0.0, 0)
    if how.derive != "fair" or not how.known_before:
        return flat_tariff(1.0, 0.0, 0)
    key = tariff_key(how.from_)
    given = read_tariffs([key], {key: how.from_}, settings.storage_options)[key]
    return fair_tariff(key, given, {FIXED: 0.0, LEVEL: 1.0} | dict.fromkeys(how.knobs, 1.0), winter)


def winter_months_of(settings: RunSettings, how: DerivedTariff) -> Sequence[int]:
    """Winter of a derived tariff: its own, the run's, or October to March."""
    return how.winter_months or settings.winter_months or WINTER_MONTHS


def _changes(settings: RunSettings, key_of: Mapping[str, str]) -> dict[str, TariffChange]:
    """{tariff key: what is changed of it}."""
    found: dict[str, TariffChange] = {}
    for alias, change in settings.tariff_changes.items():
        if found.setdefault(key_of[alias], change) != change:
            raise TariffError(
                f"tariff_changes alias {alias} and another change tariff {key_of[alias]} in two "
                "ways: expected one"
            )
    return found


def stems(paths: Mapping[str, str], key: str) -> dict[str, str]:
    """{tariff key: file} of {alias: file}: the key is the file's stem.

    Raises
    ------
    TariffError
        Two aliases name different files of one stem.
    """
    found: dict[str, str] = {}
    for alias, path in paths.items():
        if found.setdefault(tariff_key(path), path) != path:
            raise TariffError(f"{key} alias {alias} names another file called {tariff_key(path)}")
    return found


def _made_map(
    settings: RunSettings, metadata: pd.DataFrame, key_of: Mapping[str, str]
) -> list[str]:
    """The tariff key of each home, of its subclass; or the one tariff of everybody."""
    for key in key_of.values():
        _check_plain(key, "path_tariffs_electric")
    if set(key_of) == {EVERYBODY} or settings.subclass_config is None:
        return [key_of[EVERYBODY]] * len(metadata)
    return [key_of[alias] for alias in subclass_of(metadata, settings.subclass_config)]


def _stored_map(
    path: str, ids: list[int], settings: RunSettings, key_of: Mapping[str, str]
) -> pd.DataFrame:
    """A map's rows of the run's homes; it names tariffs by their key, or else by their alias."""
    frame = read_map(path, ids, settings.storage_options, "tariff map")
    known = set(key_of.values())
    named = [key if key in known else key_of.get(key, key) for key in frame["tariff_key"]]
    unknown = [key for key in dict.fromkeys(named) if key not in known]
    if unknown:
        raise TariffError(
            f"tariff map {path} names tariffs {listed(unknown)}; "
            f"path_tariffs_electric has {listed(dict.fromkeys(key_of.values()))}"
        )
    return frame.assign(tariff_key=named)


def read_map(
    path: TariffMap, ids: Sequence[int], options: Mapping[str, object], what: str
) -> pd.DataFrame:
    """A tariff map's rows of the run's homes, in their order: `bldg_id, tariff_key`."""
    on = read_once(tariff_of, path, ids, f"{what} {path}", options)
    for key in dict.fromkeys(on.values()):
        _check_plain(key, f"{what} {path}")
    return pd.DataFrame({"bldg_id": list(on), "tariff_key": list(on.values())})


def _check_plain(key: str, where: str) -> None:
    if Path(key).name != key or key in (".", "..") or "\\" in key:
        raise TariffError(f"{where} has tariff key {key!r}, expected a plain name")
