"""A tariff is parsed where it comes into a run, and nowhere after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from cairo.model import tariff
from cairo.model.backends import BACKENDS, Backend
from cairo.model.tariff_fields import refuse_unknown_inputs
from cairo.rates_tool import loads, system_revenues
from tests.whole_runs import IN_PROCESS, Demo

HOMES = 4
GIVEN = {"flat", "hp_tou", "gas_heating", "no_gas"}
ELECTRIC = {"flat", "hp_tou"}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """{tariff key: how often a dict of it has been parsed}."""
    count: Counter[str] = Counter()

    def counted(key: str, tariff: Mapping[str, object]) -> None:
        # A reader's messages name the file behind the key.
        count[key.split(" (")[0]] += 1
        refuse_unknown_inputs(key, tariff)

    # `parse_tariff` begins with it, and nothing else calls it.
    monkeypatch.setattr(tariff, "refuse_unknown_inputs", counted)
    return count


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_parses_a_tariff_once_and_calibrated_rates_where_a_stage_returns_dicts(
    parsed: Counter[str], demo: Demo, backend: Backend
) -> None:
    demo.settings(IN_PROCESS | {"backend": backend, "process_workers": 1})
    demo.run()
    calibrated = set() if backend == "dask_dataframe" else ELECTRIC
    assert parsed == Counter(GIVEN) + Counter(calibrated)


def test_a_default_run_parses_a_tariff_once_with_whatever_is_changed_of_it(
    parsed: Counter[str], demo: Demo
) -> None:
    changes = {"hp": {"rate_scale": 1.1, "fixed_charge": 7, "min_charge": 3}}
    demo.settings(
        {
            "backend": "pandas",
            "process_workers": 1,
            "run_type": "default",
            "tariff_changes": changes,
            "tier_rule": "month",
            "solar_pv_compensation": "net_billing",
            "solar_pv_export_import_ratio": 0.5,
        }
    )
    demo.run()
    assert parsed == Counter(GIVEN)


def test_functions_of_callers_get_dicts_in_the_place_of_parsed_tariffs(
    monkeypatch: pytest.MonkeyPatch, demo: Demo
) -> None:
    found: list[object] = []

    def noted(module: Any, name: str) -> None:
        original = getattr(module, name)

        def replacement(*given: Any, **named: Any) -> Any:
            values = [one for one in (*given, *named.values()) if isinstance(one, Mapping)]
            found.extend(one for each in values for one in each.values())
            return original(*given, **named)

        monkeypatch.setattr(module, name, replacement)

    noted(loads, "process_building_demand_by_period")
    noted(system_revenues, "_precalc_customer_rates")
    noted(system_revenues, "run_system_revenues")
    demo.settings({"backend": "pandas", "process_workers": 1})
    demo.run()
    tariffs = [one for one in found if not isinstance(one, str | float)]
    # Of electricity three stages' tariffs and two stages' sell rates, of gas two stages'.
    assert len(tariffs) == 2 * (3 + 2 + 2)
    assert {type(one) for one in tariffs} == {dict}
    assert all("ur_ec_tou_mat" in one for one in tariffs)
