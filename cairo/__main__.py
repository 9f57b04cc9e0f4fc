"""`python -m cairo`, and the `cairo` command."""

import os
import sys
from contextlib import suppress

from cairo.stopping import Stopped, catch, end_soon


def main() -> None:
    """Run the command, ready to be stopped before it is imported."""
    try:
        catch(own=True)
        open_streams()
        from cairo.cli import main as command

        command()
    except Stopped as stop:
        stop.leave()
    finally:
        flush_streams()
        end_soon()


def open_streams() -> None:
    """Have an output and an error stream that take any text, whatever they were started with.

    A closed one leads nowhere: left free, its number would be given to the next pipe or file, and
    that to worker processes as their output.
    """
    with suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
            setattr(sys, name, nowhere)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def flush_streams() -> None:
    """Have nothing left that Python could fail to write when it ends, and complain of."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
