"""Text cells that a spreadsheet would take for a formula, written so that it does not.

Such a cell gets an apostrophe in front, which says in spreadsheets and here that text follows. A
cell that begins so already gets one more, so that every cell reads back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

from cairo.model.number_texts import NUMBER

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What a formula begins with, also behind our own mark."""
MARK = "'"


def marked(cell: str) -> str:
    """A cell as it is written."""
    return MARK + cell if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def unmarked(cell: str) -> str:
    """A cell as it was before it was written."""
    return cell[1:] if cell.startswith(MARK) and FORMULA.match(cell) else cell


def with_marks(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose text columns are as they are written; itself when they are already."""
    return _changed(frame, marked)


def without_marks(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as it was before it was written, names of columns too."""
    changed = _changed(frame, unmarked)
    names = {name: unmarked(name) for name in frame if isinstance(name, str)}
    return changed if all(a == b for a, b in names.items()) else changed.rename(columns=names)


def _changed(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for name in frame:
        values = frame[name]
        is_category = isinstance(values.dtype, pd.CategoricalDtype)
        if not (is_category or values.dtype == object or pd.api.types.is_string_dtype(values)):
            continue
        distinct = values.cat.categories if is_category else values.unique()
        texts = [text for text in distinct if isinstance(text, str)]
        other = {text: new for text in texts if (new := change(text)) != text}
        if other and is_category:
            columns[str(name)] = values.cat.rename_categories(other)
        elif other:
            columns[str(name)] = values.map(lambda cell, other=other: other.get(cell, cell))
    return frame.assign(**columns) if columns else frame
