"""Where the names that a function uses are defined."""

from __future__ import annotations

from pytest_koderz.core.place import ModuleText
from pytest_koderz.harvest.definitions import Definition, Definitions

LINE = """\
LIMIT = 10


class Line:
    kind: str = "open"

    def __init__(self):
        self.sent = []

    def send(self, text, last=False):
        \"\"\"Send it.

        Soon.
        \"\"\"
        return text[:LIMIT]
"""
USER = """\
from line import Line


class User:
    def __init__(self, name):
        self.line = Line()
        self.__left = 3

    def greet(self):
        given = self.line
        given.send(self.line.kind, last=True)
        self.greeted = 1
        return given.append(given.sent)

    def told(self):
        return f"{self.greeted} of {self.__left}"
"""


def _found(name: str, **more: str) -> list[tuple[str, str, str]]:
    files = {"line.py": LINE, "user.py": USER, **{f"{file}.py": text for file, text in more.items()}}
    known = Definitions({file: ModuleText(text) for file, text in files.items()}).of("user.py", name)
    return [(each.name, each.place, each.text) for each in known]


def test_those_of_its_own_file_come_first() -> None:
    """Heads, with what their docstring says first, and first lines. What everybody has is not looked for, and what it
    alone gives a value is told by its use.
    """
    assert _found("User.greet") == [
        ("line", "# user.py, in User.__init__", "self.line = Line()"),
        ("greeted", "# user.py, in User.told", 'return f"{self.greeted} of {self.__left}"'),
        ("kind", "# line.py, in Line", 'kind: str = "open"'),
        ("send", "# line.py, in Line", 'def send(self, text, last=False):\n    """Send it."""'),
        ("sent", "# line.py, in Line.__init__", "self.sent = []"),
    ]


def test_of_what_several_files_define_that_is_meant_which_is_imported() -> None:
    assert _found("User.greet", other=LINE) == _found("User.greet")
    assert [name for name, _, _ in _found("User.greet", other=LINE, package=USER)] == [
        *("line", "greeted", "kind", "send", "sent"),
    ]


def test_a_definition_says_where_it_stands() -> None:
    assert Definition("x", "a.py", "", "x = 1").place == "# a.py"
