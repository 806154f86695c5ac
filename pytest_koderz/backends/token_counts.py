"""What a server says of a call's tokens: believed where it can be true, else estimated, and said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_koderz.core.money import Usage

MOST_TOKENS = 20_000_000
"""Twice the largest window that any model has; the bound where a model's own is not known."""

UNCOUNTED = "the server did not count tokens, or not in whole numbers that can be; taken as characters / 4"
CONTRADICTION = (
    "the server's token counts contradict each other: what is left of the total, or what it reasoned, is more or less "
    "than the output that it names; the larger is counted"
)


@dataclass(frozen=True, slots=True)
class ToldCounts:
    """A server's own words, each of which may be any JSON; None: it says nothing of it."""

    prompt: object = None
    output: object = None
    cache_write: object = None
    cache_read: object = None
    total: object = None
    reasoning: object = None
    apart: bool = False
    """Whether `prompt` leaves out the tokens that were written to or read from a cache."""


def told_by_openai(usage: object) -> ToldCounts:
    """The `usage` of a chat completion."""
    counts = _mapping(usage)
    return ToldCounts(
        counts.get("prompt_tokens"),
        counts.get("completion_tokens"),
        cache_read=_mapping(counts.get("prompt_tokens_details")).get("cached_tokens"),
        total=counts.get("total_tokens"),
        reasoning=_mapping(counts.get("completion_tokens_details")).get("reasoning_tokens"),
    )


def usage_of(told: ToldCounts, sent: int, written: int, window: int | None) -> tuple[Usage, tuple[str, ...]]:
    """The tokens of a call that *sent* and brought so many characters, and what is to be said of them.

    A count is a whole number from 0 to *window* (None: not known). Some services count what was reasoned beside the
    output and not in it, so the output is the largest that follows from the counts: it is never taken too cheap.
    """
    most = window or MOST_TOKENS
    read, cached = _prompt(told, most)
    output, agrees = _output(told, read, most)
    # A prompt is never empty, nor is a text made of no tokens.
    uncounted = not read or output is None or (not output and written > 0) or not _are_counts(told, most)
    usage = Usage(
        (read or sent // 4) - cached.cache_write - cached.cache_read,
        output or written // 4,
        cached.cache_write,
        cached.cache_read,
    )
    return usage, (UNCOUNTED,) * uncounted + (CONTRADICTION,) * (not agrees)


def whole_number(told: object, most: int) -> int | None:
    """The count that it is. None: it is none, or larger than *most*."""
    if isinstance(told, float) and told.is_integer():
        told = int(told)
    return told if type(told) is int and 0 <= told <= most else None


MOST_CHARACTERS_PER_TOKEN = 6.0
"""No current tokenizer reaches this on code and English: fewer prompt tokens than this gives were cut off."""
LEEWAY = 1.35
"""How much denser than all before it a prompt may be: prose is about so much denser than code."""
ENOUGH = 500
"""Characters of a prompt from which on the tokens of the server's own template no longer decide."""
ENOUGH_OF_ALL = 2_000
"""Of all such prompts: the first ones may be full of brackets, which make a token each (of HumanEval's 164 prompts the
densest has twice the characters per token of the least dense).
"""


class PromptDensity:
    """Characters per token, as a model has shown them so far. Several threads may use it."""

    def __init__(self) -> None:
        self._most = 0.0
        """No prompt that was read whole has had more."""
        self._characters = 0

    def is_cut(self, sent: int, told: object, window: int | None = None) -> bool:
        """Whether a server that says it read *told* tokens of so many characters left a part of them out."""
        read = whole_number(told, MOST_TOKENS)
        if not read:
            return False
        if window is not None and read >= window:
            return True
        most = self._most * LEEWAY if self._characters >= ENOUGH_OF_ALL else MOST_CHARACTERS_PER_TOKEN
        if sent > read * min(most, MOST_CHARACTERS_PER_TOKEN):
            return True
        if sent >= ENOUGH:
            self._most, self._characters = max(self._most, sent / read), self._characters + sent
        return False


def cut_warning(sent: int, told: object, window: str = "") -> str:
    return (
        f"the server read {told} tokens of a prompt of {sent} characters{window}, so it cut a part off; "
        "raise context_tokens, or choose a model with a larger window"
    )


LONGEST_SECONDS = 86_400.0
"""Of one call on a device."""


def gpu_seconds_of(durations: Iterable[object], per_second: float) -> float | None:
    """The sum of those that can be, in seconds. None: there is none."""
    numbers = [each for each in durations if isinstance(each, int | float) and type(each) is not bool]
    known = [each for each in numbers if 0 <= each <= LONGEST_SECONDS * per_second]
    return sum(known) / per_second if known else None


def _prompt(told: ToldCounts, most: int) -> tuple[int | None, Usage]:
    """All tokens that went in, and those of them that belong to a cache."""
    read = whole_number(told.prompt, most)
    cached = Usage(
        cache_write=whole_number(told.cache_write, most) or 0, cache_read=whole_number(told.cache_read, most) or 0
    )
    if read is not None and told.apart:
        read += cached.prompt
    if read is None or not cached.prompt <= read <= most:
        # Without a count of the whole nothing of it is known to be cheaper.
        return (None if read is None or read > most else read), Usage()
    return read, cached


def _output(told: ToldCounts, read: int | None, most: int) -> tuple[int | None, bool]:
    """The tokens that came out, None where nothing tells them; and whether all that tells them agrees."""
    said, total = whole_number(told.output, most), whole_number(told.total, most)
    reasoned = whole_number(told.reasoning, most) or 0
    rest = total - read if total is not None and read else None
    beside = said + reasoned if said is not None and reasoned > said else None
    found = [count for count in (said, rest, beside) if count is not None and 0 <= count <= most]
    return max(found, default=None), rest in (None, said) and beside is None


def _are_counts(told: ToldCounts, most: int) -> bool:
    """Whether each that is told is one."""
    values = (told.prompt, told.output, told.cache_write, told.cache_read, told.total, told.reasoning)
    return all(value is None or whole_number(value, most) is not None for value in values)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
