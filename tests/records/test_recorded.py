"""What a journal says, read again."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.core.errors import JournalFault
from pytest_koderz.core.experiment import Experiment, Spec, Status
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.events import Called
from pytest_koderz.records.folder_lock import FolderLock
from pytest_koderz.records.journal import Journal
from pytest_koderz.records.reader import experiments_in, folders_in
from pytest_koderz.records.recorded import Past, read_folder

MODEL = ModelSettings("coder", "ollama", "qwen", temperature=0.2)
ARM = Arm("koderz", local=MODEL, spec=MODEL)
PROBLEM = Problem("own/add", "def add(x, y): ...", "add", "def check(candidate): ...")
START = Experiment("exp_12345678", PROBLEM.id, ARM.name, started="2026-11-22T20:00:00.000+00:00")
PROMPT = Prompt("Be brief.", "", "Specify.", PROBLEM.id, Role.SPEC)
REPLY = Reply("Add.\ud800", Usage(1, 2, 3, 4), "qwen-7b", seconds=1.5, warnings=("careful",))
SPENDING = Spending(Role.SPEC, "coder", 1, REPLY.usage, Decimal("0.5"), 1.5)
SPEC = Spec("Add.", "qwen-7b", Usage(1, 2))


def write(folder: Path, *ends: Status, process: str = "main", arm: Arm = ARM) -> Path:
    """A journal of one experiment, ended as often as *ends* says."""
    journal = Journal(folder, process, {"profile": "live"})
    journal.pytest_koderz_began(START, PROBLEM, arm)
    journal.pytest_koderz_called(START, Role.SPEC, PROMPT, replace(REPLY, text=process), SPENDING)
    journal.pytest_koderz_spec_written(START, replace(SPEC, text=process))
    for status in ends:
        journal.pytest_koderz_ended(START.ended(status, 2.0))
    journal.close()
    return journal.path


def past(folder: Path, arm: Arm = ARM) -> Past:
    return read_folder(folder).past(START.id, PROBLEM, arm)


def test_replies_steps_and_the_start_are_found(tmp_path: Path) -> None:
    """By role and prompt digest, whole."""
    write(tmp_path)
    found, spec = past(tmp_path), replace(SPEC, text="main")
    assert found.replies == {("spec", PROMPT.digest): replace(REPLY, text="main", charged=Decimal("0.5"), taken=spec)}
    assert found.places == {("spec", PROMPT.seed): ("spec", PROMPT.digest)}
    assert (found.started, found.specs, found.settled) == (START.started, (spec,), None)


def test_an_experiment_may_begin_in_one_process_and_end_in_another(tmp_path: Path) -> None:
    """What is invalid is no end; of two answers to one prompt the first is what was gone on with."""
    write(tmp_path, Status.INVALID, process="gw1")
    assert past(tmp_path).settled is None
    write(tmp_path, Status.UNSOLVED, process="gw0")
    found = past(tmp_path)
    assert found.settled == START.ended(Status.UNSOLVED, 2.0)
    assert found.replies[Role.SPEC, PROMPT.digest].text == "gw1"
    assert read_folder(tmp_path).counts() == (1, 0)


@pytest.mark.parametrize(
    ("arm", "names"),
    [
        (replace(ARM, max_iterations=3), ("max_iterations was 50, is 3",)),
        (replace(ARM, local=replace(MODEL, temperature=0.5)), ("local.temperature was 0.2, is 0.5",)),
        (replace(ARM, local=replace(MODEL, options={"top_k": 4})), ("local.options.top_k was unset, is 4",)),
        (replace(ARM, spec=None), ("spec was coder, is none",)),
        (replace(ARM, local=replace(MODEL, timeout=5.0, hosts=("http://gpu:1",))), ()),
    ],
    ids=["limits", "model", "option", "role", "transport"],
)
def test_what_changed_is_named(tmp_path: Path, arm: Arm, names: tuple[str, ...]) -> None:
    """With both values, and its record is left alone. How a model is reached makes no difference."""
    write(tmp_path, Status.SOLVED)
    recorded = read_folder(tmp_path)
    assert recorded.changes(START.id, PROBLEM, arm) == names
    assert (past(tmp_path, arm).settled is None) == bool(names)
    (of_problem,) = recorded.changes(START.id, replace(PROBLEM, tests="pass"), ARM)
    assert of_problem == "problem.tests was def check(candidate): ..., is pass"


def _torn(lines: list[str]) -> str:
    return "\n".join(lines)[:-5]


def _broken(lines: list[str]) -> str:
    return "\n".join([*lines[:2], lines[2][:50], *lines[3:]]) + "\n"


def _newer(lines: list[str]) -> str:
    return "\n".join(lines).replace('"v":3', '"v":99', 1)


def _spoilt(lines: list[str]) -> str:
    return "\n".join([*lines[:-1], lines[-1][:50]]) + "\n"


@pytest.mark.parametrize("change", [_torn, _spoilt])
def test_a_torn_last_line_is_passed_over_and_cut_off_by_the_next_writer(
    tmp_path: Path, change: Callable[[list[str]], str]
) -> None:
    """Also where it ends like a whole one."""
    path = write(tmp_path, Status.SOLVED)
    path.write_text(change(path.read_text().splitlines()))
    assert past(tmp_path).settled is None
    write(tmp_path, Status.SOLVED)
    assert past(tmp_path).settled is not None
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_broken, r"main.jsonl:3: is no line of a journal"),
        (_newer, r"main.jsonl:1: was written by a newer version .* \(format 99, this one reads up to 3\)"),
    ],
    ids=["broken", "newer"],
)
def test_a_journal_that_cannot_be_trusted_is_refused(
    tmp_path: Path, change: Callable[[list[str]], str], words: str
) -> None:
    """With file and line."""
    path = write(tmp_path, Status.SOLVED)
    path.write_text(change(path.read_text().splitlines()))
    with pytest.raises(UsageError, match=words):
        read_folder(tmp_path)


def test_a_clock_that_is_set_back_does_not_change_the_order(tmp_path: Path) -> None:
    """Of two answers to one prompt the first that was written counts, whatever the time on it."""
    path = write(tmp_path)
    first = path.read_text()
    path.write_text(first + first.replace('"at":"20', '"at":"19').replace('"text":"main"', '"text":"later"'))
    assert past(tmp_path).replies[Role.SPEC, PROMPT.digest].text == "main"


def test_a_line_of_another_shape_is_refused(tmp_path: Path) -> None:
    """With the key in it that is wrong."""
    path = write(tmp_path, Status.SOLVED)
    path.write_text(path.read_text().replace('"spec":{"text"', '"spec":{"words"'))
    with pytest.raises(UsageError, match=r"main.jsonl:4: spec.text: is missing; remove it to go on"):
        past(tmp_path)


def test_an_older_journal_does_not_say_under_which_conditions(tmp_path: Path) -> None:
    """Version 1 had none, so that nothing of it is mixed in."""
    path = write(tmp_path, Status.SOLVED)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows = [{key: row[key] for key in row if key not in ("conditions", "spending")} | {"v": 1} for row in rows]
    old = [row for row in rows if row["event"] != "began"]
    path.write_text("".join(json.dumps(row) + "\n" for row in old))
    (why,) = read_folder(tmp_path).changes(START.id, PROBLEM, ARM)
    assert why.startswith("journal version")
    assert past(tmp_path) == Past()
    (call,) = (event.what for event in read_folder(tmp_path).calls())
    assert isinstance(call, Called)
    assert call.spending.cost is None


def test_what_cannot_be_written_leaves_no_half_line(tmp_path: Path) -> None:
    """The kernel refuses what a file may not hold as it refuses what a disk has no room for; later there is room."""
    path = write(tmp_path)
    size = path.stat().st_size
    journal = Journal(tmp_path, "main", {})
    with limited(size + 2000), pytest.raises(JournalFault, match="the journal cannot be written: File too large: "):
        journal.pytest_koderz_began(START, PROBLEM, ARM)
    journal.pytest_koderz_ended(START.ended(Status.SOLVED, 1.0))
    journal.close()
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()][-2:] == ["began", "ended"]


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file of this process may grow beyond *size* bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """The second is told who has the folder; the first leaves none where nothing was recorded."""
    first, second = FolderLock(tmp_path / "bench_1"), FolderLock(tmp_path / "bench_1")
    first.take()
    with pytest.raises(UsageError, match=r"bench_1: another run is at work on this benchmark \(process \d+\)"):
        second.take()
    second.release()
    first.release()
    assert not (tmp_path / "bench_1").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_no_journal(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A pipe would be waited for, a device never ends, and a folder cannot be read."""
    folder = tmp_path / "bench_1a2b3c4d"
    folder.mkdir()
    make(folder / "looks.jsonl")
    assert not folders_in(tmp_path)
    assert not experiments_in(folder)
    assert not read_folder(folder).experiments
