"""A stand-in that has the losses of the recorded claude-cortex: they are avoided, and noticed where they are not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.cortex import Delivery, recall
from pytest_koderz.cortex.client.replies import exported

from .worlds import LOSSY, NODE, converse, iteration, launch, lived, lossy, servers_of, spec, tell

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node to run the stand-in with")

Call = tuple[str, dict[str, object]]


def kept_of(folder: Path, calls: list[Call]) -> list[dict[str, Any]]:
    """What the stand-in still has after *calls*."""
    replies = converse(launch(folder, cortex_path=str(LOSSY)), [*calls, ("export_memories", {"project": "*"})])
    return exported(replies[-1])


def remember(title: str, **more: object) -> Call:
    return "remember", {"title": title, "content": "c", **more}


@pytest.mark.slow
def test_the_stand_in_loses_what_it_is_said_to_lose(tmp_path: Path) -> None:
    """Each loss of the recorded server, met by whoever does not know of it."""
    several = {"category": "custom", "tags": ["spec", "experiment"], "importance": "critical"}
    careless: Mapping[str, tuple[list[Call], int]] = {
        "refused": ([remember("cost = 1"), remember("why?"), remember("here", transferable=False)], 0),
        "similar": ([remember("spec experiment custom", **several) for _ in range(30)], 2),
        "short term": ([remember(f"note {number}") for number in range(300)], 250),
        "end": ([remember("note"), ("end_session", {"sessionId": 999})], 0),
    }
    for name, (calls, left) in careless.items():
        (tmp_path / name).mkdir()
        assert len(kept_of(tmp_path / name, calls)) == left, name
    (cut,) = kept_of(tmp_path, [remember("long", content="x" * 12_000, tags=list("abcdefghijkl"), category="learning")])
    assert (len(cut["content"]), len(json.loads(cut["tags"]))) == (10_240 + 43, 10)
    assert (cut["scope"], cut["type"]) == ("global", "short_term")


def test_nothing_of_an_experiment_is_lost(tmp_path: Path) -> None:
    """Long texts too, far more than 250 memories, and the end of the session; cortex alone tells it all again."""
    long = replace(lived(0), spec=spec("word " * 20_000))
    long = replace(long, iterations=(iteration(1, "x = 1\n" * 9_000), *long.iterations[1:]))
    told = [long, *(lived(number) for number in range(1, 40))]
    with closing(lossy(tmp_path, os.environ)) as cortex:
        count = sum(tell(cortex, one) for one in told)
        assert count > 300
        assert cortex.deliver(300) == Delivery(count, count)
        assert cortex.pytest_koderz_recall_iterations(told[-1], 6) == list(told[-1].iterations)
    rows = kept_of(tmp_path, [("end_session", {"sessionId": 1})])
    assert len({row["title"] for row in rows}) == len(rows) == count
    assert {(row["type"], row["scope"], row["project"]) for row in rows} == {("long_term", "project", "koderz")}
    found = recall(long.benchmark_id, cortex_path=str(LOSSY), database=tmp_path / "cortex.db")
    assert {one.id: one for one in found.experiments} == {one.id: one for one in told}


def test_a_loss_is_noticed_and_made_good(tmp_path: Path) -> None:
    """Every seventh memory is acknowledged and not written: they are sent again, and all are there."""
    with closing(lossy(tmp_path, os.environ, {"drop_every": 7})) as cortex:
        count = sum(tell(cortex, lived(number)) for number in range(2))
        assert cortex.deliver(120) == Delivery(count, count)


def test_what_is_lost_again_is_missing(tmp_path: Path) -> None:
    """By name; the spool stays, and what it owes is not said to be stored."""
    with closing(lossy(tmp_path, os.environ, {"drop_every": 2})) as cortex:
        count = sum(tell(cortex, lived(number)) for number in range(2))
        delivery = cortex.deliver(120)
    assert delivery.stored == count
    assert delivery.verified + len(delivery.missing) == count
    assert delivery.missing
    rows = {row["title"] for row in kept_of(tmp_path, [])}
    assert not rows & set(delivery.missing)
    assert len(rows) == delivery.verified
    assert (tmp_path / "bench" / "main.spool").exists()


def test_it_is_launched_apart_from_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PATH, HOME and the project are all of its environment, nothing is written at home, and it ends with us."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0123456789")
    home = tmp_path / "home"
    home.mkdir()
    with closing(lossy(tmp_path, {**os.environ, "HOME": str(home)})) as cortex:
        count = tell(cortex, lived())
        assert cortex.deliver(60) == Delivery(count, count)
        names = (tmp_path / "cortex.db.environment").read_text(encoding="utf-8").split()
        assert set(names) == {"PATH", "HOME", "CLAUDE_MEMORY_PROJECT"}
        assert len(servers_of(tmp_path)) == 1
    assert servers_of(tmp_path) == []
    assert list(home.iterdir()) == []
