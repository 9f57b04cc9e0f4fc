"""What a person sees while a run works, in a log and on a real terminal."""

import io
import os
import pty
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from cairo.workers import progress
from cairo.workers.progress import PlainProgress, SilentProgress, TerminalProgress, watching

SCRIPT = """
import sys
from cairo.workers.progress import watching
fail = sys.argv[1:] == ["fail"]
try:
    with watching() as progress:
        progress.stage("inputs")
        progress.stage("pass over the loads", 3)
        progress.note("dashboard http://127.0.0.1:8787/status [x]")
        progress.advance(2)
        if fail:
            raise ValueError
        progress.advance(1)
except ValueError:
    pass
"""


def lines_of(stream: io.StringIO) -> list[str]:
    """Lines without their times."""
    return [re.sub(r"^\[ *\d+\.\d\d s\] ", "", line) for line in stream.getvalue().splitlines()]


def on_terminal(*arguments: str) -> str:
    """What the script prints on a pseudo-terminal of 120 columns."""
    parent, child = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"}
    command = [sys.executable, "-c", SCRIPT, *arguments]
    with subprocess.Popen(command, stdout=child, stderr=child, env=environment) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(parent)
    assert process.returncode == 0, shown.decode()
    return shown.decode()


def test_a_log_tells_each_stage_note_and_the_end_of_the_count():
    stream = io.StringIO()
    plain = PlainProgress(stream)
    plain.stage("inputs")
    plain.stage("pass over the loads", 3)
    plain.note("dashboard http://127.0.0.1:8787/status")
    for _ in range(3):
        plain.advance(1)
    plain.done()
    told = lines_of(stream)
    assert told[:3] == [
        "inputs",
        "pass over the loads: 3 buildings",
        "dashboard http://127.0.0.1:8787/status",
    ]
    assert len(told) == 4
    assert re.fullmatch(r"pass over the loads: 3 of 3 buildings, [\d,]+/s, 0 s left", told[3]), (
        told[3]
    )


@pytest.mark.parametrize("total", [100_000, None])
def test_many_buildings_in_a_moment_are_not_as_many_lines(monkeypatch, total):
    monkeypatch.setattr(progress, "LINE_SECONDS", 3600.0)
    stream = io.StringIO()
    plain = PlainProgress(stream)
    plain.stage("pack", total)
    for _ in range(5000):
        plain.advance(1)
    assert len(lines_of(stream)) == 1


def test_a_line_a_second_tells_rate_and_time_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    stream = io.StringIO()
    plain = PlainProgress(stream)
    plain.stage("pass", 100)
    now[0] = 0.9
    plain.advance(5)
    assert lines_of(stream) == ["pass: 100 buildings"]
    now[0] = 10.0
    plain.advance(15)
    # 20 buildings in 10 s are 2 a second; the other 80 take 40 s.
    assert lines_of(stream)[-1] == "pass: 20 of 100 buildings, 2/s, 40 s left"


def test_a_count_without_a_total_promises_no_end(monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    stream = io.StringIO()
    plain = PlainProgress(stream)
    plain.stage("files")
    plain.advance(5)
    assert re.fullmatch(r"files: 5 buildings, [\d,]+/s", lines_of(stream)[-1])


def test_output_that_is_no_terminal_gets_plain_lines_on_stderr(capfd):
    with watching() as shown:
        assert isinstance(shown, PlainProgress)
        shown.stage("inputs")
    caught = capfd.readouterr()
    assert caught.out == ""
    assert "inputs" in caught.err and "\x1b" not in caught.err


def test_silence_says_nothing(capfd):
    silent = SilentProgress()
    silent.stage("inputs", 3)
    silent.advance(3)
    silent.note("x")
    silent.done()
    assert capfd.readouterr() == ("", "")


def test_a_terminal_shows_stages_counts_and_an_address_to_click():
    shown = on_terminal()
    plain = re.sub(r"\x1b\][^\x1b]*\x1b\\|\x1b\[[\d;?]*[a-zA-Z]", "", shown)
    assert "pass over the loads" in plain and "3/3" in plain
    # An OSC 8 hyperlink; square brackets are text, not markup.
    assert re.search(r"\x1b\]8;[^;]*;http://127\.0\.0\.1:8787/status\x1b\\", shown)
    assert "[x]" in plain
    assert plain.count("\N{CHECK MARK}") >= 2


def test_a_stage_that_failed_is_not_ticked_off_and_the_cursor_comes_back():
    shown = on_terminal("fail")
    plain = re.sub(r"\x1b\][^\x1b]*\x1b\\|\x1b\[[\d;?]*[a-zA-Z]", "", shown)
    assert "3/3" not in plain and "2/3" in plain
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_a_display_ends_twice_without_harm():
    display = TerminalProgress()
    display.advance(1)
    display.done()
    display.done()
