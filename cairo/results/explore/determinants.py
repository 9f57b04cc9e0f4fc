"""What homes were billed for, from `billing_determinants.parquet`, as arrays of each tariff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cairo.errors import CairoError, listed
from cairo.model.arrays import Bool1D, Float1D, Float2D, Float3D, Int1D
from cairo.model.bills import (
    CustomerUse,
    SolarStyle,
    adjustment_charges,
    carries,
    energy_charges,
    solar_credits,
    two_meters,
    with_minimum,
)
from cairo.model.known_fields import KnownFields
from cairo.model.names import MONTHS
from cairo.model.tariff import Tariff
from cairo.model.tiers import fill_tiers
from cairo.rates_tool.run_files import DETERMINANTS
from cairo.rates_tool.run_reader import RunReader

COLUMNS = ("bldg_id", "month", "item", "period", "quantity", "dollars")
USED = ("energy", "export_credit", "peak", "demand")
"""Items that bills are made of again; the others follow from these and the tariff."""

MIRRORED = KnownFields(
    # Demand charges and export credits are dollars of the determinants; rules that count are
    # refused in words of their own.
    "rate sell max_usage unit weekday weekend monthly_fixed monthly_min annual_min metering_option "
    "demand fuel_adjustment tier_rule rollover"
)
"""What the page's script bills of a tariff."""


@dataclass(frozen=True, eq=False)
class TariffUse:
    """What the homes of one tariff used, and what else they pay for.

    tariff : with the run's final rates.
    place : (n,) each home's place in the run.
    energy : (n, 12, P) billed energy [kWh]; exports : (n, 12, P) [kWh], None without any.
    peak_kw : (n, 12) [kW], None where no tier limit asks for it.
    demand : (n, 12) demand charges [$], None without any.
    credit : (P,) what an exported kWh is credited, a part of the retail rate or [$/kWh].
    style : which of the two; None credits nothing.
    """

    tariff: Tariff
    place: Int1D
    energy: Float3D
    exports: Float3D | None
    peak_kw: Float2D | None
    demand: Float2D | None
    credit: Float1D
    style: SolarStyle | None

    @property
    def monthly_kwh(self) -> Float2D:
        """(n, 12) [kWh]."""
        kwh: Float2D = self.energy.sum(axis=2)
        return kwh

    def monthly_bills(self) -> Float2D:
        """(n, 12) bills at the run's rates [$], before taxes and assistance."""
        table = self.tariff
        energy = fill_tiers(self.energy, table, self.peak_kw)
        use = CustomerUse(self.place, energy, self.peak_kw, None, self.exports)
        charges = energy_charges(energy, table.rate) + table.monthly_fixed
        charges += adjustment_charges(energy, table.fuel_adjustment)
        if self.demand is not None:
            charges += self.demand
        charges -= solar_credits(use, table, self.credit[:, None], self.style)
        return with_minimum(charges, table)


def read_determinants(reader: RunReader, bldg_ids: pd.Index) -> pd.DataFrame:
    """The rows of `USED` items, with `home`, the place of their home in `bldg_ids`.

    Raises
    ------
    CairoError
        The file is missing or unreadable, or has homes that the run has not.
    """
    path = reader.path / DETERMINANTS
    if not path.is_file():
        raise CairoError(
            f"{path} does not exist: an older cairo made the run and did not write it; run it again"
        )
    frame = reader.table(DETERMINANTS, COLUMNS, others=False)
    frame = frame[frame["item"].isin(USED)]
    place = bldg_ids.get_indexer(pd.Index(frame["bldg_id"]))
    if (place < 0).any():
        odd = frame.loc[place < 0, "bldg_id"].unique()
        raise CairoError(f"{path} has buildings {listed(odd)} that customer_metadata.csv lacks")
    if not frame["month"].between(1, MONTHS).all():
        raise CairoError(f"{path} has months beyond 1 to {MONTHS}")
    return frame.assign(home=place)


def tariff_uses(
    frame: pd.DataFrame,
    tariffs: Mapping[str, Tariff],
    tariff_of: np.ndarray,
    style: SolarStyle | None,
) -> list[TariffUse]:
    """Uses of every tariff that has homes, in the order of their names.

    frame : from `read_determinants`. tariff_of : (n,) tariff key of each home.

    Raises
    ------
    CairoError
        A home's tariff is not among the run's, has fewer periods than its rows, or rules that
        the page cannot bill.
    """
    unknown = sorted(set(tariff_of) - set(tariffs))
    if unknown:
        raise CairoError(f"tariff_map.csv names {listed(unknown)}, tariff_final_config.json not")
    for key in set(tariff_of):
        _refuse_not_mirrored(tariffs[key], style)
    codes = {key: code for code, key in enumerate(sorted(set(tariff_of)))}
    code_of = np.array([codes[key] for key in tariff_of])
    code = code_of[frame["home"].to_numpy()]
    return [
        _use(frame[code == number], tariffs[key], np.flatnonzero(code_of == number), style)
        for key, number in codes.items()
    ]


def _refuse_not_mirrored(tariff: Tariff, style: SolarStyle | None) -> None:
    """Refuse what the page's script, the mirror of `cairo.model.bills`, does not bill."""
    MIRRORED.refuse_others(tariff, "which the explorer's page cannot bill yet")
    rules = {
        "tiers that all periods of a month fill together": tariff.tier_rule == "month"
        and tariff.n_tiers > 1,
        "net metering credits that are carried from month to month": carries(tariff, style),
        "a second meter for generation": two_meters(tariff, style),
    }
    for rule, is_so in rules.items():
        if is_so:
            raise CairoError(
                f"tariff {tariff.key} has {rule}, which the explorer's page cannot bill yet"
            )


def _use(rows: pd.DataFrame, tariff: Tariff, place: Int1D, style: SolarStyle | None) -> TariffUse:
    home = np.searchsorted(place, rows["home"].to_numpy())
    month = rows["month"].to_numpy(np.int64) - 1
    period = rows["period"].to_numpy(np.int64)
    item = rows["item"].astype(str).to_numpy()

    def summed(chosen: Bool1D, column: str, periods: int) -> Float3D:
        """(n, 12, periods) sums of a column; periods count from 1, or are one in all."""
        at = period[chosen] - 1 if periods > 1 else np.zeros(int(chosen.sum()), dtype=np.int64)
        if (at < 0).any() or (at >= periods).any():
            raise CairoError(
                f"{DETERMINANTS} has a row of period {int(period[chosen].max())} of tariff "
                f"{tariff.key}, which has {periods}"
            )
        flat = (home[chosen] * MONTHS + month[chosen]) * periods + at
        values = rows[column].to_numpy(np.float64)[chosen]
        sums = np.bincount(flat, values, minlength=len(place) * MONTHS * periods)
        shape = len(place), MONTHS, periods
        return sums.astype(np.float64).reshape(shape)

    is_credit, is_demand = item == "export_credit", item == "demand"
    exports = summed(is_credit, "quantity", tariff.n_periods) if is_credit.any() else None
    credit = np.zeros(tariff.n_periods)
    if exports is not None:
        exports = np.abs(exports)
        credit = _credit(exports, -summed(is_credit, "dollars", tariff.n_periods), tariff, style)
    return TariffUse(
        tariff,
        place,
        summed(item == "energy", "quantity", tariff.n_periods),
        exports,
        summed(item == "peak", "quantity", 1)[:, :, 0] if tariff.needs_monthly_peak else None,
        summed(is_demand, "dollars", 1)[:, :, 0] if is_demand.any() else None,
        credit,
        style,
    )


def _credit(exports: Float3D, paid: Float3D, tariff: Tariff, style: SolarStyle | None) -> Float1D:
    """(P,) dollars paid over what they would be at a ratio, or a price, of one."""
    one = np.ones_like(exports)
    if style == "net_metering":
        one = tariff.rate[None, None, :, 0] + tariff.fuel_adjustment[None, :, None]
    full = (exports * one).sum(axis=(0, 1))
    known = full != 0.0
    ratio: Float1D = np.divide(paid.sum(axis=(0, 1)), full, out=np.zeros(len(full)), where=known)
    if style == "net_metering":
        # A period whose retail rate is zero tells no ratio; a tariff has one for all of them.
        ratio[~known] = ratio[known].max(initial=0.0) if known.any() else 1.0
    return ratio
