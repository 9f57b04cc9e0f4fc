"""Of many unsound load files a run and a check tell the same few lines, whichever is met first."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

import cairo
from cairo.errors import CairoError, InputErrors, LoadError
from cairo.files.pack import pack
from cairo.model.backends import BACKENDS
from cairo.scenario.scenario_checks import check_runs
from cairo.scenario.scenario_file import read_scenario
from tests.whole_runs import IN_PROCESS, RUN, Demo

HOMES = 16


def damaged(demo: Demo) -> list[int]:
    """Homes whose files lack some hours, each another number; the last two the same."""
    files = sorted(demo.loads.glob("*.parquet"), key=lambda path: int(path.name.split("-")[0]))
    for number, path in enumerate(files[:14]):
        left = 8759 - min(number, 12)
        demo.parquet(path, lambda frame, left=left: frame.iloc[:left])
    return [int(path.name.split("-")[0]) for path in files]


def lines(error: InputErrors) -> list[str]:
    return str(error).splitlines()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_first_ten_unsound_files_by_home_are_told_and_the_others_counted(
    demo: Demo, backend: str
) -> None:
    ids = damaged(demo)
    demo.settings(IN_PROCESS | {"process_workers": 1})
    with pytest.raises(InputErrors) as caught:
        demo.run(backend=backend)
    told = lines(caught.value)
    found = [line.rsplit("/", 1)[1].split(",")[0] for line in told[:10]]
    assert found == [f"{i}-0.parquet has {8759 - n} hourly rows" for n, i in enumerate(ids[:10])]
    assert told[10:] == [
        f"4 more load files have other errors: buildings {', '.join(map(str, ids[10:14]))}"
    ]
    settings = read_scenario(demo.scenario).run(RUN)
    assert list(map(str, check_runs({RUN: settings}))) == told
    assert not list((demo.folder / "outputs").glob("*"))


def test_runs_that_share_a_pass_are_told_of_every_unsound_file(demo: Demo) -> None:
    ids = damaged(demo)
    for run in ("demo_flat_precalc", RUN):
        demo.settings(IN_PROCESS, run)
    found = cairo.study(
        demo.scenario, ["demo_flat_precalc", RUN], output_dir=demo.folder / "outputs"
    )
    for error in found.failed.values():
        told = str(error).splitlines()
        assert len(told) == 11
        assert f"/{ids[0]}-0.parquet has 8759 hourly rows" in told[0]


@pytest.mark.slow
def test_damaged_blocks_of_a_packed_stock_are_all_told(demo: Demo, tmp_path: Path) -> None:
    packed = pack(demo.loads, tmp_path / "packed", block_buildings=1)
    (part, *_) = sorted(packed.glob("part-*.parquet"))
    content = bytearray(part.read_bytes())
    for place in (len(content) // 3, 2 * len(content) // 3):
        content[place] ^= 1
    part.write_bytes(bytes(content))
    demo.settings(IN_PROCESS | {"path_resstock_loads": str(packed)})
    settings = read_scenario(demo.scenario).run(RUN)
    expected = list(map(str, check_runs({RUN: settings})))
    assert expected
    for backend in BACKENDS:
        with pytest.raises(CairoError) as caught:
            demo.run(backend=backend)
        assert str(caught.value).splitlines() == expected


def test_a_link_to_nothing_is_told_as_one_where_it_is_a_homes_file(demo: Demo) -> None:
    (first, *_) = sorted(demo.loads.glob("*.parquet"))
    (demo.loads / "notes").symlink_to("/nowhere/at/all")
    demo.settings(IN_PROCESS)
    assert demo.run()
    first.unlink()
    first.symlink_to("/nowhere/at/all")
    with pytest.raises(LoadError, match=rf"{first.name} is a link to nothing \(/nowhere/at/all\)$"):
        demo.run()


def test_a_name_that_is_no_text_in_a_load_folder_is_no_matter(demo: Demo) -> None:
    for name in (b"caf\xe9.txt", b"9\xe9-0.parquet"):
        (demo.loads / os.fsdecode(name)).touch()
    demo.settings(IN_PROCESS)
    assert pd.read_csv(demo.run() / "customer_metadata.csv")["bldg_id"].size == HOMES
