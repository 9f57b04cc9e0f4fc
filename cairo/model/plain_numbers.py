"""Numbers as people and programs write them."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?([eE][+-]?\d+)?")


def plain_number(value: object) -> float | None:
    """A number, or a text of one such as `1e12` (which YAML reads as text) or `1,234.5`.

    None for anything else, true and false among it.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        return float(value.replace(",", ""))
    return None
