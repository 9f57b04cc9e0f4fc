"""The `cairo` command in this process: its exit code and what it says."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from cairo.cli import main
from cairo.stopping import SIGNALS


@dataclass(frozen=True)
class Ended:
    """How a command ended; `errors` are its lines on standard error that are not progress."""

    code: int
    output: str
    errors: list[str]


class Command:
    """Runs the command as often as asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Ended:
        self._monkeypatch.setattr(sys, "argv", ["cairo", *map(str, arguments)])
        self._monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
        self._capsys.readouterr()
        code = 0
        with _own_signals():
            try:
                main()
            except SystemExit as ended:
                assert isinstance(ended.code, int)
                code = ended.code
        said = self._capsys.readouterr()
        errors = [line for line in said.err.splitlines() if not line.startswith("[")]
        return Ended(code, said.out, errors)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Put back the handlers that the command replaces."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
