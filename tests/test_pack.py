"""Packed stocks: the same loads to the bit, written whole or resumed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dask
import numpy as np
import pyarrow.parquet as pq
import pytest

from cairo.errors import LoadError, OutputError
from cairo.files.load_file import FIELDS
from cairo.files.pack import LOCK, UNFINISHED, pack
from cairo.files.packed import MANIFEST, _manifest_of, is_packed
from cairo.rates_tool.dd_stages.frame import LoadOptions, read_load_frame
from cairo.rates_tool.dd_stages.stored_loads import PackedLoads
from cairo.rates_tool.lookups import HOURS
from tests.cairo_process import ROOT
from tests.strategies import Stock


def a_stock(n: int = 11) -> Stock:
    rng = np.random.default_rng(5)
    ids = rng.permutation(np.arange(1, 1000))[:n].tolist()
    pv = -rng.uniform(0, 3, (n, HOURS)) * (np.arange(n) % 3 == 0)[:, None]
    return Stock(ids, np.ones(n), rng.gamma(2, 1, (n, HOURS)), pv, rng.gamma(1, 1, (n, HOURS)))


def values(folder: Path, ids: list[int] | None = None, size: int = 4) -> bytes:
    frame = read_load_frame(
        folder, ids, options=LoadOptions(2025, 0.95, True), partition_buildings=size
    )
    with dask.config.set(scheduler="synchronous"):
        computed = frame.compute()
    return computed.index.to_numpy().tobytes() + b"".join(
        computed[name].to_numpy().tobytes() for name in computed if name != "time"
    )


def test_a_packed_stock_gives_the_load_folders_bits(tmp_path: Path) -> None:
    stock = a_stock()
    folder = stock.write(tmp_path / "loads")
    packed = pack(folder, tmp_path / "packed", block_buildings=3)
    assert values(packed) == values(folder)
    assert values(packed, size=1) == values(folder)
    some = stock.bldg_ids[2:9:2]
    assert values(packed, some) == values(folder, some)
    assert sorted(p.name for p in packed.iterdir()) == [MANIFEST, "part-00000.parquet"]


def test_an_interrupted_pack_goes_on_from_the_parts_there(tmp_path: Path) -> None:
    folder = a_stock(20).write(tmp_path / "loads")
    out = tmp_path / "packed"

    class Interrupting:
        def stage(self, name: str, total: int | None = None) -> None:
            assert total == 20

        def advance(self, n: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(folder, out, Interrupting(), block_buildings=1)
    assert not is_packed(str(out))
    assert (out / UNFINISHED).exists() and not list(out.glob("*.writing"))
    first = out / "part-00000.parquet"
    made = first.stat().st_mtime_ns
    pack(folder, out, block_buildings=1)
    assert first.stat().st_mtime_ns == made
    assert not (out / UNFINISHED).exists()
    assert values(out) == values(folder)


def test_a_complete_pack_is_left_as_it_is(tmp_path: Path) -> None:
    folder = a_stock(3).write(tmp_path / "loads")
    out = pack(folder, tmp_path / "packed")
    made = (out / MANIFEST).stat().st_mtime_ns
    assert pack(folder, out) == out
    assert (out / MANIFEST).stat().st_mtime_ns == made


def test_a_pack_of_other_loads_is_not_overwritten(tmp_path: Path) -> None:
    out = pack(a_stock(3).write(tmp_path / "loads"), tmp_path / "packed")
    with pytest.raises(OutputError, match="already holds a packed stock of other loads"):
        pack(a_stock(2).write(tmp_path / "others"), out)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(OutputError, match="is not empty"):
        pack(tmp_path / "loads", tmp_path / "mine")


def test_a_damaged_load_file_leaves_no_packed_stock(tmp_path: Path) -> None:
    stock = a_stock(3)
    folder = stock.write(tmp_path / "loads")
    bad = folder / f"{stock.bldg_ids[1]}-0.parquet"
    bad.write_bytes(bad.read_bytes()[:-100])
    with pytest.raises(LoadError, match=bad.name):
        pack(folder, tmp_path / "packed")
    assert not is_packed(str(tmp_path / "packed"))


def test_files_of_two_weather_years_are_refused(tmp_path: Path) -> None:
    folder = a_stock(3).write(tmp_path / "loads")
    other = Stock([5000], np.ones(1), *(np.ones((1, HOURS)) for _ in range(3)))
    other.write(folder, 2017)
    with pytest.raises(LoadError, match="weather year"):
        pack(folder, tmp_path / "packed")


def test_buildings_a_packed_stock_lacks_are_listed(tmp_path: Path) -> None:
    out = pack(a_stock(3).write(tmp_path / "loads"), tmp_path / "packed")
    with pytest.raises(LoadError, match="2 buildings: 2000, 3000"):
        read_load_frame(out, [3000, 2000])


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    out = pack(a_stock(2).write(tmp_path / "loads"), tmp_path / "packed")
    (out / MANIFEST).write_text("{")
    with pytest.raises(LoadError, match=MANIFEST):
        read_load_frame(out)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"format": 1}', '{"format": 2}'])
def test_a_manifest_that_a_power_cut_has_left_is_one_line(tmp_path: Path, content: str) -> None:
    folder = a_stock(2).write(tmp_path / "loads")
    out = pack(folder, tmp_path / "packed")
    (out / MANIFEST).write_text(content)
    with pytest.raises(LoadError, match=rf"packed stock.*{out}.*") as caught:
        read_load_frame(out)
    assert "\n" not in str(caught.value)
    with pytest.raises(OutputError, match="already holds a packed stock, which cannot be read"):
        pack(folder, out)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"source": 1}', '{"source": 1, "parts": []}'])
def test_a_pack_whose_notes_are_lost_begins_anew(tmp_path: Path, content: str) -> None:
    folder, out = a_stock(2).write(tmp_path / "loads"), tmp_path / "packed"
    out.mkdir()
    (out / UNFINISHED).write_text(content)
    (out / "part-00000.parquet").write_text("cut")
    assert values(pack(folder, out)) == values(folder)


# Damage


def flipped(path: Path, place: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def checked(folder: Path) -> list[str]:
    """What `cairo check` finds."""
    loads = PackedLoads.opened(folder, LoadOptions())
    assert loads is not None
    return [str(one.error) for one in loads.check(tuple(FIELDS)) if one.error is not None]


def test_a_flipped_bit_changes_no_load(tmp_path: Path) -> None:
    folder = a_stock(4).write(tmp_path / "loads")
    packed = pack(folder, tmp_path / "packed", block_buildings=2)
    before = values(packed)
    rng = np.random.default_rng(7)
    refused = 0
    for path in sorted(packed.iterdir()):
        sound = path.read_bytes()
        footer = int.from_bytes(sound[-8:-4], "little") + 8
        ends = range(len(sound) - footer, len(sound)) if path.suffix == ".parquet" else ()
        places = [*rng.integers(0, len(sound), 60), *rng.permutation(list(ends))[:60]]
        for place in places:
            flipped(path, int(place), int(rng.integers(8)))
            try:
                _manifest_of.cache_clear()
                assert values(packed) == before
            except LoadError as error:
                refused += 1
                assert "\n" not in str(error)
            finally:
                path.write_bytes(sound)
    _manifest_of.cache_clear()
    assert values(packed) == before
    # Of the manifest, the footers and the values nearly all; what no run reads is for the check.
    assert refused > 100


def test_the_check_finds_a_flipped_bit_in_any_column(tmp_path: Path) -> None:
    packed = pack(a_stock(4).write(tmp_path / "loads"), tmp_path / "packed", block_buildings=2)
    (part,) = packed.glob("*.parquet")
    assert checked(packed) == []
    sound, metadata = part.read_bytes(), pq.ParquetFile(part).metadata
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            flipped(part, column.data_page_offset + column.total_compressed_size // 2, 3)
            (found,) = checked(packed)
            assert str(part) in found
            part.write_bytes(sound)


@pytest.mark.parametrize("damage", ["half", "missing", "another"])
def test_the_check_finds_a_part_that_is_not_the_one_written(tmp_path: Path, damage: str) -> None:
    packed = pack(a_stock(11).write(tmp_path / "loads"), tmp_path / "packed", block_buildings=1)
    first, second = sorted(packed.glob("*.parquet"))
    if damage == "half":
        second.write_bytes(second.read_bytes()[: second.stat().st_size // 2])
    elif damage == "missing":
        second.unlink()
    else:
        second.write_bytes(first.read_bytes())
    found = checked(packed)
    assert len(found) == 3
    assert all(str(second) in one for one in found)


def test_a_stock_packed_without_checksums_is_still_read(tmp_path: Path) -> None:
    folder = a_stock(3).write(tmp_path / "loads")
    packed = pack(folder, tmp_path / "packed")
    stored = json.loads((packed / MANIFEST).read_text())
    del stored["digest"], stored["files"][0]["footer"]
    (packed / MANIFEST).write_text(json.dumps(stored | {"format": 1}))
    assert values(packed) == values(folder)


# Several at once

PACK = """
import sys
from cairo.errors import OutputError
from cairo.files.pack import pack
sys.stdin.readline()
try:
    pack(sys.argv[1], sys.argv[2], block_buildings=1)
except OutputError as error:
    print(error)
"""


@pytest.mark.slow
def test_of_several_packs_into_one_folder_one_wins(tmp_path: Path) -> None:
    folder, out = a_stock(40).write(tmp_path / "loads"), tmp_path / "packed"
    command = [sys.executable, "-c", PACK, str(folder), str(out)]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    packs = [
        subprocess.Popen(
            command, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(5)
    ]
    for process in packs:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0] for process in packs]
    assert [process.returncode for process in packs] == [0] * 5
    pids = {process.pid for process in packs}
    refused = [line for text in said for line in text.splitlines()]
    assert len(refused) < 5
    for line in refused:
        assert line.startswith(f"packed stock {out} is being written by process ")
        owner = line.split(":")[0].split()[-1]
        assert owner == "started" or int(owner) in pids
    assert values(out) == values(folder)
    parts = {f"part-{number:05d}.parquet" for number in range(5)}
    assert {path.name for path in out.iterdir()} == {MANIFEST, *parts}


def test_the_lock_of_a_killed_pack_holds_nobody(tmp_path: Path) -> None:
    folder, out = a_stock(2).write(tmp_path / "loads"), tmp_path / "packed"
    killed = (
        "import os, signal, sys; from pathlib import Path; from cairo.files.lock import alone\n"
        "with alone(Path(sys.argv[1]), 'it'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    out.mkdir()
    command = [sys.executable, "-c", killed, str(out / LOCK)]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert (out / LOCK).exists()
    assert values(pack(folder, out)) == values(folder)
    assert not (out / LOCK).exists()


@pytest.mark.parametrize(
    ("size", "expected"),
    [(2, [2, 2, 2, 2, 2, 1]), (3, [3, 3, 3, 2]), (4, [3, 3, 3, 2]), (5, [6, 5]), (99, [11])],
)
def test_a_partition_is_of_whole_blocks_where_it_is_no_smaller(
    tmp_path: Path, size: int, expected: list[int]
) -> None:
    packed = pack(a_stock(11).write(tmp_path / "loads"), tmp_path / "p", block_buildings=3)
    frame = read_load_frame(packed, partition_buildings=size)
    counts = frame["load_data"].map_partitions(len).compute(scheduler="synchronous")
    assert (counts // HOURS).tolist() == expected


def test_a_packed_home_with_generation_of_both_signs_is_named(tmp_path: Path) -> None:
    stock = a_stock(3)
    stock.pv[0] = np.where(np.arange(HOURS) % 2, -3.0, 1.0)
    with pytest.raises(LoadError, match=f"{stock.bldg_ids[0]}-0.parquet .* of both signs"):
        pack(stock.write(tmp_path / "loads"), tmp_path / "packed")
