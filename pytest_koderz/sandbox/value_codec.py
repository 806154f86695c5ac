"""Values that cross between processes which do not trust each other: graphs of exact builtin types, as JSON.

A graph is a list of *nodes*, `[tag, ...]`, and a root. Where a value stands, there is either a JSON atom (null, a bool,
an int below 2**63, a finite float, a str without surrogates) or a *ref*, `[index]`, to a node. So shared, nested and
self-containing values keep their shape, and no depth of nesting costs recursion. Decimals, fractions, dates and times
cross as well; their modules are loaded where there is one of them, since a zygote holds as little as can be.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from itertools import islice
from types import GeneratorType
from typing import Any

from .channel import MalformedMessage

Ref = Any
"""A JSON atom or `[index]`."""
Node = list[Any]

_WIDE = 2**63
MOST_ITEMS = 100_000
"""Of an iterator, which may never end."""
DEEPEST = 100
"""Tuples within tuples: C code hashes them by recursion that nothing bounds."""
_MOST_FRAIL = 20_000
"""Deques and defaultdicts of one graph: C code frees those within each other by recursion that nothing bounds."""


class Unsendable(TypeError):
    """A value that has no form on the wire."""


class Truncated(RuntimeError):
    """The iterator had more items than the judge takes, or raised."""


class Encoder:
    """Turns values into nodes; one graph per encoder, so that what is shared between them stays shared.

    *foreign* makes a node of an object that is no plain value, or raises Unsendable; *raised* tells what an iterator
    has raised, as JSON.
    """

    def __init__(
        self,
        foreign: Callable[[object], Node],
        known: Sequence[object] = (),
        budget: int | None = None,
        raised: Callable[[BaseException], object] = repr,
    ) -> None:
        self.nodes: list[Node] = []
        self._foreign = foreign
        self._raised = raised
        self._first = len(known)
        self._index = {id(value): number for number, value in enumerate(known) if type(value) not in _USED_UP}
        self._held: list[object] = list(known)
        """Keeps every object that has an index alive, since an id may be given again."""
        self._unfilled: list[tuple[int, object]] = []
        self._budget = budget
        """Parts and characters that may still be sent. None: any number."""

    @property
    def objects(self) -> list[object]:
        """What has a number, by number."""
        return self._held

    def add(self, value: object) -> Ref:
        """The ref of *value*; its nodes and those of all it holds are in `nodes` afterwards."""
        ref = self._ref(value)
        self._fill()
        return ref

    def update(self, holder: object) -> Node:
        """The node of a mutable value as it is now, whatever it was when it got its number."""
        node = self._shallow(holder)
        self._fill()
        return node

    def _fill(self) -> None:
        while self._unfilled:
            number, holder = self._unfilled.pop()
            self.nodes[number - self._first] = self._shallow(holder)

    def _spend(self, size: int) -> None:
        if self._budget is not None:
            self._budget -= size
            if self._budget < 0:
                raise OverflowError("a value too large to be compared")

    def _shallow(self, holder: Any) -> Node:
        self._spend(len(holder))
        tag, parts = _MUTABLE[type(holder)]
        return [tag, *map(self._ref, parts(holder))]

    def _ref(self, value: Any, depth: int = 0) -> Ref:
        kind = type(value)
        if kind is bool or value is None:
            return value
        if kind in _SIZED:
            self._spend(len(value))
        if (kind is int and -_WIDE < value < _WIDE) or (kind is float and math.isfinite(value)):
            return value
        if kind is str and (value.isascii() or _without_surrogates(value)):
            return value
        number = self._index.get(id(value))
        return [self._number(value, kind, depth) if number is None else number]

    def _number(self, value: Any, kind: type, depth: int) -> int:
        if kind in _MUTABLE:
            number = self._append([], value)
            self._unfilled.append((number, value))
            return number
        return self._append(self._node(value, kind, depth), value)

    def _append(self, node: Node, value: object) -> int:
        number = self._first + len(self.nodes)
        self.nodes.append(node)
        self._index[id(value)] = number
        self._held.append(value)
        return number

    def _node(self, value: Any, kind: type, depth: int) -> Node:
        if kind in _SCALARS:
            return self._scalar(value, kind)
        if kind is tuple or kind is frozenset:
            return self._whole(value, kind, depth)
        if kind in _VIEWS:
            return [_VIEWS[kind], self._ref(list(value))]
        if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
            plain = value.item()  # what a number of numpy's own equals; itself, if there is none as precise
            return self._foreign(value) if type(plain) is kind else ["=", self._ref(plain, depth + 1)]
        for base, plain in _BASES:
            if issubclass(kind, base):
                return ["=", self._ref(plain(value), depth + 1)]
        return self._iterator(value) if hasattr(kind, "__next__") else _imported_node(value) or self._foreign(value)

    def _scalar(self, value: Any, kind: type) -> Node:
        if kind is int:
            self._spend(value.bit_length() // 4)
        return _SCALARS[kind](value)

    def _whole(self, value: Any, kind: type, depth: int) -> Node:
        if depth >= DEEPEST:
            return self._foreign(value)
        self._spend(len(value))
        return ["t" if kind is tuple else "f", *[self._ref(part, depth + 1) for part in value]]

    def _iterator(self, value: Iterator[object]) -> Node:
        items: list[object] = []
        try:
            items.extend(islice(value, MOST_ITEMS + 1))
        except Exception as error:  # noqa: BLE001 - whatever a generator raises belongs to its last item
            return ["g", self._ref(items), self._raised(error)]
        why = "more items than the judge takes" if len(items) > MOST_ITEMS else None
        return ["g", self._ref(items[:MOST_ITEMS]), why]


def _without_surrogates(text: str) -> bool:
    # JSON would join two halves of a pair that stand apart in Python.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pairs(mapping: dict[object, object]) -> Iterable[object]:
    return (part for pair in dict.items(mapping) for part in pair)


def _deque_parts(queue: deque[object]) -> Iterable[object]:
    return (queue.maxlen, *queue)


_MUTABLE: dict[type, tuple[str, Callable[[Any], Iterable[object]]]] = {
    list: ("l", iter),
    dict: ("d", _pairs),
    set: ("s", iter),
    bytearray: ("a", lambda value: (value.hex(),)),
    deque: ("q", _deque_parts),
    Counter: ("C", _pairs),
    OrderedDict: ("O", _pairs),
    defaultdict: ("D", _pairs),
}
_SCALARS: dict[type, Callable[[Any], Node]] = {
    int: lambda value: ["i", hex(value)],
    float: lambda value: ["n", repr(value)],
    str: lambda value: ["u", value.encode("utf-8", "surrogatepass").hex()],
    bytes: lambda value: ["b", value.hex()],
    complex: lambda value: ["c", repr(value.real), repr(value.imag)],
    range: lambda value: ["r", hex(value.start), hex(value.stop), hex(value.step)],
    type(Ellipsis): lambda _: ["e"],
}
_SIZED = frozenset({str, bytes})
_USED_UP = frozenset({type(iter([])), GeneratorType})
"""What an iterator arrives as: its items went with it, so whoever hands it back must send those that are left."""
_VIEWS: dict[type, str] = {type({}.keys()): "K", type({}.values()): "V", type({}.items()): "I"}
# Of an instance of a subclass the plain content is taken, by the base's own methods: what the subclass redefines
# (`__eq__` above all) has no say in a comparison.
_BASES: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
    (bytes, lambda value: bytes.__getitem__(value, slice(None))),
    (list, lambda value: list(list.__iter__(value))),
    (tuple, lambda value: tuple(tuple.__iter__(value))),
    (dict, lambda value: dict(dict.items(value))),
    (set, lambda value: set(set.__iter__(value))),
    (frozenset, lambda value: frozenset(frozenset.__iter__(value))),
    (deque, lambda value: deque(deque.__iter__(value), value.maxlen)),
)


def _imported_node(value: object) -> list[Any] | None:
    """None: it is nothing of the kind, or has a time zone, which is an object of any type.

    Of an instance of a subclass the plain content is taken, by the base's own methods.
    """
    for base in type(value).__mro__:
        name = f"{base.__module__}.{base.__name__}"
        if name in _IMPORTED:
            tag, parts, _ = _IMPORTED[name]
            return None if _field(base, "tzinfo", value) else [tag, *parts(base, value)]
    return None


def _imported_value(tag: str, *parts: Any) -> object:
    """The value of a node. Raises TypeError, ValueError or ArithmeticError where `_imported_node` made no such node."""
    module, _, name = _IMPORTED_NAMES[tag].partition(".")
    _, _, read = _IMPORTED[_IMPORTED_NAMES[tag]]
    return getattr(import_module(module), name)(*map(read, parts))


def _field(base: type, name: str, value: object) -> Any:
    """None where *base* has none of that name."""
    return getattr(base, name).__get__(value) if hasattr(base, name) else None


def _fields(*names: str) -> Callable[[type, object], Iterable[object]]:
    return lambda base, value: (_field(base, name, value) for name in names)


def _unchanged(part: object) -> object:
    return part


_DAY = "year", "month", "day"
_TIME = "hour", "minute", "second", "microsecond"
# The tag of its nodes, what makes their parts of a value, and what makes its constructor's argument of a part.
_IMPORTED: dict[str, tuple[str, Callable[[Any, object], Iterable[object]], Callable[[Any], object]]] = {
    "decimal.Decimal": ("M", lambda base, value: [base.__str__(value)], _unchanged),
    "fractions.Fraction": ("F", lambda base, value: map(hex, base.as_integer_ratio(value)), partial(int, base=16)),
    "datetime.date": ("y", _fields(*_DAY), _unchanged),
    "datetime.timedelta": ("v", _fields("days", "seconds", "microseconds"), _unchanged),
    "datetime.time": ("h", _fields(*_TIME), _unchanged),
    "datetime.datetime": ("m", _fields(*_DAY, *_TIME), _unchanged),
}
_IMPORTED_NAMES = {tag: name for name, (tag, _, _) in _IMPORTED.items()}


def decode(
    nodes: object,
    roots: Sequence[Ref],
    foreign: Callable[[Node], object],
    known: Sequence[object] = (),
    raised: Callable[[Any], BaseException] = Truncated,
) -> tuple[list[Any], list[Any]]:
    """The values of *roots*, and every object of the graph by its number, those of *known* first.

    Raises MalformedMessage for whatever an Encoder would not have made. *foreign* makes an object of an `o` node,
    *raised* the exception that an iterator ends with.
    """
    try:
        graph = _Decoder(nodes, foreign, known, raised)
        return list(map(graph.look, roots)), graph.objects
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError) as error:
        raise MalformedMessage(f"no such value: {error!r}"[:200]) from None


class _Decoder:
    def __init__(
        self,
        nodes: object,
        foreign: Callable[[Node], object],
        known: Sequence[object],
        raised: Callable[[Any], BaseException],
    ) -> None:
        if type(nodes) is not list:
            raise MalformedMessage("no list of nodes")
        self.objects: list[Any] = list(known)
        self._depths = [0] * len(self.objects)
        self._foreign = foreign
        self._raised = raised
        self._fills: list[tuple[Callable[[Any, list[Any]], object], Any, Node]] = []
        for node in nodes:
            self._depth = 0
            self.objects.append(self._build(node))
            self._depths.append(self._depth)
        if len(nodes) > _MOST_FRAIL and sum(node[0] in ("q", "D") for node in nodes) > _MOST_FRAIL:
            raise MalformedMessage("too many deques or defaultdicts")
        for fill, holder, parts in self._fills:
            fill(holder, list(map(self.look, parts)))

    def look(self, ref: Ref) -> Any:
        kind = type(ref)
        if kind in _ATOMS:
            return ref
        if kind is not list or len(ref) != 1 or type(ref[0]) is not int or ref[0] < 0:
            raise MalformedMessage("neither an atom nor a ref")
        return self.objects[ref[0]]

    def _build(self, node: Node) -> object:
        tag, *parts = node
        if tag in _SHELLS:
            shell, fill = _SHELLS[tag]
            holder = shell()
            self._fills.append((fill, holder, parts))
            return holder
        if tag in _READERS:
            return _READERS[tag](*parts)
        if tag in _VIEWED:
            view, fill = _VIEWED[tag]
            holder = {}
            self._fills.append((fill, holder, parts))
            return view(holder)
        if tag == "q":
            queue: deque[object] = deque(maxlen=parts[0])
            self._fills.append((deque.extend, queue, parts[1:]))
            return queue
        if tag == "o":
            return self._foreign(node)
        return self._build_after(tag, parts)

    def _build_after(self, tag: str, parts: list[Any]) -> object:
        """What must be whole at once may only hold what came before it."""
        if tag == "g":
            return self._replayed(*parts)
        for part in parts:
            if type(part) is list and part:
                self._depth = max(self._depth, self._depths[part[0]] + 1)
        if self._depth > DEEPEST + 1:
            raise MalformedMessage("nested too deeply")
        return _WHOLES[tag](list(map(self.look, parts)))

    def _replayed(self, ref: Ref, why: object) -> Iterator[object]:
        items = self.look(ref)
        if type(items) is not list:
            raise MalformedMessage("no iterator")
        return iter(items) if why is None else _broken(items, self._raised(why))


def refill(holder: Any, node: Node, look: Callable[[Ref], object]) -> None:
    """Give the mutable *holder* the content of *node*.

    Raises MalformedMessage, and leaves it alone, where they do not fit.
    """
    try:
        tag, *parts = node
        if tag != _MUTABLE[type(holder)][0]:
            raise MalformedMessage("another type")
        values = list(map(look, parts))
        fresh = type(holder)()
        if tag == "q":
            deque.extend(fresh, values[1:])
        else:
            _SHELLS[tag][1](fresh, values)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise MalformedMessage(f"no such content: {error!r}"[:200]) from None
    become(holder, fresh)


def become(holder: Any, other: Any) -> None:
    """Give the mutable *holder* the content of *other*, which is of its type."""
    holder.clear()
    (_set_all if isinstance(holder, dict) else _REFILLS[type(holder)])(holder, other)


_REFILLS: dict[type, Callable[[Any, Any], object]] = {
    list: list.extend,
    set: set.update,
    bytearray: bytearray.extend,
    deque: deque.extend,
}


def _broken(items: list[object], error: BaseException) -> Iterator[object]:
    yield from items
    raise error


def _fill_pairs(holder: Any, parts: list[Any]) -> None:
    if len(parts) % 2:
        raise MalformedMessage("a key without a value")
    _set_all(holder, zip(parts[::2], parts[1::2], strict=True))


def _set_all(holder: Any, pairs: Any) -> None:
    # A Counter's own method would add; an OrderedDict's own must be used, since it keeps the order elsewhere.
    (OrderedDict.update if type(holder) is OrderedDict else dict.update)(holder, pairs)


def _single(values: list[Any]) -> Any:
    (value,) = values
    return value


def _wide(text: str) -> int:
    if type(text) is not str:
        raise MalformedMessage("no number")
    return int(text, 16)


def _real(text: str) -> float:
    if type(text) is not str:
        raise MalformedMessage("no number")
    number = float(text)
    # One NaN for all, as a program that uses math.nan has it: a list that holds it equals its copy.
    return math.nan if math.isnan(number) else number


_ATOMS = frozenset({str, int, float, bool, type(None)})
_SHELLS: dict[str, tuple[Callable[[], Any], Callable[[Any, list[Any]], object]]] = {
    "l": (list, list.extend),
    "d": (dict, _fill_pairs),
    "s": (set, set.update),
    "a": (bytearray, lambda holder, parts: holder.extend(bytes.fromhex(_single(parts)))),
    "C": (Counter, _fill_pairs),
    "O": (OrderedDict, _fill_pairs),
    "D": (defaultdict, _fill_pairs),
}
_VIEWED: dict[str, tuple[Callable[[dict[Any, Any]], object], Callable[[Any, list[Any]], object]]] = {
    "K": (dict.keys, lambda holder, parts: holder.update(dict.fromkeys(_single(parts)))),
    "V": (dict.values, lambda holder, parts: holder.update(enumerate(_single(parts)))),
    "I": (dict.items, lambda holder, parts: holder.update(_single(parts))),
}
_READERS: dict[str, Callable[..., object]] = {
    "i": _wide,
    "n": _real,
    "u": lambda text: bytes.fromhex(text).decode("utf-8", "surrogatepass"),
    "b": bytes.fromhex,
    "c": lambda real, imag: complex(_real(real), _real(imag)),
    "r": lambda start, stop, step: range(_wide(start), _wide(stop), _wide(step)),
    "e": lambda: Ellipsis,
    **{tag: partial(_imported_value, tag) for tag in _IMPORTED_NAMES},
}
_WHOLES: dict[str, Callable[[list[Any]], object]] = {
    "t": tuple,
    "f": frozenset,
    "=": _single,
}


def is_mutable(value: object) -> bool:
    """True for what a function can change in place, so that it must travel back."""
    return type(value) in _MUTABLE
