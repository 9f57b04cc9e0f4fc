"""`cairo tariff`: rates in words, a picture that needs no colour, other forms and sums."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cairo.files.short_tariff_export import short_text
from cairo.files.tariff_files import tariffs_of_file
from cairo.results.tariff_picture import tariff_picture
from tests.cairo_command import Command
from tests.tariff_meaning import assert_same_meaning

SHORT = """
fixed_charge: 10
seasons: {summer: Jun-Sep, winter: rest}
periods: {peak: weekdays 16-21, off-peak: rest}
tiers: 250
rates: {summer: {peak: [0.32, 0.4], off-peak: [0.11, 0.12]}, winter: [0.1, 0.1]}
demand: {monthly: {summer: 5, winter: 0}}
"""


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "evening.yaml"
    path.write_text(SHORT)
    return path


def test_a_tariff_is_shown_in_words_and_as_a_picture(command: Command, short: Path) -> None:
    lines = command("tariff", "show", short).output.splitlines()
    assert lines[:2] == ["evening", "Fixed charge $10.00 a month."]
    assert "  ██  0.32 $/kWh up to 250 kWh a month, then 0.4 $/kWh" in lines
    assert "        Jun–Sep: weekdays 16:00–21:00" in lines
    assert "  Jun–Sep: 5 $/kW of the month's highest hour" in lines
    (july,) = (line for line in lines if line.startswith("Jul"))
    # Five dear hours on weekdays, none on weekends; no line is wider than a terminal.
    assert july == f"Jul  {'▓' * 16 + '█' * 5 + '▓' * 3}   {'▓' * 24}"
    assert max(map(len, lines)) <= 80


def test_the_picture_of_each_form_is_the_same(
    command: Command, short: Path, tmp_path: Path
) -> None:
    (tariff,) = tariffs_of_file(short).values()
    shown = command("tariff", "show", short).output
    (tmp_path / "pysam").mkdir()
    (tmp_path / "pysam" / "evening.json").write_text(json.dumps(tariff.to_dict()))
    assert command("tariff", "show", tmp_path / "pysam" / "evening.json").output == shown
    urdb = tmp_path / "evening.json"
    assert command("tariff", "convert", short, "--output", urdb).output == f"{urdb}\n"
    assert "energyratestructure" in json.loads(urdb.read_text())["items"][0]
    assert command("tariff", "show", urdb).output == shown


def test_many_periods_have_a_letter_each_and_other_encodings_plain_ones(short: Path) -> None:
    rates = "seasons: monthly\nrates: {Jan: 1, Feb: 2, Mar: 3, Apr: 4, May: 5, Jun: 6, Jul: 7, "
    short.write_text(rates + "Aug: 8, Sep: 9, Oct: 10, Nov: 11, Dec: 12}")
    (tariff,) = tariffs_of_file(short).values()
    lines = tariff_picture(tariff).plain.splitlines()
    assert f"Jan  {'a' * 48}" in lines and f"Dec  {'l' * 48}" in lines
    short.write_text(SHORT)
    (tariff,) = tariffs_of_file(short).values()
    assert tariff_picture(tariff, plain=True).plain.isascii()


def test_a_tariff_is_converted_to_the_form_it_has_not(command: Command, short: Path) -> None:
    (tariff,) = tariffs_of_file(short).values()
    stored = json.loads(command("tariff", "convert", short).output)
    assert stored["items"][0]["label"] == "evening"
    urdb = short.with_suffix(".json")
    urdb.write_text(json.dumps(stored))
    assert command("tariff", "convert", urdb).output == short_text(tariff)
    assert command("tariff", "convert", urdb, "--to", "urdb").output.startswith("{")
    back = short.with_name("back.yml")
    command("tariff", "convert", urdb, "--output", back)
    assert_same_meaning(next(iter(tariffs_of_file(back).values())), tariff)


def test_two_tariffs_are_merged_into_the_outputs_form(
    command: Command, short: Path, tmp_path: Path
) -> None:
    supply = tmp_path / "supply.yaml"
    supply.write_text("fixed_charge: 1\nseasons: {summer: Jun-Sep, winter: rest}\n"
                      "rates: {summer: 0.1, winter: 0.2}")  # fmt: skip
    both = tmp_path / "both.yaml"
    assert command("tariff", "merge", short, supply, "--output", both).output == f"{both}\n"
    (tariff,) = tariffs_of_file(both).values()
    assert tariff.monthly_fixed == 11.0
    assert tariff.rate[tariff.weekday[6, 16] - 1].tolist() == pytest.approx([0.42, 0.5])
    supply.write_text("periods: {night: 22-6, day: rest}\nrates: {night: 0.1, day: 0.2}")
    ended = command("tariff", "merge", short, supply)
    assert ended.code == 2 and len(ended.errors) == 1 and "has tiers" in ended.errors[0]


def test_one_of_several_tariffs_has_to_be_named(
    command: Command, short: Path, tmp_path: Path
) -> None:
    (tariff,) = tariffs_of_file(short).values()
    final = tmp_path / "tariff_final_config.json"
    final.write_text(json.dumps({"a": tariff.to_dict(), "b": tariff.to_dict()}))
    ended = command("tariff", "convert", final)
    assert ended.code == 2 and f"has 2 tariffs (a, b): name one, as {final}#a" in ended.errors[0]
    assert json.loads(command("tariff", "convert", f"{tmp_path}#b", "--to", "urdb").output)
    assert command("tariff", "show", tmp_path).output.count("Fixed charge") == 2


def test_a_file_that_cannot_be_shown_is_one_line(command: Command, short: Path) -> None:
    short.write_text("rats: 1\nrates: 2\n")
    ended = command("tariff", "show", short)
    assert (ended.code, len(ended.errors)) == (2, 1)
    assert "key rats is unknown, did you mean rates?" in ended.errors[0]
