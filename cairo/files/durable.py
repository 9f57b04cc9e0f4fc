"""Files and folders that appear whole, and are still whole after the power has failed.

A rename may reach the disk before what was written: so that is flushed first, and the folder that
holds the name after it. What is made gets the rights that any new file or folder would get: those
the caller's umask leaves, and in a group's folder the group's.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from cairo.errors import OutputError
from cairo.stopping import removed_at_once

OWN_STREAM = re.compile(r"/dev/(?:fd/|std)(\d+|in|out|err)|/proc/(?:self|\d+)/fd/(\d+)")
STREAMS = {"in": 0, "out": 1, "err": 2}
_NO_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR}
"""Answers of file systems and systems that cannot flush a folder."""


def flush_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where that can be asked for."""
    try:
        flush_file(path)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise


def flush_tree(path: Path) -> None:
    """Wait until a folder and all it holds are on the disk."""
    for folder, _, names in os.walk(path, topdown=False):
        for name in names:
            flush_file(Path(folder) / name)
        flush_folder(Path(folder))


def make_folder(path: Path) -> None:
    """Make a folder and those it is in, for good."""
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in new:
        flush_folder(folder.parent)


def replace(made: Path, path: Path) -> None:
    """Give a flushed file its final name, for good."""
    made.replace(path)
    flush_folder(path.parent)


def write_flushed(path: Path, text: str) -> None:
    """Write a text file and wait until it is on the disk."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def write_folder(path: Path, texts: Mapping[str, str]) -> None:
    """Write text files into a new folder, or an empty one, that holds all of them or none.

    texts : by their paths within the folder.

    Raises
    ------
    OSError
        It cannot be written, or has something in it by now.
    """
    place = Path(os.path.realpath(path))
    make_folder(place.parent)
    made = place.with_name(f".{place.name[:100]}.{secrets.token_hex(4)}")
    with removed_at_once(partial(shutil.rmtree, made, ignore_errors=True)):
        try:
            made.mkdir()
            for name, text in texts.items():
                (made / name).parent.mkdir(parents=True, exist_ok=True)
                write_flushed(made / name, text)
            with suppress(FileNotFoundError):
                made.chmod(stat.S_IMODE(place.stat().st_mode))
            flush_tree(made)
            # A folder that is empty is replaced.
            replace(made, place)
        finally:
            shutil.rmtree(made, ignore_errors=True)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file, text as UTF-8, that appears whole or not at all.

    A link is followed and stays; what is no regular file, such as a device, a pipe or
    `/dev/stdout`, is written into.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    made = None
    try:
        content = content.encode("utf-8") if isinstance(content, str) else content
        if _written_into(path, content):
            return path
        # A link's own folder may be another than the file's.
        target = Path(os.path.realpath(path))
        made = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}")
        with removed_at_once(partial(made.unlink, missing_ok=True)):
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                with suppress(FileNotFoundError):
                    made.chmod(stat.S_IMODE(target.stat().st_mode))
                os.fsync(file.fileno())
            replace(made, target)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        if made is not None:
            made.unlink(missing_ok=True)
    return path


def is_written_into(path: Path) -> bool:
    """Whether a path names no regular file, there or still to be made, but a stream or device."""
    if OWN_STREAM.fullmatch(os.fspath(path.absolute())):
        return True
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _written_into(path: Path, content: bytes) -> bool:
    """Write into what is not a regular file; whether it is none."""
    if not is_written_into(path):
        return False
    stream = OWN_STREAM.fullmatch(os.fspath(path.absolute()))
    if stream is None:
        file = path.open("wb")
    else:
        # Opened anew, a file behind the stream would be written from its beginning.
        name = stream[1] or stream[2]
        number = STREAMS[name] if name in STREAMS else int(name)
        file = os.fdopen(os.dup(number), "wb")
    with file:
        file.write(content)
    return True
