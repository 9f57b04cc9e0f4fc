"""The `cairo` command.

Heavy packages are imported inside the commands, so that help and errors come at once.
"""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from typing import Annotated

import typer

from cairo import __version__
from cairo.commands.design import design
from cairo.commands.explain import explain
from cairo.commands.explore import explore
from cairo.commands.requirement import requirement
from cairo.commands.results import compare, report
from cairo.commands.run import run
from cairo.commands.scenario import check, init, runs
from cairo.commands.stock import demo, pack
from cairo.commands.tariff import tariff
from cairo.commands.terminal import leave, open_files_allowed, put, tell
from cairo.errors import CairoError, system_error
from cairo.stopping import Stopped, catch, ignore

BAD_INPUT = 2

app = typer.Typer(
    help="What a utility rate design does to each customer: bills, rates, bill alignment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    demo,
    init,
    runs,
    check,
    run,
    compare,
    report,
    explain,
    explore,
    requirement,
    design,
    pack,
):
    app.command()(command)
app.add_typer(tariff, name="tariff")


def main() -> None:
    """Entry point: the package's own errors become a line each and exit code 2."""
    catch()
    try:
        open_files_allowed()
        code = app(standalone_mode=False, prog_name="cairo")
        ignore()
        # Python would look through all that is left for cycles, for nearly half a second.
        gc.freeze()
    except CairoError as error:
        for line in str(error).splitlines():
            tell(f"error: {line}")
        leave(BAD_INPUT)
    except Stopped as stop:
        stop.leave()
    except Exception as error:  # what is not told apart here is raised on
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            # A usage error of the command line itself, which typer words and numbers.
            with suppress(OSError, ValueError):
                error.show()
            leave(error.exit_code)
        if isinstance(error, OSError):
            # Help is written by typer, and found out here.
            try:
                sys.stdout.flush()
            except OSError as unwritten:
                tell(f"error: cannot write standard output: {unwritten.strerror}")
                leave(BAD_INPUT)
            # What the system refuses where nobody expects it: names too long, folders that may
            # not be entered, no files left to open.
            tell(f"error: {system_error(error)}")
            leave(BAD_INPUT)
        raise
    # typer gives back the code of an Exit, or what the command returned: nothing.
    if code:
        leave(code)


def _version(wanted: bool) -> None:
    if wanted:
        put(f"cairo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass
