"""Folders that CAIRO's callers look up; each can be set by an environment variable."""

from __future__ import annotations

import os
from pathlib import Path


def _folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable, default)).expanduser()


MARGINALCOST_DIR = _folder("CAIRO_MARGINALCOST_DIR", "data/marginal_costs")
"""Marginal cost files."""

TARIFFSSTOCKMAP = _folder("CAIRO_TARIFFSSTOCKMAP", "data/tariff_maps")
"""Maps of building to tariff."""

OUTPUT_INTERNAL_POSTPROCESSING = _folder("CAIRO_OUTPUT_INTERNAL_POSTPROCESSING", "outputs")
"""Run directories, unless a run names its own output folder."""
