"""A mounted folder that stops answering, as one of a server that is gone does.

It shows another folder, read only, through the kernel's FUSE protocol (`linux/fuse.h`), and from
some moment on takes no request any more. Whoever waits for it is held by the system, where Python
answers no signal; only a kill ends that, as with NFS.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

DEVICE = Path("/dev/fuse")
DETACH = 2
REQUEST = struct.Struct("<IIQQIIII")
"""Length, kind, number, node, user, group, process, and what is not used."""
ANSWER = struct.Struct("<IiQ")
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, INIT = 1, 2, 3, 14, 15, 17, 26
OPENDIR, READDIR, INTERRUPT, BATCH_FORGET = 27, 28, 36, 42
CLOSED = (18, 25, 29, 34)
"""Release, flush, release of a folder, access: all are fine."""
ENDS = {"mounted": INIT, "looked up": LOOKUP, "listed": READDIR, "opened": OPEN}
"""The last request that is answered."""
MOST = 2**17
NO_FLUSH = 2**5
"""A file opened so is closed without a request, for whose answer even a killed process waits."""


class _HungDisk:
    """What answers the kernel, in a thread of the test."""

    def __init__(self, shown: Path, descriptor: int, last: int, where: str) -> None:
        self._nodes = {1: shown}
        self._descriptor = descriptor
        self._last = last
        self._where = where
        self.silent = threading.Event()
        self._answers: dict[int, Callable[[Path, bytes], bytes]] = {
            INIT: _init,
            LOOKUP: self._lookup,
            GETATTR: lambda path, _: struct.pack("<QII", 0, 0, 0) + self._attributes(path),
            OPEN: lambda *_: struct.pack("<QII", 0, NO_FLUSH, 0),
            OPENDIR: lambda *_: bytes(16),
            READ: _read,
            READDIR: self._listing,
            STATFS: lambda *_: bytes(80),
        }

    def serve(self) -> None:
        """Answer up to the last request."""
        while True:
            try:
                request = os.read(self._descriptor, MOST + 4096)
            except OSError:
                return
            _, kind, number, node, *_ = REQUEST.unpack_from(request)
            if kind in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            path, body = self._nodes[node or 1], request[REQUEST.size :]
            asked = path / body.split(b"\0")[0].decode() if kind == LOOKUP else path
            code, answer = 0, b""
            if kind not in CLOSED:
                code = errno.ENOSYS
                if kind in self._answers:
                    try:
                        code, answer = 0, self._answers[kind](path, body)
                    except OSError as error:
                        code = error.errno or errno.EIO
            with suppress(OSError):  # whoever asked may be gone
                length = ANSWER.size + len(answer)
                os.write(self._descriptor, ANSWER.pack(length, -code, number) + answer)
            if kind == self._last and self._where in str(asked):
                self.silent.set()
                return

    def _node(self, path: Path) -> int:
        for number, known in self._nodes.items():
            if known == path:
                return number
        number = len(self._nodes) + 1
        self._nodes[number] = path
        return number

    def _lookup(self, folder: Path, body: bytes) -> bytes:
        path = folder / body.split(b"\0")[0].decode()
        attributes = self._attributes(path)
        return struct.pack("<QQQQII", self._node(path), 0, 0, 0, 0, 0) + attributes

    def _attributes(self, path: Path) -> bytes:
        found = path.stat()
        kind = stat.S_IFDIR | 0o755 if stat.S_ISDIR(found.st_mode) else stat.S_IFREG | 0o644
        times = (int(found.st_mtime),) * 3 + (0,) * 3
        return struct.pack(
            "<6Q10I", self._node(path), found.st_size, found.st_size // 512 + 1, *times[:3],
            *times[3:], kind, 1, 0, 0, 0, 4096, 0,
        )  # fmt: skip

    def _listing(self, folder: Path, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        answer = b""
        for place, path in enumerate(sorted(folder.iterdir()), 1):
            name = path.name.encode()
            entry = struct.pack("<QQII", self._node(path), place, len(name), 0) + name
            entry += bytes(-len(entry) % 8)
            if place > offset and len(answer) + len(entry) <= size:
                answer += entry
        return answer


def _init(_path: Path, _body: bytes) -> bytes:
    return struct.pack("<IIIIHHIIHHI7I", 7, 31, MOST, 0, 12, 9, MOST, 1, 1, 0, 0, *(0,) * 7)


def _read(path: Path, body: bytes) -> bytes:
    _, offset, size = struct.unpack_from("<QQI", body)
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)


@contextmanager
def hung_disk(shown: Path, place: Path, last: str, where: str = "") -> Iterator[threading.Event]:
    """Show a folder at `place` until a path with `where` in it has been `last`, of `ENDS`.

    Gives an event that is set then.
    """
    if sys.platform != "linux" or not DEVICE.exists():
        pytest.skip("there is no /dev/fuse")
    try:
        descriptor = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"/dev/fuse cannot be opened: {error.strerror}")
    place.mkdir()
    system = ctypes.CDLL(None, use_errno=True)
    options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0".encode()
    if system.mount(b"hung", os.fsencode(place), b"fuse.hung", 0, options):
        os.close(descriptor)
        pytest.skip(f"no file system can be mounted: {os.strerror(ctypes.get_errno())}")
    disk = _HungDisk(shown, descriptor, ENDS[last], where)
    thread = threading.Thread(target=disk.serve, daemon=True)
    thread.start()
    try:
        yield disk.silent
    finally:
        system.umount2(os.fsencode(place), DETACH)
        os.close(descriptor)
