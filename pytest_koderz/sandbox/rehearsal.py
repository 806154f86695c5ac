"""A run of what a candidate's process will do, on a program of our own, so that the real one finds everything warm.

In the zygote it lets the interpreter specialise the code of a whole service; in a child, which has its channel for the
candidate alone, it takes the page faults that follow a fork. Both happen while nobody waits.
"""

from __future__ import annotations

import socket

from .channel import Channel
from .child import Session, compiled, serve, unload
from .wire import Encoder, Unsendable

TIMES = 40
"""Until the interpreter has specialised what it will."""
_PROGRAM = '''
import math
from typing import Any, Dict, List, Optional, Set, Tuple, Union


def rehearsed(numbers: List[float], words: List[str], pairs: Dict[str, int], threshold: float = 0.5) -> Tuple:
    """A function of the usual kind."""
    total = 0
    for index, number in enumerate(sorted(numbers)):
        for other in numbers[index + 1 :]:
            if abs(number - other) < threshold:
                total += 1
    words.append(" ".join(word.upper() for word in words if word))
    return [total, {key: value * 2 for key, value in pairs.items()}, max(numbers), f"{total}", threshold > 0.1]
'''
_PREAMBLE = compiled("from typing import List\n")
_ARGUMENTS = [1.0, 2.5, -3.25, 2.4], ["a", "bc", ""], {"x": 1, "y": 2}


def rehearse() -> None:
    """The work of a child, once."""
    session = Session()
    for message in _messages():
        session.answer(message)
    unload()


def rehearse_service() -> None:
    """Reading and answering as well. The locks allow no more sockets, so this comes before them."""
    for _ in range(TIMES):
        here, there = socket.socketpair()
        with here, there:
            for message in _messages():
                Channel(here, None).send(message)
            here.shutdown(socket.SHUT_WR)
            serve(Channel(there, None))
    unload()


def _messages() -> list[list[object]]:
    encoder = Encoder(_foreign)
    refs = [encoder.add(_ARGUMENTS), encoder.add({"threshold": 0.3})]
    return [["load", _PREAMBLE, _PROGRAM, "rehearsed"], ["call", 0, encoder.nodes, *refs]]


def _foreign(value: object) -> list[object]:
    raise Unsendable(type(value).__name__)
