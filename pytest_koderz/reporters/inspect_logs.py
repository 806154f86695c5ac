"""A benchmark as logs of inspect_ai, one for each arm, for those who have its viewer: format 2, in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.evidence.arms import ArmFigures, figures_of
from pytest_koderz.records.asked_calls import AskedCall, of_attempt
from pytest_koderz.records.reader import Archived

from .arm_row import limits
from .router_rows import litellm_name, task_of
from .text import headline

SCORER = "koderz"
_STOPS = {
    StopReason.END: "stop",
    StopReason.MAX_TOKENS: "max_tokens",
    StopReason.CONTEXT: "model_length",
    StopReason.REFUSAL: "content_filter",
    StopReason.CANCELLED: "unknown",
}
_UNKNOWN_TIME = "1970-01-01T00:00:00+00:00"


def inspect_logs(benchmark: Archived, calls: Mapping[str, Sequence[AskedCall]]) -> Mapping[str, dict[str, Any]]:
    """By the name of its file, as inspect names its own."""
    found = {}
    for arm in dict.fromkeys(one.arm for one in benchmark.experiments):
        own = [one for one in benchmark.experiments if one.arm == arm]
        stamp, name = _time(benchmark.began).replace(":", "-"), re.sub(r"[^\w.-]", "-", arm)
        found[f"{stamp}_koderz-{name}_{benchmark.id}.json"] = _log(benchmark, arm, own, calls)
    return found


def _log(
    benchmark: Archived, arm: str, experiments: Sequence[Experiment], calls: Mapping[str, Sequence[AskedCall]]
) -> dict[str, Any]:
    defined = next((each for each in benchmark.head.definitions if each.name == arm), None)
    samples = [_sample(one, of_attempt(calls.get(one.id, ()), one.started)) for one in experiments]
    used = [call for one in experiments for call in of_attempt(calls.get(one.id, ()), one.started)]
    return {
        "version": 2,
        "status": "cancelled" if benchmark.interrupted else "success",
        "eval": _spec(benchmark, arm, defined, experiments),
        "plan": {"name": "plan", "steps": [{"solver": SCORER, "params": {"arm": arm}}], "config": {}},
        "results": _results(figures_of(arm, experiments), len(samples)),
        "stats": {
            "started_at": _time(benchmark.began),
            "completed_at": max((_time(call.at) for call in used), default=_time(benchmark.began)),
            "model_usage": _usage_by_model(used),
        },
        "samples": samples,
    }


def _spec(benchmark: Archived, arm: str, defined: Arm | None, experiments: Sequence[Experiment]) -> dict[str, Any]:
    head = benchmark.head
    names = list(dict.fromkeys(one.problem_id for one in experiments))
    model = litellm_name(defined.local) if defined else experiments[0].arm
    roles = (
        {}
        if defined is None
        else {role: ", ".join(map(litellm_name, defined.players(role))) for role in defined.models}
    )
    return {
        "eval_id": f"{benchmark.id}-{arm}",
        "run_id": benchmark.id,
        "created": _time(benchmark.began),
        "task": f"koderz-{arm}",
        "task_id": f"{benchmark.id}-{arm}",
        "solver": SCORER,
        "dataset": {"name": head.selection or head.problems or "", "samples": len(names), "sample_ids": names},
        "model": model,
        "config": {"epochs": head.epochs or 1},
        "packages": {"pytest-koderz": head.pytest_koderz},
        "metadata": {"profile": head.profile, "models": dict(roles), "simulated": benchmark.simulated},
        "scorers": [{"name": SCORER}],
    }


def _results(figures: ArmFigures, samples: int) -> dict[str, Any]:
    values = {"accuracy": figures.solved_share, "dollars": _number(figures.dollars)}
    metrics = {name: {"name": name, "value": value} for name, value in values.items() if value is not None}
    about = {"solved": figures.solved, "settled": figures.settled, "interval": limits(figures.solved_interval)}
    score = {"name": SCORER, "scorer": SCORER, "scored_samples": figures.settled, "metrics": metrics, "metadata": about}
    return {"total_samples": samples, "completed_samples": figures.settled, "scores": [score]}


def _sample(one: Experiment, calls: Sequence[AskedCall]) -> dict[str, Any]:
    """Its transcript is all that was asked, its messages the last call with its answer."""
    last = calls[-1] if calls else None
    cost = one.ledger.cost
    sample = {
        "id": one.problem_id,
        "epoch": one.epoch,
        "input": task_of(calls) or one.problem_id,
        "target": "",
        "messages": [*_messages(last), _answer(last)] if last else [],
        "output": _output(last) if last else {"model": "", "choices": []},
        "events": [_event(call) for call in calls],
        "model_usage": _usage_by_model(calls),
        "total_time": one.seconds,
        "metadata": {
            "experiment": one.id,
            "status": str(one.status),
            "iterations": len(one.iterations),
            "checkpoints": len(one.checkpoints),
            "cost_usd": _number(cost),
        },
    }
    if one.status.settled:
        sample["scores"] = {SCORER: _score(one)}
    elif one.status is Status.INVALID:
        sample["error"] = {"message": one.reason, "traceback": "", "traceback_ansi": ""}
    return sample


def _score(one: Experiment) -> dict[str, Any]:
    """Correct or incorrect, as inspect writes it."""
    candidate = one.iterations[-1].candidate if one.iterations else None
    answer = None if candidate is None else candidate.source
    return {"value": "C" if one.solved else "I", "answer": answer, "explanation": headline(one)}


def _event(call: AskedCall) -> dict[str, Any]:
    return {
        "event": "model",
        "timestamp": _time(call.at),
        "model": call.what.reply.model_id,
        "role": str(call.what.role),
        "input": _messages(call),
        "tools": [],
        "tool_choice": "none",
        "config": {"seed": call.what.prompt.seed},
        "output": _output(call),
        "working_time": call.what.reply.seconds,
    }


def _messages(call: AskedCall) -> list[dict[str, Any]]:
    asked = call.what.prompt
    told = [("system", asked.system), ("user", asked.user)]
    return [{"role": role, "content": text} for role, text in told if text]


def _answer(call: AskedCall) -> dict[str, Any]:
    reply = call.what.reply
    return {"role": "assistant", "content": reply.text, "model": reply.model_id, "source": "generate"}


def _output(call: AskedCall) -> dict[str, Any]:
    reply = call.what.reply
    return {
        "model": reply.model_id,
        "choices": [{"message": _answer(call), "stop_reason": _STOPS[reply.stop_reason]}],
        "usage": _usage(reply.usage, [call.what.spending.cost]),
        "time": reply.seconds,
    }


def _usage_by_model(calls: Iterable[AskedCall]) -> dict[str, Any]:
    groups: dict[str, list[AskedCall]] = {}
    for call in calls:
        groups.setdefault(call.what.reply.model_id, []).append(call)
    return {
        name: _usage(
            sum((each.what.reply.usage for each in group), Usage()), [each.what.spending.cost for each in group]
        )
        for name, group in groups.items()
    }


def _usage(usage: Usage, costs: Iterable[Decimal | None]) -> dict[str, Any]:
    known = list(costs)
    total = usage.input + usage.output + usage.cache_write + usage.cache_read
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "total_tokens": total,
        "input_tokens_cache_write": usage.cache_write,
        "input_tokens_cache_read": usage.cache_read,
        "total_cost": None if None in known else float(sum(filter(None, known))),
    }


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _time(text: str) -> str:
    """With its zone, as inspect wants it."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")
    except ValueError:
        return _UNKNOWN_TIME
