"""What Dask logs stays from the terminal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from cairo.stopping import is_command

LOGGERS = ("distributed", "distributed.client", "tornado.application")
"""Those that Dask gives a level of their own."""
SERVERS = tuple(f"distributed.{kind}" for kind in ("nanny", "scheduler", "worker"))
"""Loggers that each server adds a handler to and never takes it back."""


def _of_use(record: logging.LogRecord) -> bool:
    """Whether a record of asyncio's is more than that a sender of Dask's was not woken any more.

    It waits for messages with tornado's time limit, and a cluster's loop may end at that moment.
    """
    error = record.exc_info[1] if record.exc_info else None
    lost = record.getMessage().startswith("Future exception was never retrieved")
    return not (lost and isinstance(error, TimeoutError) and str(error) == "Timeout")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what Dask logs from the terminal: what matters of it reaches us as errors.

    In a command that is for good, as some of it comes when Python ends.
    """
    names = (*LOGGERS, "asyncio") if is_command() else LOGGERS
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    handlers = {name: list(logging.getLogger(name).handlers) for name in SERVERS}
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").addFilter(_of_use)
    if is_command():
        # Between looking for a free port and taking it another may have taken it.
        warnings.filterwarnings("ignore", message="Port .* is already in use")
    try:
        yield
    finally:
        logging.getLogger("asyncio").removeFilter(_of_use)
        for logger, level in zip(loggers, levels, strict=True):
            if not is_command():
                logger.setLevel(level)
        for name, before in handlers.items():
            logging.getLogger(name).handlers = before
