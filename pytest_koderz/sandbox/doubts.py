"""What in tests might not cross between two processes, as far as a careful reader of their text would doubt it.

It is asked only of problems without a canonical solution: a program that was known to be right would show it. A doubt
too many costs the separation of the processes, and is labelled so; one too few would fail right answers.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from typing import ClassVar

from pytest_koderz.core.problem import Problem

from .tests_text import TestsText, read


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLAIN: tuple[type, ...] = (
    *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range),
    *(deque, Counter, OrderedDict, defaultdict, Decimal, Fraction, date, datetime, time, timedelta),
)
"""What crosses whole."""
_PLAIN_NAMES = {each.__name__ for each in _PLAIN}
_ATTRIBUTES = {name for each in _PLAIN for name in dir(each)} | {"__name__"}
_CHANGING = _words(
    "add append appendleft clear discard extend extendleft insert pop popitem popleft push remove reverse rotate"
    " setdefault sort update subtract"
)
"""Methods with which tests change what was returned to them: a copy of what the candidate may hold on to."""
_ANNOTATIONS = _PLAIN_NAMES | _words(
    "Any Counter DefaultDict Deque Dict FrozenSet Iterable Iterator List Literal Mapping MutableMapping MutableSequence"
    " None NoReturn Number Optional OrderedDict Sequence Set Text Tuple Union abc collections datetime decimal"
    " fractions numbers typing"
)
_SAFE_MODULES = _words(
    "__future__ bisect cmath collections copy datetime decimal fractions functools heapq itertools json math numbers"
    " operator pytest random re statistics string sys textwrap time typing"
)
"""What tests do with these they do with values alone, but for the following."""
_RISKY = re.compile(
    r"random\.(seed|setstate|getstate|Random|SystemRandom)|decimal\.\w*context|datetime\.(timezone|tzinfo|UTC)"
    r"|re\.(compile|Pattern|Match)|collections\.(namedtuple|User\w+|ChainMap|abc\.\w+)|typing\.NamedTuple"
    r"|sys\.(?!maxsize|float_info|version_info|hash_info|byteorder|platform)\w+|pytest\.(?!raises|approx|mark|fail|skip)\w+"
)
_RISKY_BUILTINS = _words(
    "iter open input eval exec compile getattr setattr delattr hasattr vars dir globals locals id object slice"
    " memoryview super property staticmethod classmethod NotImplemented __import__ breakpoint"
)
_TAKES_FUNCTIONS = re.compile(
    r"sorted|map|filter|min|max|any|all|sum|isinstance|issubclass|callable|repr|(pytest\.)?raises|(contextlib\.)?suppress"
    r"|.*\.sort|(functools\.)?reduce|(itertools\.)?(groupby|takewhile|dropwhile|starmap|accumulate)|(collections\.)?defaultdict"
)
_LATE_ERRORS = _words(
    "UnicodeDecodeError UnicodeEncodeError UnicodeTranslateError StopIteration StopAsyncIteration GeneratorExit"
    " ExceptionGroup BaseExceptionGroup"
)
"""Builtin exceptions that do not arrive as what they are."""
_WORDS = re.compile(
    r"\b(class|object|instance|iterator|generator|coroutine|async\w*|decorator|context manager|laz(y|ily)|thread"
    r"|closure|named ?tuple|dataclass|enum|callback|callable|singleton|file|path|environment|log(s|ged)?"
    r"|print(s|ed)?|warn(s|ing)?)s?\b",
    re.IGNORECASE,
)
"""In a prompt: what may be returned or done is not to be seen in the tests alone."""


def doubts(problem: Problem, tests: str) -> Iterator[str]:
    """In words, the first one at once."""
    if found := _WORDS.search(problem.prompt.removeprefix(problem.preamble)):
        yield f"what the prompt calls {found[0].lower()!r}"
    yield from _of_the_head(problem)
    text = read(tests)
    yield from _of_the_modules(text)
    preamble = read(problem.preamble)
    yield from _of_names(problem, text, preamble)
    reader = _Reader(text, preamble, problem.entry_point)
    for node in text.nodes:
        yield from reader.doubts(node)


def _of_the_head(problem: Problem) -> Iterator[str]:
    """Of an argument or a result of a type that does not cross."""
    text = read(problem.prompt)
    head = text.functions().get(problem.entry_point)
    given = [*ast.walk(head.args), *(ast.walk(head.returns) if head.returns else ())] if head else []
    for node in given:
        if isinstance(node, ast.arg) and node.annotation:
            yield from _of_annotation(node.annotation)
    if head and head.returns:
        yield from _of_annotation(head.returns)


def _of_annotation(annotation: ast.expr) -> Iterator[str]:
    for node in ast.walk(annotation):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else "None"
        if name not in _ANNOTATIONS and len(name) > 1:  # one letter is a type variable
            yield f"a {name}"


def _of_the_modules(text: TestsText) -> Iterator[str]:
    for path in text.paths():
        if _RISKY.fullmatch(path):
            yield path
    for path in text.imports.values():
        if path.partition(".")[0] not in _SAFE_MODULES:
            yield f"what they do with {path}"


def _of_names(problem: Problem, text: TestsText, preamble: TestsText) -> Iterator[str]:
    bound, given = text.bound(), preamble.bound()
    known = bound | given | set(dir(builtins)) | {problem.entry_point, "__name__"}
    state = given - set(preamble.functions()) - set(preamble.imports)
    for node in text.nodes:
        if isinstance(node, ast.Name):
            if node.id not in known:
                yield f"{node.id}, which is left to the candidate"
            if node.id in state:
                yield f"{node.id}, which the candidate may change"
            if node.id in _RISKY_BUILTINS - bound:
                yield f"what {node.id}() tells"


class _Reader:
    """Looks at one node of the tests after the other."""

    def __init__(self, text: TestsText, preamble: TestsText, entry_point: str) -> None:
        self._text = text
        self._functions = {**preamble.functions(), **text.functions()}
        self._candidates = self._names_of_the_candidate(entry_point)
        self._returned = self._names_of_what_is_returned()

    def _names_of_the_candidate(self, entry_point: str) -> set[str]:
        """The entry point's own name, the argument of `check`, and where tests hand it on to functions of theirs."""
        names = {entry_point}
        check = self._functions.get("check")
        names |= {each.arg for each in check.args.args[:1]} if check else set()
        while True:
            further = {name for node in self._text.nodes for name in self._handed_on(node, names)} - names
            if not further:
                return names
            names |= further

    def _handed_on(self, node: ast.AST, names: set[str]) -> Iterator[str]:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self._functions:
            for parameter, value in zip(self._functions[node.func.id].args.args, node.args, strict=False):
                if isinstance(value, ast.Name) and value.id in names:
                    yield parameter.arg

    def _names_of_what_is_returned(self) -> set[str]:
        names: set[str] = set()
        self._returned = names
        while True:
            further = {name for node in self._text.nodes for name in self._holding(node)} - names
            if not further:
                return names
            names |= further

    def _holding(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Assign(targets=targets, value=value) if self._is_returned(value):
                held: list[ast.expr] = targets
            case ast.AnnAssign(target=target, value=ast.expr() as value) if self._is_returned(value):
                held = [target]
            case ast.NamedExpr(target=target, value=value) if self._is_returned(value):
                held = [target]
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value) if self._is_returned(
                value
            ):
                held = [target]
            case _:
                return
        yield from (part.id for each in held for part in ast.walk(each) if isinstance(part, ast.Name))

    def _is_candidate(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._candidates

    def _is_returned(self, node: ast.AST) -> bool:
        """Whether a part of the expression comes from the candidate."""
        return any(
            (isinstance(part, ast.Call) and self._is_candidate(part.func))
            or (isinstance(part, ast.Name) and part.id in self._returned)
            for part in ast.walk(node)
        )

    def doubts(self, node: ast.AST) -> Iterator[str]:
        look = self._LOOKS.get(type(node))
        if look:
            yield from look(self, node)
        if isinstance(node, ast.Name | ast.Attribute) and self._is_function(node) and not self._is_used_up(node):
            yield f"the function {self._text.path(node)}"

    def _of_class(self, node: ast.ClassDef) -> Iterator[str]:
        yield f"objects of {node.name}"

    def _of_function(self, node: ast.FunctionDef) -> Iterator[str]:
        if node.decorator_list:
            yield "a decorator"

    def _of_lambda(self, node: ast.Lambda) -> Iterator[str]:
        if not self._is_argument_of_ours(node):
            yield "a function"

    def _of_yield(self, _: ast.expr) -> Iterator[str]:
        yield "a generator of the tests' own"

    def _of_with(self, node: ast.With) -> Iterator[str]:
        if not all(self._takes_functions(item.context_expr) for item in node.items):
            yield "a context manager"

    def _of_handler(self, node: ast.ExceptHandler) -> Iterator[str]:
        if node.type:
            yield from self._of_errors(node.type)

    def _takes_functions(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        path = self._text.path(node.func)  # `check` is handed what is to be checked
        return path == "check" or _TAKES_FUNCTIONS.fullmatch(path) is not None

    def _is_argument_of_ours(self, node: ast.AST) -> bool:
        """Of a call that is not the candidate's, and that does nothing with a function but call it."""
        parent = self._text.parents.get(node)
        while isinstance(parent, ast.keyword | ast.Tuple):
            parent = self._text.parents.get(parent)
        return parent is not None and self._takes_functions(parent)

    def _is_function(self, node: ast.Name | ast.Attribute) -> bool:
        if not isinstance(node.ctx, ast.Load) or self._is_candidate(node):
            return False
        if isinstance(node, ast.Name) and node.id in self._functions:
            return True
        path = self._text.path(node)
        if self._text.of_import(node):
            return _is_callable(path)
        return path.partition(".")[0] not in self._text.bound() and _is_callable(f"builtins.{path}")

    def _is_used_up(self, node: ast.AST) -> bool:
        """Called, caught, compared with a type, or handed to what only calls it."""
        parent = self._text.parents.get(node)
        match parent:
            case ast.Call(func=func) if func is node:
                return True
            case ast.Attribute() | ast.Raise() | ast.ExceptHandler() | ast.Subscript() | ast.arg() | ast.AnnAssign():
                return True
            case ast.FunctionDef(returns=returns) if returns is node:
                return True
            case ast.Compare(left=left, comparators=others):
                return any(
                    isinstance(each, ast.Call) and self._text.path(each.func) == "type" for each in (left, *others)
                )
            case ast.Tuple() if isinstance(self._text.parents.get(parent), ast.ExceptHandler):
                return True
        return self._is_argument_of_ours(node)

    def _of_errors(self, kinds: ast.expr) -> Iterator[str]:
        for kind in kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]:
            path = self._text.path(kind)
            known = getattr(builtins, path, None)
            if not (isinstance(known, type) and issubclass(known, BaseException)) or path in _LATE_ERRORS:
                yield f"the exception {path}"

    def _of_identity(self, node: ast.Compare) -> Iterator[str]:
        identity = any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
        if identity and all(self._is_returned(each) for each in (node.left, *node.comparators)):
            yield "whether two results are one"

    def _of_call(self, node: ast.Call) -> Iterator[str]:
        path = self._text.path(node.func)
        if self._is_returned(node.func) and not isinstance(node.func, ast.Attribute):
            yield "a function that is returned"
        if path in {"isinstance", "issubclass"} and len(node.args) == 2:
            kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
            yield from (
                f"whether it is a {self._text.path(kind)}"
                for kind in kinds
                if self._text.path(kind).rpartition(".")[2] not in _PLAIN_NAMES
            )
        if re.fullmatch(r"(pytest\.)?raises|(contextlib\.)?suppress", path):
            for each in node.args:
                yield from self._of_errors(each)

    def _of_attribute(self, node: ast.Attribute) -> Iterator[str]:
        if self._text.of_import(node):
            return
        if self._is_candidate(node.value) and node.attr != "__name__":
            yield f"the function's own {node.attr}"
        if not isinstance(node.ctx, ast.Load) or not self._is_known(node.attr):
            yield f"the attribute {node.attr}"
        if node.attr in _CHANGING and self._is_returned(node.value):
            yield f"what {node.attr}() does to a result"

    def _is_known(self, name: str) -> bool:
        if "pytest" in self._text.imports and name in {"value", "match"}:
            return True
        return name in _ATTRIBUTES and (not name.startswith("__") or name == "__name__")

    _LOOKS: ClassVar[dict[type, Callable[..., Iterator[str]]]] = {
        ast.ClassDef: _of_class,
        ast.FunctionDef: _of_function,
        ast.Lambda: _of_lambda,
        ast.Yield: _of_yield,
        ast.YieldFrom: _of_yield,
        ast.With: _of_with,
        ast.ExceptHandler: _of_handler,
        ast.Compare: _of_identity,
        ast.Call: _of_call,
        ast.Attribute: _of_attribute,
    }


def _is_callable(path: str) -> bool:
    """Of a module whose names may be looked up: nothing but those is imported."""
    module, _, name = path.partition(".")
    if module not in {*_SAFE_MODULES, "builtins"} or module == "pytest":
        return False
    value: object = import_module(module)
    for part in filter(None, name.split(".")):
        value = getattr(value, part, None)
    return bool(name) and callable(value)
