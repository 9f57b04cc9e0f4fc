"""Fields of a tariff that a piece of code knows: a field it does not know is refused, not dropped.

Code that writes a tariff in another form, makes another of it or says it in words names the fields
it deals with beside itself. A field that `Tariff` or one of its parts gets later is then refused by
name wherever nobody has thought of it yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import TYPE_CHECKING

import numpy as np

from cairo.errors import TariffError
from cairo.model.tariff_fields import Unmodelled, says_something
from cairo.model.tariff_rules import waiting_inputs

if TYPE_CHECKING:
    from cairo.model.tariff import Tariff

NOT_BILLED = frozenset({"key", "given"})
"""What a tariff is called, and what it was read from."""


def field_values(part: object, within: str = "") -> Iterator[tuple[str, object, object]]:
    """(name, value, default) of the fields of a tariff and of its parts, as `demand.tou_price`.

    A part comes before its own fields; the default is `MISSING` where there is none.
    """
    assert is_dataclass(part)
    for one in fields(part):
        name, value = f"{within}{one.name}", getattr(part, one.name)
        yield name, value, _default(one)
        if is_dataclass(value):
            yield from field_values(value, f"{name}.")


class KnownFields:
    """Names of fields that some code deals with, written one after another.

    Parameters
    ----------
    own : of the tariff. A part among them is known whole, unless it is in `parts`.
    parts : of a part, as `demand="tou_price tou_max"`; of its part, as `{"demand.billing": ...}`.
    """

    def __init__(self, own: str, **parts: str) -> None:
        self._names = {within: names.split() for within, names in {"": own, **parts}.items()}

    def __contains__(self, name: str) -> bool:
        within, _, own = name.rpartition(".")
        return own in self._names[within] if within in self._names else within in self

    def names(self) -> set[str]:
        """All of them, as `field_values` has them."""
        return {
            f"{within}.{name}" if within else name
            for within, names in self._names.items()
            for name in names
        }

    def refuse_others(self, tariff: Tariff, why: str) -> None:
        """Refuse a tariff with a field that says something and is none of these.

        why : end of the error line, such as `which is not merged`.

        Raises
        ------
        TariffError
            Naming the field.
        """
        for name, value, default in field_values(tariff):
            if name in self or name in NOT_BILLED or _same(value, default):
                continue
            if default is not MISSING or says_something(value):
                raise TariffError(f"{Unmodelled.of(tariff.key, name, value)}, {why}")


def refuse_waiting_inputs(tariff: Tariff, why: str) -> None:
    """Refuse a tariff with inputs that count as soon as a run gives it other rules.

    No field has them, so that code that writes a tariff of its fields alone would lose them.

    Raises
    ------
    TariffError
        Naming the first of them.
    """
    for name in waiting_inputs(tariff.given):
        raise TariffError(f"{Unmodelled.of(tariff.key, name, tariff.given[name])}, {why}")


def differing(one: Tariff, other: Tariff, but: Collection[str] = NOT_BILLED) -> list[str]:
    """Names of the fields in which two tariffs differ, arrays to the bit; `but` are not compared.

    Of a part that one of them lacks the part's own name.
    """
    mine, theirs = (
        {name: value for name, value, _ in field_values(tariff)} for tariff in (one, other)
    )
    return [
        name
        for name in dict.fromkeys((*mine, *theirs))
        if name not in but
        and _both_have(name.rpartition(".")[0], mine, theirs)
        and _differs(mine.get(name, MISSING), theirs.get(name, MISSING))
    ]


def _both_have(part: str, *sides: Mapping[str, object]) -> bool:
    return not part or all(is_dataclass(side.get(part)) for side in sides)


def _differs(one: object, other: object) -> bool:
    """Whether two fields differ: parts that both have do so in their own fields."""
    return not (is_dataclass(one) and is_dataclass(other)) and not _same(one, other)


def _same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(np.asarray(one), np.asarray(other))
    return one is other or bool(one == other)


def _default(one: Field[object]) -> object:
    return one.default_factory() if one.default_factory is not MISSING else one.default
