"""What is secret stays out of `run.json` and of everything that is said of a run."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest

from cairo.errors import (
    CairoError,
    ClusterError,
    LoadError,
    TariffError,
    one_line,
    without_secrets,
)
from cairo.files.load_file import LoadFileReader
from cairo.files.price_files import read_prices
from cairo.files.reading import read_bytes
from cairo.files.recorded_options import CLUSTER, STORAGE, recorded_options, told, without_values
from cairo.files.short_tariff import is_short_form
from cairo.files.tariff_maps import tariff_key, tariff_place
from cairo.model.calendar import hour_stamps
from cairo.model.names import HOURS
from cairo.runs.demo import METADATA
from cairo.scenario.overrides import _label, override
from cairo.workers import cluster
from cairo.workers.settings import ClusterSettings, DaskSettings
from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS, RUN, Demo

HOMES = 6
SECRET = "TopSecret"
OPTIONS: dict[str, Any] = {
    "anon": True,
    "endpoint_url": f"https://{SECRET}:{SECRET}@store.example/?sig={SECRET}",
    "default_block_size": 5242880,
    "auth": f"{SECRET}",
    "pwd": SECRET,
    "signature": SECRET,
    "nobody_thought_of_it": SECRET,
    "headers": {"Authorization": f"Bearer {SECRET}", "region": SECRET, "X": [SECRET]},
    "cookies": {"session": SECRET},
    "client_kwargs": {
        "region_name": "eu-north-1",
        "endpoint_url": "http://127.0.0.1:9000",
        "headers": {"Authorization": SECRET},
        "auth": ["somebody", SECRET, {"deeper": [[SECRET]]}],
    },
    "config_kwargs": {"retries": {"max_attempts": 3}, "proxies": {"https": SECRET}},
    "s3": {"key": SECRET, "anon": False},
    "profiles": [{"name": "a", "value": SECRET}],
}
RECORDED = {
    "anon": True,
    "endpoint_url": "https://set@store.example/?sig=set",
    "default_block_size": 5242880,
    "auth": "set",
    "pwd": "set",
    "signature": "set",
    "nobody_thought_of_it": "set",
    "headers": {"Authorization": "set", "region": "set", "X": ["set"]},
    "cookies": {"session": "set"},
    "client_kwargs": {
        "region_name": "eu-north-1",
        "endpoint_url": "http://127.0.0.1:9000",
        "headers": {"Authorization": "set"},
        "auth": ["set", "set", {"deeper": [["set"]]}],
    },
    "config_kwargs": {"retries": {"max_attempts": 3}, "proxies": {"https": "set"}},
    "s3": {"key": "set", "anon": False},
    "profiles": [{"name": "set", "value": "set"}],
}


@pytest.mark.slow
def test_run_json_has_only_options_known_to_be_harmless(demo: Demo) -> None:
    arguments = {
        "cores": 4,
        "queue": "short",
        "env": {"AWS_SECRET_ACCESS_KEY": SECRET, "memory": SECRET},
        "job_script_prologue": [f"export TOKEN={SECRET}"],
    }
    dask = IN_PROCESS["dask"] | {"cluster": {"class": "a.FarCluster", "kwargs": arguments}}
    demo.settings({"storage_options": OPTIONS, "dask": dask})
    place = demo.run(backend="pandas")
    for path in place.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    settings = json.loads((place / "run.json").read_text())["settings"]
    assert settings["storage_options"] == RECORDED
    assert settings["dask"]["cluster"]["kwargs"] == {
        "cores": 4,
        "queue": "short",
        "env": {"AWS_SECRET_ACCESS_KEY": "set", "memory": "set"},
        "job_script_prologue": ["set"],
    }


def test_run_json_tells_no_password_of_an_inputs_url(demo: Demo) -> None:
    stored = (demo.folder / METADATA).read_bytes()
    fsspec = pytest.importorskip("fsspec")
    place = f"{SECRET}:{SECRET}@store/metadata.parquet"
    fsspec.filesystem("memory").pipe_file(f"/{place}", stored)
    demo.settings(IN_PROCESS | {"path_resstock_metadata": f"memory://{place}"})
    run = json.loads((demo.run() / "run.json").read_text())
    assert SECRET not in json.dumps(run)
    assert run["settings"]["path_resstock_metadata"] == "memory://set@store/metadata.parquet"
    assert "memory://set@store/metadata.parquet" in run["inputs"]


URLS = {
    "https://user:Top@host/a": "https://set@host/a",
    "https://user:To@p@host:80/a": "https://set@host:80/a",
    "https://user:T/op@host/a": "https://set@host/a",
    "https://user:T?o#p@host/a": "https://set@host/a",
    "https://Top@host/a": "https://set@host/a",
    "s3://Top:Top@bucket/a": "s3://set@bucket/a",
    "s3:/Top:Top@bucket/a": "s3:/set@bucket/a",
    "https://host/a?X-Amz-Signature=Top&X-Amz-Expires=60": (
        "https://host/a?X-Amz-Signature=set&X-Amz-Expires=60"
    ),
    "https://host/a?sv=1&sig=To%3Dp:p": "https://host/a?sv=set&sig=set",
    "https://host/a?Top": "https://host/a?set",
    "https://host/a#access_token=Top": "https://host/a#access_token=set",
    "zip://b.json::https://user:Top@host/a.zip?sig=Top": "zip://b.json::https://set@host/a.zip?sig=set",
    "https://host:8080/a@b": "https://host:8080/a@b",
    "s3://bucket/a@b/c#1?": "s3://bucket/a@b/c#1?",
    "abfs://container@account.example/a": "abfs://container@account.example/a",
    "zip://b.csv::s3://bucket/a@b": "zip://b.csv::s3://bucket/a@b",
    "tcp://127.0.0.1:8786": "tcp://127.0.0.1:8786",
    "/here/a?b=1@c#d": "/here/a?b=1@c#d",
}


@pytest.mark.parametrize(("url", "open_url"), URLS.items())
def test_a_url_tells_no_user_password_or_signature(url: str, open_url: str) -> None:
    assert without_secrets(url) == open_url
    assert without_secrets(open_url) == open_url
    error = CairoError(f"file {url} is not there, {url} is not there")
    assert str(error) == f"file {open_url} is not there, {open_url} is not there"
    assert "Top" not in repr(error)


def test_an_input_behind_a_url_with_a_password_is_named_without_it(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://user:{SECRET}@127.0.0.1:9/stock?sig={SECRET}"
    demo.settings(IN_PROCESS | {"path_resstock_metadata": url, "path_resstock_loads": url})
    for name in ("check", "run"):
        ended = Command(monkeypatch, capsys)(name, demo.scenario, RUN)
        assert ended.code == 2
        assert "http://set@127.0.0.1:9/stock?sig=set" in " ".join(ended.errors)
        assert SECRET not in ended.output + " ".join(ended.errors)


def test_other_packages_errors_do_not_quote_options() -> None:
    options = {"auth": SECRET, "headers": {"list": [SECRET]}}
    with pytest.raises(TariffError) as caught:
        read_bytes("memory://a/b", {"no_such": SECRET} | options, TariffError, "tariff map")
    assert SECRET not in str(caught.value)
    with pytest.raises(LoadError) as refused:
        LoadFileReader(("total",), options).read(f"nowhere://{SECRET}@here/1-0.parquet", 1)
    assert SECRET not in str(refused.value)
    assert without_values(f"bad {SECRET}!", options, frozenset()) == "bad set!"


SPELT = {
    "both quotes and a slash": "it's\\To\"p",
    "spaces": "To  p of\tall",
    "a URL's marks": "p@ss/w?rd&To p",
    "letters of other scripts": "Töp\nsecret",
    "a number": 20_481_024,
    "a fraction": 2048.1024,
    "bytes": b"To\x00pSecret",
}


@pytest.mark.parametrize("kind", SPELT)
@pytest.mark.parametrize("spell", [repr, json.dumps, quote, "{0!r}".format, "{0}".format])
def test_a_secret_is_not_quoted_however_it_is_spelt(
    kind: str, spell: Callable[[object], str]
) -> None:
    secret = SPELT[kind]
    given = {"auth": secret, "anon": True}
    if isinstance(secret, bytes) and spell is json.dumps:
        pytest.skip("JSON has no bytes")
    spelt = spell(str(secret) if spell is quote and not isinstance(secret, bytes) else secret)
    for text in (f"refused {spelt} here", f"refused {given!r} here"):
        said = told(RuntimeError(text), given, STORAGE)
        assert said.startswith("refused ") and said.endswith(" here")
        assert not [part for part in ("To", "p@ss", "2048", "secret", "Secret") if part in said]


def test_half_of_a_secret_at_the_end_of_a_cut_line_is_not_told() -> None:
    for length in range(150, 201):
        cause = RuntimeError(f"{'x' * length} {SECRET} https://me:{SECRET}@host/")
        assert "Top" not in told(cause, {"auth": SECRET}, STORAGE)
        assert "Top" not in one_line(RuntimeError(f"{'x' * length} https://me:{SECRET}@host/"))


@pytest.mark.slow
def test_keys_of_other_tools_are_recorded_without_what_they_hold(demo: Demo) -> None:
    demo.settings(IN_PROCESS | {
        "upgrade": "00",
        "warehouse": {"user": SECRET, "hosts": [SECRET, {"token": SECRET}], "pin": 1234},
        "not_used": {"fair_default": {"of": SECRET}, "note": SECRET},
    })  # fmt: skip
    place = demo.run(backend="pandas")
    text = (place / "run.json").read_text()
    assert SECRET not in text
    assert json.loads(text)["settings"]["not_used"] == {
        "upgrade": "00",
        "warehouse": {"user": "set", "hosts": ["set", {"token": "set"}], "pin": "set"},
        "fair_default": {"of": "set"},
        "note": "set",
    }


@pytest.mark.parametrize("secret", ["aaa.Top.ccc", "a/Top/c", "Top"])
def test_a_signature_is_in_no_name_of_a_tariff_or_run(secret: str) -> None:
    url = f"https://host/rates/flat.json?sig={secret}"
    assert tariff_key(url) == "flat"
    assert tariff_key("rates/what?.json") == "what?"
    assert _label(override("path_tariffs_electric.all=a/a.json,b/c.json"), url) == "all=flat"


@pytest.mark.parametrize("name", ["prices.csv", "prices.CSV.gz", "prices.parquet"])
def test_what_a_signed_url_leads_to_is_known_by_its_path(tmp_path: Path, name: str) -> None:
    fsspec = pytest.importorskip("fsspec")
    prices = pd.DataFrame({"timestamp": hour_stamps(2025), "a": np.arange(HOURS) / 1e3})
    write = prices.to_parquet if name.endswith("parquet") else prices.to_csv
    write(tmp_path / name.lower(), index=False)
    place = f"signed/{name}?sig={SECRET}/a.cambium"
    fsspec.filesystem("memory").pipe_file(f"/{place}", (tmp_path / name.lower()).read_bytes())
    read = read_prices(f"memory://{place}", ["a"], 2025)["a"].to_numpy()
    assert read.tolist() == prices["a"].tolist()


def test_a_tariff_behind_a_signed_url_is_known_by_its_path() -> None:
    assert is_short_form(f"https://host/flat.yaml?sig={SECRET}")
    assert not is_short_form("https://host/flat.json?file=a.yaml")
    file = f"https://host/all.json?sig={SECRET}"
    assert tariff_place(f"{file}#flat") == (file, "flat")
    assert tariff_place(file) == (file, None)


@pytest.mark.parametrize("key", ["storage_options.token", "dask.cluster.kwargs.auth", "not_used.a"])
def test_what_is_set_on_the_command_line_is_not_quoted_where_it_may_be_secret(key: str) -> None:
    with pytest.raises(CairoError, match=f"--set {key} has 2 values, which would stand in the na"):
        override(f"{key}={SECRET},{SECRET}2")
    with pytest.raises(CairoError, match=f"--set {key}: the value cannot be read") as caught:
        override(f"{key}={{a: '{SECRET}")
    assert SECRET not in str(caught.value)
    assert override(f"{key}={SECRET}").values == (SECRET,)


class BrokenCluster:
    """Of a package that quotes what it was given."""

    def __init__(self, **arguments: object) -> None:
        raise RuntimeError(f"job failed: {arguments}")


def test_a_schedulers_address_is_not_quoted_with_its_password(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.settings({"dask": {"scheduler_address": f"tls://me:{SECRET}@127.0.0.1:1"}})
    start = time.monotonic()
    ended = Command(monkeypatch, capsys)("run", demo.scenario, RUN)
    assert ended.code == 2
    errors = [line for line in ended.errors if not line.startswith("[")]
    assert len(errors) == 1 and "cannot start or reach Dask at tls://set@127.0.0.1:1" in errors[0]
    assert SECRET not in ended.output + errors[0]
    gc.collect()
    # A client that was half made would wait here for what it cannot close.
    assert time.monotonic() - start < 15.0


def test_a_cluster_that_does_not_start_does_not_quote_its_arguments() -> None:
    arguments = {"env": {"TOKEN": SECRET}, "prologue": [SECRET], "cores": 3}
    name = f"{__name__}.{BrokenCluster.__name__}"
    settings = DaskSettings(cluster=ClusterSettings(class_=name, arguments=arguments))
    with (
        pytest.raises(ClusterError, match="job failed") as caught,
        cluster.connected(settings, cluster.sizing(settings, None, 10)),
    ):
        pass
    assert SECRET not in str(caught.value)
    assert "'cores': 3" in str(caught.value)
    assert recorded_options(arguments, CLUSTER)["cores"] == 3


@pytest.mark.parametrize(
    "line",
    [
        f"storage_options: {SECRET}",
        f"storage_options: {{a: '{SECRET}",
        f"storage_options: [{SECRET}]",
    ],
)
def test_a_scenario_that_is_wrong_is_not_quoted_where_it_may_be_secret(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    text = demo.scenario.read_text()
    demo.scenario.write_text(text.replace("    run_type:", f"    {line}\n    run_type:"))
    ended = Command(monkeypatch, capsys)("check", demo.scenario)
    assert ended.code == 2
    assert SECRET not in " ".join(ended.errors)


def test_storage_options_of_the_command_line_are_not_quoted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = f'{{"secret": "{SECRET}"'
    ended = Command(monkeypatch, capsys)(
        "pack", tmp_path, tmp_path / "p", "--storage-options", text
    )
    assert ended.code == 2
    assert SECRET not in " ".join(ended.errors)
