"""Calls that overlap on one server share its device, so that no more is counted than it was busy."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_koderz.core.experiment import Experiment, Spec, Status
from pytest_koderz.core.iteration import Iteration, Outcome, Verdict
from pytest_koderz.core.money import DeviceUse, Ledger, Spending, Usage
from pytest_koderz.evidence.arms import figures_of
from pytest_koderz.evidence.device_time import shared_out
from pytest_koderz.evidence.findings import Frame, findings_of
from pytest_koderz.reporters.results import results_of

RATE = Decimal("3.60")
"""A tenth of a US cent a second."""


def used(*uses: DeviceUse, role: str = "local", reported: float | None = None) -> Spending:
    seconds = sum(use.seconds for use in uses) if reported is None else reported
    return Spending(role, "coder", len(uses) or 1, Usage(10, 5), Decimal(0), 1.0, seconds, uses)


def use(ended: float, seconds: float, place: str = "http://gpu1:11434") -> DeviceUse:
    return DeviceUse(place, ended, seconds)


def ran(number: int, *rows: Spending, arm: str = "koderz", status: Status = Status.SOLVED) -> Experiment:
    iteration = Iteration(1, (None,), (Verdict(Outcome.PASSED, 1, 1),), cost=Decimal(0))
    name = f"own/add{number}"
    ledger = Ledger(rows)
    return Experiment(f"exp_{number}{arm}", name, arm, iterations=(iteration,), ledger=ledger, status=status)


def seconds_of(*experiments: Experiment) -> list[float | None]:
    return [one.ledger.spendings[0].gpu_seconds for one in shared_out(experiments)]


def test_four_at_once_take_no_longer_than_the_longest() -> None:
    """Each a quarter of 40 s on one device, where the server reported 40 s each; on four devices it is 40 s each."""
    together = [ran(number, used(use(100.0, 40.0))) for number in range(4)]
    assert seconds_of(*together) == [10.0] * 4
    apart = [ran(number, used(use(100.0, 40.0, f"http://gpu{number}"))) for number in range(4)]
    assert seconds_of(*apart) == [40.0] * 4


def test_what_overlaps_in_part_is_shared_in_part() -> None:
    """From 0 to 10 and from 4 to 14: each was alone for 4 s and shared 6 s; the one from 20 to 25 was alone."""
    assert seconds_of(
        ran(0, used(use(10.0, 10.0))), ran(1, used(use(14.0, 10.0))), ran(2, used(use(25.0, 5.0)))
    ) == pytest.approx([7.0, 7.0, 5.0])


def test_calls_of_experiments_that_did_not_settle_hold_the_device_too() -> None:
    """Those of other arms and roles as well."""
    rows = ran(0, used(use(10.0, 10.0))), ran(1, used(use(10.0, 10.0)), status=Status.INVALID)
    assert seconds_of(*rows, ran(2, used(use(10.0, 5.0), role="checkpoint"), arm="other")) == pytest.approx(
        [2.5 + 5 / 3, 2.5 + 5 / 3, 5 / 3]
    )


def test_a_call_without_an_interval_keeps_what_was_reported() -> None:
    """As an earlier version's, or a plugin's model; also beside one that has an interval. Unknown stays unknown."""
    assert seconds_of(ran(0, used(reported=12.0)), ran(1, used(use(10.0, 4.0), reported=9.0))) == [12.0, 9.0]
    unknown = replace(used(use(10.0, 4.0)), gpu_seconds=None)
    assert seconds_of(ran(0, unknown), ran(1, used(use(10.0, 4.0)))) == [None, 2.0]


def test_a_recalled_spec_takes_the_share_of_the_one_who_paid() -> None:
    """Or the arm that runs second would look dearer, or cheaper."""
    spec = Spec("Add them.", "coder", Usage(1, 1), Decimal(0), gpu_seconds=10.0)
    payer = replace(ran(0, used(use(10.0, 10.0), role="spec"), used(use(30.0, 5.0))), spec=spec)
    other = replace(ran(0, used(use(10.0, 10.0)), arm="other"), spec=replace(spec, recalled_from=payer.id))
    found = shared_out([payer, other])
    assert [one.spec and one.spec.gpu_seconds for one in found] == [5.0, 5.0]


INTERVALS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), min_size=1, max_size=12)


@given(INTERVALS)
def test_shares_add_up_to_the_time_that_the_device_was_busy(intervals: list[tuple[int, int]]) -> None:
    """None is larger than what the server reported; done again nothing changes."""
    told = [ran(number, used(use(ended, seconds))) for number, (ended, seconds) in enumerate(intervals)]
    busy = {moment for ended, seconds in intervals for moment in range(ended - seconds, ended)}
    shares = [share or 0.0 for share in seconds_of(*told)]
    assert sum(shares) == pytest.approx(len(busy))
    assert all(share <= seconds + 1e-9 for share, (_, seconds) in zip(shares, intervals, strict=True))
    assert shared_out(shared_out(told)) == shared_out(told)


def test_the_rate_the_ranking_and_the_json_go_by_the_shares() -> None:
    """40 s in all for four experiments at once: 4 cents, not 16."""
    four = [ran(number, used(use(100.0, 40.0))) for number in range(4)]
    alone = [ran(number, used(use(1000.0 + 100 * number, 11.0)), arm="alone") for number in range(4)]
    frame = Frame("bench_1a2b3c4d", ("koderz", "alone"), "alone", 0.05, None, local_rate=RATE)
    findings = findings_of(frame, [*four, *alone])
    assert [figures.gpu_seconds for figures in findings.arms] == [40.0, 44.0]
    assert [float(figures.dollars_with_gpu or 0) for figures in findings.arms] == pytest.approx([0.04, 0.044])
    assert [place.dominated_by for place in findings.standings] == [(), ("koderz",)]
    row = results_of(frame, {}, four)["experiments"][0]
    assert row["spent"][0]["gpu_seconds"] == 10.0
    assert row["counted"]["cost_with_gpu_usd"] == pytest.approx(0.01)


def test_what_used_nothing_is_not_unknown() -> None:
    """A prompt that did not fit was not worked on: the arm's GPU cost is that of its other calls."""
    overflow = Spending("local", "coder", 1, Usage(), Decimal(0), 0.1)
    whole = ran(0, used(use(10.0, 10.0)))
    partly = replace(whole, id="exp_1", problem_id="own/add1", ledger=Ledger() + used(use(30.0, 5.0)) + overflow)
    only = ran(2, overflow)
    assert (
        partly.ledger.spendings[0].gpu_seconds
        == (Ledger() + overflow + used(use(30.0, 5.0))).spendings[0].gpu_seconds
        == 5.0
    )
    figures = figures_of("koderz", [whole, partly, only], RATE)
    assert figures.gpu_seconds == 15.0
    assert float(figures.dollars_with_gpu or 0) == pytest.approx(0.015)
    unknown = ran(3, replace(overflow, usage=Usage(10, 5)))
    assert figures_of("koderz", [whole, unknown], RATE).dollars_with_gpu is None
