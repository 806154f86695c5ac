"""What a model is told of a function."""

from __future__ import annotations

from pytest_koderz.core.place import ModuleText
from pytest_koderz.harvest.definitions import Definition
from pytest_koderz.harvest.shortened_module import LONGEST, module_around
from pytest_koderz.harvest.task_prompt import Known, prompt_of

SMALL = ModuleText("def f(x):\n    y = x\n    return y\n\n\ndef g(x):\n    return f(x)\n")
DOCUMENTED = '''\
def f(x):
    """The value as it has always been, whatever others may say of values.{}
    """
    y = x
    return y
'''
RAISING = DOCUMENTED.replace("y = x", "if x is None:\n        raise ValueError(f'{{x!r}} is no value')\n    y = x")
OWN = """\
class Own:
    def __init__(self):
        self._next = 0

    def clear(self):
        self._next = RULES.get(0)
        self.kept = 1

    def after(self):
        self._next += 1
        return self._next

    def use(self):
        a = 2
        return self.clear(), a

"""


def test_a_long_module_is_cut_around_the_function() -> None:
    """What the function speaks of stays."""
    others = "".join(f"def other_{n}(x):\n    y = x + {n}\n    return y * y\n\n" for n in range(500))
    module = ModuleText(others + "def wanted(x):\n    z = other_7(x)\n    return z\n")
    text = module_around(module, "wanted")
    assert len(text) <= LONGEST
    assert "y = x + 7" in text
    assert "z = other_7" not in text


def test_a_methods_own_class_is_cut_last() -> None:
    """What the class does says what its method has to."""
    others = "".join(f"class Other{n}:\n    def method(self):\n        return {n}\n\n\n" for n in range(400))
    put = "    def put(self, x):\n        self.kept.append(x)\n\n"
    own = f"class Own:\n{put}    def clear(self):\n        a = 1\n        return a\n"
    text = module_around(ModuleText(others + own), "Own.clear")
    assert len(text) <= LONGEST
    assert "self.kept.append(x)" in text


def test_what_the_function_has_to_do_with_goes_last() -> None:
    """Values and private attributes that it uses, what makes its object and what calls it; before these, others'
    docstrings are cut to their first line.
    """
    told = "".join(f"        Line {number} of what is said of it.\n" for number in range(20))
    other = f'    def other(self):\n        """Another one.\n\n{told}        """\n        z = 1\n        return z\n\n'
    others = "".join(other.replace("def other", f"def other_{number}") for number in range(20))
    values = "RULES = {\n" + "    1: 2,\n" * 9 + "}\nFAR = {\n" + "    3: 4,\n" * 900 + "}\n\n\n"
    text = module_around(ModuleText(values + OWN + others), "Own.clear")
    assert len(text) <= LONGEST
    assert "self._next = RULES" not in text
    shown = ("RULES = {", "self._next = 0", "self._next += 1", "return self.clear(), a", '"""Another one. [...]"""')
    assert [each for each in shown if each not in text] == []
    assert text.count("[...]") > 10
    assert "FAR" not in text


def test_a_long_value_that_the_function_uses_is_cut_short_in_the_end() -> None:
    """One that only speaks of the function is not shown."""
    values = "TABLE = {\n" + "    1: 2,\n" * 2000 + "}\nUSERS = [\n" + "    wanted,\n" * 2000 + "]\n"
    text = module_around(ModuleText("def wanted(x):\n    y = TABLE[x]\n    return y\n\n\n" + values), "wanted")
    assert text.endswith("TABLE = {\n" + "    1: 2,\n" * 4 + "    # [...]\n}\n")


def test_some_tests_are_shown_where_the_docstring_says_little() -> None:
    prompt = prompt_of("a.py", SMALL, "f", Known(["assert f(1)", "assert f(2)", "x" * 2000, "assert f(4)"]))
    assert "Some of its tests:\n\n```python\nassert f(1)\n\nassert f(2)\n```" in prompt


def test_one_test_is_shown_where_the_docstring_says_more() -> None:
    """Unless it has examples."""
    tests = ["assert f(1)", "assert f(2)"]
    shown = prompt_of("a.py", ModuleText(DOCUMENTED.format("")), "f", Known(tests))
    assert shown.endswith("One of its tests:\n\n```python\nassert f(1)\n```\n")
    examples = DOCUMENTED.format("\n\n    >>> f(1)\n    1")
    assert "assert" not in prompt_of("a.py", ModuleText(examples), "f", Known(tests))


def test_how_it_is_used_is_shown_where_the_module_does_not_show_it() -> None:
    uses = ["# a.py, in g\ndef g(x):\n    return f(x)", "# b.py, in h\nfirst, second = f(x)"]
    assert "It is used so:\n\n```python\n# b.py, in h\n" in prompt_of("a.py", SMALL, "f", Known(uses=uses))


def test_tests_are_shown_that_ask_for_a_text_which_stands_nowhere_else() -> None:
    """Nobody would guess it, however much the docstring says."""
    source = RAISING.format(" Else ValueError.")
    tests = ["assert f(1)", "with raises(ValueError, match='is no value'):\n    f(None)", "assert f(2)"]
    assert "match='is no value'" in prompt_of("a.py", ModuleText(source), "f", Known(tests))
    assert "match" not in prompt_of("a.py", ModuleText(source + "# is no value\n"), "f", Known(tests))


def test_tests_are_shown_that_ask_for_an_exception_which_the_docstring_does_not_tell() -> None:
    tests = ["assert f(1)", "with raises(ValueError):\n    f(None)"]
    assert "raises(ValueError)" in prompt_of("a.py", ModuleText(RAISING.format("")), "f", Known(tests))
    assert "raises" not in prompt_of("a.py", ModuleText(RAISING.format(" Else ValueError.")), "f", Known(tests))


def test_what_is_said_of_the_body_goes_with_it() -> None:
    module = ModuleText("def f(x):\n    # First add one.\n\n    # That is it.\n    x += 1\n    return x\n")
    assert module_around(module, "f") == "def f(x):\n    # TODO: this is to be written\n    ...\n"


CALLED = """\
class Buffer:
    # Bytes wait here.
    def commit(self):
        self.used = 0
        return self


class Reader:
    def __init__(self):
        # Begin with nothing.
        self.buffer = Buffer()

    def read(self):
        first = self.buffer
        return first.commit()

"""


def test_a_class_whose_methods_it_calls_stays_and_others_lose_their_comments() -> None:
    others = "".join(f"class Other{n}:\n    def commit_{n}(self):\n        return {n}\n\n\n" for n in range(400))
    text = module_around(ModuleText(others + CALLED), "Reader.read")
    assert len(text) <= LONGEST
    assert [
        each for each in ("self.used = 0", "# Begin with nothing.", "self.buffer = Buffer()") if each not in text
    ] == []
    emptied = ModuleText(CALLED + f"TABLE = {'{'}\n" + "    1: 2,\n" * 1000 + "}\n")
    assert "# Bytes wait here." in module_around(emptied, "Reader.read")


def test_names_are_told_that_nothing_else_shows() -> None:
    """Only what is said in a docstring or comment is not shown."""
    close = Definition("close", "b.py", "Line", "def close(self, code):\n    ...")
    known = Known(definitions=[close, Definition("g", "a.py", "", "def g(x):\n    ...")])
    module = ModuleText(SMALL.source + "# It may close.\n")
    assert prompt_of("a.py", module, "f", known).endswith(
        "Names that it may need are defined so:\n\n```python\n# b.py, in Line\ndef close(self, code):\n    ...\n```\n"
    )
