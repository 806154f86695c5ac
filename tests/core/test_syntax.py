"""What Python's own tools say of a statement."""

from __future__ import annotations

import ast

import pytest

from pytest_koderz.core.syntax import bound


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("import os.path, json as j", {"os", "j"}),
        ("a, (b, *c) = d", {"a", "b", "c"}),
        ("def f(x):\n    y = x", {"f"}),
        ("if a:\n    async def f():\n        inner = 1\nelse:\n    b = 2", {"f", "b"}),
        ("try:\n    class C:\n        part = 1\nexcept E:\n    C = None", {"C"}),
        ("f = lambda x: (y := x)", {"f"}),
        ("a.b = c[0] = 1", set()),
    ],
)
def test_a_statement_binds_what_the_module_then_has(statement: str, names: set[str]) -> None:
    """What functions and classes bind within themselves is not the module's."""
    (node,) = ast.parse(statement).body
    assert bound(node) == names
