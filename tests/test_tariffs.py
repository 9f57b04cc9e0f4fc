"""URDB conversion against PySAM's, tariff maps, relative rates and solar compensation."""

import copy
import json
import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairo.errors import ScenarioError, TariffError
from cairo.files.unmodelled import without_unmodelled
from cairo.model.tariff import parse_tariff
from cairo.rates_tool.tariffs import (
    ElectricityRates_to_URDB,
    URDBv7_to_ElectricityRates,
    __load_tariff_maps__,
    _charge_period_mapping,
    _determine_sell_rate,
    _load_base_tariffs,
    _return_export_compensation_rate,
    get_default_tariff_structures,
    precalc_period_mapping,
)

UNITS = ["kWh", "kWh/kW", "kWh daily", "kWh/kW daily"]


def schedule(periods, seed=0):
    return np.random.default_rng(seed).integers(0, periods, (12, 24)).tolist()


def urdb(**changes):
    """Two periods, the first with two tiers, counted from 0 as URDB does."""
    item = {
        "label": "two",
        "energyratestructure": [
            [
                {"rate": 0.10, "adj": 0.01, "unit": "kWh", "max": 500.0, "sell": 0.04},
                {"rate": 0.20, "unit": "kWh"},
            ],
            [{"rate": 0.30, "adj": -0.02}],
        ],
        "energyweekdayschedule": schedule(2, 1),
        "energyweekendschedule": schedule(2, 2),
        "fixedchargefirstmeter": 10.0,
        "fixedchargeunits": "$/month",
        "mincharge": 4.0,
        "minchargeunits": "$/month",
    }
    return {name: value for name, value in (item | changes).items() if value is not ...}


DEMAND = {
    "demandratestructure": [[{"rate": 1.0}], [{"rate": 5.0, "adj": 0.5, "max": 9}, {"rate": 7.0}]],
    "demandweekdayschedule": schedule(2, 3),
    "demandweekendschedule": schedule(2, 4),
    "flatdemandstructure": [[{"rate": 2.0, "unit": "kW"}], [{"rate": 3.0, "max": 4}, {"rate": 6}]],
    "flatdemandmonths": [0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0],
}


def by_pysam(item):
    """PySAM's own conversion of a copy (it changes what it is given)."""
    tools = pytest.importorskip("PySAM.UtilityRateTools")
    return tools.URDBv8_to_ElectricityRates(copy.deepcopy(item))


def assert_as_pysam(item):
    ours, theirs = URDBv7_to_ElectricityRates(item), by_pysam(item)
    folded = [(*row[:4], row[4] + row[5], row[6]) for row in ours["ur_ec_tou_mat"]]
    assert folded == [tuple(row) for row in theirs.pop("ur_ec_tou_mat")]
    theirs.pop("ur_enable_billing_demand", None)
    for name, value in theirs.items():
        if name.startswith("ur_dc") and name.endswith("mat"):
            assert [tuple(row) for row in ours[name]] == [tuple(row) for row in value], name
        else:
            assert ours[name] == value, name


PYSAM_CASES = {
    "monthly": {},
    "daily charges": {"fixedchargeunits": "$/day", "minchargeunits": "$/day"},
    "yearly charges": {"fixedchargeunits": "$/year", "minchargeunits": "$/year"},
    "no minimum": {"mincharge": ..., "minchargeunits": ...},
    "net billing": {"dgrules": "Net Billing Hourly"},
    "instantaneous": {"dgrules": "Net Billing Instantaneous"},
    "buy all": {"dgrules": "Buy All Sell All"},
    "net metering": {"dgrules": "Net Metering"},
    "demand": DEMAND,
    "flat demand": {k: v for k, v in DEMAND.items() if k.startswith("flat")},
    "demand periods": {k: v for k, v in DEMAND.items() if not k.startswith("flat")},
}
OF_OURS = {
    "fuel adjustments": {"fueladjustmentsmonthly": [0.01 * month for month in range(12)]},
    "old names": {
        "fixedchargefirstmeter": ...,
        "mincharge": ...,
        "fixedmonthlycharge": 9.0,
        "minmonthlycharge": 20.0,
        "annualmincharge": 300.0,
    },
    "daily demand": DEMAND
    | {"demandrateunit": "kW daily", "flatdemandunit": "kW daily"}
    | {"flatdemandstructure": [[{"rate": 2.0}], [{"rate": 3.0, "max": 4}, {"rate": 6}]]},
}
"""What PySAM's conversion leaves out."""


@pytest.mark.parametrize("changes", PYSAM_CASES.values(), ids=PYSAM_CASES)
def test_the_conversion_is_pysams(changes):
    assert_as_pysam(urdb(**changes))


money = st.floats(-1.0, 3.0, allow_nan=False).map(lambda x: round(x, 5))


@st.composite
def structures(draw):
    periods = []
    for _ in range(draw(st.integers(1, 4))):
        unit = draw(st.sampled_from(UNITS))
        limits = sorted(draw(st.lists(st.integers(1, 2000), max_size=3)))
        tiers = [{"rate": draw(money), "unit": unit, "max": limit} for limit in limits]
        last = {"rate": draw(money), "unit": unit}
        for tier in [*tiers, last]:
            for field in ("adj", "sell"):
                if draw(st.booleans()):
                    tier[field] = draw(money)
        periods.append([*tiers, last])
    return periods


@settings(max_examples=40, deadline=None)
@given(structures(), st.integers(0, 99), money, st.sampled_from(["$/day", "$/month", "$/year"]))
def test_any_tariff_converts_as_pysam_does_and_comes_back_the_same(structure, seed, dollars, unit):
    item = urdb(
        energyratestructure=structure,
        energyweekdayschedule=schedule(len(structure), seed),
        energyweekendschedule=schedule(len(structure), seed + 1),
        fixedchargefirstmeter=dollars,
        fixedchargeunits=unit,
        mincharge=abs(dollars),
        minchargeunits=unit,
    )
    assert_as_pysam(item)
    assert_comes_back(URDBv7_to_ElectricityRates(item))


def assert_comes_back(tariff):
    """Through URDB JSON text and back, every number a bill needs is the same to the bit."""
    text = json.dumps(ElectricityRates_to_URDB(tariff, "t"))
    before, after = (
        parse_tariff("t", t) for t in (tariff, URDBv7_to_ElectricityRates(json.loads(text)))
    )
    arrays = ("rate", "sell", "max_usage", "unit", "weekday", "weekend", "fuel_adjustment")
    for name in arrays:
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name), err_msg=name)
    for name in ("monthly_fixed", "monthly_min", "annual_min", "metering_option", "key"):
        assert getattr(before, name) == getattr(after, name)
    assert (before.demand is None) == (after.demand is None)
    if before.demand is not None:
        for name in vars(before.demand):
            np.testing.assert_array_equal(
                getattr(before.demand, name), getattr(after.demand, name), err_msg=name
            )


@pytest.mark.parametrize(
    "changes", [*PYSAM_CASES.values(), *OF_OURS.values()], ids=[*PYSAM_CASES, *OF_OURS]
)
def test_a_tariff_survives_the_way_to_urdb_and_back(changes):
    assert_comes_back(URDBv7_to_ElectricityRates(urdb(**changes)))


def test_sams_other_net_metering_survives_as_net_metering():
    tariff = URDBv7_to_ElectricityRates(urdb()) | {"ur_metering_option": 1}
    assert ElectricityRates_to_URDB(tariff)["items"][0]["dgrules"] == "Net Metering"


def test_of_two_minimum_charges_the_annual_one_has_its_old_name_in_urdb():
    tariff = URDBv7_to_ElectricityRates(urdb()) | {"ur_annual_min_charge": 50.0}
    item = ElectricityRates_to_URDB(tariff, "k")["items"][0]
    assert (item["mincharge"], item["minchargeunits"]) == (4.0, "$/month")
    assert item["annualmincharge"] == 50.0
    assert_comes_back(tariff)


def test_the_bill_of_the_real_tariffs_survives_the_way_to_urdb_and_back(real_data):
    files = sorted((real_data / "rates" / "tariffs").rglob("*.json"))
    assert len(files) >= 10
    for file in files:
        item = json.loads(file.read_text())
        assert_comes_back(URDBv7_to_ElectricityRates(item, file.stem))
        assert_as_pysam(item.get("items", [item])[0])


def test_conversion_leaves_its_input_alone():
    given_item = {"items": [urdb(**DEMAND)]}
    before = copy.deepcopy(given_item)
    tariff = URDBv7_to_ElectricityRates(given_item)
    kept = copy.deepcopy(tariff)
    ElectricityRates_to_URDB(tariff, "x")
    assert given_item == before
    assert tariff == kept


def test_adjustments_keep_a_column_of_their_own():
    assert URDBv7_to_ElectricityRates(urdb())["ur_ec_tou_mat"] == [
        [1, 1, 500.0, 0, 0.10, 0.01, 0.04],
        [1, 2, 1e38, 0, 0.20, 0.0, 0.0],
        [2, 1, 1e38, 0, 0.30, -0.02, 0.0],
    ]


@pytest.mark.parametrize("junk", [None, "NA", "N/A", "", "null"])
def test_fields_without_content_are_as_good_as_absent(junk):
    names = ["mincharge", "minchargeunits", "demandratestructure", "flatdemandmonths", "dgrules"]
    item = urdb(**dict.fromkeys([*names, "demandrateunit", "lookbackpercent", "uri"], junk))
    item["energyratestructure"][1][0] |= {"max": junk, "sell": junk, "unit": junk}
    plain = urdb(mincharge=..., minchargeunits=...)
    assert URDBv7_to_ElectricityRates(item) == URDBv7_to_ElectricityRates(plain)


def test_a_single_period_needs_no_schedule():
    item = urdb(
        energyratestructure=[[{"rate": 0.1}]],
        energyweekdayschedule=...,
        energyweekendschedule=...,
    )
    assert URDBv7_to_ElectricityRates(item)["ur_ec_sched_weekend"] == [[1] * 24] * 12


def tier(**changes):
    return {"energyratestructure": [[{"rate": 0.1} | changes], [{"rate": 0.2}]]}


BAD = {
    "no structure": ({"energyratestructure": ...}, "energyratestructure is missing"),
    "odd structure": ({"energyratestructure": [3]}, "energyratestructure is '\\[3\\]'"),
    "empty structure": ({"energyratestructure": []}, "energyratestructure"),
    "unit": (tier(unit="therm"), "unit 'therm' in energyratestructure is not billed"),
    "unit of no text": (tier(unit=3), "unit 3"),
    "no rate": ({"energyratestructure": [[{"adj": 1}], [{"rate": 1}]]}, "rate is None"),
    "rate of text": (tier(rate="0.1"), "rate is '0.1'"),
    "NaN": (tier(adj=float("nan")), "adj is nan"),
    "no max": (
        {"energyratestructure": [[{"rate": 0.1}, {"rate": 0.2}], [{"rate": 0.2}]]},
        "tier 1 of period 0 in energyratestructure has no max",
    ),
    "max of text": (tier(max="big"), "has 'big'"),
    "falling": (
        {"energyratestructure": [[{"rate": 1, "max": 9}, {"rate": 1, "max": 5}], [{"rate": 1}]]},
        "fall from 9 to 5",
    ),
    "schedule": (
        {"energyweekdayschedule": [[0] * 24] * 11},
        "energyweekdayschedule is not 12 x 24",
    ),
    "no schedule": ({"energyweekendschedule": ...}, "energyweekendschedule is not 12 x 24"),
    "period": (
        {"energyweekendschedule": [[2] * 24] * 12},
        "energyweekendschedule names period 2.*count from 0: \\[0, 1\\]",
    ),
    "fixed": ({"fixedchargefirstmeter": "x"}, "fixedchargefirstmeter is 'x'"),
    "fixed unit": ({"fixedchargeunits": "$/week"}, "fixedchargeunits is '\\$/week'"),
    "fixed no unit": ({"fixedchargeunits": ...}, "fixedchargeunits is None"),
    "minimum unit": ({"minchargeunits": "kWh"}, "minchargeunits is 'kWh'"),
    "rules": ({"dgrules": "Barter"}, "dgrules is 'Barter'"),
    "ratchet": (DEMAND | {"lookbackpercent": 0.8}, "lookbackpercent has neither of lookbackrange"),
    "kVA": (DEMAND | {"demandrateunit": "kVA"}, "demandrateunit is 'kVA'"),
    "tier kVA": ({"demandratestructure": [[{"rate": 1, "unit": "hp"}]]}, "unit 'hp'"),
    "demand period": (DEMAND | {"demandweekdayschedule": [[5] * 24] * 12}, "names period 5"),
    "flat months": (DEMAND | {"flatdemandmonths": [0, 9] * 6}, "flatdemandmonths is"),
    "no flat months": (
        {"flatdemandstructure": [[{"rate": 4.0}]]},
        "flatdemandstructure has prices but flatdemandmonths is missing",
    ),
}


@pytest.mark.parametrize("changes, message", BAD.values(), ids=BAD)
def test_urdb_that_cannot_be_billed_is_refused_in_one_line(changes, message):
    with pytest.raises(TariffError, match=f"tariff (bad|two).*{message}") as caught:
        URDBv7_to_ElectricityRates(urdb(**changes), "bad")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "odd", [{"items": []}, {"items": [{}, {}]}, {"items": 3}, 3, "x", None, []]
)
def test_what_is_no_single_tariff_is_refused(odd):
    with pytest.raises(TariffError, match=r"tariff k: found .*expected one URDB tariff"):
        URDBv7_to_ElectricityRates(odd, "k")


@pytest.mark.parametrize(
    "found",
    [
        {"status": "success", "count": 1, "type": "Tariff", "results": [{"tariffId": 522}]},
        {"tariffId": 522, "tariffCode": "R", "rates": [{"rateBands": [{"rateAmount": 0.1}]}]},
        {"error": {"code": "API_KEY_MISSING", "message": "No api_key was supplied."}},
        {"eiaId": 15270, "energyRateStrux": [{"energyRateTiers": [{"rate": 0.1}]}]},
        {"items": [{"label": "539f", "name": "Residential", "fixedchargeeaaddl": 3}]},
    ],
)
def test_what_is_no_urdb_tariff_is_told_as_that_and_not_as_a_charge(found):
    inner = found.get("items", [found])[0]
    expected = f"energyratestructure is missing, .* \\(there are {', '.join(list(inner)[:5])}\\)"
    for given_item in (found, without_unmodelled("k", found)[0]):
        with pytest.raises(TariffError, match=f"tariff k: {expected}"):
            URDBv7_to_ElectricityRates(given_item, "k")


@pytest.mark.parametrize("inside", [{"energyratestructure": []}, {"ur_ec_tou_mat": []}])
def test_a_tariff_within_a_part_of_a_file_is_pointed_to(inside):
    whole = {"Lifetime": {"inflation_rate": 2.5}, "ElectricityRates": inside}
    with pytest.raises(TariffError, match=r"within ElectricityRates of .*json#ElectricityRates"):
        URDBv7_to_ElectricityRates(whole, "k")


# Files and maps


def test_a_part_of_a_json_file_is_read_by_its_name(tmp_path):
    sam = URDBv7_to_ElectricityRates(urdb())
    (tmp_path / "sam.json").write_text(json.dumps({"ElectricityRates": sam, "Outputs": {}}))
    paths = {"sam": f"{tmp_path}/sam.json#ElectricityRates"}
    assert get_default_tariff_structures(["sam"], paths) == {"sam": sam}


def written(folder, name, content):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_field_given_twice_in_a_file_is_refused_when_its_values_differ(tmp_path):
    one = json.dumps(urdb(fixedchargefirstmeter=5.0))
    charge = '"fixedchargefirstmeter": 5.0'
    assert charge in one
    differ = written(tmp_path, "a.json", one.replace(charge, f"{charge}, {charge[:-3]}9.0"))
    with pytest.raises(TariffError, match=r"a\.json has fixedchargefirstmeter twice"):
        get_default_tariff_structures(["a"], {"a": differ})
    same = written(tmp_path, "b.json", one.replace(charge, f"{charge}, {charge}"))
    found = get_default_tariff_structures(["b"], {"b": same})["b"]
    assert found["ur_monthly_fixed_charge"] == 5.0


def test_tariffs_are_read_for_the_keys_asked_for(tmp_path):
    paths = {
        "a": written(tmp_path, "a.json", {"items": [urdb()]}),
        "b": str(written(tmp_path, "b.json", urdb())),
        "c": f"file://{written(tmp_path, 'c.json', URDBv7_to_ElectricityRates(urdb()))}",
        "unused": tmp_path / "absent.json",
    }
    expected = URDBv7_to_ElectricityRates(urdb())
    assert get_default_tariff_structures(["b", "a", "b"], paths) == {"b": expected, "a": expected}
    assert list(get_default_tariff_structures({"c": 1, "a": 2}, paths)) == ["c", "a"]
    assert get_default_tariff_structures(["c"], paths)["c"] == expected


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "b.json does not exist"),
        ("{", "b.json is not JSON"),
        ("\x00\xff", "b.json is not JSON"),
        ("[" * 100_000, "b.json is not JSON"),
        ('{"items": []}', "b .*b.json.*found 0 items"),
    ],
)
def test_a_tariff_file_that_cannot_be_read_is_named(tmp_path, content, message):
    path = tmp_path / "b.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(TariffError, match=message) as caught:
        get_default_tariff_structures(["b"], {"b": path})
    assert "\n" not in str(caught.value)


def test_a_folder_or_an_unknown_protocol_is_no_tariff_file(tmp_path):
    for path in (tmp_path, "nosuch://bucket/a.json"):
        with pytest.raises(TariffError, match="cannot be read") as caught:
            get_default_tariff_structures(["b"], {"b": path})
        assert "\n" not in str(caught.value)


def test_a_key_without_file_is_told_its_neighbour():
    with pytest.raises(TariffError, match=r"rie_falt has no file.*did you mean rie_flat"):
        get_default_tariff_structures(["rie_falt"], {"rie_flat": "x", "other": "y"})


def test_a_tariff_map_is_the_same_from_file_frame_or_index(tmp_path):
    frame = pd.DataFrame({"bldg_id": [7, 3], "tariff_key": ["a", "b"], "note": [1, 2]})
    file = tmp_path / "map.csv"
    frame.to_csv(file, index=False)
    expected = pd.DataFrame({"bldg_id": [7, 3], "tariff_key": ["a", "b"]})
    for given_map in (file, str(file), frame, frame.set_index("bldg_id")):
        pd.testing.assert_frame_equal(__load_tariff_maps__(given_map), expected)
    assert list(frame.columns) == ["bldg_id", "tariff_key", "note"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("bldg_id,tariff\n1,a\n", "no column tariff_key; it has bldg_id, tariff"),
        ("", "map.csv is not CSV"),
        ("bldg_id,tariff_key\n", "has no rows"),
        ("bldg_id,tariff_key\n1,a\n2,b\n1,c\n2,b\n", "more than once: 1, 2"),
        ("bldg_id,tariff_key\n1,a\nx,b\n1.5,c\n,d\n", "bldg_id 'x', '1.5', ''"),
        ("bldg_id,tariff_key\n1,a\n2,\n3, \n", "no tariff_key for buildings 2, 3"),
        ("bldg_id,tariff_key\n1,a,b,c\n2\n", "map.csv"),
        (None, "tariff map .*map.csv does not exist"),
    ],
)
def test_a_bad_tariff_map_is_named_with_its_buildings(tmp_path, text, message):
    file = tmp_path / "map.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(TariffError, match=message) as caught:
        __load_tariff_maps__(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_buildings_get_the_tariffs_of_the_map_in_the_order_asked_for(tmp_path):
    pysam = URDBv7_to_ElectricityRates(urdb())
    base = {
        "a": pysam,
        "b": urdb(),
        "c": written(tmp_path, "c.json", urdb()),
        "unused": {"broken": True},
    }
    tariff_map = pd.DataFrame({"bldg_id": [1, 2, 3, 4], "tariff_key": ["c", "b", "a", "unused"]})
    strategy, tariffs = _load_base_tariffs(base, tariff_map, [3, 1, 2])
    assert list(strategy.items()) == [(3, "a"), (1, "c"), (2, "b")]
    assert tariffs == {"a": pysam, "b": pysam, "c": pysam}
    assert _load_base_tariffs(base, {3: "a"}, [3])[0] == {3: "a"}


def test_every_building_without_tariff_is_listed():
    with pytest.raises(TariffError, match="no tariff for buildings 5, 6"):
        _load_base_tariffs({"a": urdb()}, {1: "a"}, [1, 5, 6])


def test_every_tariff_the_map_invents_is_listed():
    with pytest.raises(TariffError, match="names tariffs x, y, but there are a"):
        _load_base_tariffs({"a": urdb()}, {1: "a", 2: "x", 3: "y"}, [1, 2, 3])


# Periods and relative rates


def test_the_period_mapping_is_the_schedule_cell_by_cell():
    mapping = _charge_period_mapping(URDBv7_to_ElectricityRates(urdb()))
    assert list(mapping.columns) == ["month", "hour", "day_type", "period"]
    assert len(mapping) == 2 * 12 * 24
    cells = mapping.set_index(["day_type", "month", "hour"])["period"].to_dict()
    for day, rows in (("weekday", schedule(2, 1)), ("weekend", schedule(2, 2))):
        for month in range(12):
            for hour in range(24):
                assert cells[day, month + 1, hour] == rows[month][hour] + 1


def flat_structure(*rates):
    return URDBv7_to_ElectricityRates(
        urdb(energyratestructure=[[{"rate": r, "adj": a}] for r, a in rates], **whole_year())
    )


def whole_year():
    return {"energyweekdayschedule": [[0] * 24] * 12, "energyweekendschedule": [[0] * 24] * 12}


def test_relative_rates_are_to_the_lowest_positive_rounded_to_four_places():
    mapping = precalc_period_mapping(
        {"two": URDBv7_to_ElectricityRates(urdb()), "free": flat_structure((0, 0), (0.3, 0.06))}
    )
    assert list(mapping.columns) == ["period", "tier", "rel_value", "tariff"]
    # 0.11, 0.20 and 0.28 to 0.11; a free period stays free.
    assert mapping.to_numpy().tolist() == [
        [1, 1, 1.0, "two"],
        [1, 2, 1.8182, "two"],
        [2, 1, 2.5455, "two"],
        [1, 1, 0.0, "free"],
        [2, 1, 1.0, "free"],
    ]


def test_a_tariff_without_any_rate_is_taken_as_flat():
    assert precalc_period_mapping({"nil": flat_structure((0, 0), (0, 0))})[
        "rel_value"
    ].tolist() == [
        1.0,
        1.0,
    ]


def test_a_tariff_of_negative_rates_alone_has_no_relative_rates():
    with pytest.raises(TariffError, match="tariff odd has negative energy rates"):
        precalc_period_mapping({"odd": flat_structure((-0.1, 0), (0, 0))})


def test_a_period_the_structure_leaves_empty_has_a_relative_rate():
    item = urdb(energyratestructure=[[{"rate": 0.1}], [], [{"rate": 0.2}]], **whole_year())
    mapping = precalc_period_mapping({"gap": URDBv7_to_ElectricityRates(item)})
    assert mapping["rel_value"].tolist() == [1.0, 0.0, 2.0]


def test_no_tariffs_give_an_empty_mapping():
    assert list(precalc_period_mapping({}).columns) == ["period", "tier", "rel_value", "tariff"]


# Solar compensation


def sevenths(tariff):
    return [row[6] for row in tariff["ur_ec_tou_mat"]]


@pytest.mark.parametrize("ratio, share", [(None, 1.0), (1.0, 1.0), (0.4, 0.4), (0, 0.0)])
def test_net_metering_carries_the_export_import_ratio(ratio, share):
    tariff = URDBv7_to_ElectricityRates(urdb())
    before = copy.deepcopy(tariff)
    sell = _return_export_compensation_rate(2025, "net_metering", ratio, {"a": tariff})
    assert sevenths(sell["a"]) == [share] * 3
    assert [row[:6] for row in sell["a"]["ur_ec_tou_mat"]] == [
        row[:6] for row in before["ur_ec_tou_mat"]
    ]
    assert tariff == before
    assert _determine_sell_rate("net_metering", ratio, 2025, {"a": tariff}) == sell


def test_net_billing_pays_the_tariffs_own_sell_rate_or_a_share_of_retail():
    own = URDBv7_to_ElectricityRates(urdb())
    without = flat_structure((0.3, 0.06), (0.1, 0.0))
    sell = _return_export_compensation_rate(2025, "net_billing", 0.5, {"own": own, "no": without})
    assert sevenths(sell["own"]) == [0.04, 0.0, 0.0]
    assert sevenths(sell["no"]) == [0.5 * (0.3 + 0.06), 0.05]


def test_net_billing_without_any_price_pays_nothing_and_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        sell = _return_export_compensation_rate(
            2025, "net_billing", None, {"no": flat_structure((0.3, 0))}
        )
    assert sevenths(sell["no"]) == [0.0]
    assert "tariff no has no sell rate" in caplog.text


def test_without_a_style_no_tariff_has_a_sell_rate():
    tariff = URDBv7_to_ElectricityRates(urdb())
    assert _return_export_compensation_rate(2025, None, 0.5, {"a": tariff}) == {"a": None}
    assert _determine_sell_rate(None, None, 2025, {"a": tariff}) == {"a": None}


@pytest.mark.parametrize(
    "style, ratio, message",
    [
        ("barter", 1.0, "solar_pv_compensation is 'barter'"),
        ("net_metering", -0.1, "ratio is -0.1"),
        ("net_billing", float("nan"), "ratio is nan"),
    ],
)
def test_an_unknown_style_or_ratio_is_refused(style, ratio, message):
    with pytest.raises(ScenarioError, match=message):
        _return_export_compensation_rate(2025, style, ratio, {})
