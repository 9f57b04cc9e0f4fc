"""Hostile inputs and networks: nothing is executed, written elsewhere or open to other machines."""

from __future__ import annotations

import base64
import io
import json
import pickle
import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cairo
from cairo.errors import CairoError, ClusterError, InputErrors, ScenarioError
from cairo.files.pack import pack
from cairo.files.yaml_files import read_yaml
from cairo.runs.demo import LOADS, METADATA
from cairo.workers import cluster
from cairo.workers.settings import DaskSettings
from tests.cairo_command import Command
from tests.cairo_process import TWO_PROCESSES, cairo_run
from tests.whole_runs import IN_PROCESS, RUN, Demo

HERE = "127.0.0.1"
ALONE = IN_PROCESS | {"backend": "pandas", "process_workers": 1}


HOMES = 6


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    copied = Demo(source, tmp_path / "demo")
    copied.settings(ALONE)
    return copied


# Sockets


def listening(process: psutil.Process) -> set[tuple[int, str, int]]:
    """(process, address, port) at which a process tree accepts connections or datagrams."""
    found = set()
    for one in [process, *process.children(recursive=True)]:
        try:
            for at in one.net_connections("inet"):
                if at.status == psutil.CONN_LISTEN or (at.type.name == "SOCK_DGRAM" and at.laddr):
                    found.add((one.pid, at.laddr.ip, at.laddr.port))
        except psutil.Error:  # it has ended
            continue
    return found


@pytest.mark.parametrize(
    ("backend", "settings"),
    [
        ("dask_dataframe", {"dask": TWO_PROCESSES["dask"] | {"dashboard_address": "127.0.0.1:0"}}),
        ("dask_dataframe", {"dask": IN_PROCESS["dask"] | {"dashboard_address": ":0"}}),
        ("dask_delayed", {"process_workers": 2}),
    ],
)
def test_a_run_listens_on_this_machine_alone_from_beginning_to_end(
    demo: Demo, tmp_path: Path, backend: str, settings: dict[str, Any]
) -> None:
    demo.settings(settings)
    seen = set()
    with cairo_run(demo.scenario, tmp_path / "run", "--backend", backend) as run:
        while run.process.poll() is None:
            try:
                seen |= listening(psutil.Process(run.process.pid))
            except psutil.NoSuchProcess:
                break
            time.sleep(0.01)
        assert run.end() == (0, [])
    opens = backend == "dask_dataframe"
    assert {address for _, address, _ in seen} == ({HERE} if opens else set())
    if opens:
        # Scheduler and dashboard of the one process; two workers' of the others too.
        processes = 3 if settings["dask"]["processes"] else 1
        assert len({pid for pid, _, _ in seen}) >= processes


def test_a_dashboard_for_others_opens_nothing_but_itself() -> None:
    settings = DaskSettings(**TWO_PROCESSES["dask"] | {"dashboard_address": "0.0.0.0:0"})
    here = psutil.Process()
    before = listening(here)
    with cluster.connected(settings, cluster.sizing(settings, None, 10)) as client:
        opened = listening(here) - before
        dashboard = client.scheduler_info(n_workers=0)["services"]["dashboard"]
    elsewhere = {port for _, address, port in opened if address != HERE}
    assert elsewhere == {dashboard}


# Names


OUTSIDE = {
    "above": "../evil",
    "far above": "../../../../evil",
    "above itself": "..",
    "itself": ".",
    "hidden": ".evil",
    "folder": "evil/evil",
    "backslash": "evil\\evil",
    "null": "evil\0evil",
    "line": "evil\nevil",
    "nothing": "",
}


def everything(folder: Path) -> dict[Path, bytes]:
    """Every file of a folder and what it holds; folders hold nothing."""
    return {p: p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


@pytest.mark.parametrize("name", [*OUTSIDE, "absolute"])
def test_a_run_name_is_a_plain_file_name(
    demo: Demo, tmp_path: Path, command: Command, name: str
) -> None:
    run_name = OUTSIDE.get(name, str(tmp_path / "evil"))
    demo.settings({"run_name": run_name})
    before = everything(tmp_path)
    ended = command("run", demo.scenario, RUN)
    assert (ended.code, len(ended.errors)) == (2, 1)
    assert "run_name" in ended.errors[0] or "cannot be a folder's name" in ended.errors[0]
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", [*OUTSIDE, "absolute"])
def test_the_key_of_a_run_is_a_plain_file_name(demo: Demo, tmp_path: Path, name: str) -> None:
    run_name = OUTSIDE.get(name, str(tmp_path / "evil"))
    text = demo.scenario.read_text().replace(f"  {RUN}:", f"  {json.dumps(run_name)}:")
    demo.scenario.write_text(text)
    before = everything(tmp_path)
    with pytest.raises(CairoError) as caught:
        cairo.run(demo.scenario, run_name)
    assert "run_name" in str(caught.value) or "cannot be a folder's name" in str(caught.value)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("path", ["electric/hp_tou_vs_flat.csv", "gas/gas.csv"])
@pytest.mark.parametrize("key", ["../evil", "/tmp/evil", "..", "a\\b", "a/b"])
def test_a_tariff_key_is_a_plain_file_name(demo: Demo, tmp_path: Path, path: str, key: str) -> None:
    map_path = f"rates/tariff_maps/{path}"
    demo.csv(map_path, lambda m: m.assign(tariff_key=key))
    before = everything(tmp_path)
    with pytest.raises(CairoError) as caught:
        cairo.run(demo.scenario, RUN)
    assert f"{map_path} has tariff key {key!r}, expected a plain name" in str(caught.value)
    assert everything(tmp_path) == before


def test_a_metadata_column_cannot_place_its_statistics_elsewhere(
    demo: Demo, tmp_path: Path
) -> None:
    column = "x/../../../../evil"
    demo.parquet(METADATA, lambda m: m.assign(**{column: "one"}))
    demo.settings({"metadata_columns": [column]})
    before = everything(tmp_path)
    with pytest.raises(CairoError) as caught:
        cairo.run(demo.scenario, RUN)
    assert f"column {column!r} cannot be in a file's name" in str(caught.value)
    assert everything(tmp_path) == before


def test_all_that_a_run_writes_is_in_its_output_folder(demo: Demo, tmp_path: Path) -> None:
    tariff = demo.folder / "rates" / "tariffs" / "electric" / "hp_tou.json"
    odd = tariff.rename(tariff.with_name("; touch evil & $(touch evil).json"))
    column = "in.`touch evil`; ..  =1+1"
    demo.csv(
        "rates/tariff_maps/electric/hp_tou_vs_flat.csv",
        lambda m: m.assign(tariff_key=m["tariff_key"].replace("hp_tou", odd.stem)),
    )
    demo.parquet(METADATA, lambda m: m.assign(**{column: "../evil"}))
    demo.yaml(
        "rates/rev_requirement/demo.yaml",
        lambda r: json.loads(json.dumps(r).replace('"hp"', '"../../evil"')),
    )
    demo.settings(
        {
            "path_outputs": "../../../ignored",
            "path_tariffs_electric": {
                "../../evil": str(odd),
                "non-hp": "tariffs/electric/flat.json",
            },
            "run_name": "$(touch evil); `touch evil`",
            "metadata_columns": [column],
        }
    )
    outputs = tmp_path / "deep" / "outputs"
    before = everything(tmp_path)
    place = cairo.run(demo.scenario, RUN, output_dir=outputs).path
    assert place.parent == outputs
    after = everything(tmp_path)
    assert {path: after[path] for path in before} == before
    new = set(after) - set(before) - {outputs, outputs.parent}
    assert all(path == place or place in path.parents for path in new)
    assert place / "cross_subsidization" / f"cross_subsidization_BAT_by_{column}.csv" in new


@pytest.mark.parametrize("outputs", ["s3://bucket/runs", "file:///tmp/runs", "s3:/bucket"])
def test_outputs_are_local(demo: Demo, tmp_path: Path, outputs: str) -> None:
    before = everything(tmp_path)
    with pytest.raises(InputErrors, match=r"path_outputs.*expected a folder of this machine"):
        cairo.run(demo.scenario, RUN, output_dir=outputs)
    assert everything(tmp_path) == before


def test_a_folder_name_that_is_too_long_is_one_line(demo: Demo, tmp_path: Path) -> None:
    demo.settings({"run_name": "x" * 300})
    before = everything(tmp_path)
    with pytest.raises(CairoError, match=r"^cannot write .*: File name too long$"):
        cairo.run(demo.scenario, RUN)
    assert everything(tmp_path) == before


# YAML


YAML_FILES = ["rates/scenarios/scenarios_demo.yaml", "rates/rev_requirement/demo.yaml"]
TAGS = [
    "!!python/object/apply:os.system ['touch {}']",
    "!!python/object/apply:subprocess.check_output [[touch, '{}']]",
    "!!python/object/new:pathlib.Path ['{}']",
    "!!python/object/apply:builtins.exec [\"open('{}', 'w')\"]",
    "!!python/name:os.system ''",
    "!!python/module:os ''",
    "!!python/object:cairo.errors.CairoError {{}}",
    "!unknown {{}}",
]
PLACES = ["{}\n", "runs: {}\n", "{}: 1\n", "runs:\n  a: {{backend: {}}}\n", "other: [1, {}]\n"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_in_a_yaml_file_executes_nothing(tmp_path: Path, tag: str, place: str) -> None:
    touched = tmp_path / "touched"
    file = tmp_path / "file.yaml"
    file.write_text(place.format(tag.format(touched)))
    with pytest.raises(ScenarioError, match=r"file\.yaml is not valid YAML: ") as caught:
        read_yaml(str(file), "file")
    assert "\n" not in str(caught.value)
    assert not touched.exists()


@pytest.mark.parametrize("path", YAML_FILES)
def test_a_run_executes_nothing_of_its_yaml_files(
    demo: Demo, tmp_path: Path, command: Command, path: str
) -> None:
    touched, file = tmp_path / "touched", demo.folder / path
    file.write_text(file.read_text() + f"other: {TAGS[0].format(touched)}\n")
    for name in ("check", "run"):
        ended = command(name, demo.scenario, RUN)
        assert (ended.code, len(ended.errors)) == (2, 1)
        assert f"{path} is not valid YAML" in ended.errors[0]
    assert not touched.exists()


def laughs(levels: int, first: str, line: str) -> str:
    """YAML in which every level has nine of the level before."""
    names = [chr(ord("a") + level) for level in range(levels)]
    lines = [f"{names[0]}: &{names[0]} {first}"]
    for before, name in pairwise(names):
        lines.append(f"{name}: &{name} " + line.format(", ".join([f"*{before}"] * 9), name))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (laughs(20, "[1, 1]", "[{}]"), "more than 200000 values"),
        (laughs(20, "{x: 1}", "{{<<: [{}], {}: 1}}"), "more than 200000 values"),
        (laughs(20, "{x: 1}", "[{}]"), "more than 200000 values"),
        ("a: &a [*a]", "an alias within its own value"),
        ("a: &a {b: {c: *a}}", "an alias within its own value"),
        ("[" * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
        ("a: 0x" + "f" * 5_000, "a number of 5002 digits"),
        ("a: 1" + "0" * 5_000, "a number of 5001 digits"),
        ("x" * (4 * 2**20 + 1), "has 4194305 bytes or more, expected at most 4194304"),
    ],
    ids=lambda value: value[:30],
)
def test_yaml_that_grows_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        read_yaml(str(file), "file")
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("subprocess.Popen", {"args": ["touch", "{}"]}),
        ("subprocess.run", {"args": ["touch", "{}"]}),
        ("os.mkdir", {"path": "{}"}),
        ("builtins.open", {"file": "{}", "mode": "w"}),
        ("tempfile.NamedTemporaryFile", {"prefix": "{}"}),
    ],
)
def test_only_clusters_are_started_as_clusters(
    demo: Demo, tmp_path: Path, name: str, kwargs: dict[str, Any]
) -> None:
    given = json.loads(json.dumps(kwargs).replace("{}", str(tmp_path / "touched")))
    demo.settings({"dask": {"cluster": {"class": name, "kwargs": given}}})
    with pytest.raises(ClusterError, match=rf"class {re.escape(name)} is no cluster"):
        cairo.run(demo.scenario, RUN, backend="dask_dataframe")
    assert not list(tmp_path.glob("touched*"))


# Pickles


class Touches:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Path]]:
        return Path.touch, (self.path,)


def numpy_objects(touched: Path) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Touches(touched)], dtype=object), allow_pickle=True)
    return buffer.getvalue()


PAYLOADS: dict[str, Callable[[Path], bytes]] = {
    "pickle": lambda touched: pickle.dumps(Touches(touched)),
    "old pickle": lambda touched: pickle.dumps(Touches(touched), protocol=0),
    "npy": numpy_objects,
    "pandas pickle": lambda touched: pickle.dumps(pd.DataFrame({"a": [Touches(touched)]})),
}
INPUTS = [
    *YAML_FILES,
    "rates/tariff_maps/electric/hp_tou_vs_flat.csv",
    "rates/tariff_maps/gas/gas.csv",
    "rates/tariffs/electric/flat.json",
    "rates/tariffs/gas/gas_heating.json",
    "rates/marginal_costs/supply_energy.parquet",
    "rates/marginal_costs/bulk_tx.parquet",
    "resstock/metadata/utility_assignment.parquet",
    METADATA,
]


def check_refused(demo: Demo, command: Command, touched: Path, path: str) -> None:
    """Check that a run and its check name the file, and that nothing was unpickled."""
    for name in ("check", "run"):
        ended = command(name, demo.scenario, RUN)
        assert ended.code == 2
        assert any(path in line for line in ended.errors)
    assert not touched.exists()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_payloads_would_run(tmp_path: Path, payload: str) -> None:
    touched = tmp_path / "touched"
    content = PAYLOADS[payload](touched)
    if payload == "npy":
        np.load(io.BytesIO(content), allow_pickle=True)
    else:
        pickle.loads(content)
    assert touched.exists()


@pytest.mark.parametrize("payload", ["pickle", "npy"])
@pytest.mark.parametrize("path", INPUTS)
def test_a_pickle_in_place_of_an_input_is_refused(
    demo: Demo, tmp_path: Path, command: Command, path: str, payload: str
) -> None:
    touched = tmp_path / "touched"
    (demo.folder / path).write_bytes(PAYLOADS[payload](touched))
    check_refused(demo, command, touched, path)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_pickle_in_place_of_a_load_file_is_refused(
    demo: Demo, tmp_path: Path, command: Command, payload: str
) -> None:
    touched = tmp_path / "touched"
    victim = sorted(demo.loads.glob("*.parquet"))[3]
    victim.write_bytes(PAYLOADS[payload](touched))
    check_refused(demo, command, touched, f"{LOADS}/{victim.name}")


@pytest.mark.parametrize("payload", ["pickle", "npy"])
@pytest.mark.parametrize("pattern", ["*.json", "*.parquet"])
def test_a_pickle_in_place_of_a_packed_stocks_file_is_refused(
    demo: Demo, tmp_path: Path, payload: str, pattern: str
) -> None:
    touched, packed = tmp_path / "touched", tmp_path / "packed"
    pack(demo.loads, packed)
    (victim, *_) = packed.glob(pattern)
    victim.write_bytes(PAYLOADS[payload](touched))
    demo.settings({"path_resstock_loads": str(packed)})
    with pytest.raises(CairoError, match=str(victim)):
        cairo.run(demo.scenario, RUN, backend="dask_dataframe")
    assert not touched.exists()


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".npy", ".npz", ".feather", ".csv"])
def test_a_price_file_is_not_unpickled_whatever_it_is_called(
    demo: Demo, tmp_path: Path, command: Command, suffix: str
) -> None:
    touched, file = tmp_path / "touched", demo.folder / f"rates/prices{suffix}"
    file.write_bytes(PAYLOADS["pickle"](touched))
    demo.settings({"path_supply_energy_mc": file.name})
    check_refused(demo, command, touched, f"rates/prices{suffix}")


def _extension(table: pa.Table, name: str, content: bytes) -> pa.Table:
    """Say that the last column is of pyarrow's pickled extension type."""
    told = {b"ARROW:extension:name": name.encode(), b"ARROW:extension:metadata": content}
    place = table.num_columns - 1
    field = table.schema.field(place).with_metadata(told)
    return table.cast(table.schema.set(place, field))


def _pandas_metadata(table: pa.Table, content: bytes) -> pa.Table:
    """Put a pickle into the attributes and column metadata that pandas reads."""
    text = base64.b64encode(content).decode()
    stored = json.loads((table.schema.metadata or {}).get(b"pandas", '{"columns": []}'))
    stored["attributes"] = {"pickled": text, "py/object": text}
    for column in stored["columns"]:
        column["metadata"] = {"pickled": text}
    return table.replace_schema_metadata({b"pandas": json.dumps(stored).encode()})


TRICKS: dict[str, Callable[[pa.Table, bytes], pa.Table]] = {
    "extension type": lambda t, c: _extension(t, "arrow.py_extension_type", c),
    "old extension type": lambda t, c: _extension(t, "pandas.pickled", c),
    "pandas metadata": _pandas_metadata,
    "pandas metadata that is a pickle": lambda t, c: t.replace_schema_metadata({b"pandas": c}),
    "schema that is a pickle": lambda t, c: t.replace_schema_metadata({b"ARROW:schema": c}),
    "a column of pickles": lambda t, c: t.set_column(
        t.num_columns - 1, t.column_names[-1], pa.array([c] * t.num_rows)
    ),
}


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize(
    "path",
    [
        METADATA,
        "resstock/metadata/utility_assignment.parquet",
        "rates/marginal_costs/supply_energy.parquet",
        LOADS,
    ],
)
def test_a_pickle_within_parquet_is_refused_or_ignored(
    demo: Demo, tmp_path: Path, path: str, trick: str
) -> None:
    touched, file = tmp_path / "touched", demo.folder / path
    if file.is_dir():
        file = sorted(file.glob("*.parquet"))[3]
    table = TRICKS[trick](pq.read_table(file), PAYLOADS["pickle"](touched))
    pq.write_table(table, file, store_schema=b"ARROW:schema" not in (table.schema.metadata or {}))
    try:
        place = cairo.run(demo.scenario, RUN).path
    except CairoError as error:
        assert str(file) in str(error)
    else:
        assert (place / "run.json").exists()
    assert not touched.exists()
