"""Text that a spreadsheet would run as a formula is written so that it does not."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cairo
from cairo.files.csv_tables import read_table
from cairo.files.run_directory import write_csv
from cairo.files.spreadsheet import marked, unmarked
from cairo.files.tariff_maps import load_tariff_map
from cairo.results.report import write_report
from tests.whole_runs import IN_PROCESS, RUN, Demo

HOMES = 6
CELLS = ["=cmd|' /C calc'!A0", "+1-800", "-low", "@SUM(A1)", "'=quoted", "plain"]
RISKY = re.compile(r"[=+\-@\t\r]")


@given(st.text() | st.from_regex(r"'*[=+\-@\t\r].*", fullmatch=True))
def test_every_cell_reads_back_and_none_is_a_formula(cell: str) -> None:
    written = marked(cell)
    assert unmarked(written) == cell
    if RISKY.match(written):
        float(written)


@pytest.mark.parametrize("cell", ["-5", "+3.2", "-1e-05", "-.5", "1=2", "a-b", "'tis", "", "<1940"])
def test_numbers_and_other_text_are_written_as_they_are(cell: str) -> None:
    assert marked(cell) == unmarked(cell) == cell


@pytest.mark.parametrize("kind", ["object", "str", "category"])
def test_a_table_reads_back_whatever_its_text_begins_with(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"bldg_id": range(6), "=name": pd.Series(CELLS, dtype=kind)})
    path = tmp_path / "x.csv"
    write_csv(frame, path)
    assert not any(RISKY.match(cell) for row in csv.reader(path.open()) for cell in row)
    back = read_table(path)
    assert list(back) == ["bldg_id", "=name"]
    assert back["=name"].tolist() == CELLS
    assert read_table(path, {"=name": "category"}, ["=name"])["=name"].tolist() == CELLS


def test_a_run_reads_back_what_its_metadata_say_and_a_spreadsheet_runs_none_of_it(
    demo: Demo, tmp_path: Path
) -> None:
    demo.settings(IN_PROCESS | {"metadata_columns": ["in.note"]})
    demo.parquet(demo.metadata, lambda frame: frame.assign(**{"in.note": CELLS}))
    tariffs = demo.folder / "rates" / "tariffs" / "electric"
    (tariffs / "flat.json").rename(tariffs / "=flat.json")
    names = {"hp": "tariffs/electric/hp_tou.json", "non-hp": "tariffs/electric/=flat.json"}
    demo.settings({"path_tariffs_electric": names})
    demo.csv(
        "rates/tariff_maps/electric/hp_tou_vs_flat.csv",
        lambda frame: frame.assign(tariff_key=frame["tariff_key"].replace("flat", "=flat")),
    )
    place = demo.run(backend="pandas")
    for path in place.rglob("*.csv"):
        for row in csv.reader(path.open()):
            for cell in row:
                if RISKY.match(cell):
                    float(cell)
    run = cairo.open_run(place)
    homes = pd.read_parquet(demo.metadata)
    assert run.metadata.set_index("bldg_id")["in.note"].to_dict() == dict(
        zip(homes["bldg_id"], CELLS, strict=True)
    )
    assert set(load_tariff_map(place / "tariff_map.csv")["tariff_key"]) == {"hp_tou", "=flat"}
    page = write_report(place, group="in.note=-low").read_text()
    assert ">-low<" in page and "&#x27;-low" not in page
    assert cairo.compare_runs(place, demo.run(backend="dask_dataframe")).equal


def test_the_table_of_a_study_has_no_formula(demo: Demo, tmp_path: Path) -> None:
    demo.settings(IN_PROCESS | {"backend": "pandas", "run_name": "=1+1"})
    study = cairo.study(demo.scenario, [RUN], output_dir=tmp_path / "outputs")
    (path,) = (tmp_path / "outputs").glob("study.csv")
    rows = list(csv.DictReader(path.open()))
    assert [row["run"] for row in rows] == [marked(name) for name in study.table["run"]]
    for row in rows:
        for cell in row.values():
            if RISKY.match(cell):
                float(cell)
