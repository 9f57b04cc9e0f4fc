"""Readers given damaged files: an error of this package on one line or a sound result.

`CAIRO_HYPOTHESIS_EXAMPLES=5000` makes it a long search.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import gzip
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cairo.errors import CairoError, InputErrors
from cairo.files.cambium import METADATA_ROWS
from cairo.files.load_file import FIELDS, LoadFileReader
from cairo.files.metadata import return_buildingstock
from cairo.files.pack import pack
from cairo.files.packed import MANIFEST, PackedReader, footer_digest, read_manifest, sealed
from cairo.files.price_files import read_prices
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.files.yaml_files import read_yaml
from cairo.model.calendar import hour_stamps
from cairo.model.tariff import parse_tariff
from cairo.rates_tool.lookups import HOURS
from cairo.rates_tool.tariffs import (
    __load_tariff_maps__ as load_tariff_map,
)
from cairo.rates_tool.tariffs import get_default_tariff_structures, precalc_period_mapping
from cairo.runs.demo import METADATA
from cairo.scenario.inputs import RunInputs, read_inputs
from cairo.scenario.scenario_file import read_scenario
from tests.strategies import tariffs
from tests.whole_runs import RUN, Demo, make_demo

T = TypeVar("T")
YEAR = 2025
LONGEST_LINE = 5_000
A_HANG = datetime.timedelta(seconds=60)
pytestmark = [pytest.mark.timeout(7200), pytest.mark.filterwarnings("error")]
patient = settings(deadline=A_HANG)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return Demo(
        make_demo(tmp_path_factory.mktemp("source") / "demo", 4),
        tmp_path_factory.mktemp("demo") / "demo",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every example writes its one file."""
    return tmp_path_factory.mktemp("fuzz")


def outcome(read: Callable[[], T]) -> T | None:
    """What a reader gives; None when it raises an error of this package, of one line each."""
    try:
        return read()
    except CairoError as error:
        errors = error.errors if isinstance(error, InputErrors) else (error,)
        for one in errors:
            assert len(str(one).splitlines()) == 1
            assert len(str(one)) <= LONGEST_LINE
        return None


def of_file(folder: Path, name: str, content: bytes, read: Callable[[Path], T]) -> T | None:
    """The outcome of reading a file of some content, which leaves no other file."""
    path = folder / name
    path.write_bytes(content)
    try:
        result = outcome(lambda: read(path))
        assert list(folder.iterdir()) == [path]
        return result
    finally:
        path.unlink()


# Damage

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, -1e308, 1e308, 10**19, 10**400, math.nan, math.inf, -math.inf, "", " ",
    "x", "NA", "nan", "1e400", "\0", "a\nb", "\ud800", "../x", "s3://", "~", "é" * 300, "9" * 5000,
    [], {}, [None], [[]], {"": None}, {"x": {"y": []}}, [0] * 24, datetime.date(2025, 1, 1),
    b"\xff",
)  # fmt: skip
odd = st.sampled_from(ODD).map(copy.deepcopy)


def places(tree: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value of nested mappings and lists is; of long lists the first few."""
    found = [above] if above else []
    if isinstance(tree, dict):
        for key, value in tree.items():
            found += places(value, (*above, key))
    elif isinstance(tree, list):
        for number, value in enumerate(tree[:3]):
            found += places(value, (*above, number))
    return found


@st.composite
def damaged_trees(draw: st.DrawFn, tree: Any) -> Any:
    """Nested mappings and lists with one to three values replaced, removed, repeated or moved."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        there = places(tree)
        if not there:
            return draw(odd)
        *above, last = draw(st.sampled_from(there))
        parent = tree
        for step in above:
            parent = parent[step]
        harm = draw(st.sampled_from(["replace"] * 3 + ["remove", "wrap", "repeat", "rename"]))
        if harm == "remove":
            del parent[last]
        elif harm == "wrap":
            parent[last] = draw(st.sampled_from([[parent[last]], {"x": parent[last]}]))
        elif harm == "repeat" and isinstance(parent, list):
            parent.insert(last, copy.deepcopy(parent[last]))
        elif harm == "rename" and isinstance(parent, dict):
            parent[draw(st.sampled_from(["x", "", "items", "\n", f"{last}s"]))] = parent.pop(last)
        else:
            parent[last] = draw(odd)
    return tree


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes cut short, changed, cut out, put in or repeated, at the end of the file above all."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        end = len(data)
        place = draw(st.integers(0, end) | st.integers(max(0, end - 2000), end))
        harm = draw(st.sampled_from(["change"] * 4 + ["cut short", "cut out", "put in", "repeat"]))
        if harm == "change":
            new = draw(st.binary(min_size=1, max_size=4))
            data[place : place + len(new)] = new
        elif harm == "cut short":
            del data[place:]
        elif harm == "cut out":
            del data[place : place + draw(st.integers(1, 100))]
        elif harm == "put in":
            data[place:place] = draw(st.binary(max_size=20))
        else:
            data[place:place] = data[place : place + draw(st.integers(1, 100))]
    return bytes(data)


@st.composite
def repeated_lines(draw: st.DrawFn, text: str) -> str:
    """Text with a line repeated, removed, indented or swapped for another."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        harm = draw(st.sampled_from(["repeat", "indent", "copy", "anchor"]))
        line = lines[place]
        if harm == "repeat":
            lines.insert(place, line)
        elif harm == "indent":
            lines[place] = draw(st.sampled_from([" " + line, line.lstrip(), "\t" + line]))
        elif harm == "copy":
            lines[place] = lines[draw(st.integers(0, len(lines) - 1))]
        else:
            lines[place] = line.replace(": ", draw(st.sampled_from([": &a ", ": *a ", ": !!set "])))
    return "\n".join(lines)


def hours(rows: int) -> pd.Series:
    return pd.Series(pd.date_range("2018-01-01", periods=rows, freq="h"))


def cells_of(value: Any) -> Callable[[int], Any]:
    return lambda rows: [value] * rows


def distant(unit: str) -> Callable[[int], pa.Array]:
    """Times at the end of what a unit can hold."""
    return lambda rows: pa.array(np.full(rows, 2**62)).cast(pa.timestamp(unit), safe=False)


COLUMNS: list[Callable[[int], Any]] = [
    pa.nulls, np.zeros, np.arange, hours, *map(distant, ("ms", "us", "ns")),
    *map(cells_of, (math.nan, math.inf, -1.0, 1e308, -(2**63), True, "x", "", "1", b"\xff",
                    [1.0], {"a": 1}, decimal.Decimal("1.5"), datetime.date(2018, 1, 1))),
    lambda rows: np.full(rows, 2**63, dtype=np.uint64),
    lambda rows: np.arange(rows) % 2 == 0,
    lambda rows: np.arange(rows).astype(np.float16),
    lambda rows: np.arange(rows).astype("timedelta64[s]"),
    lambda rows: pa.array([None, 1.5] * rows)[:rows],
    lambda rows: pa.array(["a", "2"] * rows)[:rows].dictionary_encode(),
    lambda rows: hours(rows).dt.tz_localize("UTC"),
    lambda rows: hours(rows).dt.tz_localize("EST"),
    lambda rows: hours(rows).astype("datetime64[s]"),
    lambda rows: hours(rows).dt.date,
    lambda rows: hours(rows)[::-1],
    lambda rows: hours(rows) + pd.Timedelta(minutes=30),
    lambda rows: hours(rows) - pd.Timedelta(days=100_000),
]  # fmt: skip
"""Columns of every kind of values."""


def column_of(make: Callable[[int], Any], rows: int) -> pa.Array:
    values = make(rows)
    return values if isinstance(values, pa.Array) else pa.array(values)


@st.composite
def damaged_tables(draw: st.DrawFn, table: pa.Table) -> bytes:
    """A parquet file with columns of other values, names or numbers of rows."""
    for _ in range(draw(st.integers(1, 2))):
        column = draw(st.integers(0, max(0, table.num_columns - 1)))
        rows = table.num_rows
        harms = ["values"] * 4 + ["remove", "name", "twice", "rows", "order", "cells", "index"]
        harm = draw(st.sampled_from(harms))
        if table.num_columns == 0:
            break
        name = table.column_names[column]
        if harm == "values":
            table = table.set_column(column, name, column_of(draw(st.sampled_from(COLUMNS)), rows))
        elif harm == "remove":
            table = table.remove_column(column)
        elif harm == "name":
            names = list(table.column_names)
            names[column] = draw(
                st.sampled_from(["x", "", "timestamp", "bldg_id", "weight", "a.b"])
            )
            table = table.rename_columns(names)
        elif harm == "twice":
            table = table.append_column(name, table.column(column))
        elif harm == "rows":
            count = draw(st.sampled_from([0, 1, rows - 1, rows + 1, 2 * rows, 4 * rows]))
            table = pa.concat_tables([table] * 5).slice(0, max(count, 0))
        elif harm == "order" and rows:
            first = draw(st.integers(0, rows - 1))
            table = pa.concat_tables([table.slice(first), table.slice(0, first)])
        elif harm == "cells" and rows:
            mask = np.zeros(rows, dtype=bool)
            mask[draw(st.lists(st.integers(0, rows - 1), min_size=1, max_size=3))] = True
            empty = pa.nulls(rows, table.column(column).type)
            values = pa.compute.if_else(pa.array(mask), empty, table.column(column))
            table = table.set_column(column, name, values)
        elif harm == "index":
            try:
                table = pa.Table.from_pandas(table.to_pandas().set_index(name))
            except Exception:  # what cannot be an index is left as it is
                continue
    buffer = io.BytesIO()
    groups = draw(st.sampled_from([None, 1000]))
    pq.write_table(table, buffer, row_group_size=groups)
    return buffer.getvalue()


# Scenarios


def whole_run(demo: Demo, path: Path) -> RunInputs:
    return read_inputs(read_scenario(path, demo.folder / "rates").run(RUN))


def check_run(demo: Demo, folder: Path, content: bytes) -> None:
    before = sorted(demo.folder.rglob("*"))
    inputs = of_file(folder, "scenario.yaml", content, lambda path: whole_run(demo, path))
    assert sorted(demo.folder.rglob("*")) == before
    if inputs is not None:
        assert inputs.customer_metadata["weight"].sum() > 0
        assert len(inputs.tariff_map) == len(inputs.customer_metadata)


def scenario_of(demo: Demo) -> dict[str, Any]:
    """The scenario file with one run."""
    return {"runs": {RUN: yaml.safe_load(demo.scenario.read_text())["runs"][RUN]}}


@patient
@given(data=st.data())
def test_scenarios_with_other_values(demo: Demo, folder: Path, data: st.DataObject) -> None:
    tree = data.draw(damaged_trees(scenario_of(demo)))
    content = yaml.dump(tree, allow_unicode=True).encode(errors="surrogatepass")
    check_run(demo, folder, content)


@patient
@given(data=st.data())
def test_scenarios_with_other_bytes(demo: Demo, folder: Path, data: st.DataObject) -> None:
    text = yaml.safe_dump(scenario_of(demo))
    changed = repeated_lines(text).map(str.encode)
    check_run(demo, folder, data.draw(changed | damaged_bytes(text.encode())))


@patient
@given(data=st.data())
def test_requirements_with_other_values(demo: Demo, folder: Path, data: st.DataObject) -> None:
    stored = yaml.safe_load((demo.folder / "rates/rev_requirement/demo.yaml").read_text())
    tree = data.draw(damaged_trees(stored))
    scenario = scenario_of(demo)
    scenario["runs"][RUN]["utility_revenue_requirement"] = str(folder / "requirement.yaml")

    def read(path: Path) -> Any:
        place = demo.folder / "scenario.yaml"
        place.write_text(yaml.safe_dump(scenario))
        try:
            return whole_run(demo, place).revenue_requirement
        finally:
            place.unlink()

    content = yaml.dump(tree, allow_unicode=True).encode(errors="surrogatepass")
    result = of_file(folder, "requirement.yaml", content, read)
    if result is not None:
        assert all(math.isfinite(value) for value in result.values())


@pytest.mark.slow
@patient
@given(st.text() | st.binary())
def test_yaml_of_anything(folder: Path, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode(errors="surrogatepass")
    result = of_file(folder, "any.yaml", data, lambda path: read_yaml(str(path), "file"))
    assert result is None or isinstance(result, dict)


# Tariffs


def read_tariff(path: Path) -> dict[str, Any]:
    (tariff,) = get_default_tariff_structures(["key"], {"key": path}).values()
    return tariff


def check_tariff(folder: Path, content: bytes) -> None:
    tariff = of_file(folder, "tariff.json", content, read_tariff)
    if tariff is None:
        return
    table = parse_tariff("key", tariff)
    for numbers in (table.rate, table.sell, table.monthly_fixed, table.monthly_min):
        assert np.isfinite(numbers).all()
    assert (np.diff(table.max_usage, axis=1) >= 0).all()
    assert table.weekday.shape == table.weekend.shape == (12, 24)
    outcome(lambda: precalc_period_mapping({"key": tariff}))
    again = outcome(lambda: ElectricityRates_to_URDB(tariff, "key"))
    assert again is None or json.dumps(again)


def urdb_of(demo: Demo) -> dict[str, Any]:
    """A URDB file with demand charges too."""
    stored = json.loads((demo.folder / "rates/tariffs/electric/hp_tou.json").read_text())
    stored["items"][0] |= {
        "demandratestructure": [[{"rate": 3.0, "max": 5.0}, {"rate": 4.0}]],
        "demandweekdayschedule": [[0] * 24] * 12,
        "demandweekendschedule": [[0] * 24] * 12,
        "flatdemandstructure": [[{"rate": 1.0, "adj": 0.5}]],
        "flatdemandmonths": [0] * 12,
        "dgrules": "Net Metering",
        "demandrateunit": "kW",
        "lookbackpercent": 0.0,
    }
    return stored


def json_bytes(tree: Any) -> bytes:
    return json.dumps(tree, default=str).encode()


@patient
@given(data=st.data())
def test_urdb_tariffs_with_other_values(demo: Demo, folder: Path, data: st.DataObject) -> None:
    check_tariff(folder, json_bytes(data.draw(damaged_trees(urdb_of(demo)))))


@patient
@given(data=st.data())
def test_pysam_tariffs_with_other_values(folder: Path, data: st.DataObject) -> None:
    tariff = data.draw(tariffs())
    check_tariff(folder, json_bytes(data.draw(damaged_trees(tariff))))


@patient
@given(data=st.data())
def test_tariffs_with_other_bytes(demo: Demo, folder: Path, data: st.DataObject) -> None:
    check_tariff(folder, data.draw(damaged_bytes(json_bytes(urdb_of(demo)))))


# Maps


def check_map(folder: Path, content: bytes) -> None:
    frame = of_file(folder, "map.csv", content, load_tariff_map)
    if frame is None:
        return
    assert list(frame.columns) == ["bldg_id", "tariff_key"]
    assert frame["bldg_id"].dtype == np.int64
    assert frame["bldg_id"].is_unique
    assert all(key.strip() == key != "" for key in frame["tariff_key"])


cells = st.sampled_from(
    ["1", "2", "-3", "1.0", "1e3", "1e400", "nan", "inf", "", " ", "x", '"', '"a\nb"', "9" * 400,
     "0x10", "1_000", "True", "\0", "\ufeff1", "é", "2**53", "9007199254740993", "../x", "1;2"]
)  # fmt: skip


@patient
@given(
    head=st.sampled_from(["bldg_id,tariff_key", "tariff_key,bldg_id,x", "bldg_id", "", "a,b"]),
    rows=st.lists(st.lists(cells, max_size=4), max_size=6),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_maps_of_other_cells(folder: Path, head: str, rows: list[list[str]], end: str) -> None:
    check_map(folder, end.join([head, *map(",".join, rows)]).encode())


@patient
@given(data=st.data())
def test_maps_with_other_bytes(folder: Path, data: st.DataObject) -> None:
    lines = ["bldg_id,tariff_key", *(f"{bldg_id},flat" for bldg_id in range(1, 40))]
    check_map(folder, data.draw(damaged_bytes("\n".join(lines).encode())))


# Metadata


def check_metadata(folder: Path, content: bytes) -> None:
    frame = of_file(
        folder, "metadata.parquet", content, lambda path: return_buildingstock(path, None, 1000.0)
    )
    if frame is not None:
        assert list(frame.columns[:2]) == ["bldg_id", "weight"]
        assert frame["bldg_id"].is_unique
        assert (frame["weight"] >= 0).all()
        assert math.isclose(frame["weight"].sum(), 1000.0, rel_tol=1e-9)


@patient
@given(data=st.data())
def test_metadata_of_other_columns(demo: Demo, folder: Path, data: st.DataObject) -> None:
    table = pq.read_table(demo.metadata)
    check_metadata(folder, data.draw(damaged_tables(table)))


@patient
@given(data=st.data())
def test_metadata_with_other_bytes(demo: Demo, folder: Path, data: st.DataObject) -> None:
    check_metadata(folder, data.draw(damaged_bytes((demo.folder / METADATA).read_bytes())))


# Prices


def price_table() -> pa.Table:
    frame = pd.DataFrame({"timestamp": hour_stamps(YEAR), "energy_cost_enduse": 40.0})
    return pa.Table.from_pandas(frame.assign(ancillary_cost_enduse=np.arange(HOURS) / 7))


def check_prices(folder: Path, name: str, content: bytes) -> None:
    prices = of_file(
        folder,
        name,
        content,
        lambda path: read_prices(
            path, ["energy_cost_enduse"], YEAR, None, ["ancillary_cost_enduse"]
        ),
    )
    if prices is not None:
        assert prices.index.equals(hour_stamps(YEAR, "EST"))
        assert np.isfinite(prices.to_numpy(np.float64)).all()


@patient
@given(data=st.data(), name=st.sampled_from(["prices.parquet", "cambium.parquet"]))
def test_prices_of_other_columns(folder: Path, data: st.DataObject, name: str) -> None:
    check_prices(folder, name, data.draw(damaged_tables(price_table())))


@patient
@given(data=st.data())
def test_price_parquet_with_other_bytes(folder: Path, data: st.DataObject) -> None:
    buffer = io.BytesIO()
    pq.write_table(price_table(), buffer)
    check_prices(folder, "prices.parquet", data.draw(damaged_bytes(buffer.getvalue())))


@patient
@given(data=st.data(), name=st.sampled_from(["prices.csv", "cambium.csv", "prices.csv.gz"]))
def test_price_csv_with_other_bytes(folder: Path, data: st.DataObject, name: str) -> None:
    text = price_table().to_pandas().to_csv(index=False)
    content = "cambium\n" * METADATA_ROWS * ("cambium" in name) + text
    damaged = data.draw(damaged_bytes(content.encode()))
    twice = gzip.compress(damaged) if name.endswith(".gz") else damaged
    check_prices(folder, name, data.draw(st.just(twice) | damaged_bytes(twice)))


# Loads


def check_load(folder: Path, content: bytes) -> None:
    loads = of_file(
        folder, "7-0.parquet", content, lambda path: LoadFileReader(FIELDS).read(str(path), 7)
    )
    if loads is not None:
        assert set(loads.values) == set(FIELDS)
        for values in loads.values.values():
            assert values.shape == (HOURS,)
            assert values.dtype == np.float64
            assert np.isfinite(values).all()
        assert isinstance(loads.source_year, int)


def load_table() -> pa.Table:
    columns: dict[str, Any] = {"bldg_id": np.full(HOURS, 7), "timestamp": hour_stamps(2018)}
    columns |= {name: np.arange(HOURS) % 24 / 8 for name in FIELDS.values()}
    return pa.Table.from_pandas(pd.DataFrame(columns))


@patient
@given(data=st.data())
def test_loads_of_other_columns(folder: Path, data: st.DataObject) -> None:
    check_load(folder, data.draw(damaged_tables(load_table())))


@patient
@given(data=st.data())
def test_load_files_with_other_bytes(folder: Path, data: st.DataObject) -> None:
    buffer = io.BytesIO()
    pq.write_table(load_table(), buffer)
    check_load(folder, data.draw(damaged_bytes(buffer.getvalue())))


# Packed stocks


@pytest.fixture(scope="module")
def packed(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(demo.loads, tmp_path_factory.mktemp("packed") / "stock")


def check_packed(packed: Path, victim: Path, content: bytes) -> None:
    """Read a packed stock with one of its files changed."""
    sound = victim.read_bytes()
    victim.write_bytes(content)
    try:
        # What is remembered of a manifest is told apart by its time, which has limits.
        stock = outcome(lambda: read_manifest(str(packed)))
        if stock is None:
            return
        bldg_ids = sorted(stock.place)[:3]
        assert all(isinstance(bldg_id, int) for bldg_id in bldg_ids)
        reader = PackedReader(str(packed), FIELDS)
        reader.stock = stock
        for values, year in outcome(lambda: list(reader.read(bldg_ids))) or ():
            assert all(np.isfinite(energies).all() for energies in values.values())
            assert all(energies.shape == (HOURS,) for energies in values.values())
            assert isinstance(year, int)
    finally:
        victim.write_bytes(sound)


@patient
@given(data=st.data())
def test_packed_stocks_with_another_manifest(packed: Path, data: st.DataObject) -> None:
    manifest = packed / MANIFEST
    stored = json.loads(manifest.read_text())
    del stored["digest"]

    def with_digest(tree: Any) -> bytes:
        plain = json.loads(json_bytes(tree))
        return sealed(plain).encode() if isinstance(plain, dict) else json_bytes(plain)

    tree = damaged_trees(stored).map(with_digest)
    content = data.draw(tree | damaged_bytes(manifest.read_bytes()))
    check_packed(packed, manifest, content)


@patient
@given(data=st.data())
def test_packed_stocks_with_other_bytes(packed: Path, data: st.DataObject) -> None:
    (part,) = packed.glob("*.parquet")
    check_packed(packed, part, data.draw(damaged_bytes(part.read_bytes())))


# What was found


def test_a_list_where_a_rule_belongs_is_refused(demo: Demo, folder: Path) -> None:
    tree = urdb_of(demo)
    tree["items"][0]["dgrules"] = [None]
    assert of_file(folder, "tariff.json", json_bytes(tree), read_tariff) is None


def test_a_column_named_over_two_lines_is_told_on_one(folder: Path) -> None:
    path = folder / "map.csv"
    path.write_text('"a\nb",c\n1,flat\n')
    with pytest.raises(CairoError, match=r"it has a\\nb, c, expected bldg_id, tariff_key$"):
        load_tariff_map(path)
    path.unlink()


def test_half_a_character_in_yaml_is_refused(folder: Path) -> None:
    content = b'a: {b: ["\\ud800"]}'
    assert of_file(folder, "half.yaml", content, lambda path: read_yaml(str(path), "file")) is None


def test_a_long_value_is_told_by_its_ends(demo: Demo, folder: Path) -> None:
    tree, path = urdb_of(demo), folder / "tariff.json"
    tree["items"][0]["fixedchargeunits"] = "$" + "9" * 5000
    path.write_bytes(json_bytes(tree))
    with pytest.raises(CairoError, match=r"fixedchargeunits is '\$9+\.\.\.9+', expected \$/day"):
        read_tariff(path)
    path.unlink()


def test_a_packed_stock_without_an_energy_is_refused(packed: Path) -> None:
    (part,) = packed.glob("*.parquet")
    table = pq.read_table(part)
    name = FIELDS["total"]
    values = table.column(name).to_numpy().copy()
    values[5] = np.nan
    buffer = io.BytesIO()
    place = table.column_names.index(name)
    pq.write_table(table.set_column(place, name, pa.array(values)), buffer)
    sound = part.read_bytes()
    part.write_bytes(buffer.getvalue())
    manifest = packed / MANIFEST
    stored = json.loads(manifest.read_text())
    del stored["digest"]
    with pa.OSFile(str(part)) as source:
        stored["files"][0]["footer"] = footer_digest(source)
    before = manifest.read_text()
    manifest.write_text(sealed(stored))
    reader = PackedReader(str(packed), FIELDS)
    with pytest.raises(CairoError, match=f"{part.name} column {name} has 1 rows that are missing"):
        list(reader.read(sorted(reader.stock.place)))
    part.write_bytes(sound)
    manifest.write_text(before)
