"""Signals to any process of any command, at any moment: how it ends and what it leaves.

`python -m tests.signal_shots --help` is the long form; `tests/test_signals.py` takes a few shots.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import yaml

from cairo.model.backends import BACKENDS
from tests.cairo_process import TWO_PROCESSES, CairoProcess, ended
from tests.loaded_command import Loaded, LoadedCairoProcess
from tests.whole_runs import RUN, Demo, make_demo

HOMES = 4
PATIENCE = 12.0
"""Seconds of CAIRO_PATIENCE_SECONDS, so that a stopped process does not cost a minute."""
MOST_SECONDS = 30.0
"""A command that is told or made to end has ended by then."""
SUSPENDED_SECONDS = 2.0
HANGS = 90.0

ALONE = "run"
"""Kind of the command's own process."""
ALL = "all processes"
SETS = {
    "all workers": {"worker"},
    "fork server and workers": {"fork server", "worker"},
    "all pool processes": {"pool process"},
}
ON_CLUSTER = [
    ALONE, "resource tracker", "fork server", "worker",
    "all workers", "fork server and workers", ALL,
]  # fmt: skip
ON_POOL = [ALONE, "resource tracker", "pool process", "all pool processes", ALL]

SIGNALS = {
    "INT": [signal.SIGINT],
    "TERM": [signal.SIGTERM],
    "HUP": [signal.SIGHUP],
    "KILL": [signal.SIGKILL],
    "STOP": [signal.SIGSTOP],
    "INT twice": [signal.SIGINT, signal.SIGINT],
    "TERM twice": [signal.SIGTERM, signal.SIGTERM],
}
LINES = {
    signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "terminated",
}  # fmt: skip


@dataclass
class Command:
    """A command line and what it starts.

    arguments : of `cairo`, given a folder to write into. kinds : processes to shoot at.
    places : folders and files it makes, which are there whole or not at all.
    """

    arguments: Callable[[Path], Sequence[object]]
    kinds: Sequence[str]
    places: Callable[[Path], list[Path]]
    whole: set[frozenset[str]] = field(default_factory=set)
    lives: dict[str, float] = field(default_factory=dict)
    """{kind: seconds it lives in a command that nobody disturbs}."""


def kind_of(process: psutil.Process, root: int) -> str:
    """What a process is to the command that has started it."""
    line = " ".join(process.cmdline())
    if process.pid == root:
        return ALONE
    if process.ppid() == root and line == " ".join(psutil.Process(root).cmdline()):
        # It is about to become another program, for which its parent waits within the system.
        return "starting"
    if "resource_tracker" in line:
        return "resource tracker"
    if "forkserver" in line:
        return "fork server" if process.ppid() == root else "worker"
    return "pool process"


class _Parents:
    """{process: its parent} of all processes, read anew at most so often for all who ask."""

    SECONDS = 0.02

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read, self._known = 0.0, dict[int, int]()

    def below(self, pid: int) -> Iterator[int]:
        """A process and all below it."""
        with self._lock:
            if time.monotonic() - self._read > self.SECONDS:
                self._known = dict(self._all())
                self._read = time.monotonic()
            known = self._known
        yield pid
        for child in [child for child, parent in known.items() if parent == pid]:
            yield from self.below(child)

    @staticmethod
    def _all() -> Iterator[tuple[int, int]]:
        for place in Path("/proc").iterdir():
            if place.name.isdigit():
                with suppress(OSError):
                    status = (place / "stat").read_bytes().rpartition(b")")[2]
                    yield int(place.name), int(status.split()[1])


parents = _Parents()


def targets(run: CairoProcess, kind: str) -> list[psutil.Process]:
    """Its processes of a kind, or of each kind of a set."""
    found: dict[str, list[psutil.Process]] = {}
    for pid in parents.below(run.process.pid):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            found.setdefault(kind_of(process, run.process.pid), []).append(process)
    if kind == ALL:
        found.pop("starting", None)
        return [process for some in found.values() for process in some]
    wanted = SETS.get(kind)
    if wanted is None:
        return found.get(kind, [])
    if not wanted <= found.keys():
        return []
    return [process for one in wanted for process in found[one]]


def commands(folder: Path) -> dict[str, Command]:
    """Every command that takes a while, with small inputs that are made here."""
    demo = Demo(make_demo(folder / "made", HOMES), folder / "demo")
    for name in yaml.safe_load(demo.scenario.read_text())["runs"]:
        demo.settings(TWO_PROCESSES | {"process_workers": 2}, name)
    first, second = demo.run(), demo.run()

    def runs(outputs: Path) -> list[Path]:
        return list((outputs / "outputs").glob("[!.]*"))

    def run_with(*options: str) -> Callable[[Path], list[object]]:
        return lambda place: ["run", demo.scenario, "--output-dir", place / "outputs", *options]

    found = {
        f"run {backend}": Command(
            run_with(RUN, "--backend", backend),
            ON_CLUSTER if backend == "dask_dataframe" else ON_POOL,
            runs,
        )
        for backend in BACKENDS
    }
    return found | {
        "study": Command(run_with("--all"), ON_CLUSTER, runs),
        "check": Command(lambda place: ["check", demo.scenario], [ALONE], lambda place: []),
        "pack": Command(
            lambda place: ["pack", demo.loads, place / "packed"],
            [ALONE],
            lambda place: [path.parent for path in place.glob("packed/_cairo_pack.json")],
        ),
        "report": Command(
            lambda place: ["report", first, "--output", place / "report.html"],
            [ALONE],
            lambda place: list(place.glob("report.html")),
        ),
        "compare": Command(lambda place: ["compare", first, second], [ALONE], lambda place: []),
        "demo": Command(
            lambda place: ["demo", "--output-dir", place / "demo", "--buildings", HOMES],
            [ALONE],
            lambda place: list((place / "demo" / "outputs").glob("[!.]*")),
        ),
    }


def contents(place: Path) -> frozenset[str]:
    """Names of what a folder holds, with its kind of size for a file."""
    if place.is_file():
        return frozenset([f"{place.name} of {place.stat().st_size // 100_000} times 100 kB"])
    return frozenset(path.relative_to(place).as_posix() for path in place.rglob("*"))


def start(
    command: Command, place: Path, kind: type[CairoProcess], patience: float = PATIENCE
) -> CairoProcess:
    """The command, with threads' stacks when it is aborted and its patience shortened."""
    environ = {"PYTHONFAULTHANDLER": "1", "CAIRO_PATIENCE_SECONDS": f"{patience:g}"}
    return kind(place, *command.arguments(place), environ=environ)


def look_on(command: Command, place: Path, kind: type[CairoProcess]) -> None:
    """Learn what an undisturbed command makes, and how long its processes live."""
    seen: dict[str, list[float]] = {}
    with ended(start(command, place, kind, 10 * PATIENCE)) as run:
        while run.process.poll() is None:
            now = time.monotonic()
            for kind_shot in command.kinds:
                if targets(run, kind_shot):
                    seen.setdefault(kind_shot, []).append(now)
            time.sleep(0.1)
        code, lines = run.end()
        assert code == 0, lines
    command.whole |= {contents(one) for one in command.places(place)}
    command.lives = {kind: times[-1] - times[0] for kind, times in seen.items()}


@dataclass
class Shot:
    """What was sent to whom, and how the command ended."""

    command: str
    kind: str
    sent: str
    delay: float = 0.0
    code: int | None = None
    seconds: float = 0.0
    said: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    hit: bool = False

    @property
    def outcome(self) -> str:
        """Its counts' key."""
        return "hang" if self.code is None else f"exit {self.code}"


def ready(run: CairoProcess) -> bool:
    """Whether the command catches signals: before that Python itself answers them."""
    try:
        status = Path(f"/proc/{run.process.pid}/status").read_text()
    except OSError:
        return False
    caught = int(next(line for line in status.splitlines() if "SigCgt" in line).split()[1], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def shoot(
    command: Command, shot: Shot, place: Path, dice: random.Random, kind: type[CairoProcess]
) -> None:
    """Start the command, send the signals, and note what is wrong with how it ends."""
    with ended(start(command, place, kind)) as run:
        _send(command, shot, run, dice)
        begin = time.monotonic()
        limit = HANGS + (2 * PATIENCE if shot.sent == "STOP" else 0)
        try:
            shot.code, shot.said = run.end(limit)
        except TimeoutError:
            os.kill(run.process.pid, signal.SIGABRT)
            run.end(limit)
            shot.said = run.lines[-200:]
        shot.seconds = round(time.monotonic() - begin, 1)
        if shot.hit:
            shot.wrong = list(_problems(command, shot, run, place))


def _send(command: Command, shot: Shot, run: CairoProcess, dice: random.Random) -> None:
    def gone() -> bool:
        return run.process.poll() is not None

    while not gone() and not (ready(run) and targets(run, shot.kind)):
        time.sleep(0.01)
    shot.delay = round(dice.uniform(0.0, command.lives.get(shot.kind, 0.5)), 3)
    time.sleep(shot.delay)
    aimed = targets(run, shot.kind)
    if not aimed or gone():
        return
    if shot.kind not in SETS and shot.kind != ALL:
        aimed = [dice.choice(aimed)]
    for number in SIGNALS[shot.sent]:
        for process in aimed:
            with suppress(psutil.Error):
                process.send_signal(number)
                shot.hit = True
        if len(SIGNALS[shot.sent]) > 1:
            time.sleep(dice.uniform(0.0, 0.5))
    if shot.sent == "STOP" and shot.kind in (ALONE, ALL):
        # Nobody ends while stopped: as with a laptop that sleeps, it goes on.
        time.sleep(dice.uniform(0.0, SUSPENDED_SECONDS))
        for process in aimed:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)


def _problems(command: Command, shot: Shot, run: CairoProcess, place: Path) -> Iterator[str]:
    killed = shot.sent == "KILL" and shot.kind in (ALONE, ALL)
    waited = shot.kind not in (ALONE, ALL)
    if shot.code is None:
        yield "hangs"
    elif shot.code and shot.seconds > MOST_SECONDS + (2 * PATIENCE if waited else 0):
        yield f"took {shot.seconds} s"
    processes = run.processes_left(HANGS if killed else MOST_SECONDS)
    yield from (f"left {one}" for one in processes)
    made = command.places(place)
    yield from (f"half: {one}" for one in made if contents(one) not in command.whole)
    if killed:
        return
    yield from (f"left {path}" for path in _litter(place))
    lines = sorted(set(shot.said))
    if shot.code == 0:
        if shot.said and command.kinds is not ON_CLUSTER:
            yield f"said {shot.said[:5]}"
        if command.whole and not made:
            yield "ended well without a result"
        return
    if len(lines) != 1:
        yield f"{len(lines)} lines: {shot.said[:8]}"
    number = SIGNALS[shot.sent][0]
    if shot.kind in (ALONE, ALL) and number in LINES:
        if shot.code not in (128 + number, 2) or (
            lines and not lines[0].startswith((LINES[number], "error: "))
        ):
            yield f"exit {shot.code}, said {lines}"
        if made and shot.command.startswith("run") and "complete" not in "".join(lines):
            yield "a whole directory and no word of it"
    elif shot.code != 2:
        yield f"exit {shot.code}"


def _litter(place: Path) -> Iterator[Path]:
    """Temporary files and hidden folders."""
    yield from (place / "temporary").rglob("*")
    yield from (path for path in place.rglob(".*") if path.name != ".")
    yield from place.rglob("*.writing")
    yield from place.rglob("*.lock")


def combinations(found: dict[str, Command]) -> list[tuple[str, str, str]]:
    """(command, kind of process, signals) of every kind of shot."""
    return [
        (name, kind, sent)
        for name, command in found.items()
        for kind in command.kinds
        for sent in SIGNALS
        if "twice" not in sent or kind == ALONE
    ]


class Range:
    """Shots of all kinds at commands whose name fits `only`, a share of them `forked`, counted."""

    def __init__(self, folder: Path, seed: int, only: str = "", forked: float = 0.0) -> None:
        self.folder, self.seed, self.forked = folder, seed, forked
        self.commands = {
            name: one for name, one in commands(folder).items() if re.search(only, name)
        }
        self.kinds = list(combinations(self.commands))
        self.counts: Counter[str] = Counter()
        self.outcomes: Counter[tuple[str, str, str, str]] = Counter()
        self.bad: list[Shot] = []
        self._lock = threading.Lock()
        self._looking: dict[str, threading.Lock] = {
            name: threading.Lock() for name in self.commands
        }

    def __enter__(self) -> Range:
        if self.forked:
            LoadedCairoProcess.loaded = Loaded()
        return self

    def __exit__(self, *error: object) -> None:
        if self.forked:
            LoadedCairoProcess.loaded.end()

    def _command(self, name: str, kind: type[CairoProcess]) -> Command:
        """A command, looked on once before the first shot at it."""
        command = self.commands[name]
        with self._looking[name]:
            if not command.lives:
                place = self.folder / f"undisturbed {name}"
                place.mkdir()
                look_on(command, place, kind)
        return command

    def shoot(self, what: tuple[str, str, str], number: int) -> Shot:
        """One shot."""
        name, kind, sent = what
        dice = random.Random(f"{self.seed} {what} {number}")
        shot = Shot(name, kind, sent)
        place = Path(tempfile.mkdtemp(prefix="shot-", dir=self.folder))
        try:
            fork = dice.random() < self.forked
            process = LoadedCairoProcess if fork else CairoProcess
            shoot(self._command(name, process), shot, place, dice, process)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        with self._lock:
            if not shot.hit:
                self.counts["ended before"] += 1
            else:
                self.counts["shots"] += 1
                self.outcomes[(name, kind, sent, shot.outcome)] += 1
            if shot.wrong:
                self.bad.append(shot)
                for one in {text.split()[0] for text in shot.wrong}:
                    self.counts[f"wrong: {one}"] += 1
        return shot


def main() -> None:
    """The long form."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--shots", type=int, default=100, help="of each kind")
    parser.add_argument("--jobs", type=int, default=4, help="commands at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="commands whose name fits this")
    parser.add_argument("--sent", default="", help="signals whose name fits this")
    parser.add_argument("--minutes", type=float, default=1e6, help="end after these")
    parser.add_argument("--forked", type=float, default=0.0, help="share started by a fork")
    parser.add_argument("--log", type=Path, default=Path("signals.log"))
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    # A shell's background job ignores Ctrl-C, one under nohup a hang-up, and each hands that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, lambda *_: None)
    with (
        tempfile.TemporaryDirectory(prefix="shots-") as folder,
        Range(Path(folder), options.seed, options.only, options.forked) as field,
    ):
        kinds = [what for what in field.kinds if re.search(options.sent, what[-1])]
        order = [(what, number) for number in range(options.shots) for what in kinds]
        random.Random(options.seed).shuffle(order)

        def one(job: tuple[tuple[str, str, str], int]) -> None:
            if time.monotonic() > end:
                return
            shot = field.shoot(*job)
            with options.log.open("a") as log:
                now = datetime.now(UTC).strftime("%H:%M:%S")
                if shot.wrong:
                    log.write(f"{now} {json.dumps(vars(shot))}\n")
                if sum(field.counts.values()) % 25 == 0:
                    log.write(f"{now} {dict(field.counts)}\n")

        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(one, order))
        with options.log.open("a") as log:
            for key, count in sorted(field.outcomes.items()):
                log.write(f"{' | '.join(key)}: {count}\n")
            log.write(f"{dict(field.counts)}\n")
    sys.exit(bool(field.bad))


if __name__ == "__main__":
    main()
