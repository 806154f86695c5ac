"""A function's place in a module."""

from __future__ import annotations

import pytest

from pytest_koderz.core.extract import candidate_of
from pytest_koderz.core.place import Misplaced, ModuleText
from pytest_koderz.core.problem import Problem

from .worlds import MODULE, SECRET, clamp_problem, small_repository


def test_an_emptied_function_keeps_head_and_docstring() -> None:
    """And nothing of its body."""
    emptied = ModuleText(MODULE).emptied("clamp")
    assert "def clamp(value, low, high):" in emptied
    assert "moved into the range" in emptied
    assert SECRET not in emptied
    compile(emptied, "module", "exec")


def test_a_method_comes_with_the_class_or_alone() -> None:
    """Its decorators are those of the module where the candidate leaves them out."""
    alone = "def top(self):\n    return self.items[-1]\n"
    within = "class Stack:\n    @property\n    def top(self):\n        return self.items[-1]\n"
    filled = [ModuleText(MODULE).filled("Stack.top", source).source for source in (alone, within)]
    assert filled[0] == filled[1]
    assert "    @property\n    def top(self):\n        return self.items[-1]\n" in filled[0]


def test_what_the_module_lacks_is_brought_before_it() -> None:
    """Imports and helpers; what the module has stays its own. The lines of both are known."""
    helper = "def helper(x):\n    return x\n"
    source = f"import math\nimport re\n\n{helper}\ndef clamp(value, low, high):\n    return helper(value)\n"
    filled = ModuleText(MODULE).filled("clamp", source)
    assert "import re\ndef helper(x):\n    return x\ndef clamp(value" in filled.source
    assert filled.source.count("import math") == 1
    lines = filled.source.splitlines()
    assert [lines[first - 1] for first, _ in filled.written] == ["import re", "def clamp(value, low, high):"]
    assert [lines[last - 1].strip() for _, last in filled.written] == ["return x", "return helper(value)"]


def test_what_defines_no_such_function_is_refused() -> None:
    with pytest.raises(Misplaced, match=r"^it defines no function 'clamp'$"):
        ModuleText(MODULE).filled("clamp", "def other():\n    pass\n")
    with pytest.raises(Misplaced, match="SyntaxError"):
        ModuleText(MODULE).filled("clamp", "def clamp(:\n")


def test_a_method_in_a_reply_gets_no_function_beside_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """As it would where it stands alone."""
    place = clamp_problem(small_repository(tmp_path)).place
    reply = "```python\nclass Stack:\n    def top(self):\n        return self.items[-1]\n```"
    candidate = candidate_of(reply, Problem("p", "", "top", "", place=place))
    assert candidate is not None
    assert "*args" not in candidate.source


@pytest.mark.parametrize("between", ["\n\x0c\n", "\nMARK = '\u2028\x85\x1c'\n", "\r\n\x0c\r\n"])
def test_lines_are_those_that_python_counts(between: str) -> None:
    """A form feed between functions, or an odd character in a text, ends no line."""
    first, second = (f"def {name}(x):\n    y = x\n    return y\n" for name in ("first", "second"))
    source = f'"""Both."""{between}{first}{between}{second}'
    module = ModuleText(source)
    assert module.text_of("second") == second
    assert module.filled("second", second).source == source
    assert module.emptied("first").endswith(second)
