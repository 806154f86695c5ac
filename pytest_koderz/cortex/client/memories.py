"""What is kept of an experiment: from its values to memories and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, TypeVar

from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration, Verdict
from pytest_koderz.files.visible_text import quoted
from pytest_koderz.records.codec import Malformed, plain, value_of

T = TypeVar("T")

CONTENT_LIMIT = 10_240
"""claude-cortex cuts longer contents; it counts UTF-16 units, as JavaScript does."""

MOST_RECALLED = 1 << 22
"""Characters of the metadata of one memory, of which something is made that is asked, shown and written again."""

_NOT_IN_TITLES = re.compile(r"[^A-Za-z0-9/:\-.,_()]+")
"""Everything else may be refused as search syntax."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Of an experiment or a benchmark: a word that may name a folder."""
_SAID_BY_EACH = ("problem_id", "arm", "epoch", "benchmark_id", "prompt_version")
"""In the metadata of all memories of an experiment, but for its id."""


@dataclass(frozen=True, slots=True)
class MemoryEntry:
    """One row of the memory server. `experiment_id`, `kind` and `number` say what it holds; the rest is sent."""

    title: str
    content: str
    category: str
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    experiment_id: str
    """Of a benchmark's note: the benchmark's id."""
    kind: str
    number: int = 0

    @property
    def digest(self) -> str:
        """The same for memories that differ in the time of day alone."""
        return sha256(_json([self.content, lasting(self.metadata)]).encode()).hexdigest()

    def as_json(self) -> str:
        return _json({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def from_json(cls, text: str | bytes) -> MemoryEntry:
        fields = json.loads(text)
        return cls(**{**fields, "tags": tuple(fields["tags"])})

    def arguments(self, project: str) -> dict[str, Any]:
        """Of the tool `remember`. All that decides over a memory's life is said, or the server would guess it."""
        return {
            "title": self.title,
            "content": self.content,
            "category": self.category,
            "type": "long_term",
            "project": project,
            "tags": list(self.tags),
            "importance": "normal",
            "scope": "project",
            "metadata": dict(self.metadata),
        }


def memory_of_benchmark(head: Mapping[str, Any]) -> MemoryEntry:
    """What the benchmark's journal says first: without it nobody knows with which settings the experiments ran."""
    name = str(head["id"])
    return MemoryEntry(
        title=f"{_NOT_IN_TITLES.sub('-', name)} benchmark-note",
        content=shortened(_benchmark_text(head), _pointer(name)),
        category="note",
        tags=("benchmark", name),
        metadata={"kind": "benchmark", "benchmark_id": name, "timestamp": _now(), "record": dict(head)},
        experiment_id=name,
        kind="benchmark",
    )


def memory_of_spec(experiment: Experiment, spec: Spec, key: str) -> MemoryEntry:
    """*key* finds the spec again for the same problem, model and prompt version."""
    source = f"paid for by {spec.recalled_from}" if spec.recalled_from else _paid(spec.cost, spec.seconds)
    # Only a spec that was paid for here is found again by its key, so that its first payer is always named.
    name = "spec-recalled" if spec.recalled_from else f"spec-{key}"
    return _memory(
        experiment,
        "spec",
        name=name,
        category="custom",
        content=f"Spec of {experiment.problem_id} by {spec.model_id}, {source}.\n\n{spec.text}",
        model=spec.model_id,
        cost=spec.cost,
        record=plain(spec),
        key=key,
    )


def memory_of_iteration(experiment: Experiment, iteration: Iteration) -> MemoryEntry:
    return _memory(
        experiment,
        "iteration",
        name=f"iteration-{iteration.number}",
        category="custom",
        content=_iteration_text(experiment, iteration),
        number=iteration.number,
        model=iteration.model_id,
        success=iteration.passed,
        cost=iteration.cost,
        outcome=iteration.verdict.outcome.value,
        assertions=_assertions(iteration.verdict),
        digest=iteration.candidate.digest if iteration.candidate else None,
        record=plain(iteration),
    )


def memory_of_advice(experiment: Experiment, advice: Advice) -> MemoryEntry:
    """*advice* is the latest of *experiment*."""
    number = len(experiment.advice)
    origin = f"what helped {advice.experiment_id} on {advice.problem_id}"
    return _memory(
        experiment,
        "advice",
        name=f"advice-{number}",
        category="learning",
        content=f"Offered to {experiment.id} after iteration {advice.after_iteration}: {origin}.\n\n{advice.text}",
        number=number,
        iteration=advice.after_iteration,
        source=advice.experiment_id,
        record=plain(advice),
    )


def memory_of_checkpoint(experiment: Experiment, guidance: Guidance) -> MemoryEntry:
    heading = (
        f"Checkpoint {guidance.number} of {experiment.id} on {experiment.problem_id}, after iteration "
        f"{guidance.after_iteration}, by {guidance.model_id}, {_paid(guidance.cost, guidance.seconds)}."
    )
    return _memory(
        experiment,
        "checkpoint",
        name=f"checkpoint-{guidance.number}",
        category="learning",
        content=f"{heading}\n\n{guidance.text}",
        number=guidance.number,
        iteration=guidance.after_iteration,
        model=guidance.model_id,
        success=False,
        cost=guidance.cost,
        record=plain(guidance),
    )


def memory_of_result(experiment: Experiment) -> MemoryEntry:
    """How it ended, and which guidance helped. What happened until then are memories of their own."""
    bare = replace(experiment, spec=None, iterations=(), advice=(), checkpoints=())
    models = dict.fromkeys(row.model for row in experiment.ledger.spendings)
    return _memory(
        experiment,
        "result",
        name="result",
        category="learning",
        content=_result_text(experiment),
        iteration=len(experiment.iterations),
        model=", ".join(models),
        success=experiment.solved,
        cost=experiment.ledger.cost,
        status=experiment.status.value,
        record=plain(bare),
        helped=plain(helpful) if (helpful := helped(experiment)) else None,
    )


def helped(experiment: Experiment) -> Guidance | None:
    """The guidance after which it was solved; None where it was not, or without any."""
    return experiment.checkpoints[-1] if experiment.solved and experiment.checkpoints else None


def failure_of(experiment: Experiment, after: int) -> str:
    """One word for how iteration number *after* failed: `IndexError`, `wrong`, `timed-out`; empty where not known."""
    verdict = next((step.verdict for step in experiment.iterations if step.number == after), None)
    if verdict is None or verdict.passed:
        return ""
    raised = next((failure.exception for failure in verdict.failures if failure.exception), None)
    found = re.match(r"\w+", raised) if raised else None
    return found[0] if found else verdict.outcome.value.replace(" ", "-")


def record_of(kind: type[T], memory: Mapping[str, Any], name: str = "record", **beside: object) -> T:
    """The value that a memory was made of, from a row of the server, with what is kept *beside* it.

    Raises Malformed: the row does not hold one.
    """
    told = metadata_of(memory).get(name)
    with _titled(memory, name):
        return value_of(kind, {**told, **beside} if beside and isinstance(told, dict) else told)


def experiment_told_by(memory: Mapping[str, Any]) -> Experiment:
    """Which experiment a row of the server is of, and no more of it. Raises Malformed: of none of ours."""
    about = metadata_of(memory)
    said = {name: about[name] for name in _SAID_BY_EACH if name in about}
    with _titled(memory):
        found = value_of(Experiment, {"arm": "", **said, "id": about.get("experiment_id")})
        for name in filter(None, (found.id, found.benchmark_id)):
            if not _ID.fullmatch(name):
                raise Malformed(f"'{quoted(name, 40)}' is no id")
    return found


@contextmanager
def _titled(memory: Mapping[str, Any], *path: str) -> Iterator[None]:
    """A Malformed of *memory* names it."""
    try:
        yield
    except Malformed as fault:
        raise Malformed(fault.words, (str(memory.get("title", "a memory")), *path, *fault.path)) from None


def spec_in(rows: Iterable[Mapping[str, Any]], key: str) -> Spec | None:
    """The spec of that *key* which was paid for, among rows of the server of any shape; None: there is none."""
    found = {told.id: record for told, record in _of_ours(rows, Spec, "record", key=key)}
    paid = {payer: spec for payer, spec in found.items() if spec.recalled_from is None}
    return replace(paid[payer], recalled_from=payer) if (payer := min(paid, default="")) else None


def advice_in(rows: Iterable[Mapping[str, Any]]) -> list[Advice]:
    """Guidance that helped, among rows of the server of any shape."""
    return [Advice(guidance.text, told.id, told.problem_id) for told, guidance in _of_ours(rows, Guidance, "helped")]


def _of_ours(
    rows: Iterable[Mapping[str, Any]], kind: type[T], name: str, **about: object
) -> Iterator[tuple[Experiment, T]]:
    """Of each row with such a value which experiment it is of, and the value; others' are passed over."""
    for row in rows:
        metadata = metadata_of(row)
        if metadata.get(name) and all(metadata.get(each) == wanted for each, wanted in about.items()):
            with suppress(Malformed):
                yield experiment_told_by(row), recalled_of(kind, row, name)


def recalled_of(kind: type[T], memory: Mapping[str, Any], name: str = "record") -> T:
    """As `record_of`, of what the experiment goes on with. Raises Malformed for what is too large for that too."""
    metadata = memory.get("metadata")
    try:
        length = len(metadata if isinstance(metadata, str) else json.dumps(metadata))
    except RecursionError:
        length = MOST_RECALLED + 1
    if length > MOST_RECALLED:
        raise Malformed("is too large to go on with", (str(memory.get("title", "a memory")),))
    return record_of(kind, memory, name)


def metadata_of(memory: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a row of the server: an object, or the text of one."""
    metadata = memory.get("metadata") or {}
    return json.loads(metadata) if isinstance(metadata, str) else metadata


def lasting(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """All but the time of day at which it was told."""
    return {name: value for name, value in metadata.items() if name != "timestamp"}


def spec_key(problem_id: str, prompt: str, model: str, version: str) -> str:
    """Twelve hex digits that stand for what a spec depends on."""
    return sha256("\0".join((problem_id, prompt, model, version)).encode(errors="surrogatepass")).hexdigest()[:12]


def title_of(experiment: Experiment, name: str) -> str:
    """Unique for each memory, and of characters that every search takes.

    The hyphen makes kind and number one search term, which no text of another memory contains by chance.
    """
    return " ".join(_NOT_IN_TITLES.sub("-", part) for part in (experiment.id, experiment.problem_id, name))


def shortened(text: str, pointer: str) -> str:
    """*text*, or its beginning and *pointer* where the server would cut it."""
    if _units(text) <= CONTENT_LIMIT:
        return text
    room = CONTENT_LIMIT - _units(pointer) - 2
    # A character outside the basic plane counts twice.
    kept = text[:room] if _units(text[:room]) <= room else text[: room // 2]
    return f"{kept}\n\n{pointer}"


def _memory(
    experiment: Experiment, kind: str, *, name: str, category: str, content: str, number: int = 0, **about: object
) -> MemoryEntry:
    tags = ("experiment", kind, experiment.id, experiment.problem_id, experiment.benchmark_id)
    return MemoryEntry(
        title=title_of(experiment, name),
        content=shortened(content, _pointer(experiment.benchmark_id)),
        category=category,
        tags=tuple(tag for tag in tags if tag),
        metadata=_metadata(experiment, kind, {"iteration": number or None, **about}),
        experiment_id=experiment.id,
        kind=kind,
        number=number,
    )


def _metadata(experiment: Experiment, kind: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """The seed's own seven among them; None where one is not known or does not apply."""
    cost = about.get("cost")
    return {
        "experiment_id": experiment.id,
        "problem_id": experiment.problem_id,
        "iteration": None,
        "model": "",
        "success": None,
        **about,
        "cost": None if cost is None else float(cost),
        "timestamp": _now(),
        "kind": kind,
        "arm": experiment.arm,
        "epoch": experiment.epoch,
        "benchmark_id": experiment.benchmark_id,
        "prompt_version": experiment.prompt_version,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _pointer(benchmark_id: str) -> str:
    return f"[Shortened. The whole text is in this memory's metadata and in the journal {benchmark_id}.]"


def _benchmark_text(head: Mapping[str, Any]) -> str:
    # What is long, such as the arms' definitions and the prompts, is for programs: the metadata has it.
    told = {name: value for name, value in head.items() if name not in ("id", "definitions", "prompts")}
    said = {name: value for name, value in told.items() if value is not None}
    lines = [f"- {name.replace('_', ' ')}: {_in_words(value)}" for name, value in said.items()]
    return "\n".join([f"Benchmark {head['id']}, as it was set up.", "", *lines])


def _in_words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} ({what})" for name, what in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _iteration_text(experiment: Experiment, iteration: Iteration) -> str:
    head = f"Iteration {iteration.number} of {experiment.id} on {experiment.problem_id} (arm {experiment.arm})"
    lines = [f"{head}: {iteration.verdict.outcome.value}{_share(iteration.verdict)}."]
    if iteration.repeated:
        lines.append("The candidate had been tried before.")
    if iteration.candidate is not None:
        fence = _fence(iteration.candidate.source)
        lines += ["", f"{fence}python", iteration.candidate.source.rstrip("\n"), fence]
    if iteration.feedback:
        lines += ["", "What the model was told:", iteration.feedback]
    lines += ["", f"By {iteration.model_id}, {_paid(iteration.cost, iteration.seconds)}."]
    return "\n".join(lines)


def _result_text(experiment: Experiment) -> str:
    passed = [iteration for iteration in experiment.iterations if iteration.passed]
    head = (
        f"{experiment.id} on {experiment.problem_id} (arm {experiment.arm}, epoch {experiment.epoch}): "
        f"{experiment.status.value} after {len(experiment.iterations)} iterations and "
        f"{len(experiment.checkpoints)} checkpoints, {_paid(experiment.ledger.cost, experiment.seconds)}."
    )
    lines = [head]
    if experiment.reason:
        lines.append(experiment.reason)
    lines += [
        f"- {row.role} {row.model}: {row.calls} calls, {row.usage.prompt} tokens in, {row.usage.output} out, "
        f"{_dollars(row.cost)}"
        for row in experiment.ledger.spendings
    ]
    if passed and passed[-1].candidate is not None:
        source = passed[-1].candidate.source
        lines += ["", f"{_fence(source)}python", source.rstrip("\n"), _fence(source)]
    if guidance := helped(experiment):
        # The hyphen makes it one search term, by which this memory is found for another experiment.
        word = f"helped-{failure_of(experiment, guidance.after_iteration)}"
        lines += ["", f"Checkpoint {guidance.number} {word}:", guidance.text]
    return "\n".join(lines)


def _fence(source: str) -> str:
    longest = max((len(run) for run in re.findall("`+", source)), default=0)
    return "`" * max(3, longest + 1)


def _share(verdict: Verdict) -> str:
    text = _assertions(verdict)
    return f", {text} assertions passed" if text else ""


def _assertions(verdict: Verdict) -> str | None:
    if verdict.assertions_total is None:
        return None
    return f"{verdict.assertions_passed} of {verdict.assertions_total}"


def _paid(cost: Decimal | None, seconds: float) -> str:
    return f"{_dollars(cost)}, {seconds:.1f} s"


def _dollars(cost: Decimal | None) -> str:
    return "cost unknown" if cost is None else f"{cost:.6f} USD"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _json(value: object) -> str:
    """Text that can be sent: half a surrogate pair, which some models write, becomes a question mark."""
    return json.dumps(value, default=str, ensure_ascii=False).encode(errors="replace").decode()
