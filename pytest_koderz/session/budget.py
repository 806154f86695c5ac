"""The limit on what a benchmark may spend, kept by all of its processes together."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import partial
from pathlib import Path

import pytest

from pytest_koderz.core.arm import ModelSettings, Role
from pytest_koderz.core.cost_bound import bound_of
from pytest_koderz.core.errors import OutOfBudget
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.money import Spending
from pytest_koderz.core.ports import Prompt, meter
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.events import Called, Event
from pytest_koderz.records.recorded import Recorded
from pytest_koderz.records.shared_rows import shared_rows
from pytest_koderz.reporters.summary import SIMULATED
from pytest_koderz.reporters.text import counted, dollars
from pytest_koderz.settings import Settings

UNIT = Decimal("1e-12")
"""Of the file's whole numbers, in US dollars: fine enough for any price, and 9 million dollars still fit."""

_MOST_UNITS = 2**63 - 1
"""The largest whole number of the file."""


def check_budget(settings: Settings) -> None:
    """Refuse a limit that could not be kept. Raises UsageError."""
    unpriced = [model for model in settings.models if model.price is None]
    if settings.max_cost is not None and unpriced:
        name, limit = unpriced[0].model, dollars(settings.max_cost)
        what = f"no price is known for '{name}' (model '{unpriced[0].name}'), so a limit of {limit} cannot be kept"
        remedy = f"add it under `prices: {name}:` in {settings.path}, or run without a limit"
        raise UsageError(f"max_cost: {what}; {remedy}")


class Budget:
    """The guard of a benchmark with a limit. Several threads may use it.

    An answered call is settled at its price. One without an answer stays at its reservation, since it may be billed all
    the same: its process was killed, or it failed and the back end did not say that this cannot have been billed. What
    is sent again after a lost answer is reserved again.
    """

    def __init__(self, settings: Settings, limit: Decimal, path: Path) -> None:
        self.purse = Purse(path, limit)
        self._arms = {arm.name: arm for arm in settings.arms}
        self._mark = SIMULATED if settings.simulated else ""
        self._open: dict[str, dict[str, _Open]] = {}
        """The calls under way, by experiment and by what stands for each."""

    def carry_over(self, recorded: Recorded) -> None:
        """Count against the limit what the benchmark had spent before it was resumed. For the controller alone.

        A run without a limit left no file; what it spent stands in the journals. Raises UsageError where that is not
        known.
        """
        calls = [_recorded_call(event) for event in recorded.calls()]
        try:
            self.purse.reopen(calls)
        except OutOfBudget as fault:
            raise UsageError(f"max_cost: {fault}") from None

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None:
        """Last of the guards, so that what another one refuses is not reserved."""
        model = self._model_of(experiment.arm, prompt)
        if model.price is None:
            raise OutOfBudget(f"no price is known for '{model.model}', so the limit could not be kept")
        bound = bound_of(prompt, model, model.price)
        meter.set(None)
        if bound:
            about = f"{experiment.problem_id}[{experiment.arm}]"
            call = _call(experiment.id, role, prompt.digest)
            opened = _Open(self.purse, bound, about, call)
            self._open.setdefault(experiment.id, {})[call] = opened
            meter.set(opened)

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_called(self, experiment: Experiment, role: Role, prompt: Prompt, spending: Spending) -> None:
        call = self._open.get(experiment.id, {}).pop(_call(experiment.id, role, prompt.digest), None)
        if call is not None:
            call.settle(spending.cost)

    def pytest_koderz_lost(self, experiment: Experiment) -> None:
        """What was under way may be billed all the same."""
        for call in self._open.pop(experiment.id, {}).values():
            call.settle(None)

    def pytest_koderz_ended(self, experiment: Experiment) -> None:
        """A call that is still open was never answered; where another guard refused it, it was not sent either."""
        for call in self._open.pop(experiment.id, {}).values():
            call.settle(Decimal(0) if experiment.status is Status.SKIPPED else None)

    def pytest_koderz_summary(self) -> list[str]:
        try:
            lines = list(_lines(self.purse.limit, self.purse.balance()))
        except OutOfBudget as fault:
            lines = [str(fault)]
        return [f"{self._mark}budget: {line}" for line in lines]

    def _model_of(self, name: str, prompt: Prompt) -> ModelSettings:
        arm = self._arms.get(name)
        if arm is None or prompt.role not in arm.models:
            what = f"nothing is known of the {prompt.role} model of arm '{name}'"
            raise OutOfBudget(f"{what}, so the limit could not be kept")
        return arm.asked(prompt.role, prompt.model)


class _Open:
    """A call that was reserved and has not been settled; the meter of its sendings."""

    def __init__(self, purse: Purse, bound: Decimal, about: str, call: str) -> None:
        """Raises OutOfBudget."""
        self._purse = purse
        self._reserve = partial(purse.reserve, bound, about, call)
        self._reservation: int | None = self._reserve()

    def settle(self, cost: Decimal | None) -> None:
        """Once; None: what it cost is not known, so that the reservation stands."""
        reservation, self._reservation = self._reservation, None
        if reservation is not None:
            self._purse.settle(reservation, cost)

    def resend(self) -> None:
        """What was sent stays reserved, and what is sent again is reserved anew. Raises OutOfBudget."""
        if self._reservation is not None:
            self.settle(None)
            self._reservation = self._reserve()

    def unbilled(self) -> None:
        self.settle(Decimal(0))


def _call(experiment_id: str, role: str, digest: str) -> str:
    """The same for calls with one prompt in one experiment."""
    return f"{experiment_id} {role} {digest}"


def _recorded_call(event: Event) -> tuple[str, Decimal]:
    """Which call a journal's line is of, and what it cost. Raises UsageError where that is not known."""
    call = event.what
    assert isinstance(call, Called) and event.about is not None  # noqa: PT018, S101 - `calls` gives no others
    if call.spending.cost is None:
        what = "does not say what this call cost, so that a limit cannot be kept; go on without one"
        raise UsageError(f"max_cost: {event.place}: {what}")
    return _call(event.about.experiment, call.role, call.prompt.digest), call.spending.cost


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of a limit so far, in US dollars."""

    spent: Decimal
    """Known charges."""
    unanswered: Decimal
    """Reservations of calls that failed, which may be billed."""
    unanswered_calls: int
    reserved: Decimal
    """For calls under way, or cut short with their process."""
    reserved_calls: int
    refused_calls: int
    first_refused: str | None
    """What the first refused call was for."""


class Purse:
    """A limit with what was spent and reserved of it, in a file that processes and threads share.

    Each change is one transaction, so that a process can be killed at any moment: what it had reserved stays reserved.
    The file appears with the first reservation.
    """

    def __init__(self, path: Path, limit: Decimal) -> None:
        self.path = path
        self.limit = limit

    def reopen(self, calls: Sequence[tuple[str, Decimal]]) -> None:
        """Enter those of *calls*, with their US dollars, that are not here yet. Nobody else may use the file now.

        What was reserved by processes that are gone may be billed; what they were refused is to be asked for again.
        """
        if not (self.path.exists() or any(cost for _, cost in calls)):
            return
        with self._rows() as rows:
            rows.execute("BEGIN")
            rows.execute("DELETE FROM calls WHERE state = 'refused'")
            rows.execute("UPDATE calls SET state = 'unanswered' WHERE state = 'reserved'")
            here = Counter(call for (call,) in rows.execute("SELECT call FROM calls WHERE state = 'settled'"))
            for call, cost in calls:
                if here[call]:
                    here[call] -= 1
                elif cost:
                    rows.execute(_ENTER, ("", call, "settled", _units(cost)))
            rows.execute("COMMIT")

    def reserve(self, amount: Decimal, about: str, call: str = "") -> int:
        """The number of a new reservation. Raises OutOfBudget where *amount* more could pass the limit."""
        needed, most = _units(amount), min(int(self.limit / UNIT), _MOST_UNITS)
        with self._rows() as rows:
            # One statement asks and enters, so that nobody can come between.
            found = rows.execute(_RESERVE, (about, call, needed, needed, most)).fetchall()
            if found:
                return int(found[0][0])
            rows.execute(_ENTER, (about, call, "refused", needed))
            balance = _balance(rows)
        raise OutOfBudget(_refusal(self.limit, balance, amount))

    def settle(self, reservation: int, cost: Decimal | None) -> None:
        """Put what was charged in the place of what was reserved; None: unknown, so that the reservation stands."""
        with self._rows() as rows:
            if cost is None:
                rows.execute("UPDATE calls SET state = 'unanswered' WHERE id = ?", (reservation,))
            else:
                changed = (_units(cost), reservation)
                rows.execute("UPDATE calls SET state = 'settled', amount = ? WHERE id = ?", changed)

    def balance(self) -> Balance:
        if not self.path.exists():
            nothing = Decimal(0)
            return Balance(nothing, nothing, 0, nothing, 0, 0, None)
        with self._rows() as rows:
            return _balance(rows)

    @contextmanager
    def _rows(self) -> Iterator[sqlite3.Connection]:
        """Raises OutOfBudget."""
        try:
            with shared_rows(self.path, _TABLE) as rows:
                yield rows
        except (OSError, OverflowError, sqlite3.Error) as fault:
            raise OutOfBudget(f"the budget cannot be kept in {self.path}: {fault}") from None


_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY,
    about TEXT NOT NULL,
    call TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'unanswered', 'refused')),
    amount INTEGER NOT NULL
)
"""
_RESERVE = """
INSERT INTO calls (about, call, state, amount)
SELECT ?, ?, 'reserved', ? WHERE ? + (SELECT coalesce(sum(amount), 0) FROM calls WHERE state != 'refused') <= ?
RETURNING id
"""
_ENTER = "INSERT INTO calls (about, call, state, amount) VALUES (?, ?, ?, ?)"


def _units(amount: Decimal) -> int:
    """Rounded up, so that no sum is too low."""
    return int((amount / UNIT).to_integral_value(ROUND_CEILING))


def _balance(rows: sqlite3.Connection) -> Balance:
    found = rows.execute("SELECT state, sum(amount), count(*) FROM calls GROUP BY state")
    sums = {state: (amount * UNIT, number) for state, amount, number in found}
    nothing = (Decimal(0), 0)
    first = rows.execute("SELECT about FROM calls WHERE state = 'refused' ORDER BY id LIMIT 1").fetchone()
    return Balance(
        sums.get("settled", nothing)[0],
        *sums.get("unanswered", nothing),
        *sums.get("reserved", nothing),
        refused_calls=sums.get("refused", nothing)[1],
        first_refused=None if first is None else str(first[0]),
    )


def _refusal(limit: Decimal, balance: Balance, amount: Decimal) -> str:
    spent = dollars(balance.spent + balance.unanswered)
    held = f"spent {spent}, reserved {dollars(balance.reserved)} for {counted(balance.reserved_calls, 'open call')}"
    return f"out of budget: limit {dollars(limit)}, {held}; this call could cost up to {dollars(amount)}"


def _lines(limit: Decimal, balance: Balance) -> Iterator[str]:
    """What was spent of the limit, what may have been, and what was not done for want of it."""
    yield f"{dollars(balance.spent)} spent of the limit of {dollars(limit)}"
    lost = balance.unanswered_calls + balance.reserved_calls
    if lost:
        held = dollars(balance.unanswered + balance.reserved)
        yield f"{held} more held for {counted(lost, 'unanswered call')}, which may be billed"
    if balance.refused_calls:
        yield f"{counted(balance.refused_calls, 'call')} refused, the first for {balance.first_refused}"
        yield "a resume with a higher --koderz-max-cost makes them"
