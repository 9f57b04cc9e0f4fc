"""Sessions: `nox` runs tests, lint, typecheck, demo and docs; `nox -s bench` the benchmark."""

import shutil
import sys

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "lint", "typecheck", "demo", "docs"]

PYTHONS = [f"3.{minor}" for minor in (11, 12, 13)]
FOUND = [version for version in PYTHONS if shutil.which(f"python{version}")] or [
    f"{sys.version_info.major}.{sys.version_info.minor}"
]


@nox.session(python=FOUND)
def tests(session: nox.Session) -> None:
    """All tests, with line and branch coverage of cairo/."""
    session.install("-e", ".[test]")
    session.run("pytest", "--cov", "--cov-report=term:skip-covered", *session.posargs)


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
def docs(session: nox.Session) -> None:
    """The documentation, built strictly."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict")


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmark: `nox -s bench -- --buildings 1910`."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)
