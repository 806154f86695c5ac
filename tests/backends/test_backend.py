"""A back end as one object, and the door that ours and anyone's come in by."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.backends import OURS
from pytest_koderz.backends.backend import (
    NOT_LISTED,
    OWN_MACHINE,
    Backend,
    CostRule,
    Registry,
    Surroundings,
    never,
    nothing_required,
    ready,
)
from pytest_koderz.backends.http.hosts import Service
from pytest_koderz.backends.options import Option
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.files.usage_error import UsageError

from .worlds import SECRET, a_model, a_prompt, fault_of, open_model

SERVICE = Service("PARROT_HOST", "PARROT_KEY", default="127.0.0.1", port=1)


class Parrot:
    """A model that repeats what it knows."""

    def __init__(self, words: str) -> None:
        self.words = words

    def complete(self, prompt: Prompt) -> Reply:
        if prompt.text == "Fail.":
            raise ModelUnavailable(f"no answer for {self.words}")
        return Reply(self.words, Usage(), "parrot-1")


PARTS: dict[str, Any] = {
    "name": "parrot",
    "service": SERVICE,
    "options": {"times": Option(int, least=1)},
    "cost": OWN_MACHINE,
    "frontier": False,
    "simulated": never,
    "requirements": nothing_required,
    "findings": ready("a parrot needs nothing"),
    "open": lambda _, surroundings: Parrot(surroundings.environment["PARROT_KEY"]),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_forgotten_part_is_a_type_error(part: str) -> None:
    """For mypy as well, before anything is run."""
    with pytest.raises(TypeError, match=part):
        Backend(**{name: value for name, value in PARTS.items() if name != part})
    assert {item.name for item in fields(Backend) if item.default is MISSING} == set(PARTS)


@pytest.mark.parametrize("name", ["Parrot", "parot"])
def test_two_back_ends_of_one_name_are_refused(name: str) -> None:
    """Whichever came first would otherwise be asked in the other's name."""
    parrot = Backend(**PARTS)
    with pytest.raises(UsageError, match="two back ends named 'parrot'"):
        Registry([*OURS.values(), parrot, parrot])
    assert name not in Registry([*OURS.values(), parrot])


def test_options_are_checked_before_a_model_is_opened() -> None:
    """As ours are, with the nearest name and the range."""
    parrot = Backend(**PARTS)
    for options, words in (({"tims": 1}, "did you mean 'times'"), ({"times": 0}, "0 is less than 1")):
        model = a_model("parrot", options=options)
        assert words in (parrot.fault_of(model, {}) or "")
        with pytest.raises(UsageError, match=words):
            parrot.opened(model, Surroundings())


def test_a_model_says_no_secret_of_its_service_beside_its_answer() -> None:
    """What it answers is judged as it is, and redacted where it leaves; an error is not judged."""
    opened = Backend(**PARTS).opened(a_model("parrot"), Surroundings(environment={"PARROT_KEY": SECRET}))
    assert opened.complete(a_prompt()).text == SECRET
    with pytest.raises(ModelUnavailable, match=r"no answer for \*\*\*"):
        opened.complete(a_prompt("Fail."))


def test_a_short_word_in_the_place_of_a_key_is_no_secret_of_a_reply() -> None:
    """Servers of one's own are given a key such as `EMPTY`, which may stand in any program."""
    opened = Backend(**PARTS).opened(a_model("parrot"), Surroundings(environment={"PARROT_KEY": "EMPTY"}))
    assert opened.complete(a_prompt()).text == "EMPTY"


def test_what_a_model_does_not_have_it_need_not_do() -> None:
    """A redacted model has `admit` and `close`, which do what the model does, or nothing."""
    opened: Any = Backend(**PARTS).opened(a_model("parrot"), Surroundings(environment={"PARROT_KEY": SECRET}))
    opened.admit()
    opened.close()


def test_a_back_end_of_a_hook_alone_claims_nothing() -> None:
    """Its options are not known, a frontier model may stand behind it, and its price is the user's to say."""
    unknown = OURS.of(a_model("mine", options={"any": 1}))
    assert unknown.fault_of(a_model("mine", options={"any": 1}), {}) is None
    assert (unknown.cost, unknown.frontier) == (NOT_LISTED, True)
    assert [word for word, _ in unknown.findings(a_model("mine"), {})] == ["note"]
    with pytest.raises(UsageError, match="no back end named 'mine'"):
        unknown.opened(a_model("mine"), Surroundings())


def test_what_is_missing_is_one_line() -> None:
    """And None where nothing is."""
    assert fault_of(a_model("anthropic"), {}) == (
        "ANTHROPIC_API_KEY is not set; the model 'mine' needs it (in the environment or in .env)"
    )
    assert fault_of(a_model("anthropic"), {"ANTHROPIC_API_KEY": SECRET}) is None
    assert fault_of(a_model("simulated"), {}) is None
    malformed = {"ANTHROPIC_API_KEY": SECRET, "ANTHROPIC_BASE_URL": "ftp://box"}
    assert fault_of(a_model("anthropic"), malformed) == (
        "ANTHROPIC_BASE_URL: ftp://box: the scheme of a server is http or https"
    )
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY is not set"):
        open_model(a_model("anthropic"))


def test_each_of_ours_says_what_it_costs() -> None:
    """What runs on the user's machine is free, a service has its list, a recording what it was."""
    free = dict.fromkeys(("embedded", "ollama", "simulated"), OWN_MACHINE)
    listed = {name: CostRule(name) for name in ("anthropic", "openai")}
    for name, rule in (free | listed).items():
        assert OURS[name].cost == rule


HEAVY = {"anthropic", "genai_prices", "httpx", "httpx2", "ollama", "platformdirs", "requests", "urllib3", "xllamacpp"}

SCRIPT = """
import sys
from pytest_koderz import testing
from pytest_koderz import backends
from pytest_koderz.settings import prices
print(*{module.partition(".")[0] for module in sys.modules})
"""


def test_no_heavy_library_is_imported_before_a_model_is_opened() -> None:
    """Importing all back ends and the test aid costs little beside the standard library."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stdout.split())


CONFTEST = """
import pytest
from pytest_koderz.backends.backend import Backend, OWN_MACHINE, never, nothing_required, ready
from pytest_koderz.backends.http.hosts import Service
from pytest_koderz.backends.options import Option
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Reply


class Parrot:
    def __init__(self, key):
        self.key = key

    def complete(self, prompt):
        return Reply(f"def x(): return {self.key!r}", Usage(), "parrot-1")


@pytest.hookimpl(optionalhook=True)
def pytest_koderz_backends():
    return [
        Backend(
            name="parrot",
            service=Service("PARROT_HOST", "PARROT_KEY", default="127.0.0.1", port=1),
            options={"times": Option(int, least=1)},
            cost=OWN_MACHINE,
            frontier=FRONTIER,
            simulated=never,
            requirements=lambda settings, environment: None if "PARROT_KEY" in environment else "PARROT_KEY is not set",
            findings=ready("a parrot needs nothing"),
            open=lambda settings, surroundings: Parrot(surroundings.environment["PARROT_KEY"]),
        )
    ]
"""
YAML = """
profile: mine
profiles:
  mine: {arms: [solo], models: {local: polly}, problems: "0"}
arms:
  solo: {local: local, max_iterations: 1}
models:
  polly: {backend: parrot, model: parrot-1, options: {times: 2}}
cortex: {enabled: false}
"""


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a plugin's back end, and a model of it."""
    monkeypatch.setenv("PARROT_KEY", SECRET)
    (pytester.path / "conftest.py").write_text(CONFTEST.replace("FRONTIER", "False"))
    (pytester.path / "koderz.yaml").write_text(YAML)
    return pytester.path


def test_a_plugins_back_end_is_treated_as_ours(folder: Path, run: Any) -> None:
    """Its model is free by its rule, warned of as no frontier model, run, and says no secret, in workers too."""
    for more in ((), ("-n", "1")):
        result = run("--koderz", *more)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            ["koderz: *no frontier model takes part*", "*prices: $0 (runs on your own machine)"]
        )
    journals = "".join(path.read_text() for path in folder.glob(".koderz/bench_*/*.jsonl"))
    assert "parrot-1" in journals
    assert SECRET not in journals + result.stdout.str()


def test_a_plugins_frontier_is_believed(folder: Path, run: Any) -> None:
    """No line says that none takes part."""
    (folder / "conftest.py").write_text(CONFTEST.replace("FRONTIER", "True"))
    run("--koderz").stdout.no_fnmatch_line("*no frontier model takes part*")


def test_the_doctor_looks_into_a_plugins_back_end(
    folder: Path, run: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ready, or what is missing."""
    run("--koderz-doctor").stdout.fnmatch_lines(["ok *model polly (parrot): a parrot needs nothing"])
    monkeypatch.delenv("PARROT_KEY")
    run("--koderz-doctor").stdout.fnmatch_lines(["missing *model 'polly' of profile 'mine': PARROT_KEY is not set"])
    result = pytester.runpytest_inprocess("--koderz")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: model 'polly' of profile 'mine': PARROT_KEY is not set"])


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("times: 2", "tims: 2", ":8: models.polly.options.tims: *did you mean 'times'?)"),
        ("times: 2", "times: 0", ":8: models.polly.options.times: 0 is less than 1"),
        (
            "parrot, model",
            "parot, model",
            ":8: models.polly.backend: no back end named 'parot' (did you mean 'parrot'?)",
        ),
    ],
)
def test_a_mistake_with_a_plugins_back_end_is_found_as_with_ours(
    folder: Path, pytester: pytest.Pytester, before: str, after: str, words: str
) -> None:
    """File, line, key and the nearest name, before anything is run."""
    (folder / "koderz.yaml").write_text(YAML.replace(before, after))
    pytester.runpytest_inprocess("--koderz").stderr.fnmatch_lines([f"ERROR: *koderz.yaml{words}"])


def test_a_plugins_back_end_cannot_take_the_name_of_ours(folder: Path, pytester: pytest.Pytester) -> None:
    """A usage error, not a silent choice."""
    (folder / "conftest.py").write_text(CONFTEST.replace("FRONTIER", "False").replace('"parrot"', '"ollama"'))
    result = pytester.runpytest_inprocess("--koderz")
    result.stderr.fnmatch_lines(["ERROR: there are two back ends named 'ollama'; rename the plugin's"])
