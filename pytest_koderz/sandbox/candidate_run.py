"""One candidate's run, watched by the supervisor: against a checker, or with its tests in its own process."""

from __future__ import annotations

import select
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_koderz.core.errors import SandboxFault

from .answer_format import LARGEST_ANSWER, answer_of
from .channel import Channel, Gone, MalformedMessage
from .deadline import CapturedOutput, Stopwatch
from .fork_server import ForkedProcess, ForkServer
from .resources import ExitStatus, resource_use_of

_GRACE = 0.5
"""Seconds that the checker has for its result once the child is dead."""
_LONGEST_FAULT = 2000
_MOST_TESTS = 256
"""Sets of tests that a checker keeps compiled, more than experiments are at work at once: the 164 of HumanEval+ take
41 MB, and 23 ms each to be compiled again."""
_REST_SECONDS = 0.5
"""How long an answer may take to come whole once it has begun to."""
_LEARN_SECONDS = 60.0
"""How long a checker may take to compile a set of tests."""
_NOTHING: dict[str, Any] = {
    "outcome": "crashed",
    "passed": 0,
    "total": None,
    "failures": [{"summary": "the process ended"}],
}


class TestsFault(SandboxFault):
    """The tests themselves are at fault, or ask for what a process apart cannot give."""

    __test__ = False

    def __init__(self, why: str, unsendable: bool) -> None:
        super().__init__(why)
        self.unsendable = unsendable
        """They pass what cannot be sent, before any answer could have led them to."""


@dataclass(frozen=True, slots=True)
class CandidateRun:
    """What came of one candidate, as the supervisor saw it."""

    answer: dict[str, Any] | None
    """The checker's; None where the time was up and it had none."""
    timed_out: bool
    seconds: float
    exit_status: ExitStatus
    stdout: str
    stderr: str


class CheckerClient:
    """A checker as the supervisor speaks to it.

    It judges one candidate at a time, for one thread at a time. After a SandboxFault it is of no more use.
    """

    def __init__(self, checkers: ForkServer) -> None:
        self._checker = ForkedProcess(checkers, candidate=False)
        try:
            self._checker.await_greeting()
        except SandboxFault:
            self._checker.close()
            raise
        self._control = Channel(self._checker.sock, LARGEST_ANSWER, objects=True)
        self._known: deque[str] = deque()
        """The keys of the tests that this checker has, the oldest first."""
        self.broken = False

    def learn(self, key: str, *sources: str) -> None:
        """Give the checker a set of tests, once. Raises SandboxFault where they cannot be compiled."""
        if key not in self._known:
            if len(self._known) >= _MOST_TESTS:
                self._ask(["forget", self._known.popleft()])
            self._ask(["learn", key, *sources])
            self._known.append(key)

    def judge(self, child: ForkedProcess, key: str, load: list[str], seed: int, seconds: float) -> CandidateRun:
        """Let *child* load a candidate and answer the tests *key*, for at most so many seconds with a CPU.

        *seed*: of what these tests draw.
        """
        with suppress(Gone):  # which the checker will see too
            Channel(child.sock).send(load)
        self._send(["judge", key, seed], [child.sock.fileno()])
        watch = Stopwatch(seconds, child.pid, self._checker.pid)
        output = CapturedOutput(child)
        answered = output.until(self._checker.sock, watch)
        usage, taken = resource_use_of(child.pid), watch.seconds
        answer = self._answer() if answered else self._last_answer(child)
        exit_status = ExitStatus(usage) if usage else child.exit_status()
        return CandidateRun(answer, not answered, taken, exit_status, *output.texts())

    def _last_answer(self, child: ForkedProcess) -> dict[str, Any] | None:
        """The time was up: without its child the checker ends soon, unless it is busy with an endless answer."""
        child.kill()
        readable, _, _ = select.select([self._checker.sock], [], [], _GRACE)
        if readable:
            return self._answer()
        self.broken = True
        return None

    def _ask(self, message: list[Any]) -> None:
        self._send(message)
        self._receive(_LEARN_SECONDS)

    def _answer(self) -> dict[str, Any]:
        try:
            return answer_of(self._receive(_REST_SECONDS))
        except MalformedMessage as error:
            self._fail(f"the checker of the sandbox gives {error}")

    def _send(self, message: list[Any], descriptors: list[int] | None = None) -> None:
        try:
            self._control.send(message, descriptors or ())
        except Gone:
            self._fail()

    def _receive(self, seconds: float) -> Any:
        self._control.deadline = time.monotonic() + seconds
        try:
            told = self._control.recv()
        except (Gone, MalformedMessage):
            self._fail()
        finally:
            self._checker.sock.settimeout(None)
        if type(told) is dict and "fault" in told:
            raise TestsFault(str(told["fault"])[:_LONGEST_FAULT], bool(told.get("unsendable")))
        return told

    def _fail(self, why: str = "the checker of the sandbox ended") -> NoReturn:
        self.broken = True
        raise SandboxFault(why)

    def close(self) -> None:
        self._checker.leave_nothing()


def run_in_process(child: ForkedProcess, told: list[str | int], seconds: float) -> CandidateRun:
    """Let *child* run a candidate with its tests: preamble, candidate, tests, entry point, seed of their draws."""
    output = CapturedOutput(child)
    channel = Channel(child.sock, LARGEST_ANSWER, objects=True)
    watch = Stopwatch(seconds, child.pid)
    answer = _NOTHING
    with suppress(Gone):
        channel.send(told)
    answered = output.until(child.sock, watch)
    usage, taken = resource_use_of(child.pid), watch.seconds
    if answered:
        channel.deadline = time.monotonic() + _REST_SECONDS
        with suppress(Gone, MalformedMessage):
            answer = answer_of(channel.recv())
    exit_status = ExitStatus(usage) if usage else child.exit_status()
    return CandidateRun(answer, not answered, taken, exit_status, *output.texts())
