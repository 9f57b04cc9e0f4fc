"""Files that would never end, or fill the memory, are refused before they are read."""

from __future__ import annotations

import gzip
import os
import re
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cairo.errors import CairoError, LoadError, MetadataError, PriceError, TariffError
from cairo.files.load_file import LoadFileReader, check_load_file
from cairo.files.metadata import read_frame, return_buildingstock
from cairo.files.packed import MANIFEST, read_manifest
from cairo.files.price_files import read_prices
from cairo.files.reading import read_bytes
from cairo.files.tariff_files import tariffs_of_file
from cairo.files.yaml_files import read_yaml
from cairo.model.calendar import hour_stamps
from cairo.rates_tool.lookups import HOURS, TOTAL_COLUMN
from cairo.rates_tool.run_reader import RunReader
from cairo.results.finding import record_of
from tests.cairo_process import ROOT
from tests.strategies import write_load_file

SPARE = 2**29


@pytest.fixture
def little_memory() -> object:
    """Half a gigabyte more than this process has now: reading a bomb fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + SPARE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def write_bomb(path: Path, rows: int, names: tuple[str, ...]) -> Path:
    """A small file of very many rows."""
    schema = pa.schema([(name, pa.float64()) for name in names])
    block = pa.table({name: np.zeros(1_000_000) for name in names}, schema=schema)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for _ in range(rows // 1_000_000):
            writer.write_table(block)
    assert path.stat().st_size < 2**21
    return path


@pytest.mark.slow
def test_a_load_file_of_very_many_rows_is_refused_by_its_footer(
    tmp_path: Path, little_memory: object
) -> None:
    path = write_bomb(tmp_path / "7-0.parquet", 100_000_000, ("timestamp", TOTAL_COLUMN))
    with pytest.raises(LoadError, match=r"7-0\.parquet has 100000000 rows, expected 8760 hours"):
        LoadFileReader(["total"]).read(str(path), 7)


@pytest.mark.slow
def test_a_load_file_with_an_enormous_column_is_refused_by_its_footer(tmp_path: Path) -> None:
    text = pa.array(["x" * 100_000] * 1000)
    path = tmp_path / "7-0.parquet"
    table = pa.table({"timestamp": text, TOTAL_COLUMN: pa.array(np.zeros(1000))})
    pq.write_table(table, path, use_dictionary=False, compression="zstd")
    with pytest.raises(LoadError, match=r"has a column of 1000\d+ bytes, expected at most"):
        LoadFileReader(["total"]).read(str(path), 7)


@pytest.mark.slow
def test_a_table_of_very_many_rows_is_refused_by_its_footer(
    tmp_path: Path, little_memory: object
) -> None:
    path = write_bomb(tmp_path / "m.parquet", 100_000_000, ("bldg_id", "weight", "timestamp"))
    with pytest.raises(MetadataError, match="it has 100000000 rows of 3 columns"):
        read_frame(path, "metadata file")
    with pytest.raises(PriceError, match="it has 100000000 rows of 3 columns"):
        read_prices(path, ["weight"], 2025)


def write_repeated(path: Path, table: pa.Table, column: str, text: str) -> Path:
    """A table with a column of one long text, stored once and named by every row."""
    once = pa.DictionaryArray.from_arrays(np.zeros(len(table), np.int32), pa.array([text]))
    place = table.schema.get_field_index(column)
    changed = (
        table.set_column(place, column, once) if place >= 0 else table.append_column(column, once)
    )
    pq.write_table(changed, path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 2**21
    return path


@pytest.mark.parametrize("column", ["timestamp", "bldg_id", TOTAL_COLUMN, f"{TOTAL_COLUMN}..kwh"])
def test_a_load_file_of_long_text_that_rows_repeat_is_refused(
    tmp_path: Path, little_memory: object, column: str
) -> None:
    total = np.ones(HOURS)
    path = tmp_path / "7-0.parquet"
    write_load_file(path, 7, total, -total, total, hour_stamps(2018).to_numpy())
    write_repeated(path, pq.read_table(path), column, "x" * 10_000_000)
    with pytest.raises(LoadError, match=rf"has text in column {re.escape(column)}, which may take"):
        LoadFileReader(["total"]).read(str(path), 7)


def test_a_table_of_long_text_that_rows_repeat_is_refused(
    tmp_path: Path, little_memory: object
) -> None:
    table = pa.table({"bldg_id": np.arange(2000), "weight": np.ones(2000)})
    path = write_repeated(tmp_path / "m.parquet", table, "in.note", "x" * 10_000_000)
    for read in (
        lambda: read_frame(path, "metadata file"),
        lambda: read_prices(path, ["weight"], 2025),
        lambda: RunReader(tmp_path).table("m.parquet"),
    ):
        with pytest.raises(CairoError, match=r"its texts take 20000000000 bytes or more"):
            read()


def test_long_texts_of_few_rows_and_short_texts_of_many_are_read(tmp_path: Path) -> None:
    names = ["a" * 50_000, "b"]
    frame = pd.DataFrame({"bldg_id": range(400_000), "in.note": ["b"] * 399_999 + [names[0]]})
    frame.to_parquet(tmp_path / "m.parquet")
    assert set(read_frame(tmp_path / "m.parquet", "metadata file")["in.note"]) == set(names)


@pytest.mark.slow
def test_a_zip_bomb_is_refused(tmp_path: Path, little_memory: object) -> None:
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.json", "w", force_zip64=True) as file,
    ):
        for _ in range(1024):
            file.write(bytes(2**20))
    with pytest.raises(TariffError, match="has 1048577 bytes or more, expected at most 1048576"):
        read_bytes(f"zip://a.json::{bomb}", None, TariffError, "tariff", 2**20)


def test_a_zipped_price_file_that_grows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv.gz"
    with gzip.open(path, "wb", 1) as file:
        for _ in range(257):
            file.write(b"\n" * 2**20)
    with pytest.raises(PriceError, match="it unzips to more than 268435456 bytes"):
        read_prices(path, ["a"], 2025)


def test_a_large_file_is_not_read(tmp_path: Path, little_memory: object) -> None:
    path = tmp_path / "map.csv"
    with path.open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(TariffError, match="has 8589934592 bytes or more, expected at most 1073741"):
        read_bytes(path, None, TariffError, "tariff map")


def read_load(path: Path) -> object:
    return check_load_file(str(path), 7)


READERS: dict[str, Callable[[Path], object]] = {
    "load file": read_load,
    "YAML": lambda path: read_yaml(str(path), "scenario file"),
    "metadata": lambda path: read_frame(path, "metadata file"),
    "prices": lambda path: read_prices(path, ["a"], 2025),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["pipe", "link to /dev/zero"])
def test_what_never_ends_is_no_input(tmp_path: Path, reader: str, kind: str) -> None:
    path = tmp_path / "7-0.parquet"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    before = signal.alarm(20)
    try:
        with pytest.raises(CairoError, match="it is a pipe or a device, expected a file"):
            READERS[reader](path)
    finally:
        signal.alarm(before)


IN_A_RUN: dict[str, Callable[[RunReader], object]] = {
    "run.json": lambda reader: reader.mapping("run.json"),
    "bills/elec_bills_year_run.csv": lambda reader: reader.table("bills/elec_bills_year_run.csv"),
    "billing_determinants.parquet": lambda reader: reader.table("billing_determinants.parquet"),
}


@pytest.mark.parametrize("name", IN_A_RUN)
@pytest.mark.parametrize("kind", ["pipe", "link to /dev/zero", "no end"])
def test_what_never_ends_is_no_file_of_a_run(
    tmp_path: Path, little_memory: object, name: str, kind: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "no end":
        with path.open("wb") as file:
            file.truncate(2**32 if path.suffix == ".csv" else 2**40)
    else:
        path.symlink_to("/dev/zero")
    before = signal.alarm(20)
    try:
        with pytest.raises(CairoError, match=rf"{re.escape(name)} cannot be read: .+"):
            IN_A_RUN[name](RunReader(tmp_path))
        assert record_of(path) == {}
    finally:
        signal.alarm(before)


def test_a_manifest_and_a_tariff_of_any_size_are_not_read(
    tmp_path: Path, little_memory: object
) -> None:
    with (tmp_path / MANIFEST).open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(LoadError, match=r"cannot be read: .*has 1099511627776 bytes"):
        read_manifest(str(tmp_path))
    path = tmp_path / "tariff.json"
    path.write_text("[" + "[]," * 25_000_000 + "[]]")
    with pytest.raises(TariffError, match=r"tariff\.json has 75000004 bytes or more, expected at"):
        tariffs_of_file(path)


def test_a_pipe_among_the_load_files_does_not_hold_a_pack(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "7-0.parquet")
    command = [sys.executable, "-m", "cairo", "pack", str(tmp_path), str(tmp_path / "packed")]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "7-0.parquet cannot be read: it is a pipe or a device" in done.stderr


# No check depends on what was read before


def test_a_file_without_a_building_does_not_pass_the_next(tmp_path: Path) -> None:
    total = np.ones(HOURS)
    first, second = tmp_path / "1-0.parquet", tmp_path / "2-0.parquet"
    write_load_file(second, 3, total, -total, total, hour_stamps(2018).to_numpy())
    table = pq.read_table(second)
    pq.write_table(table.drop_columns(["bldg_id"]), first)
    for paths in ([second], [first, second], [first, first, second]):
        reader = LoadFileReader(["total", "pv"])
        with pytest.raises(LoadError, match=r"2-0\.parquet holds building 3, its name says 2"):
            for path in paths:
                reader.read(str(path), int(path.name.split("-")[0]))


def test_a_building_in_the_last_column_is_found_too(tmp_path: Path) -> None:
    total = np.ones(HOURS)
    first, second = tmp_path / "1-0.parquet", tmp_path / "2-0.parquet"
    write_load_file(second, 3, total, -total, total, hour_stamps(2018).to_numpy())
    table = pq.read_table(second)
    pq.write_table(
        table.rename_columns([n.replace("bldg_id", "other") for n in table.column_names]), first
    )
    ids = table.column("bldg_id")
    pq.write_table(table.drop_columns(["bldg_id"]).append_column("bldg_id", ids), second)
    reader = LoadFileReader(["total", "pv"])
    reader.read(str(first), 1)
    with pytest.raises(LoadError, match=r"2-0\.parquet holds building 3, its name says 2"):
        reader.read(str(second), 2)


# Weights


@pytest.mark.parametrize("weight", [1e300, 1e13, 1e-13, 1e-300, 5e-324])
def test_a_weight_no_home_has_is_refused(tmp_path: Path, weight: float) -> None:
    path = tmp_path / "metadata.parquet"
    pd.DataFrame({"bldg_id": [1, 2], "weight": [1.0, weight]}).to_parquet(path)
    with pytest.raises(MetadataError, match=r"weights above 1e\+12 or below 1e-12 .* buildings 2$"):
        return_buildingstock(path)
