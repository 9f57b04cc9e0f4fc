"""Inputs behind `s3://`, read from a real S3-protocol server: same bytes, clear errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import s3fs

import cairo
from cairo.errors import CairoError, LoadError
from cairo.files.load_file import LoadFileReader
from cairo.files.pack import pack
from cairo.rates_tool.lookups import HOURS, TOTAL_COLUMN
from cairo.runs.demo import LOADS, METADATA
from tests.s3_server import OWNER, REGION, S3Server, s3_server
from tests.whole_runs import IN_PROCESS, Demo, contents

BUCKET = "stock"
OPEN_BUCKET = "open-stock"
CONFIG = f"s3://{BUCKET}/rates"
REMOTE_LOADS = f"s3://{BUCKET}/{LOADS}"
MAP = "rates/tariff_maps/electric/hp_tou_vs_flat.csv"
PROCESSES = {"processes": True, "n_workers": 2, "partition_buildings": 2, "dashboard_address": None}


@pytest.fixture(scope="module")
def server(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("server")) as running:
        running.upload(source, BUCKET)
        running.upload(source, OPEN_BUCKET, ACL="public-read")
        yield running


def remote_run(demo: Demo, options: dict[str, Any], config: str = CONFIG, **change: Any) -> Path:
    """The demo's run with every input in a bucket; only the scenario file is here."""
    demo.settings(IN_PROCESS | {"storage_options": options} | change)
    return demo.run(config_dir=config)


def error_of(demo: Demo, options: dict[str, Any], **change: Any) -> str:
    """The one line a run fails with; nothing is left behind."""
    with pytest.raises(CairoError) as caught:
        remote_run(demo, options, **change)
    assert "\n" not in str(caught.value)
    outputs = demo.folder / "outputs"
    assert not outputs.exists() or not list(outputs.iterdir())
    return str(caught.value)


def test_a_run_from_s3_gives_the_bytes_of_the_local_run(
    demo: Demo, server: S3Server, expected: dict[str, bytes]
) -> None:
    assert contents(remote_run(demo, server.options())) == expected


def test_secrets_are_used_but_never_written(demo: Demo, server: S3Server) -> None:
    options = server.options("a-key-id", "a-secret-value") | {
        "client_kwargs": {"region_name": REGION, "aws_session_token": "a-session-token"}
    }
    place = remote_run(demo, options)
    written = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    for secret in (b"a-key-id", b"a-secret-value", b"a-session-token"):
        assert secret not in written
    recorded = json.loads((place / "run.json").read_text())["settings"]["storage_options"]
    assert recorded["endpoint_url"] == server.url
    assert recorded["client_kwargs"]["region_name"] == REGION


def test_remote_inputs_have_the_fingerprints_of_local_ones(demo: Demo, server: S3Server) -> None:
    demo.settings(IN_PROCESS)
    local = json.loads((demo.run() / "run.json").read_text())
    remote = json.loads((remote_run(demo, server.options()) / "run.json").read_text())
    digests = [sorted(record["inputs"].values()) for record in (local, remote)]
    assert digests[0] == digests[1]
    assert sum(digest.startswith("listing ") for digest in digests[0]) == 1
    assert local["loads_read"] == remote["loads_read"]


def test_pandas_reads_s3_as_well(demo: Demo, server: S3Server) -> None:
    demo.settings({"backend": "pandas", "process_workers": 1})
    local = contents(demo.run())
    remote = remote_run(demo, server.options(), backend="pandas", process_workers=1)
    assert contents(remote) == local


def test_load_files_are_read_by_the_worker_processes(
    demo: Demo, server: S3Server, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    here: list[str] = []
    fetch = s3fs.core.S3File._fetch_range

    def noting(self: Any, start: int, end: int) -> bytes:
        here.append(self.path)
        return fetch(self, start, end)

    monkeypatch.setattr(s3fs.core.S3File, "_fetch_range", noting)
    since = len(server.log.read_text())
    assert contents(remote_run(demo, server.options(), dask=PROCESSES)) == expected
    loads = {f"{BUCKET}/{LOADS}/{path.name}" for path in demo.loads.iterdir()}
    assert loads <= set(server.got(since))
    assert not loads & set(here)
    assert f"{BUCKET}/{METADATA}" in here


def test_an_open_bucket_is_read_without_a_key(
    demo: Demo, server: S3Server, expected: dict[str, bytes]
) -> None:
    place = remote_run(demo, server.anonymous(), f"s3://{OPEN_BUCKET}/rates")
    assert contents(place) == expected


def test_a_private_object_is_not_read_without_a_key(demo: Demo, server: S3Server) -> None:
    bldg_id = int(next(demo.loads.iterdir()).name.split("-")[0])
    server.client().put_object_acl(Bucket=BUCKET, Key=f"{LOADS}/{bldg_id}-0.parquet", ACL="private")
    url = f"{REMOTE_LOADS}/{bldg_id}-0.parquet"
    with pytest.raises(LoadError, match=f"load file {url} cannot be read: access denied"):
        LoadFileReader(["total"], server.anonymous()).read(url, bldg_id)


def allow(*actions: str, on: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": f"arn:aws:s3:::{on}"}


def deny(action: str, on: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": f"arn:aws:s3:::{on}"}


def test_a_reader_with_a_key_of_its_own_may_run(
    demo: Demo, server: S3Server, expected: dict[str, bytes]
) -> None:
    options = server.user("reader", [allow("s3:GetObject", "s3:ListBucket")])
    with server.enforcing():
        assert contents(remote_run(demo, options)) == expected


def test_a_tariff_map_one_may_not_read_is_named(demo: Demo, server: S3Server) -> None:
    options = server.user("no-map", [allow("s3:*"), deny("s3:GetObject", f"{BUCKET}/{MAP}")])
    with server.enforcing():
        text = error_of(demo, options)
    assert f"tariff map s3://{BUCKET}/{MAP} cannot be read" in text
    assert "denied" in text.lower() or "forbidden" in text.lower()


def test_a_load_file_one_may_not_read_is_named_by_the_worker(demo: Demo, server: S3Server) -> None:
    name = sorted(path.name for path in demo.loads.iterdir())[4]
    options = server.user(
        "no-loads", [allow("s3:*"), deny("s3:GetObject", f"{BUCKET}/{LOADS}/{name}")]
    )
    with server.enforcing():
        text = error_of(demo, options, dask=PROCESSES)
    assert f"load file {REMOTE_LOADS}/{name} cannot be read: access denied" in text


def test_a_load_folder_one_may_not_list_is_named(server: S3Server) -> None:
    options = server.user("no-list", [allow("s3:GetObject")])
    with (
        server.enforcing(),
        pytest.raises(LoadError, match=f"load folder {REMOTE_LOADS} cannot be read: access denied"),
    ):
        cairo.read_loads(REMOTE_LOADS, storage_options=options)


def test_an_unknown_key_is_one_line(demo: Demo, server: S3Server) -> None:
    with server.enforcing(), pytest.raises(CairoError) as caught:
        cairo.read_loads(REMOTE_LOADS, storage_options=server.options("nobody", "nothing"))
    assert REMOTE_LOADS in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("path_tariff_maps_electric", "tariff map"),
        ("path_supply_energy_mc", ""),
        ("path_resstock_metadata", "metadata file"),
        ("utility_revenue_requirement", "revenue requirement file"),
        ("path_resstock_loads", "load folder"),
    ],
)
def test_a_missing_object_is_named(demo: Demo, server: S3Server, key: str, what: str) -> None:
    url = f"s3://{BUCKET}/gone/file.parquet"
    text = error_of(demo, server.options(), **{key: url})
    assert f"{what} {url} does not exist" in text


def test_a_missing_bucket_is_named(server: S3Server) -> None:
    url = f"s3://no-such-bucket/{LOADS}"
    with pytest.raises(LoadError, match=f"load folder {url} does not exist"):
        cairo.read_loads(url, storage_options=server.options())


def test_a_load_object_that_is_gone_or_broken_is_named(server: S3Server) -> None:
    gone, broken = (f"s3://{BUCKET}/bad/{name}-0.parquet" for name in (7, 8))
    server.client().put_object(Bucket=BUCKET, Key="bad/8-0.parquet", Body=b"garbage" * 100)
    reader = LoadFileReader(["total"], server.options())
    with pytest.raises(LoadError, match=f"load file {gone} does not exist"):
        reader.read(gone, 7)
    with pytest.raises(LoadError, match=f"load file {broken} cannot be read"):
        reader.read(broken, 8)


def test_homes_without_an_object_are_listed(demo: Demo, server: S3Server) -> None:
    ids = [int(path.name.split("-")[0]) for path in demo.loads.iterdir()]
    with pytest.raises(LoadError, match=r"no load file in s3://.* for 2 buildings: 1, 2"):
        cairo.read_loads(REMOTE_LOADS, [*ids, 1, 2], storage_options=server.options())


def test_read_loads_of_s3_is_lazy_and_equal_to_the_local_frame(
    source: Path, server: S3Server
) -> None:
    since = len(server.log.read_text())
    remote = cairo.read_loads(REMOTE_LOADS, target_year=2025, storage_options=server.options())
    assert not [name for name in server.got(since) if name.endswith(".parquet")]
    local = cairo.read_loads(source / LOADS, target_year=2025)
    pd.testing.assert_frame_equal(remote.compute(), local.compute(), check_exact=True)


def test_of_an_object_of_many_columns_only_the_ones_read_are_fetched(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    others = {f"out.use{i}": rng.random(4 * HOURS) for i in range(30)}
    end = np.datetime64("2018-01-01T00:15", "us") + np.arange(4 * HOURS) * np.timedelta64(15, "m")
    columns = {"timestamp": end, TOTAL_COLUMN: rng.random(4 * HOURS)} | others
    path = tmp_path / "many" / "7-0.parquet"
    path.parent.mkdir()
    pd.DataFrame(columns).to_parquet(path, index=False)
    server.upload(path.parent, "many")
    fetched: list[int] = []
    fetch = s3fs.core.S3File._fetch_range

    def counting(self: Any, start: int, end: int) -> bytes:
        fetched.append(end - start)
        return fetch(self, start, end)

    monkeypatch.setattr(s3fs.core.S3File, "_fetch_range", counting)
    loads = LoadFileReader(["total"], server.options()).read("s3://many/7-0.parquet", 7)
    assert loads.values["total"].sum() == pytest.approx(columns[TOTAL_COLUMN].sum())
    # Stamps and one column of thirty-two, besides what is read ahead.
    assert sum(fetched) < path.stat().st_size / 4


def packed_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def test_a_stock_packed_from_s3_is_the_stock_packed_here(
    source: Path, server: S3Server, tmp_path: Path
) -> None:
    local = pack(source / LOADS, tmp_path / "local")
    remote = pack(REMOTE_LOADS, tmp_path / "remote", storage_options=server.options())
    assert packed_bytes(remote) == packed_bytes(local) != {}


def pack_command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "cairo", "pack", *arguments],
        env=clean | environ,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_pack_command_reads_s3_with_the_environments_key(
    source: Path, server: S3Server, tmp_path: Path
) -> None:
    done = pack_command(
        REMOTE_LOADS,
        str(tmp_path / "packed"),
        AWS_ACCESS_KEY_ID=OWNER[0],
        AWS_SECRET_ACCESS_KEY=OWNER[1],
        AWS_DEFAULT_REGION=REGION,
        AWS_ENDPOINT_URL=server.url,
    )
    assert done.returncode == 0, done.stderr
    local = pack(source / LOADS, tmp_path / "local")
    assert packed_bytes(tmp_path / "packed") == packed_bytes(local)


def test_the_pack_command_reads_an_open_bucket_without_a_key(
    source: Path, server: S3Server, tmp_path: Path
) -> None:
    options = json.dumps(server.anonymous())
    url = f"s3://{OPEN_BUCKET}/{LOADS}"
    done = pack_command(url, str(tmp_path / "packed"), "--storage-options", options)
    assert done.returncode == 0, done.stderr
    local = pack(source / LOADS, tmp_path / "local")
    assert packed_bytes(tmp_path / "packed") == packed_bytes(local)


@pytest.mark.parametrize("text", ["anon", "[1]", "{"])
def test_storage_options_that_are_no_mapping_are_a_usage_error(tmp_path: Path, text: str) -> None:
    done = pack_command("s3://x/y", str(tmp_path / "packed"), "--storage-options", text)
    assert done.returncode == 2
    assert "expected a JSON object" in " ".join(done.stderr.replace("│", " ").split())
