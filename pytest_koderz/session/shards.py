"""A part of a benchmark, whose other parts run elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from pytest_koderz.files.usage_error import UsageError

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    import pytest

    from pytest_koderz.records.recorded import Recorded
    from pytest_koderz.settings import Settings

DRAWS = "KODERZ_DRAWS"
"""Of the environment: what the shards draw their tests' values from, so that all draw as one run would."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The *number*-th of so many parts, from 1."""

    number: int
    parts: int

    def has(self, place: int) -> bool:
        """Whether the problem at *place*, from 0, is in it."""
        return place % self.parts == self.number - 1


def part_of(config: pytest.Config) -> str | None:
    """What --koderz-shard asks for, such as `2/8`; None: the whole."""
    text: str | None = config.getoption("koderz_shard", default=None)
    return text


def shard_of(config: pytest.Config) -> Shard | None:
    """The same as numbers."""
    text = part_of(config)
    if text is None:
        return None
    number, _, parts = text.partition("/")
    return Shard(int(number), int(parts))


def common_draws(config: pytest.Config, settings: Settings) -> str | None:
    """What all shards draw from; None: this is no shard. Raises UsageError where they have nothing in common."""
    if part_of(config) is None:
        return None
    secret = settings.environment.get(DRAWS)
    if not secret:
        what = f"all shards must draw what their tests draw from one secret: give each the same {DRAWS}"
        raise UsageError(f"--koderz-shard: {what}, such as what `openssl rand -hex 16` prints once")
    return sha256(secret.encode(errors="surrogateescape")).hexdigest()


def check_same_shard(config: pytest.Config, recorded: Recorded | None) -> None:
    """Raises UsageError for a benchmark that goes on as another part than it is."""
    if recorded is None or not recorded.heads:
        return
    was, now = recorded.heads[-1].part, part_of(config)
    if was != now:
        began = "the whole" if was is None else f"shard {was}"
        raise UsageError(f"--koderz-shard: {recorded.heads[-1].id} was begun as {began}, and cannot go on as {now}")


def problem_id_of(item: pytest.Item) -> str | None:
    """Of an experiment, whether a suite's item or a test of a user's own; None for any other test."""
    from .items import ExperimentItem
    from .marks import FIXTURE

    if isinstance(item, ExperimentItem):
        return item.problem.id
    call = getattr(item, "callspec", None)
    pair = None if call is None else call.params.get(FIXTURE)
    return None if pair is None else str(pair[0].id)
