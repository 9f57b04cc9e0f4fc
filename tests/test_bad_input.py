"""Bad input: one line that names it, exit code 2 or an exception class, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cairo
from cairo.errors import (
    CairoError,
    InputErrors,
    LoadError,
    MetadataError,
    PriceError,
    RequirementError,
    ScenarioError,
    TariffError,
)  # fmt: skip
from cairo.model.calendar import hour_stamps
from cairo.rates_tool.lookups import ENERGY_PRICE, GAS_COLUMN, HOURS, PV_COLUMN, TOTAL_COLUMN
from cairo.rates_tool.system_revenues import _return_revenue_requirement_target
from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide
from cairo.runs.demo import LOADS, METADATA
from tests.cairo_command import Command
from tests.strategies import tariff_dict
from tests.whole_runs import IN_PROCESS, RUN, Demo, make_demo

BLDG_IDS = (139288, 187752, 223958, 318572, 424947, 538020)
"""Of the demo, as its seed gives them."""
HOME, TWO, TWO_LISTED = BLDG_IDS[2], [BLDG_IDS[1], BLDG_IDS[4]], f"{BLDG_IDS[1]}, {BLDG_IDS[4]}"

SCENARIO = "rates/scenarios/scenarios_demo.yaml"
REQUIREMENT = "rates/rev_requirement/demo.yaml"
ASSIGNMENT = "resstock/metadata/utility_assignment.parquet"
MAP = "rates/tariff_maps/electric/hp_tou_vs_flat.csv"
GAS_MAP = "rates/tariff_maps/gas/gas.csv"
TARIFF = "rates/tariffs/electric/hp_tou.json"
GAS_TARIFF = "rates/tariffs/gas/gas_heating.json"
PRICES = "rates/marginal_costs/supply_energy.parquet"
CAPACITY_PRICES = "rates/marginal_costs/supply_capacity.csv"
CUSTOMERS = "resstock/metadata/customers.parquet"
DELIVERY_PRICES = "rates/marginal_costs/dist_and_sub_tx.parquet"
LOAD = f"{LOADS}/{HOME}-0.parquet"

Frame = pd.DataFrame
Case = tuple[type[CairoError], str, Callable[[Demo], object]]
"""Class of the error, what its line says, and what is done to a good run."""


def _harmed(content: bytes | None) -> Callable[[Path], object]:
    return lambda path: path.unlink() if content is None else path.write_bytes(content)


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARMS = {
    "missing": _harmed(None),
    "garbage": _harmed(bytes(range(256)) * 40),
    "empty": _harmed(b""),
    "a folder": _a_folder,
}
FILES: dict[str, tuple[type[CairoError], str]] = {
    SCENARIO: (ScenarioError, "scenario file"),
    REQUIREMENT: (RequirementError, "revenue requirement file"),
    METADATA: (MetadataError, "metadata file"),
    ASSIGNMENT: (MetadataError, "utility assignment file"),
    MAP: (TariffError, "tariff map"),
    GAS_MAP: (TariffError, "tariff map"),
    TARIFF: (TariffError, "tariff hp_tou"),
    GAS_TARIFF: (TariffError, "tariff gas_heating"),
    PRICES: (PriceError, "price file"),
    DELIVERY_PRICES: (PriceError, "price file"),
    CAPACITY_PRICES: (PriceError, "price file"),
    CUSTOMERS: (MetadataError, "utility statistics file"),
}
"""Small input files: the class of their errors, and what a line about them begins with."""


def set_cells(column: str, places: list[int], value: float) -> Callable[[Frame], Frame]:
    """Set some rows of a column."""

    def changed(data: Frame) -> Frame:
        values = data[column].to_numpy(np.float64).copy()
        values[places] = value
        return data.assign(**{column: values})

    return changed


def without_hour_100(data: Frame) -> Frame:
    """8760 rows with a hole: the hour is missing, one of the next year is last."""
    after = data.tail(1).assign(timestamp=data["timestamp"].iloc[-1] + pd.Timedelta(hours=1))
    return pd.concat([data.drop(index=100), after])


def hour_100_twice(data: Frame) -> Frame:
    stamps = data["timestamp"].to_list()
    stamps[101] = stamps[100]
    return data.assign(timestamp=stamps)


def hours_100_and_101_swapped(data: Frame) -> Frame:
    order = np.arange(len(data))
    order[[100, 101]] = [101, 100]
    return data.iloc[order]


def half_another_building(data: Frame) -> Frame:
    return data.assign(bldg_id=np.where(np.arange(HOURS) < HOURS // 2, HOME, 7))


def both_infinities(data: Frame) -> Frame:
    return set_cells(TOTAL_COLUMN, [1], np.inf)(set_cells(TOTAL_COLUMN, [2], -np.inf)(data))


LOAD_FILES: dict[str, Callable[[Frame], Frame]] = {
    # Hour 5000 is 208 days and 8 hours into the year.
    "has 8759 hourly rows, expected 8760 (first gap after 2018-07-28 07:00)": (
        lambda t: t.drop(index=5000)
    ),
    "has 8761 hourly rows, expected 8760": lambda t: pd.concat([t, t.tail(1)]),
    "has 0 hourly rows, expected 8760": lambda t: t.head(0),
    # Hour 100 is 4 days and 4 hours into the year.
    "has a gap from 2018-01-05 03:00 to 2018-01-05 05:00": without_hour_100,
    "repeats the hour 2018-01-05 04:00": hour_100_twice,
    "goes back from 2018-01-05 05:00 to 2018-01-05 04:00": hours_100_and_101_swapped,
    f"column {TOTAL_COLUMN} has 3 rows that are missing or infinite": set_cells(
        TOTAL_COLUMN, [0, 7, 8759], np.nan
    ),
    f"column {TOTAL_COLUMN} has 2 rows that are missing or infinite": both_infinities,
    f"column {PV_COLUMN} has 1 rows that are missing or infinite": set_cells(
        PV_COLUMN, [8759], np.inf
    ),
    f"column {GAS_COLUMN} has 1 rows that are missing or infinite": set_cells(
        GAS_COLUMN, [0], -np.inf
    ),
    f"column {TOTAL_COLUMN} has a sum that is infinite": (
        lambda t: t.assign(**{TOTAL_COLUMN: 1e308})
    ),
    f"has no column {TOTAL_COLUMN}": lambda t: t.drop(columns=TOTAL_COLUMN),
    "has no column timestamp": lambda t: t.drop(columns="timestamp"),
    f"column {TOTAL_COLUMN} is text, expected numbers": lambda t: t.assign(
        **{TOTAL_COLUMN: "much"}
    ),
    f"holds several buildings (7, {HOME}), expected one building a file": half_another_building,
    f"holds building 7, its name says {HOME}": lambda t: t.assign(bldg_id=7),
}


def of_two(data: Frame) -> pd.Series:
    return data["bldg_id"].isin(TWO)


def weight(value: float) -> Callable[[Frame], Frame]:
    """The weight of two buildings."""
    return lambda m: m.assign(weight=m["weight"].mask(of_two(m), value))


def twice(data: Frame) -> Frame:
    return pd.concat([data, data[of_two(data)]])


METADATA_FILES: dict[str, Callable[[Frame], Frame]] = {
    f"has no weight for buildings {TWO_LISTED}": weight(np.nan),
    f"has negative weights for buildings {TWO_LISTED}": weight(-1.0),
    "has weights that add to 0.0, expected more than zero": lambda m: m.assign(weight=0.0),
    "has weights above 1e+12 or below 1e-12 customers": lambda m: m.assign(weight=1e308),
    f"has buildings more than once: {TWO_LISTED}": twice,
    f"lacks buildings {TWO_LISTED}": lambda m: m[~of_two(m)],
    "has no column weight; it has bldg_id": lambda m: m.drop(columns="weight"),
    "has bldg_id '7x', expected whole numbers": lambda m: m.assign(bldg_id="7x"),
}
MAPS: dict[str, Callable[[Frame], Frame]] = {
    f"has no tariff for buildings {TWO_LISTED}": lambda m: m[~of_two(m)],
    f"has no tariff_key for buildings {TWO_LISTED}": (
        lambda m: m.assign(tariff_key=m["tariff_key"].mask(of_two(m), ""))
    ),
    f"has buildings more than once: {TWO_LISTED}": twice,
    "has no column tariff_key; it has bldg_id, tariff": (
        lambda m: m.rename(columns={"tariff_key": "tariff"})
    ),
    "has bldg_id '0.5'": lambda m: m.assign(bldg_id=0.5),
    "has tariff key '../flat', expected a plain name": lambda m: m.assign(tariff_key="../flat"),
}
PRICE_FILES: dict[str, Callable[[Frame], Frame]] = {
    "has 8759 hourly rows besides February 29": lambda p: p.drop(index=12),
    "has 8761 hourly rows besides February 29": (
        lambda p: pd.concat([p, p.tail(1).assign(timestamp=pd.Timestamp("2026-01-01"))])
    ),
    "has times in zone UTC, expected EST or no zone": (
        lambda p: p.assign(timestamp=p["timestamp"].dt.tz_localize("UTC"))
    ),
    "has hours more than once: 2025-01-05 04:00:00": hour_100_twice,
    "is not in time order: 2025-01-05 04:00:00 follows 2025-01-05 05:00:00": (
        hours_100_and_101_swapped
    ),
    "has 2 rows of energy_cost_enduse that are not finite numbers, "
    "first at 2025-01-01 03:00:00 ('nan')": set_cells("energy_cost_enduse", [3, 4], np.nan),
    "has no column energy_cost_enduse; it has timestamp, cost": (
        lambda p: p.rename(columns={"energy_cost_enduse": "cost"})
    ),
}


def tiers(*tier: dict[str, Any]) -> dict[str, Any]:
    """Four periods of the same tiers."""
    return {"energyratestructure": [list(tier)] * 4}


TARIFFS: dict[str, dict[str, Any]] = {
    "energyweekdayschedule is not 12 x 24 (found 11 rows of [24] values)": {
        "energyweekdayschedule": [[0] * 24] * 11
    },
    "energyweekendschedule is not 12 x 24 (found 12 rows of [23, 24] values)": {
        "energyweekendschedule": [[0] * 23, *[[0] * 24] * 11]
    },
    "energyweekdayschedule names period 9 in month 1, hour 0, which has no rates": {
        "energyweekdayschedule": [[9] * 24] * 12
    },
    "tier maxima of period 1 in ur_ec_tou_mat fall from 900 to 500": tiers(
        {"rate": 0.1, "max": 900}, {"rate": 0.2, "max": 500}, {"rate": 0.3}
    ),
    "unit 'kVArh' in energyratestructure is not billed, expected one of ['kWh', 'kWh/kW',": tiers(
        {"rate": 0.1, "unit": "kVArh"}
    ),
    "rate is '0.1'": tiers({"rate": "0.1"}),
    "rate is 1e+308": tiers({"rate": 1e308}),
    "mincharge is 1e+308, expected dollars": {"mincharge": 1e308},
    "energyratestructure is missing, expected a list of tiers": {"energyratestructure": None},
}
PYSAM_TARIFFS: dict[str, dict[str, Any]] = {
    "unit code 4 of period 1, tier 1 is not billed": tariff_dict([[1, 1, 1e38, 4, 0.1, 0, 0]]),
    "ur_ec_sched_weekday names period 1 in month 1, hour 0": tariff_dict(
        [[2, 1, 1e38, 0, 0.1, 0, 0]]
    ),
}


def changed(path: str, change: Callable[[Frame], Frame]) -> Callable[[Demo], object]:
    if path.endswith(".csv"):
        return lambda demo: demo.csv(path, change)
    return lambda demo: demo.parquet(path, change)


def urdb(path: str, change: dict[str, Any]) -> Callable[[Demo], object]:
    """Change fields of a URDB file's item."""

    def broken(demo: Demo) -> None:
        stored = json.loads((demo.folder / path).read_text())
        stored["items"][0] |= change
        (demo.folder / path).write_text(json.dumps(stored))

    return broken


def written(path: str, content: dict[str, Any]) -> Callable[[Demo], object]:
    return lambda demo: (demo.folder / path).write_text(json.dumps(content))


def settings(**change: Any) -> Callable[[Demo], object]:
    return lambda demo: demo.settings(change)


def requirements(change: Callable[[dict[str, Any]], object]) -> Callable[[Demo], object]:
    """Change the mapping of the requirement file in place."""

    def in_place(stored: dict[str, Any]) -> dict[str, Any]:
        change(stored)
        return stored

    return lambda demo: demo.yaml(REQUIREMENT, in_place)


def of_subclasses(part: str, method: str, **change: Any) -> Callable[[Demo], object]:
    return requirements(lambda r: r["subclass_revenue_requirements"][part][method].update(change))


def added(text: str) -> Callable[[Demo], object]:
    """A line at the end of the scenario file."""
    return lambda demo: demo.scenario.write_text(demo.scenario.read_text() + text)


def without_loads(demo: Demo) -> None:
    for bldg_id in TWO:
        (demo.loads / f"{bldg_id}-0.parquet").unlink()


def map_names_tou_hp(data: Frame) -> Frame:
    return data.assign(tariff_key=data["tariff_key"].mask(of_two(data), "tou_hp"))


OTHERS: list[Case] = [
    (ScenarioError, "key backend is 'spark': expected 'pandas', 'dask_", settings(backend="spark")),
    (ScenarioError, "key proces_workers is unknown, did you mean process_workers?",
     settings(proces_workers=3)),
    (ScenarioError, "key dask.n_worker is unknown, did you mean n_workers?",
     settings(dask={"n_worker": 3})),
    (ScenarioError, "key run is unknown, did you mean runs?", added("run: {}\n")),
    (ScenarioError, "key runs is there twice", added("runs: {}\n")),
    (ScenarioError, "key run_type is 'exact': expected 'precalc' or 'default'",
     settings(run_type="exact")),
    (ScenarioError, "key year_run is 'soon': expected a valid integer", settings(year_run="soon")),
    (ScenarioError, "key process_workers is 0: expected greater than or equal to 1",
     settings(process_workers=0)),
    (ScenarioError, "expected exactly one of utility_revenue_requirement, residual_cost, "
     "residual_cost_frac, found utility_revenue_requirement and residual_cost",
     settings(residual_cost=1.0)),
    (ScenarioError, "low_income_bill_assistance_program key discout is unknown, "
     "did you mean discount?",
     settings(low_income_bill_assistance_program={"discout": 0.1}, low_income_strategy="generic")),
    (ScenarioError, "program key renter_credit is inf",
     settings(low_income_bill_assistance_program={"renter_credit": float("inf")})),
    (ScenarioError, "run name '../up' cannot be a folder's name", settings(run_name="../up")),
    (MetadataError, f"{ASSIGNMENT} has no building of utility demo (there are us)",
     changed(ASSIGNMENT, lambda m: m.assign(**{"sb.electric_utility": "us"}))),
    (MetadataError, f"{CUSTOMERS} has 0 rows of utility demo, expected one (there are us)",
     changed(CUSTOMERS, lambda m: m.assign(utility_code="us"))),
    (MetadataError, f"{CUSTOMERS} has -1.0 residential_customers, expected some",
     changed(CUSTOMERS, lambda m: m.assign(residential_customers=-1))),
    (MetadataError, "sample_size 7 is above the 6 buildings of ", settings(sample_size=7)),
    (MetadataError, f"{METADATA} has no column in.x", settings(metadata_columns=["in.x"])),
    (MetadataError, f"{ASSIGNMENT} column sb.electric_utility holds lists or bytes",
     changed(ASSIGNMENT, lambda m: m.assign(**{"sb.electric_utility": b"\xff\xfe"}))),
    (MetadataError, f"{ASSIGNMENT} has buildings more than once: {TWO_LISTED}",
     changed(ASSIGNMENT, twice)),
    (TariffError, f"{MAP} names tariffs tou_hp; path_tariffs_electric has hp_tou, flat",
     changed(MAP, map_names_tou_hp)),
    (TariffError, "tariff tou_hp: file ", changed(GAS_MAP, map_names_tou_hp)),
    (TariffError, f"{GAS_MAP} names tariffs no_gas; path_tariffs_gas has gas_heating",
     settings(path_tariffs_gas={"all": "tariffs/gas/gas_heating.json"})),
    (TariffError, "tariff hp_tou has negative energy rates and no positive one",
     urdb(TARIFF, tiers({"rate": -0.1}))),
    (TariffError, "path_tariffs_electric alias non-hp names another file called hp_tou",
     settings(path_tariffs_electric={"hp": "a/hp_tou.json", "non-hp": "b/hp_tou.json"})),
    (RequirementError, f"{REQUIREMENT} delivery.percustomer names subclass hq; "
     "path_tariffs_electric has hp, non-hp", of_subclasses("delivery", "percustomer", hq=1.0)),
    (RequirementError, "has no key subclass_revenue_requirements.delivery.volumetric "
     "(there are percustomer)", settings(residual_allocation_delivery="volumetric")),
    (RequirementError, "key subclass_revenue_requirements.supply.passthrough.hp is 'lots', "
     "expected dollars", of_subclasses("supply", "passthrough", hp="lots")),
    (RequirementError, "passthrough.hp is nan", of_subclasses("supply", "passthrough", hp=np.nan)),
    (RequirementError, f"{REQUIREMENT} is not valid YAML: a number of 401 digits, most are 200",
     of_subclasses("supply", "passthrough", hp=10**400)),
    (RequirementError, "key test_year_customer_count is 0, expected a number above zero",
     requirements(lambda r: r.update(test_year_customer_count=0))),
    (RequirementError, f"{REQUIREMENT} has no key total_delivery_revenue_requirement",
     lambda demo: (
         demo.settings({"run_includes_subclasses": False, "run_includes_supply": False}),
         demo.yaml(REQUIREMENT, lambda r: {"utility": "demo"}),
     )),
    (RequirementError, "has a requirement for tariff hp_tou, but tariff map ",
     changed(MAP, lambda m: m.assign(tariff_key="flat"))),
    (LoadError, f"upgrade=00 for 2 buildings: {TWO_LISTED}", without_loads),
    (LoadError, f"{'x' * 300} cannot be read: OSError: [Errno 36] File name too long",
     settings(path_resstock_loads="x" * 300)),
    (LoadError, f"has two files for building {HOME}, ",
     lambda demo: (demo.loads / f"{HOME}-1.parquet").write_bytes(b"")),
]  # fmt: skip


def of_file(
    kind: type[CairoError], path: str, tables: dict[str, Callable[[Frame], Frame]]
) -> Iterator[Case]:
    for text, change in tables.items():
        yield kind, f"{path} {text}", changed(path, change)


CASES: list[Case] = [
    *of_file(LoadError, LOAD, LOAD_FILES),
    *of_file(MetadataError, METADATA, METADATA_FILES),
    *of_file(TariffError, MAP, MAPS),
    *of_file(TariffError, GAS_MAP, MAPS),
    *of_file(PriceError, PRICES, PRICE_FILES),
    *(
        (TariffError, f"{path}): {text}", urdb(path, change))
        for text, change in TARIFFS.items()
        for path in (TARIFF, GAS_TARIFF)
    ),
    *(
        (TariffError, f"{TARIFF}): {text}", written(TARIFF, tariff))
        for text, tariff in PYSAM_TARIFFS.items()
    ),
    *OTHERS,
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good run of six homes that reads every kind of input file."""
    made = Demo(
        make_demo(tmp_path_factory.mktemp("made") / "demo", len(BLDG_IDS)),
        tmp_path_factory.mktemp("source") / "demo",
    )
    capacity = made.folder / CAPACITY_PRICES
    pd.read_parquet(capacity.with_suffix(".parquet")).to_csv(capacity, index=False)
    customers = made.folder / CUSTOMERS
    pd.DataFrame({"utility_code": ["demo"], "residential_customers": [50_000]}).to_parquet(
        customers
    )
    made.yaml(REQUIREMENT, lambda r: {k: v for k, v in r.items() if "count" not in k})
    made.settings(
        IN_PROCESS
        | {
            "backend": "pandas",
            "process_workers": 1,
            "path_supply_capacity_mc": str(capacity),
            "path_electric_utility_stats": str(customers),
        }
    )
    return made.folder


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    copied = Demo(source, tmp_path / "demo")
    stored = copied.scenario.read_text().replace(str(source), str(copied.folder))
    copied.scenario.write_text(stored)
    return copied


def files(demo: Demo) -> list[Path]:
    """Everything there is, beside the demo too."""
    return sorted(demo.folder.parent.rglob("*"))


def line_of(command: Command, demo: Demo, *arguments: object) -> str:
    """The one line a command fails with, writing nothing."""
    before = files(demo)
    ended = command(*arguments)
    assert (ended.code, ended.output) == (2, "")
    assert len(ended.errors) == 1
    assert files(demo) == before
    return ended.errors[0].removeprefix("error: ")


def lines(command: Command, demo: Demo) -> set[str]:
    """What `cairo check` and `cairo run` say, which should be the same."""
    return {line_of(command, demo, name, demo.scenario, RUN) for name in ("check", "run")}


def test_the_run_is_good_before_it_is_broken(demo: Demo, command: Command) -> None:
    assert command("check", demo.scenario, RUN).output.endswith(": no errors found\n")
    ended = command("run", demo.scenario, RUN)
    assert (ended.code, ended.errors) == (0, [])
    assert (Path(ended.output.strip()) / "run.json").exists()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1])
def test_check_and_run_say_the_same_line_and_write_nothing(
    demo: Demo, command: Command, case: Case
) -> None:
    _, text, broken = case
    broken(demo)
    (line,) = lines(command, demo)
    assert text in line


@pytest.mark.slow
@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("path", FILES)
def test_a_file_that_cannot_be_read_is_named_by_check_and_run(
    demo: Demo, command: Command, path: str, harm: str
) -> None:
    HARMS[harm](demo.folder / path)
    (line,) = lines(command, demo)
    assert line.startswith(FILES[path][1])
    assert str(demo.folder / path) in line


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case[1])
def test_python_raises_the_class_of_the_error(demo: Demo, case: Case) -> None:
    kind, text, broken = case
    broken(demo)
    assert text in raised(demo, kind)


@pytest.mark.parametrize("path", FILES)
def test_python_raises_the_class_of_the_file(demo: Demo, path: str) -> None:
    HARMS["garbage"](demo.folder / path)
    assert path in raised(demo, FILES[path][0])


def raised(demo: Demo, kind: type[CairoError]) -> str:
    """The one error of `cairo.run`, which writes nothing."""
    before = files(demo)
    with pytest.raises(CairoError) as caught:
        cairo.run(demo.scenario, RUN)
    assert files(demo) == before
    error = caught.value
    if isinstance(error, InputErrors):
        (error,) = error.errors
    assert type(error) is kind
    return str(error)


@pytest.mark.parametrize("path", [METADATA, MAP, GAS_MAP])
def test_all_of_many_buildings_are_listed(demo: Demo, command: Command, path: str) -> None:
    others = list(range(1, 501))
    more = pd.DataFrame({"bldg_id": others, "sb.electric_utility": "demo"})
    demo.parquet(ASSIGNMENT, lambda m: pd.concat([m, more]))
    if path != METADATA:
        demo.parquet(METADATA, lambda m: pd.concat([m, more.assign(weight=1.0)]))
    for name in {MAP, GAS_MAP} - {path}:
        demo.csv(name, lambda m: pd.concat([m, more.assign(tariff_key=m["tariff_key"][0])]))
    said = command("run", demo.scenario, RUN).errors
    (line,) = [text for text in said if path in text]
    assert line.endswith(f"buildings {', '.join(map(str, others))}")


def test_utilities_kept_as_bytes_are_those_of_their_text(demo: Demo, command: Command) -> None:
    demo.parquet(ASSIGNMENT, lambda m: m.assign(**{"sb.electric_utility": b"demo"}))
    ended = command("check", demo.scenario, RUN)
    assert (ended.code, ended.errors) == (0, [])


def test_all_load_files_that_are_not_there_are_listed(demo: Demo, command: Command) -> None:
    for bldg_id in BLDG_IDS[1:]:
        (demo.loads / f"{bldg_id}-0.parquet").unlink()
    (line,) = lines(command, demo)
    assert line.endswith(f"for 5 buildings: {', '.join(map(str, BLDG_IDS[1:]))}")


def test_every_error_is_found_at_once_a_line_each(demo: Demo, command: Command) -> None:
    demo.parquet(METADATA, weight(-1.0))
    demo.parquet(PRICES, lambda p: p.drop(index=12))
    demo.yaml(REQUIREMENT, lambda r: r | {"resstock_kwh_scale_factor": "double"})
    before = files(demo)
    for name in ("check", "run"):
        ended = command(name, demo.scenario, RUN)
        assert ended.code == 2
        assert [path for path in (METADATA, PRICES, REQUIREMENT) if path in str(ended.errors)]
        assert len(ended.errors) == 3
    assert files(demo) == before


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run", "{}", "demo_hp_precalc"], "has no run demo_hp_precalc, did you mean demo_hp_tou_"),
        (["check", "{}", "demo_hp_precalc"], "has no run demo_hp_precalc, did you mean demo_hp_"),
        (["run", "{}", RUN, "--backend", "spark"], f"run {RUN} key backend is 'spark': expected"),
        (["run", "{}", RUN, "--workers", "0"], f"run {RUN} key process_workers is 0: expected"),
        (["run", "{}/none.yaml", RUN], "none.yaml"),
        (["runs", "{}.yml"], ".yml does not exist"),
    ],
)
def test_a_bad_argument_is_one_line(
    demo: Demo, command: Command, arguments: list[str], text: str
) -> None:
    assert text in line_of(command, demo, *(a.format(demo.scenario) for a in arguments))


@pytest.mark.parametrize("backend", ["pandas", "dask_delayed", "dask_dataframe"])
def test_a_requirement_without_billed_energy_cannot_be_met(
    demo: Demo, command: Command, backend: str
) -> None:
    for path in demo.loads.glob("*.parquet"):
        demo.parquet(path, lambda t: t.assign(**{TOTAL_COLUMN: 0.0, PV_COLUMN: 0.0}))
    line = line_of(command, demo, "run", demo.scenario, RUN, "--backend", backend)
    assert "cannot be met: its customers have no billed energy" in line
    assert "of tariff hp_tou" in line or "of tariff flat" in line
    assert "no billed energy" in raised(demo, RequirementError)


def test_a_requirement_below_the_minimum_charges_cannot_be_met(
    demo: Demo, command: Command
) -> None:
    urdb(TARIFF, {"mincharge": 1e6, "minchargeunits": "$/month"})(demo)
    line = line_of(command, demo, "run", demo.scenario, RUN)
    assert "of tariff hp_tou cannot be met: its minimum and fixed charges alone collect" in line


# Python


def prices(index: pd.DatetimeIndex) -> Frame:
    return pd.DataFrame({ENERGY_PRICE: 0.05}, index=index)


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (hour_stamps(2025, "EST")[:-1], "marginal prices have 8759 hours, the loads 8760"),
        (hour_stamps(2025, "UTC"), "marginal prices begin 2025-01-01 00:00:00+00:00, the loads"),
        (hour_stamps(2025), "expected the same hours in the same time zone"),
        (hour_stamps(2024, "EST"), "marginal prices begin 2024-01-01 00:00:00-05:00, the loads"),
    ],
)
def test_prices_of_other_hours_than_the_loads_are_refused(
    index: pd.DatetimeIndex, text: str
) -> None:
    demand = pd.Series(1.0, index=hour_stamps(2025, "EST"))
    with pytest.raises(PriceError) as caught:
        _return_revenue_requirement_target(
            demand, None, 1e6, None, None, prices(index), Frame(index=index), None, False
        )
    assert text in str(caught.value)


def load_frame(bldg_ids: list[int], last: dict[int, float] | None = None) -> Frame:
    """1 kWh in every hour, but for other energies in the last hour of some buildings."""
    index = pd.MultiIndex.from_product(
        [bldg_ids, hour_stamps(2025, "EST")], names=["bldg_id", "time"]
    )
    columns = ["load_data", "pv_generation", "electricity_net"]
    loads = Frame({name: float(name != "pv_generation") for name in columns}, index=index)
    for bldg_id, value in (last or {}).items():
        loads.loc[(bldg_id, index.levels[1][-1]), :] = value
    return loads


FLAT = tariff_dict([[1, 1, 1e38, 0, 0.1, 0.0, 0.0]])
SIMULATED: dict[str, tuple[type[CairoError], dict[str, Any]]] = {
    "tariff map names tariffs b, but there are a": (
        TariffError,
        {"tariff_map": Frame({"bldg_id": [1, 2], "tariff_key": ["a", "b"]})},
    ),
    "tariff map has no tariff for buildings 2": (
        TariffError,
        {"tariff_map": Frame({"bldg_id": [1], "tariff_key": ["a"]})},
    ),
    "revenue requirement by tariff names b; customers are on a": (
        RequirementError,
        {"revenue_requirement": {"b": 100.0}},
    ),
    "no metadata for buildings 2": (
        MetadataError,
        {"customer_metadata": Frame({"bldg_id": [1], "weight": [1.0]})},
    ),
    "marginal prices have 8736 hours, the loads 8760": (
        PriceError,
        {"marginal_system_prices": prices(hour_stamps(2025, "EST")[:-24])},
    ),
    "in the same time zone": (
        PriceError,
        {"marginal_system_prices": prices(hour_stamps(2025, "UTC"))},
    ),
    "the load frame lacks": (LoadError, {"customer_electricity_load": load_frame([1])}),
    "electric load frame has load_data that is missing or infinite for buildings 2": (
        LoadError,
        {"customer_electricity_load": load_frame([1, 2], {2: np.nan})},
    ),
    "electric load frame has load_data that is missing or infinite for buildings 1, 2": (
        LoadError,
        {"customer_electricity_load": load_frame([1, 2], {1: np.inf, 2: -np.inf})},
    ),
    "customer metadata has no weight for buildings 2": (
        MetadataError,
        {"customer_metadata": Frame({"bldg_id": [1, 2], "weight": [1.0, np.nan]})},
    ),
    "customer metadata has negative weights for buildings 1": (
        MetadataError,
        {"customer_metadata": Frame({"bldg_id": [1, 2], "weight": [-1.0, 2.0]})},
    ),
    "has 8760 hours that are not finite numbers": (
        PriceError,
        {"marginal_system_prices": prices(hour_stamps(2025, "EST")) * np.nan},
    ),
    "revenue requirement of a is nan, expected a finite number": (
        RequirementError,
        {"revenue_requirement": {"a": np.nan}},
    ),
    "costs_by_type has Residual Costs ($) None, expected dollars": (
        RequirementError,
        {"costs_by_type": {"Total": 1.0}},
    ),
}


@pytest.mark.parametrize("backend", ["pandas", "dask_dataframe"])
@pytest.mark.parametrize("text", SIMULATED)
def test_simulate_refuses_frames_that_do_not_fit(tmp_path: Path, text: str, backend: Any) -> None:
    kind, change = SIMULATED[text]
    simulator = MeetRevenueSufficiencySystemWide(
        "precalc", 2025, 2025, 1, [1, 2], "frames", tmp_path / "outputs", backend
    )
    given = {
        "revenue_requirement": 1000.0,
        "tariffs_params": {"a": FLAT},
        "tariff_map": Frame({"bldg_id": [1, 2], "tariff_key": "a"}),
        "precalc_period_mapping": None,
        "customer_metadata": Frame({"bldg_id": [1, 2], "weight": [1.0, 1.0]}),
        "customer_electricity_load": load_frame([1, 2]),
        "marginal_system_prices": prices(hour_stamps(2025, "EST")),
        "costs_by_type": {"Residual Costs ($)": 1.0},
    } | change
    with pytest.raises(kind) as caught:
        simulator.simulate(**given)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.rglob("*")) == []
