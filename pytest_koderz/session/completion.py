"""What a shell completes the values of our options to: pytest hands argcomplete its parser, where that is installed.

A shell asks at each press of a key, in a process of its own: files are read here as they stand and are not checked,
nothing is downloaded, and what cannot be read completes to nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Completer = Callable[[str, argparse.Namespace], Iterable[str]]
"""Of what is typed so far of the value, and what is given before it: all that the value may be."""


class _Completed(argparse.Action):
    def __init__(self, *, completer: Completer, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._named = completer

    def completer(self, prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        """As argcomplete calls it. A shell that waits for names wants no error."""
        found: list[str] = []
        with suppress(Exception):
            found += (value for value in self._named(prefix, parsed_args) if value.startswith(prefix))
        return found


class OneCompleted(_Completed):
    """The action `store`, whose value *completer* knows."""

    def __call__(self, parser: object, namespace: argparse.Namespace, values: object, option: object = None) -> None:  # noqa: ARG002 - as argparse calls it
        setattr(namespace, self.dest, values)


class EachCompleted(_Completed):
    """The action `append`, likewise."""

    def __call__(self, parser: object, namespace: argparse.Namespace, values: object, option: object = None) -> None:  # noqa: ARG002 - as argparse calls it
        # The default is one list, which is not to be added to.
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), values])


def words(*values: str) -> Completer:
    return lambda _typed, _given: values


def profiles(_: str, given: argparse.Namespace) -> Iterable[str]:
    return _section(given, "profiles")


def arms(_: str, given: argparse.Namespace) -> Iterable[str]:
    return _section(given, "arms")


def feedback_policies(_: str, given: argparse.Namespace) -> Iterator[str]:  # noqa: ARG001 - a Completer
    from pytest_koderz.core.iteration import FeedbackPolicy

    return (str(policy) for policy in FeedbackPolicy)


def slots(typed: str, given: argparse.Namespace) -> Iterator[str]:
    """`local=`, and after it each model of koderz.yaml, or `backend/`."""
    from pytest_koderz.backends import OURS

    slot, filled, _ = typed.partition("=")
    if filled:
        return (f"{slot}={name}" for name in (*_section(given, "models"), *(f"{backend}/" for backend in OURS)))
    named = {slot for profile in _section(given, "profiles").values() for slot in profile.get("models", ())}
    return (f"{slot}=" for slot in sorted(named))


def keys(_: str, given: argparse.Namespace) -> Iterator[str]:
    """Of koderz.yaml, with the names that stand in it: `arms.koderz.candidates=`."""
    from dataclasses import fields

    from pytest_koderz.settings.schema import NAMED_SECTIONS, SECTIONS, FileEntry

    for key in (field.name for field in fields(FileEntry)):
        places = [f"{key}.{name}" for name in _section(given, key)] if key in NAMED_SECTIONS else [key]
        inner = [f".{field.name}" for field in fields(SECTIONS[key])] if key in SECTIONS else [""]
        yield from (f"{place}{name}=" for place in places for name in inner)


def problems(_: str, given: argparse.Namespace) -> Iterator[str]:
    """Of the suites in problems/, else those of the built-in one, as far as their data sets are on this machine."""
    from pytest_koderz.datasets.suite import load_suite
    from pytest_koderz.settings import shipped_path

    own = _root(given) / "problems"
    for path in sorted(own.iterdir()) if own.is_dir() else [shipped_path("problems") / "humaneval.yaml"]:
        with suppress(Exception):
            yield from (problem.id for problem in load_suite(path) or ())


def several_problems(typed: str, given: argparse.Namespace) -> Iterator[str]:
    """The one that is typed, after those before the last comma."""
    before, comma, _ = typed.rpartition(",")
    return (f"{before}{comma}{name}" for name in problems(typed, given))


def benchmarks(_: str, given: argparse.Namespace) -> Iterator[str]:
    """The latest first."""
    return (folder.name for folder in _folders(given))


def recorded(typed: str, given: argparse.Namespace) -> Iterator[str]:
    """Benchmarks, and experiments once their id is begun: all journals are looked through for these."""
    from pytest_koderz.records.reader import experiments_in

    yield from benchmarks(typed, given)
    if typed.startswith("exp_"):
        for folder in _folders(given):
            yield from sorted(experiments_in(folder))


def found_by(typed: str, given: argparse.Namespace) -> Iterator[str]:
    """What benchmarks are looked for by: their ids, profiles, arms and problems."""
    for names in (benchmarks, profiles, arms, problems):
        yield from names(typed, given)


def runs(typed: str, given: argparse.Namespace) -> Iterator[str]:
    """`newest` or a benchmark, and after a colon an arm; a file of results, too, and the way to it."""
    from _pytest._argcomplete import FastFilesCompleter

    run, colon, _ = typed.rpartition(":")
    if colon:
        yield from (f"{run}:{arm}" for arm in arms(typed, given))
    else:
        yield from ("newest", *benchmarks(typed, given))
        way = typed.rpartition("/")[0]
        yield from (f"{way}/{name}" if way else name for name in FastFilesCompleter()(typed))


def _folders(given: argparse.Namespace) -> Iterable[Path]:
    from pytest_koderz.records.reader import folders_in

    named = next((file["folder"] for file in _files(given) if file.get("folder")), ".koderz")
    return folders_in(_root(given) / named)


def _section(given: argparse.Namespace, name: str) -> Mapping[str, Any]:
    """The entries of one's own file before the shipped ones that it does not name."""
    found: dict[str, Any] = {}
    for file in _files(given):
        found = {**found, **{key: entry for key, entry in (file.get(name) or {}).items() if key not in found}}
    return found


def _files(given: argparse.Namespace) -> Iterator[Mapping[str, Any]]:
    """Own settings and the shipped ones."""
    from pytest_koderz.files.yaml_lines import read_yaml
    from pytest_koderz.settings import shipped_path

    own = Path(getattr(given, "koderz_config", None) or _root(given) / "koderz.yaml")
    for path in (own, shipped_path("koderz.yaml")):
        with suppress(Exception):
            yield read_yaml(path).plain


def _root(given: argparse.Namespace) -> Path:
    """Where koderz.yaml is: pytest finds its root folder only after a shell has asked."""
    here = Path(getattr(given, "rootdir", None) or Path.cwd())
    return next((folder for folder in (here, *here.parents) if (folder / "koderz.yaml").is_file()), here)
