"""What a function has to do with in other files."""

from __future__ import annotations

from pytest_koderz.core.place import ModuleText
from pytest_koderz.harvest.other_files import OtherFiles

BASE = """\
class Parser:
    def __init__(self):
        self._methods = {}

    def register(self, name, method):
        self._methods[name] = method

    def other(self):
        a = 1
        return a


class Token:
    kind: str
    raw: str

    def shown(self):
        a = 1
        return a


def folded(text):
    return text.casefold()
"""
OWN = """\
from base import Parser, Token, folded


class BlockParser(Parser):
    def __init__(self, rules):
        self._methods = {folded(rule): Token for rule in rules}
        self.get = 1
"""
FOUND = [
    "# base.py, in Parser\ndef __init__(self):\n    self._methods = {}",
    "# base.py, in Parser\ndef register(self, name, method):\n    self._methods[name] = method",
    "# base.py\nclass Token:\n    kind: str\n    raw: str\n\n    def shown(self):\n        # as it is\n        ...",
    "# base.py\ndef folded(text):\n    return text.casefold()",
]


def test_classes_it_is_made_of_come_first_then_what_it_uses() -> None:
    """Of the former what shares private attributes with it, or has its name."""
    found = OtherFiles({"base.py": ModuleText(BASE), "own.py": ModuleText(OWN)})
    assert found.of("own.py", "BlockParser.__init__") == FOUND


def test_what_several_files_define_is_left_out() -> None:
    """Nobody knows which of them is meant."""
    others = {name: ModuleText(BASE) for name in ("base.py", "more.py")}
    assert OtherFiles({**others, "own.py": ModuleText(OWN)}).of("own.py", "BlockParser.__init__") == []


def test_what_a_module_of_the_library_has_is_not_the_repositorys() -> None:
    """Whoever else has such a name."""
    own = "import typing\n\ndef given(value):\n    found: typing.Token = value\n    return found\n"
    found = OtherFiles({"base.py": ModuleText(BASE), "own.py": ModuleText(own)})
    assert found.of("own.py", "given") == []


def test_of_a_classs_docstring_the_first_line_is_shown() -> None:
    """What it has is worth more."""
    told = 'class Token:\n    """A piece.\n\n    Of a text.\n    """\n\n    kind: str\n'
    own = "from base import Token\n\n\ndef given():\n    found = Token()\n    return found\n"
    found = OtherFiles({"base.py": ModuleText(told), "own.py": ModuleText(own)})
    assert found.of("own.py", "given") == ['# base.py\nclass Token:\n    """A piece. [...]"""\n\n    kind: str']
