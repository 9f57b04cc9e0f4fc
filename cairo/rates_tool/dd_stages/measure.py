"""What is asked of the hourly loads: one question a measure, several runs' questions one set.

A measure is defined in one file, with its chunk (what it takes of one partition) and its
combination (of several partitions' answers). It is keyed by what it asks (a price vector, a mask
of hours, a schedule), never by a tariff or a run, so runs that ask the same share an answer.
"""

from __future__ import annotations

import functools
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Self, TypeAlias

import numpy as np
import pandas as pd

from cairo.errors import LoadError, listed_buildings
from cairo.model import kernels
from cairo.model.arrays import Float2D, FloatND, Int1D
from cairo.model.kernels import Nodes
from cairo.rates_tool.dd_stages.partition import partition_arrays

Rows: TypeAlias = slice | Int1D


@dataclass(frozen=True)
class ByHome:
    """A measure's answer with a row a home: values (n, ...) in the order of `bldg_ids` (n,)."""

    bldg_ids: Int1D
    values: FloatND

    def of(self, homes: Int1D) -> FloatND:
        """The rows of some homes, in their order.

        Raises
        ------
        LoadError
            Homes that are not among these.
        """
        if np.array_equal(homes, self.bldg_ids):
            return self.values
        place = pd.Index(self.bldg_ids).get_indexer(pd.Index(homes))
        if (place < 0).any():
            raise LoadError(f"the pass took nothing of {listed_buildings(homes[place < 0])}")
        mine: FloatND = self.values[place]
        return mine


Answer: TypeAlias = ByHome | Nodes | tuple[Nodes, ...]
Final: TypeAlias = ByHome | FloatND
"""A row a home, or figures an hour of all of them."""


class Block:
    """The hours of one partition's homes, as measures see them.

    bldg_ids : (n,); `hours(column)` are (n, 8760).
    """

    def __init__(self, bldg_ids: Int1D, arrays: Mapping[str, Float2D]) -> None:
        self.bldg_ids = bldg_ids
        self._arrays = arrays
        self._rows: dict[int, tuple[Int1D, Rows]] = {}
        self._billed: dict[tuple[str, int], Float2D] = {}

    @classmethod
    def of_partition(cls, partition: pd.DataFrame) -> Block:
        """The hours of a partition of the load frame, without copying."""
        return cls(*partition_arrays(partition))

    def rows(self, homes: Int1D) -> Rows:
        """Where those of this partition's homes stand that are among `homes` (ascending)."""
        # The measures of one schedule hold the same array: looked up once a partition.
        known = self._rows.get(id(homes))
        if known is not None:
            return known[1]
        place = np.minimum(np.searchsorted(homes, self.bldg_ids), len(homes) - 1)
        mine = homes[place] == self.bldg_ids if len(homes) else np.zeros(len(place), bool)
        found: Rows = slice(None) if mine.all() else np.flatnonzero(mine)
        self._rows[id(homes)] = homes, found
        return found

    def hours(self, column: str, rows: Rows) -> Float2D:
        """Hours of some rows; all of them without copying."""
        return self._arrays[column][rows]

    def billed(self, column: str, homes: Int1D) -> Float2D:
        """Energy taken of the grid or the gas main hour by hour by those who are among `homes`."""
        at = column, id(homes)
        if at not in self._billed:
            self._billed[at] = kernels.grid_consumption(self.hours(column, self.rows(homes)))
        return self._billed[at]


class Measure(ABC):
    """A question to the hours of some homes.

    homes : (n,) ascending bldg_ids it asks of.
    """

    homes: Int1D

    @property
    @abstractmethod
    def what(self) -> str:
        """What is asked, or by what, in words for error messages."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Columns of the load frame that it needs."""

    @functools.cached_property
    def key(self) -> str:
        """Two measures of one key ask the same of a home."""
        return digest(type(self).__name__, *self._asked())

    def _asked(self) -> list[object]:
        assert is_dataclass(self)
        return [getattr(self, item.name) for item in fields(self) if item.name != "homes"]

    @abstractmethod
    def chunk(self, block: Block) -> Answer:
        """The answer for one partition's homes."""

    @abstractmethod
    def combine(self, answers: Sequence[Answer]) -> Answer:
        """One answer of several partitions'; their order does not matter."""

    @abstractmethod
    def final(self, answer: Answer) -> Final:
        """What is kept of the whole stock's answer."""

    def united(self, other: Measure) -> Measure:
        """The same question to the homes of both."""
        assert is_dataclass(self)
        if np.array_equal(self.homes, other.homes):
            return self
        return replace(self, homes=np.union1d(self.homes, other.homes))


class RowMeasure(Measure):
    """A measure whose answer for a home depends on that home's hours alone."""

    @abstractmethod
    def rows(self, block: Block) -> FloatND:
        """The answer (m, ...) for those of the block's homes that it asks of."""

    def chunk(self, block: Block) -> ByHome:
        """The answer for one partition's homes."""
        return ByHome(block.bldg_ids[block.rows(self.homes)], self.rows(block))

    def combine(self, answers: Sequence[Answer]) -> ByHome:
        """One answer of several partitions', homes ascending."""
        parts = [part for part in answers if isinstance(part, ByHome)]
        ids = np.concatenate([part.bldg_ids for part in parts])
        values = np.concatenate([part.values for part in parts])
        order = np.argsort(ids, kind="stable")
        if bool((np.diff(order) == 1).all()):
            return ByHome(ids, values)
        return ByHome(ids[order], values[order])

    def final(self, answer: Answer) -> Final:
        """The homes' own answers."""
        assert isinstance(answer, ByHome)
        return answer


@dataclass(frozen=True)
class Measures:
    """A set of questions, put to the hours together.

    bldg_ids : (n,) ascending, every home the pass must find.
    each : the measures, no two of one key.
    """

    bldg_ids: Int1D
    each: tuple[Measure, ...]

    @classmethod
    def of(cls, bldg_ids: Int1D, measures: Iterable[Measure]) -> Self:
        """The set of some measures; those that ask the same become one."""
        known: dict[str, Measure] = {}
        for one in measures:
            known[one.key] = known[one.key].united(one) if one.key in known else one
        return cls(bldg_ids, tuple(known.values()))

    def __or__(self, other: Measures) -> Measures:
        return Measures.of(np.union1d(self.bldg_ids, other.bldg_ids), (*self.each, *other.each))

    @property
    def columns(self) -> list[str]:
        """Columns of the load frame that the pass decodes."""
        return list(dict.fromkeys(name for one in self.each for name in one.columns))


def digest(*parts: object) -> str:
    """A hash of arrays, texts, numbers and dataclasses of them, by value."""
    known = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            known.update(f"{part.dtype}{part.shape}".encode())
            known.update(np.ascontiguousarray(part).data)
        elif is_dataclass(part):
            inner = (getattr(part, item.name) for item in fields(part))
            known.update(digest(type(part).__name__, *inner).encode())
        else:
            known.update(repr(part).encode())
        known.update(b"\0")
    return known.hexdigest()
