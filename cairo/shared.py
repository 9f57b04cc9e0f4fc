"""Inputs that several runs share are read and checked once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _Known:
    """Results by what was asked for; the arguments are kept, so that none is mistaken for another.

    results : None outside `sharing`.
    """

    results: dict[object, tuple[object, object]] | None = None


@contextmanager
def sharing() -> Iterator[None]:
    """Remember what `read_once` has read, until the block ends."""
    before = _Known.results
    _Known.results = {} if before is None else before
    try:
        yield
    finally:
        _Known.results = before


def read_once(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """A function's result; within `sharing` that of an earlier call with the same arguments.

    Nobody may change the result. An error is not remembered.
    """
    known = _Known.results
    if known is None:
        return function(*arguments, **named)
    key = function, _key(arguments), _key(named)
    if key not in known:
        known[key] = function(*arguments, **named), (arguments, named)
    result: T = known[key][0]  # type: ignore[assignment]
    return result


def _key(value: object) -> object:
    """Something hashable that is equal for equal plain values, and for the very same object."""
    if isinstance(value, Mapping):
        return "mapping", tuple((_key(name), _key(item)) for name, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        plain = all(isinstance(item, str | int) for item in value)
        return "sequence", tuple(value if plain else map(_key, value))
    if value is None or isinstance(value, str | int | float):
        return type(value), value
    return "object", id(value)
