"""Tests that count their assertions and go on after one that fails, and say of that one what pytest would.

They are run twice: to ask all that they ask, without a look at what is answered, and to compare the answers. Else the
time until the next call would tell a candidate whether its last answer was right.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from functools import cache
from types import CodeType, TracebackType
from typing import Any

from .proxy import CandidateProxy, EntryPoint, Raised, line_of_text

TALLY = "koderz_tally_"
"""The tally's name in the tests' globals."""


def compile_counting(source: str, filename: str, entry_point: str) -> tuple[CodeType, list[ast.Assert]]:
    """The code of *source*, whose asserts report to the tally, and these asserts by number."""
    tree = ast.parse(source, filename)
    counting = _Counting(_guarded_names(tree) if "try" in source else frozenset(), _Questions(tree, entry_point))
    tree.body = counting.counted(tree.body, raising=False)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "check":
            given = [ast.Name(each.arg, ast.Load(), **_place_of(node)) for each in node.args.args[:1]]
            node.body = [_within("checking", given, node.body, node)]
    return compile(tree, filename, "exec", dont_inherit=True), counting.asserts


def _guarded_names(tree: ast.Module) -> frozenset[str]:
    """Functions that are called under a handler."""
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and node.handlers]
    calls = (node for each in tries for part in each.body for node in ast.walk(part) if isinstance(node, ast.Call))
    return frozenset(call.func.id for call in calls if isinstance(call.func, ast.Name))


class _Questions:
    """What of an assertion must be evaluated to ask what it asks: its operands, but not the comparison of them."""

    def __init__(self, tree: ast.Module, entry_point: str) -> None:
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        checks = [node.args.args[0].arg for node in functions if node.name == "check" and node.args.args]
        self._tested = {entry_point, *checks}
        self._comparing = {node.name for node in functions if not self._mentions(node)}
        """The tests' own functions that call nobody under test, unless he is passed to them."""

    def of(self, test: ast.expr) -> list[ast.expr]:
        match test:
            case ast.Constant() | ast.Name():
                return []
            case ast.UnaryOp(ast.Not(), operand):
                return self.of(operand)
            case ast.Compare(left, [_], [right]):
                return [*self.of(left), *self.of(right)]
            case ast.Call(function, args, []) if self._compares(function) and not any(map(self._hands_over, args)):
                return [
                    part for each in args for part in self.of(each.value if isinstance(each, ast.Starred) else each)
                ]
        return [test]

    def _compares(self, function: ast.expr) -> bool:
        match function:
            case ast.Name(name):
                return name in self._comparing
            case ast.Attribute(ast.Name(module), name):
                return f"{module}.{name}" in _COMPARISONS
        return False

    def _hands_over(self, given: ast.expr) -> bool:
        """Something that can call the function under test later."""
        called = {id(node.func) for node in ast.walk(given) if isinstance(node, ast.Call)}
        return any(
            isinstance(node, ast.Lambda | ast.GeneratorExp)
            or (isinstance(node, ast.Name) and node.id in self._tested and id(node) not in called)
            for node in ast.walk(given)
        )

    def _mentions(self, function: ast.FunctionDef) -> bool:
        return any(isinstance(node, ast.Name) and node.id in self._tested for node in ast.walk(function))


_COMPARISONS = frozenset({"math.isclose", "cmath.isclose", "np.isclose", "np.allclose", "np.array_equal"})


class _Counting:
    """Puts each assert under a guard of the tally, `with koderz_tally_.guard(number, raising): assert ...`.

    A guard takes note of a failure and lets the tests go on; *raising* where the tests have a handler ready.
    Only statements are visited: expressions hold no asserts, and can be very large.
    """

    def __init__(self, guarded: frozenset[str], questions: _Questions) -> None:
        self.asserts: list[ast.Assert] = []
        self._guarded = guarded
        self._questions = questions

    def counted(self, statements: list[ast.stmt], *, raising: bool) -> list[ast.stmt]:
        return [self._counted(statement, raising) for statement in statements]

    def _counted(self, node: ast.stmt, raising: bool) -> ast.stmt:
        if isinstance(node, ast.Assert):
            self.asserts.append(node)
            guarded = _guarded(node, len(self.asserts) - 1, raising)
            # What a handler of the tests does next may depend on it.
            return guarded if raising else self._asked_first(node, guarded)
        if isinstance(node, ast.FunctionDef):
            raising = node.name in self._guarded
        within = raising or (isinstance(node, ast.Try) and bool(node.handlers))
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            part.body = self.counted(part.body, raising=raising)
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(node, field, None)
            if inner:
                setattr(node, field, self.counted(inner, raising=within if field == "body" else raising))
        return node

    def _asked_first(self, node: ast.Assert, guarded: ast.With) -> ast.If:
        """`if koderz_tally_.asking: with koderz_tally_.question(): operands` and `else:` the assertion."""
        place = _place_of(node)
        questions = [ast.Expr(each, **place) for each in self._questions.of(node.test)]
        asking = _of_tally("asking", place)
        question = _within("question", [], questions, node) if questions else ast.Pass(**place)
        return ast.If(asking, [question], [guarded], **place)


def _guarded(node: ast.Assert, number: int, raising: bool) -> ast.With:
    place = _place_of(node)
    return _within("guard", [ast.Constant(number, **place), ast.Constant(raising, **place)], [node], node)


def _within(method: str, values: Sequence[ast.expr], body: Sequence[ast.stmt], node: ast.stmt) -> ast.With:
    """`with koderz_tally_.method(*values):` around *body*, at the place of *node*."""
    place = _place_of(node)
    guard = _of_tally(method, place)
    return ast.With([ast.withitem(ast.Call(guard, list(values), [], **place))], list(body), **place)


def _of_tally(name: str, place: dict[str, Any]) -> ast.Attribute:
    return ast.Attribute(ast.Name(TALLY, ast.Load(), **place), name, ast.Load(), **place)


def _place_of(node: ast.stmt) -> dict[str, Any]:
    return {name: getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")}


def assertion_text(node: ast.Assert) -> str:
    return f"assert {ast.unparse(node.test)}"


def explanation_of(node: ast.Assert, scope: Mapping[str, Any], local: Mapping[str, Any]) -> str | None:
    """What pytest says of the failing assertion *node*, evaluated once more; None where it does not fail again."""
    names = tuple(sorted({each.id for each in ast.walk(node) if isinstance(each, ast.Name)} & local.keys()))
    code = _explained(node, names)
    namespace = dict(scope)
    try:
        exec(code, namespace)  # noqa: S102 - the dataset's own assertion
        namespace["explained"](*(local[name] for name in names))
    except AssertionError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - evaluated out of its place, an assertion may do anything; there is no explanation then
        return None
    return None


@cache
def _explained(node: ast.Assert, names: tuple[str, ...]) -> CodeType:
    """A function `explained` of the local names that an assertion uses, rewritten by pytest."""
    from _pytest.assertion.rewrite import rewrite_asserts

    body = deepcopy(node)
    if isinstance(body.msg, ast.Constant):
        body.msg = None  # a fixed text explains nothing
    module = ast.parse(f"def explained({', '.join(names)}): pass")
    module.body[0].body = [body]  # type: ignore[attr-defined]
    rewrite_asserts(module, b"")
    return compile(ast.fix_missing_locations(module), "<explained>", "exec", dont_inherit=True)


MOST_FAILURES = 5
LONGEST = 2000
"""Characters of one text about a failure."""


class Tally:
    """Counts the assertions of one run, and keeps the first failures."""

    def __init__(self, proxy: CandidateProxy, asserts: list[Any], scope: dict[str, Any]) -> None:
        self.asking = proxy.asking
        """This run only asks."""
        self.count = 0
        self.missed = 0
        self.failures: list[dict[str, Any]] = []
        self.crashed = False
        """The first failure was an exception of the candidate's."""
        self.checked = False
        """`check` has come to its end with the function under test: tests may call it themselves."""
        self._proxy = proxy
        self._asserts = asserts
        self._scope = scope

    @contextmanager
    def checking(self, *given: object) -> Iterator[None]:
        """The body of `check`, of which *given* is the first argument, if it has one."""
        yield
        self.checked = self.checked or all(isinstance(each, EntryPoint) for each in given)

    @contextmanager
    def question(self) -> Iterator[None]:
        """What is asked in the place of an assertion, after which the tests go on as they do after that."""
        try:
            yield
        except BaseException as error:
            if not _is_failure(error):
                raise

    def guard(self, number: int, raising: bool) -> AbstractContextManager[object]:
        """The assertion of that number begins; its answers will stand in the log from here on."""
        if self.asking:
            return nullcontext()
        log = self._proxy.log
        if log is None:
            self._proxy.log = []
            return AssertionGuard(self, number, raising, 0, outermost=True)
        return AssertionGuard(self, number, raising, len(log))

    def forget(self) -> None:
        """The assertion that the log was kept for is settled."""
        self._proxy.log = None

    def failed(self, guard: AssertionGuard, error: BaseException, trace: TracebackType) -> None:
        """An assertion did not hold, or raised: explain it, and count it unless the tests are to handle it."""
        if len(self.failures) < MOST_FAILURES and not hasattr(error, "koderz_failure_"):
            own = type(error) is AssertionError and trace.tb_next is None
            described = self._explained(guard, dict(trace.tb_frame.f_locals)) if own else self._described(guard, error)
            error.koderz_failure_ = described  # type: ignore[attr-defined]
        if not guard.raising:
            self.keep(error)

    def keep(self, error: BaseException) -> None:
        self.missed += 1
        raised = getattr(error, "koderz_raised_", None)
        if not self.failures:
            self.crashed = raised is not None
        if len(self.failures) < MOST_FAILURES:
            self.failures.append(getattr(error, "koderz_failure_", None) or _failure_of(error, None))

    def _explained(self, guard: AssertionGuard, local: Mapping[str, Any]) -> dict[str, Any]:
        node = self._asserts[guard.number]
        assertion = assertion_text(node)
        self._proxy.replay = (self._proxy.log or [])[guard.mark :]
        try:
            explanation = explanation_of(node, self._scope, local)
        finally:
            self._proxy.replay = None
        summary = (explanation or assertion).splitlines()[0]
        return failure(f"AssertionError: {summary}"[:500], assertion, explanation)

    def _described(self, guard: AssertionGuard, error: BaseException) -> dict[str, Any]:
        return _failure_of(error, assertion_text(self._asserts[guard.number]))


class AssertionGuard:
    """Around one assertion: notes whether it holds, and lets the tests go on where it does not."""

    __slots__ = ("_outermost", "_tally", "mark", "number", "raising")

    def __init__(self, tally: Tally, number: int, raising: bool, mark: int, *, outermost: bool = False) -> None:
        self._tally, self.number, self.raising, self.mark = tally, number, raising, mark
        self._outermost = outermost

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            return self._settled(error, trace)
        finally:
            if self._outermost:
                self._tally.forget()

    def _settled(self, error: BaseException | None, trace: TracebackType | None) -> bool:
        """True where the tests are to go on after *error*."""
        if error is None or trace is None:
            self._tally.count += 1
            return False
        if not _is_failure(error):
            return False
        self._tally.failed(self, error, trace)
        return not self.raising


def _is_failure(error: BaseException) -> bool:
    """The tests go on after it: it is no end of this process, or if so the candidate's doing."""
    return isinstance(error, Exception) or hasattr(error, "koderz_raised_")


def _failure_of(error: BaseException, assertion: str | None) -> dict[str, Any]:
    raised: Raised | None = getattr(error, "koderz_raised_", None)
    if raised is None:  # the tests' own code could not work with the answer
        return failure(f"{type(error).__name__}: {line_of_text(error)}", assertion, None)
    where = "" if raised.line is None else f" (line {raised.line})"
    return failure(f"{raised}{where}", assertion, None, str(raised), raised.line)


def failure(
    summary: str, assertion: str | None, explanation: str | None, exception: str | None = None, line: int | None = None
) -> dict[str, Any]:
    return {
        "summary": summary,
        "assertion": assertion and assertion[:LONGEST],
        "explanation": explanation and explanation[:LONGEST],
        "exception": exception,
        "line": line,
    }
