"""What a run takes of one that is finished: delivery bills, and subclasses' requirements."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from cairo.errors import RequirementError, listed, listed_buildings
from cairo.files.metadata import group_column
from cairo.files.recorded_options import open_text
from cairo.model.arrays import Float1D, Int1D
from cairo.model.components import COMPONENTS, DELIVERY, of_component
from cairo.model.names import ANNUAL, BURDEN
from cairo.model.response import ResponsePlan
from cairo.model.setting_problems import setting_problems
from cairo.model.subclass_requirements import (
    PASSTHROUGH,
    by_subclass,
    cost_of_service,
    methods,
    share_column,
)
from cairo.rates_tool.run_files import BAT_FILE
from cairo.rates_tool.run_reader import RunReader
from cairo.scenario.requirement_file import (
    BY_SUBCLASS,
    COUNT,
    DELIVERY_TOTAL,
    KWH_SCALE,
    SUM_RTOL,
    WHOLE_TOTAL,
)
from cairo.scenario.run_parts import SubclassConfig
from cairo.scenario.run_settings import RunSettings
from cairo.scenario.subclasses import subclass_of

WEIGHT_RTOL = 1e-9
"""Weights of two runs that differ by more are not the same."""
PRICE_RTOL = 1e-9
"""Ratios of prices of two runs that differ by more are not the same."""
OF_LOADS = (
    "path_resstock_loads",
    "floor_negative_net_load",
    "elasticity",
    "elasticity_response",
    "winter_months",
)
"""Settings that make the hours which are billed."""
Methods = Mapping[str, Sequence[str]]
"""{component: methods of its requirement}."""


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run directory, as far as other runs build on it.

    bldg_ids, weight : (n,) homes and customers.
    requirement : {component: $/year}; a run without supply has delivery alone.
    settings, summary : of its record. has_responded : whether its customers respond to price.
    """

    path: Path
    bldg_ids: Int1D
    weight: Float1D
    requirement: Mapping[str, float]
    settings: Mapping[str, object]
    summary: Mapping[str, object]
    has_responded: bool = False

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> FinishedRun:
        """Read a run directory's record and homes.

        Raises
        ------
        CairoError
            It is missing, or a file of it is or cannot be read.
        """
        reader = RunReader(path)
        record = reader.mapping("run.json", ["settings", "summary"])
        settings, summary = record["settings"], record["summary"]
        try:
            requirement = _requirement_of(settings, summary)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise RequirementError(
                f"{reader.path / 'run.json'} has no revenue_requirement: it is not a run's"
            ) from None
        homes = reader.table(BAT_FILE, ["bldg_id", "weight"], others=False)
        ids = homes["bldg_id"].to_numpy(np.int64)
        weight = homes["weight"].to_numpy(np.float64)
        responded = "demand_response" in record
        return cls(reader.path, ids, weight, requirement, settings, summary, responded)

    @property
    def is_split(self) -> bool:
        """Whether it has delivery and supply side by side."""
        return len(self.requirement) > 1

    @property
    def kwh_scale(self) -> float:
        """Factor on every home's electric hours."""
        return float(str(self.summary.get("kwh_scale_factor", 1.0)))

    def dollars(self, column: str, component: str) -> Float1D:
        """A column of a component (n,) [$], a row a home.

        Raises
        ------
        RequirementError
            The run does not have the component, or not this of it.
        """
        if component not in self.requirement:
            there = listed(self.requirement) or "the whole alone"
            raise RequirementError(
                f"run {self.path} has costs of {there}, not of {component}: run it with "
                "run_includes_supply and a requirement file that has both "
                f"{DELIVERY_TOTAL} and {WHOLE_TOTAL}"
            )
        name = of_component(column, component) if self.is_split else column
        reader = RunReader(self.path)
        if name not in reader.header(BAT_FILE):
            what = (
                "no delivery bills: run it with delivery_tariffs or delivery_run"
                if column == ANNUAL
                else f"no column {name}"
            )
            raise RequirementError(f"run {self.path} has {what}")
        values: Float1D = reader.table(BAT_FILE, [name], others=False)[name].to_numpy(np.float64)
        return values

    def check_same(self, key: str, metadata: pd.DataFrame, year: int, kwh_scale: float) -> None:
        """Check that a run which builds on this one has its homes, weights, year and factor.

        Parameters
        ----------
        key : of the setting that names this run. metadata : `bldg_id, weight` of the other run.

        Raises
        ------
        RequirementError
            It has others.
        """
        what = f"{key} {self.path}"
        mine = pd.Series(self.weight, self.bldg_ids)
        theirs = pd.Series(metadata["weight"].to_numpy(np.float64), metadata["bldg_id"])
        others = sorted(set(mine.index) ^ set(theirs.index))
        if others:
            raise RequirementError(
                f"{what} is of other homes: buildings {listed_buildings(others)} are in one of the "
                "two runs"
            )
        apart = ~np.isclose(mine.reindex(theirs.index), theirs, rtol=WEIGHT_RTOL, atol=0.0)
        if apart.any():
            home = theirs.index[apart][0]
            raise RequirementError(
                f"{what} has other weights: building {home} stands for {mine[home]:,.6g} "
                f"customers there, {theirs[home]:,.6g} here"
            )
        if self.settings.get("year_run") != year:
            raise RequirementError(
                f"{what} is of the year {self.settings.get('year_run')}, the run of {year}"
            )
        if not math.isclose(self.kwh_scale, kwh_scale, rel_tol=WEIGHT_RTOL):
            raise RequirementError(
                f"{what} has {KWH_SCALE} {self.kwh_scale:g}, the run {kwh_scale:g}"
            )

    def check_not_responded(self, key: str) -> None:
        """Check that its costs are of loads that no price has moved.

        Raises
        ------
        RequirementError
            Its customers have responded: a run whose customers do would count that twice.
        """
        if self.has_responded:
            raise RequirementError(
                f"{key} {self.path} has elasticity {self.settings.get('elasticity')}: its costs "
                "are after a response, and this run's would be added to them; expected a run "
                "without"
            )

    def check_same_response(
        self, plans: Mapping[str, ResponsePlan], tariff_of: Mapping[int, str]
    ) -> None:
        """Check that its homes have moved their hours as those of the run with these plans do.

        They do where the same homes respond together to prices of the same ratios.

        Raises
        ------
        RequirementError
            Others respond, or to other prices.
        """
        columns = ["bldg_id", "tariff_key", "season", "period", "price"]
        moved = RunReader(self.path).table("demand_response.csv", columns, others=False)
        there = {
            frozenset(rows["bldg_id"].tolist()): _ratios(
                rows["season"], rows["period"], rows["price"].to_numpy(np.float64)
            )
            for _, rows in moved.groupby("tariff_key", observed=True)
        }
        here = {}
        for key, plan in plans.items():
            homes = frozenset(home for home, on in tariff_of.items() if on == key)
            season, period = np.nonzero(plan.occurs)
            names = [plan.seasons[place] for place in season]
            here[homes] = _ratios(names, period + 1, plan.price[period])
        if here.keys() != there.keys() or any(
            own.keys() != there[homes].keys()
            or any(not math.isclose(own[k], there[homes][k], rel_tol=PRICE_RTOL) for k in own)
            for homes, own in here.items()
        ):
            raise RequirementError(
                f"delivery_run {self.path}: other homes respond to price in it, or to prices of "
                "other ratios, than in the run, so that its bills are of other hours; expected "
                "tariffs of the same ratios between periods"
            )

    def delivery_bills(self, settings: RunSettings) -> pd.Series:
        """Annual bills [$] by bldg_id of a run of delivery alone, which another's are split by.

        Raises
        ------
        RequirementError
            It includes supply, or is of other loads than those of the run with these settings.
        """
        if set(self.requirement) != {DELIVERY}:
            raise RequirementError(
                f"delivery_run {self.path} includes supply, expected a run of delivery alone"
            )
        mine = settings.recorded()
        for key in OF_LOADS:
            here, there = open_text(mine.get(key)), self.settings.get(key)
            if here != there:
                raise RequirementError(
                    f"delivery_run {self.path} has {key} {there}, the run {here}: expected one of "
                    "the same loads"
                )
        return pd.Series(self.dollars(ANNUAL, DELIVERY), self.bldg_ids)

    def required(
        self, subclass: Sequence[str], names: Sequence[str], wanted: Methods
    ) -> dict[str, dict[str, dict[str, float]]]:
        """{component: {method: {subclass: $/year}}}.

        Parameters
        ----------
        subclass : of each home, in the order of `bldg_ids`; one of `names`.
        wanted : {component: methods}.

        Raises
        ------
        RequirementError
            The run does not have what a method needs, or subclasses do not add to what it has to
            collect.
        """
        place = np.array([names.index(one) for one in subclass])
        found: dict[str, dict[str, dict[str, float]]] = {}
        for component, its in wanted.items():
            found[component] = {}
            for method in its:
                cost = self._cost(component, method)
                amounts = by_subclass(self.weight, cost, place, len(names))
                self._check_sum(component, method, math.fsum(amounts))
                dollars = dict(zip(names, amounts.tolist(), strict=True))
                found[component][method] = dollars
        return found

    def _cost(self, component: str, method: str) -> Float1D:
        if method not in methods():
            raise RequirementError(f"{component} method {method!r}: expected {listed(methods())}")
        if method == PASSTHROUGH:
            return self.dollars(ANNUAL, component)
        share = self.dollars(share_column(method), component)
        return cost_of_service(self.dollars(BURDEN, component), share)

    def _check_sum(self, component: str, method: str, found: float) -> None:
        total = self.requirement[component]
        if abs(found - total) > SUM_RTOL * max(abs(total), abs(found)):
            raise RequirementError(
                f"run {self.path}: subclasses of {component}.{method} add to {found:,.2f} $, but "
                f"its {component} requirement is {total:,.2f} $"
            )


def _ratios(
    seasons: Iterable[object], periods: Iterable[object], prices: Float1D
) -> dict[tuple[str, int], float]:
    """{(season, period): price over the lowest}."""
    names = [
        (str(season), int(str(period))) for season, period in zip(seasons, periods, strict=True)
    ]
    return dict(zip(names, (prices / prices.min()).tolist(), strict=True))


def _requirement_of(settings: Mapping[str, object], summary: Mapping[str, Any]) -> dict[str, float]:
    """{component: $/year} of a run's record; empty where it has the whole alone."""
    parts = summary.get("components")
    if parts:
        return {name: float(parts[name]["revenue_requirement"]) for name in COMPONENTS}
    # A script's run does not say what it includes.
    alone = settings.get("run_includes_supply") is False
    if alone and not settings.get("delivery_only_revenue_requirement"):
        return {DELIVERY: float(summary["revenue_requirement"])}
    return {}


def requirement_content(
    run_dir: str | os.PathLike[str], by: str, wanted: Methods
) -> dict[str, object]:
    """A requirement file of a finished run's subclasses, as other programs read it too.

    Parameters
    ----------
    run_dir : the run directory.
    by : metadata column of the subclasses, without `postprocess_group.` if need be. They have the
        aliases of the run's own `subclass_config` where that is of this column, else the column's
        values.
    wanted : {component: methods}.

    Raises
    ------
    CairoError
        A file of the run is missing or does not have what a method needs, homes without a value,
        or subclasses that do not add to the requirement.
    """
    run = FinishedRun.read(run_dir)
    name = "customer_metadata.csv"
    metadata = RunReader(run_dir).table(name, ["bldg_id", "weight"], text=True)
    column = group_column(metadata.columns, by)
    if column is None:
        raise RequirementError(
            f"{run.path / name} has no column {by} (there are {listed(metadata.columns)}); "
            "metadata_columns of the run keeps more"
        )
    metadata = metadata.set_index("bldg_id", drop=False)
    unknown = [home for home in run.bldg_ids.tolist() if home not in metadata.index]
    if unknown:
        raise RequirementError(f"{run.path / name} lacks buildings {listed_buildings(unknown)}")
    metadata = metadata.loc[run.bldg_ids]
    config = _config(run, metadata, column)
    found = run.required(subclass_of(metadata, config), list(config.selectors), wanted)
    content: dict[str, object] = {}
    if run.settings.get("utility"):
        content["utility"] = run.settings["utility"]
    content |= {"group_col": by, "source_run_dir": str(run_dir)}
    # Scaled weights miss the count that they were scaled to by rounding.
    content[COUNT] = float(f"{math.fsum(run.weight):.12g}")
    if run.kwh_scale != 1.0:
        content[KWH_SCALE] = run.kwh_scale
    content[DELIVERY_TOTAL] = run.requirement[DELIVERY]
    if run.is_split:
        content[WHOLE_TOTAL] = math.fsum(run.requirement.values())
    return content | {BY_SUBCLASS: found}


def _config(run: FinishedRun, metadata: pd.DataFrame, column: str) -> SubclassConfig:
    """Subclasses by a column: as the run's settings have them, else its values."""
    given = run.settings.get("subclass_config")
    if isinstance(given, Mapping):
        try:
            config = SubclassConfig.model_validate(given)
        except ValidationError as error:
            raise setting_problems(
                error, given, f"{run.path / 'run.json'} subclass_config", SubclassConfig
            ) from None
        if group_column(metadata.columns, config.group_col) == column and config.selectors:
            return config
    values = sorted({str(value) for value in metadata[column].dropna()} - {""})
    return SubclassConfig(group_col=column, selectors={value: [value] for value in values})
