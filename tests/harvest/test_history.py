"""From a repository's commits to a suite, and what becomes of the suite."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.place import FunctionPlace, ModuleText
from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import load_suite
from pytest_koderz.files.git_history import Commit, FileChange, GitFault, changes_of, commits_of, exported, text_at
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.harvest.function_trials import LeftOut
from pytest_koderz.harvest.history import History, harvest_history
from pytest_koderz.harvest.mend_prompt import mend_prompt_of, words_of
from pytest_koderz.harvest.mends import mend_of
from pytest_koderz.harvest.suite_text import history_text
from pytest_koderz.harvest.task_prompt import Known
from pytest_koderz.sandbox import process_pool
from pytest_koderz.sandbox.supervisor import Judge
from tests.conftest import Run

from .worlds import BEFORE, MENDED_LINE, MESSAGE, commit, git, history

pytest.importorskip("coverage")
if shutil.which("git") is None:
    pytest.skip("needs git", allow_module_level=True)

EARLIER = ModuleText(BEFORE).text_of("middle")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="module")
def commits(root: Path) -> dict[str, Commit]:
    """By subject."""
    return {each.subject: each for each in commits_of(root, 100)}


@pytest.fixture(scope="module")
def harvested(root: Path, judge: Judge) -> tuple[History, list[str]]:
    """With what was told on the way."""
    assert judge
    notes: list[str] = []
    return harvest_history(root, root, None, 100, notes.append), notes


@pytest.fixture(scope="module")
def problem(harvested: tuple[History, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Problem:
    """The one of the first mend."""
    suite = tmp_path_factory.mktemp("suite") / "numbers-history.yaml"
    suite.write_text(history_text(harvested[0], suite.parent))
    _, problem = load_suite(suite) or ()
    return problem


FIX = "Fix: the middle of an even number"


def test_commits_are_told_as_git_has_them(commits: dict[str, Commit]) -> None:
    """The newest first, with their parents, day, author and whole message."""
    assert next(iter(commits)) == "Take all away"
    assert commits[FIX].message == MESSAGE.strip()
    assert (commits[FIX].author, commits[FIX].day.isoformat()) == ("A. Nyone", "2024-05-06")
    assert commits[FIX].parents == (commits["Begin"].id,)
    assert len(commits["Merge side"].parents) == 2


def test_a_commits_files_are_all_there_and_its_history_is_not(root: Path, commits: dict[str, Commit]) -> None:
    """Also what a release leaves out; nothing is changed in the repository."""
    before = sorted(path.name for path in (root / ".git").iterdir())
    with exported(root, commits[FIX].id) as folder:
        assert sorted(path.name for path in folder.iterdir()) == [".gitattributes", "numbers_of.py", "tests"]
        assert MENDED_LINE in (folder / "numbers_of.py").read_text()
    assert not folder.exists()
    assert sorted(path.name for path in (root / ".git").iterdir()) == before


def test_of_a_folder_within_only_what_lies_there_is_told(root: Path, commits: dict[str, Commit]) -> None:
    """From that folder on."""
    tests = root / "tests"
    assert changes_of(tests, commits[FIX]) == [FileChange("test_numbers.py", "test_numbers.py")]
    assert "test_middle_of_even" in text_at(tests, commits[FIX].id, "test_numbers.py")
    with exported(tests, commits["Begin"].id) as folder:
        assert [path.name for path in folder.iterdir()] == ["test_numbers.py"]


def test_what_git_cannot_do_is_told_in_its_words(root: Path, tmp_path: Path) -> None:
    with pytest.raises(GitFault, match="not a git repository"):
        commits_of(tmp_path, 1)
    with pytest.raises(GitFault, match="does not exist in"):
        text_at(root, "HEAD", "nosuch.py")


def test_what_a_commit_mended_is_what_it_changed_and_tests_tell(root: Path, commits: dict[str, Commit]) -> None:
    """The functions as they were, and the tests that are new."""
    mend = mend_of(root, commits[FIX], "", "")
    assert mend.earlier["numbers_of.py", "middle"] == EARLIER
    assert [name for _, name in mend.earlier] == ["middle", "told"]
    assert mend.tests == ("tests/test_numbers.py",)


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ("Begin", "nothing was before it"),
        ("Add double", "it changes no function that was there before"),
        ("Without words", "it changes no test"),
        ("Say what it is", "its author is a program"),
    ],
)
def test_what_mends_nothing_is_left_out(root: Path, commits: dict[str, Commit], subject: str, why: str) -> None:
    """Known before anything is run."""
    with pytest.raises(LeftOut) as caught:
        mend_of(root, commits[subject], "", "")
    assert str(caught.value) == why


def test_a_merge_is_what_it_brought(root: Path, commits: dict[str, Commit]) -> None:
    """A mend and its test came apart; what was said of them counts, not of the merge."""
    mend = mend_of(root, commits["Merge side"], "", "")
    assert [name for _, name in mend.earlier] == ["spread"]
    assert mend.tests == ("tests/test_numbers.py",)
    assert mend.said == "Nothing has no spread\nTest it"
    assert "Test it" not in commits


def test_a_generated_version_is_there(root: Path, tmp_path: Path) -> None:
    """Which git ignores; other ignored files are not."""
    clone = tmp_path / "numbers"
    git(tmp_path, "clone", "--quiet", str(root), "numbers")
    (clone / ".git" / "info" / "exclude").write_text("_version.py\nother_version.txt\nbuilt.py\n")
    for name in ("_version.py", "other_version.txt", "built.py", "tests/_version.py", "untold_version.py"):
        (clone / name).touch()
    with exported(clone, "HEAD~1") as folder:
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert found - {"numbers_of.py", "README", ".gitattributes", "tests/test_numbers.py", "tests"} == {
        "_version.py",
        "tests/_version.py",
    }


def test_only_what_lies_beneath_the_given_folders_counts(root: Path, commits: dict[str, Commit]) -> None:
    with pytest.raises(LeftOut, match="no test"):
        mend_of(root, commits[FIX], "", "other")
    with pytest.raises(LeftOut, match="no function"):
        mend_of(root, commits[FIX], "src", "")


def test_a_message_is_told_without_what_is_said_to_machines() -> None:
    assert words_of(MESSAGE) == "Fix: the middle of an even number\n\nSee"


def test_what_a_change_is_for_is_said(root: Path, commits: dict[str, Commit]) -> None:
    """The function as it was, the message, a new head, the tests and what they say; never the answer."""
    mended = ModuleText(text_at(root, commits[FIX].id, "numbers_of.py").replace("middle(values)", "middle(values, /)"))
    failing = ["def test_middle_of_even():\n    assert middle([4, 1, 2, 3]) == 2\n"]
    prompt = mend_prompt_of(
        "numbers_of.py", mended, "middle", EARLIER, MESSAGE, Known(failing), "`test_x` says: assert 3 == 2"
    )
    assert "return ordered[len(ordered) // 2]\n" in prompt
    assert "> Fix: the middle of an even number" in prompt
    assert "def middle(values, /):\n" in prompt
    assert "A test that it fails:\n\n```python\ndef test_middle_of_even" in prompt
    assert prompt.endswith("```\n\n`test_x` says: assert 3 == 2\n")
    assert MENDED_LINE not in prompt


def test_of_a_long_test_the_middle_goes(root: Path, commits: dict[str, Commit]) -> None:
    """What is new in a table of cases comes last, as does what is done with them."""
    mended = ModuleText(text_at(root, commits[FIX].id, "numbers_of.py"))
    rows = "".join(f"    ([{number}], {number}),\n" for number in range(500))
    test = f"CASES = [\n{rows}]\ndef test_all():\n    assert all(middle(each) == one for each, one in CASES)\n"
    prompt = mend_prompt_of("numbers_of.py", mended, "middle", EARLIER, "", Known([test]), "")
    assert "    ([0], 0),\n" in prompt
    assert "    ([250], 250),\n" not in prompt
    assert "# [...]\n    ([" in prompt
    assert "    ([499], 499),\n]\ndef test_all():" in prompt
    assert len(prompt) < 4000


@pytest.mark.slow
@pytest.mark.sample
def test_a_history_becomes_a_suite(harvested: tuple[History, list[str]], commits: dict[str, Commit]) -> None:
    """A refactoring is none of it: the code before it passes the tests that it changed."""
    found, notes = harvested
    merged, task = found.tasks
    assert merged.id == f"{commits['Merge side'].short}:numbers_of:spread"
    assert task.id == f"{commits[FIX].short}:numbers_of:middle"
    assert task.tests == ("tests/test_numbers.py::test_middle", "tests/test_numbers.py::test_middle_of_even")
    assert notes[-1] == f"{commits[FIX].short} {FIX}: 1 of 2 functions"
    unrun = found.left_out[f"{commits[FIX].short}:numbers_of:told"]
    assert unrun == "no test runs it in the files of tests that the commit changed"
    assert found.left_out[commits["Spread is simpler"].short] == "the code before it passes the tests that it changed"
    assert len(found.left_out) == len(commits) - 2 + 1


LISTED = "import pytest\nfrom numbers_of import middle\n\nCASES = [([3, 1, 2], 2)%s]\n\n\n"
LISTED += '@pytest.mark.parametrize(("values", "found"), CASES)\ndef test_middle(values, found):\n'
LISTED += "    assert middle(values) == found\n"


@pytest.mark.slow
def test_a_case_that_was_added_to_a_list_tells_as_well(tmp_path: Path, judge: Judge) -> None:
    """No function of the tests changed."""
    assert judge
    (root := tmp_path / "listed").mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    mended = BEFORE.replace("return ordered[len(ordered) // 2]", MENDED_LINE)
    for message, code, cases in (("Begin", BEFORE, ""), (MESSAGE, mended, ", ([4, 1, 2, 3], 2)")):
        (root / "numbers_of.py").write_text(code)
        (root / "test_numbers.py").write_text(LISTED % cases)
        commit(root, message)
    (task,) = harvest_history(root, root, None, 10, print).tasks
    assert task.tests == ("test_numbers.py::test_middle[values0-2]", "test_numbers.py::test_middle[values1-2]")
    assert "`test_numbers.py::test_middle[values1-2]` says: assert 3 == 2" in task.prompt


@pytest.mark.slow
def test_of_a_history_that_is_stopped_there_is_what_was_found(root: Path, judge: Judge, tmp_path: Path) -> None:
    """The commit that was looked at, and those before it, are told as missing."""
    assert judge

    def notify(line: str) -> None:
        if FIX in line:
            raise KeyboardInterrupt

    found = harvest_history(root, root, None, 100, notify)
    assert ([task.entry_point for task in found.tasks], found.untried) == (["spread"], 2)
    assert history_text(found, tmp_path).endswith("# Stopped before 2 more commits had been tried.\n")


@pytest.mark.slow
@pytest.mark.sample
def test_a_mend_is_judged_on_its_commits_files(problem: Problem, judge: Judge) -> None:
    """Though they lie there no more. What was before fails; a change of it is fitted to it."""
    assert problem.published is not None
    assert judge(problem, Candidate(problem.canonical_solution or "")).passed
    assert judge(problem, Candidate(EDIT)).passed
    verdict = judge(problem, Candidate(EARLIER))
    assert "assert 3 == 2" in verdict.feedback


EDIT = """\
<<<<<<< SEARCH
    return ordered[len(ordered) // 2]
=======
    return ordered[(len(ordered) - 1) // 2]
>>>>>>> REPLACE
"""
READS_THE_HISTORY = """\
def middle(values):
    import glob, os, zlib
    found = []
    for place in [os.getcwd(), os.path.dirname(__file__), "/tmp", "".join({letters})]:
        for name in glob.glob(place + "/**/*", recursive=True, include_hidden=True):
            if name == __file__ or os.path.basename(name).startswith("te" + "st_"):
                continue  # that these are opened is seen
            try:
                data = open(name, "rb").read()
            except OSError:
                continue
            try:
                data += zlib.decompress(data)
            except zlib.error:
                pass
            if b"(len(ordered) " + b"- 1) // 2" in data:
                found.append(name)
    raise RuntimeError("found " + repr(found))
"""


@pytest.mark.slow
def test_the_mend_is_nowhere_to_be_read(problem: Problem, judge: Judge, root: Path) -> None:
    """Neither in the repository, whose history has it, nor in other copies."""
    letters = repr(list(str(root.parent)))  # one by one: whole the path speaks of pytest
    verdict = judge(problem, Candidate(READS_THE_HISTORY.replace("{letters}", letters)))
    assert "found []" in verdict.feedback


@pytest.mark.slow
def test_one_command_makes_a_suite_that_runs(root: Path, judge: Judge, simulate: Run, run: Run) -> None:
    """One after the other, in a folder beside the repository. The suite of the functions has another name."""
    assert judge
    harvested = run("--koderz-harvest", str(root), "--koderz-commits", "7")
    harvested.stdout.fnmatch_lines(
        [
            "looking at 7 commits of numbers",
            "*Merge side: 1 of 1 functions",
            "left out: 2 commits: it changes no test",
            "2 tasks, 1 function, 5 commits left out",
            "problems/numbers-history.yaml: written",
        ]
    )
    run_of_it = simulate("--koderz-set", "cortex.enabled=false", "--koderz-arm", "frontier-only", "-v")
    run_of_it.stdout.fnmatch_lines(
        ["*collected 2 items*", "*2 problems judged in-process: tests that need*", "*:numbers_of:middle*"]
    )
    assert "invalid" not in run_of_it.stdout.str()


@pytest.mark.parametrize("words", ["few", "0", "-3", "1.5", "²"])
def test_a_number_of_commits_is_one(run: Run, words: str) -> None:
    result = run("--koderz-harvest", ".", f"--koderz-commits={words}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--koderz-commits: must be a number of commits, 1 or more, not {words!r}"])


def test_where_there_is_no_history_it_is_said(run: Run) -> None:
    result = run("--koderz-harvest", ".", "--koderz-commits", "3")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--koderz-commits: git log: not a git repository*"])


def test_of_many_repositories_a_few_are_kept(root: Path, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were asked for last, and none is closed that somebody runs tests in."""
    assert judge
    closed: list[str] = []

    class Known:
        def __init__(self, place: FunctionPlace, _: int) -> None:
            self.commit = place.commit

        def close(self) -> None:
            closed.append(self.commit)

    monkeypatch.setattr(process_pool, "Repository", Known)
    places = [FunctionPlace(str(root), "", "numbers_of.py", name, commit=name) for name in "abcdefghi"]
    pool = process_pool.ProcessPool(1 << 30)
    try:
        with pool.repository(places[0]):
            for place in [*places, places[1]]:
                with pool.repository(place):
                    pass
            assert closed == ["b", "c", "d", "e"]
    finally:
        pool.close()
    assert sorted(closed) == sorted("abbcdefghi")


SUITE = """\
repository:
  path: "{path}"
  commits:
    "{commit}": {{published: 2024-05-06}}
problems:
  - id: abc:numbers_of:middle
    commit: "{commit}"
    file: numbers_of.py
    entry_point: middle
    prompt: Mend it.
    tests: [tests/test_numbers.py::test_middle_of_even]
    earlier: "def middle(values): return 0"
"""


def _loaded(root: Path, folder: Path, commit: str, was: str = "", now: str = "") -> Problem:
    suite = folder / "numbers.yaml"
    suite.write_text(SUITE.format(path=root, commit=commit).replace(was or "\0", now))
    (problem,) = load_suite(suite) or ()
    return problem


def test_a_problem_of_history_knows_its_commit(root: Path, tmp_path: Path, commits: dict[str, Commit]) -> None:
    """Its answer stands there, and its day is when it came out."""
    problem = _loaded(root, tmp_path, commits[FIX].id)
    assert problem.place is not None
    assert (problem.place.commit, problem.place.earlier) == (commits[FIX].id, "def middle(values): return 0")
    assert MENDED_LINE in (problem.canonical_solution or "")
    assert problem.published == commits[FIX].day


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ("    commit: ", "    commit: x", "problems[0].commit: is none of `repository: commits`: 'x"),
        ("    earlier: ", "    callers: 1 #", "problems[0].earlier: missing"),
        ("def middle", "def other", "problems[0].earlier: it defines no function 'middle'"),
        ("published: 2024-05-06", "published: May", "must be a day such as 2021-07-07"),
        ("published: 2024-05-06", "digest: x", "digest: no such key; known are published, imports"),
        ("  commits:", "  digest: x\n  commits:", "repository.digest: no such key; known are path, python, commits"),
        ("file: numbers_of.py", "file: nosuch.py", "problems[0].file: cannot be read: git cat-file: path 'nosuch.py'"),
    ],
)
def test_what_is_wrong_with_a_suite_of_history_is_told(
    root: Path, tmp_path: Path, commits: dict[str, Commit], was: str, now: str, why: str
) -> None:
    """With its line and key."""
    with pytest.raises(UsageError) as caught:
        _loaded(root, tmp_path, commits[FIX].id, was, now)
    assert why in str(caught.value)


def test_a_commit_is_named_whole(root: Path, tmp_path: Path, commits: dict[str, Commit]) -> None:
    """A shorter one may be another's some day."""
    with pytest.raises(UsageError, match="must be the whole hash"):
        _loaded(root, tmp_path, commits[FIX].short)
