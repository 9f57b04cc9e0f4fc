"""Small whole runs for tests: a demo to copy and change, and the bytes of what it gives."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from cairo.files.load_file import HourlyLoads, LoadFileReader
from cairo.runs.demo import LOADS, METADATA, write_demo
from cairo.runs.runner import run_scenario
from cairo.workers.progress import SilentProgress

RUN = "demo_hp_tou_precalc"
IN_PROCESS = {"dask": {"processes": False, "n_workers": 1, "dashboard_address": None}}
"""Settings of a run that starts no other process."""


class Counting(SilentProgress):
    """Homes of each stage: (those it said it would work on, those it counted)."""

    def __init__(self) -> None:
        self.stages: dict[str, tuple[int, int]] = {}
        self._now = ""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins."""
        self._now = name
        self.stages[name] = total or 0, 0

    def advance(self, n: int) -> None:
        """Homes are done."""
        total, counted = self.stages[self._now]
        self.stages[self._now] = total, counted + n


class Demo:
    """A copy of a demo whose inputs a test may change."""

    def __init__(self, source: Path, folder: Path) -> None:
        shutil.copytree(source, folder)
        self.folder = folder
        self.scenario = folder / "rates" / "scenarios" / "scenarios_demo.yaml"
        self.loads = folder / LOADS
        self.metadata = folder / METADATA

    def settings(self, change: Mapping[str, Any], run: str = RUN) -> None:
        """Change keys of a run."""
        stored = yaml.safe_load(self.scenario.read_text())
        stored["runs"][run] |= change
        self.scenario.write_text(yaml.safe_dump(stored, sort_keys=False))

    def every_run(self, change: Mapping[str, Any]) -> None:
        """Change keys of every run."""
        for name in yaml.safe_load(self.scenario.read_text())["runs"]:
            self.settings(change, name)

    def parquet(self, path: str | Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        """Rewrite a parquet file of the demo."""
        place = self.folder / path
        change(pd.read_parquet(place)).to_parquet(place, index=False)

    def csv(self, path: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        """Rewrite a CSV file of the demo."""
        place = self.folder / path
        change(pd.read_csv(place)).to_csv(place, index=False)

    def yaml(self, path: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Rewrite a YAML file of the demo."""
        place = self.folder / path
        place.write_text(yaml.safe_dump(change(yaml.safe_load(place.read_text()))))

    def run(self, run: str = RUN, **options: Any) -> Path:
        """Run it; the run directory."""
        options.setdefault("output_dir", self.folder / "outputs")
        return run_scenario(self.scenario, run, **options)


def make_demo(folder: Path, buildings: int, seed: int = 3) -> Path:
    """A demo to copy from."""
    write_demo(folder, buildings, seed)
    return folder


def files_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Load files that this process reads from here on."""
    paths: list[str] = []
    original = LoadFileReader.read

    def noted(self: LoadFileReader, path: str, bldg_id: int) -> HourlyLoads:
        paths.append(path)
        return original(self, path, bldg_id)

    monkeypatch.setattr(LoadFileReader, "read", noted)
    return paths


def contents(place: Path) -> dict[str, bytes]:
    """{file: bytes} of a run directory, but for what tells when it was made."""
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name != "run.json"
    }
