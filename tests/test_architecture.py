"""Imports of the package point down: no circle, and no room knows of one above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import cairo
from cairo.cli import app
from cairo.model import arrays
from cairo.model.backends import BACKENDS, REGISTRY
from cairo.rates_tool.backend import backend_class

PACKAGE = Path(cairo.__file__).parent
ROOMS = ("model", "files", "workers", "rates_tool", "scenario", "results", "runs", "cli")
"""From the ground up; CAIRO's own doors are on one floor."""
GROUND = ("children", "current_folder", "errors", "first_moments", "shared", "stopping")
DOORS = {"utils": "rates_tool", "__main__": "cli", "commands": "cli"}
MOST_FLOORS = 7


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("cairo", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


class Running(ast.NodeTransformer):
    """Leaves out what only type checkers see."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        for_checkers = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if for_checkers else self.generic_visit(node)


def imported(path: Path, known: dict[str, Path], *, types: bool) -> Iterator[str]:
    """Modules of the package that a file imports anywhere, also inside functions."""
    tree: ast.AST = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree if types else Running().visit(tree)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in known else node.module


def graph(*, types: bool = True) -> dict[str, set[str]]:
    """What each module imports; `types` counts what is imported for signatures alone."""
    known = modules()
    # The package itself only passes on names, when they are first used.
    return {
        module: set(imported(path, known, types=types)) - {module, "cairo"}
        for module, path in known.items()
        if module != "cairo"
    }


def room(module: str) -> str:
    name = module.split(".")[1]
    return "" if name in GROUND else DOORS.get(name, name)


def test_every_module_is_in_a_room() -> None:
    assert {room(module) for module in graph()} == {"", *ROOMS}


def test_no_room_imports_from_one_above_it() -> None:
    floor = {"": -1} | {name: number for number, name in enumerate(ROOMS)}
    upward = [
        (module, other)
        for module, others in graph().items()
        for other in others
        if floor[room(other)] > floor[room(module)]
    ]
    assert upward == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = graph(types=False)
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above, module))
        if module not in done:
            for other in imports[module]:
                visit(other, (*above, module))
            done.add(module)

    for module in imports:
        visit(module, ())


def test_rooms_stand_on_at_most_seven_floors() -> None:
    below: dict[str, set[str]] = {name: set() for name in ("", *ROOMS)}
    for module, others in graph().items():
        below[room(module)] |= {room(other) for other in others} - {room(module)}

    @cache
    def floors(name: str) -> int:
        return bool(name) + max(map(floors, below[name]), default=0)

    assert max(map(floors, ROOMS)) <= MOST_FLOORS


# What travels between the rooms is typed and short

MOST_ANY = 60
MOST_PARAMETERS = 8
DOORS_OF_CAIRO = {
    "cairo.rates_tool.system_revenues._return_revenue_requirement_target",
    "cairo.rates_tool.system_revenues._precalc_customer_rates",
    "cairo.rates_tool.systemsimulator.simulate",
}
"""Functions whose signatures are CAIRO's."""


def nodes(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[str, ast.AST]]:
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kind):
                yield module, node


def test_any_is_rare() -> None:
    places = [module for module, node in nodes(ast.Name) if getattr(node, "id", "") == "Any"]
    assert len(places) <= MOST_ANY


def test_no_function_of_our_own_has_more_than_eight_parameters() -> None:
    commands = {one.callback for one in app.registered_commands}
    of_users = {f"{one.__module__}.{one.__name__}" for one in commands if one}
    long = set()
    for module, node in nodes((ast.FunctionDef, ast.AsyncFunctionDef)):
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        given = node.args
        names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        own = names[1:] if names[:1] in (["self"], ["cls"]) else names
        if len(own) > MOST_PARAMETERS:
            long.add(f"{module}.{node.name}")
    # A command's options are its users'.
    assert long - of_users == DOORS_OF_CAIRO


def test_array_types_tell_their_dimensions_apart() -> None:
    kinds = [arrays.Float1D, arrays.Float2D, arrays.Float3D, arrays.Float4D]
    shapes = [get_args(get_args(kind)[0]) for kind in kinds]
    assert shapes == [(int,) * n for n in (1, 2, 3, 4)]


def test_only_the_registry_and_the_classes_know_the_backends_by_name() -> None:
    names = set(BACKENDS)
    asking = {
        module
        for module, node in nodes(ast.Compare)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and part.value in names
    }
    assert asking == set()
    assert set(REGISTRY) == names
    assert {backend_class(name).name for name in names} == names
