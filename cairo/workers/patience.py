"""How long a run waits for workers that say nothing, before it ends with one line."""

from __future__ import annotations

import math
import os

from cairo.errors import ClusterError
from cairo.model.number_texts import number_of_text

VARIABLE = "CAIRO_PATIENCE_SECONDS"
SECONDS = 60.0


def patience() -> float:
    """Seconds that workers may take to start, be silent, or leave work lying.

    Raises
    ------
    ClusterError
        The variable that may change them holds no number of seconds.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return SECONDS
    seconds = number_of_text(given)
    if seconds is None or not 1 <= seconds < math.inf:
        raise ClusterError(f"{VARIABLE} is {given}, expected seconds, at least 1")
    return seconds
