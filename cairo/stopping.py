"""Signals that end the command: one line, an exit code, and nothing left behind.

The first is an exception, and cleaning up may take `CLEANING_SECONDS`. The second ends the process
at once, with its children and its temporary files. Nothing heavy is imported here, so that a
signal is caught almost from the start.
"""

from __future__ import annotations

import _thread
import atexit
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cairo.children import end_children, end_fork_server, end_tracker, wake_tracker

LINES = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "terminated"}
"""What is said at the end; a system may lack some."""
SIGNALS = {getattr(signal, name): line for name, line in LINES.items() if hasattr(signal, name)}
AGAIN_SECONDS = 0.05
CLEANING_SECONDS = 15.0
"""How long cleaning up may take after a signal, and ending after the last line."""
ANSWER_SECONDS = 1.0
"""How long Python may take to answer a signal, where it is not held up by the system."""
LOOK_SECONDS = 0.5
"""How often it is looked whether the system holds the main thread with a signal unanswered."""
REMOVAL_SECONDS = 5.0
"""How long removing temporary files may take at the very end: the disk they are on may hang."""
STATUS = Path("/proc/self/status")
SHOW_CURSOR = b"\x1b[?25h"


class _Command:
    """What the process of the command remembers of its end."""

    own = False
    """This process is the command's: it may be ended without asking anybody."""
    came: int | None = None
    """The first signal."""
    said = False
    finished = False
    """What was asked for is there: a signal does not undo it."""
    several = False
    """One of several things is being made: it is not all that was asked for."""
    code = 0
    holding = False
    left_alone = False
    """A thread goes on that nobody waits for any more: it may start processes and write files."""
    heard = 0
    """Signals that have come, whether or not Python could answer them."""


_command = _Command()
_leaving = threading.Lock()
_removals: dict[object, Callable[[], object]] = {}


class Stopped(SystemExit):
    """A signal, raised where the program is so that it cleans up on its way out."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number

    def leave(self) -> NoReturn:
        """Say why in one line and end with the signal's exit code."""
        if not _command.said:
            _command.said = True
            with suppress(OSError, ValueError, AttributeError):  # standard error may be closed
                print(_line(self.number), file=sys.stderr)
        ignore()
        sys.exit(self.code)


def _line(number: int) -> str:
    line = SIGNALS[signal.Signals(number)]
    return f"{line}: what was asked for is complete" if _command.finished else line


def catch(*, own: bool = False) -> None:
    """Turn the first of `SIGNALS` into `Stopped`; the next ends the process at once.

    own : the process is the command's alone, and its end has a time limit; once said, it stays so.
    """
    own = own or _command.own
    _command.__dict__.clear()
    _command.own = own
    for number in SIGNALS:
        # Under nohup a hang-up is ignored, as is Ctrl-C in a shell's background; they stay so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _not_lost
    if own:
        _listen()
        _end_tracker_last()


@cache
def _end_tracker_last() -> None:
    """End the tracker after all that Python does at its end, of which this was asked for first."""
    atexit.register(end_tracker)


@cache
def _listen() -> None:
    """Hear of signals also while Python cannot answer: a disk that hangs holds it for good."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)

    def listen() -> None:
        while True:
            if not select.select([read], [], [], LOOK_SECONDS)[0]:
                _take_from_held_thread()
                continue
            number = os.read(read, 1)[0]
            if number in SIGNALS:
                _command.heard += 1
                first = _command.heard == 1
                _later(ANSWER_SECONDS + CLEANING_SECONDS * first, partial(_unanswered, number))

    threading.Thread(target=listen, name="signals", daemon=True).start()


def _take_from_held_thread() -> None:
    """Have a signal heard that waits for a main thread which the system does not let go.

    A signal is given to the main thread; where that waits for a disk, as Linux shows, it stays with
    the system, and no other thread hears of it.
    """
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        about = dict(line.split(":", 1) for line in lines)
        if not about["State"].strip().startswith("D"):
            return
        waiting = int(about["ShdPnd"], 16)
    except (OSError, KeyError, ValueError):  # another system
        return
    for number in SIGNALS:
        if waiting >> (number - 1) & 1 and signal.sigtimedwait([number], 0) is not None:
            # As if it had come: Python is told, and so is `_listen`.
            _thread.interrupt_main(number)


def _unanswered(number: int) -> None:
    if _command.heard == 0 or (_command.finished and _command.heard == 1):
        return
    if _command.came is None:
        _command.came, _command.code = number, 128 + number
    leave_at_once()


def ignore() -> None:
    """From here on nothing is left to clean up: ending is a matter of moments."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def is_command() -> bool:
    """Whether this process is the command's alone."""
    return _command.own


def finished() -> None:
    """What was asked for is in its place: the first signal from here on changes nothing."""
    if not _command.several:
        _command.finished = True


@contextmanager
def one_of_several() -> Iterator[None]:
    """What is `finished` within is not all that was asked for: a signal still stops the rest."""
    _command.several = True
    try:
        yield
    finally:
        _command.several = False


def wait_for_signal() -> None:
    """Wait for the first signal since what was asked for was finished, which changes nothing."""
    while _command.came is None:
        time.sleep(AGAIN_SECONDS)


def end_soon() -> None:
    """End the command's process in `CLEANING_SECONDS`, whatever Python still waits for."""
    if not _command.own:
        return
    wake_tracker()
    end_fork_server()
    ended = sys.exc_info()[1]
    _command.code, _command.said = 0, True
    if isinstance(ended, SystemExit):
        _command.code = ended.code if isinstance(ended.code, int) else 1
    elif ended is not None:
        _command.code = 1
    if _command.left_alone:
        leave_at_once()
    _later(CLEANING_SECONDS, leave_at_once)


def left_alone() -> None:
    """A thread was given up and goes on: the command ends without giving it time to do more.

    A caller's session goes on, and forgets it.
    """
    _command.left_alone = _command.own


def is_left_alone() -> bool:
    """Whether a thread of the command has been given up."""
    return _command.left_alone


@contextmanager
def removed_at_once(remove: Callable[[], object]) -> Iterator[None]:
    """Have something of the disk removed also when the process is ended at once."""
    key = object()
    _removals[key] = remove
    try:
        yield
    finally:
        del _removals[key]


def always_removed_at_once(remove: Callable[[], object]) -> None:
    """The same for what stays until the process ends."""
    _removals[remove] = remove


def _stop(number: int, _frame: FrameType | None) -> None:
    if _command.came is not None:
        leave_at_once()
        return
    _first(number)
    if not _command.finished:
        raise Stopped(number)


def _first(number: int) -> None:
    _command.came, _command.code = number, 128 + number
    if not _command.finished and _command.own:
        _later(CLEANING_SECONDS, leave_at_once)


def _later(seconds: float, action: Callable[[], object]) -> None:
    limit = threading.Timer(seconds, action)
    limit.daemon = True
    # No thread can be started any more when Python is on its way out.
    with suppress(RuntimeError):
        limit.start()


def leave_at_once() -> None:
    """End this process now, its children and its temporary files before it."""
    if not _leaving.acquire(blocking=False):
        return
    if _command.came is not None and not _command.said:
        _command.said = True
        with suppress(OSError):
            shown = SHOW_CURSOR if os.isatty(2) else b""
            os.write(2, shown + _line(_command.came).encode() + b"\n")
    # Other threads go on meanwhile: what they miss is not told, what they have started or written
    # since goes the second time.
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for _ in range(2):
        with suppress(Exception):
            end_children()
        if not _removed():
            os._exit(_command.code)
    end_tracker()
    _removed()
    os._exit(_command.code)


def _removed() -> bool:
    """Remove temporary files; whether it came to an end."""

    def remove_all() -> None:
        for remove in list(_removals.values()):
            with suppress(Exception):
                remove()

    removing = threading.Thread(target=remove_all, name="removals", daemon=True)
    try:
        removing.start()
        removing.join(REMOVAL_SECONDS)
    except RuntimeError:  # as in `_later`
        remove_all()
    return not removing.is_alive()


def _not_lost(unraisable: sys.UnraisableHookArgs) -> None:
    """Raise `Stopped` again when it fell into a destructor, where Python drops exceptions."""
    error = unraisable.exc_value
    if not isinstance(error, Stopped):
        sys.__unraisablehook__(unraisable)
        return
    _command.came, _command.heard = None, 0
    _later(AGAIN_SECONDS, partial(os.kill, os.getpid(), error.number))


@contextmanager
def held() -> Iterator[None]:
    """Let a signal wait until the block has ended, for what must not be left half started or ended.

    The second does not wait. Nothing is held in threads other than the main one, where Python
    raises no signals.
    """
    if _command.holding or threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    ours = {number: handler for number, handler in handlers.items() if callable(handler)}

    def hold(number: int, frame: FrameType | None) -> None:
        if waiting or _command.came is not None:
            ours[signal.Signals(number)](number, frame)
            return
        waiting.append(number)
        if ours[signal.Signals(number)] is _stop:
            _first(number)

    _command.holding = True
    try:
        for number in ours:
            signal.signal(number, hold)
        yield
    finally:
        _command.holding = False
        for number, handler in ours.items():
            signal.signal(number, handler)
        if waiting:
            if ours[signal.Signals(waiting[0])] is _stop:
                _command.came = None
            ours[signal.Signals(waiting[0])](waiting[0], None)
