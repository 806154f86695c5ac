"""A benchmark that is at work, followed from its journals while they are written."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.iteration import Verdict
from pytest_koderz.core.money import total
from pytest_koderz.files.locks import lock
from pytest_koderz.files.usage_error import UsageError

from .codec import Malformed, parsed
from .events import About, Began, Called, Ended, Event, Head, Iterated, event_of


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An experiment that has begun and not ended."""

    id: str
    problem: str
    arm: str
    since: float
    """Seconds since 1970 of its last event."""
    iterations: int = 0
    """That are judged."""
    most: int | None = None
    """How many there may be. None: it is not known."""
    verdict: Verdict | None = None
    """Of the last one."""


@dataclass(frozen=True, slots=True)
class Course:
    """How far a benchmark is."""

    planned: int | None
    """Experiments that there will be. None: it is not known yet."""
    done: int
    """Of all sessions."""
    running: tuple[UnderWay, ...]
    cost: Decimal | None
    """US dollars so far. None: a price is unknown."""
    began: float | None
    """Seconds since 1970: when this session did. None: nobody is at work."""
    done_since: int
    """Experiments that ended in this session."""
    simulated: bool = False


class Follower:
    """Reads at each call of `course` what was added since the one before."""

    def __init__(self, folder: Path, began: float | None = None) -> None:
        """*began* is when the session did, in seconds since 1970. None: as the journals say that are being written."""
        self._folder = folder
        self._began = began
        self._files: dict[Path, _File] = {}
        self._ended: dict[str, float] = {}
        self._costs: list[Decimal | None] = []
        self._head = Head()

    def course(self) -> Course:
        for path in sorted(self._folder.glob("*.jsonl")):
            file = self._files.setdefault(path, _File())
            for line in file.added(path):
                self._take(line, file)
        live = [file for path, file in self._files.items() if _is_written(path)]
        began = self._began if self._began is not None else min((file.began for file in live), default=None)
        since = began if began is not None else float("inf")
        self._costs = [total(self._costs)]
        return Course(
            planned=self._head.items,
            done=len(self._ended),
            running=tuple(one for file in live for one in file.running.values()),
            cost=self._costs[0],
            began=began,
            done_since=sum(at >= since for at in self._ended.values()),
            simulated=self._head.simulated,
        )

    def _take(self, line: bytes, file: _File) -> None:
        """What cannot be read is left to who reads the whole journal to say."""
        try:
            event = event_of(parsed(line))
            at = datetime.fromisoformat(event.at).timestamp()
        except (Malformed, UsageError, ValueError):
            return
        if isinstance(event.what, Head):
            # A new session of this process: what it had not ended was cut short.
            file.began, file.running = at, {}
            self._head = event.what
        elif event.about is not None:
            self._step(event, event.about, at, file)

    def _step(self, event: Event, about: About, at: float, file: _File) -> None:
        if isinstance(event.what, Ended):
            file.running.pop(about.experiment, None)
            self._ended[about.experiment] = at
            return
        if isinstance(event.what, Began):
            self._ended.pop(about.experiment, None)
        if isinstance(event.what, Called):
            self._costs.append(event.what.spending.cost)
        known = file.running.get(about.experiment) or self._begun(about, at)
        if isinstance(event.what, Iterated):
            iteration = event.what.iteration
            known = replace(known, iterations=iteration.number, verdict=iteration.verdict)
        file.running[about.experiment] = replace(known, since=at)

    def _begun(self, about: About, at: float) -> UnderWay:
        arm = next((arm for arm in self._head.definitions if arm.name == about.arm), None)
        return UnderWay(about.experiment, about.problem, about.arm, at, most=None if arm is None else most_of(arm))


def most_of(arm: Arm) -> int:
    """Iterations that it may take, that of a fallback counted."""
    return arm.max_iterations + (arm.model_of(Role.FALLBACK) is not None)


@dataclass
class _File:
    """One journal, as far as it was read."""

    read: int = 0
    rest: bytes = b""
    """The beginning of a line whose end is not there yet."""
    began: float = 0.0
    running: dict[str, UnderWay] = field(default_factory=dict)

    def added(self, path: Path) -> list[bytes]:
        """The whole lines that were added."""
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size <= self.read:
                    return []
                file.seek(self.read)
                new = file.read()
        except OSError:
            return []
        self.read += len(new)
        *lines, self.rest = (self.rest + new).split(b"\n")
        return lines


def _is_written(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return not lock(file, wait=False, shared=True)
    except OSError:
        return False
