"""Who in a repository uses a function."""

from __future__ import annotations

import pytest

from pytest_koderz.core.place import ModuleText
from pytest_koderz.harvest.callers import Callers

CACHE = """\
from functools import partial


def key_of(value):
    return key_of(value[0]) if value else ""


class Cache:
    def __init__(self):
        self.known = {}

    def get(self, value):
        return self.known[key_of(value)]

    @property
    def size(self):
        return len(self.known)

    def __eq__(self, other):
        return self.size == other.size


SHARED = Cache()
FIRST = partial(key_of)
"""
USER = """\
from cache import Cache, key_of

key_of = key_of


def both(one, other):
    return Cache().get(one), Cache().get(other)
"""


@pytest.mark.parametrize(
    ("name", "callers"),
    [
        # Cache.get, the module beneath it and user.py; itself is none, and neither is an import.
        ("key_of", 3),
        ("Cache.get", 1),
        ("Cache.size", 1),
        # As its class is called: by the module, and by `both`.
        ("Cache.__init__", 2),
        ("Cache.__eq__", None),
    ],
)
def test_callers_are_other_functions_and_modules_that_use_the_name(name: str, callers: int | None) -> None:
    """Called, handed on or read; what Python itself calls is not known."""
    found = Callers({"cache.py": ModuleText(CACHE), "user.py": ModuleText(USER)})
    assert found.of("cache.py", name) == callers


def test_a_functions_own_variable_is_another_ones_name() -> None:
    other = "def other(key_of, values):\n    return [both for both in values if key_of]\n"
    found = Callers({"cache.py": ModuleText(CACHE), "user.py": ModuleText(other)})
    assert found.of("cache.py", "key_of") == 2


def test_what_nobody_uses_has_none() -> None:
    assert Callers({"user.py": ModuleText(USER)}).of("user.py", "both") == 0


def test_the_lines_around_a_use_are_told_those_of_the_same_file_first() -> None:
    found = Callers({"cache.py": ModuleText(CACHE), "a.py": ModuleText(USER)})
    own, outside, others = found.lines("cache.py", "key_of")
    assert own == "# cache.py, in Cache.get\ndef get(self, value):\n    return self.known[key_of(value)]"
    assert outside.startswith("# cache.py\n")
    assert "FIRST = partial(key_of)" in outside
    assert others.startswith("# a.py\n")
    assert found.lines("cache.py", "Cache.__init__")[1].startswith("# a.py, in both\n")


def test_a_public_methods_name_may_be_anothers_in_another_file() -> None:
    found = Callers({"cache.py": ModuleText(CACHE), "user.py": ModuleText(USER)})
    assert found.lines("cache.py", "Cache.get") == []
    assert found.lines("cache.py", "Cache.size") == [
        "# cache.py, in Cache.__eq__\ndef __eq__(self, other):\n    return self.size == other.size"
    ]
