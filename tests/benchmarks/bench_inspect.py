"""What a benchmark costs beside its models: HumanEval with answers at once, against inspect_ai in the same run.

Run: python -m tests.benchmarks.bench_inspect PYTHON [runs]
PYTHON is one that has inspect_ai, in an environment of its own. Both judge the published answers of all 164 problems in
processes, and both keep their record. Beside that: what collecting them costs against plain pytest's collecting.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from pytest_koderz.datasets import load

from .whole_process import Cost, cost_of, median_of, pytest_command

AIMS = {"wall": 0.4, "CPU": 0.5, "memory": 1.0}
MORE_TO_COLLECT = 0.5
"""Seconds more than plain pytest takes."""
SETTINGS = """
profile: instant
profiles: {instant: {arms: [alone], models: {local: instant}, jobs: 4}}
arms: {alone: {local: local, max_iterations: 1}}
control: alone
models: {instant: {backend: simulated, model: instant, options: {strength: 1.0}}}
prices: {instant: free}
cortex: {enabled: false}
"""
TASK = """
import json
import pathlib
import sys

from inspect_ai import Task, eval, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import CORRECT, INCORRECT, Score, accuracy, scorer
from inspect_ai.solver import generate
from inspect_ai.util import ExecResult, sandbox

ROWS = json.loads(pathlib.Path("problems.json").read_text())
CODE = {row["prompt"]: row["code"] for row in ROWS}


@scorer(metrics=[accuracy()])
def verify():
    async def score(state, target):
        result = await sandbox().exec([sys.executable, "-c", state.output.completion + target.text], timeout=30)
        return Score(value=CORRECT if result.success else INCORRECT)

    return score


def answer(input, tools, tool_choice, config):
    output = ModelOutput.from_content("mockllm/model", CODE[input[-1].text])
    # Else it would count tokens with a tokenizer that it fetches.
    output.usage = ModelUsage(input_tokens=100, output_tokens=100, total_tokens=200)
    return output


@task
def humaneval():
    samples = [Sample(id=row["id"], input=row["prompt"], target=row["tests"]) for row in ROWS]
    return Task(dataset=samples, solver=generate(), scorer=verify(), sandbox="local")


if __name__ == "__main__":
    (log,) = eval(humaneval(), model=get_model("mockllm/model", custom_outputs=answer), display="plain", log_dir="logs")
    assert log.results.scores[0].metrics["accuracy"].value == 1.0, log.results
"""


def _prepare(folder: Path) -> None:
    (folder / "koderz.yaml").write_text(SETTINGS)
    (folder / "task.py").write_text(TASK)
    rows = [
        {
            "id": problem.id,
            "prompt": problem.prompt,
            "code": problem.prompt + (problem.canonical_solution or ""),
            "tests": f"\n{problem.source_of('base')}\ncheck({problem.entry_point})\n",
        }
        for problem in load("humaneval")
    ]
    (folder / "problems.json").write_text(json.dumps(rows))
    (folder / "test_one.py").write_text("def test_one():\n    pass\n")


def _ours(folder: Path) -> Cost:
    return cost_of(pytest_command("--koderz", "-q", "-p", "no:cacheprovider"), folder)


def _collecting(folder: Path, *arguments: str) -> Cost:
    return cost_of(pytest_command("--collect-only", "-q", "-p", "no:cacheprovider", *arguments), folder)


def main(python: str, runs: int) -> None:
    """Print the ratios of medians; the two take turns, so that noise meets both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder)
        _ours(folder)
        pairs = [(_ours(folder), cost_of([python, "task.py"], folder)) for _ in range(runs)]
        collected = [(_collecting(folder, "--koderz"), _collecting(folder, "test_one.py")) for _ in range(runs)]
    ours, theirs = (median_of(column) for column in zip(*pairs, strict=True))
    ratio = ours / theirs
    print(f"164 problems, answers at once: {ours}; inspect_ai: {theirs} (medians of {runs})")
    found = {"wall": ratio.wall, "CPU": ratio.cpu, "memory": ratio.megabytes}
    print(", ".join(f"{name} {value:.2f} (aim {AIMS[name]})" for name, value in found.items()))
    mine, plain = (median_of(column) for column in zip(*collected, strict=True))
    more = f"{mine.wall - plain.wall:+.2f} s (aim +{MORE_TO_COLLECT}), CPU {mine.cpu - plain.cpu:+.2f} s"
    print(f"collecting: {mine}; one plain test: {plain}; {more}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
