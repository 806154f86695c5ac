"""The files that a benchmark writes for whoever asked for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_koderz.files.atomic import write_output
from tests.conftest import Run

_FULL = """
import resource, sys
from pathlib import Path
from pytest_koderz.files.atomic import write_output
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_output(Path(sys.argv[1]), "new " * 4096)
except OSError as fault:
    print(fault.strerror)
"""


def test_what_cannot_be_written_whole_is_not_written(tmp_path: Path) -> None:
    """As when a disk is full: the results of before are still there, and nothing beside them."""
    path = tmp_path / "r.json"
    path.write_text("old")
    told = subprocess.run([sys.executable, "-c", _FULL, str(path)], capture_output=True, text=True, check=True)
    assert told.stdout == "File too large\n"
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("r.json", "old")]


def test_a_link_and_a_pipe_stay_what_they_are(tmp_path: Path) -> None:
    """What the user has put there is written to, not replaced."""
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_output(tmp_path / "link", "one")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "one"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_output(tmp_path / "pipe", "two")
    assert os.read(reader, 9) == b"two"
    os.close(reader)


def test_results_that_could_not_be_written_are_not_announced(forgetful: Run, pytester: pytest.Pytester) -> None:
    """The summary says why there are none, and how to have them."""
    pytester.makeconftest(
        "import pathlib, shutil\n"
        "def pytest_sessionfinish():\n"
        "    shutil.rmtree('out')\n"
        "    pathlib.Path('out').write_text('in the way')\n"
    )
    result = forgetful("--koderz-problems", "0", "--koderz-json", "out/r.json", "--koderz-html", "r.html")
    result.stdout.fnmatch_lines(["no results: out/r.json: *; resume bench_* to have them", "results: r.html"])
    result.stdout.no_fnmatch_line("results: out/r.json")


def test_results_come_without_a_terminal_too(forgetful: Run) -> None:
    """There is no summary then."""
    forgetful("--koderz-problems", "0", "--koderz-json", "r.json", "-p", "no:terminal")
    assert json.loads(Path("r.json").read_text())["experiments"]


def test_a_step_of_github_actions_has_a_summary(
    forgetful: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Added to what other commands of the step have written, within the 1 MiB that the step may have."""
    step = pytester.path / "step.md"
    step.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    forgetful("--koderz-problems", "0", "--koderz-arm", "koderz", "--koderz-min-solved", "0.5")
    text = step.read_text()
    assert text.startswith("before\n## SIMULATED koderz bench&#95;")
    assert "gate min-solved of koderz: holds" in text
    step.write_text("x" * ((1 << 20) - 10))
    forgetful("--koderz-problems", "0", "--koderz-arm", "koderz")
    assert step.stat().st_size <= 1 << 20
