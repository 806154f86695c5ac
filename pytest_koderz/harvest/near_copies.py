"""Other places of a repository that say what a function's body says, whatever they call their variables."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from pytest_koderz.core.place import Function, ModuleText, is_docstring

ALIKE = 0.9
"""From this share on two bodies are the same: one could be copied for the other."""
_LEAST = 20
"""Steps of a body; shorter ones are alike by chance."""


def shape_of(function: Function) -> tuple[str, ...]:
    """The body's nodes in order, names and texts left out."""
    body = [node for node in function.body if not is_docstring(node)]
    return tuple(type(node).__name__ for part in body for node in ast.walk(part) if not isinstance(node, ast.Load))


Shapes = Mapping[str, tuple[str, ...]]


def shapes_of(modules: Mapping[str, ModuleText]) -> dict[str, tuple[str, ...]]:
    """By `file:qualname`."""
    return {
        f"{file}:{name}": shape_of(node) for file, module in modules.items() for name, node in module.functions.items()
    }


def near_copy_of(own: str, shapes: Shapes) -> str | None:
    """Another function whose body is the one of *own*; None where there is none."""
    shape = shapes[own]
    if len(shape) < _LEAST:
        return None
    return next((name for name, other in shapes.items() if name != own and _alike(shape, other)), None)


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if not 0.8 <= len(other) / len(one) <= 1.25:
        return False
    if one == other:
        return True
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def texts_with(body: str, texts: Iterable[tuple[str, str]]) -> list[str]:
    """Names of *texts*, each with its content, that hold most lines of *body* one after the other."""
    lines = [line.strip() for line in body.splitlines() if len(line.strip()) > 3]
    if len(lines) < 3:
        return []
    return [name for name, text in texts if _holds(text, lines)]


def _holds(text: str, lines: list[str]) -> bool:
    return lines[0] in text and sum(line in text for line in lines) >= ALIKE * len(lines)
