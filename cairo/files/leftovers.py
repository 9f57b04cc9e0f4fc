"""What a killed process leaves behind carries its number, so that a later one can sweep it.

A number means something on one machine alone, and in one container of it: a mark of both goes with
it, and what has another mark is left alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

LETTERS = 8
"""Of a name's own, at its end."""


@cache
def _machine() -> str:
    """A mark of this machine and of what numbers its processes."""
    try:
        numbered_by = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        numbered_by = 0
    return hashlib.sha256(f"{socket.gethostname()}\0{numbered_by}".encode()).hexdigest()[:8]


def of_this_process() -> str:
    """What a name says of whose it is, before a few letters of its own."""
    return f"{_machine()}-{os.getpid()}-"


def remove_at_its_name(folder: Path) -> None:
    """Remove a folder named after `of_this_process`, which other threads may still be writing into.

    It loses its name first: what they write or rename by that name then fails, where else it would
    stay, or stand half removed in its final place.
    """
    condemned = folder.with_name(folder.name[:-LETTERS] + secrets.token_hex(LETTERS // 2))
    try:
        folder.rename(condemned)
    except FileNotFoundError:
        return
    except OSError:
        condemned = folder
    shutil.rmtree(condemned, ignore_errors=True)


def sweep(folder: Path, mark: str) -> None:
    """Remove folders whose name has `mark` and then `of_this_process` of one that has ended."""
    whose = re.compile(rf".*{re.escape(mark)}{_machine()}-(\d+)-\w{{{LETTERS}}}")
    own = os.geteuid() if hasattr(os, "geteuid") else None
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = whose.fullmatch(entry.name)
            if found is None or psutil.pid_exists(int(found[1])):
                continue
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if own is None or status.st_uid == own:
                    shutil.rmtree(entry.path, ignore_errors=True)
