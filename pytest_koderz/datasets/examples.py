"""The examples that a prompt shows, as tests."""

from __future__ import annotations

import ast
import builtins
import doctest
import re
from collections.abc import Iterator

from .source import docstring_of, function_of, parse

_TERM = "a single term, where the function returns the list of all terms"
MISTAKEN = {
    ("HumanEval/47", "candidate([-10, 4, 6, 1000, 10, 20])"): "the median of these is 8.0, not 15.0",
    ("HumanEval/116", "candidate([1, 5, 2, 3, 4])"): "sorted by value, not by the number of ones",
    ("HumanEval/116", "candidate([-2, -3, -4, -5, -6])"): "sorted by value, not by the number of ones",
    ("HumanEval/130", "candidate(1)"): _TERM,
    ("HumanEval/130", "candidate(2)"): _TERM,
    ("HumanEval/130", "candidate(4)"): _TERM,
    ("HumanEval/148", "candidate('Earth', 'Mercury')"): "('Venus') lacks the comma that makes it a tuple",
}
"""Published examples that contradict their own solution, with the reason; they are not shown as tests."""


def visible_tests(problem_id: str, prompt: str, entry_point: str) -> str | None:
    """The examples in a prompt's docstring as `check(candidate)`; None where it shows none that can be run."""
    found = dict.fromkeys(
        f"assert {call} == {want}"
        for call, want in examples_in(prompt, entry_point)
        if (problem_id, call) not in MISTAKEN
    )
    return "def check(candidate):\n" + "".join(f"    {line}\n" for line in found) if found else None


def examples_in(prompt: str, entry_point: str) -> Iterator[tuple[str, str]]:
    """Call and expected value of each example, as source."""
    function = function_of(prompt, entry_point)
    text = docstring_of(prompt, entry_point)
    if function is None or not text:
        return
    if ">>>" in text:
        yield from _sessions(text, prompt, entry_point)
    yield from _equations(re.sub(r"^[ \t]*>>>.*$", "", text, flags=re.MULTILINE), entry_point)
    yield from _described(text, entry_point, [part.arg for part in function.args.args])


def _sessions(text: str, prompt: str, entry_point: str) -> Iterator[tuple[str, str]]:
    """Interactive sessions: a call over its value, or an equation over nothing."""
    known = {node.name for node in getattr(parse(prompt), "body", ()) if isinstance(node, ast.FunctionDef)}
    for source, wanted in _steps(text):
        left, equal, right = source.rpartition("==")
        call = _call(left if equal and not wanted else source, entry_point, known)
        want = _literal(wanted or right if equal else wanted or "None")
        if call and want and (wanted or (call.startswith("candidate(") and call.endswith(")"))):
            yield call, want


def _steps(text: str) -> list[tuple[str, str]]:
    """What is typed and what is shown, as doctest reads them; line by line where the indentation defeats it."""
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return re.findall(r"^[ \t]*>>> (.+)\n[ \t]*(?!>>>)(.*\S)", text, re.MULTILINE)
    return [(example.source.strip(), example.want.strip()) for example in examples]


def _call(source: str, entry_point: str, known: set[str]) -> str | None:
    """The expression with `candidate` for the entry point, where it calls it and names nothing that is not known."""
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return None
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    if not any(name.id == entry_point for name in names):
        return None
    if any(name.id not in known | {entry_point} and not hasattr(builtins, name.id) for name in names):
        return None
    for name in names:
        name.id = "candidate" if name.id == entry_point else name.id
    return ast.unparse(tree)


_YIELDS = re.compile(
    r"[ \t]*(?:#\s*)?(?:=+>|==?|\u279e|\u2192|\u21d2|-+>|returns?\b:?"
    r"|(?:should|must|will) (?:return|be|equal)\b|gives\b)[ \t]*"
)


def _equations(text: str, entry_point: str) -> Iterator[tuple[str, str]]:
    """`f(x) == y`, and the same with an arrow or in words between the two."""
    for start in re.finditer(rf"\b{re.escape(entry_point)}\(", text):
        end = _closing(text, start.end())
        between = _YIELDS.match(text, end) if end else None
        call = _call(text[start.start() : end], entry_point, set()) if end else None
        if between and call:
            want = _literal_at(text[between.end() :])
            if want:
                yield call, want


def _closing(text: str, opened: int) -> int | None:
    """Where the call ends whose arguments start at *opened*."""
    for end in [match.end() for match in re.finditer(r"\)", text[opened : opened + 2000])]:
        if parse(f"f({text[opened : opened + end]}"):
            return opened + end
    return None


_DESCRIBED = re.compile(
    r"\binput:[ \t]*(?P<given>.+?)[ \t]*\n\s*output:[ \t]*(?P<wanted>.+)"
    r"|\bfor (?P<listed>\w+ = .+?),?\s+the (?:output|result) should be (?P<then>.+)",
    re.IGNORECASE,
)


def _described(text: str, entry_point: str, parameters: list[str]) -> Iterator[tuple[str, str]]:
    """`Input: a = 1, b = 2` over `Output: 3`, and `for a = 1 the output should be 2`."""
    for match in _DESCRIBED.finditer(text):
        call = _positional(f"{entry_point}({match['given'] or match['listed']})", parameters)
        want = _literal_at(match["wanted"] or match["then"])
        if call and want and (renamed := _call(call, entry_point, set())):
            yield renamed, want


def _positional(call: str, parameters: list[str]) -> str | None:
    """The call without argument names, which a candidate may choose anew; None where they are not the function's."""
    tree = parse(call)
    node = tree.body[0].value if tree and isinstance(tree.body[0], ast.Expr) else None
    if not isinstance(node, ast.Call):
        return None
    named = {word.arg: word.value for word in node.keywords}
    if not all(name in named for name in parameters[len(node.args) :]) or len(node.args) + len(named) != len(
        parameters
    ):
        return None
    node.args += [named[name] for name in parameters[len(node.args) :]]
    node.keywords = []
    return ast.unparse(node)


_AFTER = re.compile(r"\s*[.,;]?\s*(?:#.*|\(.*|$)")
_WORDS = {"true": "True", "false": "False", "null": "None", "none": "None"}


def _literal_at(text: str) -> str | None:
    """The literal at the start of *text*, or after the last `=` of its line, when nothing but a remark follows it."""
    # A full stop at the end is the sentence's, not a number's.
    line = text.split("\n", 1)[0].strip().rstrip(".")
    for part in (line, line.rpartition("=")[2].strip()):
        for end in range(len(part), 0, -1):
            if _AFTER.fullmatch(part, end) and (literal := _literal(part[:end])):
                return literal
    return None


def _literal(text: str) -> str | None:
    """*text* as a Python literal; also `true`, `false` and `null`."""
    text = text.strip()
    text = _WORDS.get(text, text)
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return ast.unparse(ast.parse(text, mode="eval"))
