"""What `cairo compare` calls equal and different, on folders written by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cairo.errors import CairoError
from cairo.files.run_directory import write_csv
from cairo.results import in_step
from cairo.results.compare import Comparison, Difference, compare_runs

BILLS = "bldg_id,month,bill_level\n7,Jan,10.0\n7,Feb,20.0\n3,Jan,30.0\n3,Feb,40.0\n"


def run_of(folder: Path, **files: str) -> Path:
    """A run directory of text files; `__` in a name stands for the dot."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def differing(found: Comparison) -> list[Difference]:
    return [one for one in found.differences if not one.equal]


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return run_of(tmp_path / "a", bills__csv=BILLS)


def test_a_copy_is_equal_with_a_row_for_each_column(a, tmp_path):
    found = compare_runs(a, run_of(tmp_path / "b", bills__csv=BILLS))
    assert found.equal
    assert [(one.column, one.absolute) for one in found.differences] == [
        ("bldg_id", 0.0),
        ("month", 0.0),
        ("bill_level", 0.0),
    ]


def test_the_largest_difference_is_told_with_its_row(a, tmp_path):
    changed = BILLS.replace("40.0", "44.0").replace("10.0", "10.5")
    (one,) = differing(compare_runs(a, run_of(tmp_path / "b", bills__csv=changed)))
    assert (one.file, one.column, one.absolute) == ("bills.csv", "bill_level", 4.0)
    assert one.relative == pytest.approx(4.0 / 44.0, rel=1e-15)
    assert one.what == "at bldg_id 3, month Feb"


@pytest.mark.parametrize(
    ("value", "rtol", "atol", "equal"),
    [
        ("40.004", 1e-4, 0.0, True),
        ("40.004", 9e-5, 0.0, False),
        ("40.004", 0.0, 0.0041, True),
        ("40.004", 0.0, 0.0039, False),
        ("", 1.0, 1e9, False),
        ("inf", 1.0, 1e9, False),
        ("forty", 1.0, 1e9, False),
    ],
)
def test_tolerances_decide_for_numbers_alone(a, tmp_path, value, rtol, atol, equal):
    b = run_of(tmp_path / "b", bills__csv=BILLS.replace("40.0", value))
    assert compare_runs(a, b, rtol, atol).equal is equal
    assert compare_runs(b, a, rtol, atol).equal is equal


@pytest.mark.parametrize("allowed", [(float("nan"), 0.0), (0.0, float("nan")), (-1.0, 0.0)])
def test_a_tolerance_that_is_no_number_makes_nothing_equal(a, tmp_path, allowed):
    b = run_of(tmp_path / "b", bills__csv=BILLS.replace("40.0", "99.0"))
    with pytest.raises(CairoError, match=r"[ra]tol is (nan|-1\.0), expected a number from 0 on"):
        compare_runs(a, b, *allowed)


def test_missing_values_and_infinities_equal_themselves(tmp_path):
    text = "bldg_id,x\n1,\n2,inf\n3,-inf\n4,NaN\n"
    one, other = (run_of(tmp_path / name, x__csv=text) for name in "ab")
    assert compare_runs(one, other, 0.0, 0.0).equal


def test_an_infinity_of_the_other_sign_differs(tmp_path):
    one = run_of(tmp_path / "a", x__csv="x\ninf\n")
    (gap,) = differing(compare_runs(one, run_of(tmp_path / "b", x__csv="x\n-inf\n")))
    assert np.isinf(gap.absolute) and np.isinf(gap.relative)


def test_rows_in_another_order_are_told_once_and_as_such(a, tmp_path):
    lines = BILLS.splitlines()
    other = "\n".join([lines[0], lines[3], lines[4], lines[1], lines[2]]) + "\n"
    (one,) = compare_runs(a, run_of(tmp_path / "b", bills__csv=other)).differences
    assert not one.equal
    assert one.what == (
        "the same rows in another order, from row 1: bldg_id 7, month Jan and bldg_id 3, month Jan"
    )


def test_rows_of_another_building_are_not_called_another_order(a, tmp_path):
    other = BILLS.replace("3,", "4,")
    (one,) = compare_runs(a, run_of(tmp_path / "b", bills__csv=other)).differences
    assert one.what.startswith("rows of other things, from row 3: bldg_id 3, month Jan")


def test_rows_and_columns_that_lack_are_told(a, tmp_path):
    shorter = run_of(tmp_path / "b", bills__csv=BILLS.rsplit("3,Feb", 1)[0])
    assert [one.what for one in differing(compare_runs(a, shorter))] == ["4 and 3 rows"]
    renamed = run_of(tmp_path / "c", bills__csv=BILLS.replace("bill_level", "bill"))
    assert [one.what for one in differing(compare_runs(a, renamed))] == [
        "columns differ: bill_level, bill"
    ]


def test_a_file_of_one_run_alone_differs_whichever_run_has_it(a, tmp_path):
    b = run_of(tmp_path / "b", bills__csv=BILLS, extra__csv="x\n1\n")
    for pair in ((a, b), (b, a)):
        (one,) = differing(compare_runs(*pair))
        assert (one.file, one.what) == ("extra.csv", f"not in {a}")


def test_what_tells_when_a_run_was_made_is_left_out(tmp_path):
    one = run_of(tmp_path / "a", bills__csv=BILLS, run__json='{"started": 1}')
    other = run_of(
        tmp_path / "b", bills__csv=BILLS, run__json='{"started": 2}', performance_report__html="x"
    )
    assert compare_runs(one, other).equal


TARIFF = {"flat": {"ur_ec_tou_mat": [[1, 1, 1e38, 0, 0.1385, 0.0, 0.0]], "note": "a", "no": []}}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, None),
        ({"ur_ec_tou_mat": [[1, 1, 1e38, 0, 0.1386, 0.0, 0.0]]}, "flat.ur_ec_tou_mat[0][4]"),
        ({"note": "b"}, "flat.note: 'a' and 'b'"),
        ({"no": {}}, "flat.no"),
        ({"no": [0.0]}, "flat.no"),
        ({"more": 1.0}, "flat.more"),
        ({"ur_ec_tou_mat": []}, "flat.ur_ec_tou_mat[0][0]"),
    ],
)
def test_json_is_compared_to_its_leaves_in_any_order_of_keys(tmp_path, change, what):
    other = {"flat": dict(reversed((TARIFF["flat"] | change).items()))}
    folders = [
        run_of(tmp_path / name, tariffs__json=json.dumps(value))
        for name, value in (("a", TARIFF), ("b", other))
    ]
    found = differing(compare_runs(*folders))
    if what is None:
        assert not found
    else:
        assert len(found) == 1 and what in found[0].what


def test_other_files_are_compared_by_their_bytes(tmp_path):
    one, same, other = (
        run_of(tmp_path / name, page__txt=text) for name, text in zip("abc", "xxy", strict=True)
    )
    assert compare_runs(one, same).equal
    assert [gap.what for gap in differing(compare_runs(one, other))] == ["bytes differ"]


def test_a_missing_or_empty_directory_is_one_line(a, tmp_path):
    with pytest.raises(CairoError, match="none does not exist"):
        compare_runs(a, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CairoError, match="empty is empty"):
        compare_runs(tmp_path / "empty", a)


@pytest.mark.parametrize(("name", "text"), [("x.csv", ""), ("x.json", "{")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, text):
    for folder in "ab":
        run_of(tmp_path / folder, **{name.replace(".", "__"): text})
    with pytest.raises(CairoError, match=f"{name} cannot be read") as raised:
        compare_runs(tmp_path / "a", tmp_path / "b")
    assert "\n" not in str(raised.value)


def test_tables_larger_than_a_part_are_compared_in_step(tmp_path, monkeypatch):
    """Rows of the two tables have other lengths, so that their parts never end together."""
    monkeypatch.setattr(in_step, "PART_BYTES", 2**12)
    n = 3000
    homes = np.arange(1, n + 1)
    x, y = np.random.default_rng(3).normal(0.0, 1e3, (2, n))
    tables = (
        pd.DataFrame({"bldg_id": homes, "month": [f"m{i % 7}" for i in homes], "bill_level": x}),
        pd.DataFrame({"bldg_id": homes, "month": [f"m{i % 7}" for i in homes], "bill_level": y}),
    )
    folders = [
        run_of(tmp_path / name, bills__csv=frame.to_csv(index=False))
        for name, frame in zip("ab", tables, strict=True)
    ]
    (one,) = differing(compare_runs(*folders, 0.0, 0.0))
    gap = np.abs(x - y)
    assert one.absolute == pytest.approx(gap.max(), rel=1e-15)
    assert one.relative == pytest.approx((gap / np.maximum(np.abs(x), np.abs(y))).max(), rel=1e-15)
    worst = int(gap.argmax())
    assert one.what == f"at bldg_id {worst + 1}, month m{(worst + 1) % 7}"
    longer = run_of(tmp_path / "c", bills__csv=pd.concat(tables).to_csv(index=False))
    assert [one.what for one in differing(compare_runs(folders[0], longer))] == [
        "3000 and 6000 rows"
    ]


def test_texts_in_parts_with_other_lists_of_texts_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(in_step, "PART_BYTES", 2**10)
    words = [f"word {i % 50}" for i in range(500)]
    frame = pd.DataFrame({"bldg_id": range(500), "x": words, "y": np.arange(500.0)})
    one = run_of(tmp_path / "a", x__csv=frame.to_csv(index=False))
    longer = frame.assign(y=[f"{value:.17f}" for value in frame["y"]])
    other = run_of(tmp_path / "b", x__csv=longer.to_csv(index=False))
    assert compare_runs(one, other, 0.0, 0.0).equal
    longer.loc[400, "x"] = "word"
    other = run_of(tmp_path / "c", x__csv=longer.to_csv(index=False))
    (gap,) = differing(compare_runs(one, other))
    assert gap.what == "bldg_id 400: 'word 0' and 'word'"


@pytest.mark.parametrize("value", ["", "forty", "1,000"])
def test_a_column_of_numbers_that_holds_text_is_compared_as_text(tmp_path, value):
    name = "bills/elec_bills_year_run.csv"
    for folder, bill in (("a", "40.0"), ("b", f'"{value}"'), ("c", f'"{value}"\n3,1.0,Jan,1.0')):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True)
        path.write_text(f"bldg_id,weight,month,bill_level\n7,1.0,Jan,{bill}\n")
    found = differing(compare_runs(tmp_path / "a", tmp_path / "b"))
    said = f"'{value}'" if value else "no value"
    assert [one.what.endswith(f" and {said}") for one in found] == [True]
    assert compare_runs(tmp_path / "b", tmp_path / "b").equal
    assert differing(compare_runs(tmp_path / "b", tmp_path / "c"))[0].what == "1 and 2 rows"


def test_no_part_of_a_table_is_larger_than_asked_for(tmp_path, monkeypatch):
    """Which bounds the memory, however many homes a run has."""
    monkeypatch.setattr(in_step, "PART_BYTES", 2**12)
    paths = [tmp_path / name for name in "ab"]
    for path, factor in zip(paths, (1.0, 1.0 + 1e-15), strict=True):
        write_csv(pd.DataFrame({"x": np.sqrt(np.arange(1.0, 20_001.0)) * factor}), path)
    both = in_step.InStep(*paths, ["x"], {"x": "float64"})
    assert max(len(part) for part in both) <= 2**12 / len("1.0")
    assert both.rows == (20_000, 20_000)
