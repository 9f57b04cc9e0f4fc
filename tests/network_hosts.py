"""Several hosts on one machine: network namespaces joined by a bridge."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@contextmanager
def hosts(count: int) -> Iterator[list[tuple[str, str]]]:
    """(namespace, address) of hosts on a network of their own with this one, which is x.x.x.1."""
    if shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    mark = f"{os.getpid() % 100000}"
    bridge, network = f"cbr{mark}", f"10.213.{os.getpid() % 250}"
    made: list[tuple[str, str]] = []
    with ExitStack() as stack:

        def cleaned(*arguments: str) -> None:
            with suppress(subprocess.CalledProcessError):
                _ip(*arguments)

        try:
            stack.callback(cleaned, "link", "del", bridge)
            _ip("link", "add", bridge, "type", "bridge")
            _ip("addr", "add", f"{network}.1/24", "dev", bridge)
            _ip("link", "set", bridge, "up")
            for number in range(count):
                name, address = f"cairo{mark}n{number}", f"{network}.{number + 2}"
                outside = f"cv{mark}n{number}"
                stack.callback(cleaned, "netns", "del", name)
                _ip("netns", "add", name)
                stack.callback(cleaned, "link", "del", outside)
                _ip("link", "add", outside, "type", "veth", "peer", "eth0", "netns", name)
                _ip("link", "set", outside, "master", bridge, "up")
                _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
                _ip("-n", name, "link", "set", "eth0", "up")
                _ip("-n", name, "link", "set", "lo", "up")
                made.append((name, address))
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces cannot be made here: {error.stderr.strip()}")
        yield made
