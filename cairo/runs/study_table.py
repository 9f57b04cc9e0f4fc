"""The table that a study ends with: a row a run, also written as `study.csv` beside the runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cairo.errors import CairoError
from cairo.files.durable import write_whole
from cairo.files.spreadsheet import with_marks
from cairo.model.allocations import share_columns
from cairo.model.bat_statistics import paid_for_one_another
from cairo.model.kernels import weighted_total
from cairo.model.names import ANNUAL
from cairo.results.run import Run

STUDY_FILE = "study.csv"


def study_table(
    order: Iterable[str], runs: Mapping[str, Run], failed: Mapping[str, CairoError]
) -> pd.DataFrame:
    """A row a run: seconds, requirement, revenue and mean bill [$], what customers pay for one
    another by allocation [$/year], directory, or the error.
    """
    rows = [
        _row(name, runs[name]) if name in runs else {"run": name, "error": str(failed[name])}
        for name in order
        if name in runs or name in failed
    ]
    return pd.DataFrame(rows)


def _row(name: str, one: Run) -> dict[str, object]:
    summary, bat = one.summary, one.bat
    weight = bat["weight"].to_numpy(np.float64)
    customers = weighted_total(weight, np.ones(len(weight)))
    row: dict[str, object] = {
        "run": name,
        "seconds": round(sum(one.info["timings_s"].values()), 2),
        "requirement": summary["revenue_requirement"],
        "revenue": summary["revenue"],
        "mean_bill": weighted_total(weight, bat[ANNUAL].to_numpy(np.float64)) / customers,
    }
    for column in share_columns():
        if column in bat:
            values = bat[column].to_numpy(np.float64)
            row[f"paid_for_others_{column}"] = paid_for_one_another(values, weight)
    return row | {"directory": str(one.path), "error": ""}


def write_study_table(table: pd.DataFrame, folders: Iterable[Path]) -> Path | None:
    """Write the table into the folder of run directories, or the one above several.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    places = {folder.resolve() for folder in folders}
    if not places:
        return None
    place = Path(os.path.commonpath(places)) / STUDY_FILE
    return write_whole(place, with_marks(table).to_csv(index=False))
