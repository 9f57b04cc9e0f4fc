"""A run's billing determinants: parts of its electric bills, as the table that is written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from cairo.model.bill_parts import ITEMS, UNITS, BillPart
from cairo.model.determinants import Determinants, Placed, determinants
from cairo.model.names import months
from cairo.rates_tool.backend import ElectricBills

UNIT_OF_ITEM = np.array([UNITS.index(one.unit) for one in ITEMS.values()], dtype=np.int8)


def determinants_of(
    electric: ElectricBills, beyond: Sequence[BillPart], bills: pd.DataFrame
) -> Determinants:
    """Every part of every electric bill.

    Parameters
    ----------
    electric : bills before taxes, with their parts.
    beyond : parts that all homes have after it, in the order of `bills`.
    bills : index bldg_id, `Jan`..`Dec` [$], as they are written.
    """
    tariffs = [Placed(bills.index.get_indexer(one.bldg_ids), one.parts) for one in electric.billed]
    bldg_ids = bills.index.to_numpy(np.int64)
    return determinants(bldg_ids, tariffs, beyond, bills[months].to_numpy(np.float64))


def determinants_table(found: Determinants) -> pa.Table:
    """They as Arrow columns, items and units as dictionaries."""
    return pa.table(
        {
            "bldg_id": found.bldg_id,
            "month": found.month,
            "item": pa.DictionaryArray.from_arrays(found.item, pa.array(ITEMS)),
            "period": found.period,
            "tier": found.tier,
            "quantity": found.quantity,
            "unit": pa.DictionaryArray.from_arrays(UNIT_OF_ITEM[found.item], pa.array(UNITS)),
            "rate": pa.array(found.rate, from_pandas=True),
            "dollars": found.dollars,
        }
    )
