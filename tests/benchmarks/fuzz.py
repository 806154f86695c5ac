"""Bytes of any kind to all that reads bytes of others: python -m tests.benchmarks.fuzz READER [SECONDS].

The readers are those of `READERS`. Nothing but the errors that are named for each may come of it, within the time and
the memory that libFuzzer is told. Whatever is found is left in a file `crash-...`, `timeout-...` or `oom-...`, which
begins a test. It needs `atheris`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

SECONDS = 900
MOST_MEGABYTES = 1024
LONGEST_RUN = 15
"""Seconds that one input may take under the instruments, which make all of it several times slower."""
LONGEST = 1 << 16

Reader = Callable[[bytes], object]


def frames() -> Reader:
    """What a candidate writes in place of its answers, and a process with its tests in place of its result."""
    from pytest_koderz.sandbox import proxy
    from pytest_koderz.sandbox.answer_format import answer_of
    from pytest_koderz.sandbox.channel import Channel, MalformedMessage, loads

    class Told(Exception):
        """What the candidate says it raised."""

    error_of = proxy._error_of
    proxy._error_of = lambda answer: Told(error_of(answer))

    def read(content: bytes) -> None:
        # As they come, or as the bodies of frames that keep to their length.
        pieces = content.split(b"\n")
        framed = b"".join(len(each).to_bytes(4, "big") + each for each in pieces)
        wire: Any = Wire(content[1:] if content[:1] == b"\x00" else framed)
        asked = proxy.CandidateProxy(Channel(wire))
        for _ in range(3):
            with suppress(Told, proxy.RunOver):
                repr(asked.call(0, ([1, [2]],), {"a": {3}}))
        for each in pieces:
            with suppress(MalformedMessage):
                answer_of(loads(each, objects=True))

    return read


class Wire:
    """A socket with all that was ever sent to it."""

    def __init__(self, content: bytes) -> None:
        self._content = BytesIO(content)

    def recv(self, size: int) -> bytes:
        return self._content.read(min(size, 1 << 16))

    def sendall(self, content: bytes) -> None:
        """Nobody listens."""


def journals() -> Reader:
    """A folder of one journal, read and counted."""
    from pytest_koderz.files.usage_error import UsageError
    from pytest_koderz.records.codec import dumped, plain
    from pytest_koderz.records.reader import archived

    folder = Path(tempfile.mkdtemp(dir=_memory()), "bench_00000000")
    folder.mkdir()

    def read(content: bytes) -> None:
        (folder / "main.jsonl").write_bytes(content)
        with suppress(UsageError):
            found = archived(folder)
            for one in found.experiments:
                dumped(plain(one))
            found.simulated, found.planned, found.ended, found.interrupted  # noqa: B018 - read them

    return read


def suites() -> Reader:
    """A suite in YAML, or the same bytes as a file of problems in any format."""
    from pytest_koderz.datasets.catalogue import DATASETS
    from pytest_koderz.datasets.suite import read_suite
    from pytest_koderz.files.usage_error import UsageError

    folder = Path(tempfile.mkdtemp(dir=_memory()))
    formats = [each for each in DATASETS.values() if each.reader is not None]

    def read(content: bytes) -> None:
        (folder / "suite.yaml").write_bytes(content)
        with suppress(UsageError):
            read_suite(folder / "suite.yaml")
        (folder / "rows.jsonl").write_bytes(content)
        for each in formats:
            with suppress(UsageError):
                each.reader(folder / "rows.jsonl")

    return read


def answers(backend: str) -> Reader:
    """The body of an answer, behind a byte that chooses its status."""
    from pytest_koderz.backends.http.retry import MayPass, Refused
    from pytest_koderz.core.ports import Reply
    from pytest_koderz.records.codec import dumped, parsed, plain, value_of
    from tests.backends.worlds import SECRET, a_model, a_prompt, open_model

    opened = open_model(
        a_model(backend), environment={"ANTHROPIC_API_KEY": SECRET, "OPENAI_BASE_URL": "http://127.0.0.1:9"}
    )
    model: Any = getattr(opened, "_model", opened)
    said: list[bytes] = [b""]
    (_canned_sdk if backend == "anthropic" else _canned)(model, said)

    def read(content: bytes) -> None:
        said[0] = content
        with suppress(MayPass, Refused):
            reply = model._attempt(a_prompt())
            usage = reply.usage
            assert min(usage.input, usage.output, usage.cache_write, usage.cache_read) >= 0
            assert value_of(Reply, parsed(dumped(plain(reply)).encode())) == reply
        model._left_out.clear()
        model._renamed.clear()
        model._unsaid.clear()

    return read


STATUSES = (200, 200, 200, 200, 400, 404, 422, 429, 500, 503, 204, 302, 100)


def _status_and_body(content: bytes) -> tuple[int, bytes]:
    return STATUSES[content[0] % len(STATUSES)] if content else 200, content[1:]


def _canned(model: Any, said: list[bytes]) -> None:
    """Our own client, from the bytes of a body on."""
    from pytest_koderz.backends.http import client

    class Canned(client.HttpClient):
        def _asked(self, method: str, path: str, payload: Mapping[str, Any] | None, take: Any = None) -> Any:
            status, body = _status_and_body(said[0])
            return client._Answer(status, {"retry-after": body[:8].decode("latin-1")}, body)

    old = model._client
    model._client = Canned(old.url, old.timeout, old.key, old.redact)


def _canned_sdk(model: Any, said: list[bytes]) -> None:
    """The SDK and its HTTP client, from a response on."""
    names = (kind.__module__.partition(".")[0] for kind in type(model._client._client).__mro__)
    library = import_module(next(name for name in names if name.startswith("httpx")))

    def handle(request: Any) -> Any:
        status, body = _status_and_body(said[0])
        headers = [
            (b"content-type", b"application/json"),
            (b"retry-after", body[:8].replace(b"\n", b"").replace(b"\r", b"")),
        ]
        return library.Response(status, headers=headers, content=body)

    model._client._client._transport = library.MockTransport(handle)


READERS: Mapping[str, Callable[[], Reader]] = {
    "frames": frames,
    "journals": journals,
    "anthropic": lambda: answers("anthropic"),
    "ollama": lambda: answers("ollama"),
    "openai": lambda: answers("openai"),
    "suites": suites,
}


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of its own is made in it


def _seeds(name: str) -> Iterable[bytes]:
    """Right ones, to begin with."""
    here = Path(__file__).parents[1]
    failure = {"summary": "s", "assertion": None, "explanation": "", "exception": "e", "line": 3}
    choice = {"message": {"role": "assistant", "content": "hi", "reasoning": "hm"}, "finish_reason": "length"}
    counts = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    detailed: dict[str, Any] = {
        **counts,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    chat = {"model": "m", "choices": [choice], "usage": detailed, "timings": {"prompt_ms": 1.5, "predicted_ms": 2}}
    told: dict[str, Any] = {
        "model": "m",
        "message": {"role": "assistant", "content": "hi", "thinking": "hm"},
        "done": True,
    }
    told |= {
        "done_reason": "stop",
        "prompt_eval_count": 9,
        "eval_count": 2,
        "eval_duration": 5,
        "prompt_eval_duration": 7,
    }
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hi"}]
    message: dict[str, Any] = {"type": "message", "model": "m", "content": blocks, "stop_reason": "max_tokens"}
    message |= {
        "usage": {"input_tokens": 9, "output_tokens": 2, "cache_creation_input_tokens": 1, "cache_read_input_tokens": 2}
    }
    errors: list[dict[str, Any]] = [
        {"error": {"type": "overloaded_error", "message": "m", "code": 429, "param": "seed", "metadata": {"raw": "r"}}}
    ]
    errors += [{"error": "seed is not supported"}, {"detail": [{"loc": ["body", "seed"], "msg": "no"}]}]
    row: dict[str, Any] = {
        "task_id": "a/0",
        "prompt": "def f():\n",
        "entry_point": "f",
        "canonical_solution": "    return 1\n",
    }
    row |= {"test": "def check(c):\n    assert c() == 1\n"}
    mbpp = {"task_id": 2, "prompt": "p", "code": "def f(n): return n", "test_list": ["assert f(1) == 1"]}
    seeds: dict[str, Iterable[bytes]] = {
        "frames": [
            b'["returned",[["l",[1],2],["d","a",[2]],["s",1],["t",1,2]],[0],[[0,["l",5]]]]\n["raised","E","ValueError","m",3]',
            b'["returned",[["q",3,1],["o",7,"x",true,true,true],["g",[0],null],["M","1.5"],["v",1,2,3]],[1],[]]',
            b'["returned",[["F","0x1","0x2"],["m",2020,1,1,1,1,1,1],["i","ff"],["f","0x1p3"],["r",1,2,3],["=",[0]]],[1],[]]',
            json.dumps({"outcome": "wrong", "passed": 1, "total": 2, "failures": [failure]}).encode(),
        ],
        "journals": _events(here.glob("records/journals/*/*/bench_*/*.jsonl")),
        "suites": [
            *(path.read_bytes() for path in (here.parent / "problems").glob("*.yaml")),
            b"dataset: jsonl\npath: rows.jsonl\nproblems: [a/0]\ntests: base\n",
            json.dumps(row).encode() + b"\n",
            json.dumps([mbpp]).encode(),
        ],
        "openai": [b"\0" + json.dumps(each).encode() for each in (chat, *errors)]
        + [b"\4" + json.dumps(errors[1]).encode()],
        "ollama": [b"\0" + json.dumps(each).encode() for each in (told, *errors)],
        "anthropic": [b"\0" + json.dumps(each).encode() for each in (message, {"type": "error", **errors[0]})],
    }
    return seeds[name]


def _events(journals: Iterable[Path]) -> Iterable[bytes]:
    """The shortest line of each kind, alone and together."""
    lines = sorted((line for path in journals for line in path.read_bytes().splitlines()), key=len)
    kinds = {json.loads(line)["event"]: line for line in reversed(lines)}
    return [b"\n".join((*kinds.values(), b"")), *(line + b"\n" for line in kinds.values())]


def main(name: str, seconds: str = str(SECONDS)) -> None:
    """Feed one reader."""
    import atheris

    if name == "anthropic":
        import_module(name)  # as it is: under the instruments it takes minutes
    with atheris.instrument_imports(include=["pytest_koderz"]):
        read = READERS[name]()
    corpus = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    for number, seed in enumerate(_seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = {"max_total_time": seconds, "rss_limit_mb": MOST_MEGABYTES, "timeout": LONGEST_RUN, "max_len": LONGEST}
    words = [f"-{key}={value}" for key, value in limits.items()]
    atheris.Setup([sys.argv[0], *words, "-print_final_stats=1", f"-artifact_prefix={corpus}/", str(corpus)], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
