"""The pytest plugin: its options, and one object that is registered only with --koderz."""

from __future__ import annotations

import pytest

from . import hookspecs

VERBS = ("koderz_list", "koderz_quote")
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
    add(
        "--koderz-resume",
        metavar="BENCH_ID",
        nargs="?",
        const="newest",
        help="Go on with a benchmark that was cut short; the newest one without an id.",
    )
    add("--koderz-json", metavar="FILE", help="Write the results as JSON.")
    add("--koderz-max-cost", metavar="USD", help="Make no call that could pass this sum; the rest is skipped.")
    add("--koderz-list", action="store_true", help="List the problems of the suites and exit.")
    add("--koderz-quote", action="store_true", help="Price the run beforehand, low and high, and exit.")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    words = "koderz(suite, arm=None, problems=None): run experiments and give each as `koderz_experiment`"
    config.addinivalue_line("markers", words)
    verb = any(config.getoption(name) for name in VERBS)
    if config.getoption("koderz") or verb:
        from .session import register

        register(config, spending=not verb)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "koderz_experiment" in metafunc.fixturenames:
        from .marked import parametrize

        parametrize(metafunc)


@pytest.fixture
def koderz_experiment(request: pytest.FixtureRequest) -> object:
    """The experiment that the test's mark `koderz` asks for, ended: solved or unsolved."""
    from .marked import run_parametrized

    return run_parametrized(request)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if not any(config.getoption(verb) for verb in VERBS):
        return None
    from .listing import run_verb

    return run_verb(config)
