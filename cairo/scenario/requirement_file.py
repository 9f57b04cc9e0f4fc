"""The revenue requirement file: what rates have to collect, in all or by subclass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from cairo.errors import RequirementError, listed
from cairo.files.numbers import written_number
from cairo.files.yaml_files import read_yaml
from cairo.model.components import DELIVERY, SUPPLY
from cairo.rates_tool.run_spec import Requirement
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
        return self.dollars(self._key_of_total(supply=supply))

    def _key_of_total(self, *, supply: bool) -> str:
        key = WHOLE_TOTAL if supply else DELIVERY_TOTAL
        return ALONE if key not in self.stored and ALONE in self.stored else key

    @property
    def has_both_totals(self) -> bool:
        """Whether it tells delivery's total and the whole's, so that costs can be split."""
        return all(self.stored.get(key) is not None for key in (DELIVERY_TOTAL, WHOLE_TOTAL))

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
        _check_same(found, total, what, named)

    def check_whole(self, found: float, what: str, *, supply: bool) -> None:
        """The same of all that a run includes, for a file that does not tell delivery and supply.

        Raises
        ------
        RequirementError
            They do not add to the total that the run goes by; it names both numbers.
        """
        key = self._key_of_total(supply=supply)
        if self.stored.get(key) is not None:
            _check_same(found, self.dollars(key), what, key)

    def _total_of(self, part: str) -> float | None:
        """The file's total of delivery or of supply; None where it does not tell."""
        needed = [DELIVERY_TOTAL] if part == "delivery" else [DELIVERY_TOTAL, WHOLE_TOTAL]
        if any(self.stored.get(key) is None for key in needed):
            return None
        delivery = self.dollars(DELIVERY_TOTAL)
        return delivery if part == "delivery" else self.dollars(WHOLE_TOTAL) - delivery


def _check_same(found: float, total: float, what: str, named: str) -> None:
    if abs(found - total) > SUM_RTOL * max(abs(total), abs(found)):
        raise RequirementError(f"{what} add to {found:,.2f} $, but {named} is {total:,.2f} $")


def read_requirement_file(settings: RunSettings) -> RequirementFile:
    """The requirement file of a run, empty where it has none."""
    path = settings.utility_revenue_requirement
    if path is None:
        return RequirementFile()
    what = "revenue requirement file"
    return RequirementFile(
        path, read_once(read_yaml, path, what, settings.storage_options, RequirementError)
    )


def stored_requirement(
    settings: RunSettings, file: RequirementFile, key_of: Mapping[str, str]
) -> Requirement:
    """What a run has to collect by its file; split where the file has both totals.

    Parameters
    ----------
    key_of : {alias: tariff key}.

    Raises
    ------
    RequirementError
        The file lacks what the run asks of it.
    """
    with_supply = settings.run_includes_supply
    split = with_supply and file.has_both_totals
    if not settings.run_includes_subclasses:
        return Requirement(
            file.total(supply=with_supply),
            delivery_only=settings.delivery_only_revenue_requirement,
            delivery=file.total(supply=False) if split else None,
        )
    parts = {DELIVERY: str(settings.residual_allocation_delivery)}
    if with_supply:
        parts[SUPPLY] = str(settings.residual_allocation_supply)
    by_alias = {part: file.by_alias(part, method, key_of) for part, method in parts.items()}
    by_key = {part: _by_key(dollars, key_of) for part, dollars in by_alias.items()}
    if not split:
        named = " and ".join(f"{part}.{method}" for part, method in parts.items())
        every = [value for dollars in by_alias.values() for value in dollars.values()]
        what = f"{file.what}: subclasses of {named}"
        file.check_whole(math.fsum(every), what, supply=with_supply)
    return of_subclasses(by_key, split=split)


def of_subclasses(by_key: Mapping[str, Mapping[str, float]], *, split: bool) -> Requirement:
    """A requirement by tariff, of {component: {tariff key: $/year}}."""
    target: dict[str, float] = {}
    for dollars in by_key.values():
        for key, value in dollars.items():
            target[key] = target.get(key, 0.0) + value
    return Requirement(target, delivery=by_key[DELIVERY] if split else None)


def _by_key(by_alias: Mapping[str, float], key_of: Mapping[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for alias, dollars in by_alias.items():
        found[key_of[alias]] = found.get(key_of[alias], 0.0) + dollars
    return found
