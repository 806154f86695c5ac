"""One spec serves all arms of a benchmark."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment, Spec, Status, spec_seed
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Reply
from pytest_koderz.core.prompts import spec_prompt
from pytest_koderz.files.secret_values import Redaction
from pytest_koderz.records.journal import Journal
from pytest_koderz.records.recorded import read_folder
from pytest_koderz.session.shelf import Shelf
from tests.conftest import Run
from tests.core.worlds import ADD, FRONTIER, KODERZ, START

from .worlds import recorded

REPLY = Reply("a spec", Usage(100, 10), "frontier-1", seconds=2.0)
SPENDING = Spending(Role.SPEC, "frontier", 1, REPLY.usage, Decimal("0.0006"), 2.0)
OTHER = replace(START, id="exp_00000002", arm="no-checkpoints")


def called(shelf: Shelf, experiment: Experiment) -> None:
    shelf.pytest_koderz_called(experiment, Role.SPEC, REPLY, SPENDING)


def recall(shelf: Shelf, experiment: Experiment) -> Spec | None:
    return shelf.pytest_koderz_recall_spec(experiment, ADD, KODERZ)


def test_the_second_arm_takes_what_the_first_has_paid_for(tmp_path: Path) -> None:
    """Text, tokens and price of it, and who paid."""
    shelf = Shelf(tmp_path)
    assert recall(shelf, START) is None
    called(shelf, START)
    spec = recall(Shelf(tmp_path), OTHER)
    assert spec is not None
    assert (spec.text, spec.usage, spec.recalled_from, spec.seconds) == ("a spec", Usage(100, 10), START.id, 2.0)
    assert str(spec.cost) == "0.0006"


def test_another_epoch_or_model_has_a_spec_of_its_own(tmp_path: Path) -> None:
    """Or epochs would not be independent."""
    shelf = Shelf(tmp_path)
    recall(shelf, START)
    called(shelf, START)
    assert recall(shelf, replace(OTHER, epoch=2)) is None
    hotter = replace(KODERZ, spec=replace(FRONTIER, temperature=1.0))
    assert shelf.pytest_koderz_recall_spec(replace(OTHER, id="exp_3"), ADD, hotter) is None


def test_who_comes_while_it_is_written_waits(tmp_path: Path) -> None:
    """As another process would, since a lock of the kernel belongs to the open file."""
    shelf, other = Shelf(tmp_path), Shelf(tmp_path)
    assert recall(shelf, START) is None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(recall, other, OTHER)
        assert not waiting.done()
        called(shelf, START)
        spec = waiting.result(timeout=10)
    assert spec is not None
    assert spec.recalled_from == START.id


def test_who_fails_to_write_it_leaves_it_to_the_next(tmp_path: Path) -> None:
    """An outage of the frontier, or a budget that is spent."""
    shelf, other = Shelf(tmp_path), Shelf(tmp_path)
    assert recall(shelf, START) is None
    shelf.pytest_koderz_ended(START.ended(Status.INVALID, 0.0))
    assert recall(other, OTHER) is None
    called(other, OTHER)
    assert recall(shelf, replace(START, id="exp_3")) is not None


def test_who_ended_while_it_waited_keeps_no_right(tmp_path: Path) -> None:
    """Timed out in its turn, or with its run: what it is given afterwards goes on to the next at once."""
    shelf, other, third = Shelf(tmp_path), Shelf(tmp_path), Shelf(tmp_path)
    assert recall(shelf, START) is None
    waiting = recalled_later(other, OTHER)
    other.pytest_koderz_ended(OTHER.ended(Status.INVALID, 0.0))
    shelf.pytest_koderz_ended(START.ended(Status.INVALID, 0.0))
    assert waiting.result(timeout=10) is None
    assert recalled_later(third, START).result(timeout=10) is None
    called(third, START)
    assert recall(shelf, OTHER) is not None


def test_a_session_that_was_cut_short_keeps_no_right(tmp_path: Path) -> None:
    """Its process may live on, and go on with the benchmark: nobody told of an end, and the file is still open."""
    shelf, waiter = Shelf(tmp_path), Shelf(tmp_path)
    assert recall(shelf, START) is None
    waiting = recalled_later(waiter, OTHER)
    waiter.close()
    shelf.close()
    assert waiting.result(timeout=10) is None
    assert recalled_later(Shelf(tmp_path), OTHER).result(timeout=10) is None


def recalled_later(shelf: Shelf, experiment: Experiment) -> Future[Spec | None]:
    """In a thread that no test waits for: asked for by now, and perhaps waiting."""
    found: Future[Spec | None] = Future()
    Thread(target=lambda: found.set_result(recall(shelf, experiment)), daemon=True).start()
    until = time.monotonic() + 10
    while experiment.id not in shelf._rights and not found.done():
        assert time.monotonic() < until
        time.sleep(0.001)
    return found


def test_what_another_memory_knew_serves_all_arms(tmp_path: Path) -> None:
    """A spec of an earlier benchmark, with its own payer."""
    shelf = Shelf(tmp_path)
    recall(shelf, START)
    old = Spec("an old spec", "frontier-1", Usage(5, 5), recalled_from="exp_00000000")
    shelf.pytest_koderz_spec_written(START, old)
    spec = recall(shelf, OTHER)
    assert spec is not None
    assert (spec.text, spec.recalled_from) == ("an old spec", "exp_00000000")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "main", {"id": START.benchmark_id})
    yield journal
    journal.close()


def test_a_paid_spec_is_put_back_from_the_journal(tmp_path: Path, journal: Journal) -> None:
    """Killed between the call's line and the shelf, a resumed benchmark pays no second time; cut files are none."""
    prompt = spec_prompt(ADD, spec_seed(ADD.id, START.epoch))
    journal.pytest_koderz_began(START, ADD, KODERZ)
    journal.pytest_koderz_called(START, Role.SPEC, prompt, REPLY, SPENDING)
    journal.close()
    shelf = Shelf(tmp_path / "specs")
    shelf.restore(read_folder(tmp_path), [KODERZ])
    (slot,) = (tmp_path / "specs").iterdir()
    slot.write_text(slot.read_text()[:20])
    shelf.restore(read_folder(tmp_path), [KODERZ])
    spec = recall(shelf, OTHER)
    assert spec is not None
    assert (spec.text, spec.recalled_from) == ("a spec", START.id)


def test_a_paid_spec_is_put_back_as_it_was_written(tmp_path: Path) -> None:
    """Whatever became of its reply's text, and where a secret was taken out of the record of the task."""
    redaction = Redaction(("Add two numbers.",))
    journal, shelf = Journal(tmp_path, "main", {}, redaction=redaction), Shelf(tmp_path / "specs", redaction)
    prompt = spec_prompt(ADD, spec_seed(ADD.id, START.epoch))
    journal.pytest_koderz_began(START, ADD, KODERZ)
    journal.pytest_koderz_called(START, Role.SPEC, prompt, replace(REPLY, text="a s"), SPENDING)
    journal.pytest_koderz_spec_written(START, Spec("a spec", "frontier-1", REPLY.usage, leaks=("hands it over",)))
    journal.close()
    shelf.restore(read_folder(tmp_path), [KODERZ])
    spec = recall(shelf, OTHER)
    assert spec is not None
    assert (spec.text, spec.recalled_from, spec.leaks) == ("a spec", START.id, ())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [pytest.param(0, marks=pytest.mark.slow), 2])
def test_a_benchmark_pays_for_a_spec_once(forgetful: Run, pytester: pytest.Pytester, workers: int) -> None:
    """Each arm's figures count its price all the same, so that no arm looks cheaper for having come second."""
    arms = ("--koderz-arm", "koderz", "--koderz-arm", "no-checkpoints")
    forgetful(*arms, "--koderz-problems", "0-5", "--koderz-json", "results.json", "-n", str(workers))
    results = json.loads((pytester.path / "results.json").read_text())
    assert [line["role"] for line in recorded(pytester.path, "called")].count("spec") == 6
    figures = results["arms"]
    assert figures["koderz"]["cost_usd_by_role"]["spec"] == figures["no-checkpoints"]["cost_usd_by_role"]["spec"]
    paid = sum(figures[arm]["paid_usd"] for arm in figures)
    assert 0 < paid < sum(figures[arm]["cost_usd"] for arm in figures)
