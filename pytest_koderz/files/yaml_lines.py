"""YAML files read together with the line on which each of their keys stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .jsonl import text_of
from .usage_error import UsageError

if TYPE_CHECKING:
    import yaml

KeyPath = tuple[str | int, ...]

MOST_BYTES = 16 << 20
"""Of a file, which takes seconds for each of its megabytes; a repository's suite has less than one."""

_STRING = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML file's content as plain data, which knows its lines.

    Keys are strings, as written: `on:` and `42:` are the keys `on` and `42`. Values follow YAML 1.1, so a bare `no`
    is False; `written` tells what stands in the file.
    """

    path: Path
    plain: Any
    """Dicts, lists and scalars; None for an empty file."""
    _root: yaml.Node | None = field(repr=False, compare=False)

    def line_of(self, key_path: KeyPath) -> int:
        """The line, counted from 1, of a key or list entry; of the nearest enclosing one where it is missing."""
        return list(_trail(self._root, key_path))[-1][0]

    def written(self, key_path: KeyPath) -> str | None:
        """The scalar at *key_path* as its characters stand in the file; None where there is none."""
        trail = list(_trail(self._root, key_path))
        text = getattr(trail[-1][1], "value", None)
        return text if len(trail) > len(key_path) and isinstance(text, str) else None

    def at(self, key_path: KeyPath) -> str:
        """`file:line: key.path`, the head of an error message."""
        head = f"{self.path}:{self.line_of(key_path)}"
        return f"{head}: {dotted(key_path)}" if key_path else head


def dotted(key_path: KeyPath) -> str:
    """`arms.koderz.hosts[0]`: a key path as people write it."""
    words = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in key_path)
    return words.removeprefix(".")


def read_yaml(path: Path) -> Located:
    """Read one YAML document. What cannot be read raises UsageError, in one line with file and line."""
    return parse_yaml(path, text_of(path, MOST_BYTES))


def parse_yaml(path: Path, text: str) -> Located:
    """The same for a text that *path* stands for in error messages."""
    import yaml

    try:
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
            _prepare(path, root)
            plain = None if root is None else loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise UsageError(_syntax_words(path, text, error)) from error
    except (ValueError, OverflowError) as error:  # an escape such as "\UFFFFFFFF", which PyYAML looks at no further
        raise UsageError(f"{path}:{loader.line + 1}: not valid YAML: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{path}:1: nested too deeply") from error
    return Located(path, plain, root)


def _syntax_words(path: Path, text: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        parts = (getattr(error, "context", None), getattr(error, "problem", None))
        return f"{path}:{mark.line + 1}: not valid YAML: {', '.join(part for part in parts if part)}"
    # The reader stops at a character that YAML forbids, and names its position alone.
    line = text.count("\n", 0, getattr(error, "position", 0)) + 1
    return f"{path}:{line}: not valid YAML: {getattr(error, 'reason', error)}"


def _prepare(path: Path, root: yaml.Node | None) -> None:
    """Turn keys into strings, and refuse what would be read as something its writer cannot mean."""
    import yaml

    done: set[int] = set()

    def visit(node: yaml.Node, above: tuple[int, ...]) -> None:
        if id(node) in above:
            raise UsageError(f"{path}:{_line(node)}: an alias that holds itself")
        if id(node) in done:
            return
        done.add(id(node))
        if isinstance(node, yaml.MappingNode):
            node.value = _string_keys(path, node)
            for _, value in node.value:
                visit(value, (*above, id(node)))
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                visit(value, (*above, id(node)))
        else:
            _check_scalar(path, node)

    if root is not None:
        visit(root, ())


def _string_keys(path: Path, node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    import yaml

    pairs: list[tuple[yaml.Node, yaml.Node]] = []
    first: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise UsageError(f"{path}:{_line(key)}: a key must be a name, not a list or a mapping")
        if key.tag == _MERGE:
            pairs.append((key, value))
            continue
        if key.value in first:
            raise UsageError(f"{path}:{_line(key)}: {key.value}: given twice, first in line {first[key.value]}")
        first[key.value] = _line(key)
        pairs.append((yaml.ScalarNode(_STRING, key.value, key.start_mark, key.end_mark), value))
    return pairs


def _check_scalar(path: Path, node: yaml.Node) -> None:
    """A scalar that its type cannot hold (a 13th month, not a number) is refused with its line, and so is a null byte:
    no file's name, variable or program holds one.
    """
    import yaml

    if "\0" in node.value:
        raise UsageError(f"{path}:{_line(node)}: holds a null byte")
    if node.tag == _STRING:
        return
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        kind = node.tag.rpartition(":")[2]
        raise UsageError(
            f"{path}:{_line(node)}: {node.value!r} is no valid {kind}; quote it if it is a text"
        ) from error
    if isinstance(value, float) and math.isnan(value):
        raise UsageError(f"{path}:{_line(node)}: {node.value!r} is no number; quote it if it is a text")


def _trail(root: yaml.Node | None, key_path: KeyPath) -> Iterator[tuple[int, yaml.Node | None]]:
    """Line and node of the root and of each step of *key_path*, as far as it leads."""
    node = root
    yield (1 if node is None else _line(node)), node
    for key in key_path:
        step = _step(node, key)
        if step is None:
            return
        place, node = step
        yield _line(place), node


def _step(node: yaml.Node | None, key: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Where *key* stands within *node*, and what it holds."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        # Own keys come after those that `<<` brought in, and win.
        return next(((name, value) for name, value in reversed(node.value) if name.value == str(key)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and 0 <= key < len(node.value):
        return node.value[key], node.value[key]
    return None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
