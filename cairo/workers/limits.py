"""Work that may hang, in limited time: past it the processes it waits for are killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psutil

from cairo.children import fork_server, tracker
from cairo.stopping import left_alone

Result = TypeVar("Result")

KILLED_SECONDS = 5.0
"""How long work may take to see that what it waited for is gone."""
AGAIN_SECONDS = 0.5
"""How often what it has started since, in place of the killed, is killed too."""


class TooLong(Exception):
    """Something has not come to an end in its time."""


class OwnChildren:
    """The processes that have been started by this one since."""

    def __init__(self) -> None:
        self._before = {child.pid for child in _children()}

    def kill(self) -> None:
        """Kill them, and theirs; the server that workers are forked from is one of them."""
        for child in _children():
            if child.pid not in self._before or child.pid == fork_server():
                with suppress(psutil.Error):
                    below = child.children(recursive=True)
                    child.kill()
                    for process in below:
                        process.kill()


def _children() -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = psutil.Process().children()
    except psutil.Error:
        return []
    return [child for child in found if child.pid != tracker()]


def within(seconds: float, work: Callable[[], Result], children: OwnChildren) -> Result:
    """What `work` returns or raises, done in a thread of its own.

    Raises
    ------
    TooLong
        It took longer. Its child processes are killed, which should end it; a thread that hangs
        on is left alone, and so is what it starts in the process of a command.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, name="cairo-limited", daemon=True)
    thread.start()
    _join(thread, seconds)
    if thread.is_alive():
        for _ in range(round(KILLED_SECONDS / AGAIN_SECONDS)):
            children.kill()
            _join(thread, AGAIN_SECONDS)
            if not thread.is_alive():
                break
        else:
            left_alone()
        if not results:
            raise TooLong
    if errors:
        raise errors[0]
    return results[0]


def _join(thread: threading.Thread, seconds: float) -> None:
    """Join for seconds of a process that runs: those in which it is suspended do not count."""
    left = seconds
    while thread.is_alive() and left > 0:
        before = time.monotonic()
        thread.join(min(left, 1.0))
        left -= min(time.monotonic() - before, 1.5)
