"""The `cairo` command.

Heavy packages are imported inside the commands, so that help and errors come at once.
"""

from __future__ import annotations

import fnmatch
import gc
import json
import os
import signal
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cairo import __version__
from cairo.errors import CairoError, InputErrors, OutputError, ScenarioError
from cairo.stopping import Stopped, catch, ignore

app = typer.Typer(
    help="What a utility rate design does to each customer: bills, rates, bill alignment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

BAD_INPUT = 2
DIFFERENT = 1

ScenarioArgument = Annotated[Path, typer.Argument(help="Scenario YAML file.", metavar="SCENARIO")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config-dir", help="Folder that the file's paths start from.")
]


def main() -> None:
    """Entry point: the package's own errors become a line each and exit code 2."""
    catch()
    try:
        code = app(standalone_mode=False)
        ignore()
        # Python would look through all that is left for cycles, for nearly half a second.
        gc.freeze()
    except CairoError as error:
        for line in str(error).splitlines():
            _said(f"error: {line}")
        _leave(BAD_INPUT)
    except Stopped as stop:
        stop.leave()
    except Exception as error:
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            # A usage error of the command line itself, which typer words and numbers.
            with suppress(OSError, ValueError):
                error.show()
            _leave(error.exit_code)
        if isinstance(error, OSError):
            # Help is written by typer, and found out here.
            try:
                sys.stdout.flush()
            except OSError as unwritten:
                _said(f"error: cannot write standard output: {unwritten.strerror}")
                _leave(BAD_INPUT)
        raise
    # typer gives back the code of an Exit, or what the command returned: nothing.
    if code:
        _leave(code)


def _said(text: str) -> None:
    """A line on standard error, if there is one that can be written."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr or StringIO(), flush=True)


def _leave(code: int) -> NoReturn:
    ignore()
    sys.exit(code)


def _print(text: object) -> None:
    """Print now, so that a full disk or a closed pipe shows while it can still be told."""
    try:
        try:
            print(text, flush=True)
        except UnicodeEncodeError:
            print(str(text).encode("ascii", "backslashreplace").decode(), flush=True)
    except OSError as error:
        # What is left in the buffer must not fail again when Python closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            # Whoever read the output has gone. Raised on, typer would make it exit code 1.
            _leave(128 + signal.SIGPIPE)
        raise OutputError(f"cannot write standard output: {error.strerror}") from None


def _version(wanted: bool) -> None:
    if wanted:
        _print(f"cairo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    scenario: ScenarioArgument,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Runs, or patterns such as 'hp_*'.", metavar="RUN..."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every run of the file.")] = False,
    backend: Annotated[
        str | None, typer.Option(help="pandas, dask_delayed or dask_dataframe.")
    ] = None,
    output_dir: Annotated[Path | None, typer.Option(help="Folder of run directories.")] = None,
    config_dir: ConfigOption = None,
    workers: Annotated[int | None, typer.Option(help="Instead of process_workers.")] = None,
    performance_report: Annotated[
        bool,
        typer.Option("--performance-report", help="Save Dask's performance report of one run."),
    ] = False,
    batch: Annotated[
        str | None, typer.Option(help="Stands for <batch> in path_outputs.", metavar="NAME")
    ] = None,
) -> None:
    """Run runs of a scenario file and print their directories.

    Several runs on the same loads share one pass over them.
    """
    from cairo.workers.progress import watching

    if every == bool(names):
        raise ScenarioError("name runs, or give --all" if not every else "--all is every run")
    with watching() as progress:
        first = _prepare(scenario, names, backend, config_dir, workers)
        if names == [first]:
            from cairo.runs.runner import run_scenario

            place = run_scenario(
                scenario,
                first,
                config_dir=config_dir,
                progress=progress,
                performance_report=performance_report,
                batch=batch,
                backend=backend,
                output_dir=output_dir,
                workers=workers,
            )
            _print(place)
            return
        if performance_report:
            raise ScenarioError("--performance-report is of one run: name one")
        from cairo.runs.study import study

        found = study(
            scenario,
            names or None,
            config_dir=config_dir,
            progress=progress,
            batch=batch,
            backend=backend,
            output_dir=output_dir,
            workers=workers,
        )
    for one in found.values():
        _print(one.path)
    shown = found.table.drop(columns=["directory", "error"], errors="ignore")
    print(shown.to_string(index=False, float_format="{:,.2f}".format), file=sys.stderr)
    if found.failed:
        raise InputErrors(found.failed.values())


def _prepare(
    scenario: Path,
    names: list[str] | None,
    backend: str | None,
    config_dir: Path | None,
    workers: int | None,
) -> str:
    """The first run's name, after worker processes have begun to import when it will start some."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.model.names import ON_WORKERS
    from cairo.scenario.scenario_file import read_scenario

    found = read_scenario(scenario, config_dir)
    # A pattern fits some run's name; what fits none is told of where runs are chosen.
    fitting = [name for name in found.runs if names is None or _fits(name, names)]
    first = fitting[0] if fitting else (names or [""])[0]
    settings = found.run(first)
    dask = settings.dask
    elsewhere = dask.scheduler_address or dask.scheduler_file or dask.cluster
    alone = (workers or dask.n_workers or settings.process_workers) == 1
    if (backend or settings.backend) in ON_WORKERS and not elsewhere and not alone:
        from cairo.workers.worker_processes import prepare_workers

        prepare_workers()
    return first


def _fits(name: str, wanted: list[str]) -> bool:
    return any(name == one or fnmatch.fnmatch(name, one) for one in wanted)


@app.command()
def runs(scenario: ScenarioArgument, config_dir: ConfigOption = None) -> None:
    """List the runs of a scenario file."""
    from cairo.scenario.scenario_file import read_scenario

    found = read_scenario(scenario, config_dir)
    rows, errors = [], []
    for name in found.runs:
        try:
            settings = found.run(name)
        except CairoError as error:
            errors.append(error)
            continue
        scope = "delivery and supply" if settings.run_includes_supply else "delivery"
        tariffs = ", ".join(Path(path).stem for path in settings.path_tariffs_electric.values())
        rows.append([name, settings.run_type, settings.backend, scope, tariffs])
    _table(["run", "type", "backend", "requirement", "tariffs"], rows)
    if errors:
        raise InputErrors(errors)


@app.command()
def check(
    scenario: ScenarioArgument,
    name: Annotated[
        str | None, typer.Argument(help="One run; all by default.", metavar="RUN")
    ] = None,
    config_dir: ConfigOption = None,
) -> None:
    """Find every input error of a scenario's runs, load files included; write nothing."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.scenario.scenario_checks import check_runs
    from cairo.scenario.scenario_file import read_scenario
    from cairo.workers.progress import watching

    found = read_scenario(scenario, config_dir)
    errors: dict[str, CairoError] = {}
    runs = {}
    for run_name in [name] if name else list(found.runs):
        try:
            runs[run_name] = found.run(run_name)
        except InputErrors as several:
            errors |= {str(error): error for error in several.errors}
        except CairoError as error:
            errors[str(error)] = error
    with watching() as progress:
        errors |= {str(error): error for error in check_runs(runs, progress)}
    unused = sorted({key for settings in runs.values() for key in settings.not_used})
    if unused:
        print(f"not used: {', '.join(unused)}", file=sys.stderr)
    if errors:
        raise InputErrors(errors.values())
    _print(f"{scenario}: no errors found")


@app.command()
def compare(
    run_dir_a: Annotated[Path, typer.Argument(help="A run directory.")],
    run_dir_b: Annotated[Path, typer.Argument(help="Another.")],
    rtol: Annotated[float, typer.Option(help="Relative tolerance.")] = 1e-12,
    atol: Annotated[float, typer.Option(help="Absolute tolerance.")] = 1e-9,
) -> None:
    """Compare every file of two runs: the largest difference a column; exit 1 if they differ."""
    from cairo.results.compare import compare_runs

    found = compare_runs(run_dir_a, run_dir_b, rtol, atol)
    rows = [
        [
            one.file,
            one.column,
            f"{one.absolute:.3g}",
            f"{one.relative:.3g}",
            "equal" if one.equal else f"DIFFERS {one.what}".strip(),
        ]
        for one in found.differences
    ]
    _table(["file", "column", "largest", "relative", ""], rows)
    verdict = "equal" if found.equal else "different"
    _print(f"the runs are {verdict} at rtol {rtol:g}, atol {atol:g}")
    if not found.equal:
        raise typer.Exit(DIFFERENT)


@app.command()
def demo(
    output_dir: Annotated[Path, typer.Option(help="Folder to write, new or a demo's.")] = Path(
        "cairo_demo"
    ),
    buildings: Annotated[int, typer.Option(min=4, max=500_000, help="Homes of the stock.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the stock.")] = 2025,
    backend: Annotated[str, typer.Option(help="Backend of the run.")] = "dask_dataframe",
) -> None:
    """Write a synthetic stock of homes with tariffs and prices, run it, and say what came out."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.runs.demo import demo_summary, run_demo, write_demo
    from cairo.workers.progress import watching

    with watching() as progress:
        progress.stage("write the demo stock")
        scenario = write_demo(output_dir, buildings, seed)
        place = run_demo(scenario, backend=backend, progress=progress)
    _print(demo_summary(place, scenario))


@app.command()
def pack(
    loads_dir: Annotated[str, typer.Argument(help="Load folder or URL.")],
    out: Annotated[Path, typer.Argument(help="Folder of the packed stock.")],
    storage_options: Annotated[
        str | None, typer.Option(help="fsspec options of a URL, such as '{\"anon\": true}'.")
    ] = None,
) -> None:
    """Rewrite a load folder once into few files, for the many runs that share it."""
    from cairo.workers.progress import watching

    options = _json_mapping(storage_options, "--storage-options")
    with watching() as progress:
        from cairo.workers.dask_settings import import_dask

        import_dask()
        from cairo.files.pack import pack as pack_loads

        place = pack_loads(loads_dir, out, progress, storage_options=options)
    _print(place)


def _json_mapping(text: str | None, option: str) -> dict[str, object]:
    try:
        values = {} if text is None else json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        # Not what it holds: it may be a secret that misses a bracket.
        raise typer.BadParameter(f"{option} cannot be read, expected a JSON object")
    return values


@app.command()
def report(
    run_dir: Annotated[Path, typer.Argument(help="A run directory.")],
    other: Annotated[Path | None, typer.Argument(help="Another, to compare with.")] = None,
    output: Annotated[Path | None, typer.Option(help="HTML file to write.")] = None,
    group: Annotated[str | None, typer.Option(help="Group to highlight, COLUMN=VALUE.")] = None,
) -> None:
    """Write one HTML page with a run's results, or with two runs side by side."""
    from cairo.results.report import write_report

    _print(write_report(run_dir, other, output=output, group=group))


def _table(head: list[str], rows: list[list[str]]) -> None:
    """A table: drawn on a terminal, tab-separated in a pipe."""
    if sys.stdout is None or not sys.stdout.isatty():
        _print("\n".join("\t".join(map(str, row)) for row in [head, *rows]))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*head)
    for row in rows:
        table.add_row(*map(str, row))
    Console().print(table)
