"""The samples of README and guide: found, run as a user would, and compared.

What a fenced block is follows from its language and from the comment directly above it:

- bash: commands; `not run here: WHY` where this machine lacks what they need.
- yaml: a koderz.yaml, a suite or a workflow, by its keys; `its koderz.yaml` belongs to the conftest.py before it.
- python: a script; a test file where it has our mark; `conftest of: ARGUMENTS` is one, and how pytest runs with it.
- text: `output: ARGUMENTS` is all that a run prints, `lines of: ARGUMENTS` and `worked example: ARGUMENTS` some of its
  lines in their order, `lines of it` likewise of the run with the conftest.py before, `printed` what the script before
  prints; `in a package: ARGUMENTS` are lines of a run beside the package of the example, after those before it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
GUIDE = ROOT / "pytest_koderz" / "guide"
DOCUMENTS = (README, *sorted(GUIDE.glob("*.md")))
NOT_RUN = "not run here: "
IN_A_PACKAGE = "in a package: "

_FENCED = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*?) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block."""

    place: str
    """`file:line`."""
    kind: str
    text: str
    note: str
    """The comment above it; empty: none."""

    def arguments(self, note: str) -> list[str] | None:
        """Those of the command in a note that begins so; None: it is another note."""
        return shlex.split(self.note.removeprefix(note)) if self.note.startswith(note) else None


def blocks_of(path: Path) -> tuple[Block, ...]:
    text = path.read_text()
    return tuple(
        Block(
            f"{path.name}:{text.count(chr(10), 0, found.start()) + 1}",
            found["kind"],
            found["text"],
            found["note"] or "",
        )
        for found in _FENCED.finditer(text)
    )


BLOCKS = {path: blocks_of(path) for path in DOCUMENTS}


def blocks(kind: str) -> Iterator[Block]:
    for each in BLOCKS.values():
        yield from (block for block in each if block.kind == kind)


def after(block: Block, *notes: str) -> Block | None:
    """The nearest later block of the same document with a note that begins with one of *notes*, if no other script of
    its kind stands between.
    """
    (own,) = (each for each in BLOCKS.values() if block in each)
    for later in own[own.index(block) + 1 :]:
        if later.note.startswith(notes):
            return later
        if later.kind == block.kind:
            return None
    return None


def commands_in(block: Block) -> list[str]:
    """One for each line, without comments."""
    return [shlex.join(words) for line in block.text.splitlines() if (words := shlex.split(line, comments=True))]


UNSET = (
    *("ANTHROPIC_API_KEY", "OLLAMA_HOST", "CORTEX_PATH", "CI", "BUILD_NUMBER"),
    *("GITHUB_STEP_SUMMARY", "PYTHONDONTWRITEBYTECODE"),
)


def environment(addopts: str = "") -> dict[str, str]:
    """What the terminal of a user tells pytest: no hypothesis, which these runs do not use, and 100 columns."""
    return {"PYTEST_ADDOPTS": f"-p no:hypothesispytest {addopts}", "COLUMNS": "100"}


def run_pytest(folder: Path, arguments: Sequence[str], addopts: str = "") -> subprocess.CompletedProcess[str]:
    """As a user runs it in *folder*, without any key in the environment."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET and "PYTEST" not in name}
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**kept, **environment(addopts)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def run_script(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", source]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


_OF_THE_MACHINE = (
    "rootdir",
    "plugins",
    "configfile",
    "testpaths",
    "platform",
    "koderz: SIMULATED sandbox",
    "verdicts:",
)
"""Lines that differ from machine to machine; the last is of this checkout's conftest.py."""


def masked(text: str) -> list[str]:
    """Its lines without what differs from run to run: ids, seconds, versions, days, and what is the machine's own."""
    lines = [_masked(line) for line in text.splitlines() if not line.startswith(_OF_THE_MACHINE)]
    return [line for line in lines if line]


def _masked(line: str) -> str:
    line = re.sub(r"bench_[0-9a-f]{8}", "bench_", line)
    line = re.sub(r"\b[\d,]+\.\d+ ?s\b", "0.0 s", line)
    line = re.sub(r"(seconds per solved:) .*", r"\1", line)
    line = re.sub(r"(genai-prices|as of) [\d.-]+", r"\1", line)
    return re.sub(r"=+", "=", line).rstrip()


def missing_line(shown: str, printed: str) -> str | None:
    """The first line of *shown* that is not in *printed* after those before it; None: all are there."""
    rest = iter(masked(printed))
    return next((line for line in masked(shown) if line not in rest), None)
