"""Files of tariffs: URDB JSON, PySAM-style dicts, the short form, final tariffs of a run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from cairo.errors import TariffError, listed, one_line
from cairo.files.reading import FilePath, read_bytes
from cairo.files.short_tariff import is_short_form, read_short_tariff
from cairo.files.tariff_maps import tariff_place
from cairo.files.unmodelled import without_unmodelled
from cairo.files.urdb import tariff_of_urdb
from cairo.model.tariff import Tariff, parse_tariff
from cairo.model.tariff_fields import Unmodelled
from cairo.shared import read_once

MOST_TARIFF_BYTES = 2**26
"""Of a file of tariffs: JSON takes up to twenty times as much in memory."""


def read_tariffs(
    keys: Iterable[str],
    paths: Mapping[str, FilePath],
    storage_options: Mapping[str, object] | None = None,
    unmodelled: list[Unmodelled] | None = None,
) -> dict[str, Tariff]:
    """Tariffs of some keys, read from their files and parsed.

    Parameters
    ----------
    keys : tariff keys, or a mapping whose keys count; repeated ones are read once.
    paths : {key: file}, local or fsspec URL; it may name more tariffs than `keys`.
    storage_options : fsspec options for URLs.
    unmodelled : takes the fields that are not modelled, which are left out then; None refuses them.

    Raises
    ------
    TariffError
        A key without path, a file that is missing or not JSON, or a tariff that cannot be billed.
    """
    tariffs: dict[str, Tariff] = {}
    for key in dict.fromkeys(keys):
        if key not in paths:
            near = get_close_matches(str(key), [str(k) for k in paths], n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise TariffError(f"tariff {key} has no file; there are files of {listed(paths)}{hint}")
        place = os.fspath(paths[key])
        tariffs[key], left_out = read_once(
            _read, key, place, storage_options, unmodelled is not None
        )
        if unmodelled is not None:
            unmodelled += left_out
    return tariffs


def _read(
    key: str, place: str, storage_options: Mapping[str, object] | None, allow_unmodelled: bool
) -> tuple[Tariff, list[Unmodelled]]:
    """(the tariff at a place, its fields that are left out)."""
    path, inner = tariff_place(place)
    given = _stored(key, path, storage_options)
    if inner is not None:
        if not isinstance(given, Mapping) or inner not in given:
            there = listed(given) if isinstance(given, Mapping) else "none"
            raise TariffError(f"tariff {key}: {path} has no tariff {inner} (there are {there})")
        given = given[inner]
    left_out: list[Unmodelled] = []
    if allow_unmodelled:
        given, left_out = without_unmodelled(key, given)
    return tariff_of_either_form(key, given, path), left_out


def _stored(key: str, path: str, storage_options: Mapping[str, object] | None) -> object:
    """What a tariff file holds, one of the short form as URDB JSON."""
    if is_short_form(path):
        return read_short_tariff(path, f"tariff {key}", storage_options)
    what = f"tariff {key}: file"
    content = read_bytes(path, storage_options, TariffError, what, MOST_TARIFF_BYTES)
    try:
        return json.loads(content, object_pairs_hook=_fields_once)
    except TariffError as error:
        raise TariffError(f"tariff {key}: {path} {error}") from error
    except (ValueError, RecursionError) as error:
        raise TariffError(f"tariff {key}: {path} is not JSON: {one_line(error)}") from error


def _fields_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """One object of a JSON file, of which Python would take the last of two values of a field."""
    fields: dict[str, object] = {}
    for field, value in pairs:
        if field in fields and fields[field] != value:
            raise TariffError(f"has {field} twice, with different values: expected one")
        fields[field] = value
    return fields


def tariffs_of_file(path: FilePath) -> dict[str, Tariff]:
    """Every tariff of a file, by name: of URDB JSON, a PySAM-style dict, the short form, or the
    `tariff_final_config.json` of a run.

    Parameters
    ----------
    path : file; `FILE#NAME` is one tariff of it.

    Raises
    ------
    TariffError
        It is missing, of none of these forms, or has no tariff of that name.
    """
    name, wanted = tariff_place(os.fspath(path))
    key = Path(name).stem
    stored = _stored(key, name, None)
    given: dict[str, object] = {key: stored}
    if isinstance(stored, Mapping) and stored:
        each = stored.values()
        if all(isinstance(one, Mapping) and "ur_ec_tou_mat" in one for one in each):
            given = {str(one): tariff for one, tariff in stored.items()}
    if wanted is not None:
        if wanted not in given:
            raise TariffError(f"{name} has no tariff {wanted} (there are {listed(given)})")
        given = {wanted: given[wanted]}
    return {key: tariff_of_either_form(key, one, name) for key, one in given.items()}


def tariff_of_either_form(key: str, given: object, path: str | None = None) -> Tariff:
    """A tariff of a URDB or PySAM-style dict; messages name the file that it is of."""
    name = key if path is None else f"{key} ({path})"
    pysam_style = isinstance(given, Mapping) and "ur_ec_tou_mat" in given
    table = parse_tariff(name, given) if pysam_style else tariff_of_urdb(given, name)
    return replace(table, key=key)
