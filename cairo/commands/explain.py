"""`cairo explain`."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cairo.commands.terminal import RUN_DIR_HELP, put, table
from cairo.errors import ScenarioError

if TYPE_CHECKING:
    import pandas as pd

LINE_WIDTH = 79


def explain(
    run_dir: Annotated[Path, typer.Argument(help=RUN_DIR_HELP, readable=False)],
    bldg_id: Annotated[
        int, typer.Argument(help="The bldg_id of a home of the run.", metavar="BLDG_ID")
    ],
    month: Annotated[
        str | None, typer.Option(help="Line by line for this month: 1 to 12, or Jan to Dec.")
    ] = None,
) -> None:
    """Print how one home's electric bill came about: every quantity, price and dollar of it."""
    from cairo.model.names import months
    from cairo.results.explain import explain as explained
    from cairo.results.run import open_run

    number = None if month is None else _month(month, months)
    run = open_run(run_dir)
    found = explained(run, bldg_id)
    put(f"building {bldg_id}, tariff {found.tariff}, run {run.info['run_name']}")
    _say([f"- {line}" for line in found.rates])
    if number is None:
        put("\nbill by month [$]")
        _print(found.by_month(), "item", 1)
        put("\nbill of the year")
    else:
        put(f"\nbill of {months[number - 1]}")
    _print(_with_units(found.lines(number)), "item", 1)
    _say(found.notes)
    put("\nbill alignment of the year [$]: bill less burden less share of the residual")
    _print(found.alignment, "residual", 1)


def _month(given: str, names: list[str]) -> int:
    """Number of a month.

    Raises
    ------
    ScenarioError
        It is none.
    """
    if given.isdecimal() and 1 <= int(given) <= len(names):
        return int(given)
    for number, name in enumerate(names, start=1):
        if len(given) >= len(name) and given[: len(name)].title() == name:
            return number
    raise ScenarioError(f"--month is {given!r}, expected 1 to 12 or Jan to Dec")


def _say(lines: list[str] | tuple[str, ...]) -> None:
    for line in lines:
        put(textwrap.fill(line, LINE_WIDTH, subsequent_indent="  "))


def _with_units(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of a bill as `quantity x rate = dollars`, in words that are told apart by columns."""
    units = lines["unit"]
    return lines.assign(
        quantity=[_number(value, 2) for value in lines["quantity"]],
        rate=[
            "" if math.isnan(rate) else f"{rate:.6f} $/{unit}" if unit != "$" else f"{rate:.6f}"
            for rate, unit in zip(lines["rate"], units, strict=True)
        ],
    )


def _number(value: object, places: int) -> str:
    if not isinstance(value, float):
        return str(value)
    text = f"{value:,.{places}f}"
    return (
        ""
        if math.isnan(value)
        else text.removeprefix("-")
        if float(text.replace(",", "")) == 0
        else text
    )


def _print(frame: pd.DataFrame, first: str, words: int) -> None:
    rows = [
        [str(name), *(_number(value, 2) for value in row)]
        for name, row in zip(frame.index, frame.itertuples(index=False), strict=True)
    ]
    table([first, *map(str, frame.columns)], rows, words)
