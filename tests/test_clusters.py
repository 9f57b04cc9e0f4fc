"""Runs on clusters that others started: same bytes, and one line when they are no good."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import psutil
import pytest
from distributed import Client, LocalCluster
from distributed.versions import VersionMismatchWarning

import cairo
from cairo.errors import ClusterError
from cairo.files.pack import pack
from cairo.rates_tool.dd_stages import load_pass
from cairo.rates_tool.dd_stages.respond import _shift_partition
from cairo.rates_tool.dd_stages.sources import load_source
from cairo.rates_tool.dd_stages.stored_loads import read_partition
from cairo.rates_tool.dd_stages.summary import summarize_partition
from cairo.runs.demo import LOADS
from cairo.workers import cluster
from cairo.workers.patience import VARIABLE
from cairo.workers.settings import DaskSettings
from tests.dask_processes import ROOT, scheduler, tasks_run, worker
from tests.network_hosts import hosts
from tests.s3_server import unanswered_port
from tests.tls import certificates
from tests.whole_runs import Demo, contents


@pytest.fixture(scope="module")
def started_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Scheduler file of a scheduler with two workers."""
    with (
        scheduler(tmp_path_factory.mktemp("cluster")) as (_, file),
        worker(file, "one"),
        worker(file, "two"),
        Client(scheduler_file=str(file), set_as_default=False) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        yield file


def run_on(demo: Demo, **dask: Any) -> Path:
    demo.settings({"dask": {"partition_buildings": 1} | dask})
    return demo.run()


def error_of(demo: Demo, **dask: Any) -> str:
    """The line a run fails with, before anything is written."""
    with pytest.raises(ClusterError) as caught:
        run_on(demo, **dask)
    assert "\n" not in str(caught.value)
    outputs = demo.folder / "outputs"
    assert not outputs.exists() or not list(outputs.iterdir())
    return str(caught.value)


@pytest.mark.parametrize("key", ["scheduler_address", "scheduler_file"])
def test_an_existing_cluster_gives_the_bytes_of_a_local_run(
    demo: Demo, expected: dict[str, bytes], started_cluster: Path, key: str
) -> None:
    address = json.loads(started_cluster.read_text())["address"]
    where = {"scheduler_address": address, "scheduler_file": str(started_cluster)}
    with Client(address, set_as_default=False) as client:
        before = tasks_run(client)
        assert contents(run_on(demo, **{key: where[key]})) == expected
        # It was those workers, both of them, and they are there for the next run.
        after = tasks_run(client)
    assert set(after) == {"one", "two"}
    assert all(after[name] > before[name] for name in after)


def test_a_scheduler_file_is_relative_to_the_config_folder(
    demo: Demo, expected: dict[str, bytes], started_cluster: Path
) -> None:
    shutil.copy(started_cluster, demo.folder / "rates" / "mine.json")
    assert contents(run_on(demo, scheduler_file="mine.json")) == expected


def test_work_of_two_runs_at_once_on_one_cluster_is_not_mixed(
    demo: Demo, source: Path, tmp_path: Path, expected: dict[str, bytes], started_cluster: Path
) -> None:
    other = Demo(source, tmp_path / "other")
    settings = {"dask": {"partition_buildings": 2, "scheduler_file": str(started_cluster)}}
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    for one in (demo, other):
        one.settings(settings)
    other.settings({"floor_negative_net_load": False, "utility_tax_rate": 0.5})
    command = [sys.executable, "-m", "cairo", "run"]
    running = [
        subprocess.Popen(
            [*command, str(one.scenario), "demo_hp_tou_precalc"],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for one in (demo, other)
    ]
    places = [process.communicate(timeout=120)[0].strip() for process in running]
    assert contents(Path(places[0])) == expected
    assert contents(Path(places[1])) != expected


def test_no_scheduler_at_the_address_is_one_line(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)
    with unanswered_port() as port:
        address = f"tcp://127.0.0.1:{port}"
        text = error_of(demo, scheduler_address=address)
    assert text.startswith(f"cannot start or reach Dask at {address}: ")


@pytest.mark.parametrize("address", ["nonsense", "carrier-pigeon://127.0.0.1:1"])
def test_an_address_that_is_none_is_one_line(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)
    assert address in error_of(demo, scheduler_address=address)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(None, "does not exist", marks=pytest.mark.long),
        ("{", "holds no scheduler's address"),
        pytest.param("[]", "holds no scheduler", marks=pytest.mark.long),
    ],
)
def test_a_scheduler_file_that_is_no_good_is_named(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, text: str | None, problem: str
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    file = demo.folder / "scheduler.json"
    if text is not None:
        file.write_text(text)
    assert f"dask.scheduler_file {file} {problem}" in error_of(demo, scheduler_file=str(file))


def test_a_scheduler_file_whose_scheduler_is_gone_is_one_line(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)
    file = demo.folder / "scheduler.json"
    with unanswered_port() as port:
        file.write_text(json.dumps({"address": f"tcp://127.0.0.1:{port}"}))
        assert f"cannot start or reach Dask at {file}: " in error_of(demo, scheduler_file=str(file))


def test_a_cluster_without_workers_is_one_line(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with scheduler(tmp_path) as (_, file):
        text = error_of(demo, scheduler_file=str(file))
    assert "has had no worker for" in text


def other_package(folder: Path, kind: str) -> Path:
    """A folder that a worker imports another `cairo` from, or none."""
    package = folder / "packages" / "cairo"
    if kind == "none":
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise ModuleNotFoundError('No module named cairo')")
    else:
        shutil.copytree(ROOT / "cairo", package, ignore=shutil.ignore_patterns("__pycache__"))
        init = package / "__init__.py"
        init.write_text(init.read_text() + '\n__version__ = "0.0.1"\n')
    return package.parent


@pytest.mark.parametrize(("kind", "found"), [("none", "no cairo"), ("old", "0.0.1")])
def test_a_worker_with_another_version_is_refused(
    demo: Demo, tmp_path: Path, kind: str, found: str
) -> None:
    packages = other_package(tmp_path, kind)
    with scheduler(tmp_path) as (_, file), worker(file, kind, python_path=packages):
        text = error_of(demo, scheduler_file=str(file))
    assert f"has cairo {found}" in text
    assert f"this process {cairo.__version__}: install the same version on every worker" in text


def test_a_worker_with_another_version_of_a_package_is_warned_about(
    demo: Demo, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    packages = tmp_path / "packages"
    about = packages / "toolz-0.0.1.dist-info" / "METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: toolz\nVersion: 0.0.1\n")
    (packages / "cairo").symlink_to(ROOT / "cairo")
    with (
        scheduler(tmp_path) as (_, file),
        worker(file, "other", python_path=packages),
        Client(scheduler_file=str(file), set_as_default=False) as client,
    ):
        client.wait_for_workers(1, timeout=60)
        with pytest.warns(VersionMismatchWarning, match=r"toolz.*0\.0\.1"):
            assert contents(run_on(demo, scheduler_file=str(file))) == expected


class Killing:
    """Progress that kills the scheduler once a first partition is done."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def stage(self, name: str, total: int | None = None) -> None: ...

    def advance(self, n: int) -> None:
        self.process.kill()

    def note(self, text: str) -> None: ...

    def done(self) -> None: ...


def test_a_scheduler_lost_on_the_way_is_one_line(demo: Demo, tmp_path: Path) -> None:
    with scheduler(tmp_path) as (process, file), worker(file, "lost"):
        demo.settings({"dask": {"partition_buildings": 1, "scheduler_file": str(file)}})
        with pytest.raises(ClusterError, match="lost the Dask scheduler") as caught:
            demo.run(progress=Killing(process))
    assert "\n" not in str(caught.value)
    assert not list((demo.folder / "outputs").glob("*"))


def test_tls_is_used_when_asked_for_and_needed(
    demo: Demo, tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certificates(tmp_path)
    options = [
        text
        for name in ("ca_file", "cert", "key")
        for text in (f"--tls-{name.replace('_', '-')}", str(tls[name]))
    ]
    security = {name: str(path) for name, path in tls.items()}
    with (
        scheduler(tmp_path, options=["--protocol", "tls", *options]) as (_, file),
        worker(file, "secret", options=options),
    ):
        assert json.loads(file.read_text())["address"].startswith("tls://")
        place = run_on(demo, scheduler_file=str(file), security=security)
        assert contents(place) == expected
        shutil.rmtree(place)
        monkeypatch.setattr(cluster, "CONNECT_SECONDS", 2.0)
        assert str(file) in error_of(demo, scheduler_file=str(file))


class Recorded(LocalCluster):
    """A cluster class of somebody's own, which tells how it was used."""

    most: ClassVar[list[int]] = []

    def scale(self, n: int = 0, memory: Any = None, cores: Any = None) -> Any:
        Recorded.most.append(n)
        return super().scale(n)


IN_HERE = {
    "processes": False,
    "threads_per_worker": 1,
    "dashboard_address": "127.0.0.1:0",
}


def test_a_cluster_class_is_started_with_its_arguments(
    demo: Demo, expected: dict[str, bytes]
) -> None:
    of_class = {"class": "distributed.LocalCluster", "kwargs": IN_HERE | {"n_workers": 2}}
    assert contents(run_on(demo, cluster=of_class)) == expected


def test_a_cluster_class_is_scaled_to_the_workers_asked_for(
    demo: Demo, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorded, "most", [])
    kwargs = IN_HERE | {"n_workers": 0}
    of_class = {"class": f"{__name__}.Recorded", "kwargs": kwargs, "n_workers": 3}
    assert contents(run_on(demo, cluster=of_class)) == expected
    assert Recorded.most[0] == 3


@pytest.mark.parametrize(
    ("of_class", "problem"),
    [
        ({"class": "no_such_package.Cluster"}, "dask.cluster.class no_such_package.Cluster cannot"),
        ({"class": "distributed.NoCluster"}, "dask.cluster.class distributed.NoCluster cannot"),
        ({"class": "distributed.LocalCluster", "kwargs": {"flavour": 1}}, "flavour"),
        ({"class": "distributed.LocalCluster", "kwargs": IN_HERE | {"n_workers": 0}}, "no worker"),
    ],
)
def test_a_cluster_class_that_does_not_start_is_one_line(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, of_class: dict[str, Any], problem: str
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    assert problem in error_of(demo, cluster=of_class)


def test_several_hosts_give_the_bytes_of_a_local_run(
    demo: Demo, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    with ExitStack() as stack:
        first, *others = stack.enter_context(hosts(3))
        inside = ["ip", "netns", "exec"]
        _, file = stack.enter_context(scheduler(tmp_path, first[1], [*inside, first[0]]))
        for name, address in others:
            stack.enter_context(worker(file, name, address, [*inside, name]))
        address = json.loads(file.read_text())["address"]
        assert address.startswith(f"tcp://{first[1]}:")
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            assert contents(run_on(demo, scheduler_address=address)) == expected
            workers = client.scheduler_info(n_workers=-1)["workers"]
            assert {info["host"] for info in workers.values()} == {at for _, at in others}
            assert all(count > 0 for count in tasks_run(client).values())


FIRST_TASK = """
import importlib, pickle, sys
from cairo.workers.worker_processes import PRELOADED
for name in PRELOADED:
    importlib.import_module(name)
forked = set(sys.modules)
read, part, summarize, measures, *others = pickle.load(sys.stdin.buffer)
summarize(read(part, measures.columns), measures)
print(sorted(name for name in set(sys.modules) - forked if name.startswith("cairo")))
"""


@pytest.mark.parametrize("packed", [False, True])
def test_what_a_task_needs_is_imported_before_workers_are_forked(
    demo: Demo, tmp_path: Path, packed: bool
) -> None:
    loads = demo.folder / LOADS
    source = load_source(pack(loads, tmp_path / "packed") if packed else loads)
    plan = load_pass.demand_plan(pd.DataFrame({"bldg_id": source.bldg_ids, "weight": 1.0}))
    (part, *_) = source.partitions(1)
    task = (read_partition, part, summarize_partition, plan.measures, _shift_partition)
    done = subprocess.run(
        [sys.executable, "-c", FIRST_TASK],
        input=pickle.dumps(task),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="done on Linux alone")
def test_the_systems_certificates_are_read_before_workers_are_forked() -> None:
    code = (
        "import ssl; load, read = ssl.SSLContext.set_default_verify_paths, []; "
        "ssl.SSLContext.set_default_verify_paths = lambda self: read.append(load(self)); "
        "import cairo.workers.worker_start; from tornado.iostream import SSLIOStream; "
        "before = len(read)\n"
        "try: SSLIOStream(None, ssl_options=None)\n"
        "except AttributeError: print(before, len(read))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before == after > 0


@pytest.mark.parametrize("processes", [True, False])
@pytest.mark.parametrize("dashboard", ["127.0.0.1:0", None])
def test_a_local_cluster_listens_on_this_machine_alone(
    processes: bool, dashboard: str | None
) -> None:
    settings = DaskSettings(processes=processes, n_workers=2, dashboard_address=dashboard)
    here = psutil.Process()

    def listening() -> set[tuple[str, int]]:
        """(address, port) that this process and its children accept connections at."""
        connections = [
            at for one in [here, *here.children(True)] for at in one.net_connections("tcp")
        ]
        return {tuple(at.laddr) for at in connections if at.status == psutil.CONN_LISTEN}

    before = listening()
    with cluster.connected(settings, cluster.sizing(settings, None, 10)):
        opened = listening() - before
    assert opened
    assert {address for address, _ in opened} == {"127.0.0.1"}
