"""The tables of a report as files: CSV for programs, a workbook for people."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cairo.errors import OutputError
from cairo.files.durable import make_folder, write_whole
from cairo.results.report.tables import Cell, Table

ACTIVE = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is a formula to programs that open CSV files."""
MADE = datetime(2000, 1, 1)
"""Time stamp of workbooks: the same tables give the same bytes."""
MOST_LETTERS = 32_767
"""Characters that a cell of a workbook holds."""
WIDEST = 60
TABLES = frozenset(
    {
        "alignment_by_segment",
        "annual_bills",
        "bills_by_month",
        "burden",
        "change_by_segment",
        "change_in_percent",
        "costs",
        "demand_charges",
        "designs",
        "energy_rates",
        "income_by_heating",
        "inputs",
        "inputs_that_changed",
        "mean_bill_parts",
        "paid_between_groups",
        "paid_for_one_another",
        "rates_in_words",
        "response",
        "response_gains",
        "revenue",
        "runs",
        "settings",
        "settings_that_differ",
        "time_and_memory",
        "versions",
        "winners_and_losers",
    }
)
"""Names of all tables that a report may have."""


def write_tables(page: Path, tables: Sequence[Table]) -> None:
    """Write `<page>_tables/<table>.csv` and `<page>.xlsx` beside a page, each whole or not at all.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    folder = page.with_name(f"{page.stem}_tables")
    try:
        make_folder(folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from None
    for name in TABLES - {table.name for table in tables}:
        # Of a page that stood here before.
        (folder / f"{name}.csv").unlink(missing_ok=True)
    for table in tables:
        write_whole(folder / f"{table.name}.csv", as_csv(table))
    write_whole(page.with_suffix(".xlsx"), workbook(tables))


def as_csv(table: Table) -> str:
    """A table as CSV text: numbers as they are kept, nothing for what does not exist."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_safe(column.full_name) for column in table.columns])
    for row in table.rows:
        writer.writerow([_plain(cell) for cell in row])
    return text.getvalue()


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return _safe(cell)
    return float(cell) if math.isfinite(cell) else ""


def _safe(text: str) -> str:
    """A text that no program takes for a formula: an apostrophe says that it is text."""
    return f"'{text}" if text.startswith(ACTIVE) else text


def workbook(tables: Sequence[Table]) -> bytes:
    """A sheet a table, names fixed at the top. Texts are texts, whatever they begin with."""
    from xlsxwriter import Workbook

    file = io.BytesIO()
    asked = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(file, asked) as book:
        book.set_properties({"created": MADE, "title": "Tables of a rate design report"})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            sheet.write_string(0, 0, table.caption[:MOST_LETTERS])
            for number, column in enumerate(table.columns):
                sheet.write_string(1, number, column.full_name, bold)
                words = (len(cell) for row in table.rows if isinstance(cell := row[number], str))
                sheet.set_column(number, number, min(max([12, *words]), WIDEST))
            sheet.freeze_panes(2, 1)
            for place, row in enumerate(table.rows, 2):
                for number, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(place, number, cell[:MOST_LETTERS])
                    elif math.isfinite(cell):
                        sheet.write_number(place, number, float(cell))
    return file.getvalue()
