"""What a run says beside the lines of a pull request: commands that GitHub's runner reads out of a step's output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

MOST = 10
"""Annotations of a kind that GitHub takes of a step; it drops the rest without a word."""
LONGEST = 500
"""Letters of what one says."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """*text* is shown under *title*, at a line of a file of the repository where one is known."""

    kind: Literal["error", "warning"]
    title: str
    text: str
    file: str = ""
    line: int = 1


def commands_of(annotations: Sequence[Annotation]) -> Iterator[str]:
    """A command for each; the tenth of a kind counts those that have no room."""
    for kind in dict.fromkeys(one.kind for one in annotations):
        group = [one for one in annotations if one.kind == kind]
        if len(group) > MOST:
            rest = Annotation(kind, "koderz", f"{len(group) - MOST + 1} more: see the summary of this run")
            group = [*group[: MOST - 1], rest]
        yield from map(_command, group)


def _command(one: Annotation) -> str:
    place = {"file": one.file, "line": str(one.line)} if one.file else {}
    properties = ",".join(f"{name}={_property(value)}" for name, value in {**place, "title": _cut(one.title)}.items())
    return f"::{one.kind} {properties}::{_escaped(_cut(one.text))}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _escaped(text: str) -> str:
    """As actions/toolkit writes data: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
