"""What is refused or prepared before a benchmark begins."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.backends.backend import Identity, Registry
from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.money import Usage
from pytest_koderz.evidence.break_even import Purchase
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.evidence.savings import estimate_control
from pytest_koderz.files.jsonl import check_is_file
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.settings import Settings, load_settings, shipped_path

from .command_line import choice_of
from .secrets_of_run import redaction_of

SUITE_FOLDER = "problems"
BUILT_IN_SUITE = "humaneval.yaml"

TYPICAL_ANSWER = Usage(input=200, output=150)
"""Tokens of a frontier model's one try at a HumanEval problem; only for the estimate of a control that did not run."""


def settings_of(config: pytest.Config, root: Path) -> Settings:
    """The settings that koderz.yaml, environment and command line come to. Raises UsageError."""
    path = config.getoption("koderz_config")
    return load_settings(Path(path) if path else None, root, os.environ, choice_of(config), backends_of(config))


def backends_of(config: pytest.Config) -> Registry:
    """Ours and those of plugins. Raises UsageError where two have one name."""
    # Ours opens what is registered.
    others = any(not impl.trylast for impl in config.hook.pytest_koderz_open_model.get_hookimpls())
    offered = reversed(config.hook.pytest_koderz_backends(config=config))
    return Registry(chain.from_iterable(offered), open_ended=others)


def frame_of(settings: Settings, benchmark_id: str) -> Frame:
    """What a benchmark with these settings sets out to do."""
    estimate, bought = None, settings.purchase
    if settings.control_model is not None:
        estimate = estimate_control(settings.control_model, settings.control_price, TYPICAL_ANSWER)
    return Frame(
        benchmark_id,
        arms=tuple(arm.name for arm in settings.arms),
        control=settings.control,
        margin=settings.margin,
        estimate=estimate,
        simulated=settings.simulated,
        local_rate=settings.local_rate,
        purchase=None if bought is None else Purchase(bought.price, bought.hours),
        wrong_accept=settings.wrong_accept,
        definitions=settings.arms,
    )


def check_versions() -> None:
    """Refuse a pytest or a Python that pip would not have installed the plugin beside. Raises UsageError."""
    from importlib.metadata import metadata, version

    from packaging.requirements import Requirement

    about = metadata("pytest-koderz")
    wanted = [Requirement(text) for text in about.get_all("Requires-Dist") or ()]
    wanted.append(Requirement(f"python {about['Requires-Python'] or ''}"))
    there = {"pytest": version("pytest"), "python": platform.python_version()}
    for one in wanted:
        if one.name in there and not one.specifier.contains(there[one.name], prereleases=True):
            cure = "use a newer Python" if one.name == "python" else "run `python -m pip install --upgrade pytest`"
            raise UsageError(f"{one.name} {there[one.name]} is too old: pytest-koderz needs {one.specifier}; {cure}")


def check_models(settings: Settings) -> None:
    """Refuse a model that cannot take part. Raises UsageError."""
    for model in settings.models:
        fault = fault_of(model, settings)
        if fault is not None:
            raise UsageError(fault)


def fault_of(model: ModelSettings, settings: Settings) -> str | None:
    """Such as that its key is missing; None where nothing is known to be in the way."""
    missing = settings.backend_of(model).fault_of(model, settings.environment)
    return f"model '{model.name}' of profile '{settings.profile}': {missing}" if missing else None


def check_servers(settings: Settings, workers: int) -> None:
    """Refuse a model that none of the calls would reach, or whose window is smaller than it is set to, before others
    are paid to work for it. Raises UsageError.
    """
    for model in settings.models:
        backend = settings.backend_of(model)
        fault = backend.why_unreachable(model, settings.environment, workers)
        fault = fault or backend.window_fault(model, settings.environment)
        if fault is not None:
            raise UsageError(f"model '{model.name}' of profile '{settings.profile}': {fault}")


def identified(settings: Settings) -> Settings:
    """*settings* with what the servers of the models say of them now, where they are asked from here."""
    if not settings.asks_servers:
        return settings
    told = {
        model.name: settings.backend_of(model).identity(model, settings.environment)
        for model in settings.models
        if settings.backend_of(model).fault_of(model, settings.environment) is None
    }
    return with_identities(settings, told)


def with_identities(settings: Settings, told: Mapping[str, Identity]) -> Settings:
    """*told* by model. A server may repeat the key that it was sent; what is kept of it holds none."""
    redact = redaction_of(settings)
    clean = {name: redact.of_plain(dict(identity.told)) for name, identity in told.items()}
    return replace(settings, arms=tuple(_identified(arm, clean) for arm in settings.arms))


def _identified(arm: Arm, told: Mapping[str, Mapping[str, str]]) -> Arm:
    def of(model: ModelSettings) -> ModelSettings:
        return replace(model, identity=told[model.name]) if model.name in told else model

    models: dict[str, Any] = {role: of(model) for role, model in arm.models.items()}
    return replace(arm, **models, swarm=tuple(map(of, arm.swarm)))


def prepare_models(settings: Settings, say: Callable[[str], None]) -> None:
    """Fetch what models need, such as weights, before several workers could do so at once. Raises UsageError."""
    for model in settings.models:
        settings.backend_of(model).prepare(model, say)


def choose_paths(config: pytest.Config, root: Path) -> None:
    """Without a path run problems/, or where there is none the built-in suite; shipped suites go by their names."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        here = root / SUITE_FOLDER
        config.args = [str(here if here.is_dir() else shipped_path(SUITE_FOLDER) / BUILT_IN_SUITE)]
    else:
        config.args = [_shipped(config, arg) for arg in config.args]
    for arg in config.args:
        check_suites(config.invocation_params.dir / arg.partition("::")[0])


def name_paths(config: pytest.Config) -> None:
    """Without a path, name what `choose_paths` would choose.

    xdist's looponfail configures nothing here: another process takes the folder that pytest chose for one that the user
    named. The shipped suite goes by its name, since the place of its file would be looked at for pytest's root.
    """
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        here = config.rootpath / SUITE_FOLDER
        config.args = [str(here) if here.is_dir() else f"{SUITE_FOLDER}/{BUILT_IN_SUITE}"]


def check_suites(place: Path) -> None:
    """Raises UsageError for what has a suite's name and is no file: pytest would pass it over without a word."""
    folder = place if place.name == SUITE_FOLDER else place / SUITE_FOLDER
    for path in (place, *sorted(folder.glob("*"))):
        if path.suffix in {".yaml", ".yml"} and os.path.lexists(path):
            check_is_file(path)


def _shipped(config: pytest.Config, arg: str) -> str:
    """`problems/humaneval.yaml::...` means the shipped suite where the user has no such file."""
    name, separator, rest = arg.partition("::")
    shipped = shipped_path(SUITE_FOLDER) / Path(name).name
    missing = not (config.invocation_params.dir / name).exists()
    if missing and Path(name).parent.name == SUITE_FOLDER and shipped.is_file():
        return f"{shipped}{separator}{rest}"
    return arg
