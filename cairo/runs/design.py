"""Rates derived of a finished run alone, without a scenario: `cairo design`."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pydantic import ValidationError

from cairo.errors import ScenarioError, listed
from cairo.files.metadata import group_column
from cairo.model.derived_tariffs import WINTER_MONTHS
from cairo.model.prices import total_price
from cairo.model.setting_problems import setting_problems
from cairo.rates_tool.backend import Work
from cairo.rates_tool.design import Design
from cairo.results.run import Run
from cairo.runs.derived import Source, class_load, designed, windows_designed
from cairo.scenario.inputs import read_inputs
from cairo.scenario.run_parts import DerivedTariff
from cairo.scenario.run_settings import validated
from cairo.scenario.subclasses import value_text


@dataclass(frozen=True)
class Asked:
    """A design as a command line asks for it; see `DerivedTariff`.

    homes : `COLUMN=VALUE` of the class; those on the tariff when None.
    tariff : key of the tariff to start from; the class's only one when None.
    """

    kind: str
    homes: str | None = None
    tariff: str | None = None
    allocation: str = "percustomer"
    winter_months: str | None = None
    hours: int | None = None
    knobs: tuple[str, ...] = ("fixed_charge", "level")


def design_of(run_dir: str | os.PathLike[str], asked: Asked) -> Design:
    """A tariff that follows from a finished run.

    `tou` reads the run's loads again, as its record says.

    Raises
    ------
    CairoError
        No such run, class or tariff, or no such rates.
    """
    run = Run(run_dir)
    how = _how(run, asked)
    on = run.files.table("tariff_map.csv").set_index("bldg_id")["tariff_key"]
    homes = _class(run, asked.homes)
    if homes is None:
        if asked.tariff is None and on.nunique() > 1:
            raise ScenarioError(
                f"{run.path} has tariffs {listed(sorted(on.unique()))}: say whose costs are met "
                "with --for COLUMN=VALUE, or which homes with --tariff KEY"
            )
        homes = on.index[on == (asked.tariff or on.iloc[0])].tolist()
    keys = sorted(on[on.index.isin(homes)].unique())
    key = asked.tariff or (keys[0] if len(keys) == 1 else None)
    if key is None:
        raise ScenarioError(
            f"the class is on tariffs {listed(keys)}: say which to start from with --tariff KEY"
        )
    source = Source(run, key)
    winter = how.winter_months or list(WINTER_MONTHS)
    if how.derive != "tou":
        return designed(how, source, homes, winter)
    inputs = read_inputs(validated(run.info["settings"], f"{run.path}/run.json settings"))
    work = Work(inputs.settings.process_workers, inputs.settings.dask)
    load = class_load(inputs, homes, work)
    return windows_designed(how, source, load, total_price(run.system), winter)


def _how(run: Run, asked: Asked) -> DerivedTariff:
    values: dict[str, object] = {
        "derive": asked.kind,
        "from": str(run.path),
        "allocation": asked.allocation,
        "hours": asked.hours,
        "knobs": asked.knobs,
    }
    if asked.winter_months is not None:
        values["winter_months"] = asked.winter_months.split(",")
    try:
        return DerivedTariff.model_validate(values)
    except ValidationError as error:
        raise setting_problems(error, values, "cairo design", DerivedTariff) from None


def _class(run: Run, homes: str | None) -> list[int] | None:
    if homes is None:
        return None
    name, found, value = homes.partition("=")
    column = group_column(run.metadata.columns, name)
    if not found or column is None:
        raise ScenarioError(
            f"--for {homes}: expected COLUMN=VALUE of {listed(run.metadata.columns)}"
        )
    values = run.metadata[column].map(value_text)
    mine: list[int] = run.metadata["bldg_id"][values == value_text(value)].tolist()
    if not mine:
        raise ScenarioError(
            f"--for {homes}: no home has it, their values are {listed(sorted(values.unique()))}"
        )
    return mine
