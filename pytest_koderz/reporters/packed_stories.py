"""Stories as compressed data for a page, which tells them on demand."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Candidate, Iteration, Verdict
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.problem import Problem

from .asked import asked_for_candidate, asked_for_guidance, asked_for_spec, can_be_told
from .plain_text import cut
from .story import (
    advice_words,
    checkpoint_words,
    circumstances_of,
    cost_rows,
    ending_words,
    epoch_words,
    graded_words,
    iteration_words,
    spec_words,
)
from .text import dollars, outcome_words

MOST = 20_000
"""Characters of one text that a page holds."""
LINE = 2_000
"""The same of one line."""
SHORT = 4_000
"""The same of what a candidate printed, of one line of a story, and of tests that were only used for grading."""
FIELD = 40
"""Characters from which a text within a prompt is named, not repeated."""
PART = 192 * 1024
"""Characters of a part, about: small enough to be unpacked in a moment, large enough to be packed well."""

Told = int | str
"""In a part: the number of one of its texts, or a text itself."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some problems with all their stories."""

    problems: tuple[str, ...]
    packed: str
    """JSON, as zlib packs it, in base64."""


@dataclass(slots=True)
class _Texts:
    """Those of a part, each once: what it is, and how many characters of it were cut off."""

    kept: list[tuple[str, int]] = field(default_factory=list)
    numbers: dict[tuple[str, int], int] = field(default_factory=dict)
    size: int = 0

    def put(self, text: str, most: int = MOST) -> int:
        key = (text, most)
        if key not in self.numbers:
            self.numbers[key] = len(self.kept)
            self.kept.append((_with_short_lines(text[:most]), max(0, len(text) - most)))
            self.size += min(len(text), most)
        return self.numbers[key]


def _with_short_lines(text: str) -> str:
    return text if len(text) <= LINE else "\n".join(cut(line, LINE) for line in text.split("\n"))


@dataclass(frozen=True, slots=True)
class Stories:
    """What all stories of a page are told with."""

    problems: Mapping[str, Problem]
    arms: Mapping[str, Arm]
    """By name; empty where they are not known."""
    mark: str
    """Stands before every line that models caused."""

    def parts(self, groups: Mapping[str, Sequence[Experiment]]) -> Iterator[Part]:
        """By problem, in the order of *groups*."""
        texts, held, stories = _Texts(), dict[str, Any](), dict[str, Any]()
        for name, group in groups.items():
            held[name] = list(_problem(self.problems.get(name), texts))
            stories |= {one.id: self._story(one, texts) for one in group}
            if texts.size + 1000 * len(stories) > PART:
                yield _packed(texts, held, stories)
                texts, held, stories = _Texts(), {}, {}
        if held:
            yield _packed(texts, held, stories)

    def _story(self, one: Experiment, texts: _Texts) -> dict[str, Any]:
        return {
            "problem": one.problem_id,
            "arm": f"{one.arm}{epoch_words(one)}",
            "mark": self.mark,
            "status": str(one.status),
            "ending": cut(ending_words(one), SHORT),
            "circumstances": f"{one.id}, {circumstances_of(one)}",
            "steps": list(self._steps(one, texts)),
            "cost": dollars(one.ledger.cost),
            "spendings": list(cost_rows(one.ledger)),
        }

    def _steps(self, one: Experiment, texts: _Texts) -> Iterator[dict[str, Any]]:
        """In the order in which they came."""
        problem, arm = self.problems.get(one.problem_id), self.arms.get(one.arm)
        asker = _asker(one, problem, arm, texts) if problem and arm and can_be_told(one, arm) else None
        for tried, iteration in enumerate((None, *one.iterations)):
            if iteration is not None:
                yield {**_iteration(iteration, texts), "asked": asker.candidate(iteration) if asker else None}
            yield from self._supervised(one, tried, texts, asker)
        if one.graded is not None:
            yield {"kind": "graded", "title": cut(graded_words(one.graded), SHORT), **_failure(one.graded, texts)}

    def _supervised(self, one: Experiment, tried: int, texts: _Texts, asker: _Asker | None) -> Iterator[dict[str, Any]]:
        """What came after so many iterations."""
        if one.spec is not None and one.spec.after_iteration == tried:
            asked = asker.spec() if asker and one.spec.recalled_from is None else None
            yield {"kind": "spec", "title": spec_words(one.spec), **_said(one.spec, texts), "asked": asked}
        for advice in one.advice:
            if advice.after_iteration == tried:
                yield {"kind": "advice", "title": advice_words(advice), **_said(advice, texts)}
        for guidance in one.checkpoints:
            if guidance.after_iteration == tried:
                asked = asker.guidance(guidance) if asker else None
                title = checkpoint_words(guidance)
                yield {"kind": "guidance", "title": title, **_said(guidance, texts), "asked": asked}


@dataclass(frozen=True, slots=True)
class _Asker:
    """The prompts of one experiment: between the fields that are texts of their own the template's words."""

    experiment: Experiment
    problem: Problem
    arm: Arm
    texts: _Texts
    fields: tuple[str, ...]
    """The longest first, so that none is found within another that stands there whole."""

    def spec(self) -> dict[str, Any]:
        return self._told(asked_for_spec(self.problem, self.arm))

    def candidate(self, iteration: Iteration) -> dict[str, Any]:
        return self._told(asked_for_candidate(self.experiment, iteration, self.problem, self.arm))

    def guidance(self, guidance: Guidance) -> dict[str, Any]:
        told = self._told(asked_for_guidance(self.experiment, guidance, self.problem, self.arm))
        recalled = "The attempts came from cortex; here they stand as the loop recorded them."
        return told | ({"note": recalled} if guidance.recalled else {})

    def _told(self, prompt: Prompt) -> dict[str, Any]:
        pieces = list(_pieces(prompt.user, self.fields, self.texts))
        return {"system": self.texts.put(prompt.system), "user": pieces}


def _asker(one: Experiment, problem: Problem, arm: Arm, texts: _Texts) -> _Asker:
    said = [each.text for each in (one.spec, *one.checkpoints, *one.advice) if each is not None]
    tried = [text for each in one.iterations for text in (_source(each.candidate), each.feedback) if text]
    found = dict.fromkeys(text for text in (problem.prompt.strip(), *said, *tried) if len(text) >= FIELD)
    return _Asker(one, problem, arm, texts, tuple(sorted(found, key=len, reverse=True)))


def _pieces(text: str, fields: Sequence[str], texts: _Texts) -> Iterator[Told]:
    """*text*, with the numbers of the *fields* that it holds in their places."""
    while (
        len(text) >= FIELD
        and (place := next((number for number, each in enumerate(fields) if each in text), None)) is not None
    ):
        before, known, text = text.partition(fields[place])
        yield from _pieces(before, fields[place + 1 :], texts)
        yield texts.put(known)
    if text:
        yield text


def _problem(problem: Problem | None, texts: _Texts) -> Iterator[tuple[str, int]]:
    """Its texts, each with what it is; empty where it is not known."""
    if problem is None:
        return
    yield "the problem", texts.put(problem.prompt.strip())
    yield "the tests", texts.put(problem.tests.strip())
    if problem.visible:
        yield "the visible tests: examples that the problem shows", texts.put(problem.visible.strip())
    if problem.plus:
        yield "the plus tests", texts.put(problem.plus.strip(), SHORT)


def _said(step: Spec | Guidance | Advice, texts: _Texts) -> dict[str, Any]:
    return {"text": texts.put(step.text.strip())} | ({"flags": step.leaks} if step.leaks else {})


def _iteration(iteration: Iteration, texts: _Texts) -> dict[str, Any]:
    return {
        "kind": "iteration",
        "title": iteration_words(iteration),
        "best": iteration.best,
        "candidates": [_candidate(*each, texts) for each in iteration.tried],
        **({"told": texts.put(iteration.feedback)} if iteration.feedback else {}),
        **({"question": texts.put(iteration.question)} if iteration.question else {}),
    }


def _candidate(candidate: Candidate | None, verdict: Verdict, writer: str, texts: _Texts) -> dict[str, Any]:
    printed = {"stdout": verdict.stdout, "stderr": verdict.stderr}
    return {
        "source": None if candidate is None else texts.put(_source(candidate)),
        "verdict": outcome_words(verdict),
        "accepted": verdict.accepted,
        **({"writer": writer} if writer else {}),
        **({"failure": told["text"]} if (told := _failure(verdict, texts)) else {}),
        **{name: texts.put(text, SHORT) for name, text in printed.items() if text},
    }


def _source(candidate: Candidate | None) -> str:
    """As prompts show it."""
    return "" if candidate is None else candidate.source.strip()


def _failure(verdict: Verdict, texts: _Texts) -> dict[str, Any]:
    """Every failed test that is kept, with its values."""
    told = [
        "\n".join(
            dict.fromkeys(text for text in (one.assertion, one.explanation, one.exception or one.summary) if text)
        )
        for one in verdict.failures
    ]
    return {"text": texts.put("\n\n".join(told))} if told else {}


def _packed(texts: _Texts, problems: Mapping[str, Any], stories: Mapping[str, Any]) -> Part:
    told = {"texts": texts.kept, "problems": problems, "stories": stories}
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=True)
    return Part(tuple(problems), b64encode(zlib.compress(text.encode(), 6)).decode())
