"""Rules of billing that a run gives its tariffs."""

from __future__ import annotations

from collections.abc import Mapping

from cairo.model.tariff import Tariff
from cairo.model.tariff_fields import ROLLOVER, TIER_RULE
from cairo.model.tariff_rows import TariffDict
from cairo.model.tariff_rules import TierRule
from cairo.scenario.run_settings import RunSettings


def tariff_rules(tier_rule: TierRule, rollover: bool = False) -> TariffDict:
    """What tariffs get beside their own inputs; nothing of what is a setting's default.

    A tariff's own rule stays where the settings have their default.
    """
    rules: TariffDict = {} if tier_rule == "period" else {TIER_RULE: tier_rule}
    return rules | {ROLLOVER: True} if rollover else rules


def electric_rules(settings: RunSettings) -> TariffDict:
    """The rules of a run's electric tariffs."""
    return tariff_rules(settings.tier_rule, settings.net_metering_rollover)


def ruled(tariffs: Mapping[str, Tariff], rules: Mapping[str, object]) -> dict[str, Tariff]:
    """{tariff key: tariff} with the rules.

    Raises
    ------
    TariffError
        A tariff that cannot be billed so.
    """
    if not rules:
        return dict(tariffs)
    return {key: tariff.with_rules(rules) for key, tariff in tariffs.items()}
