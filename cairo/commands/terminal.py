"""What commands say: results on standard output, everything else on standard error."""

from __future__ import annotations

import math
import os
import re
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cairo.errors import CairoError, OutputError
from cairo.model.backends import BACKENDS
from cairo.stopping import ignore

if TYPE_CHECKING:
    from cairo.model.tariff import Tariff

LEAST_FILES, MANY_FILES = 64, 4096
"""Files that may be open at once: two workers take up to 64."""

ScenarioArgument = Annotated[
    Path, typer.Argument(help="Scenario file: YAML with runs.", metavar="SCENARIO", readable=False)
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config-dir",
        help="Folder that relative paths of the file start from, instead of the parent of its "
        "scenarios/ folder.",
    ),
]
LEAST_CHARACTERS = 8
"""Of any column."""
GAP = "  "
"""Between columns."""
PARTS = re.compile(r"[^\s_/]+[_/]?|[_/]|\s+")
"""What a text is broken between."""
RUN_DIR_HELP = "A run directory, or latest:RUN_NAME (latest:FOLDER/RUN_NAME)."
BACKEND_NAMES = ", ".join(BACKENDS)

UnmodelledOption = Annotated[
    bool,
    typer.Option(
        "--allow-unmodelled",
        help="Leave out of bills, and name, what of a tariff is not modelled; refused otherwise.",
    ),
]


def open_files_allowed() -> None:
    """Let this command open as many files as it may; workers take some each.

    Raises
    ------
    CairoError
        They are too few for any run.
    """
    try:
        import resource
    except ImportError:  # pragma: no cover - a system without such limits
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, MANY_FILES)
    if soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    if soft < LEAST_FILES:
        raise CairoError(
            f"at most {soft} files may be open at once, expected {LEAST_FILES} or more (ulimit -n)"
        )


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
    """A table: drawn on a terminal, long names on several lines; tab-separated in a pipe.

    `words` columns of text come first, and numbers after them; numbers that are too many for the
    terminal's width go into tables of their own.
    """
    if not on_terminal():
        put("\n".join("\t".join(map(str, row)) for row in [head, *rows]))
        return
    for part, chosen in enumerate(_fitting(head, rows, words, columns())):
        numbers = [] if words is None else [n for n, c in enumerate(chosen) if c >= words]
        texts = [[str(row[c]) for c in chosen] for row in [head, *rows]]
        lines = laid_out(texts, columns(), numbers)
        put("\n".join(["", *lines] if part else lines))


def _fitting(
    head: list[str], rows: list[list[str]], words: int | None, width: int
) -> list[list[int]]:
    """Columns of the tables that numbers are told in, text in each of them."""
    if words is None:
        return [list(range(len(head)))]
    widths = [max(len(str(row[c])) for row in [head, *rows]) + len(GAP) for c in range(len(head))]
    numbers = range(words, len(head))
    room = max(width - sum(widths[:words]), 1)
    most = max(room // max((widths[c] for c in numbers), default=1), 1)
    # As many in each, rather than one or two in the last.
    size = math.ceil(len(numbers) / math.ceil(len(numbers) / most)) if numbers else 1
    starts = range(words, len(head), size)
    return [[*range(words), *range(s, min(s + size, len(head)))] for s in starts]


def columns() -> int:
    """Characters of a line of the terminal."""
    return shutil.get_terminal_size().columns


def laid_out(rows: list[list[str]], width: int, numbers: Sequence[int] = ()) -> list[str]:
    """Lines of a table, the first row its head. Nothing is cut: what is too long is folded.

    The first column, which names the row, is folded last; those of `numbers` end below each other.
    """
    texts = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in texts]
    room = width - len(GAP) * (len(widths) - 1)
    words = [max(len(part.strip()) for text in c for part in PARTS.findall(text)) for c in texts]
    for least in (words, [LEAST_CHARACTERS] * len(words)):
        for places in (range(1, len(widths)), range(1)):
            while sum(widths) > room:
                wide = [place for place in places if widths[place] > least[place]]
                if not wide:
                    break
                widths[max(wide, key=lambda place: widths[place])] -= 1
    lines = []
    for number, row in enumerate(rows):
        cells = [folded(text, w) for text, w in zip(row, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = (
                part.rjust(w) if place in numbers else part.ljust(w)
                for place, (part, w) in enumerate(zip(parts, widths, strict=True))
            )
            lines.append(GAP.join(padded).rstrip())
        if number == 0:
            lines.append(GAP.join("-" * w for w in widths))
    return lines


def folded(text: str, width: int) -> list[str]:
    """A text in lines, broken between words, else after `_` or `/`, else anywhere."""
    lines = [""]
    for token in PARTS.findall(text):
        part = token
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
            part = part.lstrip()
        while len(part) > width:
            lines[-1:] = [part[:width], ""]
            part = part[width:]
        lines[-1] += part
    return [line.rstrip() for line in lines]


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def draw(tariff: Tariff) -> None:
    """A tariff's rates and schedule, in colour on a terminal."""
    from rich.console import Console

    from cairo.results.tariff_picture import tariff_picture

    coding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    picture = tariff_picture(tariff, plain=not coding.startswith("utf"))
    if on_terminal():
        Console(highlight=False).print(picture, end="")
    else:
        put(picture.plain.rstrip("\n"))
