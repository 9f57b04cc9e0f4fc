"""How runs were made: settings, versions, times and inputs; of several, what differs."""

from __future__ import annotations

from collections.abc import Mapping

from cairo.results.report.assembled import Section
from cairo.results.report.data import RunData
from cairo.results.report.designs import Designs
from cairo.results.report.page import paragraph
from cairo.results.report.tables import Cell, Column, Row, Table

HERE = ("run_name", "path_outputs")
"""Settings that are another run's own whatever it is."""


def made(designs: Designs) -> Section:
    """The section of one run, or of several."""
    return _of_several(designs) if designs.others else _of_one(designs.base.run)


def _of_one(run: RunData) -> Section:
    """Settings, versions, times and inputs, as `run.json` has them."""
    record = run.record
    seconds: list[Row] = [
        [name, float(value)]
        for name, value in _items(record.get("timings_s"))
        if isinstance(value, int | float)
    ]
    memory = record.get("peak_memory_bytes")
    if isinstance(memory, int | float) and memory:
        seconds.append(["peak memory [GB]", memory / 1e9])
    versions = {**leaves(record.get("versions")), **leaves(record.get("machine"))}
    return Section(
        "made",
        "How this run was made",
        "How it was made",
        [
            Table("settings", "Settings.", (Column("Key"), Column("Value")),
                  _rows(leaves(record.get("settings")))),
            Table("time_and_memory", "Time and memory.",
                  (Column("Stage"), Column("Taken [s]", lambda value: f"{value:,.2f}")), seconds),
            Table("versions", "Versions and machine.", (Column("Package"), Column("Version")),
                  _rows(versions)),
            Table("inputs", "Inputs.", (Column("File"), Column("SHA-256")),
                  _rows(leaves(record.get("inputs")))),
        ],
    )  # fmt: skip


def _of_several(designs: Designs) -> Section:
    """What the runs' settings and inputs differ in, paths whole."""
    letters = [one.letter for one in designs.every]
    settings = [leaves(one.run.settings) for one in designs.every]
    every = list(dict.fromkeys(key for mine in settings for key in mine))
    table: list[Row] = [[key, *(mine.get(key, "") for mine in settings)] for key in every]
    differ = [row for row in table if len(set(row[1:])) > 1 and row[0] not in HERE]
    inputs = [leaves(one.run.record.get("inputs")) for one in designs.every]
    files = list(dict.fromkeys(key for mine in inputs for key in mine))
    changed: list[Row] = [
        row
        for key in files
        for row in [[key, *(mine.get(key, "") for mine in inputs)]]
        if len({*row[1:]} - {""}) > 1
    ]
    columns = tuple(Column(letter) for letter in letters)
    same = len(table) - len(differ) - sum(row[0] in HERE for row in table)
    found: list[Table] = []
    if changed:
        text = "Inputs that changed between the runs: files of one name with other contents."
        found.append(Table("inputs_that_changed", text, (Column("File"), *columns), changed))
    return Section(
        "made",
        "How these runs were made",
        "How they were made",
        [
            Table("runs", "The runs.", _RUN_COLUMNS, [
                [one.letter, one.run.name, str(one.run.path), *_made(one.run)]
                for one in designs.every
            ]),
            Table("settings_that_differ", "Settings that differ.", (Column("Key"), *columns),
                  differ),
            paragraph(f"{same} other settings are the same in all runs.", "small"),
            *found,
        ],
        [Table("settings", "All settings.", (Column("Key"), *columns), table)],
    )  # fmt: skip


_RUN_COLUMNS = (
    Column("Design"),
    Column("Run"),
    Column("Directory"),
    Column("Started"),
    Column("cairo"),
    Column("Seconds", lambda value: f"{value:,.2f}"),
)


def _made(run: RunData) -> list[Cell]:
    seconds = [value for _, value in _items(run.record.get("timings_s"))]
    return [
        str(run.record.get("started") or ""),
        leaves(run.record.get("versions")).get("cairo", ""),
        float(sum(value for value in seconds if isinstance(value, int | float))),
    ]


def _items(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def leaves(value: object) -> dict[str, str]:
    """Nested mappings as {dotted key: value as text}; what is None or empty is not there."""
    found: dict[str, str] = {}
    for key, item in _items(value):
        if isinstance(item, Mapping):
            found |= {f"{key}.{inner}": shown for inner, shown in leaves(item).items()}
        else:
            found[str(key)] = "" if item is None else str(item)
    return found


def _rows(values: Mapping[str, str]) -> list[Row]:
    return [[key, value] for key, value in values.items()]
