"""Suites: files that say which problems of which dataset, or hold problems of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.download import Notify
from pytest_koderz.files.jsonl import fault_of_id
from pytest_koderz.files.nearest import most_like, nearest
from pytest_koderz.files.usage_error import Mistakes, UsageError
from pytest_koderz.files.yaml_lines import KeyPath, Located, read_yaml

from .catalogue import format_of, load
from .examples import visible_tests
from .harvested import read_harvested
from .selection import select
from .source import as_check, fault_of, fault_of_tests, names_of, outside_modules, preamble_of, undefined

SUITE_KEYS = {
    "dataset": "a published set's name, or a file beside this one in a set's format",
    "path": "where the set's file lies, from this one's folder",
    "url": "whence the set's file is downloaded, https://...",
    "sha256": "64 hex digits that the set's file must have",
    "problems": "which of them: a selection such as `0-9,42`; all without it",
    "published": "when they came out, such as 2021-07-07, where the set itself does not know it",
}
"""Of a suite that takes problems from a data set, with what editors say of each."""
PUBLISHED = "when the problems came out, such as 2021-07-07: models trained later may hold them"
OWN_KEYS = {"problems": "problems of your own", "published": PUBLISHED}
HARVESTED_KEYS = {
    "repository": "whose functions they are",
    "problems": "its functions, each with its tests",
    "published": PUBLISHED,
}
REQUIRED = ("id", "entry_point", "prompt", "tests")
PROBLEM_KEYS = {
    "id": "its name, such as `own/rotate`, without spaces and square brackets",
    "entry_point": "the function that is asked for and tested",
    "prompt": "the task as models are sent it: a function's head with its docstring, or a text",
    "tests": "assertions, or `def check(candidate)` with assertions in it",
    "category": "what it is about, such as `strings`: figures are told of each category too",
    "canonical_solution": "an answer that passes the tests: tried before anything is paid, and time limits follow it",
}


def load_suite(path: Path, notify: Notify | None = None) -> tuple[Problem, ...] | None:
    """The problems of a file that is a suite, in YAML or one dataset's format. None: it is neither."""
    if path.suffix in {".yaml", ".yml"}:
        return read_suite(path, notify)
    format_ = format_of(path.name)
    return load(format_.name, path) if format_ else None


def read_suite(path: Path, notify: Notify | None = None) -> tuple[Problem, ...]:
    """The problems of one suite file. Whatever is wrong with it raises UsageError with file, line and key.

    A dataset that is not on this machine is downloaded where there is *notify* to be told of it.
    """
    suite = read_yaml(path)
    _check_keys(suite, (), HARVESTED_KEYS if _is_harvested(suite) else SUITE_KEYS)
    published = _published(suite)
    problems = _problems(suite, notify)
    return problems if published is None else tuple(replace(each, published=published) for each in problems)


def _is_harvested(suite: Located) -> bool:
    return isinstance(suite.plain, dict) and "repository" in suite.plain


def _problems(suite: Located, notify: Notify | None) -> tuple[Problem, ...]:
    if _is_harvested(suite):
        return read_harvested(suite)
    if "dataset" in suite.plain:
        return _from_dataset(suite, notify)
    for key in ("path", "url", "sha256"):
        if key in suite.plain:
            raise _wrong(suite, (key,), "is for a dataset's file, but no `dataset` is named")
    return _own(suite)


def _from_dataset(suite: Located, notify: Notify | None) -> tuple[Problem, ...]:
    name = _text(suite, ("dataset",))
    place = suite.path.parent / _text(suite, ("path",)) if "path" in suite.plain else None
    if format_ := format_of(name.removesuffix(".gz")):
        name, place = format_.name, suite.path.parent / name
    url, sha256 = _url(suite, place), _sha256(suite)
    try:
        problems = load(name, place, url=url, sha256=sha256, notify=notify)
    except UsageError as error:
        words = str(error).removeprefix("dataset: ")
        raise _wrong(suite, ("dataset",), words) from error
    wanted = _selection(suite)
    if wanted is None:
        return problems
    try:
        return select(problems, wanted)
    except UsageError as error:
        raise _wrong(suite, ("problems",), str(error).removeprefix("problems: ")) from error


def _url(suite: Located, place: Path | None) -> str | None:
    if "url" not in suite.plain:
        return None
    url = _text(suite, ("url",))
    parts = _parts(url)
    if place is not None:
        raise _wrong(
            suite, ("url",), f"is given, and a file of this machine as well ({place.name}); one of them is enough"
        )
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _wrong(suite, ("url",), f"{url!r} is not an address that starts with https://")
    if "@" in parts.netloc:
        raise _wrong(suite, ("url",), "holds a user's name or password, which a suite is no place for")
    return url


def _parts(url: str) -> SplitResult | None:
    """None: it is no address, or one that is not what it looks like."""
    try:
        return urlsplit(url) if url.isprintable() and " " not in url else None
    except ValueError:
        return None


def _sha256(suite: Located) -> str | None:
    if "sha256" not in suite.plain:
        return None
    # As it stands in the file: YAML would read digits alone as a number.
    text = (suite.written(("sha256",)) or "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise _wrong(suite, ("sha256",), "must be 64 hex digits, as `sha256sum FILE` prints them")
    return text


def _published(suite: Located) -> date | None:
    if "published" not in suite.plain:
        return None
    try:
        return date.fromisoformat(suite.written(("published",)) or "")
    except ValueError:
        raise _wrong(suite, ("published",), "must be a day such as 2021-07-07") from None


def _selection(suite: Located) -> str | None:
    """The selection as it stands in the file: YAML would read `010` as eight."""
    chosen = suite.plain.get("problems")
    if isinstance(chosen, list):
        parts = [suite.written(("problems", number)) for number in range(len(chosen))]
        if not parts or None in parts:
            raise _wrong(suite, ("problems",), "must be a selection such as `0-9,42`, since a dataset is named")
        return ",".join(part for part in parts if part is not None)
    if isinstance(chosen, dict):
        raise _wrong(suite, ("problems",), "must be a selection such as `0-9,42`, since a dataset is named")
    return None if chosen is None else suite.written(("problems",))


def _own(suite: Located) -> tuple[Problem, ...]:
    entries = suite.plain.get("problems")
    if not isinstance(entries, list) or not entries:
        words = "must be a list of problems; to select from a dataset, name it under `dataset`"
        raise _wrong(suite, ("problems",), words if "problems" in suite.plain else "missing, as is `dataset`")
    first: dict[str, int] = {}
    problems, mistakes = [], Mistakes()
    for number in range(len(entries)):
        with mistakes.noted():
            problem = _problem(suite, ("problems", number))
            _check_first(suite, ("problems", number, "id"), problem.id, first)
            problems.append(problem)
    mistakes.tell()
    return tuple(problems)


def _check_first(suite: Located, key: KeyPath, name: str, first: dict[str, int]) -> None:
    if name in first:
        raise _wrong(suite, key, f"{name!r} stands in line {first[name]} already")
    first[name] = suite.line_of(key)


def _problem(suite: Located, key: KeyPath) -> Problem:
    entry = _check_keys(suite, key, PROBLEM_KEYS, REQUIRED)
    texts = _texts(suite, key, entry)
    name, prompt, entry_point = texts["id"], texts["prompt"], texts["entry_point"]
    _check_id(suite, (*key, "id"), name)
    if not entry_point.isidentifier():
        raise _wrong(suite, (*key, "entry_point"), f"{entry_point!r} is not the name of a function")
    canonical = _solution(suite, key, texts)
    if fault := undefined(entry_point, prompt, canonical):
        raise _wrong(suite, (*key, "entry_point"), fault)
    if fault := fault_of_tests(texts["tests"]):
        raise _wrong(suite, (*key, "tests"), fault)
    return Problem(
        id=name,
        prompt=prompt,
        entry_point=entry_point,
        tests=as_check(texts["tests"], entry_point),
        preamble=preamble_of(prompt, entry_point),
        visible=visible_tests(name, prompt, entry_point),
        canonical_solution=canonical,
        dataset=suite.path.stem,
        categories=(texts["category"],) if "category" in texts else (),
        requires=outside_modules(texts["tests"], canonical),
    )


def _solution(suite: Located, key: KeyPath, texts: dict[str, str]) -> str | None:
    """A whole program: the solution alone where it defines the entry point, else what completes the prompt."""
    text = texts.get("canonical_solution")
    if text is None:
        return None
    prompt, entry_point = texts["prompt"], texts["entry_point"]
    # A plain text cannot be completed.
    alone = entry_point in names_of(text) or not names_of(prompt)
    program = preamble_of(prompt, entry_point) + text if alone else prompt.rstrip() + "\n" + text
    if fault := fault_of(program):
        raise _wrong(suite, (*key, "canonical_solution"), f"not valid Python: {fault}")
    return program


def _check_id(suite: Located, key: KeyPath, name: str) -> None:
    if fault := fault_of_id(name):
        raise _wrong(suite, key, fault)


def _check_keys(suite: Located, key: KeyPath, known: Iterable[str], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The mapping at *key*, whose keys must be among *known* and hold all of *required*."""
    value = suite.plain
    for step in key:
        value = value[step]
    if not isinstance(value, dict):
        raise _wrong(suite, key, f"must be a mapping with {', '.join(required or known)}")
    unknown = [name for name in value if name not in known]
    # What is missing may only be misspelt.
    meant = {most_like(name, known) for name in unknown}
    missing = [name for name in required if name not in value and name not in meant]
    mistakes = Mistakes([str(_wrong(suite, (*key, name), f"unknown key{nearest(name, known)}")) for name in unknown])
    if missing:
        mistakes.found.append(str(_wrong(suite, key, f"no {' and no '.join(map(repr, missing))} is given")))
    mistakes.tell()
    return value


def _texts(suite: Located, key: KeyPath, names: Iterable[str]) -> dict[str, str]:
    """Those of a problem, by name."""
    found, mistakes = {}, Mistakes()
    for name in names:
        with mistakes.noted():
            found[name] = _text(suite, (*key, name))
    mistakes.tell()
    return found


def _text(suite: Located, key: KeyPath) -> str:
    value = suite.plain
    for step in key:
        value = value[step]
    if isinstance(value, str) and value.strip():
        return value
    written = suite.written(key)
    if value is None or written is None or isinstance(value, str):
        raise _wrong(suite, key, "must be a text" if value is not None and written is None else "is empty")
    raise _wrong(suite, key, f"must be a text, but YAML reads {written} as {type(value).__name__}; write '{written}'")


def _wrong(suite: Located, key: KeyPath, words: str) -> UsageError:
    return UsageError(f"{suite.at(key)}: {words}")
