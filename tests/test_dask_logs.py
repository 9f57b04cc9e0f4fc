"""A dashboard whose port is taken has another, and a command says no more than where it is."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import warnings
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from distributed.node import ServerNode
from tornado.locks import Event

from cairo.errors import ScenarioError
from cairo.scenario.run_settings import validated
from cairo.workers import dask_logs
from cairo.workers.own_cluster import _free_dashboard
from tests.test_number_texts import SETTINGS


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of this machine on which somebody listens."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        yield busy.getsockname()[1]


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    """A command sets the levels of loggers for good."""
    loggers = [logging.getLogger(name) for name in (*dask_logs.LOGGERS, "asyncio")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


class Node(ServerNode):
    """As little of one of Dask's servers as opens a dashboard."""

    services: ClassVar[dict[str, Any]] = {}


async def _opened(port: int) -> int:
    node = Node({})
    node.start_http_server([], f"127.0.0.1:{port}")
    node.http_server.stop()
    return node.http_server.port


def said_of(port: int) -> list[str]:
    """What Dask warns of when it opens a dashboard on a port that is taken."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        with dask_logs.quiet():
            assert asyncio.run(_opened(port)) != port
        other = UserWarning("Port 1 of a ship")
        warnings.warn(other, stacklevel=1)
    texts = [str(one.message) for one in caught if one.category is UserWarning]
    assert texts.pop() == str(other)
    return [text.splitlines()[0] for text in texts]


@pytest.mark.parametrize("command", [True, False], ids=["command", "caller"])
def test_dasks_warning_of_a_taken_port_is_not_shown_in_a_command(
    monkeypatch: pytest.MonkeyPatch, taken: int, command: bool
) -> None:
    monkeypatch.setattr(dask_logs, "is_command", lambda: command)
    assert said_of(taken) == ([] if command else [f"Port {taken} is already in use."])


def test_a_second_dashboard_takes_any_free_port_of_its_host(taken: int) -> None:
    assert _free_dashboard(f"127.0.0.1:{taken}") == "127.0.0.1:0"
    assert _free_dashboard(f":{taken}") == "127.0.0.1:0"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert _free_dashboard(f"127.0.0.1:{free}") == f"127.0.0.1:{free}"
    assert _free_dashboard(None) is None


@pytest.mark.parametrize("address", ["127.0.0.1:x", "99999", "127.0.0.1", "127.0.0.1:87_87", ":-1"])
def test_a_dashboards_address_without_a_port_is_refused_by_its_key(address: str) -> None:
    with pytest.raises(
        ScenarioError, match=r"key dask\.dashboard_address is .* expected host:port"
    ):
        validated(SETTINGS | {"dask": {"dashboard_address": address}}, "run r")


def test_addresses_with_a_port_are_settings() -> None:
    for address in ("127.0.0.1:0", ":8787", "8787", "[::1]:8787", "", None):
        found = validated(SETTINGS | {"dask": {"dashboard_address": address}}, "run r")
        assert found.dask.dashboard_address == address


async def _lost(seconds: float) -> None:
    """Wait for an event with a time limit, as Dask's senders do, and never look at how it ended."""
    waited = Event().wait(timedelta(seconds=seconds))
    await asyncio.sleep(2 * seconds)
    del waited


async def _forgotten(error: Exception) -> None:
    asyncio.get_running_loop().create_future().set_exception(error)


@pytest.mark.parametrize(
    ("work", "told"),
    [(_lost(0.01), 0), (_forgotten(ValueError("of a caller")), 1), (_forgotten(TimeoutError()), 1)],
    ids=["Dask's", "any", "a caller's own time limit"],
)
def test_of_futures_whose_errors_nobody_saw_those_of_dasks_senders_are_silent(
    caplog: pytest.LogCaptureFixture, work: Coroutine[Any, Any, None], told: int
) -> None:
    with dask_logs.quiet():
        asyncio.run(work)
        gc.collect()
    assert len(caplog.records) == told
    assert logging.getLogger("asyncio").filters == []
