"""Small YAML files that hold a mapping, loaded safely whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from cairo.errors import CairoError, ScenarioError, one_line
from cairo.files.reading import read_bytes

MOST_BYTES = 4 * 2**20
"""A settings file larger than this is something else."""
MOST_NODES = 200_000
"""Values a file may hold with every alias written out: no more than it could without aliases."""
MOST_DIGITS = 200
"""Of an integer; any that is larger than a float can be is longer."""
HALF = re.compile("[\ud800-\udfff]")
"""Surrogates, which only an escape can give and no file can hold."""
ODD_NUMBER = re.compile(r"[+-]?0[0-9_]+|.*:.*")
"""What YAML 1.1 takes for a number in base 8 or 60: `010` is 8 to it and `16:00` is 960."""
NOT_READ = (yaml.YAMLError, ValueError, ArithmeticError, AttributeError, TypeError)
"""What reading raises; a scalar tagged as what it is not (`!!int x`) raises as it is converted."""
MERGE = "tag:yaml.org,2002:merge"


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML whose keys may not repeat and whose aliases may not multiply.

    Numbers in base 8 and 60 are the text that they are written as, as hardly anybody means them.
    """

    _nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise yaml.YAMLError(f"more than {MOST_NODES} values")
        return super().compose_node(parent, index)

    def get_single_data(self) -> Any:
        node = self.get_single_node()
        if node is None:
            return None
        # Before anything is built of it: merged mappings are written out while building.
        self._size(node, {}, set())
        return self.construct_document(node)

    def _size(self, node: yaml.Node, known: dict[int, int], open_nodes: set[int]) -> int:
        """Values under a node, an alias counted as what it stands for."""
        if id(node) in open_nodes:
            raise yaml.YAMLError(f"an alias within its own value (line {_line(node)})")
        if id(node) in known:
            return known[id(node)]
        open_nodes.add(id(node))
        size = 1
        if isinstance(node, yaml.MappingNode):
            self._check_keys(node)
            children = [child for pair in node.value for child in pair]
        else:
            children = node.value if isinstance(node, yaml.SequenceNode) else []
            if isinstance(node, yaml.ScalarNode) and HALF.search(node.value):
                raise yaml.YAMLError(f"text with half a character (line {_line(node)})")
        for child in children:
            size += self._size(child, known, open_nodes)
            if size > MOST_NODES:
                raise yaml.YAMLError(f"more than {MOST_NODES} values once aliases are written out")
        open_nodes.remove(id(node))
        known[id(node)] = size
        return size

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Write merged mappings out; of several that have a key the first counts, as YAML says.

        PyYAML 6.0.4 lets the last count.
        """
        merged: list[tuple[yaml.Node, yaml.Node]] = []
        own: list[tuple[yaml.Node, yaml.Node]] = []
        for key, value in node.value:
            if key.tag != MERGE:
                own.append((key, value))
                continue
            several = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for one in reversed(several):
                if not isinstance(one, yaml.MappingNode):
                    raise yaml.YAMLError(
                        f"a merge of what is no mapping of keys (line {_line(value)})"
                    )
                self.flatten_mapping(one)
                merged += one.value
        node.value = merged + own

    def plain_int(self, node: yaml.ScalarNode) -> int | str:
        if ODD_NUMBER.fullmatch(node.value):
            return str(node.value)
        if len(node.value) > MOST_DIGITS:
            raise yaml.YAMLError(
                f"a number of {len(node.value)} digits, most are {MOST_DIGITS} (line {_line(node)})"
            )
        return self.construct_yaml_int(node)

    def plain_float(self, node: yaml.ScalarNode) -> float | str:
        return str(node.value) if ":" in node.value else self.construct_yaml_float(node)

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.YAMLError(f"a key that is not a plain value (line {_line(key_node)})")
            key = key_node.tag if key_node.tag == MERGE else self.construct_object(key_node)
            if key in seen:
                raise yaml.YAMLError(
                    f"key {key_node.value} is there twice (line {_line(key_node)})"
                )
            seen.add(key)


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.plain_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.plain_float)


def yaml_values(written: str) -> list[object]:
    """`VALUE,VALUE` of a command line, as a file's list would have them.

    Raises
    ------
    ValueError
        It is no YAML.
    """
    try:
        values: list[object] = yaml.load(f"[{written}]", _StrictLoader)
    except (*NOT_READ, RecursionError) as cause:
        raise ValueError("no YAML") from cause
    return values


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _problem(cause: Exception) -> str:
    """What is wrong and where; not the lines around it, which may hold secrets."""
    mark = getattr(cause, "problem_mark", None)
    if not isinstance(cause, yaml.MarkedYAMLError) or mark is None:
        return one_line(cause)
    context = f"{cause.context}, " if cause.context else ""
    return f"{context}{cause.problem} (line {mark.line + 1}, column {mark.column + 1})"


def read_yaml(
    path: str,
    what: str,
    storage_options: Mapping[str, object] | None = None,
    error: type[CairoError] = ScenarioError,
) -> dict[Any, Any]:
    """A YAML file that holds a mapping.

    Parameters
    ----------
    path : local path or fsspec URL.
    what : the file's part in the run, for messages.
    storage_options : fsspec options; used for URLs only.
    error : class to raise.

    Raises
    ------
    CairoError
        Of class `error`: the file is missing, too large, not YAML, has a key twice, aliases
        that contain themselves or multiply, tags that are not plain data, or is not a mapping.
    """
    content = read_bytes(path, storage_options, error, what, MOST_BYTES)
    try:
        stored = yaml.load(content.decode("utf-8-sig"), _StrictLoader)
    except RecursionError:
        raise error(f"{what} {path} is not valid YAML: nested too deeply") from None
    except NOT_READ as cause:
        raise error(f"{what} {path} is not valid YAML: {_problem(cause)}") from None
    if not isinstance(stored, dict):
        found = "nothing" if stored is None else f"a {type(stored).__name__}"
        raise error(f"{what} {path} holds {found}, expected a mapping of keys")
    return stored
