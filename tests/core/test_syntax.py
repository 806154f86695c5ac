"""What Python's own tools say of a statement."""

from __future__ import annotations

import ast
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import sleep
from typing import Any

import pytest

from pytest_koderz.core.extract import candidate_of
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.syntax import bound, parse, parse_part, tree_of


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


@pytest.mark.parametrize(
    "reader",
    [parse, parse_part, tree_of, lambda text: candidate_of(f"```python\n{text}```", Problem("a/0", "", "f", ""))],
    ids=["program", "part", "tree", "candidate"],
)
def test_one_thread_parses_at_a_time(reader: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Experiments that run at the same time would otherwise end now and then in a SystemError of Python's own."""
    real, within, met = ast.parse, Lock(), []

    def parsed(*given: Any, **named: Any) -> Any:
        if not within.acquire(blocking=False):
            met.append(1)
            return real(*given, **named)
        sleep(0.001)  # as a collection of garbage does in its midst
        within.release()
        return real(*given, **named)

    monkeypatch.setattr(ast, "parse", parsed)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(reader, [f"def f():\n    return {number}\n" for number in range(20)]))
    assert not met


def test_who_parses_beside_us_does_not_fail_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as another plugin, in a thread of its own."""
    real, turns = ast.parse, iter([SystemError("AST constructor recursion depth mismatch")])

    def parsed(*given: Any, **named: Any) -> Any:
        for fault in turns:
            raise fault
        return real(*given, **named)

    monkeypatch.setattr(ast, "parse", parsed)
    assert ast.unparse(tree_of("a = 1")) == "a = 1"
