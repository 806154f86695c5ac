"""One candidate's run, watched by the supervisor: against a checker, or with its tests in its own process."""

from __future__ import annotations

import select
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_koderz.core.errors import SandboxFault

from .channel import Channel, Gone, WireError
from .deadline import Outputs, Stopwatch
from .fork_server import Process, Server
from .resources import Fate, usage_of

_GRACE = 0.5
"""Seconds that the checker has for its result once the child is dead."""
_MOST_TESTS = 32
"""Sets of tests that a checker keeps compiled."""
_REST_SECONDS = 0.5
"""How long an answer may take to come whole once it has begun to."""
_MOST_ASSERTIONS = 10**6
_TEXTS = ("summary", "assertion", "explanation", "exception")
_NOTHING: dict[str, Any] = {
    "outcome": "crashed",
    "passed": 0,
    "total": None,
    "failures": [{"summary": "the process ended"}],
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one candidate, as the lane saw it."""

    answer: dict[str, Any] | None
    """The checker's; None where the time was up and it had none."""
    timed_out: bool
    seconds: float
    fate: Fate
    stdout: str
    stderr: str


class Lane:
    """Judges one candidate at a time, for one thread at a time. After a SandboxFault it is of no more use."""

    def __init__(self, checkers: Server) -> None:
        self._checker = Process(checkers, locked=False)
        self._control = Channel(self._checker.sock, None)
        self._known: deque[str] = deque()
        """The keys of the tests that this checker has, the oldest first."""
        self.broken = False

    def learn(self, key: str, *sources: str) -> None:
        """Give the checker a set of tests, once. Raises SandboxFault where they cannot be compiled."""
        if key not in self._known:
            if len(self._known) >= _MOST_TESTS:
                self._ask(["forget", self._known.popleft()])
            self._told(self._ask(["learn", key, *sources]))
            self._known.append(key)

    def judge(self, child: Process, key: str, load: list[str], seconds: float) -> Trial:
        """Let *child* load a candidate and answer the tests *key*, for at most so many seconds with a CPU."""
        with suppress(Gone):  # which the checker will see too
            Channel(child.sock).send(load)
        self._send(["judge", key], [child.sock.fileno()])
        watch = Stopwatch(seconds, child.pid, self._checker.pid)
        outputs = Outputs(child)
        answered = outputs.until(self._checker.sock, watch)
        usage, taken = usage_of(child.pid), watch.seconds
        answer = self._told(self._receive()) if answered else self._last_answer(child)
        fate = Fate(usage) if usage else child.fate()
        return Trial(answer, not answered, taken, fate, *outputs.texts())

    def _last_answer(self, child: Process) -> dict[str, Any] | None:
        """The time was up: without its child the checker ends soon, unless it is busy with an endless answer."""
        child.kill()
        readable, _, _ = select.select([self._checker.sock], [], [], _GRACE)
        if readable:
            return self._told(self._receive())
        self.broken = True
        return None

    def _ask(self, message: list[Any]) -> Any:
        self._send(message)
        return self._receive()

    def _send(self, message: list[Any], descriptors: list[int] | None = None) -> None:
        try:
            self._control.send(message, descriptors or ())
        except Gone:
            self._fail()

    def _receive(self) -> Any:
        try:
            return self._control.recv()
        except Gone:
            self._fail()

    def _fail(self) -> NoReturn:
        self.broken = True
        raise SandboxFault("the checker of the sandbox ended")

    def _told(self, answer: dict[str, Any]) -> dict[str, Any]:
        if "fault" in answer:
            raise SandboxFault(answer["fault"])
        return answer

    def close(self) -> None:
        self._checker.close()


def judge_alone(child: Process, sources: tuple[str, str, str, str], seconds: float) -> Trial:
    """Let *child* run a candidate with its tests: preamble, candidate, tests, entry point."""
    outputs = Outputs(child)
    channel = Channel(child.sock)
    watch = Stopwatch(seconds, child.pid)
    answer = _NOTHING
    with suppress(Gone):
        channel.send(list(sources))
    answered = outputs.until(child.sock, watch)
    usage, taken = usage_of(child.pid), watch.seconds
    if answered:
        channel.deadline = time.monotonic() + _REST_SECONDS
        with suppress(Gone, WireError):
            answer = _checked(channel.recv())
    fate = Fate(usage) if usage else child.fate()
    return Trial(answer, not answered, taken, fate, *outputs.texts())


def _checked(answer: Any) -> dict[str, Any]:
    """The answer in the types that a verdict has. Raises WireError: the child could send anything."""
    try:
        return {
            "outcome": {"passed": "passed", "wrong": "wrong", "crashed": "crashed"}[answer["outcome"]],
            "passed": _count(answer["passed"]),
            "total": None if answer["total"] is None else _count(answer["total"]),
            "failures": [_failure(each) for each in answer["failures"][:5]],
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WireError(f"no answer: {error!r}") from None


def _count(number: Any) -> int:
    if type(number) is not int or not 0 <= number <= _MOST_ASSERTIONS:
        raise ValueError("no number of tests")
    return number


def _failure(told: dict[str, Any]) -> dict[str, Any]:
    texts = {name: None if told[name] is None else str(told[name])[:2000] for name in _TEXTS}
    return {**texts, "line": told["line"] if type(told["line"]) is int else None}
