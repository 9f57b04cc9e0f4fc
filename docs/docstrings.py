"""NumPy-style parameters without a type line, as mkdocstrings should show them.

Docstrings here say `name : what it is [unit].` and leave types to the signature; the NumPy style
would show those words as the type. This puts each where it belongs.
"""

from __future__ import annotations

from typing import Any

from griffe import Docstring, DocstringSectionKind, Extension, Function, Object

SECTIONS = (DocstringSectionKind.parameters, DocstringSectionKind.attributes)


class PlainParameters(Extension):
    """Moves words from the type of a documented parameter to its description."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the parsed sections of an object's docstring."""
        if obj.docstring is not None:
            _rewrite(obj.docstring, obj)


def _rewrite(docstring: Docstring, obj: Object) -> None:
    signature = {p.name: p.annotation for p in obj.parameters} if isinstance(obj, Function) else {}
    for section in docstring.parsed:
        if section.kind not in SECTIONS:
            continue
        for item in section.value:
            words = str(item.annotation) if item.annotation is not None else ""
            item.description = " ".join(f"{words} {item.description}".split())
            item.annotation = signature.get(item.name)
