"""A chain of runs on real homes, every figure of it computed here again by NumPy alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import cairo
from cairo.runs.runner import run_scenario
from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS

FLAT, TOU = "tariffs/electric/rie_flat.json", "tariffs/electric/rie_hp_seasonalTOU_flex.json"
TOTAL, PV = (f"out.electricity.{name}.energy_consumption" for name in ("total", "pv"))
COMPONENTS = ("delivery", "supply")
SHARES = ("volumetric", "peak", "percustomer", "epmc")
BAT = {"volumetric": "BAT_vol", "peak": "BAT_peak", "percustomer": "BAT_percustomer",
       "epmc": "BAT_epmc"}  # fmt: skip


class Homes:
    """The homes' hours, prices and tariffs, read and put together without the package."""

    def __init__(self, data: Path) -> None:
        rates, stock = data / "rates", data / "resstock_vt"
        stored = yaml.safe_load(
            (rates / "rev_requirement/rie_rate_case_test_year.yaml").read_text()
        )
        self.rr = {"delivery": stored["total_delivery_revenue_requirement"]}
        whole = stored["total_delivery_and_supply_revenue_requirement"]
        self.rr["supply"] = whole - self.rr["delivery"]
        metadata = pd.read_parquet(stock / "metadata/metadata-sb.parquet")
        self.ids = metadata["bldg_id"].tolist()
        weight = metadata["weight"].to_numpy()
        self.w = weight * (stored["test_year_customer_count"] / weight.sum())
        self.hp = metadata["postprocess_group.has_hp"].to_numpy()
        loads = next(stock.glob("load_curve_hourly/*/*"))
        net = np.empty((len(self.ids), 8760))
        exports = np.empty_like(net)
        for row, bldg_id in enumerate(self.ids):
            hours = pd.read_parquet(loads / f"{bldg_id}-0.parquet", columns=[TOTAL, PV])
            # 2018 begins on a Monday, 2025 on a Wednesday.
            total, pv = (
                np.roll(hours[name].to_numpy(), -48) * stored["resstock_kwh_scale_factor"]
                for name in (TOTAL, PV)
            )
            net[row], exports[row] = total + pv, np.maximum(-pv - total, 0.0)
        # Negative net load counts as zero, so what is billed is the net load itself.
        self.net, self.exports = np.maximum(net, 0.0), exports

        def price(name: str, column: str) -> np.ndarray:
            values: np.ndarray = pd.read_parquet(rates / f"marginal_costs/{name}.parquet")[column]
            return np.asarray(values, dtype=np.float64)

        energy = price("supply_energy", "energy_cost_enduse") / 1000.0
        capacity = price("supply_capacity", "capacity_cost_enduse") / 1000.0
        network = price("dist_and_sub_tx", "mc_total_per_kwh") + price(
            "bulk_tx", "bulk_tx_cost_enduse"
        )
        self.price = {"delivery": network, "supply": energy + capacity}
        self.peak = capacity + network > 0.0
        self.rates = rates

        self.eb = {c: self.net @ self.price[c] for c in COMPONENTS}
        demand = self.w @ self.net
        self.residual = {c: self.rr[c] - demand @ self.price[c] for c in COMPONENTS}

    def basis(self, component: str, method: str) -> np.ndarray:
        return {
            "volumetric": self.net.sum(axis=1),
            "peak": self.net[:, self.peak].sum(axis=1),
            "percustomer": np.ones(len(self.w)),
            "epmc": self.eb[component],
        }[method]

    def share(self, component: str, method: str) -> np.ndarray:
        x = self.basis(component, method)
        return self.residual[component] * x / (self.w @ x)

    def costs(self, component: str, method: str) -> tuple[float, float]:
        """What homes with and without heat pumps cost [$/year]."""
        cost = self.w * (self.eb[component] + self.share(component, method))
        return cost[self.hp].sum(), cost[~self.hp].sum()

    def bills(self, tariff: str, homes: np.ndarray, requirement: float) -> np.ndarray:
        """Bills (n,) of some homes at the level that collects a requirement, NaN of others."""
        stored = json.loads((self.rates / tariff).read_text())["items"][0]
        rate = np.array([tiers[0]["rate"] + tiers[0]["adj"] for tiers in
                         stored["energyratestructure"]])  # fmt: skip
        relative = np.round(rate / rate.min(), 4)
        times = pd.date_range("2025-01-01", periods=8760, freq="h")
        by_day = [
            np.array(stored[f"energy{day}schedule"])[times.month - 1, times.hour]
            for day in ("weekday", "weekend")
        ]
        unit = relative[np.where(times.day_of_week < 5, *by_day)]
        slope = (self.net - self.exports) @ unit
        fixed = 12.0 * stored["fixedchargefirstmeter"]
        w = np.where(homes, self.w, 0.0)
        level = (requirement - w.sum() * fixed) / (w @ slope)
        bills: np.ndarray = np.where(homes, fixed + level * slope, np.nan)
        return bills


def settings_of(data: Path) -> dict[str, Any]:
    """What all runs of the chain share: a run of the file with supply, no map and no tariffs."""
    scenario = yaml.safe_load((data / "rates/scenarios/scenarios_vt.yaml").read_text())
    common: dict[str, Any] = scenario["runs"]["vt_flat_precalc_supply"]
    common.pop("run_name")
    common.pop("path_tariff_maps_electric")
    return common | IN_PROCESS | {"metadata_columns": []}


def chain(data: Path, folder: Path, base: str = "base") -> Path:
    common = settings_of(data)
    whole = {"path_tariffs_electric": {"all": FLAT}, "delivery_tariffs": {"all": FLAT}}
    two = {
        "path_tariffs_electric": {"hp": TOU, "non-hp": FLAT},
        "delivery_tariffs": {"hp": FLAT, "non-hp": FLAT},
        "run_includes_subclasses": True,
        "requirement_from": {"run": base, "delivery": "epmc", "supply": "percustomer"},
    }
    runs = {"base": common | whole, "two": common | two}
    subclasses = {"group_col": "has_hp", "selectors": {"hp": "true", "non-hp": "false"}}
    path = folder / "chain.yaml"
    path.write_text(yaml.safe_dump({"runs": runs, "subclass_config": subclasses}))
    return path


def close(found: object, expected: object) -> None:
    np.testing.assert_allclose(
        np.asarray(found, np.float64), np.asarray(expected, np.float64), rtol=1e-9, atol=1e-6
    )


def check_components(homes: Homes, bat: pd.DataFrame, bill: dict[str, np.ndarray]) -> None:
    """Bills, burden, shares and bill alignment of a run's file against those of the hours."""
    close(bat["Annual"], bill["delivery"] + bill["supply"])
    for c in COMPONENTS:
        close(bat[f"Annual_{c}"], bill[c])
        close(bat[f"customer_level_economic_burden_{c}"], homes.eb[c])
        for method in SHARES:
            share = homes.share(c, method)
            close(bat[f"customer_level_residual_share_{method}_{c}"], share)
            close(bat[f"{BAT[method]}_{c}"], bill[c] - homes.eb[c] - share)
    for method in ("volumetric", "peak", "percustomer"):
        parts = sum(bat[f"{BAT[method]}_{c}"] for c in COMPONENTS)
        close(bat[BAT[method]], parts)


def test_the_chain_is_what_the_hourly_files_say(
    real_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    homes, everybody = Homes(real_data), np.ones(47, bool)
    config = {"config_dir": real_data / "rates", "output_dir": tmp_path / "runs"}
    base = run_scenario(chain(real_data, tmp_path), "base", **config)

    whole = homes.bills(FLAT, everybody, sum(homes.rr.values()))
    delivery = homes.bills(FLAT, everybody, homes.rr["delivery"])
    bat = cairo.open_run(base).bat
    assert bat["bldg_id"].tolist() == homes.ids
    check_components(homes, bat, {"delivery": delivery, "supply": whole - delivery})

    # What subclasses have to pay, by command.
    command, output = Command(monkeypatch, capsys), tmp_path / "by_heating.yaml"
    methods = "percustomer,epmc,volumetric,peak,passthrough"
    ended = command("requirement", base, "--by", "has_hp", "--delivery", methods, "--supply",
                    methods, "--output", output)  # fmt: skip
    assert ended.code == 0 and ended.output.strip() == str(output)
    stored = yaml.safe_load(output.read_text())
    assert stored["total_delivery_revenue_requirement"] == pytest.approx(homes.rr["delivery"])
    bills = {"delivery": delivery, "supply": whole - delivery}
    for c in COMPONENTS:
        amounts = stored["subclass_revenue_requirements"][c]
        for method in SHARES:
            close(list(map(amounts[method].get, ("hp", "non-hp"))), homes.costs(c, method))
            assert sum(amounts[method].values()) == pytest.approx(homes.rr[c], rel=1e-12)
            # The same from bills, as the platform's own script has it.
            by_bills = homes.w * (bat[f"Annual_{c}"] - bat[f"{BAT[method]}_{c}"])
            close(amounts[method]["hp"], by_bills[homes.hp].sum())
        passed = (homes.w * bills[c])[homes.hp].sum()
        close(amounts["passthrough"]["hp"], passed)

    # Two classes that pay what they cost.
    two = run_scenario(chain(real_data, tmp_path, str(base)), "two", **config)
    rr = {c: homes.costs(c, m) for c, m in zip(COMPONENTS, ("epmc", "percustomer"), strict=True)}
    of_class = []
    for place, (tariff, mine) in enumerate([(TOU, homes.hp), (FLAT, ~homes.hp)]):
        both = homes.bills(tariff, mine, rr["delivery"][place] + rr["supply"][place])
        of_class.append((both, homes.bills(FLAT, mine, rr["delivery"][place])))
    whole, delivery = (np.where(homes.hp, *pair) for pair in zip(*of_class, strict=True))
    check_components(
        homes, cairo.open_run(two).bat, {"delivery": delivery, "supply": whole - delivery}
    )

    # The file that the command wrote gives the same run.
    from_file = chain(real_data, tmp_path)
    scenario = yaml.safe_load(from_file.read_text())
    scenario["runs"]["two"].pop("requirement_from")
    scenario["runs"]["two"] |= {
        "utility_revenue_requirement": str(output),
        "residual_allocation_delivery": "epmc",
        "residual_allocation_supply": "percustomer",
    }
    from_file.write_text(yaml.safe_dump(scenario))
    again = run_scenario(from_file, "two", **config)
    assert cairo.compare_runs(two, again).equal
