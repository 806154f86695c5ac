"""Replies played back from a journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import SequenceMatcher, unified_diff
from functools import lru_cache
from pathlib import Path

from pytest_koderz.backends.backend import NOT_LISTED, Backend, Environment, Surroundings, ready
from pytest_koderz.backends.options import Option
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.files.secret_values import REDACTED
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.events import Called, events_in, head_of_journal, journals_in

DIFF_LINES = 20


def _requirements(settings: ModelSettings, environment: Environment) -> str | None:  # noqa: ARG001 - as any back end's
    """Says where no journal is, or one that cannot be read or holds no call."""
    try:
        recorded = _recording(settings.model)
    except UsageError as fault:
        return str(fault)
    return None if recorded else f"{settings.model}: no call is recorded there"


def open_model(settings: ModelSettings, surroundings: Surroundings) -> ReplayModel:  # noqa: ARG001 - as any back end's
    """A model that answers from the journal at `settings.model`: a benchmark's folder, or one .jsonl file.

        models:
          claude-opus:                  # the name that it had, so that the ledger reads the same
            backend: replay
            model: recordings/bench_1a2b3c4d    # from the folder of koderz.yaml
            priced_as: claude-opus-5-5  # what it cost then
            options: {strict: true}

    A prompt is found by its digest, so that it must be the recorded one to the letter. What is missing is an error that
    shows how the nearest recorded prompt differs; with the option `strict: false` that prompt's reply is taken, with a
    warning. Raises UsageError where there is no journal.
    """
    return ReplayModel(settings.model, _recording(settings.model), strict=bool(settings.options.get("strict", True)))


def plays_simulated(settings: ModelSettings) -> bool:
    """Whether any journal at `settings.model` is of simulated models, by its first line."""
    return any(_is_simulated(file) for file in _files(Path(settings.model)))


def draws_played_back(settings: ModelSettings) -> Iterator[str]:
    """From what the tests drew of each journal at `settings.model`; empty where everybody knows it."""
    for file in _files(Path(settings.model)):
        with suppress(UsageError):  # as above
            head = head_of_journal(file)
            if head is not None:
                yield head.draws or ""


def _is_simulated(file: Path) -> bool:
    with suppress(UsageError):  # what cannot be read is complained of where it is opened
        head = head_of_journal(file)
        return head is not None and head.simulated
    return False


@dataclass(frozen=True, slots=True)
class Call:
    """A recorded call."""

    digest: str
    problem_id: str
    role: str
    system: str
    user: str
    reply: Reply


class ReplayModel:
    """A Model that asks nobody."""

    def __init__(self, journal: str, calls: Iterable[Call], *, strict: bool) -> None:
        """Of several calls with one prompt the last is taken: an earlier one was in flight when a run was killed."""
        self.journal = journal
        self._strict = strict
        self._calls = {call.digest: call for call in calls}
        self._places = {digest: place for place, digest in enumerate(self._calls)}

    def complete(self, prompt: Prompt) -> Reply:
        if prompt.digest in self._calls:
            return self._played(self._calls[prompt.digest].reply)
        nearest = self._nearest(prompt)
        if self._strict or nearest is None:
            raise ModelUnavailable(self._miss(prompt, nearest))
        warning = f"{self.journal} holds another prompt; the nearest one's reply was taken"
        return self._played(nearest.reply, warning)

    def _played(self, reply: Reply, *warnings: str) -> Reply:
        """*reply* with *warnings*, and with one where it is not what the model said."""
        if REDACTED in reply.text:
            warnings += (
                f"{self.journal} holds a reply out of which a secret was taken: it differs from what was said",
            )
        return replace(reply, warnings=(*reply.warnings, *warnings)) if warnings else reply

    def place_in_record(self, prompt: Prompt) -> int | None:
        return self._places.get(prompt.digest)

    def close(self) -> None:
        """Nothing is open."""

    def _nearest(self, prompt: Prompt) -> Call | None:
        """The recorded call of the same problem and role whose prompt is most like *prompt*."""
        same = [
            call for call in self._calls.values() if (call.problem_id, call.role) == (prompt.problem_id, prompt.role)
        ]
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(prompt.user.splitlines())

        def likeness(call: Call) -> float:
            matcher.set_seq1(call.user.splitlines())
            return matcher.ratio()

        return max(same, key=likeness, default=None)

    def _miss(self, prompt: Prompt, nearest: Call | None) -> str:
        what = f"{self.journal}: this {prompt.role} prompt of {prompt.problem_id} is not recorded"
        if nearest is None:
            return f"{what}, nor is any other of that problem and role"
        if (nearest.system, nearest.user) == (prompt.system, prompt.user):
            return f"{what} with seed {prompt.seed}: its text is, with another seed or heat"
        ours = f"{prompt.system}\n{prompt.user}".splitlines()
        theirs = f"{nearest.system}\n{nearest.user}".splitlines()
        diff = list(unified_diff(theirs, ours, "recorded", "asked", lineterm="", n=1))
        return "\n".join([f"{what}; the nearest one differs:", *diff[:DIFF_LINES]])


@lru_cache(maxsize=4)
def _recording(journal: str) -> tuple[Call, ...]:
    """The calls of a journal, read once for all models that it plays. Raises UsageError where it cannot be read."""
    path = Path(journal)
    if not _files(path):
        raise UsageError(f"{journal}: no journal is there to play back")
    return tuple(_calls(path))


def _files(path: Path) -> list[Path]:
    return journals_in(path) if path.is_dir() else [path] if path.is_file() else []


def _calls(path: Path) -> Iterator[Call]:
    for file in _files(path):
        for event in events_in(file):
            if isinstance(event.what, Called) and event.about is not None:
                asked, role = event.what.prompt, str(event.what.role)
                yield Call(asked.digest, event.about.problem, role, asked.system, asked.user, event.what.reply)


BACKEND = Backend(
    name="replay",
    service=None,
    options={"strict": Option(bool)},
    cost=NOT_LISTED,
    frontier=False,
    simulated=plays_simulated,
    requirements=_requirements,
    findings=ready("the journal is there"),
    open=open_model,
    model_is_path=True,
)
