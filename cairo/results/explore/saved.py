"""The run of a scenario file that bills a design: the explored run's own settings, changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cairo.files.tariff_maps import keys_of_aliases, tariff_key

OF_OTHER_RATES = frozenset(
    {"run_name", "tariff_changes", "delivery_tariffs", "delivery_run", "compare_to"}
)
"""Settings of the run's own rates, or of other runs, that a design's run does without."""
OF_OTHER_RUNS = frozenset(
    {
        "requirement_from",
        "run_includes_subclasses",
        "residual_allocation_delivery",
        "residual_allocation_supply",
    }
)
"""Settings of subclasses' requirements where another run gives them: a run that bills tariffs as
they are collects what they collect."""


def saved_settings(settings: Mapping[str, object], keys: Sequence[str]) -> dict[str, object] | None:
    """Settings of a run of tariffs `tariffs/<key>.json`; None of a run that a script made.

    keys : of the tariffs that the run's homes are on.
    """
    paths = settings.get("path_tariffs_electric")
    if not isinstance(paths, Mapping) or "path_resstock_loads" not in settings:
        return None
    given = {str(alias): str(path) for alias, path in paths.items()}
    if settings.get("path_tariff_maps_electric") is None:
        key_of = keys_of_aliases(given)
    else:
        key_of = {alias: tariff_key(path) for alias, path in given.items()}
    files = {
        alias: f"tariffs/{key_of[alias]}.json" if key_of[alias] in keys else path
        for alias, path in given.items()
    }
    left_out = set(OF_OTHER_RATES)
    if settings.get("requirement_from") is not None:
        left_out |= OF_OTHER_RUNS
    kept = {name: value for name, value in settings.items() if name not in left_out}
    return kept | {"run_type": "default", "path_tariffs_electric": files}
