"""A hook of mkdocs: the site has the explorer of the demo as a page of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cairo
from cairo.results.explore import write_explorer
from cairo.runs.demo import write_demo

HOMES = 48
RUNS = ("demo_flat_precalc", "demo_hp_tou_precalc")


def on_post_build(config: dict[str, str]) -> None:
    """Run the demo, and write its page beside the site's own."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = write_demo(Path(folder) / "demo", HOMES)
        made = [
            cairo.run(scenario, name, output_dir=Path(folder) / "runs", backend="pandas", workers=1)
            for name in RUNS
        ]
        write_explorer(
            [one.path for one in made], output=Path(config["site_dir"]) / "explore_demo.html"
        )
