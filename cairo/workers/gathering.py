"""Wait for what workers compute, part by part, as long as they are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cairo.errors import ClusterError, one_line
from cairo.workers.waiting import Watch

if TYPE_CHECKING:
    from dask.delayed import Delayed
    from distributed import Client


def gathered(
    client: Client,
    parts: Sequence[Delayed],
    root: Delayed,
    done: Callable[[int], None] = lambda place: None,
) -> Any:
    """Compute `root`, telling `done` the place of each of the parts under it as it finishes.

    Raises
    ------
    ClusterError
        The scheduler or too many workers were lost.
    CairoError
        What a task itself raised, such as `LoadError`.
    """
    from distributed import as_completed
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    try:
        *part_futures, root_future = client.compute([*parts, root])
        place = {future.key: i for i, future in enumerate(part_futures)}
        finished = as_completed([*part_futures, root_future], loop=client.loop)
        part_futures.clear()
        watch = Watch(client)
        while True:
            while not finished.has_ready():
                watch.look()
                with finished.thread_condition:
                    # What is told before this waits is not told again.
                    finished.thread_condition.wait_for(finished.has_ready, timeout=0.1)
            future = next(finished)
            if future.status != "finished" or future.key == root_future.key:
                break
            watch.progress()
            done(place[future.key])
        return watch.result(root_future)
    except KilledWorker as error:
        raise ClusterError(
            f"{error.allowed_failures + 1} workers died one after another on one partition: "
            "give them more memory_limit or fewer partition_buildings"
        ) from None
    except (FutureCancelledError, asyncio.CancelledError):
        raise ClusterError(
            "lost the Dask scheduler during the pass: it has ended or cannot be reached any more"
        ) from None
    except (OSError, TimeoutError) as error:
        raise ClusterError(
            f"lost the Dask scheduler during the pass: {one_line(error, 300)}"
        ) from None
