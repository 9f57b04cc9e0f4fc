"""Solar energy by month and period of a schedule, mapped home by home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cairo.model import kernels
from cairo.model.arrays import FloatND, Int1D
from cairo.model.names import GENERATION, GROSS_LOAD, MONTHS
from cairo.model.periods import HourGroups
from cairo.rates_tool.dd_stages.measure import Block, RowMeasure


@dataclass(frozen=True, eq=False)
class Exports(RowMeasure):
    """Exports, own use and generation (n, 3, 12, periods) [kWh]; zeros without PV."""

    homes: Int1D
    groups: HourGroups

    @property
    def what(self) -> str:
        """In words."""
        return "exports of solar homes"

    @property
    def columns(self) -> tuple[str, ...]:
        """Gross load and generation."""
        return (GROSS_LOAD, GENERATION)

    def rows(self, block: Block) -> FloatND:
        """Solar energy of one partition's homes."""
        rows, groups = block.rows(self.homes), self.groups
        load, pv = block.hours(GROSS_LOAD, rows), block.hours(GENERATION, rows)
        result = np.zeros((len(load), 3, MONTHS, groups.periods))
        has_pv = np.flatnonzero(pv.any(axis=1))
        if len(has_pv):
            own, made = load[has_pv], pv[has_pv]
            hourly = (
                kernels.net_exports(own, made),
                kernels.self_consumption(own, made),
                kernels.generation(made),
            )
            for place, values in enumerate(hourly):
                sums = kernels.group_sums(values, groups.order, groups.starts)
                result[has_pv, place] = groups.spread(sums)
        return result
