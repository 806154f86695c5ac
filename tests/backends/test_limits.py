"""Limits on calls, shared by the processes of a machine."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from pytest_koderz.backends.http.limits import MINUTE, Limits
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.testing import Answer, FrozenClock, OllamaServer

from .worlds import a_model, a_prompt, open_model


class Waited(Exception):
    """Raised instead of sleeping, to see that somebody would have to."""


def refuse(seconds: float) -> None:
    raise Waited(seconds)


def test_no_more_calls_are_in_flight_than_allowed(tmp_path: Path) -> None:
    """The third of two has to wait, until one place is given back."""
    limits = Limits(tmp_path, in_flight=2, sleep=refuse)
    with limits.held():
        with limits.held(), pytest.raises(Waited), limits.held():
            pass
        with limits.held():
            pass


def test_a_place_is_given_back_when_a_call_fails(tmp_path: Path) -> None:
    """An exception inside the block does not keep it."""
    limits = Limits(tmp_path, in_flight=1, sleep=refuse)
    for _ in range(3):
        with pytest.raises(KeyError), limits.held():
            raise KeyError


HOLDER = """
import sys, time
from pathlib import Path
from pytest_koderz.backends.http.limits import Limits
with Limits(Path(sys.argv[1]), in_flight=1).held():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_gives_its_place_back(tmp_path: Path) -> None:
    """Another process counts while it lives and not after kill -9."""
    limits = Limits(tmp_path, in_flight=1, sleep=refuse)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Waited), limits.held():
            pass
        holder.kill()
        holder.wait()
    with limits.held():
        pass


def test_no_more_calls_begin_in_a_minute_than_allowed(tmp_path: Path) -> None:
    """The fourth of three waits until the first is a minute old."""
    clock = FrozenClock(1000.0)
    limits = Limits(tmp_path, per_minute=3, clock=clock, sleep=clock.sleep)
    for _ in range(4):
        with limits.held():
            clock.now += 10
    assert clock.slept == [pytest.approx(MINUTE - 30)]


def test_a_torn_file_or_a_clock_set_back_blocks_nobody(tmp_path: Path) -> None:
    """The minute begins anew."""
    (tmp_path / "minute").write_text("[99999999999.0, 12")
    clock = FrozenClock(1000.0)
    with Limits(tmp_path, per_minute=1, clock=clock, sleep=refuse).held():
        clock.now = 500.0
    with Limits(tmp_path, per_minute=1, clock=clock, sleep=refuse).held():
        pass


def test_models_share_the_limit_of_their_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four models of one server, two calls at once: the server never sees a third."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    together = Barrier(4)

    def ask(host: str) -> str:
        model = open_model(a_model("ollama", hosts=(host,), options={"max_in_flight": 2}), environment={})
        together.wait()
        return str(model.complete(a_prompt()).text)

    with OllamaServer([Answer("ok", latency=0.05)] * 4) as server, ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, [server.url] * 4)) == ["ok"] * 4
        assert server.most_at_once <= 2


@pytest.mark.parametrize("options", [{"max_in_flight": 0}, {"calls_per_minute": -1}, {"retries": -1}])
def test_a_limit_that_lets_nothing_through_is_refused(options: dict[str, int]) -> None:
    """With the option's name."""
    with pytest.raises(UsageError, match=rf"models.mine.options.{next(iter(options))}: .* is less than"):
        open_model(a_model("ollama", options=options), environment={})
