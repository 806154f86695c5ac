"""A server is idle where experiments are at work, not all of them have begun, and no call is on it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import DeviceUse
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.evidence.idle_servers import IdleServer, idle_servers
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.summary import summary_lines

from .test_device_time import RATE, ran, use, used

OTHER = "http://gpu2:11434"


def lasting(number: int, began: float, seconds: float, *uses: DeviceUse) -> Experiment:
    started = datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds")
    return replace(ran(number, used(*uses)), started=started, seconds=seconds)


FOUR = (
    lasting(0, 0.0, 10.0, use(4.0, 4.0), use(10.0, 5.0)),
    lasting(1, 0.0, 6.0, use(6.0, 6.0, OTHER)),
    # After a pause, in which nobody could have been at work.
    lasting(2, 100.0, 8.0, use(108.0, 8.0)),
    lasting(3, 106.0, 50.0, use(150.0, 40.0, OTHER)),
)
"""Two servers were to be at work from 0 to 10, and from 100 to 106, when the last experiment began."""


def test_pause_and_tail_are_no_idle_time() -> None:
    """The first one had nothing to do from 4 to 5, the other one from 6 to 10 and from 100 to 106."""
    assert idle_servers(FOUR) == (IdleServer("http://gpu1:11434", 16.0, 1.0), IdleServer(OTHER, 16.0, 10.0))


def test_without_intervals_or_beginnings_nothing_is_said() -> None:
    """As of a service, of an earlier version, and where all began at once."""
    assert idle_servers([replace(one, started="") for one in FOUR]) == ()
    assert idle_servers([replace(one, ledger=ran(9, used(reported=5.0)).ledger) for one in FOUR]) == ()
    assert idle_servers(FOUR[:2]) == ()


def test_summary_and_json_say_what_was_idle_and_lost() -> None:
    """A tenth of a cent a second; without a rate the shares; of a single server only what was lost."""
    frame = Frame("bench_1a2b3c4d", ("koderz",), "koderz", 0.05, None)
    shares = "idle until the last experiment began (16 s): http://gpu1:11434 6 %, http://gpu2:11434 62 %"
    assert _line(frame) == shares
    assert _line(replace(frame, local_rate=RATE)) == f"{shares}; $0.0110 lost"
    one = (FOUR[0], FOUR[2])
    assert _line(frame, *one) == ""
    assert _line(replace(frame, local_rate=RATE), *one).endswith("http://gpu1:11434 10 %; $0.0010 lost")
    first, other = results_of(replace(frame, local_rate=RATE), {}, FOUR)["servers"]
    assert first == {
        "server": "http://gpu1:11434",
        "seconds": 16.0,
        "idle_seconds": 1.0,
        "idle_share": 1 / 16,
        "idle_usd": pytest.approx(0.001),
    }
    assert Decimal(str(other["idle_usd"])) == Decimal("0.01")


def _line(frame: Frame, *experiments: Experiment) -> str:
    """Whole, however it is wrapped."""
    text = " ".join(" ".join(summary_lines(frame, experiments or FOUR, 100)).split())
    found = re.search(r"idle until .*?%(; \$\S+ lost|(?!,))", text)
    return "" if found is None else found[0]


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=8)


@given(SPANS, SPANS)
def test_idle_seconds_are_those_that_counting_finds(runs: list[tuple[int, int]], calls: list[tuple[int, int]]) -> None:
    rows = [lasting(number, began, seconds) for number, (began, seconds) in enumerate(runs)]
    rows[0] = replace(rows[0], ledger=ran(0, used(*(use(began + length, length) for began, length in calls))).ledger)
    last = max(began for began, _ in runs)
    at_work = {moment for began, seconds in runs for moment in range(began, began + seconds) if moment < last}
    busy = {moment for began, length in calls for moment in range(began, began + length)}
    found = idle_servers(rows)
    assert [(one.seconds, one.idle) for one in found] == ([(len(at_work), len(at_work - busy))] if at_work else [])
