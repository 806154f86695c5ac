"""The process that runs a dataset's own tests, against a proxy whose answers come from a candidate's child."""

from __future__ import annotations

import builtins
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from types import CodeType, TracebackType
from typing import Any

from .channel import Channel, Gone
from .explain import TALLY, assertion_text, compile_counting, explanation_of
from .greeting import greet
from .wire import Encoder, Node, WireError, decode, dumps, refill

TESTS = "<tests>"
MOST_FAILURES = 5
LONGEST = 2000
"""Characters of one text about a failure."""
_LONGEST_LOG = 256
"""Answers that are kept to explain failing assertions."""
_MOST_AHEAD = 64 * 1024
"""Bytes of calls that are sent ahead: less than a socket holds, or both sides could wait for each other."""


class Broken(BaseException):
    """The child cannot answer any more. No handler of the tests may take it for an error of the function's."""


class Misfit(BaseException):
    """The tests ask for what a process apart cannot give; it says nothing of the candidate."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What the candidate raised, as the child tells it."""

    kind: str
    message: str
    line: int | None

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


class Diverged(BaseException):
    """The tests made another call than the one sent ahead: the child has seen what it should not have, and is spent."""


class Script:
    """The calls that a set of tests makes, noted run by run. Once they stay the same they are sent ahead."""

    def __init__(self) -> None:
        self._calls: list[bytes] | None = None
        self._steady = False
        self._erratic = False

    @property
    def ahead(self) -> list[bytes]:
        """What may be sent before it is asked for."""
        return self._calls if self._calls and self._steady and not self._erratic else []

    def note(self, calls: list[bytes]) -> None:
        """Learn from the calls of one run, which may have ended early."""
        if self._calls is None:
            self._calls = calls if sum(map(len, calls)) < _MOST_AHEAD else []
        elif calls == self._calls:
            self._steady = True
        elif calls != self._calls[: len(calls)]:
            self._erratic = True


@dataclass(frozen=True, slots=True)
class Tests:
    """One set of a problem's tests, compiled."""

    preamble: CodeType
    code: CodeType
    asserts: list[Any]
    entry_point: str
    script: Script


class Opaque:
    """An object that stayed with the candidate. It equals nothing, and nothing is known of it but its type's name."""

    def __init__(self, session: Session, node: Node) -> None:
        _, self._handle, kind, truth, self._callable = node
        self._session, self._kind, self._true = session, str(kind), truth

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        if type(self._true) is not bool:
            raise TypeError(f"{self!r} is neither true nor false")
        return self._true

    def __call__(self, *args: object, **kwargs: object) -> Any:
        if not self._callable:
            raise TypeError(f"{self!r} is not callable")
        return self._session.call(self._handle, args, kwargs)

    def __repr__(self) -> str:
        return f"<{self._kind} object>"


class Entry(Opaque):
    """The proxy of the function under test."""

    def __init__(self, session: Session, name: str) -> None:
        super().__init__(session, ["o", 0, name, True, True])
        self.__name__ = self.__qualname__ = name

    def __repr__(self) -> str:
        return self._kind


class Session:
    """The calls of one candidate. Answers are logged: a failing assertion is explained without calling again."""

    def __init__(self, channel: Channel, ahead: Sequence[bytes]) -> None:
        self._channel = channel
        self._ahead = deque(ahead)
        self.calls: list[bytes] = []
        """As far as they could be sent ahead the next time."""
        self._room = _MOST_AHEAD
        self.log: list[Any] = []
        self.replay: list[Any] | None = None
        self.broken: str | None = None

    def begin(self, load: list[Any]) -> None:
        """Have the child load the candidate, and send the calls ahead that are known."""
        self._send(dumps(load))
        for body in self._ahead:
            self._send(body)

    def _ask(self, body: bytes) -> list[Any]:
        """The child's answer to a call. Raises Broken, or Diverged."""
        if self._room > 0:
            self.calls.append(body)
            self._room -= len(body)
        if not self._ahead:
            self._send(body)
        elif body != self._ahead.popleft():
            raise Diverged
        return self.answer()

    def _send(self, body: bytes) -> None:
        try:
            self._channel.send_body(body)
        except Gone:
            self._break("the process ended")

    def answer(self) -> list[Any]:
        try:
            answer = self._channel.recv()
        except Gone:
            self._break("the process ended")
        except WireError as error:
            self._break(str(error))
        if type(answer) is not list or not answer:
            self._break("no answer")
        if answer[0] == "raised" and len(answer) == 5:
            raise _error_of(answer)
        return list(answer)

    def call(self, handle: int, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Any:
        if self.replay is not None:
            return self.replay.pop(0)
        encoder = Encoder(_handle_of)
        refs = [encoder.add(args), encoder.add(dict(kwargs)) if kwargs else None]
        answer = self._ask(dumps(["call", handle, encoder.nodes, *refs]))
        value = self._value(answer, encoder.objects)
        # An iterator is used up by the assertion, so a copy is kept.
        self.log.append(copy(value) if type(value) is _ITERATOR else value)
        return value

    def _value(self, answer: list[Any], known: list[object]) -> Any:
        try:
            _, nodes, root, changes = answer
            (value,), objects = decode(nodes, [root], self._opaque, known)
            for number, node in changes:
                refill(known[number], node, lambda ref: ref if type(ref) is not list else objects[ref[0]])
        except (WireError, ValueError, TypeError, IndexError, KeyError) as error:
            self._break(str(error))
        return value

    def _opaque(self, node: Node) -> Opaque:
        if len(node) != 5 or type(node[1]) is not int or type(node[2]) is not str or type(node[4]) is not bool:
            raise WireError("no object")
        return Opaque(self, node)

    def _break(self, why: str) -> Any:
        self.broken = why
        raise Broken(why)


_ITERATOR: type = type(iter([]))


def _handle_of(value: object) -> Node:
    if isinstance(value, Opaque):
        return ["o", value._handle]  # noqa: SLF001 - both sides of one wire
    raise Misfit(f"the tests pass a {type(value).__name__}, which cannot be sent to another process")


def _error_of(answer: list[Any]) -> BaseException:
    """The exception as the tests may catch it: of the builtin type that the candidate's own is or derives from."""
    _, kind, base, message, line = answer
    raised = Raised(_line_of_text(kind), _line_of_text(message), line if type(line) is int else None)
    error = _builtin_error(base, raised.message)
    error.koderz_raised_ = raised  # type: ignore[attr-defined]
    return error


def _builtin_error(name: object, message: str) -> Exception:
    kind = getattr(builtins, name, None) if type(name) is str else None
    if isinstance(kind, type) and issubclass(kind, Exception):
        with suppress(TypeError):  # a few constructors want more than a message
            return kind(message)
    return RuntimeError(message)


def _line_of_text(text: object) -> str:
    """One line without control characters, which could speak to a terminal."""
    return "".join(each if each.isprintable() else " " for each in str(text)[:500]).strip()


class Tally:
    """Counts the assertions of one run, and keeps the first failures."""

    def __init__(self, session: Session, asserts: list[Any], scope: dict[str, Any]) -> None:
        self.count = 0
        self.missed = 0
        self.failures: list[dict[str, Any]] = []
        self.crashed = False
        """The first failure was an exception of the candidate's."""
        self._session = session
        self._asserts = asserts
        self._scope = scope

    def claim(self, number: int, raising: bool) -> Claim:
        """The assertion of that number begins; its answers will stand in the log from here on."""
        log = self._session.log
        if len(log) > _LONGEST_LOG:
            log.clear()
        return Claim(self, number, raising, len(log))

    def failed(self, claim: Claim, error: Exception, trace: TracebackType) -> None:
        """An assertion did not hold, or raised: explain it, and count it unless the tests are to handle it."""
        if len(self.failures) < MOST_FAILURES and not hasattr(error, "koderz_failure_"):
            own = type(error) is AssertionError and trace.tb_next is None
            failure = self._explained(claim, trace.tb_frame.f_locals) if own else self._described(claim, error)
            error.koderz_failure_ = failure  # type: ignore[attr-defined]
        if not claim.raising:
            self.keep(error)

    def keep(self, error: BaseException) -> None:
        self.missed += 1
        raised = getattr(error, "koderz_raised_", None)
        if not self.failures:
            self.crashed = raised is not None
        if len(self.failures) < MOST_FAILURES:
            self.failures.append(getattr(error, "koderz_failure_", None) or _failure_of(error, None))

    def _explained(self, claim: Claim, local: Mapping[str, Any]) -> dict[str, Any]:
        node = self._asserts[claim.number]
        assertion = assertion_text(node)
        self._session.replay = self._session.log[claim.mark :]
        try:
            explanation = explanation_of(node, self._scope, local)
        finally:
            self._session.replay = None
        summary = (explanation or assertion).splitlines()[0]
        return _failure(f"AssertionError: {summary}"[:500], assertion, explanation)

    def _described(self, claim: Claim, error: Exception) -> dict[str, Any]:
        return _failure_of(error, assertion_text(self._asserts[claim.number]))


class Claim:
    """That one assertion holds."""

    __slots__ = ("_tally", "mark", "number", "raising")

    def __init__(self, tally: Tally, number: int, raising: bool, mark: int) -> None:
        self._tally, self.number, self.raising, self.mark = tally, number, raising, mark

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or trace is None:
            self._tally.count += 1
            return False
        if not isinstance(error, Exception):
            return False
        self._tally.failed(self, error, trace)
        return not self.raising


def _failure_of(error: BaseException, assertion: str | None) -> dict[str, Any]:
    raised: Raised | None = getattr(error, "koderz_raised_", None)
    if raised is None:  # the tests' own code could not work with the answer
        return _failure(f"{type(error).__name__}: {_line_of_text(error)}", assertion, None)
    where = "" if raised.line is None else f" (line {raised.line})"
    return _failure(f"{raised}{where}", assertion, None, str(raised), raised.line)


def _failure(
    summary: str, assertion: str | None, explanation: str | None, exception: str | None = None, line: int | None = None
) -> dict[str, Any]:
    return {
        "summary": summary,
        "assertion": assertion and assertion[:LONGEST],
        "explanation": explanation and explanation[:LONGEST],
        "exception": exception,
        "line": line,
    }


class Checker:
    """Judges one candidate after another; the supervisor sends each set of tests once."""

    def __init__(self) -> None:
        self._compiled: dict[str, Tests] = {}

    def learn(self, key: str, preamble: str, source: str, entry_point: str) -> None:
        code, asserts = compile_counting(source, TESTS)
        trusted = compile(preamble, "<problem>", "exec", dont_inherit=True)
        self._compiled[key] = Tests(trusted, code, asserts, entry_point, Script())

    def forget(self, key: str) -> None:
        self._compiled.pop(key, None)

    def judge(self, key: str, preamble: str, source: str, channel: Channel) -> dict[str, Any]:
        """What became of the candidate *source*, whose child listens at the other end of *channel*."""
        tests = self._compiled[key]
        session = Session(channel, tests.script.ahead)
        proxy = Entry(session, tests.entry_point)
        scope: dict[str, Any] = {"__name__": "tests"}
        tally = scope[TALLY] = Tally(session, tests.asserts, scope)
        try:
            session.begin(["load", preamble, source, tests.entry_point])
            exec(tests.preamble, scope)  # noqa: S102 - the dataset's own code
            scope[tests.entry_point] = proxy
            exec(tests.code, scope)  # noqa: S102 - the dataset's own code
        except Broken as error:
            return _ended(tally, str(error))
        result = _run(scope["check"], proxy, session, tally)
        tests.script.note(session.calls)
        return result


def _run(check: Any, proxy: Entry, session: Session, tally: Tally) -> dict[str, Any]:
    try:
        session.answer()
        check(proxy)
    except Broken as error:
        return _ended(tally, str(error))
    except Diverged:
        return {"again": True}
    except Misfit as error:
        return {"fault": str(error)}
    except BaseException as error:  # noqa: BLE001 - whatever ends the tests ends the candidate's run
        tally.keep(error)
        return _result(tally, ended=True)
    # A handler of the tests may have swallowed what tells of the child's end.
    return _ended(tally, session.broken) if session.broken else _result(tally, ended=False)


def _ended(tally: Tally, why: str) -> dict[str, Any]:
    if not tally.failures:
        tally.crashed = True
    tally.failures.append(_failure(why, None, None))
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
    greet(sock)
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
    key, preamble, source = rest
    channel = Channel(socket.socket(fileno=control.descriptors.pop()))
    try:
        return checker.judge(key, preamble, source, channel)
    finally:
        channel.close()
