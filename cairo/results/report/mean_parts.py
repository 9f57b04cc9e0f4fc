"""The mean customer's bill by month split in its parts, from a run's billing determinants."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cairo.errors import CairoError
from cairo.model.arrays import Float1D
from cairo.model.bill_parts import PEAK
from cairo.model.names import MONTHS
from cairo.rates_tool.run_files import DETERMINANTS
from cairo.rates_tool.run_reader import RunReader


def mean_parts(reader: RunReader, index: pd.Index, weight: Float1D) -> dict[str, Float1D]:
    """{item: (12,) what it adds to the mean customer's bill [$ a month]}.

    Empty of a run directory of an earlier version, which has no determinants.

    Raises
    ------
    CairoError
        The file cannot be read, or has other homes than the run.
    """
    if not (reader.path / DETERMINANTS).is_file():
        return {}
    frame = reader.table(DETERMINANTS, ["bldg_id", "month", "item", "dollars"], others=False)
    place = index.get_indexer(pd.Index(frame["bldg_id"]))
    month = frame["month"].to_numpy(np.int64) - 1
    if (place < 0).any() or not np.isin(month, range(MONTHS)).all():
        raise CairoError(
            f"{reader.path / DETERMINANTS} has homes that customer_metadata.csv lacks, or months "
            "that are none"
        )
    names = [str(name) for name in frame["item"].cat.categories]
    cell = frame["item"].cat.codes.to_numpy(np.int64) * MONTHS + month
    dollars_of = frame["dollars"].to_numpy() * weight[place]
    sums = np.bincount(cell, dollars_of, minlength=len(names) * MONTHS) / weight.sum()
    return {
        name: row
        for name, row in zip(names, sums.reshape(-1, MONTHS), strict=True)
        if row.any() and name != PEAK
    }
