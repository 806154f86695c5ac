"""Every version reads, resumes, replays and analyses the journals of earlier ones, and pays for none of their calls."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, make_dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import Status
from pytest_koderz.records.reader import archived
from pytest_koderz.records.recorded import read_folder
from pytest_koderz.settings import Choice, load_settings

from .worlds import JOURNALS

VERSIONS = [path for path in sorted(JOURNALS.iterdir()) if path.is_dir()]
BENCHMARKS = [path.parent for path in sorted(JOURNALS.glob("*/*/bench_*"))]
Run = Callable[..., pytest.RunResult]
named = pytest.mark.parametrize("kept", BENCHMARKS, ids=lambda path: f"{path.parent.name}-{path.name}")
some = pytest.mark.parametrize(
    "kept",
    [
        path if path.name in ("complete", "killed") else pytest.param(path, marks=pytest.mark.slow)
        for path in BENCHMARKS
    ],
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
"""What the others have besides is seen where each is read and goes on."""


SPENT = {
    "complete": "0.017760",
    "killed": "0.009873",
    "limited": "0.002766",
    "stopped": "0.007551",
    "workers": "0.005211",
}
"""US dollars, as fcd54d8 came to them."""


def calls(folder: Path) -> Counter[tuple[str, str, str]]:
    """By experiment, role and prompt digest: how often it was asked, as the lines say."""
    lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return Counter((line["experiment"], line["role"], line["prompt"]["digest"]) for line in lines if "prompt" in line)


def bench(kept: Path) -> Path:
    (folder,) = kept.glob("bench_*")
    return folder


@pytest.fixture
def resumed(kept: Path, pytester: pytest.Pytester) -> Path:
    """A copy of the benchmark's folder, in a root with its settings and its suite."""
    shutil.copy(kept.parent / "koderz.yaml", pytester.path)
    shutil.copytree(kept.parent / "problems", pytester.path / "problems")
    folder = pytester.path / ".koderz" / bench(kept).name
    shutil.copytree(bench(kept), folder)
    return folder


@named
def test_each_is_read(kept: Path) -> None:
    """Every line, with its dollars."""
    found = archived(bench(kept))
    assert found.head.profile == "recorded"
    costs = [one.ledger.cost for one in found.experiments]
    assert None not in costs
    assert sum((cost for cost in costs if cost is not None), Decimal(0)) == Decimal(SPENT[kept.name])
    lines = sum(calls(bench(kept)).values())
    assert lines == len(list(read_folder(bench(kept)).calls())) > 0


@named
def test_each_goes_on_and_nothing_is_asked_again(kept: Path, resumed: Path, run: Run) -> None:
    """It comes to its end; a call that is recorded is made no second time, and no arm is run anew."""
    before, limit = calls(resumed), ("--koderz-max-cost", "9") if kept.name == "limited" else ()
    result = run("--koderz", "--tb=no", "-p", "no:cacheprovider", "--koderz-resume", "--koderz-json", "r.json", *limit)
    after = calls(resumed)
    assert set(after.values()) == {1}
    assert before.keys() <= after.keys()
    assert not any("run anew" in line for line in result.outlines)
    rows = json.loads((resumed.parents[1] / "r.json").read_text())["experiments"]
    assert {row["outcome"] for row in rows} <= {"solved", "unsolved"}
    ended = archived(resumed)
    assert all(one.status.settled for one in ended.experiments)
    assert len(rows) == len(ended.experiments) == ended.head.items
    settled = [one for one in archived(bench(kept)).experiments if one.status.settled]
    assert [one for one in ended.experiments if one.id in {each.id for each in settled}] == settled
    if len(settled) == len(rows):
        assert after == before


@some
def test_each_is_analyzed(kept: Path, resumed: Path, run: Run) -> None:
    """As a whole and by experiment; arms are defined as koderz.yaml has them, since it has not changed."""
    result = run("--koderz-analyze", resumed.name)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"SIMULATED {resumed.name}, 2026-11-27 *, profile recorded: *"])
    if kept.name == "complete":
        result.stdout.fnmatch_lines(["*an extra solve by the spec: * against no-spec*"])
    one = archived(resumed).experiments[-1]
    told = run("--koderz-analyze", one.id)
    assert told.ret == pytest.ExitCode.OK
    told.stdout.fnmatch_lines([f"SIMULATED {one.id}: {one.problem_id} with arm {one.arm}*"])
    run("--koderz-results").stdout.fnmatch_lines([f"SIMULATED {resumed.name} *"])


PLAYED = """
models:
  little: {backend: replay, model: recording, priced_as: own, temperature: 0.2, max_tokens: 512, context_tokens: 8192}
  big: {backend: replay, model: recording, priced_as: big-list}
"""


@some
def test_each_is_played_back(kept: Path, resumed: Path, run: Run, pytester: pytest.Pytester) -> None:
    """What ended comes to the same again, from its recorded replies alone."""
    shutil.move(resumed, pytester.path / "recording")
    own = pytester.path / "koderz.yaml"
    text, rest = own.read_text().split("models:\n  little")[0], own.read_text().split("prices:\n")[1]
    own.write_text(text + PLAYED + "prices:\n  own: free\n" + rest)
    wanted = [one for one in archived(pytester.path / "recording").experiments if one.status.settled]
    arms = [part for arm in dict.fromkeys(one.arm for one in wanted) for part in ("--koderz-arm", arm)]
    run("--koderz", "--tb=no", "--koderz-epochs", "2", "--koderz-json", "r.json", *arms)
    rows = json.loads((pytester.path / "r.json").read_text())["experiments"]
    found = {(row["problem"], row["arm"], row["epoch"]): row for row in rows}
    for one in wanted:
        row = found[one.problem_id, one.arm, one.epoch]
        assert (row["outcome"], row["iterations"]) == (str(one.status), len(one.iterations))


def arms_of(kept: Path) -> dict[str, Arm]:
    settings = load_settings(kept.parent / "koderz.yaml", kept.parent, {}, Choice())
    return {arm.name: arm for arm in settings.arms}


def grown(kind: type, name: str) -> type:
    """*kind* as a later version may have it: with one more key, whose default means that it is not used."""
    return make_dataclass(kind.__name__, [(name, "int | None", None)], bases=(kind,), frozen=True)


def _copied(kind: type, value: Any, **changes: Any) -> Any:
    return kind(**{item.name: getattr(value, item.name) for item in fields(value)} | changes)


def test_a_key_that_a_later_version_has_changes_nothing_until_it_is_used() -> None:
    """Of an arm and of a model; set, it is another condition, and named."""
    kept = JOURNALS / "fcd54d8" / "complete"
    recorded, arm = read_folder(bench(kept)), arms_of(kept)["koderz"]
    assert recorded.changes_of_arm(arm) == ()
    wider, deeper = grown(Arm, "max_seconds"), grown(ModelSettings, "top_p")
    later = _copied(wider, arm, local=_copied(deeper, arm.local))
    assert recorded.changes_of_arm(later) == ()
    assert recorded.changes_of_arm(replace(later, max_seconds=60)) == ("arm",)
    assert recorded.changes_of_arm(replace(later, local=_copied(deeper, arm.local, top_p=1))) == ("local model",)


def test_of_digests_only_the_name_of_what_changed_is_known() -> None:
    kept = JOURNALS / "fcd54d8" / "complete"
    recorded, arm = read_folder(bench(kept)), arms_of(kept)["koderz"]
    assert recorded.changes_of_arm(replace(arm, max_iterations=5)) == ("arm",)
    assert all(one.status is not Status.RUNNING for one in archived(bench(kept)).experiments)
