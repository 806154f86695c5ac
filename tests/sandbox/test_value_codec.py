"""Values that cross between processes."""

from __future__ import annotations

import json
import math
import socket
import string
import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.sandbox.channel import Channel, Gone, MalformedMessage, dumps, loads
from pytest_koderz.sandbox.value_codec import DEEPEST, Encoder, Node, decode, refill

from .worlds import REPOSITORY

_HASHABLE_ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**90),
    st.floats(allow_nan=False),
    st.text(),
    st.text(st.characters(categories=["Cs", "L"])),
    st.binary(),
    st.complex_numbers(allow_nan=False),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.just(...),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 4)),
)
_HASHABLE = st.one_of(
    _HASHABLE_ATOMS,
    st.lists(st.lists(_HASHABLE_ATOMS, max_size=2).map(tuple), max_size=3).map(tuple),
    st.frozensets(_HASHABLE_ATOMS, max_size=3),
)
_VALUES = st.recursive(
    st.one_of(_HASHABLE, st.binary().map(bytearray)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=4).map(tuple),
        st.sets(_HASHABLE, max_size=4),
        st.dictionaries(_HASHABLE, inner, max_size=4),
        st.dictionaries(_HASHABLE, inner, max_size=4).map(OrderedDict),
        st.lists(inner, max_size=4).map(deque),
        st.lists(_HASHABLE, max_size=4).map(Counter),
    ),
    max_leaves=20,
)
_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 9),
        st.floats(),
        st.text(max_size=3),
        st.sampled_from("ldsaqCODKVIgtfiubcrneMFyvhmo="),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=2), inner, max_size=2)),
    max_leaves=30,
)
_PLAIN: tuple[type, ...] = (type(None), bool, int, float, str, bytes, bytearray, complex, list, tuple, set, frozenset)
_PLAIN += (dict, range, type(...), deque, Counter, OrderedDict, defaultdict, Decimal, Fraction)
_PLAIN += (type({}.keys()), type({}.values()), type({}.items()))


class Stranger:
    """What an object that stayed on the other side is here."""


def _refused(value: object) -> Node:
    raise TypeError(f"no form for {value!r}")


def _stranger(_: Node) -> Stranger:
    return Stranger()


def _across(value: object) -> Any:
    encoder = Encoder(_refused)
    root = encoder.add(value)
    nodes, root = loads(dumps([encoder.nodes, root]))
    (result,), _ = decode(nodes, [root], _stranger)
    return result


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return type(value), sorted(repr((_types(key), _types(item))) for key, item in value.items())
    if isinstance(value, (list, tuple, deque)):
        return type(value), [_types(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(repr(_types(item)) for item in value)
    return type(value)


@given(_VALUES)
@settings(deadline=None)
def test_every_value_comes_back_equal_and_of_exact_type(value: object) -> None:
    """What goes over the wire comes back the same, in all its depth."""
    result = _across(value)
    assert result == value
    assert _types(result) == _types(value)


@given(_JSON)
@settings(deadline=None)
def test_the_decoder_makes_nothing_but_plain_values(message: object) -> None:
    """Whatever JSON arrives, it is refused or becomes plain values and strangers; nothing crashes."""
    nodes = message if type(message) is list else [message]
    try:
        _, objects = decode(nodes, [[0]] if nodes else [], _stranger)
    except MalformedMessage:
        return
    for each in objects:
        assert isinstance(each, (*_PLAIN, Stranger)) or type(each).__module__ in ("datetime", "builtins")
        assert not callable(each)


@given(
    st.lists(st.tuples(st.sampled_from("ldsaqCODKVIgtfiubcrneMFyvhmo="), _JSON, _JSON).map(list), max_size=6),
    st.integers(-1, 7),
)
@settings(deadline=None)
def test_nodes_that_nearly_fit_do_no_harm(nodes: list[Node], root: int) -> None:
    """A graph of the right shape with the wrong content is refused or plain."""
    with suppress(MalformedMessage):
        decode(nodes, [[root]], _stranger)


@given(st.binary())
def test_bytes_that_are_no_message_are_refused(body: bytes) -> None:
    """The reader of messages raises one error, whatever the bytes."""
    with suppress(MalformedMessage):
        loads(body)


@pytest.mark.parametrize("number", [-0.0, math.inf, -math.inf, 5e-324, 1e308, 0.1])
def test_floats_keep_their_sign_and_size(number: float) -> None:
    """-0.0, infinities and the smallest numbers arrive as they are."""
    result = _across([number])[0]
    assert result == number
    assert math.copysign(1, result) == math.copysign(1, number)


def test_nan_is_the_one_of_the_math_module() -> None:
    """A list with NaN equals its like by identity, as it does within one process."""
    assert _across([math.nan]) == [math.nan]


def test_self_containing_and_shared_values_keep_their_shape() -> None:
    """A list within itself stays one; what is shared stays shared."""
    inner: list[object] = [1]
    loop: list[object] = [inner, inner, (inner,)]
    loop.append(loop)
    result = _across(loop)
    assert result[3] is result
    assert result[0] is result[1] is result[2][0]


def test_depth_costs_no_recursion() -> None:
    """A list nested a hundred thousand times deep crosses."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    result, depth = _across(deep), 0
    while result:
        result, depth = result[0], depth + 1
    assert depth == 100_000


def test_tuples_nested_without_bound_are_refused() -> None:
    """Hashing them would end the reader's process, so they are neither sent nor accepted."""
    nodes: list[Node] = [["t"], *(["t", [number]] for number in range(DEEPEST * 2))]
    with pytest.raises(MalformedMessage):
        decode(nodes, [[len(nodes) - 1]], _stranger)


def test_instances_of_subclasses_arrive_as_their_content() -> None:
    """What a subclass redefines has no say."""

    class Liar(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    result = _across([Liar(7)])[0]
    assert type(result) is int
    assert result != 8


class _SaysTwo(Decimal):
    def __str__(self) -> str:
        return "2"


class _IsNextYear(date):
    @property
    def year(self) -> int:
        return super().year + 1


class _IsAll(Fraction):
    def as_integer_ratio(self) -> tuple[int, int]:
        return (1, 1)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (_SaysTwo("1.10"), Decimal("1.10")),
        (_IsNextYear(2024, 2, 29), date(2024, 2, 29)),
        (_IsAll(1, 3), Fraction(1, 3)),
    ],
)
def test_so_do_those_of_types_that_have_to_be_imported(value: object, plain: object) -> None:
    """A decimal, a date and a fraction of the candidate's own making are what they hold."""
    result = _across(value)
    assert type(result) is type(plain)
    assert result == plain


def test_a_time_zone_keeps_a_time_from_crossing() -> None:
    """Both sides could have another idea of it."""
    with pytest.raises(TypeError, match="no form"):
        _across(datetime(2024, 2, 29, tzinfo=UTC))


def test_a_zygote_loads_no_type_that_may_not_be_needed() -> None:
    """The modules of decimals and dates come with the first of them."""
    program = (
        "import sys, pytest_koderz.sandbox.value_codec; print({'decimal', 'fractions', 'datetime'} & {*sys.modules})"
    )
    told = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert told.stdout.strip() == "set()"


def test_an_iterator_arrives_with_its_items_and_its_error() -> None:
    """What a generator raises comes after its last item; one without end is cut."""

    def failing() -> Any:
        yield 1
        raise KeyError("x")

    assert list(_across(iter([1, 2]))) == [1, 2]
    result = _across(failing())
    assert next(result) == 1
    with pytest.raises(RuntimeError, match="KeyError"):
        next(result)


def test_views_of_dicts_stay_views() -> None:
    """Keys can be compared with sets, as the candidate's own could."""
    assert _across({"a": 1}.keys()) == {"a"}
    assert list(_across({"a": [1]}.values())) == [[1]]


def test_mutable_values_take_new_content_in_place() -> None:
    """The same object holds what became of it; what does not fit leaves it alone."""
    numbers, words = [1, 2], {"a": 1}
    refill(numbers, ["l", 3], lambda ref: ref)
    refill(words, ["d", "b", 2], lambda ref: ref)
    assert (numbers, words) == ([3], {"b": 2})
    with pytest.raises(MalformedMessage):
        refill(numbers, ["d", 1, 2], lambda ref: ref)
    with pytest.raises(MalformedMessage):
        refill(words, ["d", 1], lambda ref: ref)
    assert (numbers, words) == ([3], {"b": 2})


def test_a_frame_beyond_the_limit_is_refused() -> None:
    """A promise of gigabytes is not waited for."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"\xff\xff\xff\xff")
        with pytest.raises(MalformedMessage):
            Channel(here).recv()


@given(st.lists(st.text(string.printable), max_size=4))
@settings(deadline=None)
def test_messages_arrive_one_by_one(messages: list[str]) -> None:
    """What was sent together is received in its parts, and then the end."""
    here, there = socket.socketpair()
    with here, there:
        for message in messages:
            Channel(there).send([message])
        there.shutdown(socket.SHUT_WR)
        channel = Channel(here)
        assert [channel.recv() for _ in messages] == [[message] for message in messages]
        with pytest.raises(Gone):
            channel.recv()


def test_the_format_is_plain_json() -> None:
    """Anybody can read a message."""
    assert json.loads(dumps(["call", 0, [["l", 1, "a"]], [0], None])) == ["call", 0, [["l", 1, "a"]], [0], None]
