"""Transforms of loads: one chain, in one order, for stored loads of every kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pytest

from cairo.errors import LoadError
from cairo.files.load_file import HourlyLoads, ReadCount
from cairo.files.pack import pack
from cairo.model.arrays import Float2D, Int1D
from cairo.model.names import ELECTRICITY, HOURS, NET_LOAD
from cairo.rates_tool.dd_stages import sources
from cairo.rates_tool.dd_stages.load_source import Checked
from cairo.rates_tool.dd_stages.partition import read_count
from cairo.rates_tool.dd_stages.sources import LoadOptions, LoadSource, StoredLoads, load_source
from cairo.rates_tool.dd_stages.stored_loads import Reading
from tests.strategies import YEAR, Stock

IDS = [5, 9]
LOAD = np.stack([np.full(HOURS, 3.0), np.full(HOURS, 1.0)])
PV = np.stack([np.zeros(HOURS), np.where(np.arange(HOURS) % 24 == 12, -4.0, 0.0)])


@dataclass(frozen=True)
class LessAtHome:
    """Takes off as many kWh as the building's number in tenths, every hour."""

    def apply(self, hours: Mapping[str, Float2D], bldg_ids: Int1D) -> None:
        hours[NET_LOAD][:] -= 0.1 * bldg_ids[:, None]


class Counted:
    count = ReadCount(files=1)


@dataclass(frozen=True)
class HeldLoads(StoredLoads):
    """A further load format: energies of the weather year in memory."""

    homes: tuple[int, ...]

    @classmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | None:
        return cls(options, tuple(IDS)) if given == "held" else None

    @property
    def bldg_ids(self) -> tuple[int, ...]:
        return self.homes

    @property
    def place(self) -> str:
        return "memory"

    def part(self, bldg_ids: Sequence[int]) -> Self:
        return replace(self, homes=tuple(bldg_ids))

    def partitions(self, size: int) -> list[Self]:
        return [self.part([bldg_id]) for bldg_id in sorted(self.homes)]

    def buildings(self, fields: Sequence[str]) -> Reading:
        energies = {"total": LOAD, "pv": PV, "gas": np.ones((2, HOURS))}
        return Reading(
            Counted(),
            (
                HourlyLoads({name: energies[name][IDS.index(one)] for name in fields}, 2018)
                for one in self.homes
            ),
        )

    def place_of(self, bldg_id: int) -> str:
        return f"memory {bldg_id}"

    def check(self, fields: Sequence[str]) -> Iterator[Checked]:
        yield Checked(self.homes)

    def fingerprint(self) -> str:
        return "memory"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stock = Stock(IDS, np.ones(2), LOAD, PV, np.ones((2, HOURS)))
    return stock.write(tmp_path_factory.mktemp("loads"))


OPTIONS = LoadOptions(YEAR, 2.0, True, transforms=(LessAtHome(),))
EXPECTED = {
    # (3 kWh x 2) less 0.5; (1 kWh x 2) less 0.9, and at noon of 1 - 4 kWh nothing is left.
    5: (5.5, 5.5),
    9: (1.1, 0.0),
}


def kinds(folder: Path, packed: Path) -> list[LoadSource]:
    pack(folder, packed)
    files = {bldg_id: str(folder / f"{bldg_id}-0.parquet") for bldg_id in IDS}
    return [load_source(one, OPTIONS) for one in (folder, packed, files)]


def test_the_chain_is_scale_then_others_then_floor(folder: Path, tmp_path: Path) -> None:
    for source in kinds(folder, tmp_path / "packed"):
        assert source.bldg_ids is not None and sorted(source.bldg_ids) == IDS
        assert source.year == YEAR
        frame = source.load_frame(1).compute()
        for name, whole in (("Dask", frame), ("pandas", source.hourly_frame(ELECTRICITY))):
            for bldg_id, (night, noon) in EXPECTED.items():
                hours = whole.loc[bldg_id][NET_LOAD].to_numpy()
                assert (hours[0], hours[12]) == pytest.approx((night, noon)), name
        # Gross load and generation are scaled, and know no floor.
        assert frame.loc[9, "load_data"].iloc[12] == 2.0
        assert frame.loc[9, "pv_generation"].iloc[12] == -8.0
        assert frame.loc[9, "natural_gas"].iloc[0] == pytest.approx(0.0341214116)


def test_a_further_load_format_is_one_class(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SOURCES", (HeldLoads, *sources.SOURCES))
    held, stored = load_source("held", OPTIONS), load_source(folder, OPTIONS)
    pd.testing.assert_frame_equal(held.read(), stored.take(IDS).read(), check_exact=True)
    frames = [source.load_frame(1).compute() for source in (held, stored)]
    pd.testing.assert_frame_equal(*frames, check_exact=True)
    assert read_count(held.read()).files == 1
    # What is in a folder of this machine is read again when a home is unsound.
    assert stored.read_again and not held.read_again


def test_every_kind_of_loads_is_behind_one_interface(folder: Path, tmp_path: Path) -> None:
    sources = kinds(folder, tmp_path / "packed")
    pandas = load_source(sources[0].hourly_frame(ELECTRICITY))
    dask = load_source(sources[0].load_frame(1))
    names = ["load_data", "pv_generation", NET_LOAD]
    expected = sources[0].take([9]).read(names)
    for source in (*sources, pandas, dask):
        mine = source.take([9])
        pd.testing.assert_frame_equal(mine.read(names), expected, check_exact=True)
        assert all(one.error is None for one in source.check(("total", "pv")))
        assert len(source.partitions(1)) == 2
        assert source.fingerprint() == source.fingerprint() != ""
    assert pandas.year == YEAR and pandas.bldg_ids == (5, 9)
    with pytest.raises(LoadError, match="expected a folder, a packed stock"):
        load_source(3.5)


def test_what_is_unsound_is_found_home_by_home(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "9-0.parquet"
    broken.write_bytes((folder / "9-0.parquet").read_bytes()[:100])
    source = load_source({5: folder / "5-0.parquet", 9: broken})
    read = list(source.check(("total", "pv")))
    assert [one.bldg_ids for one in read] == [(5,), (9,)]
    assert read[0].error is None and str(broken) in str(read[1].error)


def test_dask_knows_other_loads_and_other_options_by_other_names(
    folder: Path, tmp_path: Path
) -> None:
    pack(folder, tmp_path / "packed")
    other = tmp_path / "other"
    other.mkdir()
    for file in folder.glob("*.parquet"):
        (other / file.name).write_bytes(file.read_bytes())

    def keys(loads: Path, options: LoadOptions = OPTIONS) -> tuple[object, ...]:
        return tuple(load_source(loads, options).load_frame(1).__dask_keys__())

    assert keys(folder) == keys(folder, replace(OPTIONS))
    changes = [{"kwh_scale": 3.0}, {"target_year": 2018}, {"transforms": ()}, {"timezone": None}]
    others = [keys(folder, replace(OPTIONS, **one)) for one in changes]
    names = [keys(folder), keys(other), keys(tmp_path / "packed"), *others]
    assert len({name for frame in names for name in frame}) == len(names) * len(IDS)
