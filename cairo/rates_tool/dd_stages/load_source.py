"""What every kind of hourly loads can do, and how stored energies become the model's loads."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dask.dataframe as dd
import pandas as pd
from dask.tokenize import tokenize

from cairo.errors import CairoError
from cairo.model.transforms import Floor, Scale, Transform

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True)
class LoadOptions:
    """How stored energies become the model's loads.

    target_year : year whose calendar the hours take; None keeps the weather year's.
    kwh_scale : factor on electric columns, so that the stock meets a utility's sales.
    floor_net : negative net load counts as zero, hour by hour.
    timezone : of the stamps; None leaves them naive.
    storage_options : fsspec options of URLs.
    transforms : further changes to the hours, after the scale and before the floor.
    """

    target_year: int | None = None
    kwh_scale: float = 1.0
    floor_net: bool = False
    timezone: str | None = "EST"
    storage_options: Mapping[str, object] = field(default_factory=dict)
    transforms: tuple[Transform, ...] = ()

    @property
    def chain(self) -> tuple[Transform, ...]:
        """Every change to the hours, in order."""
        scale = (Scale(self.kwh_scale),) if self.kwh_scale != 1.0 else ()
        floor = (Floor(),) if self.floor_net else ()
        return (*scale, *self.transforms, *floor)

    @functools.cached_property
    def token(self) -> str:
        """What tells these from others, for Dask."""
        return tokenize(self)


@dataclass(frozen=True)
class Checked:
    """Homes that have been read, where from, and what is unsound of them."""

    bldg_ids: tuple[int, ...]
    place: str = ""
    error: CairoError | None = None


class LoadSource(ABC):
    """Hourly loads of some homes, behind one interface whatever they are kept in."""

    @classmethod
    @abstractmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | None:
        """The source of what a caller gives as loads; None when that is of another kind."""

    @property
    @abstractmethod
    def bldg_ids(self) -> tuple[int, ...] | None:
        """Homes in the order they are read; None where only reading tells."""

    @property
    @abstractmethod
    def year(self) -> int | None:
        """Calendar year of the hours; None where only reading tells."""

    @property
    def read_again(self) -> bool:
        """Whether all of it is read again to tell of everything unsound; over a network it is
        not, as that may take hours.
        """
        return False

    @abstractmethod
    def take(self, bldg_ids: Sequence[int]) -> LoadSource:
        """Some homes, in this order.

        Raises
        ------
        LoadError
            Listing every home that is not there, or is asked for twice.
        """

    @abstractmethod
    def partitions(self, size: int) -> Sequence[LoadSource]:
        """Parts of about `size` whole homes, ids ascending."""

    @abstractmethod
    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A partition of the load frame with these homes; all columns by default."""

    @abstractmethod
    def load_frame(self, size: int | None = None, client: Client | None = None) -> dd.DataFrame:
        """The load frame, `size` homes a partition; nothing stored is read until computed."""

    @abstractmethod
    def hourly_frame(self, fuel: str) -> pd.DataFrame:
        """CAIRO's frame, index (`bldg_id`, `time`), of a key of `load_types_map`."""

    @abstractmethod
    def as_gas(self) -> LoadSource:
        """The same with gas under the load frame's name for it."""

    @abstractmethod
    def check(self, fields: Sequence[str]) -> Iterator[Checked]:
        """Read what the model may need of it, `fields` of `load_file.FIELDS`, as it goes."""

    @abstractmethod
    def fingerprint(self) -> str:
        """What tells these loads from others."""
