"""What a function is like, counted from its text."""

from __future__ import annotations

import ast

import pytest

from pytest_koderz.core.function_traits import FunctionTraits, branches_in, traits_in
from pytest_koderz.core.place import Function, ModuleText
from pytest_koderz.records.codec import plain, value_of
from tests.core.worlds import ADD

MODULE = '''\
class Stack:
    def top(self):
        """The last item.

        Raises IndexError where there is none.
        """
        # An empty list has no last item.
        if not self.items:

            raise IndexError("empty")
        return self.items[-1]
'''


def test_lines_are_those_that_say_something() -> None:
    """No docstring, comment or empty line."""
    module = ModuleText(MODULE)
    assert traits_in(module, "Stack.top", "src/stack.py", 2, 0.9) == FunctionTraits("src/stack.py", 3, 1, 2, 0.9)


@pytest.mark.parametrize(
    ("body", "decisions"),
    [
        ("return x", 0),
        ("if x:\n  pass\nelif y:\n  pass\nelse:\n  pass", 2),
        ("return 1 if x and y or z else 2", 3),
        ("for _ in x:\n  while y:\n    pass", 2),
        ("return [a for a in x if a if a > 1]", 3),
        ("try:\n  x()\nexcept A:\n  pass\nexcept B:\n  pass", 2),
        ("match x:\n  case 1:\n    pass\n  case _:\n    pass", 2),
        ("def inner():\n  return 1 if x else 2\nreturn inner", 1),
    ],
)
def test_branches_are_decisions(body: str, decisions: int) -> None:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    function = ast.parse(f"def f(x, y=0 if ADD else 1):\n{lines}").body[0]
    assert isinstance(function, Function)
    assert branches_in(function) == decisions


def test_a_problem_that_stands_alone_has_none_and_its_record_says_nothing_of_it() -> None:
    """As those of earlier versions do not."""
    assert ADD.traits.function is None
    assert "function" not in plain(ADD.traits)
    assert value_of(type(ADD.traits), plain(ADD.traits)) == ADD.traits
