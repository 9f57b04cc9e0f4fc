"""The documentation is true: its commands and Python run, its references and links hold."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from cairo.rates_tool.low_income_assistance import AssistanceProgram
from cairo.runs.demo import write_demo
from cairo.scenario.run_settings import RunSettings
from cairo.scenario.scenario_file import read_scenario
from tests.whole_runs import IN_PROCESS, Demo, contents, make_demo

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$|^```(\w*)[^\n]*\n(.*?)^```$', re.M | re.S)
"""A block that is a file of the reader's, or any other."""
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")

FEWER_HOMES = {
    "cairo demo": "cairo demo --buildings 24",
    "cairo explain by_dask/* 102096 --month Jul": "cairo explain by_dask/* 5005 --month Jul",
}
"""What is run for a command: the pages say that `--buildings 24` makes a smaller demo, of other
homes.
"""
MOST_SECONDS = 120
"""Seconds one command or block may take before it counts as stuck."""


def nav_pages() -> list[Path]:
    """README, then the documentation's pages in the order of its navigation."""
    # mkdocs.yml is plain YAML; its order is the order a reader meets the commands in.
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    return [ROOT / "README.md", *(DOCS / page for entry in nav for page in entry.values())]


PAGES = nav_pages()


def text_of(page: Path) -> str:
    """A page, with the files it includes."""

    def included(match: re.Match[str]) -> str:
        return (ROOT / match[1]).read_text("utf-8")

    return re.sub(r'^--8<-- "(.+)"$', included, page.read_text("utf-8"), flags=re.M)


def commands_of(block: str) -> Iterator[str]:
    """`cairo` commands of a block, also those after `&&` and of a virtual environment."""
    for line in block.replace("\\\n", " ").splitlines():
        for part in line.split("&&"):
            command = part.strip().removeprefix("$ ").removeprefix(".venv/bin/")
            if command.startswith("cairo "):
                yield command


def steps_of(page: Path) -> list[tuple[str, str]]:
    """("python", block), ("command", line) and (file name, block) of a page, in its order."""
    steps: list[tuple[str, str]] = []
    for file, content, language, block in FILE.findall(text_of(page)):
        if file:
            steps.append((file, content))
        elif language == "python":
            steps.append(("python", block))
        elif language in ("", "console", "bash", "sh"):
            steps += [("command", command) for command in commands_of(block)]
    return steps


STEPS = {page: steps for page in PAGES if (steps := steps_of(page))}
DONE: set[str] = set()
"""Commands that ran in the folder; a page that repeats one need not wait for it again."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all pages, with the demo that README tells a reader to begin with."""
    place = tmp_path_factory.mktemp("reader")
    write_demo(place / "cairo_demo", 24)
    return place


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The `cairo` of this source tree first on the path, plots without a screen."""
    programs = tmp_path_factory.mktemp("bin")
    program = programs / "cairo"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cairo "$@"\n')
    program.chmod(0o755)
    return os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "Agg",
    }


LONG = ("workflow", "cli", "extending")
"""Pages of many commands that others have too, or that their own tests run."""


def page_of(page: Path) -> Any:
    marks = [pytest.mark.long] if page.stem in LONG else []
    return pytest.param(page, marks=marks, id=page.stem)


@pytest.mark.parametrize("page", [page_of(page) for page in STEPS])
def test_every_command_and_python_block_runs(
    page: Path, folder: Path, environment: dict[str, str]
) -> None:
    for kind, step in STEPS[page]:
        if kind not in ("python", "command"):
            (folder / kind).write_text(step, encoding="utf-8")
            continue
        if step in DONE:
            continue
        if kind == "python":
            program = [sys.executable, "-c", step]
        else:
            program = ["sh", "-c", FEWER_HOMES.get(step, step)]
            DONE.add(step)
        done = subprocess.run(
            program,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{step}\n{done.stdout}\n{done.stderr[-3000:]}"


def test_the_pages_have_commands_of_every_kind() -> None:
    steps = [step for page in STEPS.values() for step in page]
    shown = {text.split()[1] for kind, text in steps if kind == "command"}
    assert shown >= {"demo", "run", "runs", "check", "compare", "explain", "report", "pack"}
    assert sum(kind == "python" for kind, _ in steps) >= 4


# Pages made from the code


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "generate_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_what_the_code_gives(generator: ModuleType) -> None:
    for name, text in generator.pages().items():
        stored = (DOCS / name).read_text("utf-8")
        assert stored == text, f"docs/{name} is not current: run python docs/generate_reference.py"


def test_every_key_of_a_run_has_a_row() -> None:
    page = (DOCS / "scenario.md").read_text("utf-8")
    for name in [*RunSettings.model_fields, *AssistanceProgram.model_fields]:
        assert f"\n| `{name}` |" in page


def test_the_scenario_example_is_a_scenario(tmp_path: Path) -> None:
    blocks = [block for kind, block in FENCE.findall(text_of(DOCS / "scenario.md")) if kind]
    path = tmp_path / "scenario.yaml"
    path.write_text(blocks[0])
    assert read_scenario(path).run("flat_2025").run_type == "precalc"


# Claims about files


@pytest.fixture(scope="module")
def run_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("run")
    demo = Demo(make_demo(folder / "source", 12), folder / "demo")
    demo.settings(IN_PROCESS)
    place = demo.run()
    return contents(place) | {"run.json": (place / "run.json").read_bytes()}


def test_the_run_directory_page_names_every_file_and_column(run_files: dict[str, bytes]) -> None:
    page = (DOCS / "run_directory.md").read_text("utf-8")
    for name, content in run_files.items():
        by_column = re.fullmatch(r"cross_subsidization/cross_subsidization_BAT_by_(.+)\.csv", name)
        if by_column:
            name = name.replace(by_column[1], "<column>")
        assert f"`{name}`" in page
        if name.endswith(".csv"):
            columns = content.decode().splitlines()[0].split(",")
            own = {by_column[1]} if by_column else set()
            assert [c for c in columns if c not in own and f"`{c}`" not in page] == []


def test_the_run_directory_page_names_every_key_of_run_json(run_files: dict[str, bytes]) -> None:
    page = (DOCS / "run_directory.md").read_text("utf-8")
    stored = yaml.safe_load(run_files["run.json"])
    names = [*stored, *stored["summary"], *stored["workers"]]
    assert [name for name in names if f"`{name}`" not in page] == []


# Links


def anchors_of(page: Path) -> set[str]:
    """Anchors of a page's headings, as the `toc` extension makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.M):
        words = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
        anchor = re.sub(r"[-\s]+", "-", words)
        number = 1
        while anchor in found:
            anchor, number = f"{anchor.rsplit('_', 1)[0]}_{number}", number + 1
        found.add(anchor)
    return found | set(re.findall(r"^::: (\S+)$", text_of(page), re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_internal_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_file(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors_of(there), f"{page.name} links to {target}"


def test_every_page_is_in_the_navigation() -> None:
    assert {page.name for page in DOCS.glob("*.md")} == {
        page.name for page in PAGES if page.parent == DOCS
    }


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the site needs the docs extra")
    pytest.importorskip("material", reason="the site needs the docs extra")
    pytest.importorskip("mkdocstrings", reason="the site needs the docs extra")
    program = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "index.html").is_file()
    # What a hook adds to the site.
    assert (tmp_path / "explore_demo.html").is_file()


def test_every_test_that_holds_a_promise_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (DOCS / "security.md").read_text("utf-8")))
    known = {
        name
        for path in (ROOT / "tests").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text("utf-8"), re.M)
    }
    assert len(named) > 20
    assert named <= known
