"""Load files of another upgrade than the scenario file names for other tools are named."""

from __future__ import annotations

import logging

from cairo.errors import listed
from cairo.files.load_folder import upgrade_of
from cairo.files.numbers import written_number
from cairo.rates_tool.dd_stages.load_source import LoadSource
from cairo.rates_tool.dd_stages.sources import FolderLoads
from cairo.scenario.run_settings import RunSettings

logger = logging.getLogger(__name__)


def name_other_upgrades(settings: RunSettings, loads: LoadSource) -> None:
    """Warn where a run has the key `upgrade` and load files are named after another."""
    said = settings.not_used.get("upgrade")
    meant = written_number(said)
    if meant is None or not isinstance(loads, FolderLoads):
        return
    named = {upgrade_of(path) for path in loads.files.values()}
    others = sorted(one for one in named if one is not None and one != meant)
    if others:
        logger.warning(
            "run %s: upgrade is %s, but load files of %s are named after upgrade %s",
            settings.run_name,
            said,
            loads.place,
            listed(others),
        )
