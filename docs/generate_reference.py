"""Write the reference pages that come from the code: `python docs/generate_reference.py`.

`docs/scenario.md` is made of the pydantic models of a scenario file, `docs/cli.md` of the
commands' signatures, tables of `docs/run_directory.md` and `docs/method.md` of the tables that
runs follow; a test fails when one is not what this script would write.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.models import ArgumentInfo, OptionInfo

from cairo.cli import app
from cairo.files.cambium import METADATA_ROWS
from cairo.model.allocations import ALLOCATIONS
from cairo.model.names import summary_buildings_cols_keep
from cairo.rates_tool.lookups import GAS_COLUMN, PV_COLUMN, TOTAL_COLUMN, UNIT_SUFFIXES
from cairo.rates_tool.low_income_assistance import AssistanceProgram
from cairo.rates_tool.run_files import RUN_FILES, Column
from cairo.scenario.run_parts import RequirementFrom, SubclassConfig
from cairo.scenario.run_settings import RunSettings
from cairo.workers.settings import ClusterSettings, DaskSettings, TLSSettings

DOCS = Path(__file__).parent
MADE = "<!-- written by docs/generate_reference.py: change that file, or the code it reads -->"

GROUPS = {
    "run_name": "The run",
    "path_resstock_loads": "Homes and results",
    "path_tariff_maps_electric": "Tariffs",
    "utility_revenue_requirement": "Revenue requirement",
    "path_supply_energy_mc": "Marginal prices",
    "solar_pv_compensation": "Solar, net load and sample",
    "utility_tax_rate": "Taxes and bill assistance",
    "dask": "Where it runs",
}
"""First key of each section, in the model's order."""

TYPES = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}

SCENARIO_HEAD = """# Scenario file

A YAML file of runs. Each run is a mapping of the keys below; `cairo check` names every key that
is unknown, missing or does not fit, and every input file that is unsound, a line each.

```yaml
runs:
  flat_2025:
    run_type: precalc
    backend: dask_dataframe
    year_run: 2025
    path_resstock_loads: ../resstock/load_curve_hourly/state=VT/upgrade=00
    path_resstock_metadata: ../resstock/metadata/metadata-sb.parquet
    path_tariff_maps_electric: tariff_maps/flat.csv
    path_tariffs_electric: {all: tariffs/flat.json}
    utility_revenue_requirement: rev_requirement/utility.yaml
    path_supply_energy_mc: marginal_costs/energy.parquet
    path_supply_capacity_mc: marginal_costs/capacity.parquet
```

- **Names of runs** may be numbers.
- **Paths** may be absolute, URLs such as `s3://bucket/folder`, or relative. Relative ones start
  from the parent of the nearest `scenarios/` folder that the file is in, at any depth, else from
  the file's own folder; `--config-dir` names another.
- **`path_outputs`** may have `<execution_time>` and `<batch>` in it: the run's time stamp, and what
  `--batch` says.
- **Keys of other tools** (`upgrade`, `fair_default`, `path_tou_supply_energy_mc`,
  `path_tou_supply_capacity_mc`, any mapping under a name that is not nearly a key of ours) are used
  for nothing: `cairo check` lists them once, `run.json` keeps them. A warning tells of load files
  that are named after another `upgrade`.
- **Shared settings** can stand under any other top-level key, merged by YAML anchors
  (`<<: *common`).
- **A mistake in one run** does not keep the others from running.
- **`subclass_config`** is the one other top-level key with a meaning: it is that of runs that have
  none of their own.

## Tariffs and subclasses

`path_tariffs_electric` gives each tariff file an alias, which is also its name in
`subclass_revenue_requirements`. Results name a tariff by its key, the file's stem. Which home is on
which tariff is said by one of three:

- **`path_tariff_maps_electric`**, a CSV whose `tariff_key` is a stem, or else an alias.
- **`subclass_config`**, where there is no map:

  ```yaml
  subclass_config:
    group_col: heating_type              # or postprocess_group.heating_type
    selectors:
      electric: [heat_pump, electrical_resistance]
      other: natgas,delivered_fuels
  path_tariffs_electric: {electric: tariffs/tou.json, other: tariffs/flat.json}
  ```

  Every home has to be in just one subclass, and every subclass to have homes; homes or subclasses
  that are not so are named. Two aliases may name one file: each is then the key of a tariff of its
  own.
- **One tariff named `all`**, where there is no map: every home is on it.

## Delivery and supply

A run with `run_includes_supply` whose requirement file has both totals splits costs and shares into
delivery and supply, in columns of the
[bill alignment file](run_directory.md#columns) beside the totals. For the bills to be split too, it
has to know what homes pay for delivery alone:

- **`delivery_tariffs: {ALIAS: FILE}`**: a delivery twin of each tariff. A precalc run calibrates
  it to the delivery requirement; `delivery_tariff_final_config.json` has its rates.
- **`delivery_run: RUN`**: the run of a pair that has delivery alone, of the same loads, by its name
  in the file or by the directory of a finished one.

The rest of the bill is supply. Subclasses' requirements come from the requirement file, or of
another run of the same homes:

```yaml
run_includes_subclasses: true
requirement_from: {run: base, delivery: epmc, supply: passthrough}
```

`cairo requirement` writes them into a requirement file. See
[Method](method.md#delivery-and-supply).
"""

REQUIREMENT_HEAD = """\
A YAML mapping. The run's `run_includes_supply` chooses between the first two. Numbers may be
written as text, such as `1e12` or `1,234.5`; other keys are passed over.

A `default` run may leave the file out: its requirement is then what its bills collect, and
the residual what is left of it after marginal costs. Where a requirement is more than ten times the
run's revenue, the run says that it cannot be meant.
"""

REQUIREMENT_FILE = {
    "`total_delivery_revenue_requirement`": "[$/year]",
    "`total_delivery_and_supply_revenue_requirement`": "[$/year]",
    "`revenue_requirement`": "[$/year], in the place of the one that is not there.",
    "`test_year_customer_count`": "Weights are scaled to add to it; optional.",
    "`resstock_kwh_scale_factor`": "Factor on every home's electric hours, PV included; optional.",
    "`subclass_revenue_requirements`": "`{delivery: {METHOD: {ALIAS: $}}, supply: {METHOD: {ALIAS: "
    "$}}}`, used with `run_includes_subclasses`. METHOD is the run's "
    "`residual_allocation_delivery` or `residual_allocation_supply`, ALIAS a key of "
    "`path_tariffs_electric`. A run that includes supply adds the two. They have to add to the "
    "file's total to 1e-6.",
}
FILES = {
    "load file": "`<bldg_id>-<upgrade>.parquet` or `bldg<bldg_id>-up<upgrade>.parquet`: a year of "
    "hourly or 15-minute rows with a `timestamp` without zone (local standard time), "
    + ", ".join(f"`{name}`" for name in (TOTAL_COLUMN, PV_COLUMN, GAS_COLUMN))
    + " [kWh]; the names may end in "
    + ", ".join(f"`{suffix}`" for suffix in UNIT_SUFFIXES if suffix)
    + ". PV of either sign, with losses of the other sign up to 1 % of its energy. Four quarter "
    "hours add to an hour.",
    "metadata": "`bldg_id`, `weight` and any segment columns, such as `in.tenure`.",
    "tariff map": "CSV `bldg_id,tariff_key`.",
    "tariff": "URDB version 3 to 8 JSON, YAML of the [short form](tariffs.md), or a PySAM-style "
    "dict such as `tariff_final_config.json` holds. Gas rates are per kWh of gas.",
    "price file": "Parquet or CSV: the hours of one year (a February 29 is left out), `timestamp` "
    "in EST or without zone, and the column the key names. Where a second column of times says it "
    "is local (`timestamp_local`), that is the clock; two that differ, none of them local, are "
    f"refused. A Cambium file has {METADATA_ROWS} rows above its header or columns of busbar "
    "costs (`energy_cost_busbar`), whatever it is called; its hours are "
    "[counted from a Sunday](method.md#marginal-prices-c). Another year's prices are moved so that "
    "weekdays fall as in `year_run`.",
}

KEPT = ", ".join(f"`{name}`" for name in summary_buildings_cols_keep)
METADATA_COLUMNS = f"""Of the metadata file a run keeps `bldg_id`, `weight`, and of these columns \
those that the file has: {KEPT}.

`metadata_columns: [in.sqft, in.county]` keeps more; a column that is not there is an error. What is
kept is in `customer_metadata.csv`. Each kept column with few values is a segment: it has statistics
of bills and of bill alignment, a menu entry in the [report](report.md), and may be named by
`--group`. To keep fewer, take them out of the metadata file. A column of your own, such as a map of
rate classes, is kept by name once it is in the file.
"""

CLI_HEAD = """# Command line

Results go to standard output, progress and errors to standard error. On a terminal progress is
one live display, elsewhere plain lines.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | `compare` found a difference |
| 2 | bad input, each problem one line that begins with `error:`; or wrong usage |
| 130 | interrupted |
| 129, 143 | the terminal hung up, terminated |

Ctrl-C, SIGTERM and a hang-up end a command with one line. What it was writing is removed, which may
take 15 seconds; whole run directories of a study stay. A second one ends it at once, with its
processes and temporary files. One that comes when the result is in its place changes nothing, and a
second one then says `what was asked for is complete`. In the first hundredths of a second, before
the command catches signals, it ends without a line.

A run ends with one line and exit code 2 when its worker processes have not started, not answered or
taken up no work for 60 seconds. `CAIRO_PATIENCE_SECONDS` in the environment is another number of
seconds.

`cairo --version` prints the version, `cairo COMMAND --help` a command's options, and
`cairo --install-completion` teaches the shell to complete commands, options, runs of the scenario
file that was typed, and backends.

Wherever a run directory is named, also in `cairo.open_run` and `cairo.compare_runs`, it may be
`latest:RUN_NAME`: the newest finished directory of that run in the folder `outputs`, or in another
with `latest:FOLDER/RUN_NAME`. What is not finished has no directory yet. A scenario may say it in
`compare_to` and, as `latest:RUN_NAME#KEY`, for a tariff; there it is looked for in the run's own
output folder unless a folder is named.
"""

EXAMPLES = {
    "demo": ["cairo demo"],
    "init": ["cairo init my_study --demo cairo_demo"],
    "runs": ["cairo runs cairo_demo/rates/scenarios/scenarios_demo.yaml"],
    "check": ["cairo check cairo_demo/rates/scenarios/scenarios_demo.yaml demo_flat_precalc"],
    "run": [
        "cairo run cairo_demo/rates/scenarios/scenarios_demo.yaml demo_flat_precalc "
        "--backend pandas --workers 1 --output-dir by_pandas",
        "cairo run cairo_demo/rates/scenarios/scenarios_demo.yaml demo_flat_precalc "
        "--backend dask_dataframe --output-dir by_dask",
    ],
    "compare": [
        "cairo compare by_pandas/* by_dask/*",
        "cairo compare latest:by_pandas/demo_flat_precalc latest:by_dask/demo_flat_precalc "
        "--only-differences",
    ],
    "report": [
        "cairo report by_dask/* --group postprocess_group.has_hp=True --output report.html",
        "cairo report by_pandas/* by_dask/* --output side_by_side.html",
    ],
    "explain": ["cairo explain by_dask/* 102096 --month Jul"],
    "design": ["cairo design flat by_dask/* --for has_hp=true --output hp_flat.json"],
    "requirement": [
        "cairo requirement by_dask/* --by has_hp --delivery percustomer,epmc --supply volumetric "
        "--output by_heating.yaml"
    ],
    "tariff show": [
        "cairo tariff show my_study/tariffs/electric/example_tou.yaml",
        "cairo tariff show latest:by_dask/demo_flat_precalc",
    ],
    "tariff convert": [
        "cairo tariff convert my_study/tariffs/electric/example_tou.yaml --output example.json",
        "cairo tariff convert cairo_demo/rates/tariffs/electric/tiered.json",
    ],
    "tariff merge": [
        "cairo tariff merge cairo_demo/rates/tariffs/electric/flat.json example.json "
        "--output merged.yaml",
    ],
    "explore": ["cairo explore by_dask/* --output explore.html"],
    "pack": ["cairo pack cairo_demo/resstock/load_curve_hourly/state=DM/upgrade=00 packed"],
}
"""Commands in the order of a first session, with what to type."""

NOTES = {
    "demo": "The same seed gives the same files. Writing again into a demo's folder replaces its "
    "inputs and keeps its outputs.",
    "init": "The scenario has a comment for each key that a first run needs. Without `--demo` it "
    "has places to fill in, which `cairo check` names as long as they are there.",
    "runs": "A run whose settings are wrong is reported after the table.",
    "check": "Load files are read once the rest is sound.",
    "run": "It prints the [run directory](run_directory.md), which appears whole or not at all. "
    "No more workers are used than there are CPUs, whatever `--workers` says; `dask.n_workers` of "
    "the scenario wins over it. With `--keep-dashboard` the directory is printed, and then Dask's "
    "[dashboard](profiling.md) stays until Ctrl-C, which ends the command with exit code 0.",
    "compare": "Numbers x and y are equal when |x - y| is at most atol + rtol max(|x|, |y|). "
    "Text and the order of rows have to be the same. `run.json`, reports and the performance "
    "report are left out.",
    "explain": "The tariff in words; dollars by item and month; quantity x rate = dollars, line by "
    "line, of the year or of a month; burden, residual shares and bill alignment. It is read from "
    "the [billing determinants](run_directory.md#billing-determinants).",
    "report": "Tables are written beside the page, as CSV and XLSX. What is named and is no run "
    "directory is told and not used. See [Report](report.md).",
    "design": "The class pays what it costs by the allocation; see "
    "[Derived rates](method.md#derived-rates). The file says in its description how it was made. "
    "`tou` reads the loads of the run again.",
    "requirement": "METHOD is `percustomer`, `volumetric`, `peak`, `epmc` or `passthrough`; see "
    "[Subclass requirements](method.md#subclass-requirements). Without `--output` the YAML goes to "
    "standard output. Subclasses have the aliases of the run's `subclass_config` where that is of "
    "the same column, else the column's values.",
    "tariff show": "On a terminal cheap hours are green and dear ones red; the characters tell the "
    "periods apart without colour too. See [Tariffs](tariffs.md).",
    "tariff convert": "Periods may be numbered otherwise; every hour has the same rates, and bills "
    "are the same to the bit. A demand ratchet can be written in neither form and is refused.",
    "tariff merge": "Periods are the products of both tariffs' periods. What no tariff can bill as "
    "the sum of two is refused in one line: see "
    "[Delivery and supply](tariffs.md#delivery-and-supply).",
    "explore": "See [Explorer](explore.md).",
    "pack": "A packed stock is a folder that `path_resstock_loads` may name. Values are the same "
    "to the bit; a pack that was interrupted goes on when it is started again.",
}


def pages() -> dict[str, str]:
    """{file name: its text} of the pages that are generated, whole or in part."""
    return {
        "scenario.md": scenario_page(),
        "cli.md": cli_page(),
        "run_directory.md": run_directory_page(),
        "method.md": method_page(),
    }


def scenario_page() -> str:
    """Every key of a scenario file."""
    parts = [MADE, "", SCENARIO_HEAD]
    parts += ["## Keys of a run\n", "Keys without a default are required.\n"]
    for heading, names in _sections():
        parts += [f"### {heading}\n", _keys(RunSettings, names), ""]
    more = {
        "Keys of `dask`": DaskSettings,
        "Keys of `dask.security`": TLSSettings,
        "Keys of `dask.cluster`": ClusterSettings,
        "Keys of `low_income_bill_assistance_program`": AssistanceProgram,
        "Keys of `subclass_config`": SubclassConfig,
        "Keys of `requirement_from`": RequirementFrom,
    }
    for heading, model in more.items():
        parts += [f"## {heading}\n", _keys(model, list(model.model_fields)), ""]
    parts += ["## The revenue requirement file\n"]
    parts += [REQUIREMENT_HEAD]
    parts += [_table(("key", "meaning"), REQUIREMENT_FILE.items()), ""]
    parts += ["## The other files\n", _table(("file", "form"), FILES.items()), ""]
    parts += ["## Metadata columns\n", METADATA_COLUMNS]
    return "\n".join(parts).rstrip() + "\n"


def _sections() -> Iterator[tuple[str, list[str]]]:
    names = list(RunSettings.model_fields)
    starts = [names.index(first) for first in GROUPS]
    assert starts == sorted(starts) and starts[0] == 0, "GROUPS in another order than the model"
    for heading, start, end in zip(GROUPS.values(), starts, [*starts[1:], len(names)], strict=True):
        yield heading, names[start:end]


def _keys(model: type[BaseModel], names: list[str]) -> str:
    rows = []
    for name in names:
        field = model.model_fields[name]
        assert field.description, f"{model.__name__}.{name} has no description"
        value = _type(_annotation(model, name)) + _limits(field)
        rows.append((f"`{_key(name, field)}`", value, _default(field), field.description))
    return _table(("key", "value", "default", "meaning"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _annotation(model: type[BaseModel], name: str) -> Any:
    return typing.get_type_hints(model, include_extras=True)[name]


def _key(name: str, field: FieldInfo) -> str:
    return field.serialization_alias or field.alias or name


def _type(kind: Any) -> str:
    """A type in words."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        words = [_type(one) for one in arguments if one is not types.NoneType]
        return " or ".join(dict.fromkeys(words))
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"mapping of {_type(arguments[1])}"
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return "mapping"
    return TYPES[kind]


def _limits(field: FieldInfo) -> str:
    """`, 0 to 1`: the range a number must be in."""
    found = {
        name: getattr(one, name)
        for one in field.metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(one, name, None) is not None
    }
    if "ge" in found and "le" in found:
        return f", {found['ge']} to {found['le']}"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return "".join(f", {words[name]} {value}" for name, value in found.items())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    if field.default is PydanticUndefined or field.default is None:
        return "none"
    value = field.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def commands_of(program: typer.Typer, before: str = "") -> dict[str, Any]:
    """{name: function} of every command, those of groups as `group command`."""
    found = {
        f"{before}{info.name or (info.callback and info.callback.__name__)}": info.callback
        for info in program.registered_commands
    }
    for group in program.registered_groups:
        assert group.typer_instance is not None
        found |= commands_of(group.typer_instance, f"{before}{group.name} ")
    return found


def cli_page() -> str:
    """Every command with its arguments and options."""
    commands = commands_of(app)
    assert set(commands) == set(EXAMPLES), "EXAMPLES has other commands than the program"
    parts = [MADE, "", CLI_HEAD]
    for name, lines in EXAMPLES.items():
        command = commands[name]
        parts += [f"## cairo {name}\n", f"{inspect.getdoc(command)}\n"]
        parts += ["```console", *lines, "```\n", f"{NOTES[name]}\n", _options(command), ""]
    return "\n".join(parts).rstrip() + "\n"


def _options(command: Any) -> str:
    rows = []
    signature = inspect.signature(command, eval_str=True)
    for name, parameter in signature.parameters.items():
        info = typing.get_args(parameter.annotation)[1]
        required = parameter.default is parameter.empty
        if isinstance(info, ArgumentInfo):
            shown = info.metavar or name.upper()
            shown = shown if required else f"[{shown}]"
        else:
            assert isinstance(info, OptionInfo)
            shown = (info.param_decls or [f"--{name.replace('_', '-')}"])[0]
        default = "required" if required else _shown_default(parameter.default)
        rows.append((f"`{shown}`", default, str(info.help)))
    return _table(("argument or option", "default", "meaning"), rows)


def _shown_default(value: Any) -> str:
    if value is None:
        return "none"
    return "off" if value is False else f"`{value}`"


# Parts of pages that are written by hand


def filled(page: str, part: str, text: str) -> str:
    """A page with the text between the marks of one of its parts."""
    begin, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{text}\n\n{end}{after}"


def run_directory_page() -> str:
    """Files of a run directory and their columns, from the table that writes them."""
    page = (DOCS / "run_directory.md").read_text(encoding="utf-8")
    rows = [(f"`{one.name}`", one.about) for one in RUN_FILES]
    report = "the [report](report.md) and its tables, when one has been made"
    rows.append(("`report.html`, `report.xlsx`, `report_tables/`", report))
    rows.append(("`explore.html`", "the [explorer](explore.md), when one has been made"))
    page = filled(page, "run files", _table(("file", "holds"), rows))
    tables: dict[tuple[Column, ...], list[str]] = {}
    for one in RUN_FILES:
        if one.columns:
            tables.setdefault(one.columns, []).append(f"`{one.name}`")
    parts = [
        f"{', '.join(names)}:\n\n"
        + _table(("column", ""), [(f"`{column.name}`", column.about) for column in columns])
        for columns, names in tables.items()
    ]
    return filled(page, "run columns", "\n\n".join(parts))


def method_page() -> str:
    """The bases of the residual allocations, from their table."""
    page = (DOCS / "method.md").read_text(encoding="utf-8")
    rows = [(f"{one.label} (`{one.name}`)", one.basis_label) for one in ALLOCATIONS]
    return filled(page, "allocations", _table(("allocation", "b[i] is the"), rows))


if __name__ == "__main__":
    for page, text in pages().items():
        (DOCS / page).write_text(text, encoding="utf-8")
        print(f"wrote docs/{page}")
