"""One connection to a memory server, over the MCP SDK on stdio."""

from __future__ import annotations

import math
import os
import shutil
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.files.visible_text import quoted
from pytest_koderz.records.private_files import make_private_database

from .bounded_stdio import bounded_stdio
from .replies import ToolReply

if TYPE_CHECKING:
    from mcp.client.client import Client
    from mcp.client.stdio import StdioServerParameters

START_TIMEOUT = 30.0
"""Seconds for a server to start and shake hands, on a busy machine."""

ANSWER_TIMEOUT = 15.0
"""Seconds for one answer, after which a server counts as hung; an answer takes milliseconds."""

FEW_PROCESSES = "; this user may have no more processes (ulimit -u)"

LONGEST_WORDS = 4096
"""Bytes of what a server writes to its standard error, of which a complaint quotes the last line."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a memory server is started."""

    cortex_path: str | None
    """claude-cortex's `dist/index.js`. None: the embedded server."""
    database: Path
    project: str
    path: str
    """PATH and HOME of the server: all that it gets of this process's environment."""
    home: str

    @classmethod
    def of(cls, cortex_path: str | None, database: Path, project: str, environment: Mapping[str, str]) -> Launch:
        return cls(
            cortex_path,
            database.absolute(),
            project,
            environment.get("PATH", os.defpath),
            environment.get("HOME", str(Path.home())),
        )

    @property
    def command(self) -> list[str]:
        """The server's command line. MemoryUnavailable: Node.js, which claude-cortex needs, is not there."""
        if self.cortex_path is None:
            return [sys.executable, "-m", "pytest_koderz.cortex", "--db", str(self.database)]
        node = shutil.which("node", path=self.path)
        if node is None:
            raise MemoryUnavailable(
                "CORTEX_PATH is set, but there is no `node` on PATH to run it with; install Node.js, or unset"
                " CORTEX_PATH"
            )
        return [node, self.cortex_path, "--db", str(self.database)]

    def parameters(self) -> StdioServerParameters:
        from mcp.client.stdio import StdioServerParameters

        # The SDK adds USER, SHELL and more to what it is given; `env -i` takes all of it away again.
        environment = {"PATH": self.path, "HOME": self.home, "CLAUDE_MEMORY_PROJECT": self.project}
        clean = ["-i", *(f"{name}={value}" for name, value in environment.items())]
        # The package is found from here even where it is not installed.
        folder = Path(__file__).parents[3] if self.cortex_path is None else self.database.parent
        return StdioServerParameters(command="env", args=[*clean, *self.command], cwd=folder)


class Connection:
    """An open connection. Any failure of the server is a MemoryUnavailable, and ends the connection."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def server(self) -> str:
        """The server's own name and version, as they may be told."""
        about = self._client.server_info
        return quoted(f"{about.name} {about.version}") if about else ""

    async def call(self, tool: str, arguments: Mapping[str, Any], timeout: float = ANSWER_TIMEOUT) -> ToolReply:
        """Ask *tool*. After a failure it is unknown whether the server has done what it was asked."""
        import anyio
        from mcp.shared.exceptions import MCPError

        try:
            with anyio.fail_after(timeout):  # the SDK's own limit is none of the list of tools that it asks for besides
                result = await self._client.call_tool(tool, dict(arguments), read_timeout_seconds=timeout)
        except (MCPError, OSError, TimeoutError) as error:
            words = quoted(str(error)) or f"not within {timeout:g} s"
            raise MemoryUnavailable(f"cortex gave no answer to {tool}: {words}") from error
        return ToolReply("".join(getattr(part, "text", "") for part in result.content), bool(result.is_error))


@asynccontextmanager
async def connect(launch: Launch) -> AsyncIterator[Connection]:
    """Start a server and shake hands with it; afterwards it is stopped. Raises MemoryUnavailable."""
    import anyio
    from mcp.client.client import Client

    try:
        # Either server finds it there, and what they write beside it has its mode.
        make_private_database(launch.database)
    except OSError as fault:
        raise MemoryUnavailable(f"cortex has no database: {fault.strerror}: {launch.database}") from None
    parameters = launch.parameters()
    with LastWords() as log:
        client = Client(bounded_stdio(parameters, log.sink), mode="legacy", cache=None)
        started = False
        try:
            with anyio.fail_after(START_TIMEOUT) as starting:
                async with client:
                    starting.deadline, started = math.inf, True
                    yield Connection(client)
        except Exception as error:  # the SDK's task groups wrap whatever happens in groups of groups
            raise _unavailable(error, log, started) from error


class LastWords:
    """A context manager: what a server writes beside its answers, of which no more than the end is kept.

    Entering raises MemoryUnavailable where there may be no further thread.
    """

    def __enter__(self) -> Self:
        reading, writing = os.pipe()
        self.sink = os.fdopen(writing, "w", encoding="utf-8")
        """What the server is given."""
        self._kept = b""
        self._thread = threading.Thread(target=self._listen, args=(reading,), name="cortex-log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # threads count as processes
            os.close(reading)
            self.sink.close()
            raise MemoryUnavailable(f"cortex does not start: {error}{FEW_PROCESSES}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self.sink.close()

    def _listen(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as source:
            while piece := source.read(1 << 16):
                self._kept = (self._kept + piece)[-LONGEST_WORDS:]

    def line(self) -> str:
        """The last one with a word of a server that has ended, as it may be told: a group of errors ends in a frame."""
        self.sink.close()
        self._thread.join(1.0)  # what the server itself has started may hold the other end
        lines = reversed(self._kept.decode(errors="replace").split("\n"))
        return quoted(next((line.strip(" |\r") for line in lines if any(map(str.isalnum, line))), ""))


def _unavailable(error: BaseException, log: LastWords, started: bool) -> MemoryUnavailable:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MemoryUnavailable):
        return error
    few = FEW_PROCESSES if isinstance(error, BlockingIOError) else ""
    words = log.line() or f"{quoted(repr(error))}{few}"
    return MemoryUnavailable(f"cortex {'broke off' if started else 'does not start'}: {words}")
