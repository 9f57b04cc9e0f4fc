"""What a run's bills are measured against: the bills of another run, home by home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cairo.errors import CairoError, listed_buildings
from cairo.model.dollar_years import convert_dollars
from cairo.model.kernels import weighted_total
from cairo.model.names import ANNUAL

CHANGE, PERCENT = "change", "change_percent"


@dataclass(frozen=True, eq=False)
class Baseline:
    """Another run's annual bills.

    run : its name; directory : where it is; year : of its dollars.
    electricity, gas : index bldg_id [$/year].
    """

    run: str
    directory: str
    year: int
    electricity: pd.Series
    gas: pd.Series

    def check_homes(self, bldg_ids: list[int]) -> None:
        """Check that every home of a run has bills here.

        Raises
        ------
        CairoError
            Some have none.
        """
        missing = pd.Index(bldg_ids).difference(self.electricity.index)
        if len(missing):
            raise CairoError(
                f"compare_to {self.directory} has no bills of buildings "
                f"{listed_buildings(missing.tolist())}"
            )

    def changes(
        self, electricity: pd.DataFrame, gas: pd.DataFrame, weight: pd.Series, year: int
    ) -> pd.DataFrame:
        """How bills differ from these, a row a home.

        Parameters
        ----------
        electricity, gas : index bldg_id, with `Annual` [$ of `year`].
        weight : customers by bldg_id.

        Returns
        -------
        Bills before and after [$ of `year`], their change in all [$] and in percent of the bills
        before, which is empty where these are zero.
        """
        ids = electricity.index
        before = {
            "electricity": convert_dollars(self.electricity.to_frame(), self.year, year),
            "gas": convert_dollars(self.gas.to_frame(), self.year, year),
        }
        frame = pd.DataFrame(
            {
                "bldg_id": ids,
                "weight": weight.reindex(ids).to_numpy(np.float64),
                "electricity_before": before["electricity"].iloc[:, 0].reindex(ids).to_numpy(),
                "electricity_after": electricity[ANNUAL].to_numpy(np.float64),
                "gas_before": before["gas"].iloc[:, 0].reindex(ids).to_numpy(),
                "gas_after": gas[ANNUAL].to_numpy(np.float64),
            }
        )
        first = frame["electricity_before"] + frame["gas_before"]
        change = frame["electricity_after"] + frame["gas_after"] - first
        percent = 100.0 * change / first.where(first != 0.0)
        return frame.assign(**{CHANGE: change, PERCENT: percent})

    def record(self, changes: pd.DataFrame) -> dict[str, object]:
        """What `run.json` holds of it, weighted by customers."""
        weight, change = changes["weight"].to_numpy(), changes[CHANGE].to_numpy()
        customers = weighted_total(weight, np.ones(len(weight)))
        more = weighted_total(weight, (change > 0.0).astype(np.float64))
        return {
            "run": self.run,
            "directory": self.directory,
            "mean_change": weighted_total(weight, change) / customers,
            "share_paying_more": more / customers,
        }
