"""What a run takes from its files: homes, customers, requirement, tariffs, fingerprints."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cairo.errors import InputErrors, MetadataError, RequirementError
from cairo.rates_tool.run_spec import DistributionCost
from cairo.scenario.inputs import RunInputs, read_inputs
from cairo.scenario.scenario_file import read_scenario
from tests.whole_runs import RUN, Demo

REQUIREMENT = "rates/rev_requirement/demo.yaml"
MAP = "rates/tariff_maps/electric/hp_tou_vs_flat.csv"
ASSIGNMENT = "resstock/metadata/utility_assignment.parquet"


HOMES = 6


def inputs(demo: Demo, run: str = RUN, **changes: Any) -> RunInputs:
    return read_inputs(read_scenario(demo.scenario).run(run).changed(**changes))


def ids(demo: Demo) -> list[int]:
    return pd.read_parquet(demo.metadata)["bldg_id"].tolist()


def requires(demo: Demo, **stored: Any) -> None:
    demo.yaml(REQUIREMENT, lambda _: stored)


SUBCLASSES = {
    "delivery": {"percustomer": {"hp": 100.0, "non-hp": 20}, "vol": {"hp": 70.0, "non-hp": 50.0}},
    "supply": {"passthrough": {"hp": 7.0, "non-hp": 5.0}},
}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"hp_tou": 107.0, "flat": 25.0}),
        ({"residual_allocation_delivery": "vol"}, {"hp_tou": 77.0, "flat": 55.0}),
        (
            {"run_includes_supply": False, "residual_allocation_supply": None},
            {"hp_tou": 100.0, "flat": 20.0},
        ),
        ({"run_includes_subclasses": False}, 132.0),
        ({"run_includes_subclasses": False, "run_includes_supply": False}, 120.0),
    ],
)
def test_the_requirement_is_delivery_and_supply_by_subclass_or_in_all(
    demo: Demo, settings: dict[str, Any], expected: object
) -> None:
    requires(
        demo,
        total_delivery_revenue_requirement=120,
        total_delivery_and_supply_revenue_requirement=132.0,
        subclass_revenue_requirements=SUBCLASSES,
    )
    assert inputs(demo, **settings).revenue_requirement == expected


def test_a_residual_needs_no_requirement_file(demo: Demo) -> None:
    found = inputs(
        demo,
        utility_revenue_requirement=None,
        run_includes_subclasses=False,
        residual_cost_frac=0.25,
    )
    assert found.revenue_requirement is None
    assert found.loads.options.kwh_scale == 1.0


def test_an_empty_requirement_file_is_said_before_work_starts(demo: Demo) -> None:
    requires(demo)
    with pytest.raises(InputErrors, match="no key total_delivery_and_supply_revenue") as caught:
        inputs(demo, run_includes_subclasses=False)
    assert isinstance(caught.value.errors[0], RequirementError)


def utility_statistics(demo: Demo) -> str:
    path = demo.folder / "statistics.parquet"
    pd.DataFrame(
        {"utility_code": ["other", "demo"], "residential_customers": [1.0, 1200.0]}
    ).to_parquet(path)
    return str(path)


@pytest.mark.parametrize(
    ("count", "statistics", "expected"),
    [(600, True, 600.0), (None, True, 1200.0), (None, False, 6 * 252.3)],
)
def test_customers_are_the_test_years_else_the_utilitys_else_the_stocks(
    demo: Demo, count: int | None, statistics: bool, expected: float
) -> None:
    demo.yaml(REQUIREMENT, lambda stored: stored | {"test_year_customer_count": count})
    path = utility_statistics(demo) if statistics else None
    weight = inputs(demo, path_electric_utility_stats=path).customer_metadata["weight"]
    assert weight.tolist() == pytest.approx([expected / 6] * 6)


@pytest.mark.parametrize(
    ("written", "customers"),
    [("425,975", 425975.0), (" 1200 ", 1200.0), ("1,200.5", 1200.5), ("1e6", 1e6), ("7", 7.0)],
)
def test_customers_written_as_text_are_read(demo: Demo, written: str, customers: float) -> None:
    path = demo.folder / "statistics.parquet"
    stored = {"utility_code": ["demo"], "residential_customers": [written]}
    pd.DataFrame(stored).to_parquet(path)
    demo.yaml(REQUIREMENT, lambda kept: kept | {"test_year_customer_count": None})
    weight = inputs(demo, path_electric_utility_stats=str(path)).customer_metadata["weight"]
    assert weight.sum() == pytest.approx(customers)


@pytest.mark.parametrize("written", [".", "", None, "12,34", "4.259,75", "many", "nan", "inf", "0"])
def test_customers_that_are_no_number_are_refused_in_one_line(
    demo: Demo, written: str | None
) -> None:
    path = demo.folder / "statistics.parquet"
    stored = {"utility_code": ["demo"], "residential_customers": pd.Series([written], dtype=object)}
    pd.DataFrame(stored).to_parquet(path)
    demo.yaml(REQUIREMENT, lambda kept: kept | {"test_year_customer_count": None})
    with pytest.raises(InputErrors, match=r"statistics\.parquet has .* residential_customers") as e:
        inputs(demo, path_electric_utility_stats=str(path))
    assert isinstance(e.value.errors[0], MetadataError)
    assert "\n" not in str(e.value.errors[0])


@pytest.mark.parametrize(
    ("upgrade", "named"), [("00", False), (0, False), ("02", True), (None, False), ("mixed", False)]
)
def test_load_files_of_another_upgrade_than_the_scenarios_are_named(
    demo: Demo, caplog: pytest.LogCaptureFixture, upgrade: object, named: bool
) -> None:
    demo.settings({"upgrade": upgrade})
    inputs(demo)
    said = f"run {RUN}: upgrade is {upgrade}, but load files of "
    assert (said in caplog.text and "named after upgrade 0" in caplog.text) == named


def test_the_scale_of_loads_is_the_files(demo: Demo) -> None:
    demo.yaml(REQUIREMENT, lambda stored: stored | {"resstock_kwh_scale_factor": 1.25})
    options = inputs(demo).loads.take(ids(demo)).options
    assert options.kwh_scale == 1.25


def test_homes_are_those_of_the_utility_in_the_metadatas_order(demo: Demo) -> None:
    homes = ids(demo)
    demo.parquet(
        ASSIGNMENT,
        lambda f: f.assign(
            **{"sb.electric_utility": ["us" if i in homes[1:3] else "demo" for i in f["bldg_id"]]}
        ).iloc[::-1],
    )
    found = inputs(demo)
    kept = [homes[0], *homes[3:]]
    assert found.customer_metadata["bldg_id"].tolist() == kept
    assert found.tariff_map["bldg_id"].tolist() == kept
    assert sorted(found.loads.bldg_ids or ()) == sorted(kept)
    everybody = inputs(demo, path_utility_assignment=None)
    assert everybody.customer_metadata["bldg_id"].tolist() == homes


def sampled(demo: Demo, **settings: Any) -> list[int]:
    # A sample may miss a subclass, which would have a requirement without customers.
    settings |= {"run_includes_subclasses": False}
    return inputs(demo, **settings).customer_metadata["bldg_id"].tolist()


def test_a_sample_is_the_seeds_whatever_the_order_of_the_files(demo: Demo) -> None:
    homes = ids(demo)
    first = sampled(demo, sample_size=3, sample_seed=1)
    assert len(set(first)) == 3 and set(first) < set(homes)
    assert sampled(demo, sample_size=6) == homes
    others = {tuple(sampled(demo, sample_size=3, sample_seed=seed)) for seed in range(2, 9)}
    assert len(others) > 1
    demo.parquet(demo.metadata, lambda frame: frame.iloc[::-1])
    assert sampled(demo, sample_size=3, sample_seed=1) == first[::-1]


def test_a_samples_weights_stand_for_all_customers(demo: Demo) -> None:
    found = inputs(demo, sample_size=2, run_includes_subclasses=False)
    assert found.customer_metadata["weight"].sum() == pytest.approx(50_000.0)


def test_the_tariffs_read_are_those_of_the_homes(demo: Demo) -> None:
    demo.csv(MAP, lambda frame: frame.assign(tariff_key="flat"))
    found = inputs(demo, run_includes_subclasses=False)
    assert list(found.tariffs_params) == ["flat"]
    assert found.tariffs_params["flat"]["ur_monthly_fixed_charge"] == 11.47
    names = {Path(path).name for path in found.fingerprints}
    assert "flat.json" in names and "hp_tou.json" not in names


@pytest.mark.parametrize("by_alias", [True, False])
def test_gas_tariffs_are_a_folders_or_those_named(demo: Demo, by_alias: bool) -> None:
    folder = demo.folder / "rates/tariffs/gas"
    where: Any = str(folder) + "/"
    if by_alias:
        where = {"heats": str(folder / "gas_heating.json"), "none": str(folder / "no_gas.json")}
    found = inputs(demo, path_tariffs_gas=where)
    assert set(found.gas_tariffs) == {"gas_heating", "no_gas"}
    assert found.gas_tariffs["gas_heating"]["ur_monthly_fixed_charge"] == 14.79
    assert found.gas_tariff_map is not None
    assert found.gas_tariff_map["bldg_id"].tolist() == ids(demo)


def test_without_gas_tariffs_no_gas_is_billed(demo: Demo) -> None:
    found = inputs(demo, path_tariffs_gas=None, path_tariff_maps_gas=None)
    assert found.gas_tariff_map is None and found.gas_tariffs == {}


def test_a_cost_by_kw_is_spread_over_the_hours_asked_for(demo: Demo) -> None:
    assert inputs(demo).spec.distribution_cost is None
    found = inputs(
        demo,
        path_dist_and_sub_tx_mc=None,
        distribution_cost_per_kw_year=80.0,
        distribution_cost_hours=50,
    )
    assert found.spec.distribution_cost == DistributionCost(80.0, 50)


def test_every_file_read_is_fingerprinted(demo: Demo) -> None:
    found = inputs(demo).fingerprints
    tariff = demo.folder / "rates/tariffs/electric/flat.json"
    assert found[str(tariff)] == hashlib.sha256(tariff.read_bytes()).hexdigest()
    names = {Path(path).name for path in found}
    assert names == {
        "metadata-sb.parquet", "utility_assignment.parquet", "hp_tou_vs_flat.csv", "gas.csv",
        "hp_tou.json", "flat.json", "gas_heating.json", "no_gas.json", "demo.yaml",
        "supply_energy.parquet", "supply_capacity.parquet", "dist_and_sub_tx.parquet",
        "bulk_tx.parquet", "upgrade=00",
    }  # fmt: skip
    lines = sorted(f"{path.name}\0{path.stat().st_size}\n" for path in demo.loads.iterdir())
    listing = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert found[str(demo.loads)] == f"listing {listing}"


def test_all_errors_are_told_at_once_and_none_that_follows_from_another(demo: Demo) -> None:
    demo.yaml(REQUIREMENT, lambda stored: stored | {"test_year_customer_count": -1})
    demo.csv(MAP, lambda frame: frame.iloc[1:])
    (demo.folder / "rates/marginal_costs/supply_energy.parquet").unlink()
    with pytest.raises(InputErrors) as caught:
        inputs(demo, run_name="up/down", year_dollar_conversion=1900)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.errors) == 5
    said = ["run name 'up/down'", "index for ", "test_year_customer_count is -1", "no tariff for"]
    for line, text in zip(lines, [*said, "supply_energy.parquet"], strict=True):
        assert text in line


def test_what_lacks_its_homes_is_not_checked(demo: Demo) -> None:
    demo.metadata.write_text("no")
    (demo.folder / MAP).unlink()
    with pytest.raises(InputErrors) as caught:
        inputs(demo)
    assert len(caught.value.errors) == 1
    assert "metadata-sb.parquet cannot be read" in str(caught.value)


def test_the_record_of_a_final_tariff_can_be_billed_again(demo: Demo) -> None:
    path = demo.folder / "rates/tariffs/electric/flat.json"
    before = inputs(demo).tariffs_params["flat"]
    path.write_text(json.dumps(before))
    assert inputs(demo).tariffs_params["flat"] == before
