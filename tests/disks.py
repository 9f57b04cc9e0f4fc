"""A disk in a file: what it holds can be copied at any moment, as a power cut would leave it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEGABYTES = 48


class Disk:
    """A mounted file system and the file it is kept in."""

    def __init__(self, place: Path, file: Path) -> None:
        self.place = place
        self._file = file

    @contextmanager
    def after_a_power_cut(self) -> Iterator[Path]:
        """What is there when the machine starts again, having lost its memory just now."""
        copy = self._file.with_name("copy.img")
        shutil.copy(self._file, copy)
        with _mounted(copy, self._file.with_name("copy")) as place:
            yield place


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A new, empty file system."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    if shutil.which("mkfs.ext4", path=f"{os.environ.get('PATH')}:/usr/sbin:/sbin") is None:
        pytest.skip("there is no mkfs.ext4")
    file = folder / "disk.img"
    with file.open("wb") as made:
        made.truncate(MEGABYTES * 2**20)
    environ = os.environ | {"PATH": f"{os.environ.get('PATH')}:/usr/sbin:/sbin"}
    subprocess.run(["mkfs.ext4", "-q", str(file)], env=environ, check=True)
    with _mounted(file, folder / "disk") as place:
        yield Disk(place, file)


@contextmanager
def _mounted(file: Path, place: Path) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    command = ["mount", "-o", "loop", str(file), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a file system in a file cannot be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
