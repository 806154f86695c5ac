"""The guide: what the README has no room for, read in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_koderz.settings.config import nearest

from .printing import print_lines

CONTENTS = "contents"
"""What --koderz-guide means without a topic."""

CHAPTERS = (
    "usage",
    "settings",
    "servers",
    "arms",
    "problems",
    "statistics",
    "judge",
    "memory",
    "hooks",
    "records",
    "json",
    "ci",
    "troubleshooting",
    "changes",
)
"""In the order in which a newcomer would read them. Each is a file that begins with `# Title: what it holds`."""


def open_guide(config: pytest.Config) -> int:
    """--koderz-guide: the chapter of that name, or what chapters there are."""
    topic: str = config.getoption("koderz_guide")
    if topic == CONTENTS:
        print_lines(config, _contents())
    elif topic in CHAPTERS:
        print_lines(config, chapter(topic).splitlines())
    else:
        raise pytest.UsageError(f"--koderz-guide: no chapter named '{topic}'{nearest(topic, CHAPTERS)}")
    return int(pytest.ExitCode.OK)


def chapter(topic: str) -> str:
    """The text of one of CHAPTERS, in Markdown."""
    return (Path(__file__).parents[1] / "guide" / f"{topic}.md").read_text(encoding="utf-8")


def _contents() -> Iterator[str]:
    widest = max(map(len, CHAPTERS))
    for topic in CHAPTERS:
        title = chapter(topic).partition("\n")[0]
        yield f"{topic:<{widest}}  {title.partition(': ')[2]}"
    yield "`pytest --koderz-guide TOPIC` prints one of them."
