"""What derived rates follow from, as `run.json` has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cairo.results.report.designs import Designs
from cairo.results.report.made import leaves
from cairo.results.report.tables import Column, Row, Table


def derived_rates(designs: Designs) -> list[Table]:
    """A table of the figures of every derived tariff; none where there is none."""
    alone = not designs.others
    rows: list[Row] = []
    for one in designs.every:
        derived = one.run.record.get("derived")
        for alias, figures in derived.items() if isinstance(derived, Mapping) else ():
            own = [str(alias)] if alone else [str(alias), one.title]
            rows += [[*own, name, text] for name, text in leaves(figures).items()]
    if not rows:
        return []
    title: Sequence[Column] = [] if alone else [Column("Design")]
    columns = (Column("Tariff"), *title, Column("Figure"), Column("Value"))
    return [Table("derived_rates", "What derived rates follow from.", columns, rows)]
