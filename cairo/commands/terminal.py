"""What commands say: results on standard output, everything else on standard error."""

from __future__ import annotations

import math
import os
import signal
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cairo.errors import OutputError
from cairo.stopping import ignore

ScenarioArgument = Annotated[Path, typer.Argument(help="Scenario YAML file.", metavar="SCENARIO")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config-dir", help="Folder that the file's paths start from.")
]

UnmodelledOption = Annotated[
    bool,
    typer.Option(
        "--allow-unmodelled",
        help="Leave out of bills, and name, what of a tariff is not modelled; refused otherwise.",
    ),
]


def tell(text: str) -> None:
    """A line on standard error, if there is one that can be written."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr or StringIO(), flush=True)


def leave(code: int) -> NoReturn:
    """End the process; signals from now on change nothing."""
    ignore()
    sys.exit(code)


def put(text: object) -> None:
    """Print now, so that a full disk or a closed pipe shows while it can still be told."""
    try:
        try:
            print(text, flush=True)
        except UnicodeEncodeError:
            print(str(text).encode("ascii", "backslashreplace").decode(), flush=True)
    except OSError as error:
        # What is left in the buffer must not fail again when Python closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            # Whoever read the output has gone. Raised on, typer would make it exit code 1.
            leave(128 + signal.SIGPIPE)
        raise OutputError(f"cannot write standard output: {error.strerror}") from None


def table(head: list[str], rows: list[list[str]], words: int | None = None) -> None:
    """A table: drawn on a terminal, tab-separated in a pipe.

    `words` columns of text come first, and numbers after them; numbers that are too many for the
    terminal's width go into tables of their own.
    """
    if sys.stdout is None or not sys.stdout.isatty():
        put("\n".join("\t".join(map(str, row)) for row in [head, *rows]))
        return
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    for columns in _fitting(head, rows, words, console.width):
        drawn = Table(
            *(
                Column(head[c], justify="left" if words is None or c < words else "right")
                for c in columns
            )
        )
        for row in rows:
            drawn.add_row(*(str(row[c]) for c in columns))
        console.print(drawn)


BORDER = 3
"""Characters between two columns of a table."""


def _fitting(
    head: list[str], rows: list[list[str]], words: int | None, width: int
) -> list[list[int]]:
    """Columns of the tables that numbers are told in, text in each of them."""
    if words is None:
        return [list(range(len(head)))]
    widths = [max(len(str(row[c])) for row in [head, *rows]) + BORDER for c in range(len(head))]
    numbers = range(words, len(head))
    room = max(width - 1 - sum(widths[:words]), 1)
    most = max(room // max((widths[c] for c in numbers), default=1), 1)
    # As many in each, rather than one or two in the last.
    size = math.ceil(len(numbers) / math.ceil(len(numbers) / most)) if numbers else 1
    starts = range(words, len(head), size)
    return [[*range(words), *range(s, min(s + size, len(head)))] for s in starts]
