"""The revenue requirement file: what rates have to collect, in all or by subclass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from cairo.errors import RequirementError, listed
from cairo.files.numbers import written_number
from cairo.files.yaml_files import read_yaml
from cairo.scenario.run_settings import RunSettings
from cairo.shared import read_once

ALONE = "revenue_requirement"
"""Key that has one number for whatever the run includes."""
DELIVERY_TOTAL = "total_delivery_revenue_requirement"
WHOLE_TOTAL = "total_delivery_and_supply_revenue_requirement"
COUNT, KWH_SCALE = "test_year_customer_count", "resstock_kwh_scale_factor"
BY_SUBCLASS = "subclass_revenue_requirements"
SUM_RTOL = 1e-6
"""How far subclasses' requirements may miss the total."""


@dataclass(frozen=True, eq=False)
class RequirementFile:
    """A requirement file as it is stored; empty where a run has none."""

    path: str | None = None
    stored: Mapping[str, object] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """The file, for messages."""
        return f"revenue requirement file {self.path}"

    def positive(self, key: str) -> float | None:
        """A number above zero; None where the file does not have it.

        Raises
        ------
        RequirementError
            It is something else.
        """
        value = self.stored.get(key)
        if value is None:
            return None
        found = written_number(value)
        if found is None or not 0 < found < math.inf:
            raise RequirementError(
                f"{self.what} key {key} is {value!r}, expected a number above zero"
            )
        return found

    def dollars(self, *keys: str) -> float:
        """A number by its path of keys [$/year].

        Raises
        ------
        RequirementError
            It is not there, or no finite number.
        """
        value: object = self.stored
        for depth, key in enumerate(keys):
            if not isinstance(value, Mapping) or key not in value:
                there = listed(value) if isinstance(value, Mapping) else repr(value)
                raise RequirementError(
                    f"{self.what} has no key {'.'.join(keys[: depth + 1])} (there are {there})"
                )
            value = value[key]
        found = written_number(value)
        if found is None or not math.isfinite(found):
            raise RequirementError(
                f"{self.what} key {'.'.join(keys)} is {value!r}, expected dollars"
            )
        return found

    def total(self, *, supply: bool) -> float:
        """The requirement of all customers, with supply or of delivery alone [$/year]."""
        key = WHOLE_TOTAL if supply else DELIVERY_TOTAL
        return self.dollars(ALONE if key not in self.stored and ALONE in self.stored else key)

    def by_alias(self, part: str, method: str, aliases: Mapping[str, str]) -> dict[str, float]:
        """{alias: $/year} of `part` ("delivery" or "supply") under an allocation method.

        Parameters
        ----------
        aliases : {alias: tariff key} of the run.

        Raises
        ------
        RequirementError
            The file lacks the method or an alias, names one the run does not have, or its
            subclasses do not add to its own total.
        """
        given: object = self.stored.get(BY_SUBCLASS)
        for key in (part, method):
            given = given.get(key) if isinstance(given, Mapping) else None
        if isinstance(given, Mapping):
            unknown = [alias for alias in given if alias not in aliases]
            if unknown:
                raise RequirementError(
                    f"{self.what} {part}.{method} names subclass {listed(unknown)}; "
                    f"path_tariffs_electric has {listed(aliases)}"
                )
        found = {alias: self.dollars(BY_SUBCLASS, part, method, alias) for alias in aliases}
        self.check_sum(
            part, math.fsum(found.values()), f"{self.what}: subclasses of {part}.{method}"
        )
        return found

    def check_sum(self, part: str, found: float, what: str) -> None:
        """Check that subclasses' requirements add to the file's own total, where it has one.

        Raises
        ------
        RequirementError
            They do not; it names both numbers.
        """
        total = self._total_of(part)
        if total is None:
            return
        named = DELIVERY_TOTAL if part == "delivery" else f"{WHOLE_TOTAL} less {DELIVERY_TOTAL}"
        if abs(found - total) > SUM_RTOL * max(abs(total), abs(found)):
            raise RequirementError(f"{what} add to {found:,.2f} $, but {named} is {total:,.2f} $")

    def _total_of(self, part: str) -> float | None:
        """The file's total of delivery or of supply; None where it does not tell."""
        needed = [DELIVERY_TOTAL] if part == "delivery" else [DELIVERY_TOTAL, WHOLE_TOTAL]
        if any(self.stored.get(key) is None for key in needed):
            return None
        delivery = self.dollars(DELIVERY_TOTAL)
        return delivery if part == "delivery" else self.dollars(WHOLE_TOTAL) - delivery


def read_requirement_file(settings: RunSettings) -> RequirementFile:
    """The requirement file of a run, empty where it has none."""
    path = settings.utility_revenue_requirement
    if path is None:
        return RequirementFile()
    what = "revenue requirement file"
    return RequirementFile(
        path, read_once(read_yaml, path, what, settings.storage_options, RequirementError)
    )


def requirement_by_tariff(
    settings: RunSettings, file: RequirementFile, aliases: Mapping[str, str]
) -> dict[str, float]:
    """{tariff key: $/year} of subclasses: delivery, and supply when the run includes it."""
    parts = [("delivery", settings.residual_allocation_delivery)]
    if settings.run_includes_supply:
        parts.append(("supply", settings.residual_allocation_supply))
    requirement: dict[str, float] = {}
    for part, method in parts:
        for alias, dollars in file.by_alias(part, str(method), aliases).items():
            key = aliases[alias]
            requirement[key] = requirement.get(key, 0.0) + dollars
    return requirement
