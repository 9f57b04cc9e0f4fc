"""The short form of a tariff: what it says, what it refuses, and there and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cairo.errors import TariffError
from cairo.files.short_tariff import KEYS, urdb_of_short
from cairo.files.short_tariff_export import short_of, short_text
from cairo.files.tariff_files import tariffs_of_file
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model.names import months
from cairo.model.tariff import Tariff, parse_tariff
from cairo.rates_tool.tariffs import get_default_tariff_structures
from tests.strategies import tariffs
from tests.tariff_meaning import assert_same_meaning, bills
from tests.whole_runs import IN_PROCESS, Demo, contents

HOMES = 4

SEASONAL = """
name: Heat pump time of use
fixed_charge: 10.01
seasons: {summer: Jun-Sep, winter: rest}
periods: {peak: weekdays 16-21, off-peak: rest}
rates:
  summer: {peak: 0.32, off-peak: 0.11}
  winter: {peak: 0.18, off-peak: 0.10}
"""


def read(text: str) -> Tariff:
    return parse_tariff("t", URDBv7_to_ElectricityRates(urdb_of_short(yaml.safe_load(text)), "t"))


def again(tariff: Tariff) -> Tariff:
    return read(short_text(tariff))


def prices(tariff: Tariff, month: int, hour: int) -> list[float]:
    """[$/kWh] of the first tier on a weekday and on a day of a weekend."""
    return [
        float(tariff.rate[schedule[month - 1, hour] - 1, 0])
        for schedule in (tariff.weekday, tariff.weekend)
    ]


def test_seasons_and_periods_price_the_hours_they_name() -> None:
    tariff = read(SEASONAL)
    assert tariff.monthly_fixed == 10.01
    assert prices(tariff, 6, 15) == [0.11, 0.11]
    assert prices(tariff, 6, 16) == [0.32, 0.11]
    assert prices(tariff, 9, 20) == [0.32, 0.11]
    assert prices(tariff, 9, 21) == [0.11, 0.11]
    assert prices(tariff, 10, 20) == [0.18, 0.10]
    assert prices(tariff, 5, 16) == [0.18, 0.10]


def test_rates_may_be_by_season_or_by_period_first() -> None:
    turned = SEASONAL[: SEASONAL.index("rates")] + (
        "rates: {peak: {summer: 0.32, winter: 0.18}, off-peak: {winter: 0.10, summer: 0.11}}"
    )
    assert_same_meaning(read(turned), read(SEASONAL))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("4 pm - 9 pm", "16-21"),
        ("4pm to 9pm", "16-21"),
        ("16:00–21:00", "16-21"),
        ("9 pm-7 am", "0-7, 21-24"),
        ("22-6", "22-24, 0-6"),
        ("noon-midnight", "12-24"),
        ("weekdays 7-11 and 17-21; weekends 17-21", "every day 17-21, weekdays 7-11"),
        ("[weekdays 7-9, weekends 8-10]", "weekdays 7-9, weekends 8-10"),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, same: str) -> None:
    form = "periods: {{peak: {}, off-peak: rest}}\nrates: {{peak: 2, off-peak: 1}}"
    quoted = text if text.startswith("[") else f'"{text}"'
    assert_same_meaning(read(form.format(quoted)), read(form.format(f'"{same}"')))


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Jun-Sep", [6, 7, 8, 9]),
        ("november to february", [1, 2, 11, 12]),
        ("Jan, Mar-Apr, 12", [1, 3, 4, 12]),
        ("[1, 2, Sept]", [1, 2, 9]),
        ("6-9", [6, 7, 8, 9]),
    ],
)
def test_months_are_read_as_people_write_them(text: str, chosen: list[int]) -> None:
    tariff = read(f"seasons: {{a: {text if '[' in text else repr(text)}, b: rest}}\n"
                  "rates: {a: 2, b: 1}")  # fmt: skip
    assert [m for m in range(1, 13) if prices(tariff, m, 0)[0] == 2.0] == chosen


def test_each_month_may_be_a_season() -> None:
    rates = ", ".join(f"{name}: {number}" for number, name in enumerate(months, start=1))
    tariff = read(f"seasons: monthly\nrates: {{{rates}}}")
    assert [prices(tariff, m, 12)[0] for m in range(1, 13)] == list(map(float, range(1, 13)))


def test_tiers_charges_and_demand_bill_what_they_say() -> None:
    tariff = read(
        """
        fixed_charge: 0.50 $/day
        minimum_charge: 20
        annual_minimum_charge: 400
        tiers: [250, 500]
        rates: [0.10, 0.20, 0.40]
        fuel_adjustment: {Jan: 0.01, Feb: 0, Mar: 0, Apr: 0, May: 0, Jun: 0, Jul: 0, Aug: 0,
                          Sep: 0, Oct: 0, Nov: 0, Dec: 0}
        demand: {monthly: 3, periods: {peak: weekdays 16-21, rest of day: rest},
                 rates: {peak: [5, 7], rest of day: 0}, tiers: {peak: [0.5], rest of day: none}}
        """
    )
    load = np.ones((1, 8760))  # 744 kWh and 1 kW in January
    january = 250 * 0.10 + 250 * 0.20 + 244 * 0.40 + 744 * 0.01 + 0.5 * 365 / 12 + 3 + 2.5 + 3.5
    assert bills(tariff, load)[0, 0] == pytest.approx(january, abs=1e-9)
    # Nothing used: the minimum of each month, and in December what the year lacks of its own.
    nothing = bills(tariff, np.zeros((1, 8760)))[0]
    np.testing.assert_allclose(nothing, [20.0] * 11 + [180.0])


def test_the_same_period_in_two_seasons_is_one() -> None:
    tariff = read(
        "seasons: {summer: Jun-Sep, winter: rest}\n"
        "periods: {summer: {peak: 14-20, off-peak: rest}, winter: {peak: 17-20, off-peak: rest}}\n"
        "rates: {peak: 0.3, off-peak: {summer: 0.1, winter: 0.2}}"
    )
    assert tariff.n_periods == 3
    assert tariff.weekday[6, 18] == tariff.weekday[0, 18]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"rate": 1}, "key rate is unknown, did you mean rates?"),
        ({"rates": ...}, "has no rates, expected such as rates: 0.15"),
        ({"seasons": {"summer": "Jun-Sep", "winter": "Nov-May"}}, "no season has Oct"),
        (
            {"seasons": {"summer": "Jun-Oct", "winter": "Oct-May"}},
            "Oct is in season summer and in season winter",
        ),
        ({"seasons": {"summer": "Jun-Sept", "winter": "Okt-May"}}, "'okt' is no month"),
        (
            {"periods": {"peak": "weekdays 16-21", "off-peak": "0-16, 21-24"}},
            "no period of season summer has 16:00-17:00 on weekends (nor 4 more hours)",
        ),
        (
            {"periods": {"peak": "16-21", "off-peak": "20-16"}},
            "20:00-21:00 on weekdays of season summer is in period peak and in period off-peak",
        ),
        ({"periods": {"peak": "16:30-21", "off-peak": "rest"}}, "tariffs change on the hour"),
        ({"periods": {"peak": "9-4 pm", "off-peak": "rest"}}, "say am or pm at both ends"),
        ({"periods": {"peak": "holidays", "off-peak": "rest"}}, "'holidays' is no range of hours"),
        ({"periods": {"peak": "0-24", "off-peak": "rest"}}, "period off-peak of season summer has"),
        ({"rates": {"sumer": 1, "winter": 2}}, "rates names season or period sumer, did you mean"),
        ({"rates": {"summer": 0.1}}, "rates has nothing for period peak of season winter"),
        (
            {"rates": {"summer": {"peak": 1, "off-peak": 2}, "winter": {"peak": 1}}},
            "rates.winter has nothing for period off-peak of season winter",
        ),
        ({"rates": {"summer": 1, "peak": 2}}, "rates has summer beside peak"),
        ({"rates": "cheap"}, "rates is 'cheap', expected $/kWh"),
        ({"rates": {True: 1}}, "YAML takes on, off, yes and no for switches"),
        ({"rates": [0.1, 0.2]}, "2 rates and 0 limits in tiers"),
        ({"tiers": [500, 250], "rates": [1, 2, 3]}, "expected limits from low to high"),
        ({"tiers": [500], "rates": [1, 2], "tier_unit": "MWh"}, "tier_unit is 'MWh'"),
        ({"fixed_charge": "10 $/week"}, "fixed_charge is '10 $/week'"),
        ({"fuel_adjustment": [0.1] * 11}, "$/kWh of each of the 12 months"),
        ({"metering": "net"}, "metering is 'net', expected net metering or"),
        ({"demand": {"montly": 1}}, "demand: key montly is unknown, did you mean monthly?"),
        ({"demand": {"periods": {}}}, "demand has neither monthly nor rates"),
    ],
)
def test_what_does_not_fit_is_one_line(change: dict[str, Any], line: str) -> None:
    stored = yaml.safe_load(SEASONAL) | change
    stored = {key: value for key, value in stored.items() if value is not ...}
    with pytest.raises(TariffError) as caught:
        urdb_of_short(stored, "tariff t (t.yaml)")
    said = str(caught.value)
    assert line in said and said.startswith("tariff t (t.yaml): ") and "\n" not in said


def test_a_rate_that_no_hour_has_is_refused() -> None:
    text = SEASONAL.replace("rates:\n", "rates:\n  shoulder: 1\n")
    with pytest.raises(TariffError, match="season or period shoulder"):
        read(text)
    by_season = (
        "seasons: {summer: Jun-Sep, winter: rest}\n"
        "periods: {summer: {peak: 14-20, off-peak: rest}, winter: {all day: all hours}}\n"
        "rates: {summer: {peak: 3, off-peak: 1}, winter: {all day: 2, peak: 9}}"
    )
    with pytest.raises(TariffError, match=r"rates\.winter\.peak is for no hour"):
        read(by_season)


WORDS = ["summer", "winter", "peak", "off-peak", "Jan", "rest", "all hours", "Jun-Sep", "16-21"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | st.floats() | st.sampled_from(WORDS)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(WORDS) | st.integers(0, 3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, min_size=1, max_size=4))
def test_whatever_a_file_holds_is_a_tariff_or_one_line(change: dict[str, Any]) -> None:
    try:
        urdb = urdb_of_short(yaml.safe_load(SEASONAL) | change, "tariff t")
        parse_tariff("t", URDBv7_to_ElectricityRates(urdb, "t"))
    except TariffError as error:
        assert str(error).startswith("tariff t") and "\n" not in str(error)


# There and back


@settings(max_examples=40, deadline=None)
@given(tariffs())
def test_any_tariff_goes_there_and_back(given_tariff: dict[str, Any]) -> None:
    tariff = parse_tariff("t", given_tariff)
    assert_same_meaning(tariff, again(tariff))


@pytest.mark.parametrize("metering", [0, 1, 2, 3, 4])
def test_export_credits_and_metering_go_there_and_back(metering: int) -> None:
    tariff = read(SEASONAL + "export_credit: {peak: 0.08, off-peak: 0.04}")
    changed = parse_tariff("t", tariff.to_dict() | {"ur_metering_option": metering})
    assert_same_meaning(changed, again(changed))


def test_periods_of_one_price_stay_apart_when_a_month_has_both() -> None:
    rows = [[1, 1, 100.0, 0, 0.1, 0.0, 0.0], [1, 2, 1e38, 0, 0.2, 0.0, 0.0]]
    rows += [[2, *row[1:]] for row in rows]
    evening = [[1] * 16 + [2] * 8] * 12
    tariff = parse_tariff(
        "t",
        {"ur_ec_tou_mat": rows, "ur_ec_sched_weekday": evening, "ur_ec_sched_weekend": evening},
    )
    assert_same_meaning(tariff, again(tariff))


def test_a_demand_ratchet_is_refused_in_one_line() -> None:
    flat = [[1] * 24] * 12
    ratchet = {
        "ur_ec_tou_mat": [[1, 1, 1e38, 0, 0.1, 0.0, 0.0]],
        "ur_ec_sched_weekday": flat,
        "ur_ec_sched_weekend": flat,
        "ur_dc_enable": 1,
        "ur_dc_flat_mat": [[m, 1, 1e38, 5.0] for m in range(12)],
        "ur_dc_tou_mat": [[1, 1, 1e38, 0.0]],
        "ur_dc_sched_weekday": flat,
        "ur_dc_sched_weekend": flat,
        "ur_enable_billing_demand": 1,
        "ur_billing_demand_minimum": 2.0,
        "ur_billing_demand_lookback_period": 11,
        "ur_billing_demand_lookback_percentages": [[80, 1]] * 12,
        "ur_dc_billing_demand_periods": [[1, 1]],
    }
    with pytest.raises(TariffError, match="billing demand"):
        short_of(parse_tariff("t", ratchet))


def test_every_real_tariff_goes_there_and_back(real_data: Path) -> None:
    files = sorted(real_data.glob("**/tariffs/**/*.json"))
    load = np.random.default_rng(1).gamma(2.0, 0.5, (3, 8760))
    done = 0
    for file in files:
        try:
            (tariff,) = tariffs_of_file(file).values()
        except TariffError:
            continue  # an empty file, and one of another database
        back = again(tariff)
        assert_same_meaning(tariff, back)
        np.testing.assert_allclose(bills(back, load), bills(tariff, load), rtol=1e-13)
        urdb = ElectricityRates_to_URDB(back.to_dict(), "t")
        assert_same_meaning(tariff, parse_tariff("t", URDBv7_to_ElectricityRates(urdb, "t")))
        done += 1
    assert done >= 16


# In scenarios


def test_a_run_with_the_short_form_writes_the_same_files(demo: Demo) -> None:
    place = demo.folder / "rates" / "tariffs"
    demo.settings(IN_PROCESS)
    before = contents(demo.run())
    for name in ("electric/hp_tou", "electric/flat", "gas/gas_heating"):
        (tariff,) = tariffs_of_file(place / f"{name}.json").values()
        (place / f"{name}.json").unlink()
        (place / f"{name}.yaml").write_text(short_text(tariff))
    urdb = "tariffs/electric/hp_tou.yaml", "tariffs/electric/flat.yaml"
    demo.settings({"path_tariffs_electric": dict(zip(("hp", "non-hp"), urdb, strict=True))})
    after = contents(demo.run())
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} <= {"tariff_final_config.json"}


def test_a_file_that_is_not_of_the_form_is_named(tmp_path: Path) -> None:
    path = tmp_path / "evening.yaml"
    path.write_text("rats: 1\n")
    with pytest.raises(TariffError, match=r"evening\.yaml\): key rats is unknown, did you mean"):
        get_default_tariff_structures(["evening"], {"evening": path})
    path.write_text("rates: 1\nrates: 2\n")
    with pytest.raises(TariffError, match="key rates is there twice"):
        get_default_tariff_structures(["evening"], {"evening": path})
    with pytest.raises(TariffError, match="does not exist"):
        tariffs_of_file(tmp_path / "no.yml")


def test_a_runs_final_tariffs_are_read_by_name(tmp_path: Path) -> None:
    tariff = read(SEASONAL)
    path = tmp_path / "tariff_final_config.json"
    path.write_text(json.dumps({"a": tariff.to_dict(), "b": tariff.to_dict()}))
    assert list(tariffs_of_file(path)) == ["a", "b"]
    assert list(tariffs_of_file(f"{path}#b")) == ["b"]
    with pytest.raises(TariffError, match=r"has no tariff c \(there are a, b\)"):
        tariffs_of_file(f"{path}#c")
