"""The process that holds a candidate: it loads the module, answers calls, and has nothing else to say."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import ModuleType, TracebackType
from typing import Any

from .channel import LARGEST, Channel, Gone, dumps
from .value_codec import Encoder, Node, decode, is_mutable

FILENAME = "<candidate>"
ENTRY, ITER = 0, 1
"""The handles of the entry point and of what gives an object's items."""


def serve(channel: Channel) -> None:
    """Answer until the other side closes."""
    server = CallServer()
    try:
        while True:
            channel.send_body(server.answer(channel.recv()))
    except Gone:
        return


class CallServer:
    """Answers calls.

    Objects that cannot cross stay here; the other side holds their handles, which are indexes into `_objects`.
    """

    def __init__(self) -> None:
        self._objects: list[Any] = [None, iter]
        self._handles: dict[int, int] = {}

    def answer(self, message: list[Any]) -> bytes:
        try:
            body = dumps(self._result_of(message))
            _check_size(body)
        except BaseException as error:  # noqa: BLE001 - sys.exit() and KeyboardInterrupt are the candidate's doing as well
            body = dumps(_raised(error))
        _flush()
        return body

    def _result_of(self, message: list[Any]) -> list[Any]:
        verb, *rest = message
        return self._load(*rest) if verb == "load" else self._call(*rest)

    def _load(self, preamble: str, source: str, entry_point: str) -> list[Any]:
        module = load(preamble, source)
        self._objects[ENTRY] = vars(module)[entry_point] if entry_point in vars(module) else _missing(entry_point)
        return ["loaded"]

    def _call(self, handle: int, nodes: list[Node], args: Any, kwargs: Any) -> list[Any]:
        (positional, named), objects = decode(nodes, (args, kwargs), self._kept)
        result = self._objects[handle](*positional, **(named or {}))
        encoder = Encoder(self._keep, objects, LARGEST, _raised)
        ref = encoder.add(result)
        return ["returned", encoder.nodes, ref, _changes(encoder, nodes, objects)]

    def _kept(self, node: Node) -> object:
        return self._objects[node[1]]

    def _keep(self, value: object) -> Node:
        handle = self._handles.get(id(value))
        if handle is None:
            handle = self._handles[id(value)] = len(self._objects)
            self._objects.append(value)
        kind = type(value)
        return ["o", handle, kind.__name__[:80], _truth(value), callable(value), hasattr(kind, "__iter__")]


def load(preamble: str, source: str) -> ModuleType:
    """The candidate as a module, with the problem's own imports and functions in its namespace."""
    module = ModuleType("candidate")
    module.__file__ = FILENAME
    sys.modules["candidate"] = module  # dataclasses and pickle look a class's module up there
    linecache.cache[FILENAME] = (len(source), None, source.splitlines(keepends=True), FILENAME)
    for filename, text in (("<problem>", preamble), (FILENAME, source)):
        exec(compile(text, filename, "exec", dont_inherit=True), vars(module))  # noqa: S102 - what it is for
    return module


def _check_size(body: bytes) -> None:
    if len(body) > LARGEST:
        raise OverflowError("a value too large to be compared")


def _missing(name: str) -> Callable[..., object]:
    raise NameError(f"name {name!r} is not defined")


def _changes(encoder: Encoder, nodes: list[Node], objects: Sequence[object]) -> list[list[Any]]:
    """What became of the mutable arguments: number and new node of those whose content is another now."""
    changes = []
    for number, (before, value) in enumerate(zip(nodes, objects, strict=True)):
        if is_mutable(value):
            after = encoder.update(value)
            # Equal is not enough: 1, 1.0 and True are equal, as are 0.0 and -0.0.
            if after != before or repr(after) != repr(before):
                changes.append([number, after])
    return changes


def _truth(value: object) -> bool | None:
    try:
        return bool(value)
    except Exception:  # noqa: BLE001 - it is the candidate's own method
        return None


def _raised(error: BaseException) -> list[Any]:
    kind = type(error)
    base = next((each.__name__ for each in kind.__mro__ if each.__module__ == "builtins"), "BaseException")
    return ["raised", kind.__name__[:80], base, _message(error), line_of(error)]


def _message(error: BaseException) -> str:
    try:
        text = str(error.msg) if isinstance(error, SyntaxError) else str(error)
        return text[:500].encode("utf-8", "backslashreplace").decode()
    except BaseException:  # noqa: BLE001 - it is the candidate's own method
        return ""


def line_of(error: BaseException) -> int | None:
    """The innermost line of the candidate's own source that *error* came through; None where it touched none."""
    if isinstance(error, SyntaxError) and error.filename == FILENAME:
        return error.lineno
    line, step = None, error.__traceback__
    while step is not None:
        line, step = _line_at(step, line), step.tb_next
    return line


def _line_at(step: TracebackType, otherwise: int | None) -> int | None:
    return step.tb_lineno if step.tb_frame.f_code.co_filename == FILENAME else otherwise


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):  # closed or replaced by the candidate, whose right it is
            stream.flush()
