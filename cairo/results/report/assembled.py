"""A report: its sections as one page, and the tables that stand in files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cairo.results.report.page import Html, chooser, document, heading, join, section
from cairo.results.report.tables import Body, Column, Table, bodies_html, table_html

Part = Html | Table


@dataclass(frozen=True)
class Section:
    """A section of the page.

    name : of its link; short : what the link says. files : tables that are in files alone, since
    the page shows them in pieces.
    """

    name: str
    title: str
    short: str
    parts: Sequence[Part]
    files: Sequence[Table] = ()

    @property
    def html(self) -> Html:
        """The section on the page."""
        shown = (table_html(one) if isinstance(one, Table) else one for one in self.parts)
        return section(self.name, self.title, *shown)

    @property
    def tables(self) -> list[Table]:
        """Its tables, in the page's order."""
        return [*(one for one in self.parts if isinstance(one, Table)), *self.files]


@dataclass(frozen=True)
class Report:
    """A page as text, and its tables."""

    page: str
    tables: Sequence[Table]


def assembled(
    title: str, subtitle: str, facts: str, sections: Sequence[Section], *, several: bool
) -> Report:
    """The report of some sections; `several` is one of several runs."""
    links = [(one.name, one.short) for one in sections]
    body = join(one.html for one in sections)
    page = document(title, subtitle, facts, links, body, wide=several)
    return Report(page, [table for one in sections for table in one.tables])


@dataclass(frozen=True)
class Grouped:
    """A table for every way to group customers, of which a menu on the page shows one.

    name : beginning of the page's names of parts. file : of the table that has them all. menu :
    what `parts`, {key: words}, are called.
    """

    name: str
    file: str
    menu: str
    parts: Mapping[str, str]
    columns: tuple[Column, ...]

    def shown(self, tables: Sequence[tuple[str, str, str, Sequence[Body]]]) -> Html:
        """Menus and tables of (what the menu says, heading, caption, bodies)."""
        pieces = [
            Html(
                f'<div data-segment id="{self.name}-{number}">{heading(title)}'
                f"{bodies_html(caption, self.columns, bodies)}</div>"
            )
            for number, (_, title, caption, bodies) in enumerate(tables)
        ]
        menus = [(f"{self.name}-{n}", words) for n, (words, *_) in enumerate(tables)]
        return Html(
            f'<div class="grouped">{chooser(menus, self.menu, self.parts)}{join(pieces)}</div>'
        )

    def table(self, caption: str, tables: Sequence[tuple[str, str, str, Sequence[Body]]]) -> Table:
        """All of them below each other, for the files."""
        rows = [
            [words, body.heading, *row]
            for words, _, _, bodies in tables
            for body in bodies
            for row in body.rows
        ]
        first = (Column("Group by"), Column(self.menu.capitalize()))
        return Table(self.file, caption, (*first, *self.columns), rows)
