"""What a run writes of its bills, and the bill alignment test, as pandas originals.

Names and signatures are CAIRO's. Methods call each other through the object, so that one a
caller has replaced is the one that runs.

References
----------
.. [1] Simeone, C.E., Gagnon, P., Cappers, P., Satchwell, A. (2023). The bill alignment test:
   identifying trade-offs with residential rate design options. Utilities Policy 82, 101539.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from cairo.errors import LoadError, MetadataError, listed_buildings
from cairo.files.run_directory import write_csv
from cairo.model import bat_statistics, kernels
from cairo.model.allocations import ALLOCATIONS, Bases, share_columns
from cairo.model.arrays import Bool1D, Float1D
from cairo.model.bat_statistics import (
    _group_summary_bat_formatting,
    coeff_var,
    quartile_coeff_of_disp,
    weighted_avg_by_group,
)
from cairo.model.components import DELIVERY_PRICES, of_component
from cairo.model.names import ANNUAL, BURDEN, NET_LOAD, RESIDUAL_COSTS, SPLIT_BASES
from cairo.rates_tool.dd_stages import marginal

if TYPE_CHECKING:
    from cairo.rates_tool.split import Split

__all__ = [
    "InternalCrossSubsidizationProcessor",
    "_group_summary_bat_formatting",
    "assemble_metrics",
    "check_balance",
    "coeff_var",
    "quartile_coeff_of_disp",
    "weighted_avg_by_group",
]

logger = logging.getLogger(__name__)

BAT_FILE = "cross_subsidization_BAT_values.csv"
BALANCE_RTOL = 1e-6
"""Weighted bill alignment of a precalc run may miss zero by this part of the revenue."""

Costs: TypeAlias = "pd.Series | Mapping[str, float]"


class InternalCrossSubsidizationProcessor:
    """The bill alignment test of a run.

    Parameters
    ----------
    run_type : "precalc" or "default"; in precalc, weighted bill alignment must be zero.
    save_folder : run directory to write into; None writes nothing.
    beyond_requirement : weighted dollars that bills hold besides the requirement, such as a
        utility tax; what weighted bill alignment must add to in precalc [$].
    split : how costs and bills split into delivery and supply; None has totals alone.
    """

    def __init__(
        self,
        run_type: str = "default",
        save_folder: str | os.PathLike[str] | None = None,
        beyond_requirement: float = 0.0,
        split: Split | None = None,
    ) -> None:
        self.split = split
        self.run_type = run_type
        self.beyond_requirement = beyond_requirement
        self.save_folder = None if save_folder is None else Path(save_folder)

    # Allocations, over the N x 8760 load frame

    def _determine_marginal_cost_allocation(
        self, raw_hourly_load: pd.DataFrame, marginal_system_prices: pd.DataFrame
    ) -> pd.Series:
        """Economic burden by building [$]: sum over hours of net load x total price.

        The total is the sum of the price components; a `Total` column is not one of them.
        """
        price = pd.Series(
            marginal.total_price(marginal_system_prices),
            index=marginal_system_prices.index.rename("time"),
            name="price",
        )
        loads = raw_hourly_load[[NET_LOAD]].reset_index()
        merged = loads.merge(price.reset_index(), on="time", how="left")
        if merged["price"].isna().any():
            raise LoadError(
                "the load frame has hours that the marginal prices do not: "
                f"{merged.loc[merged['price'].isna(), 'time'].iloc[0]} is the first; "
                "give both the same year and time zone"
            )
        merged[BURDEN] = merged[NET_LOAD] * merged["price"]
        return merged.groupby("bldg_id", sort=False)[BURDEN].sum()

    def _allocate_residual_volumetric(
        self, building_metadata: pd.DataFrame, raw_hourly_load: pd.DataFrame, costs_by_type: Costs
    ) -> pd.Series:
        """Residual share [$] in proportion to annual net energy: R kWh_i / sum w_j kWh_j."""
        kwh = raw_hourly_load.groupby(level="bldg_id", sort=False)[NET_LOAD].sum()
        return _share(kwh, building_metadata, costs_by_type, "BAT_vol")

    def _allocate_residual_peak(
        self,
        building_metadata: pd.DataFrame,
        raw_hourly_load: pd.DataFrame,
        marginal_system_prices: pd.DataFrame,
        costs_by_type: Costs,
    ) -> pd.Series:
        """Residual share [$] in proportion to energy in hours with capacity or distribution cost.

        Zeros, and a warning, when there are no such hours.
        """
        in_peak = _in_peak(raw_hourly_load, marginal_system_prices)
        energy = raw_hourly_load[NET_LOAD].where(in_peak, 0.0)
        peak_kwh = energy.groupby(level="bldg_id", sort=False).sum()
        if not marginal.peak_hours(marginal_system_prices).any():
            logger.warning(
                "no hour has capacity or distribution marginal cost: "
                "the peak residual shares are zero"
            )
        return _share(peak_kwh, building_metadata, costs_by_type, "BAT_peak")

    def _allocate_residual_percustomer(
        self, building_metadata: pd.DataFrame, costs_by_type: Costs
    ) -> pd.Series:
        """Residual share [$], the same for every customer: R / sum w_j."""
        one = pd.Series(1.0, index=pd.Index(building_metadata["bldg_id"], name="bldg_id"))
        return _share(one, building_metadata, costs_by_type, "BAT_percustomer")

    def _allocate_residual_epmc(
        self, building_metadata: pd.DataFrame, burden: pd.Series, costs_by_type: Costs
    ) -> pd.Series:
        """Residual share [$] in proportion to economic burden: R EB_i / sum w_j EB_j."""
        return _share(burden, building_metadata, costs_by_type, "BAT_epmc")

    def _determine_residual_cost_allocation(
        self,
        building_metadata: pd.DataFrame,
        raw_hourly_load: pd.DataFrame,
        marginal_system_prices: pd.DataFrame,
        costs_by_type: Costs,
    ) -> pd.DataFrame:
        """Residual shares [$] of every allocation, a row a building."""
        burden = self._determine_marginal_cost_allocation(raw_hourly_load, marginal_system_prices)
        shares = [
            self._allocate_residual_volumetric(building_metadata, raw_hourly_load, costs_by_type),
            self._allocate_residual_peak(
                building_metadata, raw_hourly_load, marginal_system_prices, costs_by_type
            ),
            self._allocate_residual_percustomer(building_metadata, costs_by_type),
            self._allocate_residual_epmc(building_metadata, burden, costs_by_type),
        ]
        own = {str(share.name) for share in shares}
        further = [one for one in ALLOCATIONS if one.share not in own]
        if further:
            net = raw_hourly_load[NET_LOAD]
            bases = Bases(
                _by_home(net, burden.index),
                _by_home(net.where(_in_peak(net, marginal_system_prices), 0.0), burden.index),
                burden.to_numpy(np.float64),
            )
            shares += [
                _share(
                    pd.Series(one.basis(bases), index=burden.index),
                    building_metadata,
                    costs_by_type,
                    one.name,
                )
                for one in further
            ]
        return pd.concat(shares, axis=1)

    def _return_customer_level_economic_burden_and_residual_share(
        self,
        building_metadata: pd.DataFrame,
        raw_hourly_load: pd.DataFrame,
        marginal_system_prices: pd.DataFrame,
        costs_by_type: Costs,
    ) -> tuple[pd.Series, pd.DataFrame]:
        """(economic burden, residual shares) by building [$]."""
        burden = self._determine_marginal_cost_allocation(raw_hourly_load, marginal_system_prices)
        shares = self._determine_residual_cost_allocation(
            building_metadata, raw_hourly_load, marginal_system_prices, costs_by_type
        )
        return burden, shares

    # Metrics

    def _return_cross_subsidization_metrics(
        self,
        building_metadata: pd.DataFrame,
        raw_hourly_load: pd.DataFrame,
        marginal_system_prices: pd.DataFrame,
        costs_by_type: Costs,
        customer_bills: pd.DataFrame,
        year_run: int,
    ) -> pd.DataFrame:
        """Bill alignment by building, written with its statistics by segment.

        Parameters
        ----------
        building_metadata : `bldg_id`, `weight` and segment columns.
        raw_hourly_load : index (`bldg_id`, `time`), with `electricity_net` [kWh].
        marginal_system_prices : 8760 rows of price components [$/kWh].
        costs_by_type : with `Residual Costs ($)`.
        customer_bills : `Annual` [$], bldg_id in the index or a column.
        year_run : year of the dollars.

        Returns
        -------
        Index bldg_id in the metadata's order: `Annual`, burden, residual shares, `weight`,
        `BAT_vol`, `BAT_peak`, `BAT_percustomer`, `BAT_epmc` [$], `dollar_year`.
        """
        burden, shares = self._return_customer_level_economic_burden_and_residual_share(
            building_metadata, raw_hourly_load, marginal_system_prices, costs_by_type
        )
        return self.finish_metrics(burden, shares, building_metadata, customer_bills, year_run)

    def finish_metrics(
        self,
        burden: pd.Series,
        shares: pd.DataFrame,
        building_metadata: pd.DataFrame,
        customer_bills: pd.DataFrame,
        year_run: int,
    ) -> pd.DataFrame:
        """Bill alignment from burden and shares, checked and written; every backend's end."""
        metrics = assemble_metrics(burden, shares, building_metadata, customer_bills, year_run)
        beyond = {"": self.beyond_requirement}
        if self.split is not None:
            metrics = metrics.join(self.split.columns(metrics))
            beyond |= self.split.beyond(metrics, self.beyond_requirement)
        if self.run_type == "precalc":
            for component, dollars in beyond.items():
                check_balance(metrics, dollars, component)
        if self.save_folder is not None:
            folder = self.save_folder / "cross_subsidization"
            write_csv(metrics, folder / BAT_FILE, index=True)
        self._return_average_bat_by_segment(building_metadata, metrics)
        return metrics

    def _return_average_bat_by_segment(
        self, building_metadata: pd.DataFrame, bat_df: pd.DataFrame
    ) -> dict[str, pd.DataFrame]:
        """{metadata column: bill alignment statistics of its groups}, written a file a column."""
        result = {}
        for column in bat_statistics.segment_columns(building_metadata):
            result[column] = self.calculate_BAT_stats_by_group(building_metadata, bat_df, column)
            if self.save_folder is not None:
                name = f"cross_subsidization_BAT_by_{column}.csv"
                write_csv(result[column], self.save_folder / "cross_subsidization" / name)
        return result

    def calculate_BAT_stats_by_group(
        self, metadata_df: pd.DataFrame, bat_df: pd.DataFrame, gcn: str
    ) -> pd.DataFrame:
        """Statistics of bill alignment by the groups of metadata column `gcn`."""
        return bat_statistics.calculate_BAT_stats_by_group(metadata_df, bat_df, gcn)


def _in_peak(hourly: pd.DataFrame | pd.Series, prices: pd.DataFrame) -> Bool1D:
    """Whether each row of a load frame is in an hour with capacity or distribution cost."""
    times = prices.index[marginal.peak_hours(prices)]
    return np.asarray(hourly.index.get_level_values("time").isin(times))


def _by_home(hourly: pd.Series, bldg_ids: pd.Index) -> Float1D:
    """Sum over the hours of each home, in the order of `bldg_ids`."""
    sums = hourly.groupby(level="bldg_id", sort=False).sum()
    energy: Float1D = sums.reindex(bldg_ids).to_numpy(np.float64)
    return energy


def split_bases(hourly_load: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """What a split into delivery and supply goes by, columns `SPLIT_BASES`, a row a building.

    Parameters
    ----------
    hourly_load : index (`bldg_id`, `time`), with `electricity_net` [kWh].
    prices : 8760 rows of price components [$/kWh].
    """
    delivery = prices[[name for name in DELIVERY_PRICES if name in prices]]
    processor = InternalCrossSubsidizationProcessor()
    burden = processor._determine_marginal_cost_allocation(hourly_load, delivery)
    net = hourly_load[NET_LOAD]
    kwh = _by_home(net, burden.index)
    peak_kwh = _by_home(net.where(_in_peak(net, prices), 0.0), burden.index)
    columns = (kwh, peak_kwh, burden.to_numpy(np.float64))
    return pd.DataFrame(dict(zip(SPLIT_BASES, columns, strict=True)), index=burden.index)


def _share(
    basis: pd.Series, building_metadata: pd.DataFrame, costs_by_type: Costs, name: str
) -> pd.Series:
    weight = _weights(building_metadata, basis.index)
    share = kernels.residual_share(
        float(costs_by_type[RESIDUAL_COSTS]), basis.to_numpy(np.float64), weight
    )
    return pd.Series(share, index=basis.index, name=share_columns()[name])


def _weights(building_metadata: pd.DataFrame, bldg_ids: pd.Index) -> Float1D:
    weight = building_metadata.set_index("bldg_id")["weight"].reindex(bldg_ids)
    if weight.isna().any():
        missing = weight.index[weight.isna()].tolist()
        raise MetadataError(f"no weight for buildings {listed_buildings(missing)}")
    customers: Float1D = weight.to_numpy(np.float64)
    return customers


def assemble_metrics(
    burden: pd.Series,
    shares: pd.DataFrame,
    building_metadata: pd.DataFrame,
    customer_bills: pd.DataFrame,
    year_run: int,
) -> pd.DataFrame:
    """Bill, burden, shares and bill alignment by building, in the metadata's order.

    Arguments and columns as `_return_cross_subsidization_metrics`.
    """
    ids = pd.Index(building_metadata["bldg_id"], name="bldg_id")
    if "bldg_id" in customer_bills:
        customer_bills = customer_bills.set_index("bldg_id")
    metrics = pd.DataFrame(
        {ANNUAL: customer_bills[ANNUAL].reindex(ids), BURDEN: burden.reindex(ids)}, index=ids
    )
    for name in share_columns().values():
        if name in shares:
            metrics[name] = shares[name].reindex(ids)
    if metrics.isna().any(axis=None):
        missing = metrics.index[metrics.isna().any(axis=1)].tolist()
        raise MetadataError(
            f"no bill, burden or residual share for buildings {listed_buildings(missing)}"
        )
    metrics["weight"] = building_metadata["weight"].to_numpy(np.float64)
    for bat, share in share_columns().items():
        if share in metrics:
            metrics[bat] = kernels.bill_alignment(
                metrics[ANNUAL].to_numpy(), metrics[BURDEN].to_numpy(), metrics[share].to_numpy()
            )
    return metrics.assign(dollar_year=year_run)


def check_balance(
    metrics: pd.DataFrame, beyond_requirement: float = 0.0, component: str = ""
) -> None:
    """Log an error for every allocation whose weighted bill alignment is not what it should be.

    Bills that collect the requirement make it zero; taxes and surcharges on top of the
    requirement are `beyond_requirement` [$]. component : delivery or supply; of the whole by
    default.
    """
    weight = metrics["weight"].to_numpy()
    revenue = kernels.weighted_total(weight, metrics[ANNUAL].to_numpy())
    for allocation in share_columns():
        name = of_component(allocation, component) if component else allocation
        if name not in metrics:
            continue
        total = kernels.weighted_total(weight, metrics[name].to_numpy())
        if abs(total - beyond_requirement) > BALANCE_RTOL * abs(revenue):
            expected = f"{beyond_requirement:.2f} $ of taxes" if beyond_requirement else "zero"
            logger.error(
                "weighted %s adds to %.2f $, expected %s: bills do not add to marginal "
                "costs plus residual",
                name,
                total,
                expected,
            )
