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


def test_what_nobody_uses_has_none() -> None:
    assert Callers({"user.py": ModuleText(USER)}).of("user.py", "both") == 0
