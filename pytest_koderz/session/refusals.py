"""Which models have refused for good: all processes of a benchmark know it, and pay nobody to work for one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from pytest_koderz.core.errors import ModelRefused
from pytest_koderz.core.flight import place_in_record
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Model, Prompt, Reply
from pytest_koderz.records.private_files import make_private_folder, open_private

LONGEST = 1 << 16
"""Bytes of a refusal that are read again."""


class RefusalBook(Protocol):
    """Which models have refused, as all of a benchmark know it; each goes by a key."""

    def last_word(self, key: str) -> str | None:
        """What the model said that refuses for good; None where there is no such."""
        ...

    def all_it_said(self, key: str) -> str | None:
        """What the model said that has done nothing but refuse; None where it has answered, or was not asked."""
        ...

    def refused(self, key: str, words: str, *, lasting: bool) -> None: ...
    def answered(self, key: str) -> None: ...


class Refusals:
    """A folder with two files for each model, on the server that it is asked on: that it answered, and its refusal.

    Each refusal is a last word or one that may be due to the prompt; the latter counts as long as the model has
    answered nothing at all, since then all that is known of it is that it refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._answered: set[str] = set()

    def forget(self) -> None:
        """For the controller of a benchmark that goes on: the user may have mended what was wrong."""
        for path in self._folder.glob("*"):
            path.unlink()

    def last_word(self, key: str) -> str | None:
        return self._read(key, "lasting")

    def all_it_said(self, key: str) -> str | None:
        return None if self._has_answered(key) else self._read(key, "refused")

    def refused(self, key: str, words: str, *, lasting: bool) -> None:
        self._write(key, "lasting" if lasting else "refused", words)

    def answered(self, key: str) -> None:
        if key not in self._answered:
            self._write(key, "answered", "")
            self._answered.add(key)

    def _has_answered(self, key: str) -> bool:
        return key in self._answered or self._path(key, "answered").exists()

    def _read(self, key: str, kind: str) -> str | None:
        try:
            with self._path(key, kind).open("rb") as file:
                return file.read(LONGEST).decode(errors="replace")
        except OSError:
            return None

    def _write(self, key: str, kind: str, words: str) -> None:
        # Who cannot be told, such as for a full disk, will find out at the price of one more spec.
        with suppress(OSError):
            make_private_folder(self._folder)
            descriptor = open_private(self._path(key, kind), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                if not os.fstat(descriptor).st_size:
                    os.write(descriptor, words.encode(errors="replace"))
            finally:
                os.close(descriptor)

    def _path(self, key: str, kind: str) -> Path:
        return self._folder / f"{sha256(key.encode()).hexdigest()[:16]}.{kind}"


class WatchedModel:
    """A Model of which all processes of the benchmark know whether it refuses."""

    def __init__(self, model: Model, key: str, refusals: RefusalBook) -> None:
        self._model = model
        self._key = key
        self._refusals = refusals

    def admit(self, *, served: bool) -> None:
        """Wait for a server that is known to be out. Raises ModelUnavailable where no call can be answered.

        *served*: another model is paid to work for it, which is not worth a try of whether it refuses the next prompt
        too.
        """
        words = self._refusals.last_word(self._key) or (self._refusals.all_it_said(self._key) if served else None)
        if words is not None:
            raise ModelRefused(words)
        admit: Callable[[], None] | None = getattr(self._model, "admit", None)
        if admit is not None:
            admit()

    def complete(self, prompt: Prompt) -> Reply:
        try:
            reply = self._model.complete(prompt)
        except ModelRefused as refusal:
            self._refusals.refused(self._key, str(refusal), lasting=refusal.lasting)
            raise
        if _overflowed(reply):
            self._refusals.refused(self._key, _no_room(reply), lasting=False)
        elif not reply.cancelled:
            self._refusals.answered(self._key)
        return reply

    def place_in_record(self, prompt: Prompt) -> int | None:
        return place_in_record(self._model, prompt)

    def close(self) -> None:
        close: Callable[[], None] | None = getattr(self._model, "close", None)
        if close is not None:
            close()


class Players:
    """A Model that stands for all of a role: whichever a prompt names is asked."""

    def __init__(self) -> None:
        self.models: dict[str, WatchedModel] = {}
        """By the name in koderz.yaml; the first is asked where a prompt names none."""

    def complete(self, prompt: Prompt) -> Reply:
        return self._asked(prompt).complete(prompt)

    def place_in_record(self, prompt: Prompt) -> int | None:
        return self._asked(prompt).place_in_record(prompt)

    def _asked(self, prompt: Prompt) -> WatchedModel:
        return self.models[prompt.model or next(iter(self.models))]

    def admit(self, is_served: Callable[[str], bool]) -> None:
        """For each of them, of which *is_served* says by its name whether another one is paid to work for it."""
        for name, model in self.models.items():
            model.admit(served=is_served(name))


def _overflowed(reply: Reply) -> bool:
    """The prompt did not fit at all, so that nothing was read."""
    return reply.stop_reason is StopReason.CONTEXT and reply.usage == Usage()


def _no_room(reply: Reply) -> str:
    why = "; ".join(reply.warnings)
    return f"{reply.model_id}: its window was too small for the first prompt already" + (f" ({why})" if why else "")
