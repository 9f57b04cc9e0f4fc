"""What the page computes with: facts as JSON, numbers of homes as one binary block.

Arrays lie one after another in the block, each at a multiple of eight bytes; the JSON has
`{"at": byte, "n": count, "type": "f8"}` in their place.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cairo.errors import CairoError, TariffError, listed
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model.allocations import basis_label, label
from cairo.model.schedule_words import when
from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import NO_LIMIT
from cairo.rates_tool.demand_frames import real_tiers
from cairo.results.explore.data import ExploreRun
from cairo.results.explore.determinants import TariffUse
from cairo.results.explore.saved import saved_settings
from cairo.results.report.data import RunData
from cairo.results.report.segments import Highlight, Segment, income_groups, segments

ALIGN = 8
"""Bytes that every array begins at a multiple of, as typed arrays of a browser want it."""
TYPES = {"f8": "<f8", "i4": "<i4", "u1": "u1"}

Facts = dict[str, object]
"""What becomes a JSON object."""


class Block:
    """Arrays one after another."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, values: np.ndarray, kind: str = "f8") -> Facts:
        """Append an array; where it is."""
        content = np.ascontiguousarray(values, dtype=TYPES[kind]).tobytes()
        place = {"at": self._size, "n": int(values.size), "type": kind}
        padded = content + bytes(-len(content) % ALIGN)
        self._parts.append(padded)
        self._size += len(padded)
        return place

    def text(self) -> str:
        """The block in base64."""
        return base64.b64encode(b"".join(self._parts)).decode("ascii")


def payload(runs: Sequence[ExploreRun], chosen: Highlight | None) -> tuple[Facts, str]:
    """(facts, binary block in base64) of runs on the same homes, in the order of the first's.

    Raises
    ------
    CairoError
        The runs have other homes or weights.
    """
    block = Block()
    first = runs[0].run
    found, _ = segments(first.homes, {"tariff": first.tariff_of}, first.labels)
    income = income_groups(first.homes)
    facts: Facts = {
        "homes": len(first.homes),
        "dollarYear": first.dollar_year,
        "weight": block.add(first.weight),
        "income": None if income is None else block.add(income[1]),
        "incomeGroups": None if income is None else _segment(income[0], block),
        "segments": [_segment(one, block) for one in found],
        "chosen": _chosen(found, chosen),
        "allocations": [
            {"name": name, "label": label(name), "basis": basis_label(name)}
            for name in runs[0].shares
        ],
        "runs": [_run(one, _place(first, one.run), block) for one in runs],
    }
    return facts, block.text()


def _segment(segment: Segment, block: Block) -> Facts:
    code = block.add(segment.code, "u1")
    return {
        "name": segment.name,
        "note": segment.note,
        "groups": list(segment.groups),
        "code": code,
    }


def _chosen(found: Sequence[Segment], chosen: Highlight | None) -> list[int] | None:
    """[segment, group] that the page begins with."""
    for place, segment in enumerate(found):
        for group in range(len(segment.groups) if chosen is not None else 0):
            assert chosen is not None
            if np.array_equal(segment.code == group, chosen.chosen):
                return [place, group]
    return [0, 0] if found else None


def _place(first: RunData, other: RunData) -> np.ndarray:
    """(n,) where a run has each home of the first.

    Raises
    ------
    CairoError
        The runs have other homes, or other weights for them.
    """
    ids, others = (pd.Index(run.homes["bldg_id"]) for run in (first, other))
    odd = ids.symmetric_difference(others)
    if len(odd):
        raise CairoError(
            f"buildings {listed(odd)} are in one alone of runs {first.path} and {other.path}: "
            "designs are explored on the same homes"
        )
    place = others.get_indexer(ids)
    if not np.allclose(first.weight, other.weight[place], rtol=1e-9, atol=0.0):
        raise CairoError(
            f"runs {first.path} and {other.path} have other weights: designs are explored on the "
            "same customers"
        )
    return np.asarray(place)


def _run(one: ExploreRun, place: np.ndarray, block: Block) -> Facts:
    """A run's facts; `place` (n,) is where it has each home of the first."""
    run = one.run
    inverse = np.empty_like(place)
    inverse[place] = np.arange(len(place))
    gas = run.bills["gas"].annual if "gas" in run.bills else None
    helped = one.helped
    shared = not run.requirement_by_tariff and one.is_precalc
    return {
        "name": run.name,
        "type": "precalc" if one.is_precalc else "default",
        "bill": block.add(one.bill[place]),
        "burden": block.add(one.burden[place]),
        "shares": {name: block.add(values[place]) for name, values in one.shares.items()},
        "gas": None if gas is None else block.add(gas[place]),
        "requirement": run.requirement,
        "collected": one.collected,
        "taxRate": one.tax_rate,
        "surcharge": one.surcharge,
        "assistance": None
        if helped is None
        else {
            "discount": helped.program.discount,
            "renterCredit": helped.program.renter_credit,
            "helped": block.add(helped.helped[place], "u1"),
            "renter": block.add(helped.renter[place], "u1"),
        },
        "responds": run.response is not None,
        "oneLevel": shared,
        "settings": saved_settings(one.settings, [use.tariff.key for use in one.uses]),
        "tariffs": [
            _tariff(use, one.by_tariff[use.tariff.key], inverse, block) for use in one.uses
        ],
    }


def _tariff(use: TariffUse, collected: float, inverse: np.ndarray, block: Block) -> Facts:
    """A tariff and what its homes used; arrays of homes are in the order of `homes`."""
    table = use.tariff
    real = real_tiers(table)
    counts = real.sum(axis=1).tolist()
    pairs = np.argwhere((use.energy != 0.0).any(axis=0))
    facts: Facts = {
        "key": table.key,
        "homes": block.add(inverse[use.place], "i4"),
        "collected": collected,
        "pairs": pairs.tolist(),
        "energy": block.add(np.stack([use.energy[:, m, p] for m, p in pairs]) if len(pairs)
                            else np.zeros(0)),
        "exports": _exports(use, block),
        "peak": None if use.peak_kw is None else block.add(use.peak_kw.T),
        "demand": None if use.demand is None else block.add(use.demand.T),
        "credit": use.credit.tolist(),
        "ofRetail": use.style == "net_metering",
        "fuel": table.fuel_adjustment.tolist(),
        "fixed": table.monthly_fixed,
        "minimum": table.monthly_min,
        "annualMinimum": table.annual_min,
        "rate": _ragged(table.rate, counts),
        "limit": _ragged(np.where(table.max_usage >= NO_LIMIT, np.nan, table.max_usage), counts),
        "unit": table.unit[:, 0].tolist(),
        "when": [when(table.weekday, table.weekend, p + 1) for p in range(table.n_periods)],
    }  # fmt: skip
    return facts | _filed(table)


def _exports(use: TariffUse, block: Block) -> Facts | None:
    """Exports of the homes that have any, as `homes` (places in the tariff), `pairs`, `kwh`."""
    if use.exports is None or use.style is None:
        return None
    homes = np.flatnonzero(use.exports.any(axis=(1, 2)))
    pairs = np.argwhere((use.exports != 0.0).any(axis=0))
    kwh = np.stack([use.exports[homes, m, p] for m, p in pairs])
    return {"homes": block.add(homes, "i4"), "pairs": pairs.tolist(), "kwh": block.add(kwh)}


def _ragged(values: np.ndarray, counts: Sequence[int]) -> list[list[float | None]]:
    """Rows of a (P, T) array by their own numbers of tiers; NaN becomes null."""
    return [
        [None if np.isnan(one) else float(one) for one in row[:count]]
        for row, count in zip(values, counts, strict=True)
    ]


def _filed(table: Tariff) -> Facts:
    """The tariff as URDB JSON, from which a design's is made; or why there is none."""
    try:
        filed: Mapping[str, object] = ElectricityRates_to_URDB(table.given, table.key)
    except TariffError as error:
        return {"urdb": None, "urdbRefused": str(error)}
    return {"urdb": dict(filed), "urdbRefused": ""}
