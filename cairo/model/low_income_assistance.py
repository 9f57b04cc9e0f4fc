"""Generic low-income bill assistance: who gets it, what it takes off, who pays for it.

Eligible homes are those at or below a federal poverty level or an income. A seeded sample of
them, up to the participation target, takes part: owners get a percentage off each month's bill,
renters a fixed monthly credit that takes no bill below zero. Everybody else pays a rider per
kWh of grid consumption that collects exactly what the assistance costs, so that weighted
revenue does not change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field, ValidationError

from cairo.errors import MetadataError, RequirementError, ScenarioError, listed
from cairo.model.arrays import Bool1D, Float1D, Float2D
from cairo.model.bill_parts import ASSISTANCE, RIDER, BillPart, Cells, of_month
from cairo.model.kernels import weighted_total
from cairo.model.names import ANNUAL, months
from cairo.model.number_texts import number_of_text, numbers_within
from cairo.model.plain_settings import PlainSettings
from cairo.model.setting_problems import setting_problems

POVERTY = "in.federal_poverty_level"
INCOME = "in.income"
TENURE = "in.tenure"
RENTER = "renter"


class AssistanceProgram(PlainSettings):
    """Settings of the generic assistance."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    poverty_level_max: float = Field(
        200.0, ge=0, description="Highest federal poverty level that is eligible [%]."
    )
    income_max: float | None = Field(
        None, ge=0, description="Highest income that is eligible too [$/year]."
    )
    discount: float = Field(0.25, ge=0, le=1, description="Fraction off an owner's bill.")
    renter_credit: float = Field(15.0, ge=0, description="A renter's monthly credit [$].")
    seed: int = Field(0, ge=0, description="Seed of who takes part.")


def assistance_program(settings: Mapping[str, object] | None) -> AssistanceProgram:
    """Typed settings.

    Raises
    ------
    ScenarioError, InputErrors
        Keys that are unknown or do not fit, a line each.
    """
    values = dict(settings or {})
    try:
        return AssistanceProgram.model_validate(values)
    except ValidationError as error:
        where = "low_income_bill_assistance_program"
        raise setting_problems(error, values, where, AssistanceProgram) from None


def upper_end(text: object) -> float:
    """Upper end of a range as ResStock words it: `100-150%` is 150, `<10000` 10000, `400%+` inf.

    NaN for what names no number.
    """
    words = str(text).strip()
    whole = number_of_text(words)
    if whole is not None:
        return whole
    numbers = numbers_within(words)
    if not numbers:
        return float("nan")
    return float("inf") if words.endswith("+") or ">" in words else numbers[-1]


def eligible_homes(metadata: pd.DataFrame, program: AssistanceProgram) -> Bool1D:
    """Whether each home may take part, (n,).

    Raises
    ------
    MetadataError
        The metadata lacks the column that tells.
    """
    needed = [POVERTY] + ([INCOME] if program.income_max is not None else [])
    missing = [name for name in needed if name not in metadata]
    if missing:
        raise MetadataError(
            f"customer metadata has no column {listed(missing)}, which low-income assistance needs"
        )
    poverty = metadata[POVERTY].map(upper_end).to_numpy(np.float64)
    poor: Bool1D = poverty <= program.poverty_level_max
    if program.income_max is not None:
        poor = poor | (metadata[INCOME].map(upper_end).to_numpy(np.float64) <= program.income_max)
    return poor


def participants(
    eligible: Bool1D, weight: Float1D, bldg_ids: np.ndarray, target: float, seed: int
) -> Bool1D:
    """A seeded sample of eligible homes, (n,).

    Homes are taken in a random order while the customers they stand for stay within `target`
    (a fraction) of the eligible ones. The order depends on the seed and the bldg_ids, not on
    the order of rows.
    """
    chosen = np.zeros(len(weight), dtype=bool)
    places = np.flatnonzero(eligible)
    places = places[np.argsort(bldg_ids[places], kind="stable")]
    places = np.random.default_rng(seed).permutation(places)
    allowed = target * weighted_total(weight[places], np.ones(len(places)))
    within = np.cumsum(weight[places]) <= allowed * (1.0 + 1e-12)
    chosen[places[within]] = True
    return chosen


def apply_low_income_assistance(
    bills: pd.DataFrame,
    metadata: pd.DataFrame,
    grid_kwh: pd.DataFrame,
    *,
    strategy: str,
    participation_target: float | None = None,
    program: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Bills after assistance and its rider.

    Arguments and errors as `assistance_terms`.

    Returns
    -------
    Bills as given; weighted revenue is unchanged.
    """
    return assistance_terms(
        bills,
        metadata,
        grid_kwh,
        strategy=strategy,
        participation_target=participation_target,
        program=program,
    ).applied(bills)


@dataclass(frozen=True, eq=False)
class AssistanceTerms:
    """What assistance changes on the bills of n homes.

    relief : (n, 12) what it takes off [$]. renter : (n,) who gets it as a credit.
    discount : fraction that others get off. payers : (n, 12) energy on which the rider is paid
    [kWh]; rider : [$/kWh].
    """

    relief: Float2D
    renter: Bool1D
    discount: float
    payers: Float2D
    rider: float

    def applied(self, bills: pd.DataFrame) -> pd.DataFrame:
        """Bills after assistance, index bldg_id, `Jan`..`Dec` and `Annual` [$]."""
        after = bills[months].to_numpy(np.float64) - self.relief + self.rider * self.payers
        result = pd.DataFrame(after, index=bills.index, columns=months)
        result[ANNUAL] = after.sum(axis=1)
        return result

    def parts(self) -> list[BillPart]:
        """Relief of bills at the discount, or of a renter's credit in full; and the rider."""
        credit = np.where(self.renter[:, None], self.relief, 0.0)
        off = self.relief - credit
        base = off / self.discount if self.discount else off
        return [
            BillPart(
                ASSISTANCE,
                -self.relief,
                (
                    Cells(of_month(base), -self.discount, of_month(-off)),
                    Cells(of_month(credit), -1.0, of_month(-credit)),
                ),
            ),
            BillPart(RIDER, self.rider * self.payers, (Cells(of_month(self.payers), self.rider),)),
        ]


def assistance_terms(
    bills: pd.DataFrame,
    metadata: pd.DataFrame,
    grid_kwh: pd.DataFrame,
    *,
    strategy: str,
    participation_target: float | None = None,
    program: Mapping[str, object] | None = None,
) -> AssistanceTerms:
    """Who gets assistance, how much, and who pays for it.

    Parameters
    ----------
    bills : index bldg_id, `Jan`..`Dec` and `Annual` [$].
    metadata : `bldg_id`, `weight`, poverty level, income and tenure columns.
    grid_kwh : index bldg_id, `Jan`..`Dec` [kWh].
    strategy : "generic".
    participation_target : fraction of the eligible customers; all by default.
    program : fields of `AssistanceProgram`.

    Raises
    ------
    ScenarioError, MetadataError
        Unknown strategy or setting; a metadata column that is needed is not there.
    RequirementError
        Nobody who does not take part uses grid energy, so that there is no one to pay.
    """
    if strategy != "generic":
        raise ScenarioError(f"low_income_strategy {strategy} is unknown, expected generic")
    settings = assistance_program(program)
    homes = metadata.set_index("bldg_id").loc[bills.index]
    weight = homes["weight"].to_numpy(np.float64)
    target = 1.0 if participation_target is None else participation_target
    helped = participants(
        eligible_homes(homes, settings), weight, bills.index.to_numpy(), target, settings.seed
    )
    before = bills[months].to_numpy(np.float64)
    relief = np.where(helped[:, None], monthly_relief(before, homes, settings), 0.0)
    kwh = grid_kwh.loc[bills.index, months].to_numpy(np.float64)
    payers = np.where(helped[:, None], 0.0, kwh)
    cost = weighted_total(weight, relief.sum(axis=1))
    paid_on = weighted_total(weight, payers.sum(axis=1))
    if cost > 0.0 and not paid_on > 0.0:
        raise RequirementError(
            f"low-income assistance of {cost:,.2f} $ cannot be recovered: "
            "customers who do not take part use no grid energy"
        )
    rider = cost / paid_on if cost > 0.0 else 0.0
    return AssistanceTerms(relief, renters(homes), settings.discount, payers, rider)


def renters(homes: pd.DataFrame) -> Bool1D:
    """Whether each home is a renter's, (n,); nobody's where the metadata does not tell."""
    if TENURE not in homes:
        return np.zeros(len(homes), dtype=bool)
    renter: Bool1D = homes[TENURE].astype(str).str.lower().eq(RENTER).to_numpy(bool)
    return renter


def monthly_relief(
    bills: np.ndarray, homes: pd.DataFrame, program: AssistanceProgram
) -> np.ndarray:
    """What assistance takes off each month's bill of a home that takes part, (n, 12) [$]."""
    positive = np.maximum(bills, 0.0)
    relief: np.ndarray = np.where(
        renters(homes)[:, None],
        np.minimum(positive, program.renter_credit),
        positive * program.discount,
    )
    return relief
