"""How the electric bill of one home came about, from the run's billing determinants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cairo.errors import CairoError
from cairo.files.parquet_tables import read_rows
from cairo.model.allocations import label, share_columns
from cairo.model.bill_parts import DEMAND, ITEMS, OTHER, PEAK
from cairo.model.names import ANNUAL, BURDEN, MONTHS, months
from cairo.model.tariff import parse_tariff
from cairo.rates_tool.run_files import DETERMINANTS
from cairo.results.rate_words import tariff_words

if TYPE_CHECKING:
    from cairo.results.run import Run

CENT = 0.01
BILL = "bill"
LINE = ["item", "period", "tier"]
"""What tells the lines of a bill apart."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """One home's bill.

    rows : of `billing_determinants.parquet`. tariff : its key; rates : it in words.
    alignment : bill, burden, share and bill alignment of the year [$], a row an allocation.
    notes : what a reader has to know besides.
    """

    bldg_id: int
    tariff: str
    rates: tuple[str, ...]
    rows: pd.DataFrame
    alignment: pd.DataFrame
    notes: tuple[str, ...]

    def by_month(self) -> pd.DataFrame:
        """Dollars, a row an item, period and tier, a column a month, and the year; `bill` last."""
        priced = self.rows[self.rows["item"] != PEAK]
        table = priced.pivot_table(
            index=LINE, columns="month", values="dollars", aggfunc="sum", observed=True
        ).reindex(columns=range(1, MONTHS + 1))
        table = table.fillna(0.0).set_axis(months, axis=1)
        table.index = pd.Index(self._labels(table.index.to_frame(index=False)), name="item")
        table.loc[BILL] = table.sum()
        table[ANNUAL] = table.sum(axis=1)
        return table

    def lines(self, month: int | None = None) -> pd.DataFrame:
        """What was billed at which price, in a month (from 1) or the year; `bill` last.

        Columns quantity, unit, rate [$ per unit; NaN where there is none], dollars [$].

        Raises
        ------
        CairoError
            A month that is none.
        """
        if month is not None and month not in range(1, MONTHS + 1):
            raise CairoError(f"month is {month}, expected 1 to {MONTHS}")
        rows = self.rows if month is None else self.rows[self.rows["month"] == month]
        peak = rows["item"] == PEAK
        keys = [*LINE, "unit", "rate"]
        lines = rows[~peak].groupby(keys, dropna=False, observed=True, sort=False)
        lines = lines.agg({"quantity": "sum", "dollars": "sum", "month": list}).reset_index()
        lines = lines.sort_values(LINE)
        highest = rows[peak].nlargest(1, "quantity")
        lines = pd.concat([lines, highest.assign(month=[[m] for m in highest["month"]])])
        table = lines[["quantity", "unit", "rate", "dollars"]].astype({"unit": str})
        labels = self._labels(lines)
        # One that has several prices in the year says which months have which.
        several = lines.duplicated(LINE, keep=False) | (lines["item"] == PEAK)
        if month is None:
            labels = [
                f"{words} ({', '.join(months[m - 1] for m in of)})" if told else words
                for words, of, told in zip(labels, lines["month"], several, strict=True)
            ]
        table.index = pd.Index(labels, name="item")
        table.loc[BILL] = [np.nan, "", np.nan, lines["dollars"].sum()]
        return table

    def _labels(self, lines: pd.DataFrame) -> list[str]:
        """`energy, period 2, tier 1`; without tiers where the home's bill has none above 1."""
        tiers = self.rows.groupby("item", observed=True)["tier"].max()
        labels = []
        for item, period, tier in lines[LINE].itertuples(index=False):
            words = [ITEMS[item].label if item in ITEMS else item]
            if period:
                words.append(f"period {period}")
            elif item == DEMAND:
                words.append("highest hour")
            if tiers[item] > 1:
                words.append(f"tier {tier}")
            labels.append(", ".join(words))
        return labels


def explain(run: Run, bldg_id: int) -> Explanation:
    """How a home's bill came about.

    Raises
    ------
    CairoError
        The run has no such home, lacks a file, or the parts do not add to the home's bills.
    """
    homes = run.files.table("tariff_map.csv", ["bldg_id", "tariff_key"])
    mine = homes["bldg_id"] == bldg_id
    if not mine.any():
        raise CairoError(_unknown(run, bldg_id, homes["bldg_id"]))
    key = str(homes.loc[mine, "tariff_key"].iloc[0])
    try:
        rows = read_rows(run.path / DETERMINANTS, "bldg_id", bldg_id)
    except (OSError, ValueError) as error:
        raise run.files.unreadable(DETERMINANTS, error) from None
    _check_sum(run, bldg_id, rows)
    return Explanation(
        bldg_id,
        key,
        tuple(tariff_words(parse_tariff(key, run.tariffs[key]))),
        rows,
        _alignment(run, bldg_id),
        tuple(_notes(run, bldg_id, rows)),
    )


def _unknown(run: Run, bldg_id: int, known: pd.Series) -> str:
    nearest = known[(known - bldg_id).abs().to_numpy().argsort(kind="stable")[:2]].tolist()
    return (
        f"{run.path} has no building {bldg_id}; the nearest of its {len(known)} "
        f"({known.min()} to {known.max()}) are {' and '.join(map(str, sorted(nearest)))}"
    )


def _check_sum(run: Run, bldg_id: int, rows: pd.DataFrame) -> None:
    """Check that the parts are those of the bills beside them."""
    bills = run.bills[(run.bills["bldg_id"] == bldg_id) & (run.bills["month"] != ANNUAL)]
    parts = rows.groupby("month")["dollars"].sum().reindex(range(1, MONTHS + 1), fill_value=0.0)
    apart = np.abs(parts.to_numpy() - bills["bill_level"].to_numpy())
    if not (apart < CENT / 2.0).all():
        worst = int(np.argmax(apart))
        raise CairoError(
            f"{run.path / DETERMINANTS}: the parts of building {bldg_id} add to "
            f"{parts.iloc[worst]:.2f} $ in {months[worst]}, its bill is "
            f"{bills['bill_level'].iloc[worst]:.2f} $: the files are not of one run"
        )


def _alignment(run: Run, bldg_id: int) -> pd.DataFrame:
    row = run.bat[run.bat["bldg_id"] == bldg_id].iloc[0]
    shares = {
        bat: share for bat, share in share_columns().items() if {bat, share} <= set(row.index)
    }
    return pd.DataFrame(
        {
            "bill": row[ANNUAL],
            "burden": row[BURDEN],
            "share": [row[share] for share in shares.values()],
            "alignment": [row[bat] for bat in shares],
        },
        index=pd.Index([label(bat).lower() for bat in shares], name="residual"),
    )


def _notes(run: Run, bldg_id: int, rows: pd.DataFrame) -> list[str]:
    notes = []
    if (rows["item"] == OTHER).any():
        notes.append(
            "other: a function in the place of CAIRO's own made this bill; it differs by so much "
            "from what the tariff charges for the demand that the run has"
        )
    if "demand_response" in run.info:
        moved = run.files.table("demand_response.csv", ["bldg_id"], others=False)["bldg_id"]
        if (moved == bldg_id).any():
            notes.append("energy is that after the home's response to price")
    return notes
