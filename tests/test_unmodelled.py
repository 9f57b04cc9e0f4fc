"""What is not modelled of a tariff: refused, or left out and named where the user allows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cairo
from cairo.errors import TariffError
from cairo.files.unmodelled import without_unmodelled
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.model.tariff import parse_tariff
from tests.cairo_command import Command
from tests.test_tariff_fields import REFUSED, REFUSED_INPUTS, sam, urdb
from tests.whole_runs import RUN, Demo, contents, make_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("unmodelled")
    demo = Demo(make_demo(folder / "made", 3), folder / "demo")
    demo.settings({"backend": "pandas", "process_workers": 1})
    return demo


def change(demo: Demo, fuel: str, name: str, **fields: Any) -> None:
    path = demo.folder / "rates" / "tariffs" / fuel / f"{name}.json"
    stored = json.loads(path.read_text())
    stored["items"][0] |= fields
    path.write_text(json.dumps(stored))


@pytest.mark.parametrize("field, value", REFUSED.values(), ids=REFUSED)
def test_a_field_is_refused_with_the_way_out_and_left_out_by_it(field: str, value: object) -> None:
    item = urdb(**{field: value})
    with pytest.raises(TariffError, match="give allow_unmodelled: true in the scenario"):
        URDBv7_to_ElectricityRates(item, "t")
    for given in (item, {"items": [item]}):
        rest, (left_out,) = without_unmodelled("t", given)
        assert (left_out.tariff, left_out.field) == ("t", field)
        assert str(left_out).startswith(f"tariff t: {field} is {str(value)[:20]}")
        assert URDBv7_to_ElectricityRates(rest, "t") == URDBv7_to_ElectricityRates(urdb(), "t")
    assert field in item, "what was given is not changed"


@pytest.mark.parametrize("name", [one for one in REFUSED_INPUTS if one != "switched off"])
def test_an_input_of_sam_is_left_out_by_name(name: str) -> None:
    given = sam(**REFUSED_INPUTS[name])
    rest, left_out = without_unmodelled("t", given)
    assert isinstance(rest, dict) and left_out
    assert {one.field for one in left_out} == set(given) - set(rest)
    parse_tariff("t", rest)


def test_a_part_of_a_tier_is_left_out_with_its_place() -> None:
    tiers = [[{"rate": 0.1, "max": 50}, {"rate": 0.1, "surcharge": 0.02}]]
    rest, (left_out,) = without_unmodelled("t", urdb(energyratestructure=tiers))
    assert str(left_out) == ("tariff t: surcharge of energyratestructure period 1, tier 2 is 0.02")
    kept = [[{"rate": 0.1, "max": 50}, {"rate": 0.1}]]
    assert isinstance(rest, dict) and rest["energyratestructure"] == kept


def test_what_is_wrong_otherwise_is_still_refused(demo: Demo, tmp_path: Path) -> None:
    kva = {"flatdemandstructure": [[{"rate": 5.0}]], "flatdemandunit": "kVA"}
    rest, left_out = without_unmodelled("t", urdb(**kva, flatdemandmonths=[0] * 12))
    assert not left_out
    with pytest.raises(TariffError, match="only kW and kW daily are billed"):
        URDBv7_to_ElectricityRates(rest, "t")


@pytest.mark.slow
def test_a_run_names_what_it_leaves_out(demo: Demo, tmp_path: Path, command: Command) -> None:
    plain = contents(demo.run())
    more = Demo(demo.folder, tmp_path / "more")
    change(more, "electric", "hp_tou", demandreactivepowercharge=0.4)
    change(more, "gas", "gas_heating", riders=[{"name": "pipes", "amount": 3}])
    lines = [
        "tariff hp_tou: demandreactivepowercharge is 0.4",
        "tariff gas_heating: riders is [{'name': 'pipes', 'amount': 3}]",
    ]

    refused = command("check", more.scenario, RUN)
    assert refused.code == 2
    assert all("give allow_unmodelled: true in the scenario" in one for one in refused.errors)
    assert command("run", more.scenario, RUN).code == 2

    checked = command("check", more.scenario, RUN, "--allow-unmodelled")
    assert checked.code == 0
    assert [f"not modelled: {one}" for one in lines] == checked.output.splitlines()[:2]

    ran = command("run", more.scenario, RUN, "--allow-unmodelled")
    assert ran.code == 0
    more.settings({"allow_unmodelled": True})
    for place in (Path(ran.output.strip()), more.run()):
        assert contents(place) == plain
        run = cairo.open_run(place)
        named = json.loads((place / "run.json").read_text())["unmodelled"]
        assert ["tariff {tariff}: {field} is {value}".format(**one) for one in named] == lines
        assert run.summary["remarks"] == [f"Not modelled, so in no bill: {'; '.join(lines)}."]
    page = tmp_path / "report.html"
    assert command("report", place, "--output", page).code == 0
    assert (
        "Not modelled, so in no bill: tariff hp_tou: demandreactivepowercharge" in page.read_text()
    )
