"""The runs of a report: lettered, their homes in one order, and how far they are alike."""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cairo.errors import CairoError
from cairo.model.arrays import Float1D, FloatND, Int1D
from cairo.model.labels import Labels
from cairo.results.report.data import FUELS, RunData
from cairo.results.report.numbers import EVEN


@dataclass(frozen=True, eq=False)
class Design:
    """A run of a report; `place` (n,) is where it has each of the homes that all runs have."""

    letter: str
    run: RunData
    place: Int1D

    @property
    def title(self) -> str:
        """`A: name`."""
        return f"{self.letter}: {self.run.name}"

    def of(self, values: FloatND) -> FloatND:
        """(n,) of the run's own homes, for the homes that all runs have."""
        own: FloatND = values[self.place]
        return own

    def annual(self, fuel: str) -> Float1D:
        """(n,) annual bills [$]."""
        return self.of(self.run.bills[fuel].annual)


@dataclass(frozen=True, eq=False)
class Designs:
    """Runs of a report, the baseline first.

    homes : metadata of the n homes that all have, in the baseline's order. weight : (n,)
    customers, the baseline's.
    """

    every: tuple[Design, ...]
    homes: pd.DataFrame
    weight: Float1D

    @property
    def base(self) -> Design:
        """What the others are compared with."""
        return self.every[0]

    @property
    def others(self) -> tuple[Design, ...]:
        """All but the baseline."""
        return self.every[1:]

    @functools.cached_property
    def labels(self) -> Labels:
        """The runs' words for columns and values; the baseline's go first."""
        own: dict[str, str] = {}
        for one in reversed(self.every):
            own |= one.run.labels.own
        return Labels(own)

    def change(self, other: Design, fuel: str) -> Float1D:
        """(n,) change of annual bills against the baseline [$]."""
        return other.annual(fuel) - self.base.annual(fuel)

    @functools.cached_property
    def fuels(self) -> list[str]:
        """Fuels whose bills are compared: electricity, and with gas where a gas bill changes."""
        if any(list(one.run.bills) != list(self.base.run.bills) for one in self.others):
            return ["elec"]
        if "gas" not in self.base.run.bills:
            return ["elec"]
        moved = any((np.abs(self.change(one, "gas")) > EVEN).any() for one in self.others)
        return list(FUELS) if moved else ["elec"]

    @functools.cached_property
    def allocations(self) -> list[str]:
        """Columns of bill alignment that every run has, in the baseline's order."""
        return [
            name for name in self.base.run.bat if all(name in one.run.bat for one in self.others)
        ]


def letters(count: int) -> list[str]:
    """A to Z, then A2 to Z2 and so on."""
    alphabet = string.ascii_uppercase
    return [
        alphabet[number % 26] + (str(number // 26 + 1) if number >= 26 else "")
        for number in range(count)
    ]


def all_of(names: Sequence[str]) -> str:
    """`B, C and D`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def designs_of(runs: Sequence[RunData]) -> Designs:
    """Match the homes of runs by bldg_id, the first run the baseline.

    Raises
    ------
    CairoError
        Runs have no home in common.
    """
    indexes = [pd.Index(run.homes["bldg_id"]) for run in runs]
    common = indexes[0]
    for index, run in zip(indexes[1:], runs[1:], strict=True):
        common = common[common.isin(index)]
        if common.empty:
            raise CairoError(
                f"run {run.path} has none of the homes of run {runs[0].path}: designs are "
                "compared on the same homes"
            )
    every = tuple(
        Design(letter, run, np.asarray(index.get_indexer(common)))
        for letter, run, index in zip(letters(len(runs)), runs, indexes, strict=True)
    )
    base = every[0]
    homes = base.run.homes.iloc[base.place].reset_index(drop=True)
    weight = homes["weight"].to_numpy(np.float64)
    if not weight.sum() > 0.0:
        raise CairoError(
            f"the homes that run {runs[0].path} has in common with the others stand for no "
            "customers"
        )
    return Designs(every, homes, weight)
