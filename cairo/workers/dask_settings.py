"""That Dask can be imported with the settings of whoever runs this."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cairo.errors import ClusterError, one_line

PREFIX = "DASK_"
LEGACY = "DASK_DATAFRAME__QUERY_PLANNING"
FOLDERS = ("~/.config/dask", "/etc/dask", f"{sys.prefix}/etc/dask")


def import_dask() -> None:
    """Import Dask if somebody has settings for it, which it reads then and may refuse.

    Raises
    ------
    ClusterError
        It refuses them.
    """
    variables = sorted(name for name in os.environ if name.startswith(PREFIX))
    folders = [folder for folder in FOLDERS if _is_there(folder)]
    if not variables and not folders:
        return
    try:
        import dask.dataframe  # noqa: F401 - settings are read on import
        import distributed  # noqa: F401 - and its own here
    except ImportError:
        raise
    except Exception as error:  # YAML's, Dask's own, or what a setting's value is turned into
        named = LEGACY if LEGACY in variables else ", ".join([*variables, *folders])
        raise ClusterError(f"Dask refuses its settings ({named}): {one_line(error, 300)}") from None


def _is_there(folder: str) -> bool:
    try:
        return Path(folder).expanduser().is_dir()
    except (OSError, RuntimeError):  # a home that is another's, or nobody's
        return False
