"""The code in a model's reply, as a whole module."""

from __future__ import annotations

import ast
import builtins
import html
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from textwrap import dedent, indent

from .iteration import Candidate
from .problem import Problem

LONGEST = 200_000
"""Characters that are read of a reply; no honest answer is longer, and a looping model's can be."""


def candidate_of(reply_text: str, problem: Problem) -> Candidate | None:
    """The answer in *reply_text*, completed to a module from the problem's prompt; None where there is no code.

    It never raises. What cannot be mended is handed on as it stands, so that the judge names what is wrong with it.
    Usage examples at module level are left out, and so is nothing that the functions need.
    """
    programs = _programs(_plain(reply_text), problem)
    if not programs:
        return None
    best = max(range(len(programs)), key=lambda place: (programs[place].key, place))
    chosen = programs[best]
    if chosen.tree is None:
        return Candidate(chosen.source)
    others = [program.tree for place, program in enumerate(programs) if place != best and program.tree]
    return Candidate(_finished(chosen.source, chosen.tree, others, problem))


class _Level(IntEnum):
    """What a piece of the reply amounts to."""

    STATEMENTS = 1
    FUNCTIONS = 2
    """Of other names, or the entry point with nothing in it."""
    BROKEN = 3
    """It is meant to define the entry point, but is not Python."""
    METHOD = 4
    """The entry point is a method of a class."""
    ANSWER = 5


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the reply that may be code."""

    text: str
    weight: int
    """2: marked as the answer, 1: a block, 0: marked as something else, such as a trial run; -1: running text."""


@dataclass(frozen=True, slots=True)
class _Program:
    source: str
    tree: ast.Module | None
    """None: it is not Python."""
    level: _Level
    weight: int

    @property
    def key(self) -> tuple[int, int]:
        return self.level, self.weight


def _programs(text: str, problem: Problem) -> list[_Program]:
    """What each piece of the reply amounts to, in the order of the reply; running text only where no piece is code."""
    whole = _parse(text)
    if whole is not None and _level(whole, problem.entry_point) >= _Level.FUNCTIONS:
        return [_Program(text, whole, _level(whole, problem.entry_point), 1)]
    for pieces in (_pieces(text), _running(text)):
        programs = [program for piece in pieces for program in _read(piece, problem)]
        if programs:
            return programs
    return []


# --- the reply's parts


def _plain(text: str) -> str:
    """The reply without its thinking, and with one kind of line end."""
    text = text[: LONGEST * 5].replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff")
    opening = re.search(r"<think(?:ing)?>", text, re.IGNORECASE)
    closing = [match.end() for match in re.finditer(r"</think(?:ing)?>", text, re.IGNORECASE)]
    if closing:
        # Some servers leave out the opening tag: all that comes before the closing one was thought.
        start = opening.start() if opening and opening.start() < closing[-1] else 0
        text = text[:start] + text[closing[-1] :]
    return text[:LONGEST]


_ANSWER_TAGS = frozenset({"solution", "answer", "final", "final_answer", "code", "python", "result", "response"})
_TAG = re.compile(r"[<\[](/?)([A-Za-z][A-Za-z_]{1,20})[>\]]")


def _pieces(text: str) -> list[_Piece]:
    """Tagged and fenced parts, in order."""
    tagged = list(_tagged(text))
    pieces: list[_Piece] = []
    place = 0
    for start, end, piece in tagged:
        pieces += _fenced(text[place:start], 1)
        pieces += _fenced(piece.text, piece.weight) or [piece]
        place = end
    return pieces + _fenced(text[place:], 1)


def _tagged(text: str) -> Iterator[tuple[int, int, _Piece]]:
    """Start, end and content of each tag's section that holds no other; a tag that is never closed runs to the end."""
    opened: re.Match[str] | None = None
    for tag in _TAG.finditer(text):
        if not tag[1]:
            if opened is not None and _is_answer(opened):
                yield opened.start(), tag.start(), _Piece(text[opened.end() : tag.start()], 2)
            opened = tag if _on_own_line(text, tag) or _is_answer(tag) else opened
        elif opened is not None and tag[2].lower() == opened[2].lower():
            yield opened.start(), tag.end(), _Piece(text[opened.end() : tag.start()], 2 if _is_answer(opened) else 0)
            opened = None
    if opened is not None and _is_answer(opened):
        yield opened.start(), len(text), _Piece(text[opened.end() :], 2)


def _is_answer(tag: re.Match[str]) -> bool:
    return tag[2].lower() in _ANSWER_TAGS


def _on_own_line(text: str, tag: re.Match[str]) -> bool:
    return not text[text.rfind("\n", 0, tag.start()) + 1 : tag.start()].strip()


_FENCE = re.compile(r"^(?P<lead>[ \t>]*(?:[-*+]\s+|\d+[.)]\s+)?)(?P<mark>`{3,}|~{3,})[ \t]*(?P<rest>.*)$")
_LANGUAGE = re.compile(
    r"\{?\.?(?:python|py|ipython|sage|pycon)[\w.]*\}?(?:\s+(?!def\b|import\b|from\b|class\b)\S+)*", re.I
)


def _fenced(text: str, weight: int) -> list[_Piece]:
    """The contents of Markdown fences; one that is never closed runs to the end."""
    pieces: list[_Piece] = []
    mark, lines = "", list[str]()
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if not mark:
            if fence:
                mark, lines = fence["mark"], _first_line(fence)
                mark = _closed_at_once(mark, lines, pieces, weight)
        elif (fence and fence["mark"].startswith(mark) and not fence["rest"].strip()) or line.rstrip().endswith(mark):
            lines.append(line.rstrip().rstrip(mark[0]) if not fence else "")
            pieces.append(_Piece("\n".join(lines), weight))
            mark = ""
        else:
            lines.append(line)
    return [*pieces, _Piece("\n".join(lines), weight)] if mark else pieces


def _first_line(fence: re.Match[str]) -> list[str]:
    """What code stands on the fence's own line, after the language."""
    rest = fence["rest"].strip()
    rest = rest[match.end() :].strip() if (match := _LANGUAGE.match(rest)) else rest
    return [rest] if re.match(r"(?:async\s+)?def\b|import\b|from\b|class\b|return\b|@", rest) else []


def _closed_at_once(mark: str, lines: list[str], pieces: list[_Piece], weight: int) -> str:
    """Fence and code on one line: the piece is complete."""
    if not lines or not lines[0].endswith(mark):
        return mark
    pieces.append(_Piece(lines[0].rstrip(mark[0]), weight))
    return ""


def _running(text: str) -> list[_Piece]:
    return [_Piece(text, -1)]


# --- from a piece to a program

_START = re.compile(r"^[ \t]*(?:@|(?:async\s+)?def\s+\w+\s*\(|class\s+\w+\s*[:(]|import\s+\w|from\s+[\w.]+\s+import\b)")
_TRIES = 40


def _read(piece: _Piece, problem: Problem) -> list[_Program]:
    """The programs in a piece: itself, a body that completes the prompt, or the stretches of it that are code."""
    text = dedent(piece.text.expandtabs(4) if "\t" in piece.text else piece.text).strip("\n")
    if not text.strip():
        return []
    for mended in _mended(text):
        tree = _parse(mended)
        if tree is not None and _level(tree, problem.entry_point) >= _Level.FUNCTIONS:
            return [_Program(mended, tree, _level(tree, problem.entry_point), piece.weight)]
    completed = _completed(piece.text, problem)
    if completed is not None:
        return [_Program(*completed, _Level.ANSWER, piece.weight)]
    return _stretches(text, piece.weight, problem) or _statements(text, piece.weight)


def _mended(text: str) -> Iterator[str]:
    """The text as it stands, then with what editors, chat windows and markup do to code undone, one after the other."""
    yield text
    for mend in _MENDS:
        changed = mend(text)
        if changed != text:
            text = changed
            yield text


_INVISIBLE = {ord(char): None for char in "\u200b\u200c\u200d\u2060\ufeff\u00ad"} | {
    ord(char): " " for char in "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
}
_QUOTES = str.maketrans("\u201c\u201d\u201e\u2018\u2019\u201b", "\"\"\"'''")


def _without_prompts(text: str) -> str:
    """An interactive session's input alone."""
    if ">>> " not in text:
        return text
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.lstrip().startswith(">>> ")), len(lines))
    typed = [line.lstrip()[4:] for line in lines[first:] if line.lstrip().startswith((">>> ", "... "))]
    return "\n".join(typed if first == 0 or not any(_START.match(line) for line in lines[:first]) else lines[:first])


_MENDS: tuple[Callable[[str], str], ...] = (
    lambda text: text.translate(_INVISIBLE),
    html.unescape,
    lambda text: text.translate(_QUOTES),
    _without_prompts,
    lambda text: text.replace("\\_", "_"),
)


def _completed(text: str, problem: Problem) -> tuple[str, ast.Module] | None:
    """Prompt and body together, where *text* is the body of the entry point."""
    head = problem.prompt.rstrip()
    name = problem.entry_point
    if not _defines_head(head, name) or re.search(rf"^\s*def\s+{re.escape(name)}\s*\(", text, re.MULTILINE):
        return None
    body = text.translate(_INVISIBLE).expandtabs(4).strip("\n").rstrip()
    if not body.strip():
        return None
    first_only = "    " + body.lstrip()
    for attempt in (body, first_only, indent(dedent(body), "    ")):
        source, tree = _longest(f"{head}\n{attempt}\n")
        if tree is not None and _grew(tree, head, name):
            return source, tree
    return None


def _defines_head(prompt: str, name: str) -> bool:
    tree = _parse(prompt) or _parse(prompt + "\n    pass")
    return tree is not None and _definition(tree, name) is not None


def _grew(tree: ast.Module, head: str, name: str) -> bool:
    """Whether the entry point got a body that does something."""
    function = _definition(tree, name)
    if function is None or _is_stub(function):
        return False
    last = head.count("\n") + 1
    kinds = (ast.Return, ast.For, ast.While, ast.If, ast.Assign, ast.AugAssign, ast.Raise, ast.Try, ast.With, ast.Expr)
    return any(
        isinstance(node, kinds) and not _is_remark(node) for node in getattr(function, "body", ()) if node.lineno > last
    )


def _is_remark(node: ast.stmt) -> bool:
    """A bare name, number or text, as prose makes them."""
    return isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call | ast.Await | ast.Yield | ast.YieldFrom)


def _longest(source: str) -> tuple[str, ast.Module | None]:
    """The program, without what follows it at its left edge and is no Python."""
    for _ in range(_TRIES):
        tree, line = _parse_or_line(source)
        if tree is not None:
            return source, tree
        lines = source.split("\n")
        if not 1 < line <= len(lines) or lines[line - 1][:1].isspace():
            return source, None
        source = "\n".join(lines[: line - 1]).rstrip() + "\n"
    return source, None


def _stretches(text: str, weight: int, problem: Problem) -> list[_Program]:
    """The parts of a mixed text that are code, each from a line that starts a definition or an import."""
    lines = text.translate(_INVISIBLE).split("\n")
    found: list[_Program] = []
    place = 0
    for _ in range(_TRIES):
        place = next((number for number in range(place, len(lines)) if _START.match(lines[number])), len(lines))
        if place == len(lines):
            break
        program, length = _stretch(lines[place:], weight, problem)
        found += [program] if program else []
        place += max(1, length)
    return found


def _stretch(lines: list[str], weight: int, problem: Problem) -> tuple[_Program | None, int]:
    """The program that starts with the first of *lines*, and how many of them it takes."""
    edge = len(lines[0]) - len(lines[0].lstrip())
    if edge:
        lines = _indented(lines, edge)
    source, tree = _longest("\n".join(lines))
    if tree is None:
        level = _Level.BROKEN if re.search(rf"\bdef\s+{re.escape(problem.entry_point)}\s*\(", source) else None
        return (_Program(source, None, level, weight), len(lines)) if level else (None, 1)
    if not source.strip():
        return None, 1
    level = max(_Level.STATEMENTS, _level(tree, problem.entry_point))
    return _Program(source, tree, level, weight), source.rstrip().count("\n") + 1


def _indented(lines: list[str], edge: int) -> list[str]:
    """The first lines that are at least as far in as the first one, moved to the left edge."""
    inside: list[str] = []
    for line in lines:
        if line.strip() and line[:edge].strip():
            break
        inside.append(line[edge:])
    return inside


def _statements(text: str, weight: int) -> list[_Program]:
    """Code without any definition, where it is marked as code; a word or a number is none."""
    tree = _parse(text)
    if weight < 0 or tree is None or all(_is_remark(node) or isinstance(node, ast.AnnAssign) for node in tree.body):
        return []
    return [_Program(text, tree, _Level.STATEMENTS, weight)]


# --- what a syntax tree says

_NAME = "<candidate>"


def _parse(source: str) -> ast.Module | None:
    return _parse_or_line(source)[0]


def _parse_or_line(source: str) -> tuple[ast.Module | None, int]:
    """The syntax tree of what compiles, else the line that does not; 0 where that is not known."""
    # A filter for this name alone: unlike catch_warnings it needs no undoing, which threads would do in each other's way.
    warnings.filterwarnings("ignore", module=_NAME)
    try:
        tree = ast.parse(source, _NAME)
        # The parser lets `return` stand outside a function; the compiler does not.
        compile(tree, _NAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        return None, error.lineno or 0
    except (ValueError, RecursionError, MemoryError, OverflowError):
        return None, 0
    return tree, 0


def _level(tree: ast.Module, name: str) -> int:
    definition = _definition(tree, name)
    if definition is not None and not _is_stub(definition):
        return _Level.ANSWER
    if _method_class(tree, name) is not None:
        return _Level.METHOD
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return _Level.FUNCTIONS if any(isinstance(node, kinds) for node in tree.body) else 0


def _definition(tree: ast.Module, name: str) -> ast.stmt | None:
    """The last top-level statement that binds *name*."""
    return next((node for node in reversed(tree.body) if name in _bound(node)), None)


def _is_stub(node: ast.stmt) -> bool:
    """A function whose body is a docstring, `pass` or `...`."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and all(
        isinstance(part, ast.Pass) or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        for part in node.body
    )


def _method_class(tree: ast.Module, name: str) -> ast.ClassDef | None:
    """The class that can be made without arguments and has the entry point as a method."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
            maker = methods.get("__init__")
            if name in methods and (maker is None or len(maker.args.args) == 1):
                return node
    return None


def _bound(node: ast.stmt) -> set[str]:
    """The names that a top-level statement binds in the module."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    inner = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt | ast.ExceptHandler)]
    parts = [step for part in inner for step in (part.body if isinstance(part, ast.ExceptHandler) else [part])]
    names = {name for part in parts for name in _bound(part)}
    return names | {
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }


def _loaded(nodes: Iterable[ast.AST]) -> set[str]:
    return {
        part.id
        for node in nodes
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Store)
    }


# --- the finished module


def _finished(source: str, tree: ast.Module, others: list[ast.Module], problem: Problem) -> str:
    """The program with what it needs from the prompt and the reply's other pieces, without usage examples."""
    kept = [node for node in tree.body if not _is_usage(node, tree, problem.entry_point)]
    source = _without(source, [node for node in tree.body if node not in kept], kept)
    needed = _supplied(kept, [*_prompt_trees(problem), *others], problem.entry_point)
    if _level(tree, problem.entry_point) == _Level.METHOD:
        source = f"{source.rstrip()}\n\n\n{_forwarding(tree, problem.entry_point)}"
    return _joined(needed, source).strip("\n") + "\n"


def _prompt_trees(problem: Problem) -> list[ast.Module]:
    tree = _parse(problem.preamble)
    return [tree] if tree is not None else []


def _supplied(kept: list[ast.stmt], sources: list[ast.Module], entry_point: str) -> list[ast.stmt]:
    """The statements that bind what *kept* uses and does not bind itself, and what these use in turn."""
    found: list[ast.stmt] = []
    have = {name for node in kept for name in _bound(node)} | set(dir(builtins)) | {entry_point}
    wanted = _loaded(kept) - have
    for tree in sources:
        for node in reversed(tree.body):
            names = _bound(node)
            if _is_star(node) or (names & wanted and _can_supply(node)):
                found.insert(0, node)
                have |= names
                wanted = (wanted | _loaded([node])) - have
    return found if any(not _is_star(node) for node in found) or wanted else []


def _is_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)


def _can_supply(node: ast.stmt) -> bool:
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    return isinstance(node, kinds)


def _forwarding(tree: ast.Module, name: str) -> str:
    owner = _method_class(tree, name)
    assert owner is not None
    return f"def {name}(*args, **kwargs):\n    return {owner.name}().{name}(*args, **kwargs)\n"


def _joined(needed: list[ast.stmt], source: str) -> str:
    """What is needed before the source, but after its `from __future__` lines."""
    if not needed:
        return source
    added = "\n".join(ast.unparse(node) for node in needed)
    lines = source.split("\n")
    futures = [number for number, line in enumerate(lines) if line.startswith("from __future__")]
    cut = futures[-1] + 1 if futures else 0
    return "\n".join([*lines[:cut], added, "", *lines[cut:]])


def _without(source: str, dropped: list[ast.stmt], kept: list[ast.stmt]) -> str:
    """The source without the lines of *dropped*, but for those that it shares with *kept*."""
    shared = {line for node in kept for line in _lines(node)}
    gone = {line for node in dropped for line in _lines(node)}
    if not gone or gone & shared:
        return source
    return "\n".join(line for number, line in enumerate(source.split("\n"), 1) if number not in gone)


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


_DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _is_usage(node: ast.stmt, tree: ast.Module, entry_point: str) -> bool:
    """Whether a top-level statement only tries the functions out, so that nothing misses it."""
    if isinstance(node, _DEFINING):
        return False
    needed = _loaded(part for part in tree.body if isinstance(part, _DEFINING))
    if _bound(node) & (needed | {entry_point}):
        return False
    if isinstance(node, ast.Assert) or "__name__" in _loaded([node]) or _is_constant(node):
        return True
    called = {part.func.id for part in ast.walk(node) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)}
    return bool(called & {"print", "input", entry_point})


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.Compare)
