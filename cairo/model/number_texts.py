"""Numbers that are written as text, read in one way wherever text stands for a number."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""Digits, a point, an exponent: not `1_000`, `0x10`, `nan`, `inf` or digits of other scripts, some
of which Python takes for numbers."""
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?")
"""A number with commas between thousands, as EIA and spreadsheets write it. `0,035` is none: its
comma is a decimal one."""
_WITHIN = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def number_of_text(text: str) -> float | None:
    """The number that a text is, such as "425,975" or "1e12"; None for any other text."""
    text = text.strip()
    if THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    return float(text) if NUMBER.fullmatch(text) else None


def numbers_within(text: str) -> list[float]:
    """The numbers in a text that words a range, such as `40,000-44,999` or `<1e5`; no signs."""
    if "_" in text:
        return []
    return [float(one) for one in _WITHIN.findall(text.replace(",", ""))]
