"""The function under test as the tests see it: a proxy, whose calls are answered by a candidate's child."""

from __future__ import annotations

import builtins
from ast import literal_eval
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from threading import RLock
from typing import Any, NoReturn

from .channel import Channel, Gone, MalformedMessage, dumps, loads
from .child import ENTRY, ITER
from .value_codec import Encoder, Node, Truncated, become, decode, is_mutable, refill


class RunOver(BaseException):
    """The run has come to its end. No handler of the tests may take it for an error of the function's."""


class ChildBroken(RunOver):
    """The child cannot answer any more."""


class AskedEnough(RunOver):
    """More answers are not kept: the tests compare what there is, and ask for the rest as they go on."""


class TestsUnfit(RunOver):
    """The tests ask for what a process apart cannot give; it says nothing of the candidate."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What the candidate raised, as the child tells it."""

    kind: str
    message: str
    line: int | None

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


class Opaque:
    """An object that stayed with the candidate. It equals nothing, and nothing is known of it but its type's name."""

    def __init__(self, proxy: CandidateProxy, handle: int, truth: object) -> None:
        self._proxy, self._handle, self._true = proxy, handle, truth

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        if type(self._true) is not bool:
            raise TypeError(f"{self!r} is neither true nor false")
        return self._true

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object>"


class OpaqueFunction(Opaque):
    """One that can be called."""

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self._proxy.call(self._handle, args, kwargs)


class OpaqueItems(Opaque):
    """One that holds others, which are asked for when they are needed."""

    def __iter__(self) -> Iterator[object]:
        items: Iterator[object] = self._proxy.call(ITER, (self,), {})
        return items


class EntryPoint(OpaqueFunction):
    """The proxy of the function under test."""

    def __init__(self, proxy: CandidateProxy, name: str) -> None:
        super().__init__(proxy, ENTRY, truth=True)
        self.__name__ = self.__qualname__ = name

    def __repr__(self) -> str:
        return self.__name__


class KeptAnswers:
    """Answers as they came, by what was asked; whoever asks again in the same order gets them again."""

    def __init__(self) -> None:
        self._kept: dict[bytes, deque[bytes]] = {}
        self._left = _MOST_KEPT

    def keep(self, question: bytes, answer: bytes) -> bool:
        """False: no more than this one."""
        self._kept.setdefault(question, deque()).append(answer)
        self._left -= len(question) + len(answer)
        return self._left > 0

    def take(self, question: bytes) -> bytes | None:
        """None: nobody has asked that, or not so often."""
        answers = self._kept.get(question)
        return answers.popleft() if answers else None


class CandidateProxy:
    """The calls of one candidate. Answers are logged: a failing assertion is explained without calling again.

    A call is sent once the one before it is answered: whatever else the child held, a candidate could read ahead. The
    tests run twice. At first they ask, and each answer is kept. Then they compare, and what they ask is answered from
    there; only what they have not asked before, since an answer leads them elsewhere, is asked of the child.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.asking = True
        self._answers = KeptAnswers()
        self._fault: str | None = None
        """Why the child is asked nothing more."""
        self.log: list[Any] | None = None
        """Answers since the assertion at hand began, the first ones; None: there is none at hand."""
        self.replay: list[Any] | None = None
        self.over: RunOver | None = None
        """What ended the run: a handler of the tests may have swallowed it."""
        self.asked = False
        """Whether the function has been called."""
        self._turn = RLock()
        """Of the tests' threads: an answer belongs to the call before it. Items of an argument may call as well."""
        self._before: dict[int, tuple[Any, Any]] = {}
        """What the function has changed, by id, and a copy of what that was before."""
        self._types: dict[tuple[str, bool, bool], type[Opaque]] = {}

    def compare(self) -> None:
        """The tests begin anew, to compare."""
        self.asking = self.asked = False
        self.over = None

    def answer(self) -> list[Any]:
        """The child's, to what the supervisor sent it. Raises ChildBroken, or what the candidate raised."""
        return self._read(self._received())

    def _ask(self, question: bytes) -> list[Any]:
        """The child's answer. Raises ChildBroken, or what the candidate raised."""
        answer = None if self.asking else self._answers.take(question)
        return self._read(self._exchanged(question) if answer is None else answer)

    def _exchanged(self, question: bytes) -> bytes:
        if self._fault is not None:
            self._break(self._fault)
        try:
            self._channel.send_body(question)
        except Gone:
            self._break("the process ended")
        answer = self._received()
        if self.asking and not self._answers.keep(question, answer):
            self._end(AskedEnough)
        return answer

    def _received(self) -> bytes:
        try:
            return self._channel.recv_body()
        except Gone:
            self._break("the process ended")
        except MalformedMessage as error:
            self._break(str(error))

    def _read(self, body: bytes) -> list[Any]:
        try:
            answer = loads(body)
        except MalformedMessage as error:
            self._break(str(error))
        if type(answer) is not list or not answer:
            self._break("no answer")
        if answer[0] == "raised" and len(answer) == 5:
            raise _error_of(answer)
        return list(answer)

    def call(self, handle: int, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Any:
        if self.replay is not None:
            return self.replay.pop(0)
        with self._turn:
            encoder = Encoder(self._handle_of)
            refs = [encoder.add(args), encoder.add(dict(kwargs)) if kwargs else None]
            self.asked = True
            answer = self._ask(dumps(["call", handle, encoder.nodes, *refs]))
            value = self._value(answer, encoder.objects)
        if self.log is not None and len(self.log) < _LONGEST_LOG:
            # An iterator is used up by the assertion, so a copy is kept.
            self.log.append(copy(value) if type(value) is _ITERATOR else value)
        return value

    def _value(self, answer: list[Any], known: list[object]) -> Any:
        try:
            _, nodes, root, changes = answer
            (value,), objects = decode(nodes, [root], self._opaque, known, _iterators_error)
            for number, node in changes:
                holder = known[number]
                if is_mutable(holder) and id(holder) not in self._before:
                    self._before[id(holder)] = holder, copy(holder)
                refill(holder, node, lambda ref: ref if type(ref) is not list else objects[ref[0]])
        except (MalformedMessage, ValueError, TypeError, IndexError, KeyError) as error:
            self._break(str(error))
        return value

    def undo(self) -> None:
        """Give what the function has changed its content back: it may belong to a module, which outlives the tests."""
        for holder, before in self._before.values():
            become(holder, before)
        self._before.clear()

    def _handle_of(self, value: object) -> Node:
        if isinstance(value, Opaque):
            return ["o", value._handle]  # noqa: SLF001 - both sides of one wire
        why = f"the tests pass a {type(value).__name__}, which cannot be sent to another process"
        # It may come of an answer: what a candidate returns must not make its problem an invalid one.
        if not self.asked:
            self._end(TestsUnfit, why)
        raise TypeError(why)

    def _opaque(self, node: Node) -> Opaque:
        _, handle, kind, truth, called, iterated = node
        if [type(each) for each in (handle, kind, called, iterated)] != [int, str, bool, bool]:
            raise MalformedMessage("no object")
        return self._type_of(kind, called, iterated)(self, handle, truth)

    def _type_of(self, kind: str, called: bool, iterated: bool) -> type[Opaque]:
        """A type that bears the name of the candidate's own: errors and explanations will show it."""
        key = kind, called, iterated
        if key not in self._types:
            bases = (OpaqueFunction,) * called + (OpaqueItems,) * iterated or (Opaque,)
            self._types[key] = type(line_of_text(kind)[:80], bases, {})
        return self._types[key]

    def _break(self, why: str) -> NoReturn:
        self._fault = why
        self._end(ChildBroken, why)

    def _end(self, kind: type[RunOver], *why: str) -> NoReturn:
        self.over = kind(*why)  # never raised itself: its traceback would hold on to all the answers
        raise kind(*why)


_ENDS = StopIteration, StopAsyncIteration
_ITERATOR: type = type(iter([]))
_MOST_KEPT = 32 << 20
"""Bytes of questions and answers that are kept for the comparison."""
_LONGEST_LOG = 256
"""Answers that are kept to explain a failing assertion."""
_LAST_LINE = 10**6
"""Of a candidate's source, as far as one is believed."""


def _error_of(answer: list[Any]) -> BaseException:
    """The exception as the tests may catch it: of the builtin type that the candidate's own is or derives from."""
    _, kind, base, message, line = answer
    known = type(line) is int and 0 < line <= _LAST_LINE
    raised = Raised(line_of_text(kind), line_of_text(message), line if known else None)
    error = _builtin_error(base, raised.message)
    error.koderz_raised_ = raised  # type: ignore[attr-defined]
    return error


def _iterators_error(why: object) -> BaseException:
    """What an iterator ends with: the candidate's exception, or that there were more items than are taken."""
    return _error_of(why) if type(why) is list else Truncated(line_of_text(why))


def _builtin_error(name: object, message: str) -> BaseException:
    kind = getattr(builtins, name, None) if type(name) is str else None
    # Within map() or the like an end of iteration would end the tests' loop, and what was not asked would not fail.
    if isinstance(kind, type) and issubclass(kind, BaseException) and not issubclass(kind, _ENDS):
        for each in kind.__mro__:
            with suppress(TypeError):  # a few constructors want more than a message
                error: BaseException = each(_key_of(message) if issubclass(each, KeyError) else message)
                return error
    return RuntimeError(message)


def _key_of(message: str) -> object:
    """The key itself, of which a KeyError shows the literal."""
    try:
        return literal_eval(message)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return message


def line_of_text(text: object) -> str:
    """One line without control characters, which could speak to a terminal."""
    return "".join(each if each.isprintable() else " " for each in str(text)[:500]).strip()
