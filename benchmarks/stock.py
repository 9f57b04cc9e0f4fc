"""A stock of N homes in ResStock's layout, with the many columns real files have."""

from __future__ import annotations

import itertools
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cairo.model.calendar import hour_stamps
from cairo.rates_tool.lookups import HOURS, PV_COLUMN, TOTAL_COLUMN
from cairo.runs.demo import LOADS, METADATA, write_rates
from cairo.runs.synthetic import WEATHER_YEAR, synthetic_stock, write_metadata

SEED = 7
EXTRA_COLUMNS = 40
MARKER = "stock.json"


@dataclass(frozen=True)
class BenchmarkStock:
    """Where a stock is."""

    root: Path
    buildings: int

    @property
    def loads(self) -> Path:
        return self.root / LOADS

    @property
    def metadata(self) -> Path:
        return self.root / METADATA

    @property
    def scenario(self) -> Path:
        return self.root / "rates" / "scenarios" / "scenarios_demo.yaml"


def benchmark_stock(root: Path, buildings: int) -> BenchmarkStock:
    """The stock of N homes under `root`, written if it is not there."""
    place = BenchmarkStock(root / f"stock_{buildings}", buildings)
    made = {"buildings": buildings, "seed": SEED, "extra": EXTRA_COLUMNS}
    marker = place.root / MARKER
    if marker.exists() and json.loads(marker.read_text()) == made:
        return place
    place.loads.mkdir(parents=True, exist_ok=True)
    workers = os.cpu_count() or 1
    edges = np.linspace(0, buildings, 4 * workers + 1).astype(int)
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(_write_homes, place.loads, buildings, int(a), int(b))
            for a, b in itertools.pairwise(edges)
        ]
        system = sum(job.result() for job in jobs)
    stock = synthetic_stock(buildings, SEED)
    write_metadata(stock, place.metadata)
    write_rates(place.root, stock, system)
    marker.write_text(json.dumps(made))
    return place


def _write_homes(loads: Path, buildings: int, start: int, stop: int) -> np.ndarray:
    """Write homes `start` to `stop` as pandas writes a file by default; their net load."""
    stock = synthetic_stock(buildings, SEED)
    stamps = hour_stamps(WEATHER_YEAR).to_numpy()
    system = np.zeros(HOURS)
    for bldg_id, energies in stock.loads(slice(start, stop)):
        total = energies[TOTAL_COLUMN]
        columns = {"bldg_id": np.full(HOURS, bldg_id), "timestamp": stamps, **energies}
        for number in range(EXTRA_COLUMNS):
            # End uses are published to few decimals, so that they compress.
            end_use = np.round(np.roll(total, 37 * number) / (number + 3), 3)
            columns[f"out.electricity.end_use_{number:02d}.energy_consumption"] = end_use
        pd.DataFrame(columns).to_parquet(loads / f"{bldg_id}-0.parquet", index=False)
        system += np.maximum(total + energies[PV_COLUMN], 0.0)
    return system


def describe(stock: BenchmarkStock) -> dict[str, object]:
    """Size of a stock, for the record."""
    files = list(stock.loads.glob("*.parquet"))
    size = sum(file.stat().st_size for file in files)
    return {k: str(v) for k, v in asdict(stock).items()} | {"files": len(files), "bytes": size}
