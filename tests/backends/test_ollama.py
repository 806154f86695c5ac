"""The Ollama back end against a loopback server that Ollama's own client accepts as well."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import Any

import ollama
import pytest

from pytest_koderz.backends.ollama import BACKEND
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.testing import Answer, Dropped, Fault, Garbage, HalfSent, Hang, OllamaServer, Status, Turn

from .worlds import SECRET, Naps, RawServer, Say, a_model, a_prompt, fault_of, open_model


def opened(server: OllamaServer, naps: Naps | None = None, **settings: Any) -> Any:
    model = a_model("ollama", "qwen2.5-coder:7b", **settings)
    return open_model(model, environment={"OLLAMA_HOST": server.url}, sleep=naps or Naps())


def sampling(server: OllamaServer) -> list[dict[str, Any]]:
    return [request.body["options"] for request in server.requests]


def test_a_reply_carries_text_usage_model_and_gpu_seconds() -> None:
    """GPU seconds are the server's nanoseconds of reading and writing."""
    answer = Answer("def add", input_tokens=30, output_tokens=5)
    with OllamaServer([answer], prompt_ns=250_000_000, reply_ns=1_500_000_000) as server:
        reply = opened(server).complete(a_prompt())
    assert (reply.text, reply.usage, reply.model_id) == ("def add", Usage(30, 5), "qwen2.5-coder:7b")
    assert (reply.stop_reason, reply.gpu_seconds, reply.warnings) == (StopReason.END, 1.75, ())


def test_the_request_is_what_was_asked_for() -> None:
    """Messages, limit, seed and options go out; nothing is streamed."""
    with OllamaServer(["ok"]) as server:
        model = opened(
            server, temperature=0.2, max_tokens=99, options={"keep_alive": "30m", "think": False, "top_p": 1}
        )
        model.complete(a_prompt(seed=7, heat=0.4))
    (request,) = server.requests
    assert request.body == {
        "model": "qwen2.5-coder:7b",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "# Task\ndef add(x, y):\n\nWrite add."},
        ],
        "stream": False,
        "keep_alive": "30m",
        "think": False,
        "options": {"num_ctx": 4096, "num_predict": 99, "seed": 7, "temperature": 0.6, "top_p": 1.0},
    }


def test_without_temperature_and_heat_the_server_decides() -> None:
    """Heat alone is added to Ollama's own 0.8."""
    with OllamaServer(["a", "b"]) as server:
        model = opened(server)
        model.complete(a_prompt())
        model.complete(a_prompt(heat=0.4))
    assert [options.get("temperature") for options in sampling(server)] == [None, 1.2]


def test_the_window_holds_prompt_and_reply_and_never_shrinks() -> None:
    """A power of two from 4,096 on; it stays, because another window makes the server load the model anew."""
    with OllamaServer([Answer("ok", input_tokens=tokens) for tokens in (50, 7000, 50)]) as server:
        model = opened(server, max_tokens=1000)
        for text in ("short", "x" * 28_000, "short"):
            model.complete(a_prompt(text))
    # 28 000 characters / 3 + 1000 tokens = 10 333
    assert [options["num_ctx"] for options in sampling(server)] == [4096, 16384, 16384]


def test_a_window_of_the_settings_is_kept() -> None:
    """`context_tokens` is the window, whatever the prompt."""
    with OllamaServer([Answer("ok", input_tokens=1500)]) as server:
        opened(server, context_tokens=2048).complete(a_prompt("x" * 6000))
    assert sampling(server)[0]["num_ctx"] == 2048


@pytest.mark.parametrize("read", [2048, 300], ids=["a full window", "far too few tokens"])
def test_a_prompt_that_the_server_cut_is_told_of(read: int) -> None:
    """Fewer tokens than the prompt can have, or a window filled to the brim, give a warning with the figures."""
    with OllamaServer([Answer("ok", input_tokens=read)]) as server:
        reply = opened(server, context_tokens=2048).complete(a_prompt("x" * 8000))
    assert f"read {read} tokens of a prompt of 80" in reply.warnings[0]
    assert "num_ctx 2048" in reply.warnings[0]


def test_a_prompt_that_the_server_refuses_as_too_long_is_a_named_outcome() -> None:
    """Newer servers refuse for some models instead of cutting."""
    with OllamaServer([Status(400, "the input length exceeds the context length")]) as server:
        reply = opened(server).complete(a_prompt())
    assert (reply.text, reply.stop_reason, reply.usage) == ("", StopReason.CONTEXT, Usage())
    assert "does not fit" in reply.warnings[0]


def test_an_uncounted_prompt_is_estimated_and_told_of() -> None:
    """Some servers leave `prompt_eval_count` out; that is not zero."""
    body = b'{"model": "m", "message": {"role": "assistant", "content": "ok"}, "done": true, "eval_count": 3}'
    with OllamaServer([Garbage(body)]) as server:
        reply = opened(server).complete(a_prompt("x" * 400, stable="", system=""))
    assert reply.usage == Usage(100, 3)
    assert "did not count" in reply.warnings[0]
    assert reply.gpu_seconds is None


@pytest.mark.parametrize(("written", "reason"), [(100, StopReason.MAX_TOKENS), (40, StopReason.CONTEXT)])
def test_a_cut_reply_is_named(written: int, reason: StopReason) -> None:
    """Cut at the limit of the settings, or before it by the window."""
    with OllamaServer([Answer("half", output_tokens=written, stop=StopReason.MAX_TOKENS)]) as server:
        assert opened(server, max_tokens=100).complete(a_prompt()).stop_reason is reason


def test_thinking_is_not_part_of_the_text() -> None:
    """What a thinking model thought stands in a field of its own."""
    with OllamaServer([Answer("the answer", thinking="hm")]) as server:
        assert opened(server).complete(a_prompt()).text == "the answer"


def test_a_model_that_was_not_pulled_is_named_with_the_command() -> None:
    """A 404 is not tried again."""
    naps = Naps()
    with OllamaServer(["ok"], models=["llama3.2:3b"]) as server, pytest.raises(ModelUnavailable) as caught:
        opened(server, naps).complete(a_prompt())
    assert "run `ollama pull qwen2.5-coder:7b`" in str(caught.value)
    assert naps.taken == []


@pytest.mark.parametrize(
    "fault",
    [
        Status(503, "server busy"),
        Status(500, "model runner has unexpectedly stopped"),
        Dropped(),
        HalfSent(),
        Garbage(),
        Garbage(b"[1, 2]"),
        Garbage(b'{"error": "out of memory"}'),
        Garbage(b'{"message": {"content": "ha"}, "done": false}'),
    ],
    ids=["503", "500", "dropped", "half-sent", "not JSON", "a list", "an error with 200", "half a stream"],
)
def test_what_may_pass_is_tried_again(fault: Fault) -> None:
    """Two faults, two waits, one answer."""
    naps = Naps()
    with OllamaServer([fault, fault, "ok"]) as server:
        assert opened(server, naps).complete(a_prompt()).text == "ok"
        assert (len(server.requests), len(naps.taken)) == (3, 2)


def test_a_model_that_is_still_loading_is_waited_for() -> None:
    """Loading uses up no retry, however many looks it takes."""
    naps = Naps()
    loading = [Status(503, "llm server loading model")] * 20
    with OllamaServer([*loading, "ok"]) as server:
        assert opened(server, naps, options={"retries": 0}).complete(a_prompt()).text == "ok"
    assert len(naps.taken) == 20
    assert all(nap >= 1 for nap in naps.taken)


def test_a_model_that_cannot_be_loaded_is_not_waited_for() -> None:
    """Its error speaks of loading as well, but with another status."""
    naps = Naps()
    failing = [Status(500, "llama runner process has terminated: error loading model")] * 9
    with OllamaServer(failing) as server, pytest.raises(ModelUnavailable, match="error loading model"):
        opened(server, naps).complete(a_prompt())
    assert len(naps.taken) == 4


def test_loading_is_not_waited_for_without_end() -> None:
    """After ten minutes of waiting the retries count again."""
    naps = Naps()
    with OllamaServer([Status(503, "loading model")] * 2000) as server, pytest.raises(ModelUnavailable):
        opened(server, naps, options={"retries": 0}).complete(a_prompt())
    assert 600 <= sum(naps.taken) < 640


def test_a_server_that_is_not_there_is_named() -> None:
    """The error says where nobody answered, and why."""
    with OllamaServer() as server:
        url = server.url
    model = open_model(a_model("ollama"), environment={"OLLAMA_HOST": url}, sleep=Naps())
    with pytest.raises(ModelUnavailable, match=f"{url}: no answer in 5 tries; .*refused"):
        model.complete(a_prompt())


def test_a_silent_server_is_left_at_the_timeout() -> None:
    """The time limit of the settings ends a call that gets no answer."""
    with OllamaServer([Hang()]) as server, pytest.raises(ModelUnavailable, match=r"nothing came within 0.1 s"):
        opened(server, timeout=0.1, options={"retries": 0}).complete(a_prompt())


def test_each_worker_begins_with_a_server_of_its_own() -> None:
    """Worker K takes host K, modulo the list in OLLAMA_HOST."""
    with OllamaServer(["a", "b"]) as first, OllamaServer(["c"]) as second:
        environment = {"OLLAMA_HOST": f"{first.url}, {second.url.removeprefix('http://')}"}
        models = [open_model(a_model("ollama"), environment=environment, worker=worker) for worker in range(3)]
        assert [model.complete(a_prompt()).text for model in models] == ["a", "c", "b"]


def test_hosts_of_the_settings_come_before_the_environment() -> None:
    """`hosts:` in koderz.yaml wins over OLLAMA_HOST."""
    with OllamaServer(["ours"]) as server:
        settings = a_model("ollama", hosts=(server.url,))
        model = open_model(settings, environment={"OLLAMA_HOST": "127.0.0.1:1"})
        assert model.complete(a_prompt()).text == "ours"


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY, as behind a company's firewall, does not come between us and the local server."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with OllamaServer(["ok"]) as server:
        assert opened(server).complete(a_prompt()).text == "ok"


def test_a_malformed_host_is_a_usage_error() -> None:
    """It is found before anything is asked, and named with the variable."""
    environment = {"OLLAMA_HOST": "127.0.0.1:eleven"}
    assert "OLLAMA_HOST: '127.0.0.1:eleven' is no host" in (fault_of(a_model("ollama"), environment) or "")
    with pytest.raises(UsageError, match="is no host"):
        open_model(a_model("ollama"), environment=environment)
    assert fault_of(a_model("ollama"), {}) is None


def test_a_key_for_a_server_behind_a_proxy_is_sent() -> None:
    """OLLAMA_API_KEY goes out as a bearer token, as with Ollama's own client."""
    with OllamaServer(["ok"]) as server:
        environment = {"OLLAMA_HOST": server.url, "OLLAMA_API_KEY": SECRET}
        open_model(a_model("ollama"), environment=environment).complete(a_prompt())
    assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"


def test_a_password_in_the_url_is_sent() -> None:
    """As the proxy in front of a server may want it."""
    with OllamaServer(["ok"]) as server:
        host = server.url.replace("://", "://me:hidden@")
        open_model(a_model("ollama", hosts=(host,)), environment={}).complete(a_prompt())
    assert server.requests[0].headers["authorization"] == "Basic bWU6aGlkZGVu"


def test_the_official_client_accepts_the_server() -> None:
    """Chat, streamed chat, list, show and errors come back as the client's own types."""
    ask: dict[str, Any] = {"model": "llama3.2:3b", "messages": [{"role": "user", "content": "hello"}]}
    turns: list[Turn] = [Answer("hi", input_tokens=8, thinking="hm"), "in pieces", Status(500, "broken")]
    with OllamaServer(turns, models=["llama3.2:3b"]) as server, ollama.Client(host=server.url) as client:
        plain = client.chat(**ask)
        pieces = list(client.chat(**ask, stream=True))
        with pytest.raises(ollama.ResponseError, match="broken"):
            client.chat(**ask)
        with pytest.raises(ollama.ResponseError, match="not found"):
            client.show("nobody")
        assert [model.model for model in client.list().models] == ["llama3.2:3b"]
        assert client.show("llama3.2:3b").modelinfo is not None
    assert (plain.message.content, plain.message.thinking, plain.prompt_eval_count) == ("hi", "hm", 8)
    assert "".join(piece.message.content or "" for piece in pieces) == "in pieces"
    assert pieces[-1].done
    assert server.billed.calls == 2


def looked(url: str) -> tuple[list[str], str | None]:
    """The doctor's words for each finding, and what the start check says."""
    model = a_model("ollama", "llama3.2", hosts=(url,))
    found = [f"{word}: {text}" for word, text in BACKEND.findings(model, {})]
    return found, BACKEND.why_unreachable(model, {}, 1)


def test_a_server_with_the_model_is_found_ready() -> None:
    """A name without a tag is that of `latest`."""
    with OllamaServer(models=["llama3.2:latest"]) as server:
        assert looked(server.url) == ([f"ok: {server.url} has llama3.2:latest"], None)


def test_a_server_without_the_model_is_named_with_the_command() -> None:
    """Before anything is spent on other models."""
    with OllamaServer(models=["other:7b"]) as server:
        words = f"{server.url} answers, but does not have the model; run `ollama pull llama3.2` there"
        assert looked(server.url) == ([f"missing: {words}"], words)


@pytest.mark.parametrize(
    "model", ["Llama3.2", "library/llama3.2", "llama3.2:LATEST", "registry.ollama.ai/library/llama3.2:latest"]
)
def test_a_name_is_read_as_ollama_reads_it(model: str) -> None:
    """Its case does not count, nor does a place that is the default."""
    with OllamaServer(models=["llama3.2:latest"]) as server:
        assert BACKEND.why_unreachable(a_model("ollama", model, hosts=(server.url,)), {}, 1) is None
    with OllamaServer(models=["Qwen2.5-Coder:7b"]) as server:
        assert BACKEND.why_unreachable(a_model("ollama", "qwen2.5-coder:7B", hosts=(server.url,)), {}, 1) is None


def trickle(path: str, say: Say) -> None:
    say(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        say(b" ")
        sleep(0.01)


def hang_up(path: str, say: Say) -> None:
    """Nothing is said."""


@pytest.mark.parametrize("answer", [trickle, hang_up])
def test_a_server_that_does_not_answer_is_not_waited_for(
    answer: Callable[[str, Say], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where it sends a byte now and then."""
    monkeypatch.setattr("pytest_koderz.backends.ollama.LOOK_SECONDS", 0.3)
    with RawServer(answer) as server:
        words = f"{server.url} does not answer; run `ollama serve` there, or correct OLLAMA_HOST"
        assert looked(server.url) == ([f"missing: {words}"], words)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"models": 3}', b'{"error": "who?"}'])
def test_another_kind_of_server_may_answer_all_the_same(body: bytes) -> None:
    """The doctor notes it; neither refuses a run for it."""
    with RawServer(lambda _, say: say(b"HTTP/1.1 200 OK\r\n\r\n" + body)) as server:
        found, refusal = looked(server.url)
    assert found == [f"note: {server.url} answers, but not as Ollama does; if nothing is solved, correct OLLAMA_HOST"]
    assert refusal is None


def test_one_server_that_is_there_is_enough_at_the_start() -> None:
    """The calls of the others go to it; the doctor names them all."""
    with OllamaServer(models=["llama3.2:latest"]) as server:
        model = a_model("ollama", "llama3.2", hosts=(server.url, "127.0.0.1:9"))
        assert BACKEND.why_unreachable(model, {}, 2) is None
        gone = a_model("ollama", "llama3.2", hosts=("127.0.0.1:9", "127.0.0.1:10"))
        assert "127.0.0.1:9 does not answer" in (BACKEND.why_unreachable(gone, {}, 1) or "")
        assert [word for word, _ in BACKEND.findings(model, {})] == ["ok", "missing"]


def test_the_weights_behind_a_tag_are_told() -> None:
    """Digest and quantisation, and the server's version; of several servers all that differ."""
    with OllamaServer(models=["llama3.2:latest"]) as one, OllamaServer(models=["llama3.2:latest"]) as other:
        told = {"digest": "0" * 64, "quantization": "Q4_0", "server": "Ollama 0.12.0"}
        assert BACKEND.identity(a_model("ollama", "library/Llama3.2", hosts=(one.url,)), {}).told == told
        other.digests["llama3.2:latest"] = "1" * 64
        both = BACKEND.identity(a_model("ollama", "llama3.2", hosts=(one.url, other.url)), {}).told
    assert both == told | {"digest": f"{'0' * 64}, {'1' * 64}"}
    assert BACKEND.identity(a_model("ollama", "llama3.2", hosts=(one.url,)), {}).told == {}
