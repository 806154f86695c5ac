"""How long a benchmark takes on 1, 2, 4 and 8 servers of one slot each, and how long these are idle.

Run: python -m tests.benchmarks.bench_servers [problems]
Each server is one on loopback that takes half a second for an answer. Every problem takes two answers. Four servers are
also asked by workers of pytest-xdist. Idle is what the results say: until the last experiment began.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from pytest_koderz.testing import Answer, OllamaServer

from .whole_process import cost_of, pytest_command

LATENCY = 0.5
TRIES = 2
IDLE_AIM = 0.05
SETTINGS = """
profile: served
profiles: {{served: {{arms: [alone], models: {{local: coder}}, problems: 0-{last}}}}}
arms: {{alone: {{local: local, max_iterations: {tries}}}}}
control: alone
models: {{coder: {{backend: ollama, model: coder, context_tokens: 8192, slots: 1, hosts: {hosts}}}}}
cortex: {{enabled: false}}
"""
WAYS: dict[int, tuple[tuple[str, ...], ...]] = {
    1: (("--koderz-jobs=1",), ("--koderz-jobs=2",)),
    2: (("--koderz-jobs=2",), ("--koderz-jobs=4",)),
    4: (("--koderz-jobs=4",), ("--koderz-jobs=8",), ("-n", "4"), ("-n", "4", "--koderz-jobs=2")),
    8: (("--koderz-jobs=8",), ("--koderz-jobs=16",)),
}


def _server() -> OllamaServer:
    answers = [Answer(f"```python\ndef wrong_{number}(): ...\n```", latency=LATENCY) for number in range(2000)]
    return OllamaServer(answers, prompt_ns=0, reply_ns=int(LATENCY * 1e9))


def measured(servers: int, problems: int, way: tuple[str, ...]) -> str:
    """A line of the table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hosts = [stack.enter_context(_server()).url for _ in range(servers)]
        text = SETTINGS.format(last=problems - 1, tries=TRIES, hosts=json.dumps(hosts))
        (folder / "koderz.yaml").write_text(text)
        arguments = ("--koderz", "-q", "--tb=no", "--koderz-json", "r.json", *way)
        whole = cost_of(pytest_command(*arguments), folder, expected=(1,))
        found = json.loads((folder / "r.json").read_text())
        took = [float(row["idle_share"]) for row in found["servers"]]
    ideal = problems * TRIES * LATENCY / servers
    idle = ", ".join(f"{share * 100:.1f} %" for share in took)
    return (
        f"{servers} {' '.join(way)}: {whole.wall:.1f} s (ideal {ideal:.1f}), idle {idle} (aim {IDLE_AIM * 100:.0f} %)"
    )


def main(problems: int) -> None:
    """Print the table."""
    for servers, ways in WAYS.items():
        for way in ways:
            print(measured(servers, problems, way), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
