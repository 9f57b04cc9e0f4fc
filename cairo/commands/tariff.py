"""Commands on tariff files: `cairo tariff show`, `convert`, `merge`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cairo.commands.terminal import draw, put
from cairo.errors import TariffError, listed

if TYPE_CHECKING:
    from cairo.model.tariff import Tariff

FINAL_TARIFFS = "tariff_final_config.json"
FILE_HELP = (
    "A tariff: URDB JSON, PySAM-style JSON, YAML of the short form, or a run directory (or "
    "latest:RUN_NAME), whose final rates are meant; FILE#NAME is one of several."
)
OutputOption = Annotated[
    Path | None,
    typer.Option(
        help="File to write: .json is URDB, .yaml the short form; the screen by default.",
        readable=False,
    ),
]

tariff = typer.Typer(
    help="Show, convert and merge tariff files.",
    no_args_is_help=True,
    add_completion=False,
)


class Form(StrEnum):
    """Forms that a tariff is written in."""

    urdb = "urdb"
    short = "short"


@tariff.command()
def show(
    file: Annotated[str, typer.Argument(help=FILE_HELP)],
) -> None:
    """Say a tariff's rates in words, and draw its schedule: months down, hours across."""
    for number, one in enumerate(_tariffs(file).values()):
        if number:
            put("")
        draw(one)


@tariff.command()
def convert(
    file: Annotated[str, typer.Argument(help=FILE_HELP)],
    to: Annotated[
        Form | None,
        typer.Option(help="Form to write; by the output's name, else the one the file has not."),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Write a tariff as URDB JSON or in the short form; it bills the same to the bit."""
    from cairo.files.short_tariff import is_short_form

    one = _only(file)
    form = to or _form_of(output) or (Form.urdb if is_short_form(file) else Form.short)
    _write(one, form, output)


@tariff.command()
def merge(
    delivery: Annotated[str, typer.Argument(help=FILE_HELP)],
    supply: Annotated[str, typer.Argument(help="The tariff that is paid beside it.")],
    to: Annotated[
        Form | None, typer.Option(help="Form to write; by the output's name, else urdb.")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Add two tariffs hour by hour: the bill of the result is the sum of both bills."""
    from cairo.model.merged_tariff import merged

    one, other = _only(delivery), _only(supply)
    name = output.stem if output else f"{one.key}_and_{other.key}"
    _write(merged(one, other, name), to or _form_of(output) or Form.urdb, output)


def _tariffs(file: str) -> dict[str, Tariff]:
    """Tariffs of a file, or the final ones of a run directory."""
    from cairo.files.run_names import LATEST
    from cairo.files.tariff_files import tariffs_of_file
    from cairo.results.finding import run_directory

    name, mark, wanted = file.rpartition("#") if "#" in file else (file, "", "")
    if name.startswith(LATEST) or Path(name).is_dir():
        return tariffs_of_file(f"{run_directory(name) / FINAL_TARIFFS}{mark}{wanted}")
    return tariffs_of_file(file)


def _only(file: str) -> Tariff:
    found = _tariffs(file)
    if len(found) != 1:
        raise TariffError(
            f"{file} has {len(found)} tariffs ({listed(found)}): name one, as "
            f"{file}#{next(iter(found))}"
        )
    return next(iter(found.values()))


def _form_of(output: Path | None) -> Form | None:
    from cairo.files.short_tariff import is_short_form

    if output is None or not output.suffix:
        return None
    return Form.short if is_short_form(output) else Form.urdb


def _write(one: Tariff, form: Form, output: Path | None) -> None:
    import json

    from cairo.files.durable import write_whole
    from cairo.files.short_tariff_export import short_text
    from cairo.files.urdb_export import ElectricityRates_to_URDB

    if form is Form.short:
        text = short_text(one)
    else:
        text = json.dumps(ElectricityRates_to_URDB(one.to_dict(), one.key), indent=1) + "\n"
    if output is None:
        put(text.rstrip("\n"))
        return
    put(write_whole(output, text))
