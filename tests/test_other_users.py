"""Another user of the same machine, who is really another: what that user can reach of a run."""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client, Security

from cairo.workers import cluster, own_cluster
from cairo.workers.certificates import own_security
from cairo.workers.settings import DaskSettings
from tests.cairo_process import TWO_PROCESSES

NOBODY = 65534
LOOPBACK = "127.0.0.1"

INTRUDER = """
import sys
from distributed import Client, Security
address, path, kind = sys.argv[1:4]
security = Security.temporary() if kind == "own certificates" else None
if kind == "without":
    address = address.replace("tls://", "tcp://")
def read():
    return open(path).read()
try:
    with Client(address, security=security, timeout=3, set_as_default=False) as client:
        print("READ", client.submit(read).result(timeout=5), client.run_on_scheduler(read))
except BaseException as error:
    print("refused", type(error).__name__)
"""


@pytest.fixture(scope="module")
def connected() -> Iterator[Client]:
    settings = DaskSettings(**TWO_PROCESSES["dask"] | {"dashboard_address": f"{LOOPBACK}:0"})
    with cluster.connected(settings, cluster.sizing(settings, None, 10)) as client:
        yield client


def as_nobody(program: str, *arguments: str) -> str:
    """What a program prints that another user runs."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("becoming another user needs root and setpriv")
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    environ = {"PATH": os.environ["PATH"], "HOME": "/", "PYTHONPATH": ""}
    seen = subprocess.run(
        [*command, sys.executable, "-c", "import distributed"],
        env=environ, cwd="/", capture_output=True, check=False,
    )  # fmt: skip
    if seen.returncode:
        pytest.skip("another user cannot run this Python")
    done = subprocess.run(
        [*command, sys.executable, "-c", program, *arguments],
        env=environ, cwd="/", capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout


def servers(client: Client) -> list[str]:
    """Addresses of the scheduler, the workers and what looks after them."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    nannies = [worker["nanny"] for worker in workers.values()]
    return [client.scheduler.address, *workers, *nannies]


@pytest.mark.parametrize("kind", ["without", "own certificates", "tls without"])
def test_another_user_runs_no_code_on_a_local_cluster(
    connected: Client, tmp_path: Path, kind: str
) -> None:
    private = tmp_path / "private"
    private.write_text("mine alone")
    private.chmod(0o600)
    said = as_nobody(INTRUDER, connected.scheduler.address, str(private), kind)
    assert said.startswith("refused "), said
    assert connected.submit(private.read_text).result() == "mine alone"


def test_the_intruder_would_get_in_without_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_cluster, "own_security", lambda: None)
    private = tmp_path / "private"
    private.write_text("mine alone")
    private.chmod(0o600)
    settings = DaskSettings(**TWO_PROCESSES["dask"])
    with cluster.connected(settings, cluster.sizing(settings, None, 10)) as client:
        said = as_nobody(INTRUDER, client.scheduler.address, str(private), "without")
    assert said == "READ mine alone mine alone\n"


@pytest.mark.parametrize("security", [None, "stranger's"])
def test_every_server_of_a_local_cluster_wants_this_runs_certificate(
    connected: Client, security: str | None
) -> None:
    from distributed.core import connect

    async def answer(address: str, arguments: dict[str, Any]) -> object:
        comm = await connect(address, timeout=2, **arguments)
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            comm.abort()

    arguments = own_security().get_connection_args("client") if security else {}
    for address in servers(connected):
        assert address.startswith("tls://127.0.0.1:")
        for scheme in ("tls", "tcp"):
            to = address.replace("tls", scheme)
            if scheme == "tls" and security is None:
                continue  # Dask does not even try
            with pytest.raises(Exception) as caught:
                asyncio.run(asyncio.wait_for(answer(to, arguments), 10))
            assert not isinstance(caught.value, AssertionError)


def test_no_two_runs_have_the_same_key() -> None:
    one, two = own_security(), own_security()
    assert one.tls_worker_key != two.tls_worker_key
    assert isinstance(one, Security) and one.require_encryption


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Dask then uses a temporary folder")
def test_openssl_is_handed_the_key_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryDirectory", None)
    security = pickle.loads(pickle.dumps(own_security()))
    for role in ("client", "scheduler", "worker"):
        for made in (security.get_connection_args(role), security.get_listen_args(role)):
            assert made["require_encryption"]
            assert made["ssl_context"].verify_mode == ssl.CERT_REQUIRED


def test_the_key_is_in_no_file_and_on_no_command_line(connected: Client) -> None:
    key = connected.security.tls_client_key
    middle = key.splitlines()[1]
    here = psutil.Process()
    for process in [here, *here.children(recursive=True)]:
        assert middle not in " ".join(process.cmdline())
        assert middle not in "\0".join(process.environ().values())
    temporary = Path(connected.cluster.workers[0].local_directory)
    while temporary.name and not temporary.name.startswith(own_cluster.SCRATCH):
        temporary = temporary.parent
    assert temporary.name
    assert temporary.stat().st_mode & 0o077 == 0
    for path in temporary.rglob("*"):
        assert not path.is_file() or middle.encode() not in path.read_bytes()


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_web_servers_tell_no_code_logs_or_errors(connected: Client) -> None:
    info = connected.scheduler_info(n_workers=-1)
    scheduler = f"http://{LOOPBACK}:{info['services']['dashboard']}"
    assert status_of(f"{scheduler}/health") == 200
    worker = connected.scheduler.address.replace("tls://", "")
    for page in (
        "info/main/workers.html", "info/main/exceptions.html", "info/main/logs.html",
        f"info/logs/{worker}.html", f"info/call-stacks/{worker}.html", "metrics",
        f"proxy/{info['services']['dashboard']}/{LOOPBACK}/status", "api/v1/retire_workers",
    ):  # fmt: skip
        assert status_of(f"{scheduler}/{page}") == 404, page
    for one in info["workers"].values():
        own = f"http://{LOOPBACK}:{one['services']['dashboard']}"
        assert status_of(f"{own}/health") == 200
        assert status_of(f"{own}/metrics") == 404


@pytest.mark.parametrize(
    ("address", "said"),
    [("127.0.0.1:0", "users of this machine"), ("0.0.0.0:0", "all who reach this machine")],
)
def test_it_is_said_whom_the_dashboard_serves(address: str, said: str) -> None:
    notes: list[str] = []
    settings = DaskSettings(processes=False, n_workers=1, dashboard_address=address)
    with cluster.connected(settings, cluster.sizing(settings, None, 10), notes.append):
        pass
    assert [note.partition("(")[2] for note in notes] == [f"open to {said})"]
