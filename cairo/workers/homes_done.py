"""Homes done of the stages that work home by home under `dask.delayed`, told as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from dask.callbacks import Callback
from dask.utils import key_split

from cairo.workers.stages import Timings


@contextmanager
def homes_done(
    timings: Timings, name: str, homes: int, job: str, *, part: bool = False, a_job: int = 1
) -> Iterator[None]:
    """Time a stage, telling of each home that a job is done for.

    Parameters
    ----------
    timings : told of it; of homes that no job was done for, at the end.
    name : of the stage.
    homes : number of them.
    job : name of the function that runs once a home, or a chunk of them.
    part : whether it is part of a stage that is timed as a whole.
    a_job : homes of a chunk.
    """
    left = homes

    def advance(done: int) -> None:
        nonlocal left
        left -= done
        timings.advance(done)

    def done(key: object, *_: object) -> None:
        if key_split(key) == job and left:
            advance(min(a_job, left))

    if part:
        timings.tell(name, homes)
    with nullcontext() if part else timings.stage(name, homes), Callback(posttask=done):
        yield
        if left:
            advance(left)
