"""Fixtures of all tests: real data, Hypothesis profiles, slow modules, one cluster, demos."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS, Demo, contents, make_demo

settings.register_profile(
    "default",
    max_examples=int(os.environ.get("CAIRO_HYPOTHESIS_EXAMPLES", "15")),
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("fast", settings.get_profile("default"), max_examples=5)
settings.load_profile("default")

SLOW = {
    "test_backends",
    "test_benchmarks",
    "test_clusters",
    "test_clusters_guide",
    "test_docs",
    "test_durable",
    "test_examples",
    "test_explore",
    "test_faults",
    "test_hung_disk",
    "test_other_users",
    "test_planted_modules",
    "test_refused_by_the_system",
    "test_remote_data",
    "test_report",
    "test_report_comparison",
    "test_report_looks",
    "test_security",
    "test_signals",
    "test_spreadsheet",
    "test_stopping",
    "test_study",
    "test_study_ends",
    "test_surroundings",
    "test_terminal",
    "test_waiting",
}
"""Modules of real processes, servers, browsers and builds: most of the suite's time. Tests
elsewhere that take about a second are marked one by one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `nox -s fast` leaves out."""
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)


# A shell's background job ignores Ctrl-C, and `nohup` the end of the terminal. So would the
# processes that tests interrupt; a handler here is not handed on to them.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, lambda *_: None),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real homes, tariffs and prices; tests that need it are skipped without."""
    folder = os.environ.get("CAIRO_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("CAIRO_REAL_DATA names no folder of real data")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def client() -> Iterator[object]:
    """A client of a LocalCluster with two real worker processes, shared by the session."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster, set_as_default=False) as connected,
    ):
        yield connected


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo to copy from, of as many homes as its module's `HOMES` says."""
    homes = getattr(request.module, "HOMES", 9)
    return make_demo(tmp_path_factory.mktemp("source") / "demo", homes)


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    """A copy of the module's demo, to change."""
    return Demo(source, tmp_path / "demo")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The `cairo` command in this process."""
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run of the module's demo writes, made in this process."""
    copy = Demo(source, tmp_path_factory.mktemp("expected") / "demo")
    copy.settings(IN_PROCESS)
    return contents(copy.run())
