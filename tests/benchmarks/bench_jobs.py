"""How near 64 jobs come to the time that the models alone take: HumanEval, four answers each, half a second an answer.

Run: python -m tests.benchmarks.bench_jobs [runs]
A server on loopback answers. Memory and journal are on. The start is not taken off.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

from pytest_koderz.testing import Answer, OllamaServer

from .whole_process import Cost, cost_of, median_of, pytest_command

PROBLEMS = 164
TRIES = 4
LATENCY = 0.5
AIM = 1.15
SETTINGS = """
profile: served
profiles: {{served: {{arms: [alone], models: {{local: coder}}}}}}
arms: {{alone: {{local: local, max_iterations: {tries}}}}}
control: alone
models: {{coder: {{backend: ollama, model: coder, context_tokens: 8192, slots: {jobs}, hosts: ["{host}"]}}}}
"""


def _cost(jobs: int) -> Cost:
    many = PROBLEMS * TRIES + jobs
    answers = [Answer(f"```python\ndef wrong_{number}(): ...\n```", latency=LATENCY) for number in range(many)]
    with tempfile.TemporaryDirectory() as name, OllamaServer(answers, prompt_ns=0, reply_ns=0) as server:
        folder = Path(name)
        (folder / "koderz.yaml").write_text(SETTINGS.format(tries=TRIES, jobs=jobs, host=server.url))
        return cost_of(pytest_command("--koderz", "-q", "--tb=no", f"--koderz-jobs={jobs}"), folder, expected=(1,))


def main(runs: int, jobs: int = 64) -> None:
    """Print the ratio of the median."""
    took = median_of([_cost(jobs) for _ in range(runs)])
    ideal = math.ceil(PROBLEMS / jobs) * TRIES * LATENCY
    print(f"jobs {jobs}: {took}; ideal {ideal:.1f} s, ratio {took.wall / ideal:.2f} (aim {AIM})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
