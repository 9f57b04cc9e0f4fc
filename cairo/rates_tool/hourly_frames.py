"""CAIRO's hourly frame: index (`bldg_id`, `time`), 8760 rows a building, on the client."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from cairo.errors import LoadError, listed_buildings
from cairo.files.load_file import NOTHING_READ
from cairo.model.names import HOURS
from cairo.rates_tool.dd_stages.partition import check_one_year, mark_read, read_count


def of_sample(loads: pd.DataFrame, sample: Sequence[int]) -> pd.DataFrame:
    """A load frame without the homes that are not of the sample; itself when it has no other."""
    level = loads.index.names.index("bldg_id")
    mine = loads.index.levels[level].isin(list(sample))
    # Two numbers a home, not one an hour, when there is no other home.
    if mine.all():
        return loads
    rows = mine[loads.index.codes[level]]
    return loads if rows.all() else loads[rows]


def rows_of(loads: pd.DataFrame, bldg_ids: Iterable[int]) -> list[slice]:
    """Row range of each building of a load frame whose buildings stand together."""
    ids = loads.index.get_level_values("bldg_id").to_numpy()
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    ends = np.r_[starts[1:], len(ids)]
    ranges: dict[int, slice] = {}
    for start, end in zip(starts, ends, strict=True):
        bldg_id = int(ids[start])
        if bldg_id in ranges or end - start != HOURS:
            raise LoadError(
                f"building {bldg_id} of the load frame does not have 8760 consecutive rows"
            )
        ranges[bldg_id] = slice(int(start), int(end))
    missing = [int(bldg_id) for bldg_id in bldg_ids if int(bldg_id) not in ranges]
    if missing:
        raise LoadError(f"the load frame lacks buildings {listed_buildings(missing)}")
    return [ranges[int(bldg_id)] for bldg_id in bldg_ids]


def stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of one building each, one below the other."""
    if not frames:
        raise LoadError("no buildings to read loads of")
    times = frames[0].index.get_level_values("time")
    check_one_year(
        {int(frame.index[0][1].year): int(frame.index[0][0]) for frame in reversed(frames)}
    )
    ids = [int(frame.index[0][0]) for frame in frames]
    codes = [np.repeat(np.arange(len(ids)), HOURS), np.tile(np.arange(HOURS), len(ids))]
    index = pd.MultiIndex(
        [pd.Index(ids), times], codes, names=["bldg_id", "time"], verify_integrity=False
    )
    columns = {
        name: np.concatenate([frame[name].to_numpy() for frame in frames]) for name in frames[0]
    }
    stacked = pd.DataFrame(columns, index=index)
    mark_read(stacked, sum((read_count(frame) for frame in frames), NOTHING_READ))
    return stacked


def indexed(frame: pd.DataFrame, bldg_id: int) -> pd.DataFrame:
    """One building's hours, `time` and load columns, as CAIRO's frame; gas is `load_data`."""
    times = pd.DatetimeIndex(frame["time"])
    index = pd.MultiIndex(
        [pd.Index([bldg_id]), times],
        [np.zeros(HOURS, dtype=np.int64), np.arange(HOURS)],
        names=["bldg_id", "time"],
        verify_integrity=False,
    )
    columns = frame.drop(columns="time").rename(columns={"natural_gas": "load_data"})
    return columns.set_axis(index, axis=0)
