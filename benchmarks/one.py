"""One contender in its own process: `python -m benchmarks.one NAME ROOT BUILDINGS OUT`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.contenders import FIGURES, STAGES
from benchmarks.stock import BenchmarkStock


def main() -> None:
    name, root, buildings, out = sys.argv[1:]
    found = STAGES[name](BenchmarkStock(Path(root), int(buildings)))
    arrays = {key: getattr(found, key) for key in FIGURES if getattr(found, key) is not None}
    np.savez(out, **arrays)
    print(json.dumps({"seconds": found.seconds}))


if __name__ == "__main__":
    main()
