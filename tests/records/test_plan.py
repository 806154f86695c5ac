"""What was planned, and how often a benchmark was looked at."""

from __future__ import annotations

from pathlib import Path

from pytest_koderz.records.events import Event, Head, Looked, line_of
from pytest_koderz.records.plan import plan_of, record_look
from pytest_koderz.records.recorded import read_folder


def _journal(path: Path, *heads: tuple[str, Head]) -> None:
    path.write_bytes(b"".join(line_of(Event(at, head)) for at, head in heads))


def test_the_first_margin_stays(tmp_path: Path) -> None:
    """Whichever process wrote it; and the most that was planned counts."""
    _journal(tmp_path / "gw0.jsonl", ("2026-11-02", Head(margin=0.1, planned=164)), ("2026-11-04", Head(margin=0.2)))
    first = Head(margin=0.05, planned=50, selection="the first 50 of 164")
    _journal(tmp_path / "main.jsonl", ("2026-11-01", first))
    plan = plan_of(tmp_path)
    assert (plan.margin, plan.problems, plan.selection) == (0.05, 164, "")


def test_looks_are_kept_beside_the_journals(tmp_path: Path) -> None:
    """In their order, and whoever reads the journals can read them."""
    record_look(tmp_path, Looked(50, 164))
    record_look(tmp_path, Looked(164, 164))
    assert plan_of(tmp_path).looks == (Looked(50, 164), Looked(164, 164))
    assert read_folder(tmp_path).experiments == {}


def test_of_nothing_nothing_is_known(tmp_path: Path) -> None:
    """As before the first event."""
    plan = plan_of(tmp_path)
    assert (plan.margin, plan.problems, plan.selection, plan.looks) == (None, None, "", ())
