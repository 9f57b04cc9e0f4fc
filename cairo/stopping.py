"""Signals that end the command: one line, an exit code, and nothing left behind.

Nothing heavy is imported here, so that a signal is caught almost from the start.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

LINES = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "terminated"}
"""What is said at the end; a system may lack some."""
SIGNALS = {getattr(signal, name): line for name, line in LINES.items() if hasattr(signal, name)}
AGAIN_SECONDS = 0.05


class Stopped(SystemExit):
    """A signal, raised where the program is so that it cleans up on its way out."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number

    def leave(self) -> NoReturn:
        """Say why in one line and end with the signal's exit code."""
        with suppress(OSError, AttributeError):  # standard error may be closed
            print(SIGNALS[signal.Signals(self.number)], file=sys.stderr)
        ignore()
        sys.exit(self.code)


def catch() -> None:
    """Turn the first of `SIGNALS` into `Stopped`; more of them do not cut the cleaning short."""
    for number in SIGNALS:
        # Under nohup a hang-up is ignored, as is Ctrl-C in a shell's background; they stay so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _not_lost


def ignore() -> None:
    """From here on nothing is left to clean up: ending is a matter of moments."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    for each in SIGNALS:
        # Python complains of one that came already if they are now ignored by the system.
        signal.signal(each, lambda more, frame: None)
    raise Stopped(number)


def _not_lost(unraisable: sys.UnraisableHookArgs) -> None:
    """Raise `Stopped` again when it fell into a destructor, where Python drops exceptions."""
    error = unraisable.exc_value
    if not isinstance(error, Stopped):
        sys.__unraisablehook__(unraisable)
        return
    signal.signal(error.number, _stop)
    again = threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), error.number))
    again.daemon = True
    again.start()


@contextmanager
def held() -> Iterator[None]:
    """Let signals wait until the block has ended, for what must not be left half started or ended.

    Nothing is held in threads other than the main one, where Python raises no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    ours = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in ours:
        signal.signal(number, lambda caught, frame: waiting.append(caught))
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        if waiting:
            signal.raise_signal(waiting[0])
