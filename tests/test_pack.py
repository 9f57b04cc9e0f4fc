"""Packed stocks: the same loads to the bit, written whole or resumed."""

from pathlib import Path

import dask
import numpy as np
import pytest

from cairo.errors import LoadError, OutputError
from cairo.files.pack import UNFINISHED, pack
from cairo.files.packed import MANIFEST, is_packed
from cairo.rates_tool.dd_stages.frame import LoadOptions, read_load_frame
from cairo.rates_tool.lookups import HOURS
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
