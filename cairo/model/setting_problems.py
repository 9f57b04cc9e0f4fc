"""What pydantic finds wrong with a file's settings, as one line for each key."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from cairo.errors import InputErrors, ScenarioError

MOST_CHARACTERS = 80
MAY_BE_SECRET = ("storage_options", "kwargs")
"""Keys whose values are not quoted."""


def setting_problems(
    error: ValidationError, values: Mapping[str, object], where: str, model: type[BaseModel]
) -> ScenarioError | InputErrors:
    """Pydantic's problems with `values`, a line for each key that begins with `where`.

    A key that may be of several types has a problem for each; they become one line.
    """
    lines: dict[tuple[str, ...], list[str]] = {}
    for problem in error.errors(include_url=False, include_context=False):
        key = _key(problem, values)
        lines.setdefault(key, []).append(_worded(problem, key, model))
    found: list[ScenarioError] = []
    for key, texts in lines.items():
        if key:
            text = f"key {'.'.join(key)} {_joined(texts)}"
            found.append(one_line_error(f"{where} {text}"))
        else:
            between = [line for text in texts for line in text.splitlines()]
            found += [one_line_error(f"{where}: {line}") for line in between]
    return found[0] if len(found) == 1 else InputErrors(found)


def one_line_error(text: str) -> ScenarioError:
    """A `ScenarioError` on one line, whatever names of the file it quotes."""
    return ScenarioError(" ".join(text.split()))


def _key(problem: Mapping[str, object], values: object) -> tuple[str, ...]:
    """The part of a problem's place that is a key of the file, without pydantic's own words."""
    key: list[str] = []
    place = problem["loc"]
    assert isinstance(place, tuple)
    for part in place:
        if isinstance(values, Mapping | list) and _holds(values, part):
            values = values[part]
        elif problem["type"] == "missing" and part == place[-1]:
            values = None
        else:
            break
        key.append(str(part))
    return tuple(key)


def _holds(values: object, part: str | int) -> bool:
    if isinstance(values, Mapping):
        return part in values
    return isinstance(values, list) and isinstance(part, int) and part < len(values)


def _worded(problem: Mapping[str, object], key: tuple[str, ...], model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(key[-1], _names(_owner(model, key[:-1])), 1)
        return "is unknown" + (f", did you mean {near[0]}?" if near else "")
    if problem["type"] == "missing":
        return "is missing"
    message = str(problem["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should be", "expected")
    if not key:
        return message
    secret = any(name in MAY_BE_SECRET for name in key)
    found = problem.get("input")
    return f"is {f'a {type(found).__name__}' if secret else _shown(found)}: {message}"


def _joined(texts: list[str]) -> str:
    """Problems of one key; those after the first say only what else was expected."""
    first, *others = dict.fromkeys(texts)
    return " or ".join([first, *(text.rpartition(": expected ")[2] for text in others)])


def _owner(model: type[BaseModel], path: tuple[str, ...]) -> type[BaseModel]:
    """The model that a path of keys leads to, as far as models go."""
    for part in path:
        field = next((f for name, f in model.model_fields.items() if part == _name(name, f)), None)
        kinds = [] if field is None else [field.annotation, *get_args(field.annotation)]
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not inner:
            break
        model = inner[0]
    return model


def _names(model: type[BaseModel]) -> list[str]:
    return [_name(name, field) for name, field in model.model_fields.items()]


def _name(name: str, field: FieldInfo) -> str:
    """The key by which a file gives a field."""
    return field.serialization_alias or field.alias or name


def _shown(value: object) -> str:
    """A value from a file, briefly."""
    if isinstance(value, Mapping | list | tuple | set):
        return f"a {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."
