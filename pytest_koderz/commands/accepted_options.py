"""Which options a verb takes: there each does what it says, and every other one is refused with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import pytest

RUN = "koderz"
"""The verb of who runs a benchmark."""
BELONGS: Mapping[str, tuple[str, ...]] = {
    "koderz-only": ("koderz-analyze",),
    "koderz-from": ("koderz-analyze", "koderz-results"),
    "koderz-sort": ("koderz-results",),
    "koderz-worth": ("koderz-whatif",),
    "koderz-tests": ("koderz-harvest",),
    "koderz-commits": ("koderz-harvest",),
}
"""Options of some verbs alone."""


@dataclass(frozen=True, slots=True)
class VerbOptions:
    """What a verb takes, each option without its dashes."""

    why: str
    """Why no other one, as a relative clause."""
    takes: frozenset[str] = frozenset()
    needs: Mapping[str, str] = field(default_factory=dict)
    """Of these options, what each does nothing without."""
    keys: frozenset[str] | None = None
    """Of koderz.yaml: those that --koderz-set may change. None: all."""

    def refuses(self, option: str) -> bool:
        return option not in self.takes and option not in self.needs


def _named(words: str) -> frozenset[str]:
    return frozenset(f"koderz-{word}" for word in words.split())


_FILES = "json html markdown export"
_SETTINGS = "config set profile arm grade-on"
_TUNED = "model max-iterations checkpoint-interval feedback"
_SELECTION = "problems sample shard epochs"
_GATES = "min-solved max-cost-per-solved max-worse baseline"
_OF_A_RECORD = _named(f"config set {_FILES}")
_JUNIT = {"koderz-junit-properties": "junitxml"}
_FOLDER, _MEMORY = frozenset({"folder"}), frozenset({"folder", "cortex"})
_RECORDED = "which goes by what was recorded, by the definitions of then"

VERB_OPTIONS: Mapping[str, VerbOptions] = {
    RUN: VerbOptions(
        "which runs a benchmark",
        _named(
            f"{_SETTINGS} {_TUNED} margin {_SELECTION} {_FILES} {_GATES} "
            "jobs executor show junit-properties resume max-cost compare"
        ),
    ),
    "koderz-list": VerbOptions(
        "which lists what a new run would hold, and runs nothing",
        _named(f"{_SETTINGS} {_SELECTION} json"),
        dict.fromkeys(_named(f"{_TUNED} margin max-cost"), "koderz-json"),
    ),
    "koderz-prompt": VerbOptions(
        "which names the one problem itself, and runs nothing", _named(f"{_SETTINGS} {_TUNED}")
    ),
    "koderz-quote": VerbOptions(
        "which prices a new run, and runs nothing", _named(f"{_SETTINGS} {_TUNED} margin {_SELECTION} max-cost")
    ),
    "koderz-analyze": VerbOptions(_RECORDED, _OF_A_RECORD | _named("only from"), _JUNIT, _MEMORY),
    "koderz-results": VerbOptions(
        "which lists what was recorded; --koderz-analyze bench_... tells of one",
        _named("config set sort from"),
        keys=_MEMORY,
    ),
    "koderz-merge": VerbOptions(_RECORDED, _OF_A_RECORD, _JUNIT, _FOLDER),
    "koderz-compare": VerbOptions(
        _RECORDED, _named("config set margin json html markdown"), keys=frozenset({"folder", "margin", "local_rate"})
    ),
    "koderz-watch": VerbOptions("which shows what another process runs", _named("config set"), keys=_FOLDER),
    "koderz-cortex-sync": VerbOptions(
        "which delivers what is owed, whoever owes it", _named("config set"), keys=_MEMORY
    ),
    "koderz-whatif": VerbOptions(_RECORDED, _named("config set worth html"), keys=_FOLDER),
    "koderz-prune": VerbOptions("which goes by age alone", _named("config set"), keys=_FOLDER),
    "koderz-doctor": VerbOptions(
        "which checks the start of a new run, and neither runs nor writes",
        _named(f"{_SETTINGS} {_TUNED} margin {_SELECTION} jobs max-cost {_GATES}"),
    ),
    "koderz-init": VerbOptions("which writes a first koderz.yaml, and reads none"),
    "koderz-harvest": VerbOptions(
        "which tries a repository's own tests, and reads no settings", _named("commits tests")
    ),
    "koderz-guide": VerbOptions("which prints a chapter, and reads no settings"),
}
"""By verb, in the order in which the first of several that are asked for is taken."""


def typed_options(config: pytest.Config) -> Iterator[tuple[str, str]]:
    """Those of ours on the command line itself, each with what follows it: in `addopts` one may wait for its use."""
    given = [line for argument in config.invocation_params.args for line in _lines(str(argument))]
    for argument, following in zip_longest(given, given[1:], fillvalue=""):
        name, said, value = argument.partition("=")
        if name == "--koderz" or name.startswith("--koderz-"):
            yield name.removeprefix("--"), value if said else following


def _lines(argument: str) -> list[str]:
    """`@file` stands for the lines of a file."""
    path = Path(argument[1:])
    return path.read_text().splitlines() if argument.startswith("@") and path.is_file() else [argument]


def refusal(verb: str, option: str, value: str, others: frozenset[str] = frozenset()) -> str | None:
    """Why *option* is refused beside *verb*, in a line; None: it does what it says. *others* are given besides."""
    known = VERB_OPTIONS[verb]
    if option in (verb, RUN):
        return None
    if verb not in BELONGS.get(option, (verb,)):
        return f"--{option} does nothing without {where_it_belongs(f'--{option}')}"
    if known.refuses(option):
        why = ": one verb at a time" if option in VERB_OPTIONS else f", {known.why}"
        return f"--{option} does nothing beside --{verb}{why}"
    needed, key = known.needs.get(option), value.partition("=")[0].partition(".")[0]
    if needed is not None and needed not in others:
        return f"--{option} does nothing beside --{verb} without --{needed}"
    if option == "koderz-set" and known.keys is not None and key not in known.keys:
        return f"--{option} {value} does nothing beside --{verb}, {known.why}"
    return None


def where_it_belongs(option: str) -> str:
    """`--koderz-analyze or --koderz-results` of an option with its dashes."""
    return " or ".join(f"--{verb}" for verb in BELONGS.get(option.removeprefix("--"), (RUN,)))


def check_options(config: pytest.Config, verb: str) -> None:
    """Raises pytest.UsageError for the first option that would do nothing."""
    typed = list(typed_options(config))
    others = {option for option, _ in typed}
    others |= {"junitxml"} if getattr(config.option, "xmlpath", None) else set()
    for option, value in typed:
        fault = refusal(verb, option, value, frozenset(others))
        if fault is not None:
            raise pytest.UsageError(fault)
