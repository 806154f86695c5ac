"""--koderz-shard and --koderz-merge: a benchmark in parts is the benchmark."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import experiment_id
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.events import Head
from pytest_koderz.records.merging import differences, merge, shards_in
from pytest_koderz.records.reader import Archived, archived
from pytest_koderz.records.recorded import read_folder
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.run_markdown import markdown_of
from pytest_koderz.reporters.summary import summary_lines
from pytest_koderz.session.shards import Shard
from tests.conftest import Run
from tests.core.worlds import FREE, PRICE
from tests.samples import GUIDE

ARMS = ("--koderz-arm", "koderz", "--koderz-arm", "frontier-only", "--koderz-max-iterations", "2", "--tb=no")
PARTS = 8
IDS = re.compile(r"exp_[0-9a-f]{8}|bench_[0-9a-f]{8}")
SECONDS = re.compile(r"seconds per solved: .*|[\d.,]+ s[,;]|\([\d.]+ [a-z]+, p95.*?\)")


@pytest.fixture
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a benchmark of nine problems; it is run once, and read alone."""
    kept = tmp_path_factory.getbasetemp() / "whole-of-shards"
    if not kept.exists():
        request.getfixturevalue("forgetful")("--koderz-problems", "0-8", *ARMS)
        shutil.copytree(request.getfixturevalue("pytester").path / ".koderz", kept)
    (folder,) = kept.glob("bench_*")
    return folder


def _cut(whole: Path, home: Path, **heads: Mapping[str, Any]) -> list[Path]:
    """*whole* in parts, as so many shards would have recorded it; *heads* changes what one says of itself."""
    lines = [json.loads(line) for line in (whole / "main.jsonl").read_text().splitlines()]
    problems = list(dict.fromkeys(line["problem"] for line in lines if "problem" in line))
    return [_part(lines, problems, home, number, heads.get(f"_{number}", {})) for number in range(1, PARTS + 1)]


def _part(lines: list[dict[str, Any]], problems: list[str], home: Path, number: int, said: Mapping[str, Any]) -> Path:
    mine = {name for place, name in enumerate(problems) if Shard(number, PARTS).has(place)}
    own, name = [line for line in lines if line.get("problem") in mine], f"bench_0000000{number}"
    head = {
        **lines[0],
        "planned": len(mine),
        "items": 2 * len(mine),
        "whole": len(problems),
        "part": f"{number}/{PARTS}",
    }
    told = "\n".join(json.dumps(line) for line in ({**head, **said}, *own)) + "\n"
    ids = {line["experiment"]: experiment_id(name, line["problem"], line["arm"], line["epoch"]) for line in own} | {
        lines[0]["id"]: name
    }
    folder = home / name
    folder.mkdir(parents=True)
    (folder / "main.jsonl").write_text(IDS.sub(lambda found: ids.get(found[0], found[0]), told))
    return folder


def _told(benchmark: Archived) -> Iterator[str]:
    """All that is said of it, without ids."""
    head = benchmark.head
    frame = Frame("", head.arms, head.control or "", head.margin or 0.0, None, definitions=head.definitions)
    frame = replace(frame, planned=benchmark.recorded.heads[-1].planned, selection=head.selection or "")
    yield from summary_lines(frame, benchmark.experiments, whole=True)
    yield IDS.sub("", markdown_of(frame, benchmark.experiments))
    yield IDS.sub("", json.dumps(results_of(frame, {}, benchmark.experiments)))


@pytest.mark.sample
def test_merged_shards_are_the_run(whole: Path, tmp_path: Path) -> None:
    """To the byte; and once more they are the same benchmark."""
    _cut(whole, tmp_path / "shards")
    shards = shards_in([tmp_path / "shards"])
    folder = merge(shards, tmp_path / "home")
    merged, ran = archived(folder), archived(whole)
    assert list(_told(merged)) == list(_told(ran))
    assert (merged.planned, merged.head.planned, merged.head.part) == (ran.planned, ran.head.planned, None)
    assert {one.id for one in merged.experiments} == {
        experiment_id(folder.name, one.problem_id, one.arm, one.epoch) for one in ran.experiments
    }
    assert merge(shards, tmp_path / "home") == folder
    assert len(list((tmp_path / "home").iterdir())) == 1


def test_a_merged_benchmark_goes_on(whole: Path, pytester: pytest.Pytester, forgetful: Run, run: Run) -> None:
    """What the shards settled is not run again, and a gate holds for the whole."""
    _cut(whole, pytester.path / "shards")
    merged = run("--koderz-merge", "shards", "--koderz-json=merged.json", "--koderz-markdown=merged.md")
    merged.stdout.fnmatch_lines(["SIMULATED koderz bench_*: 8 shards, merged", "*koderz against frontier-only*"])
    name = IDS.search(merged.stdout.str())
    assert name is not None
    resumed = forgetful(f"--koderz-resume={name[0]}", "--koderz-min-solved", "0", "--koderz-json=resumed.json", *ARMS)
    assert resumed.ret == pytest.ExitCode.OK
    assert not list((pytester.path / ".koderz" / name[0]).glob("main.jsonl"))
    first, second = (json.loads((pytester.path / f"{each}.json").read_text()) for each in ("merged", "resumed"))
    assert first["comparisons"] == second["comparisons"]
    assert first["experiments"] == second["experiments"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"margin": 0.1}, "margin is 0.05 and 0.1"),
        ({"draws": "another"}, "draws, the secret from which tests draw"),
        ({"timeout": 9.0}, "timeout is 5.0 and 9.0"),
        ({"models": {}}, "models.simulated-frontier is simulated:frontier and not given"),
        ({"part": "2/9"}, "are parts of different wholes"),
        ({"part": "1/8"}, "shard 1/8 is there twice"),
        ({"part": None}, "was not run with --koderz-shard"),
    ],
)
def test_shards_of_two_things_are_refused(whole: Path, tmp_path: Path, said: Mapping[str, Any], why: str) -> None:
    """With the key that differs."""
    folders = _cut(whole, tmp_path, _2=said)
    with pytest.raises(UsageError, match=re.escape(why)):
        merge(shards_in(folders), tmp_path)


def test_a_price_of_any_model_of_an_arm_makes_a_difference() -> None:
    """Also of the second of a swarm."""
    local, second = (ModelSettings(name, "simulated", name, FREE) for name in ("local", "second"))
    one, other = (
        Head(id="bench_1", at="", definitions=(Arm("swarm", local, swarm=(each,)),))
        for each in (second, replace(second, price=PRICE))
    )
    assert list(differences(one, other)) == ["the price of model 'second'"]
    assert list(differences(one, one)) == []


def test_what_is_missing_or_twice_is_named(whole: Path, tmp_path: Path) -> None:
    """A folder given twice is a shard paid for twice."""
    folders = _cut(whole, tmp_path)
    with pytest.raises(UsageError, match="missing: shard 3/8, 5/8"):
        merge(shards_in([folder for folder in folders if folder.name[-1] not in "35"]), tmp_path)
    with pytest.raises(UsageError, match="shard 4/8 is there twice"):
        merge(shards_in([*folders, folders[3]]), tmp_path)
    other = json.loads((folders[4] / "main.jsonl").read_text().splitlines()[1])
    journal = folders[5] / "main.jsonl"
    journal.write_text(journal.read_text() + json.dumps(other) + "\n")
    with pytest.raises(UsageError, match="both have HumanEval/4"):
        merge(shards_in(folders), tmp_path)


def test_a_shard_holds_every_nth_problem(forgetful: Run, pytester: pytest.Pytester, monkeypatch: Any) -> None:
    """All arms of each; it claims nothing, looks at nothing, and goes on as what it is."""
    monkeypatch.setenv("KODERZ_DRAWS", "of all shards")
    options = ("--koderz-sample", "4@3", *ARMS)
    orders = []
    for shard in ("1/2", "2/2"):
        result = forgetful(*options, "--koderz-shard", shard)
        result.stdout.fnmatch_lines([f"SIMULATED shard {shard}: nothing is claimed of a part*"])
        result.stdout.no_fnmatch_line("*another plugin left out*")
        orders.append(_ran(pytester, shard))
    assert [len(order) for order in orders] == [2, 2]
    assert not list((pytester.path / ".koderz").glob("bench_*/looks.ndjson"))
    assert len({read_folder(folder).heads[0].draws for folder in (pytester.path / ".koderz").glob("bench_*")}) == 1
    refused = forgetful("--koderz-resume", "--koderz-shard", "1/2")
    refused.stderr.fnmatch_lines(["*was begun as shard 2/2, and cannot go on as 1/2*"])


def _ran(pytester: pytest.Pytester, part: str) -> list[str]:
    folders = (pytester.path / ".koderz").glob("bench_*")
    (benchmark,) = (found for folder in folders if (found := archived(folder)).head.part == part)
    problems = {one.problem_id for one in benchmark.experiments}
    assert len(benchmark.experiments) == 2 * len(problems)
    return sorted(problems)


def test_shards_need_one_secret(forgetful: Run, monkeypatch: Any) -> None:
    """Before anything is spent."""
    monkeypatch.delenv("KODERZ_DRAWS", raising=False)
    result = forgetful("--koderz-shard", "1/2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --koderz-shard: all shards must draw*give each the same KODERZ_DRAWS*"])


@pytest.mark.slow
def test_the_matrix_of_the_guide_runs(forgetful: Run, pytester: pytest.Pytester, monkeypatch: Any) -> None:
    """Its YAML is a workflow, all shards are there, and its commands do what it says, here with simulated models."""
    text = (GUIDE / "ci.md").read_text().rpartition("```yaml\n")[2].partition("```")[0]
    jobs = yaml.safe_load(text)["jobs"]
    numbers = jobs["shard"]["strategy"]["matrix"]["shard"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert jobs["whole"]["needs"] == "shard"
    monkeypatch.setenv("KODERZ_DRAWS", "of all shards")
    (part,) = _commands(jobs["shard"])
    for number in (1, 2):
        command = part.replace("${{ matrix.shard }}/8", f"{number}/2")
        assert forgetful(*command.split()[2:], "--koderz-problems", "0-1", *ARMS).ret == pytest.ExitCode.OK
    (pytester.path / ".koderz").rename(pytester.path / "shards")
    join, gate = _commands(jobs["whole"])
    assert forgetful(*shlex.split(join)[2:]).ret == pytest.ExitCode.OK
    assert {"results.json", "page.html", "report.xml"} <= {path.name for path in pytester.path.iterdir()}
    forgetful(*shlex.split(gate)[2:]).stdout.fnmatch_lines(["gate min-solved of koderz: *of 2 settled*"])


def _commands(job: Mapping[str, Any]) -> list[str]:
    runs = [step["run"].strip() for step in job["steps"] if "run" in step]
    return [run.replace("--koderz-profile live ", "") for run in runs if run.startswith("pytest")]


@pytest.mark.slow
def test_shards_that_ran_come_to_what_one_run_does(
    forgetful: Run, run: Run, pytester: pytest.Pytester, monkeypatch: Any
) -> None:
    """But for the seconds that each of them measured."""
    monkeypatch.setenv("KODERZ_DRAWS", "of all shards")
    forgetful("--koderz-problems", "0-9", *ARMS, "--koderz-markdown=whole.md")
    for number in range(1, PARTS + 1):
        forgetful("--koderz-problems", "0-9", *ARMS, "--koderz-shard", f"{number}/{PARTS}")
    run("--koderz-merge", ".koderz", "--koderz-markdown=merged.md")
    one, other = (
        SECONDS.sub("", (pytester.path / f"{each}.md").read_text().partition("\n")[2]) for each in ("whole", "merged")
    )
    assert one == other
