"""The function under test as the tests see it: a proxy, whose calls are answered by a candidate's child."""

from __future__ import annotations

import builtins
import sys
from ast import literal_eval
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any

from .channel import Channel, Gone
from .wire import Encoder, Node, WireError, decode, dumps, refill

MOST_AHEAD = (32 if sys.platform == "linux" else 1) * 1024
"""Bytes of calls that are sent ahead: less than a socket holds, or both sides could wait for each other."""


class Broken(BaseException):
    """The child cannot answer any more. No handler of the tests may take it for an error of the function's."""


class Misfit(BaseException):
    """The tests ask for what a process apart cannot give; it says nothing of the candidate."""


class Diverged(BaseException):
    """The tests made another call than the one sent ahead: the child has seen what it should not have, and is spent."""


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

    def __init__(self, session: Session, node: Node) -> None:
        _, self._handle, kind, truth, self._callable = node
        self._session, self._kind, self._true = session, line_of_text(kind)[:80], truth

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
        """What was asked, a little further than could be sent ahead."""
        self._room = MOST_AHEAD
        self.log: list[Any] = []
        self.replay: list[Any] | None = None
        self.broken: str | None = None
        self._answered = False

    def begin(self) -> None:
        """Send the calls ahead that are known; the child has been told to load the candidate."""
        self._send(*self._ahead)

    def _ask(self, body: bytes) -> list[Any]:
        """The child's answer to a call. Raises Broken, or Diverged."""
        if self._room >= 0:
            self.calls.append(body)
            self._room -= len(body)
        if not self._ahead:
            self._send(body)
        elif body != self._ahead.popleft():
            raise Diverged
        return self.answer()

    def _send(self, *bodies: bytes) -> None:
        try:
            self._channel.send_bodies(bodies)
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
        encoder = Encoder(self._handle_of)
        refs = [encoder.add(args), encoder.add(dict(kwargs)) if kwargs else None]
        answer = self._ask(dumps(["call", handle, encoder.nodes, *refs]))
        self._answered = True
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

    def _handle_of(self, value: object) -> Node:
        if isinstance(value, Opaque):
            return ["o", value._handle]  # noqa: SLF001 - both sides of one wire
        why = f"the tests pass a {type(value).__name__}, which cannot be sent to another process"
        # It may come of an answer: what a candidate returns must not make its problem an invalid one.
        raise TypeError(why) if self._answered else Misfit(why)

    def _opaque(self, node: Node) -> Opaque:
        if len(node) != 5 or type(node[1]) is not int or type(node[2]) is not str or type(node[4]) is not bool:
            raise WireError("no object")
        return Opaque(self, node)

    def _break(self, why: str) -> Any:
        self.broken = why
        raise Broken(why)


_ENDS = StopIteration, StopAsyncIteration
_ITERATOR: type = type(iter([]))


def _error_of(answer: list[Any]) -> BaseException:
    """The exception as the tests may catch it: of the builtin type that the candidate's own is or derives from."""
    _, kind, base, message, line = answer
    raised = Raised(line_of_text(kind), line_of_text(message), line if type(line) is int else None)
    error = _builtin_error(base, raised.message)
    error.koderz_raised_ = raised  # type: ignore[attr-defined]
    return error


def _builtin_error(name: object, message: str) -> Exception:
    kind = getattr(builtins, name, None) if type(name) is str else None
    # Within map() or the like an end of iteration would end the tests' loop, and what was not asked would not fail.
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, _ENDS):
        for each in kind.__mro__:
            with suppress(TypeError):  # a few constructors want more than a message
                error: Exception = each(_key_of(message) if issubclass(each, KeyError) else message)
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
