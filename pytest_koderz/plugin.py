"""The pytest plugin: its options, and one object that is registered only with --koderz."""

from __future__ import annotations

import pytest

from . import hookspecs
from .commands import guide

VERBS = (
    "koderz_list",
    "koderz_quote",
    "koderz_analyze",
    "koderz_results",
    "koderz_cortex_sync",
    "koderz_doctor",
)
"""Options that print something and exit, as --cache-show does."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("koderz", "can a cheap local model under supervision match a frontier model?")
    add = group.addoption
    add("--koderz", action="store_true", help="Run the problem suites; without a path those in problems/.")
    add(
        "--koderz-config",
        metavar="FILE",
        help="Settings; koderz.yaml in the root folder, else the shipped one.",
    )
    add("--koderz-profile", metavar="NAME", help="A profile of koderz.yaml: which models fill the roles.")
    add(
        "--koderz-arm",
        metavar="NAME",
        action="append",
        default=[],
        help="Run this arm; may be repeated.",
    )
    add("--koderz-problems", metavar="0-9,42", help="Pick problems by number, id or pattern.")
    add("--koderz-epochs", metavar="N", type=int, help="Run each arm on each problem N times.")
    add("--koderz-jobs", metavar="N", type=int, help="Keep N experiments in flight, in one process.")
    add(
        "--koderz-resume",
        metavar="BENCH_ID",
        nargs="?",
        const="newest",
        help="Go on with a benchmark that was cut short; the newest one without an id.",
    )
    add("--koderz-json", metavar="FILE", help="Write the results as JSON.")
    add("--koderz-html", metavar="FILE", help="Write the results as an HTML page.")
    add("--koderz-max-cost", metavar="USD", help="Make no call that could pass this sum; the rest is skipped.")
    add("--koderz-min-solved", metavar="0.85", help="Exit 1 where the first arm solves a smaller share.")
    add("--koderz-max-cost-per-solved", metavar="USD", help="Exit 1 where a solved problem costs it more.")
    add("--koderz-max-worse", metavar="0.02", help="Exit 1 where its share fell by more since the baseline.")
    add("--koderz-baseline", metavar="FILE", help="Results of an earlier --koderz-json, for --koderz-max-worse.")
    add("--koderz-list", action="store_true", help="List the problems of the suites and exit.")
    add("--koderz-quote", action="store_true", help="Price the run beforehand, low and high, and exit.")
    add("--koderz-analyze", metavar="ID", help="Tell the story of exp_..., or the results of bench_..., and exit.")
    add(
        "--koderz-results",
        metavar="TEXT",
        nargs="?",
        const="*",
        help="List the benchmarks run so far, those alone that TEXT fits, and exit.",
    )
    add(
        "--koderz-from",
        choices=("journal", "cortex"),
        default="journal",
        help="Where the last two look: in the journals, or in cortex alone.",
    )
    add("--koderz-cortex-sync", action="store_true", help="Deliver what cortex has not got yet, and exit.")
    add("--koderz-doctor", action="store_true", help="Check whether the profile could run here, and exit.")
    guide.add_options(group)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    words = "koderz(suite, arm=None, problems=None): run experiments and give each as `koderz_experiment`"
    config.addinivalue_line("markers", words)
    verb = any(config.getoption(name) for name in VERBS)
    if config.getoption("koderz") or verb:
        from .session.session import register

        register(config, spending=not verb)
    else:
        _check_idle(config)


def _check_idle(config: pytest.Config) -> None:
    """Who asks for something of ours on the command line wants a benchmark; in `addopts` it may wait for one."""
    given = [str(argument).partition("=")[0] for argument in config.invocation_params.args]
    ours = next((name for name in given if name.startswith("--koderz-")), None)
    if ours is not None:
        raise pytest.UsageError(f"{ours} does nothing without --koderz")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "koderz_experiment" in metafunc.fixturenames:
        from .session.marks import parametrize

        parametrize(metafunc)


@pytest.fixture
def koderz_experiment(request: pytest.FixtureRequest) -> object:
    """The experiment that the test's mark `koderz` asks for, ended: solved or unsolved."""
    from .session.marks import run_parametrized

    return run_parametrized(request)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if guide.asked_for(config):
        return guide.open_guide(config)
    if not any(config.getoption(verb) for verb in VERBS):
        return None
    from .commands.verbs import run_verb

    return run_verb(config)
