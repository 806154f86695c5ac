"""A benchmark as rows for training a router, with what such data sets hold: prompt, model, response, correct, cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.prompts import PROBLEM_HEADING
from pytest_koderz.evidence.problems import cost_of, usage_of
from pytest_koderz.records.asked_calls import AskedCall, of_attempt
from pytest_koderz.records.reader import Archived


def router_rows(benchmark: Archived, calls: Mapping[str, Sequence[AskedCall]]) -> Iterator[dict[str, Any]]:
    """One for each problem, arm and run that was settled; of another, nobody knows whether it is correct."""
    arms = {arm.name: arm for arm in benchmark.head.definitions}
    for one in benchmark.experiments:
        if one.status.settled:
            own = of_attempt(calls.get(one.id, ()), one.started)
            yield _row(one, arms.get(one.arm), own)


def _row(one: Experiment, arm: Arm | None, calls: Sequence[AskedCall]) -> dict[str, Any]:
    written = [call for call in calls if call.what.role in (Role.LOCAL, Role.FALLBACK)]
    cost, usage = cost_of(one), usage_of(one)
    answer = one.iterations[-1].candidate if one.iterations else None
    return {
        "sample_id": one.problem_id,
        "prompt": task_of(calls),
        "arm": one.arm,
        "run": one.epoch,
        "model": _writer(one, arm),
        "response": written[-1].what.reply.text if written else "" if answer is None else answer.source,
        "correct": one.solved,
        "cost": None if cost is None else float(cost),
        "input_tokens": usage.input + usage.cache_write + usage.cache_read,
        "output_tokens": usage.output,
        "seconds": round(one.seconds, 3),
        "calls": len(calls) or None,
        "iterations": len(one.iterations),
        "benchmark": one.benchmark_id,
        "experiment": one.id,
    }


def task_of(calls: Sequence[AskedCall]) -> str:
    """The task as the first call told it, between its heading and the sentence that asks; what a prompt of one's own
    holds, whole. Empty: no call is known.
    """
    if not calls:
        return ""
    asked = calls[0].what.prompt.user
    return asked.removeprefix(PROBLEM_HEADING).rpartition("\n\n")[0].strip() if _is_headed(asked) else asked


def _is_headed(asked: str) -> bool:
    return asked.startswith(PROBLEM_HEADING) and "\n\n" in asked


def _writer(one: Experiment, arm: Arm | None) -> str:
    """Who wrote the last candidate, else who would have written the first."""
    last = one.iterations[-1] if one.iterations else None
    if arm is None:
        return last.model_id if last else ""
    if last is not None and last.fallback and arm.fallback is not None:
        return litellm_name(arm.fallback)
    return litellm_name(arm.asked(Role.LOCAL, last.writer if last else ""))


def litellm_name(model: ModelSettings) -> str:
    """As LiteLLM names models: `ollama/qwen2.5-coder:7b`."""
    return f"{model.backend}/{model.model}"
