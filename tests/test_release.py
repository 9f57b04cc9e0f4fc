"""What a release says about itself is one thing in every file that says it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

import cairo

ROOT = Path(__file__).parents[1]


def test_the_citation_is_of_this_version_and_license() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation["version"] == cairo.__version__
    assert citation["license"] == project["license"]


def test_what_stays_names_all_that_import_cairo_gives() -> None:
    page = (ROOT / "docs" / "stability.md").read_text("utf-8")
    assert [name for name in cairo.__all__ if f"`{name}`" not in page] == []
