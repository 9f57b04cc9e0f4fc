"""Tables of a report: values and how they are shown, so that page, CSV and workbook are one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cairo.results.report.page import Html, esc

Cell = str | float
"""Words, or a number; NaN is what does not exist. A text of several lines is shown so."""
Row = Sequence[Cell]
SLIM = 3
"""A table of no more columns, all but the first of numbers, stays one on a narrow screen."""
BROAD = 10
"""A table of so many columns is shown in blocks on a screen that is not wide, too."""
NOTHING = 1e-6
"""Numbers whose largest is below this have no bars: they are rounding."""


@dataclass(frozen=True)
class Column:
    """A column: its name, no two of a table alike, and how its numbers are shown; None is words.

    bar : whether the page draws the number as a bar beside it.
    unit : of the number as it is kept, for the files.
    """

    name: str
    show: Callable[[float], str] | None = None
    unit: str = ""
    bar: bool = False

    @property
    def full_name(self) -> str:
        """The name with its unit."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    def text(self, cell: Cell) -> str:
        """A cell as the page shows it."""
        if isinstance(cell, str):
            return cell
        return "–" if math.isnan(cell) else (self.show or str)(cell)


@dataclass(frozen=True)
class Table:
    """A table of a report.

    name : of its CSV and its sheet. caption : what it has, in words.
    last_is_total : whether the last row adds up the others.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    last_is_total: bool = False


@dataclass(frozen=True)
class Body:
    """Rows of a table under a heading of their own; `part` is what a menu can choose."""

    heading: str
    part: str
    rows: Sequence[Row]
    last_is_total: bool = False


def table_html(table: Table) -> Html:
    """A table with all its rows."""
    return bodies_html(
        table.caption, table.columns, [Body("", "", table.rows, table.last_is_total)]
    )


def bodies_html(caption: str, columns: Sequence[Column], bodies: Iterable[Body]) -> Html:
    """A table of several bodies.

    On a narrow screen every row is a block of lines, a line a cell with its column's name.
    """
    bodies = list(bodies)
    names = "".join(
        f'<th scope="col"{" class=num" if column.show else ""}>{esc(column.name)}</th>'
        for column in columns
    )
    inner = "".join(_body(body, columns) for body in bodies)
    kind = "broad" if len(columns) >= BROAD else ""
    if len(columns) <= SLIM and all(column.show for column in columns[1:]):
        kind = "slim"
    return Html(
        f'<div class="wide" tabindex="0" role="region" aria-label="{esc(caption)}">'
        f"<table{f' class={kind}' if kind else ''}><caption>{esc(caption)}</caption>"
        f"<thead><tr>{names}</tr></thead>{inner}"
        "</table></div>"
    )


def _body(body: Body, columns: Sequence[Column]) -> str:
    longest = {
        number: max((_size(row[number]) for row in body.rows), default=0.0)
        for number, column in enumerate(columns)
        if column.bar
    }
    head = (
        f'<tr class="head"><th scope="rowgroup" colspan="{len(columns)}">{esc(body.heading)}'
        "</th></tr>"
        if body.heading
        else ""
    )
    last = len(body.rows) - 1 if body.last_is_total else -1
    rows = "".join(
        _row(row, columns, longest, total=number == last) for number, row in enumerate(body.rows)
    )
    part = f' data-part="{esc(body.part)}"' if body.part else ""
    return f"<tbody{part}>{head}{rows}</tbody>"


def _size(cell: Cell) -> float:
    return 0.0 if isinstance(cell, str) or not math.isfinite(cell) else abs(cell)


def _row(row: Row, columns: Sequence[Column], longest: dict[int, float], *, total: bool) -> str:
    cells = []
    for number, (cell, column) in enumerate(zip(row, columns, strict=True)):
        text = "<br>".join(esc(line) for line in column.text(cell).split("\n"))
        if isinstance(cell, str):
            text = re.sub(r"(?<=[\w/])[_/](?=\w)", r"\g<0><wbr>", text)
        if number == 0:
            cells.append(f'<th scope="row">{text}</th>')
            continue
        if number in longest and not isinstance(cell, str):
            text = f'{bar(cell, longest[number])}<span class="beside">{text}</span>'
        kind = ' class="num"' if column.show else ""
        cells.append(f'<td{kind} data-label="{esc(column.name)}">{text}</td>')
    return f"<tr{' class=total' if total else ''}>{''.join(cells)}</tr>"


def bar(value: float, longest: float) -> str:
    """A bar from the middle, to the right above zero; `longest` is the widest of its column."""
    if not math.isfinite(value) or longest < NOTHING:
        return ""
    width = round(50.0 * min(abs(value) / longest, 1.0), 1)
    left = 50.0 if value >= 0.0 else round(50.0 - width, 1)
    kind = "over" if value >= 0.0 else "under"
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{kind}" x="{left:g}" y="0" width="{width:g}" height="10"/>'
        '<path d="M50 0V10"/></svg>'
    )
