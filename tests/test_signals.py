"""Any signal to any process of any command, at any moment: it ends in time and leaves nothing half
done.

`CAIRO_SIGNAL_SHOTS` is the number of shots, a few by default; `python -m tests.signal_shots` takes
as many of each kind as it is told.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.signal_shots import Range

SHOTS = int(os.environ.get("CAIRO_SIGNAL_SHOTS", "6"))
SEED = int(os.environ.get("CAIRO_SIGNAL_SEED", "1"))
AT_ONCE = 2


@pytest.mark.timeout(300 + 60 * SHOTS)
def test_any_signal_to_any_process_ends_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    with Range(tmp_path, SEED, forked=0.5) as shots:
        kinds = random.Random(SEED).choices(shots.kinds, k=SHOTS)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            taken = list(pool.map(shots.shoot, kinds, range(SHOTS)))
    print(dict(shots.counts))
    assert [vars(one) for one in taken if one.wrong] == []
    assert any(one.hit for one in taken)
