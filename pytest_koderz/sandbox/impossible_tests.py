"""Tests that nobody could pass here, where no canonical solution shows it: told before anything is spent on them."""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection, Iterator

from pytest_koderz.core.problem import Problem

from .tests_text import TestsText, has_assertion, mentions, read, why_unreadable

_CLOSED = {
    "other processes": re.compile(
        r"subprocess(\.\w+)?|multiprocessing(\..*)?|concurrent\.futures\.ProcessPoolExecutor|pty(\..*)?"
        r"|os\.(fork\w*|system|popen|exec\w+|spawn\w+|posix_spawn\w*)"
    ),
    "the network": re.compile(
        r"socket\.(socket|create_\w+|getaddrinfo|gethostbyname)|socketserver(\..*)?|http\.(client|server)(\..*)?"
        r"|urllib\.request\.urlopen|requests(\..*)?|(smtp|ftp|imap|pop)lib(\..*)?"
    ),
    "a screen": re.compile(r"(tkinter|turtle)(\..*)?"),
}
_FILES = re.compile(
    r"open|tempfile(\..*)?|shutil(\..*)?|sqlite3(\..*)?|os\.(mkdir|makedirs|open|rename|replace|symlink|link)"
    r"|.*\.(write_text|write_bytes|touch|mkdir)|io\.open"
)
_REPLACED = re.compile(r"(unittest\.)?mock(\..*)?|monkeypatch|pytest\.MonkeyPatch(\..*)?")


def refusal(problem: Problem, tests: str, missing: Collection[str]) -> str | None:
    """In words; None where nothing of the kind is to be seen. *missing*: names of the locks that are not there."""
    if problem.canonical_solution is not None:
        return None
    if why := why_unreadable(tests):
        return f"the tests cannot be compiled: {why}"
    if not has_assertion(tests):
        return "the tests hold no assertion"
    return next(_refusals(problem, read(tests), missing), None)


def _refusals(problem: Problem, text: TestsText, missing: Collection[str]) -> Iterator[str]:
    paths = set(text.paths())
    if not any(map(_REPLACED.fullmatch, paths)):
        for what, sign in _CLOSED.items():
            if any(map(sign.fullmatch, paths)):
                yield f"the tests want {what}, which the judge keeps closed"
        if "landlock" in missing and any(map(_FILES.fullmatch, paths)):
            yield "the tests write files; without landlock, which this system lacks, no file can be written"
    for name in sorted(_undefined(problem, text)):
        yield f"the tests use {name!r}, which neither they nor the prompt define or speak of"


def _undefined(problem: Problem, text: TestsText) -> set[str]:
    known = (
        text.bound()
        | read(problem.preamble).bound()
        | set(dir(builtins))
        | {problem.entry_point, "__name__", "__file__"}
    )
    return {name for name in text.loaded() - known if not mentions(problem.prompt, name)}
