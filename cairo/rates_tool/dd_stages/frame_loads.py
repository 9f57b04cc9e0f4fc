"""A caller's own frames as loads, pandas or Dask; their hours are not transformed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import dask.dataframe as dd
import numpy as np
import pandas as pd

from cairo.errors import LoadError, listed_buildings
from cairo.files.load_file import (
    buildings_of,
)
from cairo.model import kernels
from cairo.model.arrays import Int1D
from cairo.model.names import HOURS
from cairo.rates_tool import hourly_frames
from cairo.rates_tool.dd_stages.load_source import Checked, LoadOptions, LoadSource
from cairo.rates_tool.dd_stages.partition import (
    LOAD_COLUMNS,
    check_distinct,
)
from cairo.workers.sizing import PARTITION_BUILDINGS

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True, eq=False)
class PandasLoads(LoadSource):
    """A pandas load frame with index (`bldg_id`, `time`), as `_return_load` gives.

    Its hours are the caller's own and are not transformed.
    """

    frame: pd.DataFrame

    @classmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | None:
        """Loads of a pandas frame."""
        return cls(given) if isinstance(given, pd.DataFrame) else None

    @property
    def bldg_ids(self) -> tuple[int, ...]:
        """Homes in the frame's order."""
        return tuple(self._homes().tolist())

    @property
    def year(self) -> int:
        """Calendar year of the first hour."""
        return int(self.frame.index.get_level_values("time")[0].year)

    def _homes(self) -> Int1D:
        """bldg_ids (n,) of a frame that holds whole homes."""
        index = self.frame.index
        if not isinstance(index, pd.MultiIndex) or list(index.names) != ["bldg_id", "time"]:
            raise LoadError("a load frame needs the index levels bldg_id and time, in this order")
        ids = index.get_level_values("bldg_id").to_numpy().astype(np.int64, copy=False)
        if not len(ids):
            raise LoadError("the load frame has no rows")
        buildings = buildings_of(ids)
        if len(ids) % HOURS or not np.array_equal(np.repeat(buildings, HOURS), ids):
            counts = pd.Series(ids).value_counts()
            wrong = counts[counts != HOURS].index.tolist() or buildings.tolist()
            raise LoadError(
                f"buildings {listed_buildings(wrong)} of the load frame do not have "
                "8760 consecutive rows"
            )
        check_distinct(np.sort(buildings))
        return buildings

    def take(self, bldg_ids: Sequence[int]) -> Self:
        """Some homes, in this order."""
        rows = hourly_frames.rows_of(self.frame, bldg_ids)
        return replace(self, frame=hourly_frames.stacked([self.frame.iloc[one] for one in rows]))

    def partitions(self, size: int) -> list[Self]:
        """Parts of `size` homes."""
        ids = sorted(self.bldg_ids)
        return [self.take(ids[i : i + size]) for i in range(0, len(ids), size)]

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The frame's rows as a partition."""
        names = [name for name in LOAD_COLUMNS if name in self.frame]
        data = self.frame[list(columns or names)]
        index = pd.Index(np.repeat(self._homes(), HOURS), name="bldg_id", copy=False)
        return data.set_axis(index, axis=0)

    def load_frame(self, size: int | None = None, client: Client | None = None) -> dd.DataFrame:
        """The frame in partitions.

        They are views of its rows when its homes ascend; otherwise each gathers its own homes'
        rows. With `client` they are handed to that cluster's workers; on an in-process cluster
        nothing is copied.
        """
        homes = self._homes()
        place = np.argsort(homes, kind="stable")
        names = [name for name in LOAD_COLUMNS if name in self.frame.columns]
        arrays = {name: self.frame[name].to_numpy().reshape(len(homes), HOURS) for name in names}
        size = size or PARTITION_BUILDINGS
        in_order = bool((np.diff(place) == 1).all())
        parts: list[pd.DataFrame] = []
        for start in range(0, len(place), size):
            rows = slice(start, start + size) if in_order else place[start : start + size]
            data = {name: values[rows].reshape(-1) for name, values in arrays.items()}
            index = pd.Index(np.repeat(homes[rows], HOURS), name="bldg_id", copy=False)
            parts.append(pd.DataFrame(data, index=index, copy=False))
        divisions = (*(int(part.index[0]) for part in parts), int(parts[-1].index[-1]))
        from dask.delayed import delayed

        held = (
            client.scatter(parts, hash=False) if client else [delayed(p, pure=False) for p in parts]
        )
        frame: dd.DataFrame = dd.from_delayed(
            held, meta=parts[0].iloc[:0], divisions=divisions, verify_meta=False
        )
        return frame

    def hourly_frame(self, fuel: str) -> pd.DataFrame:
        """The caller's frame itself."""
        return self.frame

    def as_gas(self) -> LoadSource:
        """The same with therms in `natural_gas`, where they are `load_data`."""
        return PandasLoads(_therms(self.frame))

    def check(self, fields: Sequence[str]) -> Iterator[Checked]:
        """Whether homes are whole."""
        try:
            yield Checked(tuple(self._homes().tolist()))
        except LoadError as error:
            yield Checked((), error=error)

    def fingerprint(self) -> str:
        """A hash of the homes and of the energies of each."""
        homes = self._homes()
        known = hashlib.sha256(np.ascontiguousarray(homes).data)
        for name in self.frame:
            hours = self.frame[name].to_numpy(np.float64).reshape(len(homes), HOURS)
            known.update(str(name).encode())
            known.update(np.ascontiguousarray(kernels.annual_energy(hours)).data)
        return known.hexdigest()


@dataclass(frozen=True, eq=False)
class DaskLoads(LoadSource):
    """A Dask load frame, partitioned by `bldg_id` with known divisions.

    Its hours are the caller's own and are not transformed.
    """

    frame: dd.DataFrame

    @classmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | None:
        """Loads of a Dask frame."""
        if not isinstance(given, dd.DataFrame):
            return None
        if not given.known_divisions:
            raise LoadError(
                "the Dask load frame has unknown divisions: set_index('bldg_id', sorted=True) first"
            )
        return cls(given)

    @property
    def bldg_ids(self) -> None:
        """Known once it is read."""
        return None

    @property
    def year(self) -> None:
        """Known once it is read."""
        return None

    def take(self, bldg_ids: Sequence[int]) -> Self:
        """Some homes; those that are not there are found missing when it is read."""
        ids = np.asarray(bldg_ids, np.int64)
        mine = self.frame.map_partitions(
            _of_homes, ids, meta=self.frame._meta, enforce_metadata=False
        )
        return replace(self, frame=mine)

    def partitions(self, size: int) -> list[Self]:
        """The frame's own partitions."""
        return [replace(self, frame=one) for one in self.frame.partitions]

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Everything, computed."""
        frame = self.frame if columns is None else self.frame[list(columns)]
        computed: pd.DataFrame = frame.compute()
        return computed

    def load_frame(self, size: int | None = None, client: Client | None = None) -> dd.DataFrame:
        """The frame itself."""
        return self.frame

    def hourly_frame(self, fuel: str) -> pd.DataFrame:
        """Refused: its hours stay on the workers.

        Raises
        ------
        LoadError
            Always.
        """
        raise LoadError(
            "loads were given as a Dask frame, whose hours stay on the workers: expected a pandas "
            "load frame, such as _return_load gives, or the backend dask_dataframe"
        )

    def as_gas(self) -> LoadSource:
        """The same with therms in `natural_gas`, where they are `load_data`."""
        return DaskLoads(_therms(self.frame))

    def check(self, fields: Sequence[str]) -> Iterator[Checked]:
        """Nothing before it is read."""
        yield from ()

    def fingerprint(self) -> str:
        """Of the graph that makes the frame."""
        return f"dask {self.frame._name}"


def _of_homes(partition: pd.DataFrame, bldg_ids: Int1D) -> pd.DataFrame:
    return partition[partition.index.isin(bldg_ids)]


def _therms(gas: Any) -> Any:
    """A gas load frame, pandas or Dask, whose therms are in `natural_gas`."""
    if "natural_gas" in gas.columns:
        return gas
    return gas[["load_data"]].rename(columns={"load_data": "natural_gas"})
