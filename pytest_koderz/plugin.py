"""The pytest plugin: its options, and the features that are registered only with --koderz."""

from __future__ import annotations

import pytest

from . import hookspecs
from .commands import guide, harvest, init, verbs
from .session import (
    collection,
    command_line,
    compared_runs,
    executor,
    exports,
    former_run,
    gates,
    jobs,
    outputs,
    spending_limit,
)
from .session.loaded_once import give_back, keep_loaded

pytest_plugins = ("pytest_koderz.session.marks",)

# Without --koderz these modules cost nothing: what their options are for is imported where it is done.


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("koderz", "can a cheap local model under supervision match a frontier model?")
    group.addoption("--koderz", action="store_true", help="Run the problem suites; without a path those in problems/.")
    features = (
        command_line,
        collection,
        jobs,
        executor,
        former_run,
        outputs,
        exports,
        spending_limit,
        gates,
        compared_runs,
        verbs,
        guide,
        init,
        harvest,
    )
    for feature in features:
        feature.add_options(group)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    words = "koderz(suite, arm=None, problems=None): run experiments and give each as `koderz_experiment`"
    config.addinivalue_line("markers", words)
    config.addinivalue_line("markers", "experiment: every experiment of a suite has it, for -m")
    verb = verbs.asked_for(config)
    if config.getoption("koderz") or verb:
        from .session.features import register

        give_back()
        config.add_cleanup(keep_loaded)
        verbs.select(config)
        register(config, spending=not verb)
    else:
        _check_idle(config)


def _check_idle(config: pytest.Config) -> None:
    """Who asks for something of ours on the command line wants a benchmark; in `addopts` it may wait for one."""
    given = [str(argument).partition("=")[0] for argument in config.invocation_params.args]
    ours = next((name for name in given if name.startswith("--koderz-")), None)
    if ours is not None:
        from .commands.accepted_options import where_it_belongs

        raise pytest.UsageError(f"{ours} does nothing without {where_it_belongs(ours)}")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    if harvest.asked_for(early_config.known_args_namespace):
        harvest.leave_addopts(early_config, args)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if guide.asked_for(config):
        return guide.open_guide(config)
    if init.asked_for(config):
        return init.begin(config)
    if harvest.asked_for(config.option):
        return harvest.begin(config)
    if verbs.asked_for(config):
        return verbs.run_verb(config)
    if config.getoption("koderz"):
        _prepare_run(config)
    return None


def _prepare_run(config: pytest.Config) -> None:
    from .commands.accepted_options import RUN, check_options

    check_options(config, RUN)
    if config.getoption("looponfail", default=False):
        from .session.start_checks import name_paths

        name_paths(config)
