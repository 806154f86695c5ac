"""Replies played back from a journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from functools import lru_cache
from itertools import chain
from pathlib import Path

from pytest_koderz.backends.backend import NOT_LISTED, Backend, Environment, Surroundings, ready
from pytest_koderz.backends.options import Option
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.experiment import Guidance, Spec
from pytest_koderz.core.extract import candidate_of
from pytest_koderz.core.ports import Made, Prompt, Reply
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.secret_values import REDACTED
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.events import Called, events_in, head_of_journal, journals_in
from pytest_koderz.records.recorded import in_order, key_of, made_of, runs_in

DIFF_LINES = 20


def _requirements(settings: ModelSettings, environment: Environment) -> str | None:  # noqa: ARG001 - as any back end's
    """Says where no journal is, or one that cannot be read or holds no call."""
    try:
        recorded = _recording(settings.model)
    except UsageError as fault:
        return str(fault)
    return None if recorded else f"{settings.model}: no call is recorded there"


def open_model(settings: ModelSettings, surroundings: Surroundings) -> ReplayModel:
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
    strict = bool(settings.options.get("strict", True))
    return ReplayModel(settings.model, _recording(settings.model), surroundings.problems, strict=strict)


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
    arm: str = ""
    made: Made | None = None
    """What the loop made of the reply then. None: it is not known."""

    def differs(self, problem: Problem | None) -> str:
        """How what the reply gives now differs from that; empty where it does not, as far as is known."""
        if isinstance(self.made, Spec | Guidance):
            return "" if self.reply.text.strip() == self.made.text else f"is not the text of that {self.role} any more"
        if self.made is None or problem is None:
            return ""
        then, now = self.made.candidate, candidate_of(self.reply.text, problem)
        if now is None or then is None:
            return "" if now is then else f"gives {'no' if now is None else 'a'} candidate now"
        return "" if now.digest == then.digest else "gives another candidate now"


class ReplayModel:
    """A Model that asks nobody."""

    def __init__(self, journal: str, calls: Iterable[Call], problems: Mapping[str, Problem], *, strict: bool) -> None:
        """Of several calls with one prompt the last is taken: an earlier one was in flight when a run was killed."""
        self.journal = journal
        self._problems = problems
        self._strict = strict
        self._calls = {call.digest: call for call in calls}
        self._places = {digest: place for place, digest in enumerate(self._calls)}

    def complete(self, prompt: Prompt) -> Reply:
        if prompt.digest in self._calls:
            return self._played(self._calls[prompt.digest])
        nearest = self._nearest(prompt)
        if self._strict or nearest is None:
            raise ModelUnavailable(self._miss(prompt, nearest))
        warning = f"{self.journal} holds another prompt; the nearest one's reply was taken"
        return self._played(nearest, warning)

    def _played(self, call: Call, *warnings: str) -> Reply:
        """The reply with *warnings*, and with one where it is not what was said, or what was made of it then."""
        reply, place = call.reply, f"{call.problem_id}[{call.arm}]: a reply in {self.journal}"
        differs = call.differs(self._problems.get(call.problem_id))
        if REDACTED in reply.text:
            warnings += (f"{place} out of which a secret was taken: it differs from what was said",)
        elif differs:
            warnings += (f"{place} {differs}: it was changed since it came, or is read otherwise by this version",)
        return reply.warned(*warnings) if warnings else reply

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
    """In the order of the files; what was made of them may stand in another file than the call."""
    files = [list(events_in(file)) for file in _files(path)]
    runs = runs_in(in_order(files))
    made = {(one, under): made_of(run) for one, each in runs.items() for under, run in each.items()}
    said: dict[tuple[object, ...], Reply] = {}
    for event in chain.from_iterable(files):
        if isinstance(event.what, Called) and event.about is not None:
            call, run = event.what, (event.about.experiment, event.about.conditions)
            # Of several answers to one prompt the first is what the experiment went on with.
            first = said.setdefault((*run, *key_of(call)), call.reply)
            then = made[run].get(key_of(call)) if first.text == call.reply.text else None
            asked, about = call.prompt, event.about
            yield Call(
                asked.digest, about.problem, str(call.role), asked.system, asked.user, call.reply, about.arm, then
            )


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
