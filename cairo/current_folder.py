"""`python -m cairo` without the current folder in front of what is imported.

Anybody may have left a `random.py` or a `dask.py` there. Only what Python has loaded by itself is
imported here.
"""

from __future__ import annotations

import itertools  # compiled into Python, as is sys
import os
import sys


def last() -> None:
    """Take the current folder from the front of `sys.path`, if this package is what is run.

    Run from a folder that holds this package, as a checkout does, it is looked at last.
    """
    words = sys.orig_argv[1:]
    follows = itertools.pairwise(words)
    ours = any(one[:1] == "-" and one[-1:] == "m" and two == "cairo" for one, two in follows)
    try:
        here = os.getcwd()  # noqa: PTH109 - pathlib is not loaded by Python itself
    except OSError:
        return
    if (ours or "-mcairo" in words) and not sys.flags.safe_path and sys.path[:1] == [here]:
        del sys.path[0]
        package = os.path.abspath(__file__)  # noqa: PTH100 - as above
        if os.path.dirname(os.path.dirname(package)) == here:  # noqa: PTH120 - as above
            sys.path.append(here)
