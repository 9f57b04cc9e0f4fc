"""CAIRO's demand-by-period frames, to and from the arrays that bills are computed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cairo.errors import TariffError, listed
from cairo.model.arrays import FloatND, Int1D
from cairo.model.bills import CustomerUse
from cairo.model.names import GENERATION, MONTHS
from cairo.model.periods import HourGroups, PeriodPlan, PeriodUse
from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import NO_LIMIT
from cairo.model.tiers import fill_tiers

ENERGY = "energy_charge"
DEMAND = "demand_charge"
SOLAR = "solar_compensation"


def demand_frame(use: PeriodUse, plan: PeriodPlan, table: Tariff, gas: bool) -> pd.DataFrame:
    """CAIRO's aggregated load of one tariff's customers.

    Index bldg_id; `month, period, tier, grid_cons, load_data, charge_type, tariff`: energy by
    tier [kWh] for each month and period that occur, then peaks [kW]: period 0 is the month's
    highest hour, periods from 1 the demand periods'; zeros where no charge or limit is of them.
    Gas has no `grid_cons` and its `load_data` is in therms.
    """
    real = real_tiers(table)
    month, period, tier = _cells(plan.energy, real)
    billed = fill_tiers(use.billed, table, use.peak_kw)[:, month, period, tier]
    frame = _frame(use.bldg_ids, month + 1, period + 1, tier + 1)
    if gas:
        frame["load_data"] = billed.reshape(-1)
    else:
        assert use.load is not None
        frame["grid_cons"] = billed.reshape(-1)
        load = fill_tiers(use.load, table, use.peak_kw)[:, month, period, tier]
        frame["load_data"] = load.reshape(-1)
    frame["charge_type"] = ENERGY
    peaks = _peak_frame(use, plan, table, gas)
    whole = pd.concat([frame, peaks]).sort_index(kind="stable")
    whole["tariff"] = table.key
    return whole


def solar_frame(use: PeriodUse, plan: PeriodPlan, table: Tariff) -> pd.DataFrame:
    """CAIRO's aggregated solar of one tariff's customers; only rows with generation."""
    month, period, tier = _cells(plan.energy, np.ones((plan.energy.periods, 1), dtype=bool))
    frame = _frame(use.bldg_ids, month + 1, period + 1, tier + 1)
    columns = {
        "net_exports": use.exports,
        "self_cons": use.self_use,
        GENERATION: use.generation,
    }
    for name, values in columns.items():
        assert values is not None
        frame[name] = values[:, month, period].reshape(-1)
    frame["charge_type"] = SOLAR
    frame["tariff"] = table.key
    return frame[frame[GENERATION] > 0.0]


def real_tiers(table: Tariff) -> np.ndarray:
    """(P, T) whether a period has a tier: the one before it has a limit."""
    real = np.ones(table.max_usage.shape, dtype=bool)
    real[:, 1:] = np.logical_and.accumulate(table.max_usage[:, :-1] < NO_LIMIT, axis=1)
    return real


def _cells(groups: HourGroups, real: np.ndarray) -> tuple[Int1D, Int1D, Int1D]:
    """Month, period and tier (from 0) of each row a customer has."""
    per_group = [np.flatnonzero(real[period]) for period in groups.period]
    counts = [len(tiers) for tiers in per_group]
    return (
        np.repeat(groups.month, counts),
        np.repeat(groups.period, counts),
        np.concatenate(per_group),
    )


def _frame(bldg_ids: Int1D, month: Int1D, period: Int1D, tier: Int1D) -> pd.DataFrame:
    n = len(bldg_ids)
    return pd.DataFrame(
        {"month": np.tile(month, n), "period": np.tile(period, n), "tier": np.tile(tier, n)},
        index=pd.Index(np.repeat(bldg_ids, len(month)), name="bldg_id"),
    )


def _peak_frame(use: PeriodUse, plan: PeriodPlan, table: Tariff, gas: bool) -> pd.DataFrame:
    months = np.arange(MONTHS)
    if use.peak_kw is None:
        month, period = months, np.zeros(MONTHS, dtype=np.int64)
        peaks = np.zeros((len(use.bldg_ids), MONTHS))
    else:
        month, period, peaks = months, np.zeros(MONTHS, dtype=np.int64), use.peak_kw
        if plan.demand is not None:
            assert use.demand_kw is not None
            groups = plan.demand
            month = np.concatenate([month, groups.month])
            period = np.concatenate([period, groups.period + 1])
            peaks = np.concatenate([peaks, use.demand_kw[:, groups.month, groups.period]], axis=1)
    frame = _frame(use.bldg_ids, month + 1, period, np.zeros_like(month))
    for name in ("load_data",) if gas else ("grid_cons", "load_data"):
        frame[name] = peaks.reshape(-1)
    frame["charge_type"] = DEMAND
    return frame


def uses_from_frames(
    aggregated_load: pd.DataFrame,
    aggregated_solar: pd.DataFrame | None,
    bldg_ids: Sequence[int],
    strategy: Mapping[int, str],
    tables: Mapping[str, Tariff],
) -> dict[str, CustomerUse]:
    """Customers' use by tariff, from CAIRO's frames in any row order.

    Energy is `grid_cons`, or `load_data` where there is none (gas). A building without rows
    has used nothing. Months are 1 to 12, periods and tiers ints or floats.

    Raises
    ------
    TariffError
        A row names a period or tier its tariff lacks, or a month that is not one.
    """
    uses = {}
    energy = "grid_cons" if "grid_cons" in aggregated_load else "load_data"
    ids = np.asarray(list(bldg_ids), dtype=np.int64)
    on = np.array([strategy[int(i)] for i in ids], dtype=object)
    for key in sorted(set(on)):
        table = tables[key]
        mine = ids[on == key]
        use = CustomerUse(
            mine,
            _placed(
                aggregated_load, ENERGY, energy, mine, (table.n_periods, table.n_tiers), key, 1
            ),
        )
        if table.demand is not None:
            shape = (len(table.demand.tou_price) + 1, 1)
            peaks = _placed(aggregated_load, DEMAND, energy, mine, shape, key, 0)[..., 0]
            use = CustomerUse(mine, use.energy, peaks[:, :, 0], peaks[:, :, 1:])
        elif table.needs_monthly_peak:
            peaks = _placed(aggregated_load, DEMAND, energy, mine, (1, 1), key, 0)[..., 0]
            use = CustomerUse(mine, use.energy, peaks[:, :, 0])
        if aggregated_solar is not None and len(aggregated_solar):
            exports = _placed(
                aggregated_solar, SOLAR, "net_exports", mine, (table.n_periods, 1), key, 1
            )[..., 0]
            use = CustomerUse(mine, use.energy, use.peak_kw, use.demand_kw, exports)
        uses[key] = use
    return uses


def _placed(
    frame: pd.DataFrame,
    charge_type: str,
    column: str,
    bldg_ids: Int1D,
    shape: tuple[int, int],
    key: str,
    first_period: int,
) -> FloatND:
    """Rows of a charge type added into (n, 12, periods, tiers)."""
    rows = frame[frame["charge_type"] == charge_type] if "charge_type" in frame else frame
    place = pd.Index(bldg_ids).get_indexer(rows.index)
    rows, place = rows[place >= 0], place[place >= 0]
    month = rows["month"].to_numpy().astype(np.int64) - 1
    period = rows["period"].to_numpy().astype(np.int64) - first_period
    tier = np.maximum(rows["tier"].to_numpy().astype(np.int64) - 1, 0)
    if charge_type == SOLAR:
        # Credits are by period: whatever tier a row names is added up.
        tier = np.zeros_like(tier)
    wrong = (
        (month < 0) | (month >= MONTHS) | (period < 0) | (period >= shape[0]) | (tier >= shape[1])
    )
    if wrong.any():
        row = rows[wrong].iloc[0]
        raise TariffError(
            f"building {rows.index[wrong][0]} has a {charge_type} row of month {row['month']}, "
            f"period {row['period']}, tier {row['tier']} that tariff {key} does not have "
            f"(buildings with such rows: {listed(rows.index[wrong].unique())})"
        )
    full = np.zeros((len(bldg_ids), MONTHS, *shape))
    np.add.at(full, (place, month, period, tier), rows[column].to_numpy(np.float64))
    return full
