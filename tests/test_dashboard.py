"""Dask's dashboard is there when somebody looks, and costs nothing before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cairo.workers import cluster
from cairo.workers.settings import DaskSettings
from tests.devtools import browser, needs_browser

LOOKS = """
import http.client, sys
from urllib.parse import urlsplit

from cairo.workers import cluster
from cairo.workers.settings import DaskSettings

def answer(host, path):
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("GET", path)
    got = connection.getresponse()
    return got.status, got.getheader("Location"), got.read().decode()

if __name__ == "__main__":
    processes, first = sys.argv[1] == "processes", sys.argv[2]
    settings = DaskSettings(processes=processes, n_workers=1, dashboard_address="127.0.0.1:0")
    notes = []
    with cluster.connected(settings, cluster.sizing(settings, None, 10), notes.append) as client:
        assert client.submit(sum, (1, 2)).result() == 3
        print("bokeh" in sys.modules)
        host = urlsplit(notes[0].split()[1]).netloc
        status, place, _ = answer(host, first)
        print(status, place)
        status, _, page = answer(host, "/status")
        print(status, "bokeh" in page.lower())
        print(*answer(host, "/")[:2])
        print(answer(host, "/no-such-page")[0])
"""


@pytest.mark.parametrize("workers", ["processes", "threads"])
@pytest.mark.parametrize(
    ("first", "place"),
    [
        ("/status", "/status"),
        ("/", "/"),
        ("/individual-progress?a=1", "/individual-progress?a=1"),
        # With two slashes the browser would be sent to another host.
        ("//example.org/status", "/example.org/status"),
        ("/\\example.org", "/example.org"),
    ],
)
def test_a_dashboard_is_built_for_the_first_page_asked_for(
    workers: str, first: str, place: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOKS, workers, first], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["False", f"302 {place}", "200 True", "301 /status", "404"]


@needs_browser
def test_a_browser_that_comes_first_is_shown_each_task(tmp_path: Path) -> None:
    settings = DaskSettings(processes=True, n_workers=2, dashboard_address="127.0.0.1:0")
    notes: list[str] = []
    with (
        cluster.connected(settings, cluster.sizing(settings, None, 10), notes.append) as client,
        browser(tmp_path) as page,
    ):
        page.open(notes[0].split()[1], ready="Bokeh.documents[0].roots().length > 0")
        client.gather(client.map(abs, range(7), pure=False))
        # What is drawn comes by a connection of the page's own.
        stream = "Bokeh.documents[0].roots().find((one) => one.name === 'task_stream')"
        page.wait(f"{stream}.renderers[0].data_source.data.start.length === 7")
