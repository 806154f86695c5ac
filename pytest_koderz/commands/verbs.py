"""Verbs that print something and exit, as --cache-show does: their options, and which one runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_koderz.session import compared_runs
from pytest_koderz.session.completion import OneCompleted, benchmarks, found_by, problems, recorded
from pytest_koderz.session.option_types import at_least_zero

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from collections.abc import Callable

    Verb = Callable[[pytest.Config, pytest.Session], int]


_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "list": {"action": "store_true", "help": "List the problems of the suites and exit."},
    "prompt": {
        "metavar": "PROBLEM",
        "action": OneCompleted,
        "completer": problems,
        "help": "Print what each arm's models would be sent for it, and exit.",
    },
    "quote": {"action": "store_true", "help": "Price the run beforehand, low and high, and exit."},
    "analyze": {
        "metavar": "ID",
        "action": OneCompleted,
        "completer": recorded,
        "help": "Tell the story of exp_..., or the results of bench_..., and exit.",
    },
    "only": {
        "choices": ("unsolved", "disagree", "invalid", "skipped", "flagged", "repeated"),
        "help": "Of the experiments that --koderz-analyze bench_... lists, these alone;"
        " -k picks by problem and arm too.",
    },
    "results": {
        "metavar": "TEXT",
        "nargs": "?",
        "const": "*",
        "action": OneCompleted,
        "completer": found_by,
        "help": "List the benchmarks run so far, those alone that TEXT fits, and exit.",
    },
    "merge": {
        "metavar": "DIR",
        "action": "append",
        "default": [],
        "help": "Join the shards in DIR to one benchmark, tell of it and exit; may be repeated.",
    },
    "sort": {
        "choices": ("solved", "cost", "date", "arm", "model"),
        "help": "With --koderz-results: a board of all arms, the best, cheapest or latest first.",
    },
    "from": {
        "choices": ("journal", "cortex"),
        "default": "journal",
        "help": "Where the last two look: in the journals, or in cortex alone.",
    },
    "watch": {
        "metavar": "BENCH",
        "nargs": "?",
        "const": "newest",
        "action": OneCompleted,
        "completer": benchmarks,
        "help": "Show how far a benchmark is that another process runs, until it ends; the newest one without an id.",
    },
    "cortex-sync": {"action": "store_true", "help": "Deliver what cortex has not got yet, and exit."},
    "whatif": {
        "metavar": "BENCH",
        "action": OneCompleted,
        "completer": benchmarks,
        "help": "Tell what bench_... answers of shorter runs and cascades, and exit.",
    },
    "worth": {
        "metavar": "USD",
        "type": at_least_zero,
        "help": "What a solved problem is worth, for --koderz-whatif.",
    },
    "prune": {
        "metavar": "DAYS",
        "nargs": "?",
        "const": "none",
        "help": "Remove benchmarks not written for DAYS, without a number list them all, and exit.",
    },
    "doctor": {"action": "store_true", "help": "Check whether the profile could run here, and exit."},
}
"""By what follows `--koderz-`, in the order of `--help`: what argparse is told."""


def add_options(group: pytest.OptionGroup) -> None:
    for name, attributes in _OPTIONS.items():
        group.addoption(f"--koderz-{name}", **attributes)


VERBS = (
    "koderz_list",
    "koderz_prompt",
    "koderz_quote",
    "koderz_analyze",
    "koderz_results",
    "koderz_merge",
    "koderz_compare",
    "koderz_watch",
    "koderz_cortex_sync",
    "koderz_whatif",
    "koderz_prune",
    "koderz_doctor",
)
"""The options above that are verbs; of several that are given the first one runs."""


def _verbs() -> Mapping[str, Verb]:
    from .analyze import analyze, results
    from .compare import compare
    from .doctor import examine
    from .list import list_problems
    from .merge import merge_shards
    from .prompt import print_prompts
    from .prune import prune
    from .quote import quote
    from .sync import deliver_now
    from .watch import watch
    from .whatif import what_if

    return {
        "koderz_list": list_problems,
        "koderz_prompt": print_prompts,
        "koderz_quote": quote,
        "koderz_analyze": analyze,
        "koderz_results": results,
        "koderz_merge": merge_shards,
        "koderz_compare": compare,
        "koderz_watch": watch,
        "koderz_cortex_sync": deliver_now,
        "koderz_whatif": what_if,
        "koderz_prune": prune,
        "koderz_doctor": examine,
    }


OUTPUTS = ("koderz_json", "koderz_html", "koderz_markdown", "koderz_export")


def asked_for(config: pytest.Config) -> bool:
    return any(_is_asked(config, name) for name in VERBS)


def _is_asked(config: pytest.Config, name: str) -> bool:
    return compared_runs.is_verb(config) if name == "koderz_compare" else bool(config.getoption(name))


def select(config: pytest.Config) -> None:
    """The problem that a verb names is the selection."""
    config.option.koderz_problems = config.option.koderz_prompt or config.option.koderz_problems


def run_verb(config: pytest.Config) -> int:
    """Run the verb that is asked for; the exit status. Raises pytest.UsageError for an option that it does not take."""
    from _pytest.main import wrap_session

    from pytest_koderz.files.usage_error import UsageError, permitted

    from .accepted_options import check_options, typed_options

    name = next(name for name in VERBS if _is_asked(config, name))
    verb = _verbs()[name]
    check_options(config, name.replace("_", "-"))
    typed = {option.replace("-", "_") for option, _ in typed_options(config)}
    for option in OUTPUTS:
        if option not in typed:  # those in `addopts` are the files of runs
            setattr(config.option, option, [] if option == "koderz_export" else None)

    def run(config: pytest.Config, session: pytest.Session) -> int:
        try:
            with permitted():
                return verb(config, session)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None

    return int(wrap_session(config, run))
