"""Delivery and supply side by side, and the requirements of subclasses that follow from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import cairo
from cairo.errors import CairoError
from cairo.model import kernels
from cairo.model.allocations import ALLOCATIONS, Bases
from cairo.model.backends import BACKENDS
from cairo.model.components import COMPONENTS, ComponentCosts, ComponentShares
from cairo.model.subclass_requirements import by_subclass, cost_of_service, methods
from cairo.rates_tool.run_files import RUN_FILES
from cairo.scenario.finished_run import requirement_content
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import read_scenario
from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents, make_demo

FLAT = "demo_flat_precalc"
DELIVERY = "demo_flat_precalc_delivery"
REQUIREMENT = "rates/rev_requirement/demo.yaml"
BAT_FILE = "cross_subsidization/cross_subsidization_BAT_values.csv"
TWIN = {"delivery_tariffs": {"all": "tariffs/electric/flat.json"}}
TWINS = {"delivery_tariffs": {"hp": "tariffs/electric/flat.json",
                              "non-hp": "tariffs/electric/tiered.json"}}  # fmt: skip
HP = {"group_col": "has_hp", "selectors": {"hp": "true", "non-hp": "false"}}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    demo = Demo(
        make_demo(tmp_path_factory.mktemp("made") / "demo", 9),
        tmp_path_factory.mktemp("source") / "demo",
    )
    for name in (FLAT, DELIVERY, RUN, "demo_mixed_default"):
        demo.settings(IN_PROCESS | {"subclass_config": HP}, name)
    return demo.folder


@pytest.fixture(scope="module")
def split(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of everybody on one tariff, with a delivery twin."""
    demo = Demo(source, tmp_path_factory.mktemp("split") / "demo")
    demo.settings(TWIN, FLAT)
    return demo.run(FLAT)


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    return Demo(source, tmp_path / "demo")


def bat_of(place: Path) -> pd.DataFrame:
    return cairo.open_run(place).bat


# Formulas


@st.composite
def customers(draw: st.DrawFn) -> dict[str, Any]:
    n, hours = draw(st.integers(1, 8)), 24
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    load = rng.gamma(1.0, 2.0, (n, hours)) * (rng.random((n, hours)) < 0.8)
    return {
        "load": load,
        "weight": rng.uniform(0.0, 900.0, n).round(draw(st.integers(0, 3))) + 1.0,
        "price": {c: rng.gamma(0.5, 0.1, hours) * (rng.random(hours) < 0.5) for c in COMPONENTS},
        "requirement": {c: draw(st.floats(-1e6, 1e9)) for c in COMPONENTS},
        "bill": rng.gamma(2.0, 900.0, n),
        "subclass": rng.integers(0, draw(st.integers(1, 4)), n),
    }


@settings(max_examples=60, deadline=None)
@given(made=customers())
def test_requirements_of_subclasses_add_to_the_whole(made: dict[str, Any]) -> None:
    """For any split of the customers, method and prices; and they are the bills less the BAT."""
    load, weight, subclass = made["load"], made["weight"], made["subclass"]
    count = int(subclass.max()) + 1
    for c in COMPONENTS:
        burden = kernels.economic_burden(load, made["price"][c])
        marginal = float(made["price"][c] @ (weight @ load))
        required = made["requirement"][c]
        bases = Bases(load.sum(axis=1), load[:, made["price"][c] > 0].sum(axis=1), burden)
        shares = ComponentShares(ComponentCosts(required, marginal), bases, weight)
        size = abs(required) + marginal + 1.0
        for allocation, share in shares.each():
            if not allocation.basis(bases).any():
                assert not share.any()
                continue
            found = by_subclass(weight, cost_of_service(burden, share), subclass, count)
            assert abs(found.sum() - required) <= 1e-12 * size
            bat = kernels.bill_alignment(made["bill"], burden, share)
            for k in range(count):
                mine = subclass == k
                expected = (weight * (made["bill"] - bat))[mine].sum()
                assert abs(found[k] - expected) <= 1e-11 * (size + (weight * made["bill"]).sum())


# A run that is split


@pytest.mark.slow
@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "dask_dataframe"])
def test_backends_agree(demo: Demo, split: Path, backend: str) -> None:
    demo.settings(TWIN, FLAT)
    assert cairo.compare_runs(split, demo.run(FLAT, backend=backend, workers=1)).equal


def test_totals_are_those_of_a_run_that_is_not_split(demo: Demo, split: Path) -> None:
    """A requirement file without the delivery total leaves what there was, to the byte."""
    demo.yaml(REQUIREMENT, lambda r: {k: v for k, v in r.items() if "total_delivery_rev" not in k})
    whole = demo.run(FLAT)
    old, new = (
        pd.read_csv(place / BAT_FILE, dtype=str, keep_default_na=False) for place in (whole, split)
    )
    pd.testing.assert_frame_equal(new[list(old)], old)
    assert list(new)[: len(old.columns)] == list(old) and len(new.columns) == 33
    kept = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
    for name in kept:
        if name.name != "run.json" and "BAT" not in name.name:
            assert (split / name).read_bytes() == (whole / name).read_bytes(), name
    assert json.loads((whole / "run.json").read_text())["summary"]["components"] is None


def test_the_parts_add_to_the_total_and_each_meets_its_requirement(split: Path) -> None:
    bat, summary = bat_of(split), cairo.open_run(split).summary
    weight = bat["weight"].to_numpy()
    for column in ("Annual", "customer_level_economic_burden", *(
        name for one in ALLOCATIONS if one.name != "BAT_epmc" for name in (one.share, one.name)
    )):  # fmt: skip
        parts = bat[f"{column}_delivery"] + bat[f"{column}_supply"]
        np.testing.assert_allclose(parts, bat[column], rtol=1e-9, atol=1e-9)
    for c in COMPONENTS:
        costs = summary["components"][c]
        collected = (weight * bat[f"Annual_{c}"]).sum()
        assert collected == pytest.approx(costs["revenue_requirement"], rel=1e-10)
        for one in ALLOCATIONS:
            given_out = (weight * bat[f"{one.share}_{c}"]).sum()
            assert given_out == pytest.approx(costs["residual_costs"], rel=1e-10)
            assert abs((weight * bat[f"{one.name}_{c}"]).sum()) < 1e-9 * collected
        epmc = bat[f"customer_level_residual_share_epmc_{c}"]
        # Every customer's costs are marked up alike.
        ratio = epmc / bat[f"customer_level_economic_burden_{c}"]
        np.testing.assert_allclose(ratio, costs["residual_costs"] / costs["marginal_costs"], 1e-9)
    by_segment = pd.read_csv(
        split / "cross_subsidization/cross_subsidization_BAT_by_in.tenure.csv"
    ).set_index(["in.tenure", "metric"])
    expected = (weight * bat["BAT_vol_supply"]).sum() / weight.sum()
    found = by_segment.loc[("all customers", "BAT_vol_supply"), "weighted_average"]
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_the_delivery_run_of_a_pair_is_a_twin(demo: Demo, split: Path) -> None:
    pair = demo.run(DELIVERY)
    demo.settings({"delivery_run": str(pair)}, FLAT)
    place = demo.run(FLAT)
    np.testing.assert_allclose(bat_of(place)[list(bat_of(split))], bat_of(split), 1e-9, 1e-9)
    inputs = json.loads((place / "run.json").read_text())["inputs"]
    assert str(pair / BAT_FILE) in inputs
    # What the platform computes of such a pair: supply is the supply run's less delivery's.
    first, second = bat_of(pair), bat_of(place)
    content = requirement_content(
        place, "has_hp", {"delivery": ["volumetric"], "supply": ["volumetric", "percustomer"]}
    )
    hp = cairo.open_run(place).metadata["postprocess_group.has_hp"].astype(str) == "True"
    for method, bat in (("volumetric", "BAT_vol"), ("percustomer", "BAT_percustomer")):
        paid = [
            (one["weight"] * (one["Annual"] - one[bat]))[hp.to_numpy()].sum()
            for one in (first, second)
        ]
        required: Any = content["subclass_revenue_requirements"]
        assert required["supply"][method]["hp"] == pytest.approx(paid[1] - paid[0], rel=1e-9)


@pytest.mark.slow
def test_a_study_builds_on_runs_by_their_names(demo: Demo) -> None:
    """A pair's delivery run, what it makes of the bills, and subclasses that pay their costs."""
    methods = {"delivery": "passthrough", "supply": "epmc"}
    none = {f"residual_allocation_{c}": None for c in COMPONENTS}
    demo.settings({"delivery_run": DELIVERY}, FLAT)
    demo.settings(none | {"requirement_from": {"run": FLAT} | methods})
    together = cairo.study(demo.scenario, [RUN, FLAT, DELIVERY], output_dir=demo.folder / "study")
    assert not together.failed
    places = {DELIVERY: demo.run(DELIVERY)}
    demo.settings({"delivery_run": str(places[DELIVERY])}, FLAT)
    places[FLAT] = demo.run(FLAT)
    demo.settings({"requirement_from": {"run": str(places[FLAT])} | methods})
    places[RUN] = demo.run()
    for name, place in places.items():
        assert contents(together[name].path) == contents(place), name
    content: Any = requirement_content(
        places[FLAT], "has_hp", {part: [method] for part, method in methods.items()}
    )
    required = content["subclass_revenue_requirements"]
    expected = {
        alias: required["delivery"]["passthrough"][alias] + required["supply"]["epmc"][alias]
        for alias in ("hp", "non-hp")
    }
    found = cairo.open_run(places[RUN]).summary["revenue_requirement_by_tariff"]
    assert found == pytest.approx({"hp_tou": expected["hp"], "flat": expected["non-hp"]}, rel=1e-12)


def test_twins_of_subclasses_collect_what_each_pays_of_delivery(demo: Demo) -> None:
    demo.settings(TWINS)
    place = demo.run()
    bat = bat_of(place).set_index("bldg_id")
    on = pd.read_csv(place / "tariff_map.csv", index_col="bldg_id")["tariff_key"]
    paid = (bat["weight"] * bat["Annual_delivery"]).groupby(on).sum()
    stored = yaml.safe_load((demo.folder / REQUIREMENT).read_text())
    amounts = stored["subclass_revenue_requirements"]["delivery"]["percustomer"]
    assert paid["hp_tou"] == pytest.approx(amounts["hp"], rel=1e-10)
    assert paid["flat"] == pytest.approx(amounts["non-hp"], rel=1e-10)
    twins = json.loads((place / "delivery_tariff_final_config.json").read_text())
    assert set(twins) == {"hp_tou", "flat"} and len(twins["flat"]["ur_ec_tou_mat"]) > 1


def test_a_tax_is_on_both_parts(demo: Demo, caplog: pytest.LogCaptureFixture) -> None:
    demo.settings(TWIN | {"utility_tax_rate": 0.05}, FLAT)
    bat, summary = bat_of(place := demo.run(FLAT)), cairo.open_run(place).summary
    for c in COMPONENTS:
        collected = (bat["weight"] * bat[f"Annual_{c}"]).sum()
        required = summary["components"][c]["revenue_requirement"]
        assert collected == pytest.approx(1.05 * required, rel=1e-10)
    assert "adds to" not in caplog.text


@pytest.mark.slow
def test_a_response_moves_each_parts_burden(demo: Demo) -> None:
    responding = {"elasticity": -0.2}
    tou = {"path_tariff_maps_electric": None, "subclass_config": HP,
           "path_tariffs_electric": {"hp": "tariffs/electric/hp_tou.json",
                                     "non-hp": "tariffs/electric/flat.json"}}  # fmt: skip
    demo.settings(responding | tou, DELIVERY)
    pair = demo.run(DELIVERY)
    demo.settings(responding | {"delivery_run": str(pair)})
    places = [demo.run(backend=name, workers=1) for name in ("pandas", "dask_dataframe")]
    assert cairo.compare_runs(*places).equal
    demo.settings({"elasticity": 0.0, "delivery_run": None})
    before, after = bat_of(demo.run()), bat_of(places[0])
    column = "customer_level_economic_burden_delivery"
    assert not np.allclose(before[column], after[column])
    summary = cairo.open_run(places[0]).summary["components"]
    still = cairo.open_run(demo.run()).summary["components"]
    for c in COMPONENTS:
        assert summary[c]["residual_costs"] == pytest.approx(still[c]["residual_costs"], rel=1e-12)
        burden = (after["weight"] * after[f"customer_level_economic_burden_{c}"]).sum()
        assert summary[c]["marginal_costs"] == pytest.approx(burden, rel=1e-10)


def test_a_delivery_run_that_responds_to_other_prices_is_of_other_hours(demo: Demo) -> None:
    tou = {"path_tariff_maps_electric": None, "subclass_config": HP,
           "path_tariffs_electric": {"hp": "tariffs/electric/hp_tou.json",
                                     "non-hp": "tariffs/electric/flat.json"}}  # fmt: skip
    demo.settings({"elasticity": -0.2} | tou, DELIVERY)
    pair = demo.run(DELIVERY)
    file = demo.folder / "rates/tariffs/electric/hp_tou.json"
    stored = json.loads(file.read_text())
    stored["items"][0]["energyratestructure"][1][0]["rate"] *= 1.5
    file.write_text(json.dumps(stored))
    demo.settings({"elasticity": -0.2, "delivery_run": str(pair)})
    with pytest.raises(CairoError, match="so that its bills are of other hours"):
        read_inputs(read_scenario(demo.scenario).run(RUN))


def test_a_basis_that_nobody_has_gives_no_shares_and_it_is_said(demo: Demo) -> None:
    zero = {f"path_supply_{name}_mc": f"marginal_costs/supply_{name}_zero.parquet"
            for name in ("energy", "capacity")}  # fmt: skip
    demo.settings(zero, FLAT)
    place = demo.run(FLAT)
    assert not bat_of(place)["customer_level_residual_share_epmc_supply"].any()
    remarks = cairo.open_run(place).summary["remarks"]
    assert len(remarks) == 1
    assert "supply share by BAT_epmc is zero" in remarks[0] and "are nobody's" in remarks[0]
    with pytest.raises(CairoError, match=r"supply.epmc add to 0.00 \$, but its supply requirement"):
        requirement_content(place, "has_hp", {"supply": ["epmc"]})


def test_columns_of_a_run_are_those_that_its_page_names(split: Path) -> None:
    file = next(one for one in RUN_FILES if one.name == BAT_FILE)
    assert [column.name for column in file.columns] == list(bat_of(split))


# Bad input: a line each, before any work


def not_both(demo: Demo) -> None:
    demo.yaml(REQUIREMENT, lambda r: {k: v for k, v in r.items() if "total_delivery_rev" not in k})
    demo.settings(TWIN, FLAT)


def from_run(demo: Demo, place: Path, **changes: Any) -> None:
    given = {"run": str(place), "delivery": "epmc", "supply": "volumetric"} | changes
    demo.settings({"requirement_from": given, "residual_allocation_delivery": None,
                   "residual_allocation_supply": None})  # fmt: skip


def fewer_homes(demo: Demo, place: Path) -> None:
    from_run(demo, place)
    demo.settings({"sample_size": 5})


def other_count(demo: Demo, place: Path) -> None:
    from_run(demo, place)
    demo.yaml(REQUIREMENT, lambda r: r | {"test_year_customer_count": 1000})


def other_total(demo: Demo, place: Path) -> None:
    from_run(demo, place)
    demo.yaml(REQUIREMENT, lambda r: r | {"total_delivery_revenue_requirement": 7.0})


def scaled(demo: Demo, place: Path) -> None:
    from_run(demo, place)
    demo.yaml(REQUIREMENT, lambda r: r | {"resstock_kwh_scale_factor": 0.9})


BAD: list[tuple[str, str, Any]] = [
    (FLAT, "delivery_tariffs needs total_delivery_revenue_requirement and total_delivery_and",
     lambda demo, _: not_both(demo)),
    (FLAT, "delivery_tariffs has hp, expected a twin of each of path_tariffs_electric: all",
     lambda demo, _: demo.settings({"delivery_tariffs": {"hp": "x.json"}}, FLAT)),
    (FLAT, "expected one of delivery_tariffs and delivery_run, found both",
     lambda demo, place: demo.settings(TWIN | {"delivery_run": str(place)}, FLAT)),
    (FLAT, "delivery_tariffs with energy_surcharge_rate is not modelled",
     lambda demo, _: demo.settings(TWIN | {"energy_surcharge_rate": 0.01}, FLAT)),
    (DELIVERY, "delivery_tariffs needs run_includes_supply",
     lambda demo, _: demo.settings(TWIN, DELIVERY)),
    (FLAT, "includes supply, expected a run of delivery alone",
     lambda demo, place: demo.settings({"delivery_run": str(place)}, FLAT)),
    (RUN, "has elasticity 0.0, the run -0.2: expected one of the same loads",
     lambda demo, _: demo.settings({"elasticity": -0.2, "delivery_run": str(demo.run(
         DELIVERY, output_dir=demo.folder / "pair"))})),
    (FLAT, "run directory nowhere does not exist",
     lambda demo, _: demo.settings({"delivery_run": "/nowhere"}, FLAT)),
    (RUN, "key requirement_from.delivery is 'percustomr': expected volumetric, peak, percustomer, "
     "epmc, passthrough", lambda demo, place: from_run(demo, place, delivery="percustomr")),
    (RUN, "requirement_from with run_includes_supply needs a method for supply",
     lambda demo, place: from_run(demo, place, supply=None)),
    (RUN, "requirement_from.delivery is epmc, residual_allocation_delivery is percustomer",
     lambda demo, place: (from_run(demo, place),
                          demo.settings({"residual_allocation_delivery": "percustomer"}))),
    (FLAT, "requirement_from needs run_includes_subclasses",
     lambda demo, place: demo.settings(
         {"requirement_from": {"run": str(place), "delivery": "epmc", "supply": "epmc"}}, FLAT)),
    (RUN, "is of other homes: buildings ", fewer_homes),
    (RUN, "has other weights: building ", other_count),
    (RUN, "subclasses of delivery.epmc add to ", other_total),
    (RUN, "has resstock_kwh_scale_factor 1, the run 0.9", scaled),
]  # fmt: skip


@pytest.mark.parametrize(("run", "message", "harm"), BAD, ids=[text[:40] for _, text, _ in BAD])
def test_what_does_not_fit_is_one_line_and_nothing_is_written(
    demo: Demo, split: Path, command: Command, run: str, message: str, harm: Any
) -> None:
    harm(demo, split)
    ended = command("run", demo.scenario, run)
    assert ended.code == 2 and len(ended.errors) == 1, ended.errors
    assert message.replace("nowhere", "/nowhere") in ended.errors[0]
    assert not (demo.folder / "outputs").exists()


# The command


def requirement(command: Command, place: Path, **options: str) -> Any:
    given = {"by": "has_hp", "delivery": "percustomer", "supply": "epmc"} | options
    return command(
        "requirement", place, *(text for key, one in given.items() for text in (f"--{key}", one))
    )


def test_a_run_of_delivery_alone_has_delivery_requirements(demo: Demo, command: Command) -> None:
    place = demo.run(DELIVERY)
    ended = command("requirement", place, "--by", "in.tenure", "--delivery", "passthrough,peak")
    stored = yaml.safe_load(ended.output)
    assert list(stored["subclass_revenue_requirements"]) == ["delivery"]
    bat = bat_of(place)
    tenure = cairo.open_run(place).metadata["in.tenure"]
    paid = (bat["weight"] * bat["Annual"]).groupby(tenure.to_numpy()).sum()
    found = stored["subclass_revenue_requirements"]["delivery"]["passthrough"]
    assert found == pytest.approx(paid.to_dict(), rel=1e-12)
    assert "total_delivery_and_supply_revenue_requirement" not in stored
    with_supply = requirement(command, place)
    assert with_supply.code == 2
    assert "has costs of delivery, not of supply: run it with run_includes" in with_supply.errors[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "in.nothing"}, "customer_metadata.csv has no column in.nothing"),
        ({"delivery": "percustomr"}, "delivery method 'percustomr': expected volumetric, peak"),
        ({"output": "no/such/folder/x.yaml"}, "cannot write no/such/folder/x.yaml"),
    ],
)
def test_a_requirement_that_cannot_be_is_one_line(
    split: Path, command: Command, options: dict[str, str], message: str
) -> None:
    ended = requirement(command, split, **options)
    assert ended.code == 2 and len(ended.errors) == 1 and message in ended.errors[0]
    assert ended.output == ""


def test_a_run_without_delivery_bills_has_no_passthrough(demo: Demo, command: Command) -> None:
    place = demo.run(FLAT)
    ended = requirement(command, place, delivery="passthrough")
    assert ended.code == 2
    assert "no delivery bills: run it with delivery_tariffs or delivery_run" in ended.errors[0]
    assert requirement(command, place).code == 0


def test_homes_without_a_value_are_named(split: Path, tmp_path: Path, command: Command) -> None:
    place = tmp_path / "run"
    shutil.copytree(split, place)
    file = place / "customer_metadata.csv"
    metadata = pd.read_csv(file, dtype=str)
    metadata.loc[2, "in.tenure"] = ""
    metadata.to_csv(file, index=False)
    ended = requirement(command, place, by="in.tenure")
    assert f"buildings {metadata['bldg_id'][2]} in no subclass" in ended.errors[0]


def test_methods_are_an_allocation_each_and_passthrough() -> None:
    assert methods() == ["volumetric", "peak", "percustomer", "epmc", "passthrough"]
