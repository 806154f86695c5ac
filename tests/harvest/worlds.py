"""A small repository with tests, and what its tests need to judge."""

from __future__ import annotations

import os
import subprocess
import zlib
from pathlib import Path

from pytest_koderz.core.place import FunctionPlace
from pytest_koderz.core.problem import Problem

MODULE = '''\
"""Small things."""
import math


def clamp(value, low, high):
    """The value, moved into the range from low to high.

    Raises ValueError where low is above high.
    """
    if low > high:
        raise ValueError("low is above high")
    if value < low:
        return low
    return min(value, high)


class Stack:
    """Things upon things."""

    def __init__(self):
        self.items = []

    @property
    def top(self):
        """The last item. Raises IndexError where there is none."""
        if not self.items:
            raise IndexError("empty")
        return self.items[-1]


def weak(values):
    """The sum of the values, each counted twice."""
    total = 0
    for value in values:
        total += 2 * value
    return total


def connect(host):
    """Whether anybody listens there."""
    import socket

    with socket.socket() as sock:
        return sock.connect_ex((host, 1)) == 0
'''
TESTS = """\
import pytest
import smallthings
from smallthings import Stack, clamp, connect, weak


def test_clamp():
    assert clamp(5, 1, 3) == 3
    assert clamp(0, 1, 3) == 1
    assert clamp(2, 1, 3) == 2


def test_clamp_refuses():
    with pytest.raises(ValueError):
        clamp(1, 3, 2)


def test_top():
    stack = Stack()
    stack.items += [3, 4]
    assert stack.top == 4


def test_top_of_none():
    with pytest.raises(IndexError):
        Stack().top


def test_weak():
    weak([1, 2])


def test_connect():
    assert connect("127.0.0.1") in (True, False)
"""
SECRET = "return min(value, high)"
"""A line of the original."""


def small_repository(folder: Path) -> Path:
    """In *folder*; `weak` has no test that says anything, and `connect` wants the network."""
    root = folder / "smallthings-1.0"
    files = {
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-ra --maxfail=3"\n',
        "smallthings.py": MODULE,
        "tests/test_smallthings.py": TESTS,
        ".git/objects/original": MODULE,
        "build/lib/smallthings.py": MODULE,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    packed = root / ".git" / "objects" / "ab" / "cdef"
    packed.parent.mkdir()
    packed.write_bytes(zlib.compress(f"blob {len(MODULE)}\0{MODULE}".encode()))
    return root


def clamp_problem(root: Path) -> Problem:
    tests = "tests/test_smallthings.py::test_clamp\ntests/test_smallthings.py::test_clamp_refuses\n"
    place = FunctionPlace(str(root), "", "smallthings.py", "clamp")
    return Problem("smallthings:clamp", "", "clamp", tests, isolation="in-process", place=place)


PRICES = '''\
"""Prices in cents."""


def with_tax(cents, percent):
    """The price with tax of so many percent, rounded to whole cents, halves upwards."""
    whole = cents * (100 + percent)
    return (whole + 50) // 100


def discounted(cents, percent):
    """The price less so many percent, rounded down; never below nothing, never above the price."""
    if percent <= 0:
        return cents
    if percent >= 100:
        return 0
    return cents * (100 - percent) // 100


def total(rows):
    """The sum of `(cents, count)` pairs; a count below one counts for nothing."""
    found = 0
    for cents, count in rows:
        if count > 0:
            found += cents * count
    return found


def shipping(cents):
    """499 below 20 euros, 299 below 50, nothing from there on."""
    if cents < 2000:
        return 499
    return 299 if cents < 5000 else 0


def split_evenly(cents, people):
    """What each pays, in a list: whole cents that add up to the price, the larger parts first."""
    part, left = divmod(cents, people)
    return [part + 1] * left + [part] * (people - left)


def charged(rows, percent):
    """What a customer pays: the discounted total and its shipping."""
    paid = discounted(total(rows), percent)
    return paid + shipping(paid)
'''
NAMES = '''\
"""Names of articles."""


def slug(name):
    """In lower case, with one hyphen for each run of what is no letter or digit, and none at the ends."""
    words = "".join(letter.lower() if letter.isalnum() else " " for letter in name).split()
    return "-".join(words)


def shortened(name, most):
    """At most so many letters; what is cut ends in three dots, where there is room for them."""
    if len(name) <= most:
        return name
    return name[: most - 3] + "..." if most > 3 else name[:most]


def initials(name):
    """The first letter of each word, in upper case."""
    words = name.split()
    return "".join(word[0].upper() for word in words)


def numbered(names):
    """Each name; a second one of the same kind has ` (2)` behind it, a third ` (3)`."""
    seen, found = {}, []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def matches(name, query):
    """Whether each word of the query is in the name, in whatever case; an empty query matches none."""
    words = query.lower().split()
    return bool(words) and all(word in name.lower() for word in words)
'''
STOCK = '''\
"""What is there."""


def reorder(stock, least):
    """The names of which there are fewer than the least number, sorted."""
    low = [name for name, count in stock.items() if count < least]
    return sorted(low)


def taken(stock, name, count):
    """The stock without so many of a name. Raises KeyError where there are not as many."""
    left = stock.get(name, 0) - count
    if left < 0:
        raise KeyError(name)
    return {**stock, name: left}
'''
SHOP_TESTS = """\
import pytest
from shop.names import initials, matches, numbered, shortened, slug
from shop.prices import charged, discounted, shipping, split_evenly, total, with_tax
from shop.stock import reorder, taken


def test_with_tax():
    assert [with_tax(1000, 19), with_tax(50, 1), with_tax(49, 1), with_tax(0, 19)] == [1190, 51, 49, 0]


def test_discounted():
    assert [discounted(999, each) for each in (-5, 0, 1, 50, 99, 100, 120)] == [999, 999, 989, 499, 9, 0, 0]


def test_total():
    assert total([(100, 2), (50, 1), (70, 0), (30, -4)]) == 250
    assert total([]) == 0


def test_shipping():
    assert [shipping(each) for each in (0, 1999, 2000, 4999, 5000)] == [499, 499, 299, 299, 0]


def test_split_evenly():
    assert split_evenly(100, 3) == [34, 33, 33]
    assert split_evenly(5, 2) == [3, 2]


def test_charged():
    assert charged([(1000, 3)], 50) == 1999
    assert charged([(5000, 2)], 0) == 10000


def test_slug():
    assert slug("  Blue T-Shirt, XL! ") == "blue-t-shirt-xl"


def test_shortened():
    assert [shortened("umbrella", each) for each in (8, 7, 4, 3, 2)] == ["umbrella", "umbr...", "u...", "umb", "um"]


def test_initials():
    assert initials("blue  t-shirt xl") == "BTX"


def test_numbered():
    assert numbered(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def test_matches():
    assert matches("Blue Shirt", "shirt BLUE")
    assert not matches("Blue Shirt", "blue hat")
    assert not matches("Blue Shirt", " ")


def test_reorder():
    assert reorder({"hat": 1, "cap": 0, "bag": 2}, 2) == ["cap", "hat"]


def test_taken():
    assert taken({"hat": 2}, "hat", 1)["hat"] == 1
    with pytest.raises(KeyError):
        taken({"hat": 2}, "hat", 3)
"""


def shop(folder: Path) -> Path:
    """The package of the guide's example, in *folder*."""
    root = folder / "shop"
    files = {
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n',
        "src/shop/__init__.py": "",
        "src/shop/names.py": NAMES,
        "src/shop/prices.py": PRICES,
        "src/shop/stock.py": STOCK,
        "tests/test_shop.py": SHOP_TESTS,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


BEFORE = '''\
"""Small numbers."""


def middle(values):
    """The value in the middle, once sorted; of an even number the lower one."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def spread(values):
    """From the least to the largest."""
    least = min(values)
    return max(values) - least


def told(values):
    """For people."""
    return ", ".join(values)
'''
FIRST_TESTS = """\
from numbers_of import middle, spread


def test_middle():
    assert middle([3, 1, 2]) == 2


def test_spread():
    assert spread([3, 1, 2]) == 2
"""
MENDED_LINE = "return ordered[(len(ordered) - 1) // 2]"
"""Which the first of the history's commits brings."""
MESSAGE = "Fix: the middle of an even number\n\nSee https://example.org/7.\n\nSigned-off-by: A. Nyone <a@example.org>\n"


def history(folder: Path) -> Path:
    """In *folder*, a repository with a commit of each kind; the newest takes away what the others brought."""
    root = folder / "numbers"
    (root / "tests").mkdir(parents=True)
    (root / ".gitattributes").write_text("tests export-ignore\n")
    module, tests = root / "numbers_of.py", root / "tests" / "test_numbers.py"
    mended = BEFORE.replace("return ordered[len(ordered) // 2]", MENDED_LINE).replace(
        "join(values)", "join(map(str, values))"
    )
    more_tests = FIRST_TESTS + "\n\ndef test_middle_of_even():\n    assert middle([4, 1, 2, 3]) == 2\n"
    simpler = mended.replace("    least = min(values)\n    return max(values) - least\n", SIMPLER)
    third_tests = more_tests.replace("assert spread([3, 1, 2]) == 2", "assert spread([3, 2, 1]) == 2")
    git(root, "init", "--quiet", "--initial-branch=main")
    for message, code, told in (
        ("Begin", BEFORE, FIRST_TESTS),
        (MESSAGE, mended, more_tests),
        ("Spread is simpler", simpler, third_tests),
        ("Add double", simpler + DOUBLE, third_tests + DOUBLE_TEST),
        ("Without words", simpler + DOUBLE.replace("Twice", "Two times"), third_tests + DOUBLE_TEST),
    ):
        module.write_text(code)
        tests.write_text(told)
        commit(root, message)
    (root / "README").write_text("Numbers.\n")
    commit(root, "Say what it is", "helper[bot]")
    git(root, "switch", "--quiet", "--create", "side")
    module.write_text(module.read_text().replace("- ordered[0]", "- ordered[0] if ordered else 0"))
    commit(root, "Nothing has no spread")
    tests.write_text(tests.read_text() + "\n\ndef test_spread_of_nothing():\n    assert spread([]) == 0\n")
    commit(root, "Test it")
    git(root, "switch", "--quiet", "main")
    git(root, *WHO, "merge", "--quiet", "--no-ff", "--message=Merge side", "side")
    module.write_text("")
    commit(root, "Take all away")
    return root


SIMPLER = "    ordered = sorted(values)\n    return ordered[-1] - ordered[0]\n"
DOUBLE = '\n\ndef double(value):\n    """Twice."""\n    found = value\n    return found + value\n'
DOUBLE_TEST = "\n\ndef test_double():\n    from numbers_of import double\n\n    assert double(3) == 6\n"
WHO = ("-c", "user.name=A. Nyone", "-c", "user.email=a@example.org")
_WHEN = "2024-05-06T07:08:09+00:00"


def git(root: Path, *words: str) -> str:
    """With nothing of this user's settings, at a day of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    days = {"GIT_AUTHOR_DATE": _WHEN, "GIT_COMMITTER_DATE": _WHEN}
    environment = {**kept, **days, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd=root, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(root: Path, message: str, author: str = "A. Nyone") -> str:
    """All that lies there; the commit's hash."""
    git(root, "add", "--all")
    git(root, *WHO, "commit", "--quiet", f"--author={author} <a@example.org>", f"--message={message}")
    return git(root, "rev-parse", "HEAD")
