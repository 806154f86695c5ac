"""Which calls a set of tests makes whatever it is answered."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from .channel import Channel, Gone
from .session import MOST_AHEAD, Broken, Session, literal_of
from .wire import Node, decode, is_atom, loads

_SECONDS = 1.0
"""How long a run may take that nobody waits for."""
_MOST_CALLS = 5_000
_LONGEST_GUESS = 3
"""Characters of a literal that may stand somewhere by chance."""
_SINGLES = {"True", "False", "None"}


class Script:
    """The calls that may be sent before they are asked for.

    A test that hands an answer back, or goes another way after it, would tell a candidate through them what others
    have answered. So the tests are run twice more, blindly: what they ask then, they ask of anyone. Nor may a call hold
    the answer to one before it, as where tests take turns between a value and its inverse: a candidate can read ahead.
    """

    def __init__(self) -> None:
        self.ahead: Sequence[bytes] = ()
        self.settled = False

    def settle(self, calls: Sequence[bytes], answers: Mapping[int, str], run: Callable[[Session], object]) -> None:
        """Learn from the *calls* of a run that came to its end, and the literals of the *answers* by their numbers.

        *run* runs the tests in another session, once.
        """
        if not self.settled:
            self.settled = True
            small = sum(map(len, calls)) <= MOST_AHEAD and not _tells_ahead(calls, answers)
            self.ahead = calls if small and all(_asked(run, truth) == calls for truth in (True, False)) else ()

    def mistrust(self) -> None:
        """The tests have made another call than the one that was sent ahead."""
        self.settled, self.ahead = True, ()


def _tells_ahead(calls: Sequence[bytes], answers: Mapping[int, str]) -> bool:
    """Whether one of the calls holds the answer to one before it, and not by chance, as a small number would."""
    later: set[str] = set()
    for number in reversed(range(len(calls))):
        answer = answers.get(number, "")
        if len(answer) > _LONGEST_GUESS and answer not in _SINGLES and answer in later:
            return True
        _, _, nodes, *_ = loads(calls[number])
        _, objects = decode(nodes, [], str)
        later.update(map(literal_of, (*objects, *_atoms(nodes))))
    return False


def _atoms(nodes: Sequence[Node]) -> Iterator[object]:
    """Whatever stands for itself within the *nodes*."""
    return (part for _, *parts in nodes for part in parts if is_atom(part))


class _Nobody(Channel):
    """Stands for a child whose every answer is an object that equals nothing, and is true or false as told."""

    def __init__(self, truth: bool) -> None:
        self._answer = ["returned", [["o", 2, "answer", truth, False, False]], [0], []]
        self._left = _MOST_CALLS

    def send_body(self, body: bytes, descriptors: Sequence[int] = ()) -> None: ...

    def send_bodies(self, bodies: Iterable[bytes]) -> None: ...

    def recv(self) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Gone("enough")
        return self._answer


def _asked(run: Callable[[Session], object], truth: bool) -> Sequence[bytes]:
    session = Session(_Nobody(truth), ())
    with _limited():
        run(session)
    return session.calls


@contextmanager
def _limited() -> Iterator[None]:
    """End what takes too long as if the child had ended."""

    def end(*_: object) -> None:
        raise Broken("too slow")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        with suppress(Broken):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
