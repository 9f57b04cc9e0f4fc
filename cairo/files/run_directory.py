"""The run directory: it appears whole or not at all.

Files are written into a hidden folder beside the final place, which one rename puts there.
Whatever ends the run early, an error, an interrupt or a termination, removes that folder.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

import numpy as np
import pandas as pd

from cairo.errors import OutputError
from cairo.files.durable import flush_folder, flush_tree
from cairo.files.leftovers import LETTERS, of_this_process, remove_at_its_name, sweep
from cairo.files.run_names import STAMP, URL, check_run_name, local_folder
from cairo.files.spreadsheet import marked, with_marks
from cairo.stopping import finished, held, removed_at_once

PARTIAL = ".partial-"
"""In the name of a folder that is being written, before whose it is."""
_MOST_TRIES = 1000
LONGEST_NAME, LONGEST_PATH = 255, 4095
"""Bytes that a name and a path may have on the systems a run is made on."""
LONGEST_FILE = "cross_subsidization/cross_subsidization_BAT_by_postprocess_group.heating_type.csv"


def _partial_name(name: str) -> str:
    """Name of the folder that a run directory is written into."""
    return f".{name}{PARTIAL}{of_this_process()}{secrets.token_hex(LETTERS // 2)}"


def check_writable(output_dir: str | os.PathLike[str], run_name: str) -> None:
    """Check, before any work, that a run directory could be made in a folder.

    Raises
    ------
    OutputError
        The folder, or what it would be made in, is none, may not be written or entered, or the
        names of a run's files would be too long.
    """
    if URL.match(os.fspath(output_dir)):
        return  # told where inputs are read
    folder = Path(output_dir).absolute()
    stamp = datetime.now().strftime(STAMP)
    longest = folder / _partial_name(f"{stamp}_{run_name}") / LONGEST_FILE
    with writing(folder):
        names = (len(os.fsencode(part)) for part in longest.parts)
        if max(names) > LONGEST_NAME or len(os.fsencode(longest)) > LONGEST_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        above = next(one for one in (folder, *folder.parents) if one.exists())
        if not above.is_dir():
            raise OSError(errno.ENOTDIR, f"{above} is no folder")
        if not os.access(above, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, f"{above} may not be written into")


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Turn a failure of the file system into one `OutputError` naming `path`."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


class RunDirectory:
    """A run's folder, `<output_dir>/<YYYYMMDD_HHMMSS>_<run_name>`, as a context manager.

    Parameters
    ----------
    output_dir : folder of run directories, made when absent.
    run_name : plain name.
    stamp : time stamp of the name; now by default.

    Attributes
    ----------
    path : folder to write into while the context is open.
    final_path : where the folder is afterwards; a name that is taken gets `_2`, `_3`, ...

    Raises
    ------
    ScenarioError
        The name is not a plain file name, or the folder is a URL.
    OutputError
        The folder cannot be written.
    """

    def __init__(
        self, output_dir: str | os.PathLike[str], run_name: str, stamp: str | None = None
    ) -> None:
        self.output_dir = local_folder(output_dir)
        self.name = f"{stamp or datetime.now().strftime(STAMP)}_{check_run_name(run_name)}"
        self.path: Path
        self.final_path: Path

    def __enter__(self) -> RunDirectory:
        self.final_path = self.output_dir / self.name
        made: Path | None = None
        self._new_folders: list[Path] = []
        try:
            with writing(self.output_dir), held():
                folders = (self.output_dir, *self.output_dir.parents)
                self._new_folders = [folder for folder in folders if not folder.exists()]
                self.output_dir.mkdir(parents=True, exist_ok=True)
                sweep(self.output_dir, PARTIAL)
                self.path = self.output_dir / _partial_name(self.name)
                self.path.mkdir()
                made = self.path
                self._at_once = ExitStack()
                self._at_once.enter_context(removed_at_once(self._remove))
        except BaseException:
            # Python leaves a context only after it was entered.
            if made is not None:
                shutil.rmtree(made, ignore_errors=True)
            self._remove_new_folders()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                with writing(self.output_dir / self.name):
                    # A disk may take its time, so it can be interrupted.
                    flush_tree(self.path)
                with held():
                    self.final_path = self._placed()
                    finished()
        finally:
            with held():
                if self.path.exists():
                    self._remove()
                self._at_once.close()

    def _remove(self) -> None:
        remove_at_its_name(self.path)
        self._remove_new_folders()

    def _remove_new_folders(self) -> None:
        """Remove the folders made for this run, unless another has written into them."""
        with suppress(OSError):
            for folder in self._new_folders:
                folder.rmdir()

    def _placed(self) -> Path:
        """Rename to the first free name; an occupied folder makes the rename fail."""
        for number in range(1, _MOST_TRIES):
            place = self.output_dir / (self.name if number == 1 else f"{self.name}_{number}")
            if place.exists():
                continue
            try:
                self.path.rename(place)
            except OSError as error:
                if place.exists():
                    continue
                raise OutputError(f"cannot write {place}: {error.strerror}") from None
            with writing(place):
                for folder in (self.output_dir, *(new.parent for new in self._new_folders)):
                    flush_folder(folder)
            return place
        raise OutputError(f"cannot write {self.output_dir / self.name}: the name is taken")


def write_csv(frame: pd.DataFrame, path: Path, *, index: bool = False) -> None:
    """Write a frame as CSV; `csv_tables.read_table` reads back the same bits and text."""
    import pyarrow as pa
    import pyarrow.csv

    if index:
        frame = frame.reset_index()
    with writing(path):
        # Not its parents: a directory that is being removed does not come back.
        path.parent.mkdir(exist_ok=True)
        table = pa.Table.from_pandas(_plain(with_marks(frame)), preserve_index=False)
        texts = [
            pa.field(one.name, pa.string()) if pa.types.is_dictionary(one.type) else one
            for one in table.schema
        ]
        table = table.cast(pa.schema(texts))
        with path.open("wb") as file:
            header = io.StringIO()
            names = [marked(str(name)) for name in frame.columns]
            csv.writer(header, lineterminator="\n").writerow(names)
            file.write(header.getvalue().encode())
            # pyarrow would quote every name of a header.
            options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
            pyarrow.csv.write_csv(table, file, options)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Times as ISO text with their zone; other columns as they are."""
    times = frame.select_dtypes(include=["datetime", "datetimetz"])
    return frame.assign(**{name: _time_text(times[name]) for name in times})


def _time_text(times: pd.Series) -> pd.Series | list[str]:
    """Times as pandas writes them, at once where all have one offset and whole seconds."""
    zoned = times.dt.tz is not None and len(times) and not times.isna().any()
    local = times.dt.tz_localize(None).to_numpy() if zoned else np.empty(0, "datetime64[s]")
    seconds = local.astype("datetime64[s]")
    first = str(times.iloc[0]) if zoned else ""
    offset = times.iloc[0].utcoffset() if zoned else None
    utc = times.dt.tz_convert(None).to_numpy() if zoned else local
    if not zoned or (local != seconds).any() or (local - utc != np.timedelta64(offset)).any():
        return times.astype(str)
    zone = first[len("2025-01-01 00:00:00") :]
    return [text.replace("T", " ") + zone for text in np.datetime_as_string(seconds).tolist()]


def write_json(value: object, path: Path) -> None:
    """Write plain JSON; NumPy numbers become numbers, NaN and infinity null."""
    with writing(path):
        path.write_text(json_text(value), encoding="utf-8")


def json_text(value: object) -> str:
    """Plain JSON; NumPy numbers become numbers, NaN and infinity null."""
    return json.dumps(_jsonable(value), indent=1) + "\n"


def write_text(text: str, path: Path) -> None:
    """Write text as it is."""
    with writing(path):
        path.write_text(text, encoding="utf-8")


def _jsonable(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, np.ndarray):
        return _jsonable(value.tolist())
    if isinstance(value, np.generic):
        return _jsonable(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
