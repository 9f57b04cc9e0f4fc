"""NumPy-style parameters without a type line, as mkdocstrings should show them.

Docstrings here say `name : what it is [unit].` and leave types to the signature; the NumPy style
would show those words as the type. This puts each where it belongs.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Class, Docstring, DocstringSectionKind, Extension, Function, Object

NAMED = (DocstringSectionKind.parameters, DocstringSectionKind.attributes)


class PlainParameters(Extension):
    """Moves words from the type of a documented parameter or result to its description."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the parsed sections of an object's docstring."""
        if obj.docstring is not None:
            _rewrite(obj.docstring, obj)


def _rewrite(docstring: Docstring, obj: Object) -> None:
    typed, written = _typed(obj), _written(docstring.value)
    for section in docstring.parsed:
        if section.kind in NAMED:
            for item in section.value:
                annotation, default = typed.get(item.name, (None, None))
                _described(item, annotation, written.get(item.name))
                item.value = default
        elif section.kind is DocstringSectionKind.returns:
            for item in section.value:
                alone = len(section.value) == 1 and isinstance(obj, Function)
                annotation = obj.returns if alone and isinstance(obj, Function) else None
                _described(item, annotation, written.get(item.name))


def _written(docstring: str) -> dict[str, str]:
    """{name: what its line says}; the NumPy style would take `{a: b}` for a choice of values."""
    lines = (re.fullmatch(r"(\w+(?:, \w+)*) : (.*)", line) for line in docstring.splitlines())
    return {name: line[2] for line in lines if line for name in line[1].split(", ")}


def _described(item: Any, annotation: Any, words: str | None) -> None:
    if words is None:
        words = "" if item.annotation is None else str(item.annotation)
    item.description = " ".join(f"{words} {item.description}".split())
    item.annotation = annotation


def _typed(obj: Object) -> dict[str, tuple[Any, Any]]:
    """(type, default) of an object's parameters and attributes, from its code."""
    found: dict[str, tuple[Any, Any]] = {}
    if isinstance(obj, Class):
        for name, member in obj.members.items():
            if member.is_attribute:
                found[name] = (member.annotation, None)
        start = obj.members.get("__init__")
        obj = start if isinstance(start, Function) else obj
    if isinstance(obj, Function):
        found |= {one.name: (one.annotation, one.default) for one in obj.parameters}
    return found
