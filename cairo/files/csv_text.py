"""CSV as spreadsheets save it: semicolons or tabs, a mark before the text, empty rows at the end.

Every cell is read as text, stripped of blanks; whoever asks for it says what it is.
"""

from __future__ import annotations

import codecs
import io
import warnings

import pandas as pd

SEPARATORS = ",;\t"
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def text_of(content: bytes) -> str:
    """The text of a file in UTF-8 or, as a spreadsheet's "Unicode text" has it, UTF-16.

    Raises
    ------
    ValueError
        It is neither.
    """
    encoding = _MARKS.get(content[:2], "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not {encoding[:6].strip('-')} text") from None


def separator_of(header: str) -> str:
    """What separates the cells of a header: the most frequent of `SEPARATORS`."""
    return max(SEPARATORS, key=header.count)


def read_text_table(
    content: bytes, above: int = 0, *, plain: bool = False
) -> tuple[pd.DataFrame, str]:
    """A CSV file's cells as text, "" where there is none, and its separator.

    Parameters
    ----------
    content : the file.
    above : rows above the header.
    plain : refuse what other readers of the file would take for something else: UTF-16, other
        separators than commas, rows without a value.

    Raises
    ------
    ValueError
        It is no text, or a row has more cells than the header; with `plain`, it is not plain.
    """
    if plain and content[:2] in _MARKS:
        raise ValueError("it is UTF-16 text, expected UTF-8")
    lines = text_of(content).splitlines(keepends=True)[above:]
    if lines and lines[0].strip().lower().startswith("sep="):
        lines = lines[1:]
    separator = separator_of(lines[0]) if lines else ","
    if plain and separator != ",":
        raise ValueError(f"its cells are separated by {separator!r}, expected commas")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            table = pd.read_csv(
                io.StringIO("".join(lines)),
                sep=separator,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                low_memory=False,
            )
        except pd.errors.ParserWarning:
            raise ValueError("it has rows of more cells than its header") from None
    table = table.set_axis(_numbered([str(name).strip() for name in table]), axis=1)
    table = table.apply(lambda column: column.str.strip())
    empty = (table == "").all(axis=1)
    if plain and empty.any():
        raise ValueError(f"row {int(empty.argmax()) + 1} has no values")
    return table[~empty].reset_index(drop=True), separator


def _numbered(names: list[str]) -> list[str]:
    """Names of which the second of a kind is `name.1`, as pandas has it."""
    seen: dict[str, int] = {}
    numbered = []
    for name in names:
        again = seen[name] = seen.get(name, -1) + 1
        numbered.append(f"{name}.{again}" if again else name)
    return numbered


def with_decimal_points(values: pd.Series) -> pd.Series:
    """Numbers of a file with semicolons, in whose countries 0,5 is a half, with points.

    Raises
    ------
    ValueError
        Some have a comma and some a point, so that nobody knows what either means.
    """
    comma = values.str.contains(",", regex=False)
    point = values.str.contains(".", regex=False)
    if not comma.any():
        return values
    if point.any():
        raise ValueError("it has numbers with commas and others with points")
    return values.str.replace(",", ".", regex=False)
