"""Settings whose numbers are numbers: pydantic would take a switch for 1, and `1_0` for 10."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args, get_origin

from pydantic import BaseModel, ValidationInfo, field_validator


class PlainSettings(BaseModel):
    """Base of settings that a person writes."""

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: object, info: ValidationInfo) -> object:
        kinds = set(_kinds(cls.model_fields[info.field_name or ""].annotation))
        if kinds & {int, float} and not kinds & {str, bool}:
            for one in _leaves(value):
                if isinstance(one, bool):
                    raise ValueError("expected a number, not a switch")
                if isinstance(one, str) and "_" in one:
                    raise ValueError("expected a number, without _")
        return value


def _kinds(annotation: object) -> Iterator[object]:
    """The types that a value, or each of its parts, may have; of a mapping those of its values."""
    parts = get_args(annotation)
    if get_origin(annotation) is dict:
        parts = parts[1:]
    if not parts:
        yield annotation
    for part in parts:
        yield from _kinds(part)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(part)
    else:
        yield value
