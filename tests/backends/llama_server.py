"""A real llama.cpp server in a process of its own: `python -m tests.backends.llama_server WEIGHTS PORT`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import requests

SLOTS = 2
WINDOW = 2048
"""Tokens of all slots together."""
START_SECONDS = 120


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class LlamaServer:
    """A context manager; it may be killed and started anew, at the same address."""

    def __init__(self, weights: str) -> None:
        self._weights = weights
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.backends.llama_server", self._weights, str(self._port)],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"OMP_WAIT_POLICY": "passive"},
            # It ends with this process, which holds the other end.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def wait_until_ready(self) -> None:
        self._wait_for(lambda: requests.get(f"{self.url}/health", timeout=5).ok)

    def wait_until_busy(self, slots: int = 1) -> None:
        """Until so many calls are worked on."""
        self._wait_for(lambda: sum(slot["is_processing"] for slot in self.look("/slots")) >= slots)

    def wait_until_idle(self) -> None:
        self._wait_for(lambda: not any(slot["is_processing"] for slot in self.look("/slots")))

    def counted(self) -> tuple[int, int]:
        """Tokens that it has read anew and written, as it counts them."""
        lines = requests.get(self.url + "/metrics", timeout=10).text.splitlines()
        told = dict(line.split() for line in lines if not line.startswith("#"))
        return int(told["llamacpp:prompt_tokens_total"]), int(told["llamacpp:tokens_predicted_total"])

    def look(self, path: str) -> Any:
        return requests.get(self.url + path, timeout=10).json()

    def _wait_for(self, reached: Any) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self._process.poll() is None, "the server ended"
            try:
                if reached():
                    return
            except requests.RequestException:
                pass
            time.sleep(0.02)
        raise TimeoutError


def serve(weights: str, port: int) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.n_ctx, parameters.n_parallel = WINDOW, SLOTS
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.port = port
    parameters.endpoint_slots = parameters.endpoint_metrics = True
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
