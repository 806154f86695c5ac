"""Verbs that ask what was run before, deliver what is owed, and check what could run."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from pytest_koderz.commands import printing
from pytest_koderz.commands.doctor import finding_lines
from pytest_koderz.core.experiment import Status
from pytest_koderz.cortex.client.memories import memory_of_result
from pytest_koderz.cortex.client.spool import Spool
from pytest_koderz.cortex.server.memory_tools import MemoryTools
from pytest_koderz.cortex.server.store import Store
from pytest_koderz.testing import OllamaServer
from tests.conftest import Run
from tests.core.worlds import START
from tests.cortex.worlds import LOSSY, NODE, REAL
from tests.reporters.test_page import Page

SECRET = "sk-ant-made-up-0123456789"


def _ours(result: pytest.RunResult) -> list[str]:
    """What a verb printed, without pytest's frame."""
    return [line for line in result.outlines if line and not re.match(r"=|platform |rootdir:|plugins:", line)]


def _story(result: pytest.RunResult) -> list[str]:
    """Without its end, which names the source."""
    lines = _ours(result)
    return lines[: next(place for place, line in enumerate(lines) if line.startswith("SIMULATED read from"))]


def _summary(lines: list[str]) -> list[str]:
    """From the table of arms to the last figure."""
    first = next(place for place, line in enumerate(lines) if "1st try" in line)
    return [line for line in lines[first:] if line.startswith("SIMULATED")]


HOPELESS = """
models:
  simulated-local: {backend: simulated, model: local, options: {strength: 0.001, repair: 0, guidance: 0}}
arms:
  koderz: {spec: spec, local: local, checkpoint: checkpoint, max_iterations: 3, checkpoint_interval: 2}
  no-spec: {local: local, checkpoint: checkpoint, max_iterations: 3, checkpoint_interval: 2}
"""
"""A local model that gets as far as a checkpoint."""


def test_files_are_made_of_a_recorded_benchmark(forgetful: Run, run: Run, pytester: pytest.Pytester) -> None:
    """Without running it again: the same JSON, Markdown and stories of a page, and a case in JUnit for each."""
    named = ("--koderz-json={}.json", "--koderz-html={}.html", "--koderz-markdown={}.md", "--junitxml={}.xml")
    forgetful("--koderz-problems", "2,4", "--tb=no", *(name.format("ran") for name in named))
    (folder,) = (pytester.path / ".koderz").glob("bench_*")
    files = [name.format("told") for name in named]
    assert run("--koderz-analyze", folder.name, *files).ret == pytest.ExitCode.OK
    ran, told = (json.loads((pytester.path / name).read_text()) for name in ("ran.json", "told.json"))
    ran["benchmark"].pop("warnings")  # what a run complained of is in no journal
    assert told == ran
    ran_page, told_page = (Page((pytester.path / name).read_text()) for name in ("ran.html", "told.html"))
    assert folder.name in told_page.words
    assert told_page.parts == ran_page.parts, "with the texts of the problems, and what models were asked"
    assert (pytester.path / "told.md").read_text() == (pytester.path / "ran.md").read_text()
    ran_cases, told_cases = (_cases(pytester.path / name) for name in ("ran.xml", "told.xml"))
    assert told_cases == ran_cases


def test_a_recorded_case_can_do_without_properties_too(forgetful: Run, run: Run, pytester: pytest.Pytester) -> None:
    """As in the file of the run itself; Jenkins' schema refuses them there."""
    where = "--koderz-junit-properties=output"
    forgetful("--koderz-problems", "2,4", "--koderz-arm", "frontier-only", "--tb=no", "--junitxml=ran.xml", where)
    (folder,) = (pytester.path / ".koderz").glob("bench_*")
    run("--koderz-analyze", folder.name, "--junitxml=told.xml", where)
    ran, told = (_outputs(pytester.path / name) for name in ("ran.xml", "told.xml"))
    assert told == ran
    assert ["koderz.problem: HumanEval/2" in output for output in told] == [True, False]
    assert "<testcase" in (text := (pytester.path / "told.xml").read_text())
    assert "<properties>" not in text.partition("<testcase")[2]


def _outputs(path: Path) -> list[str]:
    """Of the cases, in order."""
    cases = ElementTree.parse(path).getroot().iter("testcase")  # noqa: S314 - our own file
    return [case.findtext("system-out", "") for case in cases]


def _cases(path: Path) -> dict[str, list[str]]:
    """By name whether it failed, and its properties."""
    cases = ElementTree.parse(path).getroot().iter("testcase")  # noqa: S314 - our own file
    return {
        case.attrib["name"]: [
            *(tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None),
            *(f"{each.attrib['name']} {each.attrib['value']}" for each in case.iter("property")),
        ]
        for case in cases
    }


@pytest.mark.slow
def test_a_benchmark_is_told_again(simulate: Run, run: Run, pytester: pytest.Pytester) -> None:
    """With the summary of its end, from cortex alone; and listed with how far it came."""
    seen = simulate("--koderz-problems", "2-3", "--tb=no", "-rN", "-v").outlines
    (journal,) = (pytester.path / ".koderz").glob("bench_*/main.jsonl")
    journal.write_bytes(b"\n".join(journal.read_bytes().splitlines()[:-1]) + b"\n")
    listed = " ".join(_ours(run("--koderz-results", "HumanEval/3")))
    assert listed.startswith(f"SIMULATED {journal.parent.name}  ")
    assert "  simulated  interrupted, 5 of 6 ended" in listed
    found = " ".join(_ours(run("--koderz-results", "simulated", "--koderz-from", "cortex")))
    assert "  simulated  complete" in found
    journal.unlink()
    told = _ours(run("--koderz-analyze", journal.parent.name, "--koderz-from", "cortex"))
    assert _summary(told) == _summary(seen)
    assert sum(re.match("SIMULATED exp_", line) is not None for line in told) == 6
    assert max(map(len, told)) <= 100


NO_REAL = pytest.mark.skipif(REAL is None, reason="CORTEX_PATH is not set: there is no real server to ask")


@pytest.mark.parametrize("server", [None, pytest.param(REAL, marks=NO_REAL, id="real")])
def test_an_experiment_is_told_alike_from_both(
    simulate: Run, run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: str | None
) -> None:
    """Spec, iterations with what changed, checkpoints and costs, and where the prompts are; the benchmark by the
    definitions of its time, whatever koderz.yaml says by now; and a name that is nearly right is put right.
    """
    if server is not None:
        monkeypatch.setenv("CORTEX_PATH", server)
    (pytester.path / "koderz.yaml").write_text(HOPELESS)
    simulate("--koderz-problems", "0", "--koderz-arm", "koderz", "--koderz-arm", "no-spec")
    (journal,) = (pytester.path / ".koderz").glob("bench_*/main.jsonl")
    found = re.search('"experiment":"(exp_[0-9a-f]{8})"', journal.read_text())
    assert found is not None
    whole = run("--koderz-analyze", found[1])
    again = run("--koderz-analyze", found[1], "--koderz-from", "cortex")
    story = _story(whole)
    assert story == _story(again)
    assert any("+++ iteration 2" in line for line in story)
    assert any(line.startswith("SIMULATED checkpoint 1 by frontier") for line in story)
    assert "with its prompt as it was sent" in _source(whole)
    assert f"prompts as they were sent stand in the journal {journal.parent.name} alone" in _source(again)
    (pytester.path / "koderz.yaml").write_text(CHANGED.replace("cortex: {enabled: false}\n", ""))
    told = [_summary(_ours(run("--koderz-analyze", journal.parent.name, *more))) for more in ((), FROM_CORTEX)]
    assert told[0] == told[1]
    assert any("an extra solve by the spec" in line and "against no-spec" in line for line in told[0])
    wrong = run("--koderz-analyze", found[1][:-1] + "x")
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR
    wrong.stderr.fnmatch_lines([f"ERROR: --koderz-analyze: * (did you mean {found[1]}?)"])


FROM_CORTEX = ("--koderz-from", "cortex")


def _source(result: pytest.RunResult) -> str:
    """The end of a story, in one line."""
    return " ".join(line.removeprefix("SIMULATED").strip() for line in _ours(result)[len(_story(result)) :])


def test_what_was_recorded_decides(forgetful: Run, run: Run, pytester: pytest.Pytester) -> None:
    """Arms, control, margin and prices are those of the run, whatever koderz.yaml says by now."""
    arms = ("--koderz-arm", "koderz", "--koderz-arm", "no-spec")
    seen = forgetful("--koderz-problems", "2-3", "--tb=no", "-rN", "-v", *arms)
    seen.stdout.fnmatch_lines(["SIMULATED   an extra solve by the spec: * against no-spec*"])
    (journal,) = (pytester.path / ".koderz").glob("bench_*/main.jsonl")
    (pytester.path / "koderz.yaml").write_text(CHANGED)
    told = _ours(run("--koderz-analyze", journal.parent.name))
    assert _summary(told) == _summary(seen.outlines)


CHANGED = """
margin: 0.5
control: local-only
cortex: {enabled: false}
profiles:
  simulated: {arms: [local-only], models: {spec: smollm2, local: smollm2, checkpoint: smollm2, frontier: smollm2}}
arms:
  koderz: {local: local}
  no-spec: {local: local, candidates: 7}
"""


def _told(run: Run, *asked: str) -> list[str]:
    """Which experiments are listed, without their ids."""
    row = re.compile(r"SIMULATED exp_\w+ +(\w+ +\S+)")
    found = [row.match(line) for line in run("--koderz-analyze", *asked).outlines]
    return [" ".join(each[1].split()) for each in found if each]


def test_a_long_list_is_picked_from(forgetful: Run, run: Run, pytester: pytest.Pytester) -> None:
    """By the marks that the page has, and as pytest's -k picks items; figures are those of all."""
    arms = ("--koderz-arm", "koderz", "--koderz-arm", "frontier-only")
    forgetful("--koderz-problems", "4,8,9", "--tb=no", *arms)
    (folder,) = (pytester.path / ".koderz").glob("bench_*")
    name, unsolved = folder.name, [f"unsolved HumanEval/{n}[frontier-only]" for n in (4, 9)]
    assert len(_told(run, name)) == 6
    assert _told(run, name, "--koderz-only=unsolved", "-k", "FRONTIER") == unsolved
    assert _told(run, name, "--koderz-only=unsolved", "-k", "HumanEval/9[ and not koderz") == unsolved[1:]
    disagree = [line.partition(" ")[2] for line in _told(run, name, "--koderz-only=disagree")]
    assert sorted(disagree) == ["HumanEval/9[frontier-only]", "HumanEval/9[koderz]"]
    nothing = run("--koderz-analyze", name, "--koderz-only=invalid").outlines
    assert "SIMULATED 0 of 6 experiments: invalid; below, of all" in nothing
    assert any(re.match("SIMULATED frontier-only +1/3 ", line) for line in nothing)
    wrong = run("--koderz-analyze", name, "-k", "HumanEval/9 and (")
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR
    wrong.stderr.fnmatch_lines(["ERROR: -k: 'HumanEval/9 and (': *"])


@pytest.mark.parametrize(
    ("lines", "terminal", "environment", "paged"),
    [
        (200, True, {"PAGER": "more"}, True),
        (20, True, {"PAGER": "more"}, False),
        (200, False, {"PAGER": "more"}, False),
        (200, True, {"PAGER": "more", "CI": "true"}, False),
        (200, True, {"PATH": "/nowhere"}, False),
    ],
)
def test_a_pager_is_for_who_can_turn_its_pages(
    lines: int, terminal: bool, environment: dict[str, str], paged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never where it would wait for nobody."""
    for name in ("PAGER", "CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"LINES": "40", "COLUMNS": "80", **environment}.items():
        monkeypatch.setenv(name, value)
    stream = SimpleNamespace(isatty=lambda: terminal)
    monkeypatch.setattr(printing, "sys", SimpleNamespace(stdin=stream, stdout=stream))
    assert printing.can_be_paged(lines) is paged


@pytest.mark.parametrize("verb", ["--koderz-analyze=bench_1a2b3c4d", "--koderz-resume=bench_1a2b3c4d"])
def test_a_journal_that_cannot_be_read_is_a_usage_error(verb: str, run: Run, pytester: pytest.Pytester) -> None:
    """With file and line; never an internal error."""
    journal = pytester.path / ".koderz" / "bench_1a2b3c4d" / "main.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text('{"v":3,"event":"benchmark","at":"2026","arms":"koderz"}\n')
    result = run("--koderz", verb)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *main.jsonl:1: arms: must be a list, not 'koderz'; remove it to go on *"])
    run("--koderz-results").stdout.fnmatch_lines(["bench_1a2b3c4d  cannot be read: *"])


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="there is no node to run the stand-in with")
def test_a_server_of_its_own_is_verified_too(
    simulate: Run, run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By CORTEX_PATH, in a file of its own; the profile is known from it alone; what it drops is named."""
    monkeypatch.setenv("CORTEX_PATH", str(LOSSY))
    result = simulate("--koderz-problems", "0-3", "-n", "2")
    (stored,) = (line for line in result.outlines if line.startswith("cortex:"))
    count = int(stored.split()[1])
    assert stored == f"cortex: {count} stored, {count} verified"
    assert not (pytester.path / ".koderz" / "cortex.db").exists()
    (journals,) = (pytester.path / ".koderz").glob("bench_*")
    told = _ours(run("--koderz-analyze", journals.name, "--koderz-from", "cortex"))
    assert ", profile simulated: complete" in " ".join(told)
    (pytester.path / ".koderz" / "claude-cortex.db.faults").write_text('{"drop_every": 2}')
    lossy = simulate("--koderz-problems", "0-3")
    lossy.stdout.fnmatch_lines(["cortex: * stored, * verified", "cortex: * missing, such as 'exp_*"])


@pytest.mark.skipif(NODE is None, reason="there is no node to run the stand-in with")
def test_a_refusal_is_told_at_once_and_by_the_doctor(
    simulate: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the server's own words, before the summary."""
    words = "SQLite3 can only bind numbers"
    refusing = pytester.path / "index.mjs"
    refusing.write_text(LOSSY.read_text().replace('if ("transferable" in given)', "if (true)"))
    monkeypatch.setenv("CORTEX_PATH", str(refusing))
    lines = simulate("--koderz-problems", "0-3", "--koderz-arm", "koderz", "--tb=no").outlines
    (told,) = (place for place, line in enumerate(lines) if line.startswith("koderz: warning: cortex refused"))
    assert words in lines[told]
    assert any(line.startswith("cortex: refused a memory: ") and words in line for line in lines)
    assert told < next(place for place, line in enumerate(lines) if "1st try" in line)
    doctor = simulate("--koderz-doctor")
    doctor.stdout.fnmatch_lines(["missing *refused a memory*"])
    assert doctor.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("which", ["exp_00000000", "HumanEval/0"])
def test_what_nobody_knows_is_a_mistake(which: str, run: Run) -> None:
    """The line says how to find what there is."""
    result = run("--koderz-analyze", which)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --koderz-analyze: *{which}*--koderz-results lists the benchmarks*"])


def test_what_cortex_has_of_another_shape_is_told_in_a_line(run: Run, pytester: pytest.Pytester) -> None:
    """Beside all that can be read, of one benchmark and of all of them."""
    ended = START.ended(Status.SOLVED, 1.0)
    folder = pytester.path / ".koderz"
    folder.mkdir()
    with closing(Store(folder / "cortex.db")) as store:
        tools = MemoryTools(store, "koderz", folder)
        for turn, change in enumerate([{}, {"record": {"id": "\x1b[2J"}}, {"problem_id": [[]]}, {"kind": ["result"]}]):
            given = memory_of_result(ended).arguments("koderz")
            given |= {"title": f"{given['title']} {turn}", "metadata": given["metadata"] | change}
            tools.call("remember", given)
    told = run("--koderz-analyze", ended.benchmark_id, *FROM_CORTEX)
    assert told.ret == pytest.ExitCode.OK
    assert any(line.startswith(f"{ended.id} ") and "solved" in line for line in told.outlines)
    source = " ".join(line.strip() for line in told.outlines)  # as it is folded
    assert re.search(
        r"memories that could not be read: 2, such as \S+ \S+ result 2\.problem_id: must be a text", source
    )
    listed = run("--koderz-results", *FROM_CORTEX)
    assert listed.ret == pytest.ExitCode.OK
    assert any(line.startswith(ended.benchmark_id) for line in listed.outlines)
    assert "memories that could not be read: 2, " in " ".join(listed.outlines)


@pytest.mark.slow
def test_what_is_owed_is_delivered(run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 1 as long as the server is away, 0 when all is read back."""
    spool = Spool(pytester.path / ".koderz" / START.benchmark_id / "main.spool")
    spool.put(memory_of_result(START))
    spool.close()
    broken = pytester.path / "index.js"
    broken.write_text("process.exit(1)")
    monkeypatch.setenv("CORTEX_PATH", str(broken))
    away = run("--koderz-cortex-sync")
    assert away.ret == pytest.ExitCode.TESTS_FAILED
    away.stdout.fnmatch_lines(["cortex: 0 stored, 0 verified, 1 owed*"])
    monkeypatch.delenv("CORTEX_PATH")
    back = run("--koderz-cortex-sync")
    assert back.ret == pytest.ExitCode.OK
    back.stdout.fnmatch_lines(["cortex: 1 stored, 1 verified"])
    run("--koderz-cortex-sync").stdout.fnmatch_lines(["cortex: nothing is owed in *"])


def test_a_doctor_finds_nothing_missing(run: Run, pytester: pytest.Pytester) -> None:
    """And leaves nothing behind."""
    result = run("--koderz-doctor", "--koderz-profile", "simulated")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "ok      judge: process-separated, *",
            "ok      judge: process-separated: HumanEval/0: canonical solution passes, known*",
            "ok      cortex: pytest-koderz-cortex * starts,*",
            "ok      problems: 164, experiments: 492",
            "profile 'simulated' can run here",
        ]
    )
    assert not (pytester.path / ".koderz").exists()


def test_a_doctor_leaves_addresses_whole() -> None:
    """They are there to be copied."""
    address = "https://example.org/" + "a" * 90 + "/HumanEvalPlus.jsonl.gz"
    lines = finding_lines("note", f"dataset: not downloaded yet from {address}, which a run does")
    assert [line for line in lines if address in line]
    assert max(len(line) for line in lines if address not in line) <= 80


def test_a_doctor_says_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each server and each key what is missing; a secret is not shown."""
    monkeypatch.setenv("COLUMNS", "80")
    with OllamaServer(models=["codellama:70b"]) as server:
        monkeypatch.setenv("OLLAMA_HOST", f"{server.url},127.0.0.1:1")
        without = run("--koderz-doctor", "--koderz-profile", "live")
        monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
        server.models = ["qwen3-coder:latest"]
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        complete = run("--koderz-doctor", "--koderz-profile", "live")
    text = " ".join(without.stdout.str().split())
    assert "missing model 'claude-opus' of profile 'live': ANTHROPIC_API_KEY is not set" in text
    assert "does not have the model; run `ollama pull qwen3-coder` there" in text
    assert "http://127.0.0.1:1 does not answer" in text
    assert "profile 'live' cannot run here: 4 missing" in text
    assert without.ret == pytest.ExitCode.TESTS_FAILED
    assert complete.ret == pytest.ExitCode.OK
    assert SECRET not in complete.stdout.str()


def test_what_was_run_is_told_without_its_servers(run: Run, pytester: pytest.Pytester) -> None:
    """Whose price nobody knows then: only what runs or prices needs it."""
    text = "profiles: {p: {arms: [local-only], models: {local: mine}}}\nprofile: p\n"
    text += 'models: {mine: {backend: openai, model: mine, hosts: ["http://127.0.0.1:1"]}}\n'
    (pytester.path / "koderz.yaml").write_text(text)
    for verb in ("--koderz-results", "--koderz-list", "--koderz-prune"):
        assert run(verb).ret == pytest.ExitCode.OK
    for verb in ("--koderz-quote", "--koderz-doctor", "--koderz"):
        result = run(verb)
        assert "no price is known for 'mine'" in result.stdout.str() + result.stderr.str()
        assert result.ret != pytest.ExitCode.OK
