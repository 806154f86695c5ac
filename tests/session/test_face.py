"""The plugin as users of pytest meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.conftest import Run

from .worlds import outcomes


def test_an_empty_folder_is_enough(run_apart: Run, pytester: pytest.Pytester) -> None:
    """The built-in suite runs under the name that it has in a checkout; totals add up."""
    simulated = ("--koderz", "--koderz-profile", "simulated")
    result = run_apart(*simulated, "--koderz-problems", "0-2", "-v", "--koderz-json", "out/r.json")
    result.stdout.fnmatch_lines(
        [
            "koderz: SIMULATED profile simulated:*",
            "*problems/humaneval.yaml::HumanEval/0?koderz? *",
            "    SIMULATED spec by *",
            "    SIMULATED ? iteration 1: *",
            "*= SIMULATED koderz bench_* =*",
            "SIMULATED koderz  *",
            "cortex: * stored, * verified",
        ]
    )
    results = json.loads((pytester.path / "out/r.json").read_text())
    assert set(results["arms"]) == {"koderz", "local-only", "frontier-only"}
    for name, arm in results["arms"].items():
        rows = [row for row in results["experiments"] if row["arm"] == name]
        assert arm["settled"] == len(rows) == 3
        assert arm["solved"] == sum(row["outcome"] == "solved" for row in rows)
        assert arm["cost_usd"] == pytest.approx(sum(row["cost_usd"] for row in rows))
        assert arm["tokens_in"] == sum(row["tokens"]["in"] for row in rows)
    solved = sum(arm["solved"] for arm in results["arms"].values())
    result.assert_outcomes(passed=solved, failed=9 - solved, deselected=164 * 3 - 9)
    assert result.ret == (pytest.ExitCode.OK if solved == 9 else pytest.ExitCode.TESTS_FAILED)


@pytest.mark.slow
def test_workers_make_no_difference(simulate: Run, pytester: pytest.Pytester) -> None:
    """Seeds belong to the experiment: outcomes, tokens and dollars are the same, and cortex has them all."""
    simulate("--koderz-problems", "0-3", "--koderz-json", "one.json")
    result = simulate("--koderz-problems", "0-3", "--koderz-json", "two.json", "-n", "2")
    assert outcomes(pytester.path / "one.json") == outcomes(pytester.path / "two.json")
    stored = [line for line in result.outlines if line.startswith("cortex:")]
    count = stored[0].split()[1]
    assert stored == [f"cortex: {count} stored, {count} verified"]
    assert int(count) > 3 * 4


def test_k_picks_exactly_one_problem(forgetful: Run) -> None:
    """A bracket ends the number, so that HumanEval/1 is not HumanEval/10."""
    result = forgetful("-k", "HumanEval/1[ and local-only", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["problems/humaneval.yaml::HumanEval/1?local-only?"])
    assert sum("::" in line for line in result.outlines) == 1


@pytest.mark.parametrize("chosen", [("-k", "HumanEval/3["), ("--deselect", "problems/humaneval.yaml::HumanEval/0")])
def test_a_selection_is_of_what_the_suites_hold(chosen: tuple[str, ...], forgetful: Run) -> None:
    """And then of what else is chosen: `-k` leaves one problem, which makes `0-9` no mistake."""
    result = forgetful("--koderz-problems", "0-9", *chosen, "--koderz-arm", "koderz", "--collect-only", "-q")
    assert result.ret == pytest.ExitCode.OK
    assert sum("::" in line for line in result.outlines) == (1 if chosen[0] == "-k" else 9)
    result = forgetful("--koderz-problems", "900", *chosen)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --koderz-problems: *900*"])


@pytest.mark.parametrize("more", [(), ("-n", "1")])
def test_a_problem_of_another_suite_is_not_passed_over(more: tuple[str, ...], forgetful: Run) -> None:
    """It is named with its file, which runs it where it is named too; the shipped ones likewise."""
    asked = ("--koderz-problems", "own/acronym", "--koderz-arm", "frontier-only")
    result = forgetful(*asked, *more)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = "ERROR: --koderz-problems: 'own/acronym' stands in problems/own.yaml, which is not among what is run; *"
    result.stderr.fnmatch_lines([told])
    result = forgetful(*asked, "problems/humaneval.yaml", "problems/own.yaml", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["problems/own.yaml::own/acronym?frontier-only?"])


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (("-k", "HumanEval/3["), "`-k`, node ids, --lf or a plugin leave nothing of*"),
        (("test_own.py",), "*picks of suites, and none is*"),
    ],
)
def test_why_nothing_is_run_is_told(
    chosen: tuple[str, ...], told: str, forgetful: Run, pytester: pytest.Pytester
) -> None:
    """In a line, where the command line names problems and no experiment is left."""
    pytester.makepyfile(test_own="def test_own(): pass")
    result = forgetful("--koderz-problems", "0", *chosen)
    result.stdout.fnmatch_lines([f"koderz: SIMULATED no experiment is run: {told}"])
    assert "no experiment is run" not in forgetful("-k", "HumanEval/3[", "--collect-only").stdout.str()


SHARDING = """
import pytest

@pytest.hookimpl(HOW)
def pytest_collection_modifyitems(config, items):
    config.hook.pytest_deselected(items=items[1::2])
    items[:] = items[::2]
"""


@pytest.mark.parametrize("when", ["tryfirst=True", "trylast=True"])
def test_what_a_plugin_leaves_out_is_told(when: str, forgetful: Run, pytester: pytest.Pytester) -> None:
    """As plugins do that shard: a share of the selection is no sample of it that we could answer for."""
    pytester.makeconftest(SHARDING.replace("HOW", when))
    result = forgetful("--koderz-problems", "0-1", "--koderz-arm", "frontier-only", "--tb=no")
    told = "note: another plugin left out 1 experiment: these figures are not those of the suite"
    assert told in result.outlines


def test_the_default_profile_runs_in_an_empty_folder(run: Run) -> None:
    """It selects problems of several suites; those that are not read here are passed over."""
    result = run("--koderz", "--collect-only", "-q")
    assert result.ret == pytest.ExitCode.OK
    assert sum("::HumanEval/" in line for line in result.outlines) >= 2


@pytest.mark.slow
def test_k_reaches_beyond_the_profiles_own_selection(run: Run, pytester: pytest.Pytester) -> None:
    """The default profile selects short problems; who asks for another one by -k gets it."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    result = run("--koderz", "-k", "HumanEval/100[", "--collect-only", "-q")
    assert [line for line in result.outlines if "::" in line] == [
        "problems/humaneval.yaml::HumanEval/100[koderz]",
        "problems/humaneval.yaml::HumanEval/100[local-only]",
    ]


def test_a_node_id_of_the_built_in_suite_can_be_given(forgetful: Run) -> None:
    """As pytest prints it, so that it can be pasted."""
    result = forgetful("problems/humaneval.yaml::HumanEval/0[frontier-only]", "-v")
    result.stdout.fnmatch_lines(["*HumanEval/0?frontier-only?*SIMULATED *SOLVED*"])
    result.assert_outcomes(passed=1)


def test_lf_runs_the_unsolved_again_and_x_stops(forgetful: Run) -> None:
    """pytest's own options mean what they always mean."""
    whole = forgetful("--koderz-problems", "0-13", "--koderz-arm", "frontier-only").parseoutcomes()
    assert whole["failed"] > 1
    again = forgetful("--koderz-problems", "0-13", "--koderz-arm", "frontier-only", "--lf").parseoutcomes()
    assert again["failed"] == whole["failed"]
    assert "passed" not in again
    first = forgetful("--koderz-problems", "0-13", "--koderz-arm", "frontier-only", "-x")
    assert first.parseoutcomes()["failed"] == 1
    first.stdout.fnmatch_lines(["go on with: pytest --koderz --koderz-resume"])


@pytest.mark.slow
def test_figures_of_what_was_chosen_by_its_outcome_are_called_so(forgetful: Run) -> None:
    """--lf and -x leave a share of solved that is not that of the suite; where nothing failed they choose nothing."""
    few = ("--koderz-problems", "4,5", "--koderz-arm", "frontier-only", "--tb=no")
    chosen = "note: --lf chose what was not solved before: these figures are not those of the suite"
    stopped = "note: the run stopped at a failure: these figures are not those of the suite"
    notes = [
        [line for line in forgetful(*few, *asked).outlines if line.startswith("note:")]
        for asked in (
            ("--lf", "--maxfail=2"),
            ("--lf", "-n", "2"),
            ("-x", "-n", "1"),
            ("--ff", "-x"),
            ("--sw",),
            ("--sw",),
        )
    ]
    first = stopped.replace("failure:", "failure, and --ff ran first what was not solved before:")
    stepped = "note: --sw went on where it had stopped at a failure: these figures are not those of the suite"
    assert notes == [[], [chosen], [stopped], [first], [stopped], [stepped, stopped]]


def test_a_failure_can_be_one_line(forgetful: Run) -> None:
    """With pytest's own option for that."""
    result = forgetful("--koderz-problems", "4", "--koderz-arm", "frontier-only", "--tb=line")
    start = next(number for number, line in enumerate(result.outlines) if "= FAILURES =" in line)
    assert "humaneval.yaml:1: unsolved after 1 iteration" in result.outlines[start + 1]
    assert "= short test summary info =" in result.outlines[start + 2]


def test_the_summary_uses_a_wide_terminal(forgetful: Run, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """And keeps to a narrow one."""
    monkeypatch.setenv("COLUMNS", "60")
    shown = forgetful("--koderz-problems", "4", "--koderz-arm", "koderz", "--tb=no", "-rN").outlines
    monkeypatch.setenv("COLUMNS", "100")
    (journal,) = (line for line in shown if line.startswith("journal: "))
    told = run("--koderz-analyze", journal.rpartition("/")[2]).outlines
    for lines, least, most in ((shown, 50, 60), (told, 90, 100)):
        assert least < max(len(line) for line in lines if line.startswith("SIMULATED  ")) <= most


def test_junit_has_scalar_properties(forgetful: Run, pytester: pytest.Pytester) -> None:
    """One case for each experiment with its own time, totals on the suite; the same with workers."""
    forgetful("--koderz-problems", "0-3", "--junitxml", "plain.xml")
    forgetful("--koderz-problems", "0-3", "--junitxml", "workers.xml", "-n", "2")
    plain, workers = (_properties(pytester.path / name) for name in ("plain.xml", "workers.xml"))
    assert len(plain) == 12 + 1
    assert plain == workers
    case = plain["HumanEval/0[koderz]"]
    assert case["koderz.arm"] == "koderz"
    assert float(case["koderz.cost_usd"]) > 0
    assert case["koderz.model"] == "local (simulated)"
    assert int(plain["suite"]["koderz.solved"]) > 0
    told = {name: plain["suite"][f"koderz.{name}"] for name in ("profile", "simulated", "control")}
    assert told == {"profile": "simulated", "simulated": "true", "control": "frontier-only"}


def test_collecting_writes_nothing(run: Run, pytester: pytest.Pytester) -> None:
    """So that a folder that cannot be written is listed; only a run is refused there."""
    (pytester.path / ".koderz").write_text("in the way of a folder")
    simulated = ("--koderz", "--koderz-profile", "simulated", "--koderz-problems", "0")
    listed = run(*simulated, "--collect-only", "-q")
    assert listed.ret == pytest.ExitCode.OK
    assert sum("::" in line for line in listed.outlines) == 3
    assert run(*simulated).ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(("where", "outputs"), [("output", 1), ("no", 0)])
def test_junit_cases_can_do_without_properties(
    where: str, outputs: int, forgetful: Run, pytester: pytest.Pytester
) -> None:
    """Jenkins' schema refuses them there; the suite's totals stay."""
    few = ("--koderz-problems", "0", "--koderz-arm", "frontier-only", "--junitxml", "j.xml")
    forgetful(*few, f"--koderz-junit-properties={where}")
    properties = _properties(pytester.path / "j.xml")
    assert properties["HumanEval/0[frontier-only]"] == {}
    assert properties["suite"]["koderz.solved"] == "1"
    text = (pytester.path / "j.xml").read_text()
    assert text.count("<system-out>koderz.experiment: exp_") == text.count("koderz.outcome: solved") == outputs


def test_a_failure_shows_the_candidate_and_not_our_frames(forgetful: Run) -> None:
    """The failing assertion with values and the code, nothing of how it was run."""
    result = forgetful("--koderz-problems", "0-13", "--koderz-arm", "frontier-only", "--koderz-show=stories")
    text = result.stdout.str()
    assert "   1  " in text
    assert "E   unsolved after 1 iteration" in text
    assert "pytest_koderz/" not in text
    assert "Traceback" not in text


def test_without_cache_and_without_terminal(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Neither plugin of pytest is needed."""
    plugins = ("-p", "no:cacheprovider", "-p", "no:terminal")
    forgetful("--koderz-problems", "0", "--koderz-json", "r.json", *plugins)
    assert len(outcomes(pytester.path / "r.json")) == 3


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("-n", "2")])
def test_an_unsolved_problem_is_none_of_the_terminals_business(more: tuple[str, ...], forgetful: Run) -> None:
    """Without the terminal a run is silent, as plain pytest is, and its exit status says how it ended."""
    result = forgetful("--koderz-problems", "4", "--koderz-arm", "frontier-only", "-p", "no:terminal", *more)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not result.outlines
    assert not result.errlines


FOURTH = ("--koderz-problems", "4")


@pytest.mark.parametrize(
    ("verb", "last"),
    [
        (("--koderz-list", *FOURTH), "1 problem, 3 experiments: *"),
        (("--koderz-quote", *FOURTH), "SIMULATED *"),
        (("--koderz-results",), "no benchmark in *"),
        (("--koderz-cortex-sync",), "cortex: nothing is owed in *"),
        (("--koderz-doctor", *FOURTH), "profile 'simulated' can run here"),
    ],
)
def test_a_verb_prints_without_a_terminal_too(
    verb: tuple[str, ...], last: str, run: Run, judged: None, pytester: pytest.Pytester
) -> None:
    """It has nothing else to give."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\nprofile: simulated\n")
    result = run(*verb, "-p", "no:terminal")
    assert result.ret == pytest.ExitCode.OK
    assert fnmatch(result.outlines[-1], last)


def test_a_benchmark_is_told_without_a_terminal_too(forgetful: Run, run: Run, pytester: pytest.Pytester) -> None:
    """Its summary is as wide as the terminal would be."""
    forgetful("--koderz-problems", "4")
    (folder,) = pytester.path.glob(".koderz/bench_*")
    silent, shown = (run("--koderz-analyze", folder.name, *more) for more in (("-p", "no:terminal"), ()))
    assert silent.ret == shown.ret == pytest.ExitCode.OK
    assert silent.outlines
    assert silent.stdout.str() in shown.stdout.str()


def test_epochs_are_experiments_of_their_own(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Each has its own id and seed."""
    result = forgetful(
        "--koderz-problems", "0", "--koderz-epochs", "3", "--koderz-arm", "koderz", "--koderz-json", "r.json", "-v"
    )
    result.stdout.fnmatch_lines(["*HumanEval/0?koderz-3?*"])
    rows = json.loads((pytester.path / "r.json").read_text())["experiments"]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert len({row["id"] for row in rows}) == 3


@pytest.mark.slow
def test_a_new_folder_of_journals_is_kept_out_of_git(simulate: Run, pytester: pytest.Pytester) -> None:
    """As pytest's cache is; one that was there is left as it is, and an unused one is not left behind."""
    folder = pytester.path / ".koderz"
    simulate("--collect-only")
    assert not folder.exists()
    simulate("--koderz-problems", "0", "--koderz-arm", "local-only")
    assert (folder / ".gitignore").read_text().splitlines()[-1] == "*"
    (folder / ".gitignore").unlink()
    simulate("--koderz-resume").stdout.fnmatch_lines(["*resuming*"])
    assert not (folder / ".gitignore").exists()


def test_a_list_of_the_problems(run: Run) -> None:
    """--koderz-list prints and exits, without a model or a key."""
    result = run("--koderz-list", "--koderz-profile", "live", "--koderz-problems", "10-11")
    result.stdout.fnmatch_lines(
        [
            "HumanEval/10  make_palindrome  tests: visible, base",
            "HumanEval/11 *",
            "2 problems, * experiments: koderz, *",
        ]
    )
    run("--koderz-list", "--koderz-problems", "10").stdout.fnmatch_lines(["1 problem, *"])
    assert result.ret == pytest.ExitCode.OK
    assert not any("UNSOLVED" in line for line in result.outlines)


def test_ctrl_c_shows_what_is_settled(pytester: pytest.Pytester) -> None:
    """Exit status 2, a summary of what was settled until then, and a journal.

    It cannot be over before: what so many epochs print is more than a pipe holds that nobody reads.
    """
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--koderz", "--koderz-profile", "simulated", "--koderz-epochs", "3", "-v"],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    seen = ""
    while seen.count("SOLVED") < 3:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    process.send_signal(signal.SIGINT)
    seen += process.communicate(timeout=60)[0]
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "SIMULATED koderz bench_" in seen
    assert "journal: .koderz/bench_" in seen


def test_without_koderz_nothing_of_ours_is_there(pytester: pytest.Pytester, run_apart: Run) -> None:
    """No heavy import, no collected suite, no printed line."""
    heavy = ["anthropic", "mcp", "requests", "yaml", "pydantic", "scipy", "numpy", "genai_prices", "xllamacpp"]
    rooms = "backends core cortex datasets evidence files records reporters sandbox settings"
    ours = [f"pytest_koderz.{room}" for room in rooms.split()]
    pytester.makepyfile(
        f"""
        import sys
        def test_modules():
            assert [name for name in {[*heavy, *ours]} if name in sys.modules] == []
        """
    )
    suite = pytester.path / "problems"
    suite.mkdir()
    (suite / "humaneval.yaml").write_text("dataset: humaneval\n")
    result = run_apart("-p", "no:hypothesispytest", "-p", "no:anyio")
    result.assert_outcomes(passed=1)
    assert not any(line.startswith("koderz:") for line in result.outlines)


def _properties(path: Path) -> dict[str, dict[str, str]]:
    """By case, and for the suite, what the XML says, without ids and times."""
    root = ET.parse(path).getroot()  # noqa: S314 - our own file
    places = {case.attrib["name"]: case for case in root.iter("testcase")} | {"suite": next(root.iter("testsuite"))}
    return {
        name: {
            each.attrib["name"]: each.attrib["value"]
            for each in place.findall("properties/property")
            if each.attrib["name"] not in ("koderz.experiment", "koderz.benchmark")
        }
        for name, place in places.items()
    }


def test_a_page_is_written_where_it_was_asked_for(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Into a folder that it makes; the summary names it."""
    result = forgetful("--koderz-problems", "0", "--koderz-html", "out/page.html")
    result.stdout.fnmatch_lines(["results: out/page.html"])
    page = (pytester.path / "out" / "page.html").read_text()
    assert page.count('href="#exp_') == 3
    assert "SIMULATED" in page


OWN = """\
problems:
  - id: own/twice
    entry_point: twice
    prompt: "def twice(x):"
    tests: assert twice(2) == 4
    canonical_solution: "    return 2 * x"
"""
MINE = "profiles: {mine: {arms: [local-only], models: {local: simulated-local}, problems: 22}}\n"


def _listed(result: pytest.RunResult) -> list[str]:
    assert result.ret == pytest.ExitCode.OK, result.stderr.str()
    return [line.split()[0] for line in result.outlines if " tests: " in line]


@pytest.mark.parametrize(
    ("arguments", "others"),
    [
        ((), ["22", "28", "31", "35", "42", "53"]),
        (("-k", "own or 28"), ["28"]),
        (("-k", "own"), []),
        (("problems/own.yaml",), []),
        (("problems/own.yaml", "problems/humaneval.yaml::HumanEval/7[koderz]"), ["7"]),
    ],
)
def test_a_shipped_profile_runs_problems_of_ones_own(
    arguments: tuple[str, ...], others: list[str], run: Run, pytester: pytest.Pytester
) -> None:
    """Its selection narrows HumanEval and nothing else; list and quote say what a run would do."""
    folder = pytester.path / "problems"
    folder.mkdir()
    (folder / "own.yaml").write_text(OWN)
    (folder / "humaneval.yaml").write_text("dataset: humaneval\n")
    expected = {"own/twice", *(f"HumanEval/{number}" for number in others)}
    assert set(_listed(run("--koderz-list", *arguments))) == expected
    total = next(line for line in run("--koderz-quote", *arguments).outlines if line.startswith("total"))
    node = any("::" in word for word in arguments)
    assert total.split()[1] == str(2 * len(expected) - node)


@pytest.mark.slow
def test_problems_of_ones_own_run_alone_with_a_shipped_profile(run: Run, pytester: pytest.Pytester) -> None:
    """No other suite is needed; what the command line picks must be there."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "own.yaml").write_text(OWN)
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    for profile in ("embedded", "simulated"):
        assert _listed(run("--koderz-list", "--koderz-profile", profile)) == ["own/twice"]
    simulated = ("--koderz", "--koderz-profile", "simulated", "--koderz-arm", "local-only")
    result = run(*simulated)
    assert sum(result.parseoutcomes().values()) == 1
    assert run("--koderz", "--koderz-problems", "22").ret == pytest.ExitCode.USAGE_ERROR


def test_a_profile_of_ones_own_runs_what_it_says(run: Run, pytester: pytest.Pytester) -> None:
    """No problem beside its selection, and where there is none of it nothing."""
    folder = pytester.path / "problems"
    folder.mkdir()
    (pytester.path / "koderz.yaml").write_text(MINE)
    (folder / "own.yaml").write_text(OWN)
    result = run("--koderz-list", "--koderz-profile", "mine")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: */koderz.yaml:1: profiles.mine.problems: '22': no such problem*"])
    (folder / "humaneval.yaml").write_text("dataset: humaneval\n")
    assert _listed(run("--koderz-list", "--koderz-profile", "mine")) == ["HumanEval/22"]


def test_a_profiles_selection_gives_way_to_a_suite_that_holds_none_of_it(
    forgetful: Run, pytester: pytest.Pytester
) -> None:
    """`HumanEval/*` says nothing of other problems; a selection on the command line still must fit."""
    suite = pytester.path / "mine.jsonl"
    tests = "def check(candidate):\n    assert candidate(2) == 4\n"
    row = {
        "prompt": "def twice(x):\n",
        "entry_point": "twice",
        "canonical_solution": "    return 2 * x\n",
        "test": tests,
    }
    suite.write_text(json.dumps({"task_id": "mine/0", **row}) + "\n")
    result = forgetful(suite.name, "--koderz-arm", "local-only", "-v")
    result.stdout.fnmatch_lines(["*mine.jsonl::mine/0?local-only? *"])
    assert forgetful(suite.name, "--koderz-problems", "HumanEval/*").ret == pytest.ExitCode.USAGE_ERROR


SCOPED = """
import pytest

def pytest_runtest_setup(item):
    print("SETUP", item.name)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    report.sections.append(("mine", item.name))
    return report

@pytest.fixture(autouse=True)
def around(request):
    assert request.node.obj is None
    yield
    print("TEARDOWN", request.node.name)
"""


def test_the_built_in_suite_lives_in_the_users_root(forgetful: Run, pytester: pytest.Pytester) -> None:
    """A conftest.py there counts for it, with its fixtures, and places are there."""
    pytester.makeconftest(SCOPED)
    result = forgetful("--koderz-problems", "4", "--koderz-arm", "frontier-only", "-s", "--tb=line")
    place = f"{pytester.path}/problems/humaneval.yaml:1: unsolved*"
    result.stdout.fnmatch_lines(
        ["*SETUP HumanEval/4?frontier-only?", "*TEARDOWN HumanEval/4?frontier-only?", "*mine*", place]
    )
    assert "site-packages" not in result.stdout.str()


@pytest.mark.parametrize(
    ("given", "arms"),
    [
        (("-k", "koderz"), ["koderz"]),
        (("-k", "not koderz"), ["local-only", "frontier-only"]),
        (("-k", "humaneval and frontier-only"), ["frontier-only"]),
        (("-m", "experiment"), ["koderz", "local-only", "frontier-only"]),
        (("-m", "not experiment"), []),
    ],
)
def test_keywords_are_problem_arm_and_data_set(given: tuple[str, ...], arms: list[str], forgetful: Run) -> None:
    """Not the folders that the package lies in; a mark of its own stands for all experiments."""
    result = forgetful("--koderz-problems", "0", "--collect-only", "-q", "--strict-markers", *given)
    assert [line for line in result.outlines if "::" in line] == [
        f"problems/humaneval.yaml::HumanEval/0[{arm}]" for arm in arms
    ]


def test_a_place_is_the_line_of_a_problems_entry(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Of a suite in a file of one's own."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "own.yaml").write_text(OWN.replace("twice(2) == 4", "twice(2) == 5"))
    items = pytester.inline_genitems("--koderz", "--koderz-profile", "simulated", "--koderz-arm", "local-only")[0]
    assert [item.location[:2] for item in items] == [("problems/own.yaml", 1)]


JUDGELESS = """
from pytest_koderz.core.errors import SandboxFault

def pytest_koderz_open_sandbox():
    raise SandboxFault("no process can be had")
"""


def test_who_only_lists_needs_no_judge(forgetful: Run, pytester: pytest.Pytester) -> None:
    """An editor shows the items also where they could not be run."""
    pytester.makeconftest(JUDGELESS)
    few = ("--koderz-problems", "0,1", "--koderz-arm", "koderz")
    listed = forgetful(*few, "--collect-only")
    assert listed.ret == pytest.ExitCode.OK
    listed.stdout.fnmatch_lines(["koderz: *cannot be had: judge: no process can be had*", "*HumanEval/1[[]koderz[]]*"])
    assert forgetful(*few).ret == pytest.ExitCode.USAGE_ERROR


OF_EVERY_SCOPE = """
import pytest

SCOPES = ("function", "class", "module", "package", "session")

def made(scope):
    @pytest.fixture(autouse=True, scope=scope, name=f"of_{scope}")
    def fixture(request):
        with open("used", "a") as file:
            file.write(f"{scope}\\n")
        assert request.node is not None
    return fixture

globals().update({f"of_{scope}": made(scope) for scope in SCOPES})
"""


def test_fixtures_of_every_scope_are_used(forgetful: Run, pytester: pytest.Pytester) -> None:
    """By each item, class for want of a class, or once by a suite and a session."""
    pytester.makeconftest(OF_EVERY_SCOPE)
    forgetful("--koderz-problems", "0,1", "--koderz-arm", "frontier-only").assert_outcomes(passed=2)
    used = Counter((pytester.path / "used").read_text().split())
    assert used == {"function": 2, "class": 2, "module": 1, "package": 1, "session": 1}
