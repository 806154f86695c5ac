"""The guide: what the README has no room for, read in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_koderz.session.completion import OneCompleted, words

# Without --koderz-guide this module costs nothing: what it takes from others is imported where it is used.

CHAPTERS = (
    "usage",
    "settings",
    "servers",
    "arms",
    "problems",
    "own_code",
    "statistics",
    "judge",
    "memory",
    "hooks",
    "records",
    "page",
    "json",
    "ci",
    "compare",
    "troubleshooting",
    "changes",
)
"""In the order in which a newcomer would read them. Each is a file that begins with `# Title: what it holds`."""

_CONTENTS = "contents"
"""What --koderz-guide means without a topic."""

_FOR_TESTS = "<!--"
"""Begins a line that tells how what follows is kept true; none is folded."""


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--koderz-guide",
        metavar="TOPIC",
        action=OneCompleted,
        completer=words(*CHAPTERS),
        nargs="?",
        const=_CONTENTS,
        help="Print a chapter of the guide, or what chapters there are, and exit.",
    )


def asked_for(config: pytest.Config) -> bool:
    return config.getoption("koderz_guide") is not None


def open_guide(config: pytest.Config) -> int:
    """--koderz-guide: the chapter of that name, or what chapters there are.

    It needs no session and no settings: who looks up how koderz.yaml is written may have one that is wrong.
    """
    from .accepted_options import check_options
    from .printing import columns_of, print_lines

    check_options(config, "koderz-guide")
    print_lines(config, _lines(config.getoption("koderz_guide"), columns_of(config)))
    return int(pytest.ExitCode.OK)


def chapter(topic: str) -> str:
    """The text of one of CHAPTERS, in Markdown."""
    return (Path(__file__).parents[1] / "guide" / f"{topic}.md").read_text(encoding="utf-8")


def _lines(topic: str, columns: int) -> list[str]:
    from pytest_koderz.files.nearest import nearest

    if topic == _CONTENTS:
        return list(_contents(columns))
    if topic not in CHAPTERS:
        raise pytest.UsageError(f"--koderz-guide: no chapter named '{topic}'{nearest(topic, CHAPTERS)}")
    return [line for line in chapter(topic).splitlines() if not line.startswith(_FOR_TESTS)]


def _contents(columns: int) -> Iterator[str]:
    from pytest_koderz.reporters.fixed_width import wrapped

    width = max(map(len, CHAPTERS)) + 2
    for topic in CHAPTERS:
        title = chapter(topic).partition("\n")[0].partition(": ")[2]
        yield from wrapped(title, columns, topic.ljust(width), " " * width)
    yield "`pytest --koderz-guide TOPIC` prints one of them."
