"""Text that stands for a number: what is read as one is one to everybody, all else is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.errors import CairoError, ClusterError, MetadataError, PriceError, ScenarioError
from cairo.files.metadata import return_buildingstock
from cairo.files.numbers import written_number
from cairo.files.tariff_maps import load_tariff_map
from cairo.files.yaml_files import read_yaml
from cairo.model.calendar import hour_stamps
from cairo.model.income import income_of
from cairo.model.low_income_assistance import assistance_program, upper_end
from cairo.model.number_texts import number_of_text
from cairo.scenario.overrides import override
from cairo.scenario.run_settings import validated
from cairo.utils.marginal_costs.marginal_cost_calculator import load_delivery_prices
from cairo.workers.patience import VARIABLE, patience

NONE = [
    "1_000", "0x10", "0b1", "0o7", "nan", "NaN", "inf", "-inf", "Infinity", "١٢٣", "１２", "²",
    "−5", "1,00", "0,035", "1,000,5", "1.000,5", "1 000", "5%", "$5", "(5)", "5-", "- 5", "--5",
    "1e", "e5", "1.5.2", "1d3", "True", "", ".", "+",
]  # fmt: skip


@pytest.mark.parametrize("text", NONE)
def test_what_only_a_program_takes_for_a_number_is_none(text: str) -> None:
    assert number_of_text(text) is None
    assert written_number(text) is None
    assert written_number(text.encode()) is None


def test_numbers_that_people_and_spreadsheets_write_are_read() -> None:
    texts = {
        "7": 7.0, "0007": 7.0, " -7 ": -7.0, "+.5": 0.5, "5.": 5.0, "1e3": 1000.0, "1.5E-2": 0.015,
        "425,975": 425975.0, "-1,234,567.5": -1234567.5,
    }  # fmt: skip
    assert {text: number_of_text(text) for text in texts} == texts
    assert written_number(Decimal("0.1")) == 0.1


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_as_it_was_written(value: float) -> None:
    assert number_of_text(repr(value)) == value


@given(st.text(max_size=8))
def test_any_other_text_is_none_or_what_python_reads(text: str) -> None:
    found = number_of_text(text)
    assert found is None or (text.isascii() and found == float(text.replace(",", "")))


@pytest.mark.parametrize("text", ["1_000", "١٢", "0,035", "nan"])
def test_weights_ids_and_prices_of_such_texts_are_refused_in_one_line(
    tmp_path: Path, text: str
) -> None:
    place = tmp_path / "m.parquet"
    pd.DataFrame({"bldg_id": [1, 2], "weight": ["3", text]}).to_parquet(place)
    with pytest.raises(MetadataError, match=f"m.parquet has weight '{text}' for building 2"):
        return_buildingstock(place)
    pd.DataFrame({"bldg_id": ["1", text], "weight": [3.0, 4.0]}).to_parquet(place)
    with pytest.raises(MetadataError, match=f"m.parquet has bldg_id '{text}'"):
        return_buildingstock(place)
    with pytest.raises(CairoError, match=f"bldg_id '{text}'"):
        load_tariff_map(pd.DataFrame({"bldg_id": ["1", text], "tariff_key": ["a", "b"]}))
    prices = tmp_path / "d.csv"
    rows = [f'{stamp},"{text}"' for stamp in hour_stamps(2025)]
    prices.write_text("\n".join(["timestamp,mc_total_per_kwh", *rows]))
    with pytest.raises(PriceError, match=r"d\.csv has 8760 rows of mc_total_per_kwh") as caught:
        load_delivery_prices(prices, target_year=2025)
    assert "\n" not in str(caught.value)


# Settings

SETTINGS = {
    "run_name": "r", "run_type": "default", "year_run": 2025, "path_resstock_loads": "l",
    "path_resstock_metadata": "m", "path_tariffs_electric": {"all": "t"},
    "path_supply_energy_mc": "e", "path_supply_capacity_mc": "c",
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sample_size", "1_0"),
        ("sample_size", True),
        ("utility_tax_rate", True),
        ("distribution_cost_per_kw_year", "8_0.2"),
        ("elasticity", {"winter": "-0_1", "summer": -0.1}),
        ("winter_months", ["1_1"]),
        ("dask", {"n_workers": "1_0"}),
        ("tariff_changes", {"all": {"fixed_charge": False}}),
    ],
)
def test_a_setting_that_is_no_plain_number_is_refused_by_its_key(key: str, value: object) -> None:
    with pytest.raises(ScenarioError, match=rf"run r key {key}.* expected a number") as caught:
        validated(SETTINGS | {key: value}, "run r")
    assert "\n" not in str(caught.value)


def test_switches_names_and_numbers_written_as_text_are_settings_as_before() -> None:
    given = {"run_includes_supply": True, "state": "a_1", "sample_size": "10", "sample_seed": 3.0}
    found = validated(SETTINGS | given | {"dask": {"partition_buildings": "auto"}}, "run r")
    assert (found.run_includes_supply, found.state, found.sample_size) == (True, "a_1", 10)
    with pytest.raises(ScenarioError, match="discount is True"):
        assistance_program({"discount": True})


# YAML 1.1: `010` is eight and `16:00` is 960 to it


@pytest.mark.parametrize("text", ["010", "0100", "02134", "-01_0", "16:00", "1:30.5", "190:20:30"])
def test_numbers_of_base_8_and_60_are_the_text_that_is_written(tmp_path: Path, text: str) -> None:
    place = tmp_path / "a.yaml"
    place.write_text(f"a: {text}\n{text}: [{text}]\n")
    assert read_yaml(str(place), "file") == {"a": text, text: [text]}
    assert override(f"state={text}").values == (text,)


def test_plain_yaml_numbers_stay_numbers(tmp_path: Path) -> None:
    place = tmp_path / "a.yaml"
    place.write_text("a: [0, -7, 1_000, 0.5, 0.07, 1.5e+3, 0x10, .inf]\n")
    assert read_yaml(str(place), "file")["a"] == [0, -7, 1000, 0.5, 0.07, 1500.0, 16, np.inf]
    assert validated(SETTINGS | {"sample_size": "010"}, "run r").sample_size == 10


@pytest.mark.parametrize("text", ["!!int x", "[" * 1100, "{a: 1, a: 2}"])
def test_a_value_of_set_that_cannot_be_read_is_one_line(text: str) -> None:
    with pytest.raises(ScenarioError, match="--set state: the value cannot be read as YAML"):
        override(f"state={text}")


# Words of metadata, and the environment


@pytest.mark.parametrize(
    ("text", "income", "upper"),
    [
        ("1e+05", 1e5, 1e5),
        ("1e5-2e5", 1.5e5, 2e5),
        (-5000.0, -5000.0, -5000.0),
        ("40,000-44,999", 42499.5, 44999.0),
    ],
)
def test_incomes_of_any_spelling_are_read(text: object, income: float, upper: float) -> None:
    assert (income_of(text), upper_end(text)) == (income, upper)


@pytest.mark.parametrize("text", ["1_000", "١٢٣", "nan"])
def test_incomes_that_are_no_numbers_are_unknown(text: str) -> None:
    assert np.isnan([income_of(text), upper_end(text)]).all()


@pytest.mark.parametrize("text", ["6_0", "٦٠", "inf"])
def test_a_patience_that_is_no_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ClusterError, match=f"{VARIABLE} is {text}, expected seconds"):
        patience()
