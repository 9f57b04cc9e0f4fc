"""Sessions: `nox` runs tests, lint, typecheck, demo and docs.

`nox -s fast` checks a change with tests that take a minute and a half, `nox -s minimum` runs on the
oldest packages that are declared, `nox -s bench` is the benchmark.
"""

import os
import shutil
import sys
import tomllib
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "lint", "typecheck", "demo", "docs"]

PYTHONS = [f"3.{minor}" for minor in (11, 12, 13, 14)]
FOUND = [version for version in PYTHONS if shutil.which(f"python{version}")] or [
    f"{sys.version_info.major}.{sys.version_info.minor}"
]

FAST = ["-m", "not slow and not long", "-n", "2", "--hypothesis-profile=fast"]


@nox.session(python=FOUND)
def tests(session: nox.Session) -> None:
    """All tests, the long ones too, with line and branch coverage of cairo/."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "", "--cov", "--cov-report=term:skip-covered", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """All but the tests of real processes, servers, browsers and builds and of long whole runs."""
    session.install("-e", ".[test]")
    session.run("pytest", *FAST, *session.posargs)


@nox.session(python=FOUND[0])
def minimum(session: nox.Session) -> None:
    """The fast tests on the lowest version of every package that the project declares."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest = [one.replace(">=", "==") for one in project["dependencies"]]
    fsspec = [one for one in lowest if one.startswith("fsspec")]
    s3fs = [one.replace(">=", "==") for one in project["optional-dependencies"]["s3"]]
    session.install("-e", ".[test]", *(one for one in lowest if one not in fsspec))
    # s3fs wants fsspec of its own version, and the tests name another: these two go in last.
    session.install("--no-deps", *fsspec, *s3fs)
    session.run("cairo", "--help", silent=True)
    session.run("pytest", *FAST, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Types of cairo/."""
    session.install("-e", ".", "mypy>=1.11", "types-PyYAML")
    session.run("mypy")


@nox.session
def demo(session: nox.Session) -> None:
    """The demo, installed as a user would."""
    session.install(".")
    session.run("cairo", "demo", "--output-dir", f"{session.create_tmp()}/cairo_demo")


@nox.session
def downstream(session: nox.Session) -> None:
    """Tests and scenarios of a caller's checkout: `nox -s downstream -- CHECKOUT`.

    CHECKOUT is one of the public rate-design-platform; nothing of it is kept, and data that its
    tests and scenarios lack are made up.
    """
    if not session.posargs:
        session.error("say which: nox -s downstream -- CHECKOUT")
    checkout = Path(session.posargs[0]).resolve()
    session.install("-e", ".[test]", "polars", "cloudpathlib[s3]", "pytz")
    names = ("patches", "cairo", "demand_flex", "generate_precalc_mapping", "run_scenario")
    there = [str(path) for name in names if (path := checkout / f"tests/test_{name}.py").is_file()]
    script = Path("tests/downstream.py").resolve()
    environment = {"PYTHONPATH": os.pathsep.join(map(str, (checkout, script.parent)))}
    options = ("-q", "-p", "no:cacheprovider", "-p", script.stem, "-rs")
    with session.chdir(checkout):
        session.run("pytest", *options, *there, env=environment)
    session.run("python", str(script), str(checkout))


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, built strictly."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict")


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmark: `nox -s bench -- --buildings 1910`."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)
