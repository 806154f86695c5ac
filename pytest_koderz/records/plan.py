"""What the runs of a benchmark planned, and at how many problems they were looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from .codec import MOST_BYTES, Malformed, parsed
from .events import Event, Head, Looked, event_of, journals_in, line_of
from .private_files import make_private_folder, open_private

FILE = "looks.ndjson"
"""Beside the journals of the processes, and none of them: whoever prints a summary of the benchmark adds to it."""
BEGINNING = 100
"""Bytes in which a line says what it is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Taken from all that ran so far."""

    margin: float | None
    """The first that was recorded. None: none was."""
    problems: int | None
    """The most that a run planned. None: no run said."""
    selection: str
    """Which those were, in words; empty: all, or not known."""
    looks: tuple[Looked, ...]


def plan_of(folder: Path) -> Plan:
    """What the journals in *folder* say first, and the looks. Lines that cannot be read are somebody else's to name."""
    events = sorted(_events(folder), key=lambda event: event.at)
    heads = [event.what for event in events if isinstance(event.what, Head)]
    planned = [(head.planned, head.selection or "") for head in heads if head.planned]
    most, selection = max(planned, key=lambda each: each[0] or 0, default=(None, ""))
    return Plan(
        margin=next((head.margin for head in heads if head.margin is not None), None),
        problems=most,
        selection=selection,
        looks=tuple(event.what for event in events if isinstance(event.what, Looked)),
    )


def record_look(folder: Path, look: Looked) -> None:
    """Raises OSError where it cannot be written."""
    make_private_folder(folder)
    descriptor = open_private(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, line_of(Event(datetime.now(UTC).isoformat(timespec="milliseconds"), look)))
    finally:
        os.close(descriptor)


def _events(folder: Path) -> Iterator[Event]:
    for path in (*journals_in(folder), *filter(Path.is_file, folder.glob(FILE))):
        with path.open("rb") as file:
            for line in _of_the_whole(file):
                with suppress(Malformed):
                    yield event_of(parsed(line))


def _of_the_whole(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of the whole benchmark; the others, which may be as long as a reply, are passed over."""
    while start := file.readline(BEGINNING):
        wanted = b'"event":"benchmark"' in start or b'"event":"looked"' in start
        rest = start
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(MOST_BYTES)
            start = start + rest if wanted and len(start) <= MOST_BYTES else start
        if wanted:
            yield start
