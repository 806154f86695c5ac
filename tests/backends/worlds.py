"""The small worlds of these tests: a model's settings, a prompt, a problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, Self

from pytest_koderz.backends import OURS
from pytest_koderz.backends.backend import Surroundings
from pytest_koderz.core.arm import ModelSettings, Role
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.problem import Problem

SECRET = "sk-ant-very-secret-0123456789"


def a_model(backend: str, model: str = "m", **changes: Any) -> ModelSettings:
    return ModelSettings(name="mine", backend=backend, model=model, **changes)


def a_prompt(text: str = "Write add.", **changes: Any) -> Prompt:
    parts: dict[str, Any] = {"system": "Be brief.", "stable": "# Task\ndef add(x, y):", "text": text}
    return Prompt(**(parts | {"problem_id": "HumanEval/53", "role": Role.LOCAL} | changes))


ADD = Problem(
    id="Own/add",
    prompt='from typing import List\n\ndef add(x: int, y: int) -> int:\n    """Add."""\n',
    entry_point="add",
    tests="def check(candidate):\n    assert candidate(2, 3) == 5\n",
    canonical_solution=(
        'from typing import List\n\ndef add(x: int, y: int) -> int:\n    """Add."""\n'
        "    total = x\n    for _ in range(abs(y)):\n        total += 1 if y > 0 else -1\n    return total\n"
    ),
)


@dataclass
class Naps:
    """A sleep that only takes notes."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def open_model(settings: ModelSettings, **surroundings: Any) -> Any:
    """By the door that a benchmark opens it by; no environment unless one is given."""
    return OURS[settings.backend].opened(settings, Surroundings(**surroundings))


def fault_of(settings: ModelSettings, environment: Mapping[str, str]) -> str | None:
    return OURS.of(settings).fault_of(settings, environment)


Say = Callable[[bytes], object]


class RawServer:
    """A context manager: a server on loopback that writes whatever *answer* gives it to say, well-formed or not."""

    def __init__(self, answer: Callable[[str, Say], object]) -> None:
        """*answer* takes a request's path and a function that sends bytes; the connection is closed behind it."""
        self.asked: list[tuple[str, str, bytes]] = []
        """Request line, head and body of each request."""
        server = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline().decode().strip()
                head = "".join(iter(lambda: self.rfile.readline().decode().strip("\r\n"), ""))
                length = re.search(r"(?i)content-length: *(\d+)", head)
                server.asked.append((line, head, self.rfile.read(int(length[1]) if length else 0)))
                with suppress(OSError):  # a client that has heard enough
                    answer(line.split()[1], self.wfile.write)

        self._tcp = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._tcp.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._tcp.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tcp.shutdown()
        self._thread.join()
        self._tcp.server_close()
