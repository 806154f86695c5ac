"""What a model is asked of a function: the module around it with its body taken out, cut to a length."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_koderz.core.place import Function, ModuleText, is_docstring

from .definitions import Definition
from .shortened_module import module_around

_SHORT_DOCSTRING = 60
"""Characters below which a docstring says too little, so that more tests are shown."""
_LONGEST_TESTS, _LONGEST_TEST = 1500, 800
"""Characters of all tests that are shown, and where the docstring says more, of the one."""
_LONGEST_USES = 600
"""Characters of what shows how it is used."""
_LONGEST_ELSEWHERE = 1200
_LONGEST_DEFINITIONS = 1200
_MOST_EXAMPLES = 3
_MOST_PARTS = 6
_LEAST_PIECE = 4
"""Characters of a text that nobody would guess."""
_PLACE = re.compile(r"%[^a-z\s]*[a-z]|\{[^}]*\}|\n")
"""What another text is put in for."""
_PROSE = re.compile(r'"""[\s\S]*?(?:"""|$)|#.*')


@dataclass(frozen=True, slots=True)
class Known:
    """Texts beside the module that say something of a function, each kind the best first."""

    examples: Sequence[str] = ()
    """Tests that run it."""
    uses: Sequence[str] = ()
    """Lines that use it."""
    elsewhere: Sequence[str] = ()
    """What it has to do with in other files."""
    definitions: Sequence[Definition] = ()
    """Of the names that it uses."""


def prompt_of(file: str, module: ModuleText, name: str, known: Known) -> str:
    """With as much of what is *known* as there is room for."""
    node = module.functions[name]
    kind = "method" if "." in name else "function"
    around = module_around(module, name).rstrip()
    lines = [
        f"In the file `{file}` the body of the {kind} `{name}` is missing. Write that {kind} whole, with its head;",
        "the rest of the file stays as it is, also what is not shown here, and need not be repeated.",
        "",
        f"```python\n{around}\n```",
    ]
    examples = known.examples
    lines += beside(known, around)
    docstring = ast.get_docstring(node) or ""
    asked = _asked_for(module.functions[name], around, examples)
    if asked or len(docstring) < _SHORT_DOCSTRING:
        examples = [*asked, *(each for each in examples if each not in asked)]
        lines += shown("Some of its tests" if len(examples) > 1 else "One of its tests", examples, _LONGEST_TESTS)
    elif ">>>" not in docstring:
        lines += shown("One of its tests", examples[:1], _LONGEST_TEST)
    return "\n".join(lines) + "\n"


def beside(known: Known, around: str) -> list[str]:
    """Lines of a prompt that tell of other files, of uses and of names that *around* has not."""
    uses = [use for use in known.uses if not _is_in(use, around)]
    elsewhere = shown("It may need from other files", known.elsewhere, _LONGEST_ELSEWHERE, _MOST_PARTS)
    lines = elsewhere + shown("It is used so", uses, _LONGEST_USES)
    words = set(re.findall(r"\w+", _PROSE.sub("", "\n".join([around, *lines]))))
    untold = [each for each in known.definitions if each.name not in words]
    places = {each.place: [other.text for other in untold if other.place == each.place] for each in untold}
    texts = ["\n".join([place, *dict.fromkeys(texts)]) for place, texts in places.items()]
    return lines + shown("Names that it may need are defined so", texts, _LONGEST_DEFINITIONS, len(texts))


def _asked_for(function: Function, around: str, examples: Sequence[str]) -> list[str]:
    """As few of *examples* as have the texts that the function has to make and that stand nowhere in *around*, and the
    exceptions that it raises and its docstring does not speak of.
    """
    body = [part for part in function.body if not is_docstring(part)]
    texts = {node.value for part in body for node in ast.walk(part) if isinstance(node, ast.Constant)}
    parts = {piece for text in texts if isinstance(text, str) for piece in _PLACE.split(text)}
    missing = {piece for piece in map(str.strip, parts) if len(piece) >= _LEAST_PIECE and piece not in around}
    missing |= {name for name in _raised_in(body) if name not in (ast.get_docstring(function) or "")}
    found: list[str] = []
    while best := max(examples, key=lambda each: sum(piece in each for piece in missing), default=""):
        left = {piece for piece in missing if piece not in best}
        if left == missing:
            break
        missing = left
        found.append(best)
    return found


def _raised_in(body: Sequence[ast.stmt]) -> set[str]:
    """Names of exceptions."""
    raised = (node.exc for part in body for node in ast.walk(part) if isinstance(node, ast.Raise))
    kinds = (each.func if isinstance(each, ast.Call) else each for each in raised)
    return {
        each.attr if isinstance(each, ast.Attribute) else each.id
        for each in kinds
        if isinstance(each, ast.Attribute | ast.Name)
    }


def _is_in(use: str, text: str) -> bool:
    """Whether its lines, but for the first that says where they stand, are there."""
    there = {line.strip() for line in text.splitlines()}
    return all(line.strip() in there for line in use.splitlines()[1:])


def shown(words: str, texts: Sequence[str], longest: int, most: int = _MOST_EXAMPLES) -> list[str]:
    """The first one, cut where it is too long, and of the next ones those that there is room for."""
    if not texts:
        return []
    taken = [texts[0].strip()[:longest]]
    for text in texts[1:most]:
        if sum(map(len, taken)) + len(text) <= longest:
            taken.append(text.strip())
    return ["", "{}:\n\n```python\n{}\n```".format(words, "\n\n".join(taken))]
