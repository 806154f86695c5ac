"""The guide is printed, holds all that there is, and its samples run."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pytest_koderz import hookspecs
from pytest_koderz.backends.backend import Registry
from pytest_koderz.commands import verbs
from pytest_koderz.commands.accepted_options import RUN, VERB_OPTIONS, check_options, typed_options
from pytest_koderz.commands.guide import CHAPTERS, chapter
from pytest_koderz.core import templates
from pytest_koderz.core.iteration import FeedbackPolicy
from pytest_koderz.datasets import read_suite
from pytest_koderz.reporters.results import results_of
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.session.providers import OurBackends
from pytest_koderz.settings import Choice, load_settings, schema, shipped_path
from tests.evidence.test_idle_servers import FOUR
from tests.harvest.worlds import shop
from tests.recomputing import numbers_in, recomputed
from tests.reporters.test_summary import FRAME, SITUATIONS
from tests.samples import (
    BLOCKS,
    DOCUMENTS,
    GUIDE,
    IN_A_PACKAGE,
    NOT_RUN,
    README,
    ROOT,
    UNSET,
    Block,
    after,
    blocks,
    commands_in,
    environment,
    missing_line,
    run_pytest,
    run_script,
)

PACKAGE = ROOT / "pytest_koderz"
INSTALLING = [block for block in BLOCKS[README] if block.kind == "bash"][:2]
"""The check of a clean clone runs them."""
SMALL = """
profile: simulated
profiles:
  simulated:
    arms: [koderz, frontier-only]
    models: {spec: simulated-frontier, local: simulated-local, checkpoint: simulated-frontier,
             frontier: simulated-frontier, small-frontier: simulated-small, second: simulated-second}
    problems: 53,28
    max_iterations: 2
"""
"""What the commands of the guide run with here, so that each takes seconds."""
NO_CORTEX = "cortex: {enabled: false}\n"


def _places(found: Iterable[Block]) -> Callable[..., pytest.MarkDecorator]:
    chosen = list(found)
    return lambda name: pytest.mark.parametrize(name, chosen, ids=[block.place for block in chosen])


# The verb.


def test_it_lists_its_chapters(pytester: pytest.Pytester) -> None:
    """With all of what each holds, whatever the terminal's columns."""
    result = pytester.runpytest_inprocess("--koderz-guide")
    assert result.ret == pytest.ExitCode.OK
    assert [line.split()[0] for line in result.outlines[:-1] if not line.startswith(" ")] == list(CHAPTERS)
    titles = [chapter(name).partition("\n")[0].partition(": ")[2] for name in CHAPTERS]
    said = " ".join(" ".join(result.outlines).split())
    assert all(f"{name} {title}" in said for name, title in zip(CHAPTERS, titles, strict=True))


def test_it_prints_a_chapter(pytester: pytest.Pytester) -> None:
    """As it is written."""
    result = pytester.runpytest_inprocess("--koderz-guide", "judge")
    assert result.ret == pytest.ExitCode.OK
    assert "\n".join(result.outlines) == re.sub("<!--.*-->\n", "", chapter("judge")).rstrip("\n")


def test_it_needs_neither_a_terminal_nor_right_settings(pytester: pytest.Pytester) -> None:
    """Who looks up how koderz.yaml is written may have one that is wrong."""
    (pytester.path / "koderz.yaml").write_text("profil: [\n")
    result = pytester.runpytest_inprocess("-p", "no:terminal", "--koderz", "--koderz-guide", "settings")
    assert result.ret == pytest.ExitCode.OK
    assert result.outlines[0].startswith("# Settings")


def test_an_unknown_chapter_is_a_mistake(pytester: pytest.Pytester) -> None:
    """With the nearest name."""
    result = pytester.runpytest_inprocess("--koderz-guide", "setings")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --koderz-guide: no chapter named 'setings' (did you mean 'settings'?)"])


def test_every_file_is_a_chapter() -> None:
    """And says in its first line what it holds; the README links to all."""
    assert sorted(path.stem for path in GUIDE.glob("*.md")) == sorted(CHAPTERS)
    assert all(re.match(r"# [A-Z][^\n]*: [^\n]+\n", chapter(topic)) for topic in CHAPTERS)
    assert re.findall(r"\(pytest_koderz/guide/(\w+)\.md\)", README.read_text()) == list(CHAPTERS)


@pytest.mark.parametrize("path", [*DOCUMENTS, *(ROOT / ".github").glob("*.md")], ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    """Within the project."""
    links = re.findall(r"\]\(([^)]+)\)", path.read_text())
    assert [link for link in links if ":" not in link and not (path.parent / link).exists()] == []


# All that there is stands in it.


def _first_column(text: str) -> list[str]:
    """The names in the first cells of its tables."""
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def _section(topic: str, heading: str) -> str:
    return chapter(topic).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def _names(entry: Any) -> set[str]:
    return {item.name for item in fields(entry)}


@pytest.mark.parametrize(
    ("heading", "entry"),
    [
        ("The top level", schema.FileEntry),
        ("A profile", schema.ProfileEntry),
        ("An arm", schema.ArmEntry),
        ("A model", schema.ModelEntry),
        ("Prompts", schema.PromptsEntry),
        ("Prices", schema.PriceEntry),
    ],
)
def test_every_key_of_the_settings_is_told(heading: str, entry: Any) -> None:
    """In the table of its section, and no other."""
    assert sorted(_first_column(_section("settings", heading))) == sorted(_names(entry))


def test_every_field_of_a_prompt_is_told() -> None:
    """In the row of its template."""
    rows = re.findall(r"^\| `(\w+)` \| (`\$.+) \|$", _section("settings", "Prompts"), re.MULTILINE)
    assert {name: tuple(re.findall(r"\$(\w+)", cell)) for name, cell in rows} == templates.FIELDS


def test_every_key_of_sandbox_and_cortex_is_told() -> None:
    """They share a table."""
    sections = {"sandbox": schema.SandboxEntry, "cortex": schema.CortexEntry}
    keys = {f"{section}.{key}" for section, entry in sections.items() for key in _names(entry)}
    assert set(_first_column(_section("settings", "The judge's limits and the memory"))) == keys


def test_every_option_is_told(pytester: pytest.Pytester) -> None:
    """And no other."""
    offered = set(re.findall(r"--koderz[a-z-]*", pytester.runpytest_inprocess("--help").stdout.str()))
    assert offered == {name.split()[0] for name in _first_column(_section("usage", "Options"))}


def test_every_hook_is_told() -> None:
    """And no other."""
    specified = [name for name in vars(hookspecs) if name.startswith("pytest_koderz_")]
    assert sorted(_first_column(chapter("hooks"))) == sorted(specified)


def test_every_arm_profile_and_policy_is_told() -> None:
    """As shipped."""
    shipped = yaml.safe_load(shipped_path("koderz.yaml").read_text())
    assert set(_first_column(chapter("arms"))) == {*shipped["arms"], *shipped["profiles"]}
    assert all(f"`{policy}`" in _section("settings", "An arm") for policy in FeedbackPolicy)


def test_contributing_knows_the_house() -> None:
    """Every room, and no file that is not there."""
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.[pm][yd]"))}
    assert set(_first_column(text)) == rooms
    places = re.findall(r"`((?:pytest_koderz|tests)/[^` ]*)`", text)
    assert [place for place in places if not (ROOT / place).exists()] == []


# Messages.


@cache
def _strings() -> tuple[str, ...]:
    """Every text of the package's sources, with a mark where a value is put in."""
    trees = [ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    joined = [
        "\0".join(str(part.value) if isinstance(part, ast.Constant) else "" for part in node.values)
        for node in nodes
        if isinstance(node, ast.JoinedStr)
    ]
    return (*(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)), *joined)


def _symptoms() -> list[str]:
    """Quoted messages, but for those that the chapter says are not ours."""
    found = re.findall(r"^- (`+)(.+?)\1(?! \(pytest's\))$", chapter("troubleshooting"), re.MULTILINE)
    return [message.strip() for _, message in found]


@pytest.mark.parametrize("message", _symptoms())
def test_a_quoted_message_is_one_of_ours(message: str) -> None:
    """Each part between `...` stands in the sources."""
    parts = [part.strip(" '()") for part in message.split("...")]
    assert [part for part in parts if part and not any(part in text for text in _strings())] == []


def test_each_symptom_has_a_cause_and_a_cure() -> None:
    """In this order."""
    entries = re.split(r"^- ", chapter("troubleshooting"), flags=re.MULTILINE)[1:]
    assert all(re.match(r".+\n  - Cause: .+\n  - Cure: ", entry) for entry in entries)


# Samples.


def test_every_block_is_of_a_kind_that_is_run() -> None:
    """See tests/samples.py."""
    notes = {
        "bash": ("", NOT_RUN),
        "yaml": ("", "its koderz.yaml"),
        "python": ("", "conftest of: "),
        "text": ("output: ", "lines of", "worked example: ", "printed", IN_A_PACKAGE),
    }
    every = [block for each in BLOCKS.values() for block in each]
    strange = [block.place for block in every if not any(_is(block, note) for note in notes.get(block.kind, ()))]
    assert strange == []


def _is(block: Block, note: str) -> bool:
    return block.note.startswith(note) if note else not block.note


@dataclass(frozen=True)
class Recorded:
    """A folder in which a benchmark has run."""

    folder: Path
    printed: str
    benchmark: str
    experiment: str


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Where the commands of the guide find something to tell of."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "koderz.yaml").write_text(SMALL)
    printed = run_pytest(folder, ["--koderz", "--koderz-json=results.json", "--tb=no"]).stdout
    results = json.loads((folder / "results.json").read_text())
    return Recorded(folder, printed, results["benchmark"]["id"], results["experiments"][0]["id"])


def _typed() -> list[str]:
    """Each command once."""
    shown = (block for block in blocks("bash") if not block.note and block not in INSTALLING)
    return list(dict.fromkeys(command for block in shown for command in commands_in(block)))


@pytest.mark.parametrize("command", _typed())
def test_a_command_does_what_it_says(
    command: str, recorded: Recorded, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed after a benchmark of two problems. Experiments may be unsolved; a verb has nothing to complain of."""
    shutil.copytree(recorded.folder, pytester.path, dirs_exist_ok=True)
    if "cortex" not in command:
        (pytester.path / "koderz.yaml").write_text(SMALL + NO_CORTEX)
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment("--tb=no").items():
        monkeypatch.setenv(name, value)
    typed = command.replace("bench_1a2b3c4d", recorded.benchmark).replace("exp_1a2b3c4d", recorded.experiment)
    program, *arguments = shlex.split(typed)
    assert program == "pytest"
    result = pytester.runpytest_inprocess(*arguments)
    allowed = {0, 1} if "--koderz" in arguments else {0}
    assert result.ret in allowed, result.stdout.str() + result.stderr.str()


@_places(block for block in blocks("bash") if block.note)("block")
def test_a_command_that_cannot_run_here_is_well_formed(block: Block, pytester: pytest.Pytester) -> None:
    """The reason is given, a shell reads it, and what it says to pytest there is."""
    assert len(block.note.removeprefix(NOT_RUN)) > 5
    subprocess.run(["bash", "-n", "-c", block.text], check=True)
    for command in commands_in(block):
        _check(pytester, shlex.split(command))


def _check(pytester: pytest.Pytester, words: list[str]) -> None:
    """A command line for pytest has no option that there is not, none that would be refused, and a shipped profile."""
    if words[0] == "pytest":
        config = pytester.parseconfig(*words[1:])
        given = {option for option, _ in typed_options(config)}
        others = given & VERB_OPTIONS.keys() - {RUN} if verbs.asked_for(config) or RUN not in given else set()
        check_options(config, next((verb for verb in VERB_OPTIONS if verb in others), RUN))
        profile = config.getoption("koderz_profile")
        assert profile in {None, *yaml.safe_load(shipped_path("koderz.yaml").read_text())["profiles"]}


@_places(block for block in blocks("yaml") if not block.note)("block")
def test_settings_suites_and_workflows_are_valid(block: Block, tmp_path: Path, pytester: pytest.Pytester) -> None:
    """Each block by its keys."""
    plain = yaml.safe_load(block.text)
    path = tmp_path / "own.yaml"
    path.write_text(block.text)
    if "jobs" in plain:
        for run in (step["run"] for job in plain["jobs"].values() for step in job["steps"] if "run" in step):
            _check(pytester, shlex.split(re.sub(r"\$\{\{ matrix\.\w+ \}\}", "1", run)))  # as for its first job
    elif "dataset" in plain or isinstance(plain.get("problems"), list):
        assert read_suite(path)
    else:
        profile = next(iter(plain["profiles"]))
        settings = load_settings(
            path, tmp_path, {}, Choice(profile=profile), Registry(OurBackends().pytest_koderz_backends())
        )
        assert settings.profile == profile


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The run of the worked example."""
    folder = tmp_path_factory.mktemp("worked")
    (folder / "koderz.yaml").write_text("local_rate: 0.60\n" + NO_CORTEX)
    (block,) = (block for block in blocks("text") if block.note.startswith("worked example: "))
    printed = run_pytest(folder, block.arguments("worked example: ") or [], "-p no:cacheprovider").stdout
    return Recorded(folder, printed, "", "")


def test_the_worked_example_is_a_run(worked: Recorded) -> None:
    """Its lines, in their order."""
    (block,) = (block for block in blocks("text") if block.note.startswith("worked example: "))
    assert missing_line(block.text, worked.printed) is None


def test_the_whole_summary_can_be_recomputed(worked: Recorded) -> None:
    """Each number of it, in its order, with scipy and statsmodels."""
    lines, without = worked.printed.splitlines(), ("1st try", "pytest calls that failed")
    said = "\n".join(
        line for line in lines if line.startswith("SIMULATED") and not any(each in line for each in without)
    )
    assert numbers_in(recomputed((worked.folder / "results.json").read_text())) == numbers_in(said)


def test_what_recomputes_it_knows_nothing_of_ours() -> None:
    """Or it would prove nothing."""
    tree = ast.parse((ROOT / "tests" / "recomputing.py").read_text())
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {name.partition(".")[0] for name in names} & {"pytest_koderz", "tests"} == set()


@_places(block for block in blocks("python") if not block.note and "mark.koderz" not in block.text)("block")
def test_a_script_prints_what_is_shown(block: Block, worked: Recorded) -> None:
    """Run where the results of the worked example are."""
    shown = after(block, "printed")
    assert shown is not None
    result = run_script(worked.folder, block.text)
    assert (result.stdout, result.stderr) == (shown.text, "")


@_places(block for block in blocks("python") if "mark.koderz" in block.text)("block")
def test_a_test_of_a_users_own_asks_for_experiments(block: Block, tmp_path: Path) -> None:
    """Ten of them; what they find is theirs to say."""
    (tmp_path / "koderz.yaml").write_text(NO_CORTEX)
    (tmp_path / "test_own.py").write_text(block.text)
    result = run_pytest(tmp_path, ["--koderz", "--koderz-profile", "simulated", "test_own.py", "--tb=no"])
    found = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", result.stdout)}
    assert found.get("passed", 0) + found.get("failed", 0) == 10
    assert "error" not in found


@_places(block for block in blocks("python") if block.note)("block")
def test_a_conftest_works(block: Block, tmp_path: Path) -> None:
    """With the koderz.yaml that is shown for it, and the lines that are shown of it. A suite that it names is empty."""
    arguments, settings, shown = (
        block.arguments("conftest of: "),
        after(block, "its koderz.yaml"),
        after(block, "lines of it"),
    )
    assert arguments is not None
    assert shown is not None
    (tmp_path / "conftest.py").write_text(block.text)
    (tmp_path / "koderz.yaml").write_text((settings.text if settings else "") + NO_CORTEX)
    for suite in (tmp_path / word for word in arguments if word.startswith("problems/")):
        suite.parent.mkdir(exist_ok=True)
        suite.touch()
    result = run_pytest(tmp_path, arguments)
    assert missing_line(shown.text, result.stdout) is None, result.stdout


@pytest.mark.slow
def test_a_package_is_harvested_tried_and_ranked(tmp_path: Path) -> None:
    """One command after the other, in the folder that the package lies in."""
    pytest.importorskip("coverage")
    with open_sandbox() as judge:
        if "private mounts" in judge.levels.missing:
            pytest.skip("needs mounts of its own")
    shop(tmp_path)
    (tmp_path / "koderz.yaml").write_text(NO_CORTEX)
    told = [block for block in blocks("text") if block.note.startswith(IN_A_PACKAGE)]
    assert len(told) == 2
    for block in told:
        printed = run_pytest(tmp_path, block.arguments(IN_A_PACKAGE) or []).stdout
        assert missing_line(block.text, printed) is None, printed


@_places(block for block in blocks("text") if block.note.startswith("lines of: "))("block")
def test_lines_are_those_of_a_run(block: Block, tmp_path: Path) -> None:
    """In a folder of its own."""
    (tmp_path / "koderz.yaml").write_text(NO_CORTEX)
    printed = run_pytest(tmp_path, block.arguments("lines of: ") or []).stdout
    assert missing_line(block.text, printed) is None, printed


# The schema of the results.


def _closed(part: Any) -> Any:
    """The schema without room for keys that it does not name."""
    if isinstance(part, list):
        return [_closed(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    closed = {key: _closed(value) for key, value in part.items()}
    return {"additionalProperties": False, **closed} if "properties" in part and "type" in part else closed


SCHEMA = json.loads((GUIDE / "results.schema.json").read_text())
DESCRIBED = jsonschema.Draft202012Validator(_closed(SCHEMA))


def test_the_schema_describes_a_run(worked: Recorded) -> None:
    """Every key of it, and no key that it does not name."""
    DESCRIBED.validate(json.loads((worked.folder / "results.json").read_text()))


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_schema_describes_every_situation(name: str) -> None:
    """Hold-outs, fallbacks, epochs, unknown prices, estimates."""
    frame, experiments = SITUATIONS[name]()
    DESCRIBED.validate(results_of(frame, {}, experiments))


def test_the_schema_names_nothing_that_is_not_there(worked: Recorded) -> None:
    """Each of its keys occurs in some results."""
    seen = [json.loads((worked.folder / "results.json").read_text())]
    seen += [results_of(frame, {}, experiments) for frame, experiments in (build() for build in SITUATIONS.values())]
    seen.append(results_of(FRAME, {}, FOUR))
    named = {key for part in _parts(SCHEMA) for key in part.get("properties", ()) if isinstance(part, Mapping)}
    assert named - {key for result in seen for part in _parts(result) for key in part} == set()


def _parts(value: Any) -> Iterator[Any]:
    """Every mapping in it."""
    if isinstance(value, Mapping):
        yield value
    for part in value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        yield from _parts(part)
