"""`cairo init`: a folder with a commented scenario, an example tariff and a map, to begin with."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd

from cairo.errors import OutputError, ScenarioError
from cairo.files.durable import write_folder
from cairo.files.run_directory import writing
from cairo.runs.demo import LOADS, MARKER, METADATA, UTILITY, YEAR

SCENARIO = "scenarios/scenarios.yaml"
TARIFF = "tariffs/electric/example_tou.yaml"
MAP = "tariff_maps/electric/all_on_example_tou.csv"
PLAIN = re.compile(r"[\w./=-]([\w./= -]*[\w./=-])?")
TO_FILL = "FILL_IN"
"""Stands for what only the user knows; `cairo check` names what is left."""

TARIFF_TEXT = """\
# A time-of-use tariff in the short form: `cairo tariff show` draws it, docs/tariffs.md explains it.
name: Example time of use
fixed_charge: 10.00          # $ a month
seasons:
  summer: Jun-Sep
  winter: rest               # the months that no other season has
periods:
  peak: weekdays 16-21       # from 16:00 until 21:00
  off-peak: rest             # every other hour of every day
rates:                       # $/kWh
  summer: {peak: 0.32, off-peak: 0.11}
  winter: {peak: 0.18, off-peak: 0.10}
"""

SCENARIO_TEXT = """\
# Runs of a rate study. Relative paths start from the folder above scenarios/.
#
#   cairo check %(scenario)s
#   cairo run %(scenario)s example_precalc
%(todo)s
common: &common
  backend: dask_dataframe
  year_run: %(year)s                 # the calendar that loads are moved to and bills are made in
  %(utility)s
  # Homes: a load file a home, weights and segments, and which homes the utility serves.
  path_resstock_loads: %(loads)s
  path_resstock_metadata: %(metadata)s
  %(assignment)s
  # Hourly marginal prices.
  path_supply_energy_mc: %(prices)s/supply_energy.parquet         # $/MWh
  path_supply_capacity_mc: %(prices)s/supply_capacity.parquet     # $/MWh
  path_dist_and_sub_tx_mc: %(prices)s/dist_and_sub_tx.parquet     # $/kWh
  path_bulk_tx_mc: %(prices)s/bulk_tx.parquet                     # $/kWh
  # Which home is on which tariff, and the tariffs: {alias: file}.
  path_tariff_maps_electric: %(map)s
  path_tariffs_electric: {all: %(tariff)s}
  # What the utility has to collect [$/year], of delivery and supply here.
  utility_revenue_requirement: %(requirement)s
  run_includes_supply: true
  solar_pv_compensation: net_metering
  # Metadata columns to keep for statistics besides the usual ones, such as in.sqft.
  metadata_columns: []
  path_outputs: outputs          # each run gets a folder of its own in it

runs:
  # precalc: the tariff's rates keep their proportions, their level meets the requirement.
  example_precalc:
    <<: *common
    run_type: precalc
  # default: the tariff is billed as its file has it.
  example_default:
    <<: *common
    run_type: default
"""
TODO = """\
#
# Before that, put your own files in the place of every FILL_IN, and your homes into
# %(map)s.
# docs/scenario.md has the forms of the files.
"""


def write_first_scenario(
    folder: str | os.PathLike[str], demo: str | os.PathLike[str] | None = None
) -> Path:
    """Write a scenario, a tariff of the short form and a tariff map; the scenario's path.

    Parameters
    ----------
    folder : a new folder, or one that is empty.
    demo : folder of a demo, whose homes, prices and requirement the scenario uses, so that it
        runs as it is; without one there are places to fill in.

    Raises
    ------
    OutputError
        The folder has something in it, or cannot be written.
    ScenarioError
        `demo` is no demo's folder.
    """
    root = Path(folder)
    with writing(root):
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise OutputError(f"{root} has something in it, expected a new folder: name another")
    if demo is not None and not (Path(demo) / MARKER).is_file():
        raise ScenarioError(f"{demo} is no demo's folder, expected one that `cairo demo` has made")
    with writing(root):
        write_folder(root, _texts(root, None if demo is None else Path(demo)))
    return root / SCENARIO


def _quoted(path: str) -> str:
    """A path that stands in YAML, also after other text, as it is.

    Raises
    ------
    ScenarioError
        It cannot.
    """
    if not PLAIN.fullmatch(path):
        raise ScenarioError(
            f"the demo's folder {path} has a name that YAML would take for more than a name: "
            "expected letters, digits, spaces and . _ - / ="
        )
    return path


def _texts(root: Path, demo: Path | None) -> dict[str, str]:
    """What each file holds."""
    stock = TO_FILL if demo is None else _quoted(os.path.relpath(demo, root))
    ids = [1, 2] if demo is None else pd.read_parquet(demo / METADATA)["bldg_id"].tolist()
    assignment = f"path_utility_assignment: {stock}/resstock/metadata/utility_assignment.parquet"
    words = {
        "scenario": root / SCENARIO,
        "todo": TODO % {"map": MAP} if demo is None else "",
        "year": YEAR,
        "utility": f"utility: {TO_FILL if demo is None else UTILITY}",
        "loads": f"{stock}/load_curve_hourly" if demo is None else f"{stock}/{LOADS}",
        "metadata": f"{stock}/metadata.parquet" if demo is None else f"{stock}/{METADATA}",
        "assignment": f"# {assignment}" if demo is None else assignment,
        "prices": f"{stock}/marginal_costs" if demo is None else f"{stock}/rates/marginal_costs",
        "requirement": f"{stock}/requirement.yaml"
        if demo is None
        else f"{stock}/rates/rev_requirement/demo.yaml",
        "map": MAP,
        "tariff": TARIFF,
    }
    return {
        SCENARIO: SCENARIO_TEXT % words,
        TARIFF: TARIFF_TEXT,
        MAP: pd.DataFrame({"bldg_id": ids, "tariff_key": Path(TARIFF).stem}).to_csv(index=False),
    }
