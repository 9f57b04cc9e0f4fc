"""A run directory as the page needs it, after its bills have been made again from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cairo.errors import CairoError
from cairo.model.arrays import Bool1D, Float1D, Float2D
from cairo.model.bills import SolarStyle
from cairo.model.kernels import weighted_total
from cairo.model.low_income_assistance import (
    RENTER,
    TENURE,
    AssistanceProgram,
    apply_low_income_assistance,
    assistance_program,
    eligible_homes,
    participants,
)
from cairo.model.names import ANNUAL, BURDEN, months
from cairo.rates_tool.run_files import BAT_FILE
from cairo.rates_tool.run_reader import RunReader
from cairo.results.explore.determinants import TariffUse, read_determinants, tariff_uses
from cairo.results.report.data import RunData, read_run

SAME = 1e-9
"""Bills made again may differ from the run's by this part of them, or by this many dollars."""


@dataclass(frozen=True, eq=False)
class Helped:
    """Low-income assistance: its settings, who takes part and who of them rents, (n,) each."""

    program: AssistanceProgram
    helped: Bool1D
    renter: Bool1D


@dataclass(frozen=True, eq=False)
class ExploreRun:
    """A run of n homes whose rates the page turns.

    run : as the report reads it. uses : of each tariff.
    burden : (n,) marginal cost of service [$]; shares : {allocation column: (n,) [$]}.
    bill : (n,) the run's electric bills [$], with taxes and assistance.
    tax_rate : fraction added to bills; surcharge : [$/kWh]. helped : None without assistance.
    collected : [$] that rates collect in all, before taxes; by_tariff : the same by tariff.
    """

    run: RunData
    uses: list[TariffUse]
    burden: Float1D
    shares: Mapping[str, Float1D]
    bill: Float1D
    tax_rate: float
    surcharge: float
    helped: Helped | None
    collected: float
    by_tariff: Mapping[str, float]

    @property
    def settings(self) -> Mapping[str, object]:
        """The run's settings, as `run.json` has them."""
        return settings_of(self.run)

    @property
    def is_precalc(self) -> bool:
        """Whether the run has solved for its rates."""
        return self.settings.get("run_type") == "precalc"


def settings_of(run: RunData) -> Mapping[str, object]:
    """Settings that a run's `run.json` has."""
    settings = run.record.get("settings")
    return settings if isinstance(settings, Mapping) else {}


def read_explore_run(run_dir: str | os.PathLike[str]) -> ExploreRun:
    """Read a run, and make its bills again from what homes were billed for.

    Raises
    ------
    CairoError
        A file is missing, broken or does not fit the others; or the bills do not come out, as
        where a caller's own functions have made them.
    """
    run = read_run(run_dir)
    reader = RunReader(run_dir)
    index = pd.Index(run.homes["bldg_id"])
    style = _style(run)
    uses = tariff_uses(read_determinants(reader, index), run.tariffs, run.tariff_of, style)
    bat = reader.table(BAT_FILE, ["bldg_id", ANNUAL, BURDEN]).set_index("bldg_id").loc[index]
    burden, bill = (bat[name].to_numpy(np.float64) for name in (BURDEN, ANNUAL))
    charged = [(use, use.monthly_bills()) for use in uses]
    by_tariff = {
        use.tariff.key: weighted_total(run.weight[use.place], months_.sum(axis=1))
        for use, months_ in charged
    }
    found = ExploreRun(
        run,
        uses,
        burden,
        # What is neither burden nor alignment of a bill is the share.
        {name: bill - burden - values for name, values in run.bat.items()},
        bill,
        _number(run, "utility_tax_rate"),
        _number(run, "energy_surcharge_rate"),
        _helped(run),
        sum(by_tariff.values()),
        by_tariff,
    )
    _check(found, charged)
    return found


def _style(run: RunData) -> SolarStyle | None:
    style = settings_of(run).get("solar_pv_compensation")
    if style == "net_metering":
        return "net_metering"
    return "net_billing" if style == "net_billing" else None


def _number(run: RunData, key: str) -> float:
    value = settings_of(run).get(key) or 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CairoError(f"{run.path / 'run.json'}: {key} is {value!r}, expected a number")
    return float(value)


def _helped(run: RunData) -> Helped | None:
    settings = settings_of(run)
    if not settings.get("low_income_strategy"):
        return None
    given = settings.get("low_income_bill_assistance_program")
    program = assistance_program(given if isinstance(given, Mapping) else None)
    target = settings.get("low_income_participation_target")
    chosen = participants(
        eligible_homes(run.homes, program),
        run.weight,
        run.homes["bldg_id"].to_numpy(),
        float(target) if isinstance(target, int | float) else 1.0,
        program.seed,
    )
    renter = np.zeros(len(run.homes), dtype=bool)
    if TENURE in run.homes:
        renter = run.homes[TENURE].astype(str).str.lower().eq(RENTER).to_numpy()
    return Helped(program, chosen, renter)


def _check(found: ExploreRun, charged: list[tuple[TariffUse, Float2D]]) -> None:
    """Compare the bills made again with the run's."""
    run = found.run
    bills, kwh = (np.zeros((len(run.homes), len(months))) for _ in range(2))
    for use, monthly in charged:
        bills[use.place], kwh[use.place] = monthly, use.monthly_kwh
    bills = bills * (1.0 + found.tax_rate) + kwh * found.surcharge
    annual = bills.sum(axis=1)
    if found.helped is not None:
        settings = found.settings
        index = pd.Index(run.homes["bldg_id"])
        target = settings.get("low_income_participation_target")
        given = settings.get("low_income_bill_assistance_program")
        annual = apply_low_income_assistance(
            pd.DataFrame(bills, index, months),
            run.homes,
            pd.DataFrame(kwh, index, months),
            strategy=str(settings["low_income_strategy"]),
            participation_target=float(target) if isinstance(target, int | float) else None,
            program=given if isinstance(given, Mapping) else None,
        )[ANNUAL].to_numpy(np.float64)
    off = np.abs(annual - found.bill) > SAME * np.maximum(np.abs(found.bill), 1.0)
    if off.any():
        first = int(np.flatnonzero(off)[0])
        raise CairoError(
            f"{run.path}: the bills of {int(off.sum())} homes do not come out again from their "
            f"determinants ({annual[first]:,.2f} $ where building "
            f"{run.homes['bldg_id'].iloc[first]} has {found.bill[first]:,.2f} $): what the run's "
            f"own functions bill, or settings that run.json does not have, cannot be explored"
        )
