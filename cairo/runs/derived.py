"""Tariffs whose rates follow from the costs that a finished run has found."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cairo.errors import TariffError, listed_buildings
from cairo.files.tariff_maps import tariff_place
from cairo.model.arrays import Bool1D, Float1D
from cairo.model.bill_parts import (
    ANNUAL_MINIMUM,
    ASSISTANCE,
    CREDIT,
    ENERGY,
    MINIMUM,
    RIDER,
    SURCHARGE,
    TAX,
)
from cairo.model.bill_parts import (
    FIXED as FIXED_ITEM,
)
from cairo.model.calendar import hour_months, hour_of_day
from cairo.model.derived_rates import (
    FIXED,
    ClassTotals,
    best_windows,
    fair_rates,
    flat_rates,
    seasonal_rates,
)
from cairo.model.derived_tariffs import (
    KNOWN,
    NOT_DERIVED,
    fair_tariff,
    flat_tariff,
    seasonal_tariff,
    seasons_of,
    windowed_tariff,
)
from cairo.model.kernels import weighted_total
from cairo.model.names import ANNUAL, BURDEN, HOURS_OF_DAY
from cairo.model.progress import Progress
from cairo.model.subclass_requirements import cost_of_service, share_column
from cairo.model.tariff import BUY_ALL, Tariff, parse_tariff
from cairo.rates_tool.backend import RunLoads, Work, backend_class
from cairo.rates_tool.dd_stages.load_source import LoadSource
from cairo.rates_tool.design import Design
from cairo.rates_tool.run_spec import Customers, RunSpec, Service
from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide
from cairo.results.run import Run
from cairo.scenario.electric_tariffs import winter_months_of
from cairo.scenario.inputs import RunInputs, read_inputs
from cairo.scenario.run_parts import DerivedTariff
from cairo.scenario.run_settings import RunSettings
from cairo.scenario.subclasses import subclass_of
from cairo.shared import sharing

OF_THE_TARIFF = (FIXED_ITEM, ENERGY, MINIMUM, ANNUAL_MINIMUM)
"""Items of bills that a derived tariff has rates of its own for, or none."""
BEYOND_RATES = (TAX, SURCHARGE, ASSISTANCE, RIDER)
"""Items of bills that no rate collects."""


class Source:
    """A finished run that rates are derived of.

    Parameters
    ----------
    run : the run. key : of the tariff that is started from.

    Raises
    ------
    TariffError
        The run has no such tariff, or its bills hold more than what rates collect.
    """

    def __init__(self, run: Run, key: str) -> None:
        self.run, self.key = run, key
        if key not in run.tariffs:
            raise TariffError(f"{run.path} has no tariff {key} (there are {list(run.tariffs)})")
        self.tariff = parse_tariff(key, run.tariffs[key])
        KNOWN.refuse_others(self.tariff, NOT_DERIVED)
        parts = run.determinants
        beyond = parts["item"].isin(BEYOND_RATES)
        if beyond.any():
            items = sorted(parts.loc[beyond, "item"].astype(str).unique())
            raise TariffError(
                f"{run.path} has bills with {', '.join(items)}, which rates do not collect: derive "
                "from a run without taxes and assistance"
            )
        settings = run.info["settings"]
        if settings.get("net_metering_rollover"):
            raise TariffError(
                f"{run.path} carries credits from month to month, so that bills are not linear in "
                "rates: derive from a run without net_metering_rollover"
            )
        style = settings.get("solar_pv_compensation")
        ratio = settings.get("solar_pv_export_import_ratio")
        self.net_metering = style == "net_metering"
        self.ratio = float(self.net_metering if ratio is None else ratio)
        if self.tariff.metering_option == BUY_ALL:
            raise TariffError(
                f"tariff {key} of {run.path} buys all and sells all, which derived rates do not: "
                "derive from a tariff that nets"
            )
        if style == "net_billing" and self.tariff.sell.any():
            raise TariffError(
                f"tariff {key} of {run.path} has sell rates of its own, which derived rates do not "
                "have: give solar_pv_export_import_ratio, or net metering"
            )
        bat = run.bat.set_index("bldg_id")
        self.ids = bat.index
        self.weight: Float1D = bat["weight"].to_numpy(np.float64)
        self.bat = bat

    @property
    def fixed(self) -> float:
        """The tariff's fixed charge [$/month]."""
        return self.tariff.monthly_fixed

    @property
    def metering(self) -> int:
        """Its `ur_metering_option`."""
        return self.tariff.metering_option

    def places(self, bldg_ids: Sequence[int]) -> Bool1D:
        """Which of its homes are among these.

        Raises
        ------
        TariffError
            Some of them are none of its homes.
        """
        missing = pd.Index(bldg_ids).difference(self.ids)
        if len(missing):
            raise TariffError(
                f"{self.run.path} has no bills of buildings {listed_buildings(missing.tolist())}"
            )
        mine: Bool1D = self.ids.isin(list(bldg_ids))
        return mine

    def cost(self, mine: Bool1D, allocation: str) -> float:
        """T [$/year]: marginal costs of a class and its share of the residual."""
        dollars = cost_of_service(
            self.bat[BURDEN].to_numpy(np.float64),
            self.bat[share_column(allocation)].to_numpy(np.float64),
        )
        return weighted_total(self.weight[mine], dollars[mine])

    def totals(self, mine: Bool1D, winter_months: Sequence[int]) -> ClassTotals:
        """What a class has been billed."""
        by_home = self._by_home(winter_months)
        weight = self.weight[mine]

        def total(values: Float1D) -> float:
            return weighted_total(weight, values[mine])

        customers = total(np.ones(len(self.weight)))
        bills = total(self.bat[ANNUAL].to_numpy(np.float64))
        return ClassTotals(
            customers, bills, **{name: total(values) for name, values in by_home.items()}
        )

    def _by_home(self, winter_months: Sequence[int]) -> dict[str, Float1D]:
        """Sums of each home's year (n,), unweighted, named as in `ClassTotals`."""
        parts = self.run.determinants
        item, dollars = parts["item"].astype(str), parts["dollars"]
        winter = parts["month"].isin(list(winter_months))
        energy, exported = item == ENERGY, item == CREDIT
        credited = self.ratio * self._retail_value(parts)
        kwh = parts["quantity"].where(energy, -self.ratio * parts["quantity"])
        collected = dollars.where(energy, -credited)
        # Of net metering the rest of a credit is fuel adjustment.
        beside = dollars.where(~exported, (dollars + credited) * self.net_metering)

        def summed(values: pd.Series, rows: pd.Series) -> Float1D:
            by_id = values[rows].groupby(parts["bldg_id"][rows]).sum()
            found: Float1D = by_id.reindex(self.ids, fill_value=0.0).to_numpy(np.float64)
            return found

        rated = energy | exported
        return {
            "winter_kwh": summed(kwh, rated & winter),
            "summer_kwh": summed(kwh, rated & ~winter),
            "winter_rates": summed(collected, rated & winter),
            "summer_rates": summed(collected, rated & ~winter),
            "others": summed(beside, ~item.isin(OF_THE_TARIFF)),
        }

    @functools.cached_property
    def _tables(self) -> dict[str, Tariff]:
        others = {key: one for key, one in self.run.tariffs.items() if key != self.key}
        return {key: parse_tariff(key, one) for key, one in others.items()} | {
            self.key: self.tariff
        }

    def _retail_value(self, parts: pd.DataFrame) -> pd.Series:
        """Exports at the first tier's rate of their home's tariff, without fuel adjustment [$]."""
        of_home = self.run.files.table("tariff_map.csv").set_index("bldg_id")["tariff_key"]
        value = np.zeros(len(parts))
        exported = (parts["item"].astype(str) == CREDIT).to_numpy()
        rows = parts[exported]
        keys = rows["bldg_id"].map(of_home)
        found = np.zeros(len(rows))
        for key in keys.unique():
            mine = (keys == key).to_numpy()
            rate = self._tables[key].rate[rows["period"].to_numpy()[mine] - 1, 0]
            found[mine] = rows["quantity"].to_numpy()[mine] * rate
        value[exported] = found
        return pd.Series(value, index=parts.index)


def designed(
    how: DerivedTariff,
    source: Source,
    bldg_ids: Sequence[int],
    winter_months: Sequence[int],
) -> Design:
    """A `flat`, `seasonal` or `fair` tariff for a class.

    Parameters
    ----------
    how : what is asked. source : the run it follows from.
    bldg_ids : homes of the class whose costs are met.
    winter_months : from 1.

    Raises
    ------
    TariffError
        No such rates, or some below zero.
    """
    mine = source.places(bldg_ids)
    totals = source.totals(mine, winter_months)
    cost, fixed = source.cost(mine, how.allocation), source.fixed
    overpaid = totals.bills - cost
    figures: dict[str, object] = {
        "derive": how.derive,
        "from": str(source.run.path),
        "tariff": source.key,
        "allocation": how.allocation,
        "customers": totals.customers,
        "bills": totals.bills,
        "cost": cost,
        "overpaid": overpaid,
        "fixed_charge": fixed,
        "kwh": totals.kwh,
        "winter_kwh": totals.winter_kwh,
    }
    begin = f"{how.derive} rates from tariff {source.key} of run {source.run.info['run_name']}"
    by = f"the class pays what it costs by the allocation {how.allocation}"
    if how.derive == "flat":
        level, rate = flat_rates(totals, fixed, overpaid)
        tariff = flat_tariff(rate, fixed, source.metering)
        figures |= {"r0": level, "rate": rate}
    elif how.derive == "seasonal":
        level, winter = seasonal_rates(totals, fixed, overpaid)
        tariff = seasonal_tariff(level, winter, winter_months, fixed, source.metering)
        figures |= {"r0": level, "summer_rate": level, "winter_rate": winter}
        figures["winter_months"] = sorted(winter_months)
    else:
        everybody = source.totals(np.ones(len(mine), dtype=np.bool_), winter_months)
        requirement = float(source.run.summary["revenue_requirement"])
        found = fair_rates(everybody, totals, fixed, requirement, cost, how.knobs)
        tariff = fair_tariff(source.key, source.tariff, found.values, winter_months)
        figures |= {"requirement": requirement, **found.values}
        figures |= {"winter_months": sorted(winter_months)}
        if FIXED not in how.knobs:
            figures |= {"least_fixed_charge": found.least, "most_fixed_charge": found.most}
        by = f"everybody pays the requirement and {by}"
    dropped = "; minimum charges are left out" if _has_minimum(source) else ""
    return Design(tariff, f"{begin}: {by}{dropped}", figures)


def _has_minimum(source: Source) -> bool:
    return source.tariff.monthly_min > 0.0 or source.tariff.annual_min > 0.0


def windows_designed(
    how: DerivedTariff,
    source: Source,
    load: Float1D,
    price: Float1D,
    winter_months: Sequence[int],
) -> Design:
    """A `tou` tariff in proportion to what energy costs in each period.

    load : (8760,) of the class [kWh]. price : (8760,) total marginal price [$/kWh].

    Raises
    ------
    TariffError
        A period has no load.
    """
    seasons = {
        name: np.isin(hour_months(), np.array(of_season) - 1)
        for name, of_season in seasons_of(winter_months).items()
    }
    hours = range(1, 13) if how.hours is None else [how.hours]
    found = best_windows(load, price, hour_of_day(), seasons, list(hours))
    tariff = windowed_tariff(found, winter_months, source.fixed, source.metering)
    windows = {
        name: f"{start:02d}:00 to {(start + found.hours) % HOURS_OF_DAY:02d}:00"
        for name, start in found.starts.items()
    }
    figures: dict[str, object] = {
        "derive": how.derive,
        "from": str(source.run.path),
        "tariff": source.key,
        "hours": found.hours,
        "windows": windows,
        "ratios": found.ratios,
        "costs": {name: list(costs) for name, costs in found.costs.items()},
        "variance_explained": found.explained,
        "fixed_charge": source.fixed,
        "winter_months": sorted(winter_months),
    }
    said = " and ".join(f"{window} in {name}" for name, window in windows.items())
    note = f"time-of-use rates in proportion to marginal costs; dear from {said}"
    return Design(tariff, note, figures)


def inputs_with_designs(
    settings: RunSettings, work: Work, progress: Progress | None
) -> tuple[RunInputs, dict[str, Design]]:
    """Inputs of a run whose sources are finished, and its derived tariffs, which are told.

    Raises
    ------
    InputErrors, TariffError
        As `read_inputs`; or no such rates.
    """
    with sharing():
        inputs = read_inputs(settings)
        if not settings.derived_tariffs:
            return inputs, {}
        with work.timings.stage("derived tariffs"):
            designs = designs_of(inputs, work)
        if progress:
            for alias, one in designs.items():
                progress.note(f"{settings.run_name}, tariff {alias}: {one.note}")
        derived = {alias: one.tariff for alias, one in designs.items()}
        return read_inputs(settings, derived), designs


def designs_of(inputs: RunInputs, work: Work) -> dict[str, Design]:
    """{alias: solved tariff} of a run whose sources are finished.

    Raises
    ------
    TariffError
        No such rates, or some below zero.
    """
    settings, spec = inputs.settings, inputs.spec
    found = {}
    for alias, how in settings.derived_tariffs.items():
        file, key = tariff_place(how.from_)
        if key is None:
            raise TariffError(
                f"derived tariff {alias} is from {how.from_}, expected a tariff of a finished run: "
                "run:NAME, or FOLDER/tariff_final_config.json#KEY"
            )
        source = Source(Run(Path(file).parent), key)
        winter = winter_months_of(settings, how)
        homes = _homes(inputs, alias, how)
        if how.derive == "tou":
            load = class_load(inputs, homes, work)
            found[alias] = windows_designed(how, source, load, spec.prices.total, winter)
        else:
            found[alias] = designed(how, source, homes, winter)
    return found


def _homes(inputs: RunInputs, alias: str, how: DerivedTariff) -> list[int]:
    """The class that a derived tariff is for."""
    if how.subclass is not None:
        config = inputs.settings.subclass_config
        assert config is not None
        frame = inputs.customer_metadata
        of_home = zip(frame["bldg_id"].tolist(), subclass_of(frame, config), strict=True)
        return [bldg_id for bldg_id, subclass in of_home if subclass == how.subclass]
    on = inputs.spec.electricity.tariff_of
    return [bldg_id for bldg_id, key in on.items() if key == alias]


def class_load(inputs: RunInputs, homes: Sequence[int], work: Work) -> Float1D:
    """Hourly load of some homes (8760,) [kWh], weighted, by the run's own backend."""
    settings, spec = inputs.settings, inputs.spec
    customers = Customers.of(spec.customers.frame, homes)
    on = {bldg_id: spec.electricity.tariff_of[bldg_id] for bldg_id in homes}
    tariffs = {key: spec.electricity.tariffs[key] for key in set(on.values())}
    mine: RunSpec = replace(
        spec,
        customers=customers,
        electricity=Service(tariffs, on),
        gas=None,
        delivery=None,
        response=None,
    )
    loads = inputs.loads.take(list(homes))
    assert isinstance(loads, LoadSource)
    simulator = MeetRevenueSufficiencySystemWide(
        settings.run_type, settings.year_run, settings.dollar_year, settings.process_workers,
        customers.ids, settings.run_name, settings.path_outputs, settings.backend,
    )  # fmt: skip
    with backend_class(settings.backend)(mine, RunLoads(loads), work, simulator) as backend:
        load: Float1D = backend.demand.to_numpy(np.float64)
    return load
