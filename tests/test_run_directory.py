"""A run's folder appears whole or not at all; its CSV and JSON read back as written."""

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cairo.errors import OutputError, ScenarioError
from cairo.files.run_directory import RunDirectory, write_csv, write_json
from cairo.files.run_names import check_run_name

STAMP = "20260102_030405"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0b", "a\nb", "a\x1bb"]
)
def test_a_name_that_cannot_be_a_folders_is_refused(name: str) -> None:
    with pytest.raises(ScenarioError, match="cannot be a folder's name"):
        check_run_name(name)


@pytest.mark.parametrize("name", ["hp_tou-2", "a.b", "Éte 2025", "a..b"])
def test_a_plain_name_is_taken_as_it_is(name: str) -> None:
    assert check_run_name(name) == name


def test_the_name_is_a_time_stamp_and_the_runs_name(tmp_path: Path) -> None:
    assert re.fullmatch(r"\d{8}_\d{6}_mine", RunDirectory(tmp_path, "mine").name)
    with pytest.raises(ScenarioError, match="cannot be a folder's name"):
        RunDirectory(tmp_path, "../mine")


def test_files_are_in_place_once_the_block_has_ended(tmp_path: Path) -> None:
    outputs = tmp_path / "new" / "outputs"
    with RunDirectory(outputs, "mine", STAMP) as run:
        (run.path / "a.txt").write_text("a")
        assert not [name for name in names(outputs) if not name.startswith(".")]
        assert run.path.stat().st_mode & 0o777 == 0o755
    assert names(outputs) == [f"{STAMP}_mine"]
    assert run.final_path == outputs / f"{STAMP}_mine"
    assert (run.final_path / "a.txt").read_text() == "a"


def test_a_taken_name_gets_the_next_number(tmp_path: Path) -> None:
    for expected in (f"{STAMP}_mine", f"{STAMP}_mine_2", f"{STAMP}_mine_3"):
        with RunDirectory(tmp_path, "mine", STAMP) as run:
            (run.path / "a.txt").write_text(expected)
        assert run.final_path.name == expected
        assert (run.final_path / "a.txt").read_text() == expected


def test_of_a_block_that_fails_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RunDirectory(tmp_path, "mine", STAMP) as run:
        (run.path / "a.txt").write_text("a")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_a_folder_that_was_there_stays_when_a_run_fails(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    with pytest.raises(ZeroDivisionError), RunDirectory(tmp_path, "mine", STAMP):
        raise ZeroDivisionError
    assert names(tmp_path) == ["kept.txt"]


TABLE = pd.DataFrame(
    {
        "bldg_id": np.array([7, 2**53 + 1], dtype=np.int64),
        "level": [0.1 + 0.2, -1e-320],
        "text": ['say "hi", twice', "line\nbreak"],
        "has": [True, False],
        "kind": pd.Categorical(["b", "a"]),
        "time": pd.to_datetime(["2025-01-01 00:00", "2025-07-01 13:00"]).tz_localize("EST"),
        "none": [1.5, np.nan],
    }
)


def test_a_table_reads_back_to_the_bit(tmp_path: Path) -> None:
    write_csv(TABLE, tmp_path / "new" / "table.csv")
    with (tmp_path / "new" / "table.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    read = dict(zip(head, zip(*rows, strict=True), strict=True))
    assert head == list(TABLE)
    assert [int(text) for text in read["bldg_id"]] == [7, 2**53 + 1]
    assert [float(text) for text in read["level"]] == [0.30000000000000004, -1e-320]
    assert read["text"] == ('say "hi", twice', "line\nbreak")
    assert read["has"] == ("true", "false")
    assert read["kind"] == ("b", "a")
    assert read["time"] == ("2025-01-01 00:00:00-05:00", "2025-07-01 13:00:00-05:00")
    assert read["none"] == ("1.5", "")
    assert TABLE["kind"].dtype == "category"


def test_the_index_is_a_column_when_asked_for(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a, b": [1.5]}, index=pd.Index([70], name="bldg_id"))
    write_csv(frame, tmp_path / "with.csv", index=True)
    write_csv(frame, tmp_path / "without.csv")
    assert (tmp_path / "with.csv").read_text() == 'bldg_id,"a, b"\n70,1.5\n'
    assert (tmp_path / "without.csv").read_text() == '"a, b"\n1.5\n'


def test_json_holds_plain_values_and_null_for_what_is_no_number(tmp_path: Path) -> None:
    write_json(
        {
            7: np.float64(0.1),
            "rows": np.array([[1, 2], [3, 4]]),
            "none": [math.nan, -math.inf, np.float32("nan"), None],
            "flag": (np.bool_(True), False),
            "text": "é",
        },
        tmp_path / "a.json",
    )
    text = (tmp_path / "a.json").read_text("utf-8")
    assert json.loads(text, parse_constant=pytest.fail) == {
        "7": 0.1,
        "rows": [[1, 2], [3, 4]],
        "none": [None, None, None, None],
        "flag": [True, False],
        "text": "é",
    }
    assert text.endswith("}\n")


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for write, value in ((write_csv, TABLE), (write_json, {})):
        with pytest.raises(OutputError, match=r"cannot write .*file/a: (File exists|Not a dir)"):
            write(value, tmp_path / "file" / "a")
    with (
        pytest.raises(OutputError, match=r"cannot write .*file: File exists"),
        RunDirectory(tmp_path / "file", "mine"),
    ):
        pass
