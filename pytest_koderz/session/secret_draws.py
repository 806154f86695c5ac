"""The secret from which a benchmark's tests draw: in each of its processes, and each time that it goes on, the same."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from pytest_koderz.records.recorded import Recorded
from pytest_koderz.settings import Settings

from .replay import BACKEND, draws_played_back


def draws_of(settings: Settings, recorded: Recorded | None, common: str | None = None) -> str:
    """That of the former run, or of a journal that is played back, whose prompts show what was drawn; or the one that
    shards have in *common*; or a new one.
    """
    return next(_known(settings, recorded), common or secrets.token_hex())


def _known(settings: Settings, recorded: Recorded | None) -> Iterator[str]:
    yield from (head.draws for head in (recorded.heads if recorded else ()) if head.draws)
    for model in settings.models:
        if model.backend == BACKEND.name:
            yield from draws_played_back(model)
