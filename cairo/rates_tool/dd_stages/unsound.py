"""What is unsound of many load files, told in a few lines: the first ten by home, and a count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from cairo.errors import CairoError, InputErrors, LoadError, listed
from cairo.model.progress import Progress
from cairo.rates_tool.dd_stages.load_source import Checked, LoadSource

SHOWN = 10
"""Errors that are told, and cases of one that are named."""


def summed_up(wrong: Iterable[Checked]) -> list[CairoError]:
    """At most `SHOWN` errors, the first by home, and a line of how many more files have others.

    Files that have the same error are counted with the first of them.
    """
    kinds: dict[str, list[Checked]] = {}
    for one in sorted(wrong, key=lambda one: one.bldg_ids[:1]):
        text = str(one.error)
        kinds.setdefault(text.replace(one.place, "") if one.place else text, []).append(one)
    shown = list(kinds.values())[:SHOWN]
    rest = [one for same in list(kinds.values())[SHOWN:] for one in same]
    errors = [_counted(same) for same in shown]
    if rest:
        homes = sorted(bldg_id for one in rest for bldg_id in one.bldg_ids)
        errors.append(
            LoadError(
                f"{len(rest)} more load files have other errors: buildings {listed(homes, SHOWN)}"
            )
        )
    return errors


def _counted(same: Sequence[Checked]) -> CairoError:
    first = same[0].error
    assert first is not None
    if len(same) == 1:
        return first
    more = [bldg_id for one in same[1:] for bldg_id in one.bldg_ids]
    homes = listed(more, SHOWN - 1)
    return LoadError(f"{first} (and {len(same) - 1} more like it: buildings {homes})")


@contextmanager
def all_unsound_told(
    source: LoadSource, fields: Sequence[str], progress: Progress | None = None
) -> Iterator[None]:
    """Tell of every unsound load file within the block, whichever the run has met first.

    That depends on how work is split. Files behind a URL are not read again: it may take hours.

    Parameters
    ----------
    source : the run's loads.
    fields : of `load_file.FIELDS` that the run reads.
    progress : told of homes read.

    Raises
    ------
    LoadError, InputErrors
        Of all that reading again finds, in the place of the one that the run has met.
    """
    try:
        yield
    except LoadError:
        wrong = list(_unsound(source, fields, progress))
        told = summed_up(wrong)
        if len(told) == 1:
            raise told[0] from None
        if told:
            raise InputErrors(told) from None
        raise


def _unsound(
    source: LoadSource, fields: Sequence[str], progress: Progress | None
) -> Iterator[Checked]:
    if not source.read_again:
        return
    if progress:
        progress.stage("every unsound load file", len(source.bldg_ids or ()))
    for one in source.check(fields):
        if progress:
            progress.advance(len(one.bldg_ids))
        if one.error is not None:
            yield one
