"""A field of a tariff that some code does not know is refused by name, and never dropped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from cairo.errors import TariffError
from cairo.files import short_tariff_export, urdb_export
from cairo.files.short_tariff_export import short_text
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model import derived_tariffs, merged_tariff
from cairo.model import tariff as tariff_module
from cairo.model.demand_charges import BillingDemand, DemandCharges
from cairo.model.derived_rates import FIXED, LEVEL
from cairo.model.derived_tariffs import fair_tariff
from cairo.model.known_fields import NOT_BILLED, KnownFields, differing, field_values
from cairo.model.merged_tariff import merged
from cairo.model.rollover import Rollover
from cairo.model.tariff import Tariff, parse_tariff
from cairo.results import rate_words
from cairo.results.explore import determinants
from cairo.results.rate_words import tariff_words
from cairo.results.report.exports import Exports
from cairo.results.report.rates import in_words
from cairo.results.run import Run
from cairo.results.tariff_picture import tariff_picture
from cairo.runs.derived import Source
from tests.strategies import NO_LIMIT, tariff_dict

MONTHLY_DEMAND = {
    "ur_dc_enable": 1,
    "ur_dc_flat_mat": [[month, 1, NO_LIMIT, 4.0] for month in range(12)],
}


@dataclass(frozen=True, eq=False)
class TariffOfTomorrow(Tariff):
    """With a charge that nothing in the package knows."""

    meter_rent: float = 0.0


@dataclass(frozen=True)
class DemandOfTomorrow(DemandCharges):
    """With one more price."""

    standby_price: float = 0.0


def plain(**inputs: Any) -> Tariff:
    row = [1, 1, NO_LIMIT, 0, 0.1, 0.0, 0.0]
    return parse_tariff("t", tariff_dict([row], [[1] * 24] * 12, [[1] * 24] * 12, **inputs))


def with_rent(dollars: float) -> Tariff:
    given = plain()
    values = {one.name: getattr(given, one.name) for one in fields(Tariff)}
    return TariffOfTomorrow(**values, meter_rent=dollars)


def with_standby(dollars: float) -> Tariff:
    given = plain(**MONTHLY_DEMAND)
    assert given.demand is not None
    values = {one.name: getattr(given.demand, one.name) for one in fields(DemandCharges)}
    return replace(given, demand=DemandOfTomorrow(**values, standby_price=dollars))


def urdb(tariff: Tariff) -> object:
    """As if the tariff's dict were parsed to that tariff."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urdb_export, "parse_tariff", lambda name, given: tariff)
        return ElectricityRates_to_URDB(tariff.given, "t")


def explored(tariff: Tariff) -> object:
    none = pd.DataFrame({name: [] for name in (*determinants.COLUMNS, "home")})
    return determinants.tariff_uses(none, {"t": tariff}, np.array(["t"]), None)


def as_given(tariff: Tariff) -> Mapping[str, object]:
    """Functions that take a dict parse it first, and a `Tariff` is parsed already."""
    return cast(Mapping[str, object], tariff)


WORDS: dict[str, Callable[[Tariff], object]] = {
    "explain": tariff_words,
    "show": tariff_picture,
    "report": lambda tariff: in_words(tariff, Exports()),
}
OF_FIELDS: dict[str, Callable[[Tariff], object]] = WORDS | {
    "urdb": urdb,
    "short form": short_text,
    "merged as delivery": lambda tariff: merged(tariff, plain(), "both"),
    "merged as supply": lambda tariff: merged(plain(), tariff, "both"),
    "therms": lambda tariff: tariff.in_therms(),
}
EVERY: dict[str, Callable[[Tariff], object]] = OF_FIELDS | {
    "changed": lambda tariff: tariff.changed(fixed_charge=1.0),
    "fair": lambda tariff: fair_tariff("t", as_given(tariff), {FIXED: 0.0, LEVEL: 1.0}, (1,)),
    "derived": lambda tariff: Source(
        cast(Run, SimpleNamespace(path=Path("run"), tariffs={"t": tariff})), "t"
    ),
    "explored": explored,
}
"""All that writes a tariff, makes another of it or says it in words."""
SETS: dict[str, tuple[KnownFields, set[str]]] = {
    "merged": (
        merged_tariff.KNOWN,
        {"monthly_min", "annual_min", "rollover", "demand.billing"},
    ),
    "changed": (tariff_module.CHANGED, set()),
    "derived": (derived_tariffs.KNOWN, set()),
    "therms": (tariff_module.IN_THERMS, set()),
    "words": (rate_words.KNOWN, set()),
    "explored": (determinants.MIRRORED, set()),
}
"""What each declares, and what it leaves to be refused."""


@pytest.mark.parametrize("name", EVERY)
def test_a_field_that_nobody_knows_is_refused_by_name(name: str) -> None:
    with pytest.raises(TariffError, match=r"^tariff t: .*meter_rent") as caught:
        EVERY[name](with_rent(2.5))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", OF_FIELDS)
def test_a_field_of_a_part_that_nobody_knows_is_refused_by_name(name: str) -> None:
    with pytest.raises(TariffError, match=r"^tariff t: .*demand\.standby_price"):
        OF_FIELDS[name](with_standby(3.0))


@pytest.mark.parametrize("name", sorted({*OF_FIELDS} - {"urdb", "short form"}))
def test_a_field_that_says_nothing_stops_nobody(name: str) -> None:
    OF_FIELDS[name](with_rent(0.0))
    OF_FIELDS[name](with_standby(0.0))


@pytest.mark.parametrize("name", SETS)
def test_every_field_of_a_tariff_is_declared_or_refused(name: str) -> None:
    known, refused = SETS[name]
    billing = BillingDemand(1.0, 1, *np.ones((3, 12)), np.ones((12, 12)))  # type: ignore[arg-type]
    rollover = Rollover(True, 11, 0.0, False, np.zeros((12, 1), dtype=np.int64))
    given = plain(**MONTHLY_DEMAND)
    assert given.demand is not None
    full = replace(given, demand=replace(given.demand, billing=billing), rollover=rollover)
    names = {one for one, *_ in field_values(full)} - NOT_BILLED
    others = {one for one in names if one not in known}
    assert {one for one in others if one.rpartition(".")[0] not in others} == refused
    # No name is written that no field has.
    assert known.names() <= names
    alone = {
        "monthly_min": replace(given, monthly_min=1.0),
        "annual_min": replace(given, annual_min=1.0),
        "rollover": replace(given, rollover=rollover),
        "demand.billing": replace(full, rollover=None),
    }
    for one in refused:
        with pytest.raises(TariffError, match=f"tariff t: {one} is "):
            known.refuse_others(alone[one], "which is not known")


def test_fields_differ_by_name_and_arrays_to_the_bit() -> None:
    given = plain(**MONTHLY_DEMAND)
    assert differing(given, plain(**MONTHLY_DEMAND)) == []
    dearer = replace(given, rate=np.nextafter(given.rate, 1.0), monthly_fixed=1.0)
    assert differing(given, dearer) == ["rate", "monthly_fixed"]
    assert differing(given, replace(given, demand=None)) == ["demand"]
    assert differing(given, with_rent(1.0)) == ["demand", "meter_rent"]
    assert differing(with_standby(1.0), with_standby(2.0)) == ["demand.standby_price"]


# What is written is read again


def test_a_rate_that_urdb_json_would_change_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = urdb_export.energy_rows

    def rounded(key: str, tariff: Mapping[str, object]) -> list[tuple[float, ...]]:
        return [(*row[:4], round(row[4], 3), *row[5:]) for row in rows(key, tariff)]

    monkeypatch.setattr(urdb_export, "energy_rows", rounded)
    ElectricityRates_to_URDB(plain().given, "t")
    fine = plain().with_energy_rates(np.array([[0.12345]]))
    with pytest.raises(TariffError, match=r"^tariff t: rate would not be the same in URDB JSON"):
        ElectricityRates_to_URDB(fine.given, "t")


def test_a_rate_that_the_short_form_would_change_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        short_tariff_export, "_prices", lambda price, limit: round(float(price[0]), 3)
    )
    short_text(plain(**MONTHLY_DEMAND))
    with pytest.raises(TariffError, match="tariff t: has rate, which the short form has no words"):
        short_text(plain().with_energy_rates(np.array([[0.12345]])))
    cents = MONTHLY_DEMAND | {"ur_dc_flat_mat": [[m, 1, NO_LIMIT, 4.00025] for m in range(12)]}
    with pytest.raises(TariffError, match="tariff t: has demand, which the short form"):
        short_text(plain(**cents))


def test_what_is_read_again_warns_of_nothing_twice(caplog: pytest.LogCaptureFixture) -> None:
    tariff = parse_tariff(
        "t", tariff_dict([[1, 1, 500.0, 0, 0.1, 0, 0]], [[1] * 24] * 12, [[1] * 24] * 12)
    )
    with caplog.at_level(logging.WARNING):
        written = ElectricityRates_to_URDB(tariff.given, "t")
        assert caplog.text == ""
        URDBv7_to_ElectricityRates(written, "t")
    assert caplog.text.count("the last tier of period 1 in energyratestructure ends at 500") == 1


# Inputs that wait for a rule of a run


@pytest.mark.parametrize(
    ("name", "value"), [("ur_nm_yearend_sell_rate", 0.05), ("ur_nm_credit_month", 3)]
)
def test_terms_of_credits_that_a_run_may_carry_are_kept_or_refused(name: str, value: float) -> None:
    given = plain(**{name: value, "ur_metering_option": 1})
    back = URDBv7_to_ElectricityRates(ElectricityRates_to_URDB(given.given, "t"), "t")
    assert (back[name], back["ur_metering_option"]) == (value, 1)
    carried = [
        parse_tariff("t", one | {"net_metering_rollover": True}) for one in (given.to_dict(), back)
    ]
    assert differing(*carried) == []
    for lost in (short_text, lambda tariff: merged(tariff, plain(), "both")):
        with pytest.raises(TariffError, match=f"tariff t: {name} is {value}"):
            lost(given)


def test_sams_own_december_is_no_term_to_lose() -> None:
    given = plain(ur_nm_credit_month=11, ur_nm_yearend_sell_rate=0.0)
    assert "ur_nm" not in str(ElectricityRates_to_URDB(given.given, "t")) + short_text(given)
    dear = plain(ur_nm_yearend_sell_rate=11.0)
    assert "ur_nm_yearend_sell_rate" in str(ElectricityRates_to_URDB(dear.given, "t"))
