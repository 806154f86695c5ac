"""Experiments that are worked on elsewhere, through what can be pickled alone."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from pytest_koderz.core.errors import OutOfBudget
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.ports import Meter, meter
from pytest_koderz.records.recorded import Past
from pytest_koderz.session.cluster.desk import Desk
from pytest_koderz.session.cluster.orders import Contact, Order, Terms
from pytest_koderz.session.refusals import Refusals
from pytest_koderz.session.workshop import Stopped
from pytest_koderz.testing import NoMemory, RecordingListener
from tests.conftest import Run
from tests.core.worlds import ADD, KODERZ, START

from .worlds import outcomes, recorded, repository

ELSEWHERE = """
import pickle
from pathlib import Path
from pytest_koderz.session.cluster import perform

def crossed(value):
    content = pickle.dumps(value)
    with Path("crossed").open("ab") as file:
        file.write(content)
    return pickle.loads(content)

class Elsewhere:
    jobs = 2

    def __init__(self, send):
        self.to_client = send

    def send(self, request):
        return crossed(self.to_client(crossed(request)))

    def run(self, order):
        return crossed(perform(crossed(order), self.send))

    def close(self):
        Path("closed").touch()

def pytest_koderz_open_engine(name, send):
    if name == "elsewhere":
        return Elsewhere(send)
"""
KEY = "sk-ant-Zq8w7Lr2Xv5Tn1Kd"


@pytest.fixture
def elsewhere(forgetful: Run, pytester: pytest.Pytester) -> Run:
    """What crosses is kept in the file `crossed`."""
    (pytester.path / "conftest.py").write_text(ELSEWHERE)
    return forgetful


def test_it_comes_to_the_same_and_no_key_travels(
    elsewhere: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes, dollars and calls are those of a run in this process, also under a budget."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    asked = ("--koderz-arm", "koderz", "--koderz-problems", "0-5", "--koderz-max-cost", "0.5")
    elsewhere(*asked, "--koderz-json", "here.json")
    here = len(recorded(pytester.path, "called"))
    result = elsewhere(*asked, "--koderz-json", "there.json", "--koderz-executor", "elsewhere")
    assert outcomes(pytester.path / "there.json") == outcomes(pytester.path / "here.json")
    assert len(recorded(pytester.path, "called")) == 2 * here > 0
    result.stdout.fnmatch_lines(["*budget: $0.0* spent of the limit of $0.50*"])
    content = (pytester.path / "crossed").read_bytes()
    assert b"HumanEval/0" in content
    assert KEY.encode() not in content
    assert (pytester.path / "closed").exists()


def test_a_budget_that_is_spent_skips_there_too(elsewhere: Run) -> None:
    """The guard refuses a call, and the experiment is skipped."""
    asked = ("--koderz-arm", "koderz", "--koderz-problems", "0", "--koderz-max-cost", "0.000001")
    elsewhere(*asked, "--koderz-executor", "elsewhere").assert_outcomes(skipped=1)


CHANGING = """
import pytest
from pathlib import Path

@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish():
    Path("repository/own.py").write_text("# As another machine has it.")
"""


def test_a_repository_that_is_another_one_there_costs_nothing(elsewhere: Run, pytester: pytest.Pytester) -> None:
    """Its tests may say something else."""
    place = repository(pytester.path)
    (pytester.path / "conftest.py").write_text(ELSEWHERE + CHANGING)
    result = elsewhere("--koderz-arm", "local-only", "--koderz-executor", "elsewhere", "problems/own.yaml")
    result.assert_outcomes(errors=1)
    assert f"repository '{place}' differs there" in " ".join(result.stdout.str().split())
    assert not recorded(pytester.path, "called")


POLLY = """
arms: {parroting: {local: polly, max_iterations: 1}}
models: {polly: {backend: parrot, model: parrot-1}}
prices: {parrot-1: free}
cortex: {enabled: false}
"""
PARROT = """
def pytest_koderz_open_model(model):
    return None
"""
LOCKED = """
profile: served
profiles: {served: {arms: [alone], models: {local: coder}}}
arms: {alone: {local: local, max_iterations: 1}}
models: {coder: {backend: ollama, model: coder, hosts: ["http://me:Zq8w7Lr2Xv5Tn1Kd@box:11434"]}}
cortex: {enabled: false}
"""


@pytest.mark.parametrize(
    ("line", "settings", "conftest", "words"),
    [
        (("elsewhere", "-n", "2"), "", ELSEWHERE, "not together with -n"),
        (("nowhere",), "", ELSEWHERE, "nothing is known of 'nowhere'"),
        (("elsewhere", "--koderz-arm", "parroting"), POLLY, PARROT, "'parrot' is a plugin's"),
        (("elsewhere",), "", PARROT, "pytest_koderz_open_model of a plugin"),
        (("elsewhere", "--koderz-profile", "served"), LOCKED, ELSEWHERE, "a password in its hosts would travel"),
        (("dask",), "", "", 'run `python -m pip install "pytest-koderz[dask]"`'),
    ],
    ids=["workers", "unknown", "back-end", "model", "password", "missing"],
)
def test_what_a_cluster_cannot_do_is_refused(
    forgetful: Run,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    line: tuple[str, ...],
    settings: str,
    conftest: str,
    words: str,
) -> None:
    """In one line, before anything is paid."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    (pytester.path / "conftest.py").write_text(conftest)
    if settings:
        (pytester.path / "koderz.yaml").write_text(settings)
    result = forgetful("--koderz-executor", *line)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (error,) = [each for each in result.errlines if each]
    assert error.startswith("ERROR: --koderz-executor: ")
    assert words in error
    assert not recorded(pytester.path, "began")


ORDER = Order(START, ADD, KODERZ, Terms("bench_1a2b3c4d", "here", "koderz.yaml", ".", (), 5.0, 1024, False, "", ""))
AGAIN = Past(started="again")


class Metered:
    """Counts what is sent again."""

    resent = 0

    def resend(self) -> None:
        self.resent += 1

    def unbilled(self) -> None:
        raise OutOfBudget("nothing is left")


class Client(NoMemory, RecordingListener):
    """The world of the orders, and the office behind the desk."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.stopping = Event()
        self.refusals = Refusals(folder)
        self.forgotten: list[str] = []
        self.admissions: dict[str, Any] = {}
        self.metered: Meter = Metered()

    def say(self, text: str) -> None: ...
    def keep(self, experiment: Experiment) -> None: ...
    def complain(self, what: str) -> None: ...

    def before_call(self, *about: object) -> None:
        meter.set(self.metered)

    def lost(self, experiment: Experiment) -> None:
        self.forgotten.append(experiment.id)

    def past_of(self, order: Order) -> Past:
        return AGAIN


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Client(tmp_path / "refusals")


def test_what_a_lost_worker_held_is_free_and_its_order_goes_on(client: Client) -> None:
    """Its slot is another one's at once; who goes on has what is recorded; the lost one is not heard."""
    desk = Desk(client)
    first, second = (Contact(START.id, desk.answer, where) for where in ("tcp://one", "tcp://two"))
    with desk.taking(ORDER, Past(), client):
        assert first.ask("begin") == Past()
        assert first.ask("taken", "server", 1) is not None
        assert first.ask("taken", "server", 1) is None
        assert desk.places == {"tcp://one"}
        desk.lose({"tcp://one"})
        assert client.forgotten == [START.id]
        assert not desk.has_begun(ORDER)
        with pytest.raises(Stopped):
            first.ask("taken", "server", 1)
        assert second.ask("begin") == AGAIN
        number = second.ask("taken", "server", 1)
        second.ask("give_back", number)
        assert second.ask("taken", "server", 1) is not None
    with pytest.raises(Stopped):
        second.ask("stopping")


def test_who_begins_again_takes_the_place_of_one_that_was_not_known_to_be_lost(client: Client) -> None:
    """As where the engine hears of it before anybody looked."""
    desk = Desk(client)
    first, second = (Contact(START.id, desk.answer) for _ in range(2))
    with desk.taking(ORDER, Past(), client):
        first.ask("begin")
        assert second.ask("begin") == AGAIN
        assert client.forgotten == [START.id]
        with pytest.raises(Stopped):
            first.ask("keep", START)
        # What it had paid for is entered all the same.
        with pytest.raises(Stopped):
            first.ask("called", START, "spec", None, None, None)
        assert client.names == ["called"]


def test_a_meter_is_told_from_afar(client: Client) -> None:
    """What it raises is raised there."""
    desk = Desk(client)
    contact = Contact(START.id, desk.answer)
    with desk.taking(ORDER, Past(), client):
        contact.ask("begin")
        number = contact.ask("before_call", START, "spec", None)
        contact.ask("resend", number)
        assert client.metered.resent == 1  # type: ignore[attr-defined]
        with pytest.raises(OutOfBudget, match="nothing is left"):
            contact.ask("unbilled", number)
    assert meter.get() is None


def test_nothing_is_begun_once_the_run_is_stopped(client: Client) -> None:
    """Who waits for an order hears it; who sleeps is told to end."""
    desk = Desk(client)
    with desk.taking(ORDER, Past(), client) as matter:
        contact = Contact(START.id, desk.answer)
        contact.ask("begin")
        assert not contact.stopping()
        client.stopping.set()
        assert contact.ask("stopping")
        with pytest.raises(Stopped):
            Contact(START.id, desk.answer).ask("begin")
        with pytest.raises(Stopped):
            matter.ended(None)
