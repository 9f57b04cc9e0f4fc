"""The settings that the clusters guide shows are settings a run takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cairo.workers.settings import DaskSettings
from tests.whole_runs import Demo, make_demo

GUIDE = Path(__file__).parents[1] / "docs" / "clusters.md"


def blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("block", blocks())
def test_the_guides_settings_are_accepted(block: str) -> None:
    stored = yaml.safe_load(block)
    assert set(stored) <= {"backend", "dask", "storage_options"}
    DaskSettings.model_validate(stored["dask"])


def test_the_guides_own_local_cluster_runs(tmp_path: Path) -> None:
    demo = Demo(make_demo(tmp_path / "source", 4), tmp_path / "demo")
    block = next(block for block in blocks() if "distributed.LocalCluster" in block)
    demo.settings(yaml.safe_load(block))
    assert (demo.run() / "run.json").is_file()
