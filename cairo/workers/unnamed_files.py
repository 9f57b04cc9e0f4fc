"""Certificates handed to OpenSSL without a file on the disk, which a killed process would leave."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from distributed import Security

DESCRIPTORS = Path("/proc/self/fd")


class UnnamedSecurity(Security):
    """`distributed.Security` whose certificate and key, given as text, stay in memory.

    Dask writes them into a temporary folder for the moment in which OpenSSL reads them. So it
    still does where the system has no files without a name.
    """

    def __init__(self, certificate: str, key: str) -> None:
        roles = ("client", "scheduler", "worker")
        given = {"require_encryption": True, "tls_ca_file": certificate}
        given |= {f"tls_{role}_cert": certificate for role in roles}
        given |= {f"tls_{role}_key": key for role in roles}
        super().__init__(**given)  # type: ignore[no-untyped-call]
        self._texts = {"cert": certificate, "key": key}

    def get_connection_args(self, role: str) -> dict[str, Any]:
        """What Dask connects with."""
        with self._readable(role) as security:
            made: dict[str, Any] = security.get_connection_args(role)
        return made

    def get_listen_args(self, role: str) -> dict[str, Any]:
        """What Dask listens with."""
        with self._readable(role) as security:
            made: dict[str, Any] = security.get_listen_args(role)
        return made

    @contextmanager
    def _readable(self, role: str) -> Iterator[Security]:
        """The same with paths that lead to memory, within the block."""
        texts = self._texts
        with ExitStack() as stack:
            if hasattr(os, "memfd_create") and DESCRIPTORS.is_dir():
                opened = {name: _in_memory(text) for name, text in texts.items()}
                texts = {name: stack.enter_context(one) for name, one in opened.items()}
            paths = {f"tls_{role}_{name}": text for name, text in texts.items()}
            authority = self._texts["cert"]
            yield Security(require_encryption=True, tls_ca_file=authority, **paths)


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """The path of a file in memory that only this process reaches."""
    descriptor = os.memfd_create("cairo")
    try:
        os.write(descriptor, text.encode())
        yield str(DESCRIPTORS / str(descriptor))
    finally:
        os.close(descriptor)
