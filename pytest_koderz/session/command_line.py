"""The options that choose among what koderz.yaml defines, or change it for this run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from .completion import EachCompleted, OneCompleted, arms, feedback_policies, keys, profiles, slots, words
from .option_types import at_least_zero, count

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from pytest_koderz.settings import Choice

looking_key = pytest.StashKey[bool]()
"""Whether nothing will be run or priced."""


_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "config": {"metavar": "FILE", "help": "Settings; koderz.yaml in the root folder, else the shipped one."},
    "profile": {
        "metavar": "NAME",
        "action": OneCompleted,
        "completer": profiles,
        "help": "A profile of koderz.yaml: which models fill the roles.",
    },
    "arm": {
        "metavar": "NAME",
        "action": EachCompleted,
        "completer": arms,
        "default": [],
        "help": "Run this arm; may be repeated.",
    },
    "model": {
        "metavar": "SLOT=MODEL",
        "action": EachCompleted,
        "completer": slots,
        "default": [],
        "help": "Fill a slot with a model of koderz.yaml, or with backend/model[@http://host:port]; may be repeated.",
    },
    "max-iterations": {"metavar": "N", "type": count, "help": "Of arms that have no number of their own."},
    "checkpoint-interval": {"metavar": "N", "type": count, "help": "Of arms that have no number of their own."},
    "feedback": {
        "metavar": "POLICY",
        "action": OneCompleted,
        "completer": feedback_policies,
        "help": "What a model is told of a failure: none, outcome, visible, assertion or all;"
        " where an arm does not say.",
    },
    "margin": {"metavar": "SHARE", "type": at_least_zero, "help": "How much worse still counts as a match."},
    "grade-on": {
        "metavar": "SET",
        "action": OneCompleted,
        "completer": words("base", "plus"),
        "help": "Which tests decide what is solved: base or plus.",
    },
    "set": {
        "metavar": "KEY=VALUE",
        "action": EachCompleted,
        "completer": keys,
        "default": [],
        "help": "Any other key of koderz.yaml, such as arms.koderz.candidates=4; may be repeated.",
    },
}
"""By what follows `--koderz-`, in the order of `--help`: what argparse is told."""


def add_options(group: pytest.OptionGroup) -> None:
    for name, attributes in _OPTIONS.items():
        group.addoption(f"--koderz-{name}", **attributes)


CHANGES: Mapping[str, object] = {
    "koderz_model": [],
    "koderz_max_iterations": None,
    "koderz_checkpoint_interval": None,
    "koderz_feedback": None,
    "koderz_margin": None,
    "koderz_grade_on": None,
    "koderz_set": [],
}
"""The options that change koderz.yaml, each with its value where it is not given."""


def changes_settings(config: pytest.Config) -> bool:
    return any(config.getoption(name) != default for name, default in CHANGES.items())


def choice_of(config: pytest.Config) -> Choice:
    """What the command line picks and changes."""
    from decimal import Decimal

    from pytest_koderz.settings import Choice

    option = config.getoption
    limit, margin = option("koderz_max_cost"), option("koderz_margin")
    return Choice(
        profile=option("koderz_profile"),
        arms=tuple(option("koderz_arm")),
        problems=option("koderz_problems"),
        sample=option("koderz_sample"),
        epochs=option("koderz_epochs"),
        jobs=option("koderz_jobs"),
        executor=option("koderz_executor"),
        json=option("koderz_json"),
        html=option("koderz_html"),
        markdown=option("koderz_markdown"),
        max_cost=None if limit is None else Decimal(limit),
        models=tuple(option("koderz_model")),
        looking=config.stash.get(looking_key, False),
        max_iterations=option("koderz_max_iterations"),
        checkpoint_interval=option("koderz_checkpoint_interval"),
        feedback=option("koderz_feedback"),
        margin=None if margin is None else float(margin),
        grade_on=option("koderz_grade_on"),
        sets=tuple(option("koderz_set")),
    )
