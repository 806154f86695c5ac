"""The process that runs a dataset's own tests, against a proxy whose answers come from a candidate's child."""

from __future__ import annotations

import pickle
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any

from .assertions import MOST_FAILURES, TALLY, Tally, compile_counting, failure
from .channel import Channel, Gone
from .child import given_to
from .draws import seed_draws
from .proxy import CandidateProxy, ChildBroken, EntryPoint, TestsUnfit

TESTS = "<tests>"
_REFERENCE = "expected"
"""The function of a set of tests, if it has one, that gives right answers: the same ones for each candidate."""
_SLOW_SECONDS = 0.001
_MOST_BYTES = 8 << 20
"""Of the answers that are kept for one set of tests."""


class ReferenceAnswers:
    """Answers by their arguments. They are kept as bytes: what is made of one by a test or a candidate's answer stays
    with the copy that it was given.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}
        self._left = _MOST_BYTES

    def of(self, reference: Callable[..., object]) -> Callable[..., Any]:
        """*reference*, as a function that remembers."""

        def expected(*given: object) -> Any:
            question = _pickled(given)
            if question in self._kept:
                return pickle.loads(self._kept[question])  # noqa: S301 - of our own making
            start = time.monotonic()
            answer = reference(*given)
            if question and time.monotonic() - start > _SLOW_SECONDS:
                self._keep(question, _pickled(answer))
            return answer

        return expected

    def _keep(self, question: bytes, answer: bytes) -> None:
        self._left -= len(question) + len(answer)
        if answer and self._left >= 0:
            self._kept[question] = answer


def _pickled(value: object) -> bytes:
    """Empty where there is no such form."""
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError):
        return b""


@dataclass(frozen=True, slots=True)
class CompiledTests:
    """One set of a problem's tests, compiled."""

    preamble: CodeType
    code: CodeType
    asserts: list[Any]
    source: str
    entry_point: str
    answers: ReferenceAnswers


class Checker:
    """Judges one candidate after another; the supervisor sends each set of tests once."""

    def __init__(self) -> None:
        self._compiled: dict[str, CompiledTests] = {}

    def learn(self, key: str, preamble: str, source: str, entry_point: str) -> None:
        """Compile a set of tests."""
        code, asserts = compile_counting(source, TESTS, entry_point)
        trusted = compile(preamble, "<problem>", "exec", dont_inherit=True)
        self._compiled[key] = CompiledTests(trusted, code, asserts, source, entry_point, ReferenceAnswers())

    def forget(self, key: str) -> None:
        self._compiled.pop(key, None)

    def judge(self, key: str, channel: Channel, seed: int = 0) -> dict[str, Any]:
        """What became of the candidate that a child at the other end of *channel* has been told to load."""
        return _judged(self._compiled[key], CandidateProxy(channel), seed)


def _judged(tests: CompiledTests, proxy: CandidateProxy, seed: int) -> dict[str, Any]:
    """All calls are made before any answer is looked at, so that none tells the candidate of its verdict."""
    try:
        proxy.answer()  # to "load", which the supervisor has sent
    except BaseException as error:  # noqa: BLE001 - whatever the candidate raises
        return _over(proxy.over or error, Tally(proxy, tests.asserts, {}))
    _gone_through(tests, proxy, seed)
    proxy.compare()
    return _gone_through(tests, proxy, seed)


def _gone_through(tests: CompiledTests, proxy: CandidateProxy, seed: int) -> dict[str, Any]:
    entry = EntryPoint(proxy, tests.entry_point)
    scope: dict[str, Any] = {"__name__": "tests"}
    tally = scope[TALLY] = Tally(proxy, tests.asserts, scope)
    seed_draws(seed, tests.source)
    try:
        fault = _loaded(tests, scope, entry, proxy)
        return {"fault": fault} if fault else _run(scope["check"], entry, proxy, tally)
    except BaseException as error:  # noqa: BLE001 - whatever ends the tests ends the candidate's run
        return _over(proxy.over or error, tally)
    finally:
        proxy.undo()
        scope.clear()  # functions hold their globals, and these may hold answers: too much to wait for the collector


def _loaded(tests: CompiledTests, scope: dict[str, Any], entry: EntryPoint, proxy: CandidateProxy) -> str | None:
    """Define the tests in *scope*; what is wrong with them, if anything is.

    They may call the function already: what goes wrong from then on is the candidate's doing.
    """
    try:
        exec(tests.preamble, scope)  # noqa: S102 - the dataset's own code
        scope[tests.entry_point] = entry
        exec(tests.code, scope)  # noqa: S102 - the dataset's own code
    except Exception as error:
        if proxy.asked:
            raise
        return f"the tests cannot be loaded: {type(error).__name__}: {error}"
    if callable(scope.get(_REFERENCE)):
        scope[_REFERENCE] = tests.answers.of(scope[_REFERENCE])
    return None if "check" in scope else "the tests define no check(candidate)"


def _run(check: Any, entry: EntryPoint, proxy: CandidateProxy, tally: Tally) -> dict[str, Any]:
    if not tally.checked:
        check(*given_to(check, entry))
    return _over(proxy.over, tally) if proxy.over else _result(tally, ended=False)


def _over(why: BaseException, tally: Tally) -> dict[str, Any]:
    match why:
        case TestsUnfit():
            return {"fault": str(why), "unsendable": True}
        case ChildBroken():
            return _ended(tally, str(why))
        case _:
            tally.keep(why)
            return _result(tally, ended=True)


def _ended(tally: Tally, why: str) -> dict[str, Any]:
    if not tally.failures:
        tally.crashed = True
    del tally.failures[MOST_FAILURES - 1 :]
    tally.failures.append(failure(why, None, None))
    tally.missed += 1
    return _result(tally, ended=True)


def _result(tally: Tally, *, ended: bool) -> dict[str, Any]:
    good = not ended and tally.count > 0 and not tally.missed
    outcome = "passed" if good else "crashed" if tally.crashed else "wrong"
    return {
        "outcome": outcome,
        "passed": tally.count,
        "total": None if ended else tally.count + tally.missed,
        "failures": tally.failures,
    }


def serve(sock: socket.socket) -> None:
    """Answer the supervisor until it is gone. A judgement's message comes with the channel of the candidate's child."""
    control = Channel(sock, None, with_descriptors=True)
    checker = Checker()
    while True:
        try:
            verb, *rest = control.recv()
        except Gone:
            return
        control.send(_answer(checker, verb, rest, control))


def _answer(checker: Checker, verb: str, rest: list[Any], control: Channel) -> Any:
    if verb == "learn":
        try:
            checker.learn(*rest)
        except Exception as error:  # noqa: BLE001 - the tests themselves cannot be compiled
            return {"fault": f"the tests cannot be compiled: {error}"}
        return {}
    if verb == "forget":
        checker.forget(*rest)
        return {}
    key, seed = rest
    channel = Channel(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, control.descriptors.pop()))
    try:
        return checker.judge(key, channel, seed)
    finally:
        channel.close()
