"""Subclasses of customers: the tariff map that a metadata column makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cairo.errors import CairoError, InputErrors, MetadataError
from cairo.runs.demo import METADATA
from cairo.scenario.inputs import read_inputs
from cairo.scenario.run_parts import SubclassConfig
from cairo.scenario.scenario_file import read_scenario
from cairo.scenario.subclasses import subclass_of
from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents

HP = {"group_col": "has_hp", "selectors": {"hp": "true", "non-hp": "false"}}
MAP = "path_tariff_maps_electric"


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    demo = Demo(source, tmp_path / "demo")
    demo.settings(IN_PROCESS)
    return demo


def without_map(demo: Demo, **changes: Any) -> None:
    stored = yaml.safe_load(demo.scenario.read_text())
    stored["runs"][RUN].pop(MAP)
    stored["runs"][RUN] |= changes
    demo.scenario.write_text(yaml.safe_dump(stored, sort_keys=False))


def keys(demo: Demo, run: str = RUN) -> dict[int, str]:
    frame = read_inputs(read_scenario(demo.scenario).run(run)).tariff_map
    return dict(zip(frame["bldg_id"], frame["tariff_key"], strict=True))


def test_a_run_whose_map_is_made_writes_the_bytes_of_one_whose_map_is_given(demo: Demo) -> None:
    with_map = demo.run()
    without_map(demo, subclass_config=HP)
    made = demo.run(output_dir=demo.folder / "made")
    assert contents(made) == contents(with_map)
    settings = json.loads((made / "run.json").read_text())["settings"]
    assert settings["subclass_config"] == HP and MAP not in settings


def test_the_files_own_subclasses_are_those_of_runs_that_have_none(demo: Demo) -> None:
    expected = keys(demo)
    without_map(demo)
    stored = yaml.safe_load(demo.scenario.read_text())
    demo.scenario.write_text(yaml.safe_dump({"subclass_config": HP} | stored))
    assert keys(demo) == expected
    other = {"group_col": "has_hp", "selectors": {"hp": False, "non-hp": True}}
    demo.settings({"subclass_config": other})
    swapped = {"hp_tou": "flat", "flat": "hp_tou"}
    assert keys(demo) == {home: swapped[key] for home, key in expected.items()}


@pytest.mark.parametrize(
    ("group_col", "hp", "others"),
    [
        ("postprocess_group.has_hp", "TRUE", [False]),
        ("has_hp", [True], " False "),
        ("heating_type", "Heat_Pump", "electrical_resistance,natgas, delivered_fuels"),
        ("postprocess_group.heating_type", ["heat_pump"], ["electrical_resistance", "natgas"]),
    ],
)
def test_values_are_compared_as_text_without_regard_to_case(
    demo: Demo, group_col: str, hp: object, others: object
) -> None:
    expected = keys(demo)
    without_map(
        demo, subclass_config={"group_col": group_col, "selectors": {"hp": hp, "non-hp": others}}
    )
    metadata = pd.read_parquet(demo.folder / METADATA)
    if group_col.endswith("heating_type"):
        demo.parquet(METADATA, lambda frame: frame.assign(**{
            "postprocess_group.heating_type": np.where(
                metadata["postprocess_group.has_hp"], "heat_pump", "natgas")}))  # fmt: skip
    assert keys(demo) == expected


def test_every_home_is_on_a_tariff_named_all(demo: Demo) -> None:
    without_map(
        demo,
        path_tariffs_electric={"all": "tariffs/electric/tiered.json"},
        run_includes_subclasses=False,
        subclass_config=HP,
    )
    assert set(keys(demo).values()) == {"tiered"}


def test_two_subclasses_may_start_from_one_file(demo: Demo) -> None:
    one = "tariffs/electric/flat.json"
    without_map(demo, subclass_config=HP, path_tariffs_electric={"hp": one, "non-hp": one})
    place = demo.run()
    final = json.loads((place / "tariff_final_config.json").read_text())
    rates = {key: tariff["ur_ec_tou_mat"][0][4] for key, tariff in final.items()}
    assert set(rates) == {"hp", "non-hp"} and rates["hp"] != rates["non-hp"]


def test_a_map_may_name_aliases(demo: Demo) -> None:
    expected = keys(demo)
    alias = {"hp_tou": "hp", "flat": "non-hp"}
    demo.csv(
        "rates/tariff_maps/electric/hp_tou_vs_flat.csv",
        lambda frame: frame.assign(tariff_key=frame["tariff_key"].map(alias)),
    )
    assert keys(demo) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "path_tariff_maps_electric is missing: expected it, a subclass_config, or one tariff"),
        ({"subclass_config": {"group_col": "has_hp", "selectors": {"hp": "true"}}},
         "path_tariffs_electric needs the subclasses of subclass_config: it has hp, non-hp, "
         "selectors have hp"),
        ({"subclass_config": HP | {"group_col": "has_pumps"}}, "has no column has_pumps"),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_is_one_line(
    demo: Demo, command: Command, changes: dict[str, Any], message: str
) -> None:
    without_map(demo, **changes)
    found = command("run", demo.scenario, RUN)
    assert found.code == 2 and len(found.errors) == 1 and message in found.errors[0]
    assert not (demo.folder / "outputs").exists()


METADATA_FRAME = pd.DataFrame(
    {"bldg_id": [4, 7, 9, 11], "heat": ["Gas", "pump", "pump", None], "in.rooms": [1.0, 2, 2, 3]}
)


def chosen(group_col: str, **selectors: Any) -> list[str]:
    return subclass_of(METADATA_FRAME, SubclassConfig(group_col=group_col, selectors=selectors))


@pytest.mark.parametrize(
    ("group_col", "selectors", "message"),
    [
        ("heat", {"a": "gas", "b": "pump"},
         "buildings 11 in no subclass, their value is (none); selectors have gas, pump"),
        ("in.rooms", {"a": "1", "b": 2}, "buildings 11 in no subclass, their value is 3"),
        ("in.rooms", {"a": [1, 2, 3], "b": [4]}, "subclass b has no homes, their values are 1, 2"),
        ("in.rooms", {"a": [1, 2], "b": "2,3"},
         "value 2 is of subclasses a, b, expected one; it is that of buildings 7, 9"),
        ("no", {"a": 1}, "the metadata has no such column and no postprocess_group.no"),
    ],
)  # fmt: skip
def test_homes_and_subclasses_that_do_not_fit_are_named(
    group_col: str, selectors: dict[str, Any], message: str
) -> None:
    with pytest.raises(MetadataError) as error:
        chosen(group_col, **selectors)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_whole_number_needs_no_point() -> None:
    assert chosen("in.rooms", few="1,2", many=3) == ["few", "few", "few", "many"]


@given(
    values=st.lists(st.sampled_from(["a", "B", "c d", True, 3, 2.5]), min_size=3, max_size=12),
    split=st.integers(0, 63),
)
def test_a_home_is_in_the_subclass_of_its_value(values: list[Any], split: int) -> None:
    """Each home's alias is the one whose selector holds its value, whatever the split."""
    there = list(dict.fromkeys(map(str, values)))
    first = [value for place, value in enumerate(there) if split >> place & 1]
    selectors = {"x": first, "y": [value for value in there if value not in first]}
    frame = pd.DataFrame({"bldg_id": range(len(values)), "g": pd.Series(values, dtype=object)})
    config = SubclassConfig(group_col="g", selectors=selectors)
    if not all(selectors.values()):
        with pytest.raises(MetadataError, match="has no homes"):
            subclass_of(frame, config)
        return
    expected = ["x" if str(value) in first else "y" for value in values]
    assert subclass_of(frame, config) == expected


def test_a_home_in_no_subclass_is_an_error_of_the_run(demo: Demo) -> None:
    split = {"hp": "heat_pump", "non-hp": "natgas"}
    without_map(demo, subclass_config={"group_col": "heat", "selectors": split})
    demo.parquet(METADATA, lambda frame: frame.assign(heat="heat_pump"))
    with pytest.raises((CairoError, InputErrors), match="subclass non-hp has no homes"):
        read_inputs(read_scenario(demo.scenario).run(RUN))
