"""How many workers a run takes, and how many buildings go into a partition."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from cairo.model.names import HOURS
from cairo.workers.worker_processes import may_start_processes

if TYPE_CHECKING:
    from cairo.workers.settings import DaskSettings

PARTITION_BUILDINGS = 96
"""Buildings of a partition when nothing else is asked: 7 MB a column. A task costs its worker
about 5 ms besides its work, as much as reading ten buildings."""
BUILDINGS_WORTH_PROCESSES = 400
"""Below this many buildings reading them takes less time than starting worker processes."""

COLUMNS_IN_FLIGHT = 12
"""Copies of one (n, 8760) column a task may hold at once: frame columns, gathered rows,
intermediate products; measured at 8 to 10 for electricity, solar and gas together."""
SHARE_OF_MEMORY = 0.4
"""Part of a worker's memory limit its partitions may fill; Dask spills beyond 0.6."""


@dataclass(frozen=True)
class Sizing:
    """Workers and partitions of a run."""

    n_workers: int
    threads_per_worker: int
    processes: bool
    memory_limit: str | int | float
    partition_buildings: int


def sizing(settings: DaskSettings, process_workers: int | None, buildings: int) -> Sizing:
    """Workers and partition size for a number of buildings; every choice can be overridden.

    `n_workers` of the settings wins over `process_workers`, which wins over the CPU count.
    Worker processes pay from a few hundred buildings on. Partitions are small enough that
    every worker gets several and that a worker's tasks stay below its memory limit. In a process
    that may not have children workers are threads.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    asked = settings.n_workers or min(process_workers or cores, cores)
    processes = settings.processes
    if processes == "auto":
        processes = asked > 1 and (
            buildings >= BUILDINGS_WORTH_PROCESSES or settings.n_workers is not None
        )
    processes = processes and may_start_processes()
    threads = settings.threads_per_worker or (1 if processes else asked)
    workers = asked if processes else settings.n_workers or 1
    memory = memory_bytes(settings.memory_limit, workers)
    partition = settings.partition_buildings
    if partition == "auto":
        partition = partition_size(buildings, workers * threads, memory // threads)
    return Sizing(workers, threads, bool(processes), settings.memory_limit, int(partition))


def memory_bytes(limit: str | int | float, workers: int) -> int:
    """Bytes of one worker's limit; "auto" is its share of the machine's memory."""
    from dask.utils import parse_bytes

    machine = int(psutil.virtual_memory().total)
    if limit == "auto":
        return machine // max(workers, 1)
    if isinstance(limit, float) and limit <= 1:
        return int(limit * machine)
    return int(parse_bytes(limit)) or machine // max(workers, 1)


def partition_size(buildings: int, slots: int, memory: int) -> int:
    """Buildings of a partition: at most 96, at least 8 partitions a slot, within memory."""
    column = HOURS * 8
    fitting = int(memory * SHARE_OF_MEMORY) // (COLUMNS_IN_FLIGHT * column)
    even = -(-buildings // (8 * slots))
    return max(1, min(PARTITION_BUILDINGS, even, fitting))
