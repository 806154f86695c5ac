"""The code in a model's reply, as a whole module."""

from __future__ import annotations

import ast
import builtins
import html
import json
import re
import symtable
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from textwrap import dedent, indent

from .iteration import Candidate
from .problem import Problem

LONGEST = 30_000
"""Characters that are read of one piece of a reply, and half of what is read in all. No honest answer is longer."""


def candidate_of(reply_text: str, problem: Problem) -> Candidate | None:
    """The answer in *reply_text*, completed to a module from the problem's prompt; None where there is no code.

    It never raises. What cannot be mended is handed on as it stands, so that the judge names what is wrong with it.
    Usage examples at module level are left out.
    """
    programs = _programs(_plain(reply_text), problem)
    if not programs:
        return None
    # Of equals the last counts: models try and explain first, and correct themselves afterwards.
    best = max(range(len(programs)), key=lambda place: (programs[place].level, programs[place].weight, place))
    chosen = programs[best]
    if chosen.level == _Level.STATEMENTS and chosen.weight < 0:
        # Prose can hold a line such as `import this`.
        return None
    if chosen.tree is None or chosen.level < _Level.BODY or len(chosen.tree.body) > _MOST:
        return Candidate(chosen.source.strip("\n") + "\n")
    others = [program.tree for place, program in enumerate(programs) if place != best and program.tree]
    try:
        return Candidate(_finished(chosen.source, chosen.tree, others, problem))
    except _UNREADABLE:
        return Candidate(chosen.source.strip("\n") + "\n")


class _Level(IntEnum):
    """What a piece of the reply amounts to."""

    STATEMENTS = 1
    SNIPPET = 2
    """It would do as a body of the entry point, though nothing is returned."""
    FUNCTIONS = 3
    """Of other names, or the entry point with nothing in it."""
    BROKEN = 4
    """It is meant to define the entry point, but is not Python."""
    BODY = 5
    """It completes the prompt."""
    METHOD = 6
    """The entry point is a method of a class."""
    ANSWER = 7


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


def _programs(text: str, problem: Problem) -> list[_Program]:
    """What each piece of the reply amounts to, in order; running text counts only where no block holds an answer."""
    whole = _parse(text) if len(text) <= LONGEST else None
    level = _level(whole, problem.entry_point) if whole else None
    if level is not None and level >= _Level.FUNCTIONS:
        return [_Program(text, whole, level, 1)]
    programs = [program for piece in _pieces(text) for program in _read(piece, problem)]
    if all(program.level < _Level.BODY for program in programs):
        unthought = _THINKING.split(text, maxsplit=1)[0]
        # Tags may have been part of the code, and cut it.
        again = [_Piece(unthought[:LONGEST], -1), *_last(_fenced(text, 1))]
        return [program for piece in again for program in _read(piece, problem)] + programs
    return programs


# --- the reply's parts


_THINKING = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_SPECIAL = re.compile(r"<\|[a-z_]{2,20}\|>|</?s>|<(?:end_of_turn|eos)>|\[/?INST\]")
"""What marks the turns of a conversation to a model, and gets into its reply."""


def _plain(text: str) -> str:
    """The reply without its thinking and the conversation's own marks, and with one kind of line end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff")
    text = _SPECIAL.sub("\n", text)
    closing = [match.end() for match in re.finditer(r"</think(?:ing)?>", text, re.IGNORECASE)]
    if closing:
        # Some servers leave out the opening tag: all that comes before the closing one was thought.
        opening = _THINKING.search(text, 0, closing[-1])
        text = text[: opening.start() if opening else 0] + text[closing[-1] :]
    return text


_ANSWERS = frozenset({"solution", "answer", "final_answer"})
# These are words of HTML and of prose too, so they mark a section at the start of a line alone.
_ANSWERS_ON_A_LINE = frozenset({"final", "code", "python", "result", "response"})
# Square brackets are Python's too, so they mark a section in capitals and on a line of their own alone.
_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z]\w{1,20})(?: [^<>\n]{0,80})?>"
    r"|^[ \t]*\[(?P<shut>/?)(?P<title>PYTHON|ANSWER|SOLUTION|CODE)\](?=[ \t]*$)",
    re.MULTILINE,
)


def _pieces(text: str) -> list[_Piece]:
    """Tagged and fenced parts, in order."""
    pieces: list[_Piece] = []
    place = 0
    for start, end, piece in _tagged(text):
        pieces += _fenced(text[place:start], 1)
        pieces += _fenced(piece.text, piece.weight) or [piece]
        place = end
    return _last(pieces + _fenced(text[place:], 1))


def _last(pieces: list[_Piece]) -> list[_Piece]:
    """As many of the last pieces as may be read: a model that loops writes thousands."""
    kept: list[_Piece] = []
    left = 2 * LONGEST
    for piece in reversed(pieces):
        if piece.text.strip():
            # A short piece costs something too.
            left -= max(100, len(piece.text[:LONGEST]))
            if left < 0:
                break
            kept.insert(0, _Piece(piece.text[:LONGEST], piece.weight))
    return kept


def _tagged(text: str) -> Iterator[tuple[int, int, _Piece]]:
    """Start, end and content of each innermost section; a marked answer that is never closed runs to the end."""
    opened: re.Match[str] | None = None
    for tag in _TAG.finditer(text):
        if opened is not None and (_marks_answer(text, opened) or (_closes(tag) and _name(tag) == _name(opened))):
            if _closes(tag) and _name(tag) != _name(opened):
                continue
            weight = 2 if _marks_answer(text, opened) else 0
            yield opened.start(), tag.start(), _Piece(text[opened.end() : tag.start()], weight)
            opened = None
        if not _closes(tag) and (_marks_answer(text, tag) or _starts_line(text, tag)):
            opened = tag
    if opened is not None and _marks_answer(text, opened):
        yield opened.start(), len(text), _Piece(text[opened.end() :], 2)


def _name(tag: re.Match[str]) -> str:
    return (tag["name"] or tag["title"]).lower()


def _closes(tag: re.Match[str]) -> bool:
    return bool(tag["close"] or tag["shut"])


def _marks_answer(text: str, tag: re.Match[str]) -> bool:
    if _starts_line(text, tag):
        return _name(tag) in _ANSWERS | _ANSWERS_ON_A_LINE
    # In quotes it is spoken of, or part of a program's text.
    return _name(tag) in _ANSWERS and text[tag.start() - 1] not in "`'\""


def _starts_line(text: str, tag: re.Match[str]) -> bool:
    return not text[text.rfind("\n", 0, tag.start()) + 1 : tag.start()].strip()


_FENCE = re.compile(r"^(?P<lead>[ \t>]*(?:[-*+]\s+|\d+[.)]\s+)?)(?P<mark>`{3,}|~{3,})[ \t]*(?P<rest>.*)$")
_LANGUAGE = re.compile(
    r"\{?\.?(?:python|py|ipython|sage|pycon)[\w.]*\}?(?:\s+(?!def\b|import\b|from\b|class\b)\S+)*", re.IGNORECASE
)


def _fenced(text: str, weight: int) -> list[_Piece]:
    """The contents of Markdown fences; one that is never closed runs to the end."""
    pieces: list[_Piece] = []
    mark, lines, quoted = "", list[str](), False
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if mark and fence and _LANGUAGE.match(fence["rest"]):
            # A language opens a fence, so the one before was left open.
            pieces.append(_Piece("\n".join(lines), weight))
            mark = ""
        if not mark:
            if fence:
                mark, lines, quoted = fence["mark"], _first_line(fence), ">" in fence["lead"]
                mark = _closed_at_once(mark, lines, pieces, weight)
        elif (fence and fence["mark"].startswith(mark) and not fence["rest"].strip()) or line.rstrip().endswith(mark):
            lines.append(line.rstrip().rstrip(mark[0]) if not fence else "")
            pieces.append(_Piece("\n".join(lines), weight))
            mark = ""
        else:
            lines.append(re.sub(r"^[ \t]*> ?", "", line) if quoted else line)
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


# --- from a piece to a program

# Prose begins with "import" and "from" as well, so a line of imports must be one to its end.
_NAMES = r"[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+(?:\s+as\s+\w+)?)*"
_START = re.compile(
    rf"[ \t]*(?:@\w|(?:async\s+)?def\s+\w+\s*[(\[]|class\s+\w+\s*[:(\[]"
    rf"|(?:import\s+{_NAMES}|from\s+[\w.]+\s+import\s+(?:\*|\(.*|{_NAMES}))\s*(?:[;#].*)?$)"
)
_TRIES = 20
"""How often a text is cut or searched again before it is taken as it is."""


def _read(piece: _Piece, problem: Problem) -> list[_Program]:
    """The programs in a piece: itself, a body that completes the prompt, or the stretches of it that are code."""
    text = dedent(piece.text).strip("\n")
    for mended in _mended(text):
        tree = _parse(mended)
        level = _level(tree, problem.entry_point) if tree else None
        if level is not None and level >= _Level.FUNCTIONS:
            return [_Program(mended, tree, level, piece.weight)]
    if wrapped := _wrapped(text, piece.weight):
        return [program for inner in wrapped for program in _read(inner, problem)]
    completed = _completed(piece, problem)
    return [completed] if completed else _stretches(text, piece.weight, problem) or _statements(text, piece.weight)


def _wrapped(text: str, weight: int) -> list[_Piece]:
    """The texts in a JSON object, as models asked for JSON write them."""
    if not text.lstrip().startswith("{"):
        return []
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return []
    # No object within the object: one level of texts is what they write, and what ends the search.
    return [_Piece(value, weight) for value in values.values() if isinstance(value, str) and not value.startswith("{")]


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
_TYPED = re.compile(r"[ \t]*(?:>>>|\.\.\.)(?: |$)")


def _without_prompts(text: str) -> str:
    """The input of an interactive session in which something was defined."""
    if not re.search(r"^[ \t]*>>> (?:@|(?:async )?def |class )", text, re.MULTILINE):
        return text
    return "\n".join(line[match.end() :] for line in text.split("\n") if (match := _TYPED.match(line)))


_MENDS: tuple[Callable[[str], str], ...] = (
    lambda text: text.translate(_INVISIBLE),
    lambda text: text.expandtabs(4),
    _without_prompts,
    html.unescape,
    lambda text: text.translate(_QUOTES),
    lambda text: text.replace("\\_", "_"),
    lambda text: text if "\n" in text else text.replace("\\n", "\n"),
)


def _completed(piece: _Piece, problem: Problem) -> _Program | None:
    """Prompt and body together, where the piece is the body of the entry point."""
    head, name = problem.prompt.rstrip(), problem.entry_point
    body = piece.text.translate(_INVISIBLE).expandtabs(4).strip("\n").rstrip()
    function = _head_of(head, name)
    # A model that goes on with the prompt may come to begin anew.
    edge = r"[ \t]+" if body[:1].isspace() else r"[ \t]*"
    if function is None or not body or re.search(rf"^{edge}(?:async\s+)?def\s+{re.escape(name)}\b", body, re.MULTILINE):
        return None
    level = _level_of_body(body, function)
    if level is None:
        return None
    # As a model continues the prompt; as a client strips that; as a block of its own; after a few words.
    shapes = (body, "    " + body.lstrip(), indent(dedent(body), "    "), *_indented_part(body))
    for read in (_whole, _longest):
        for shape in shapes:
            source, tree = read(f"{head}\n{shape}\n")
            if tree is not None and _grew(tree, head, name):
                return _Program(source, tree, level, piece.weight)
    return None


def _indented_part(text: str) -> list[str]:
    """What begins with the first indented line, where it follows an empty one: a body after some prose."""
    start = re.search(r"\n[ \t]*\n(?=[ \t]+\S)", text)
    return [text[start.end() :]] if start and not text[0].isspace() else []


def _head_of(prompt: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function that the prompt begins."""
    tree = _parse(prompt) or _parse(prompt + "\n    pass")
    node = _definition(tree, name) if tree else None
    return node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _level_of_body(body: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> _Level | None:
    """What *body* amounts to, taken as the function's; None where it can be a program of its own as well."""
    tree = _parse(dedent(body))
    if tree is None:
        return _Level.BODY
    try:
        loaded = _used(tree.body)
    except _UNREADABLE:
        return None
    if function.name in loaded or not loaded & _parameters(function):
        return None
    return _Level.BODY if body[0].isspace() else _Level.SNIPPET


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}


def _grew(tree: ast.Module, head: str, name: str) -> bool:
    """Whether the entry point got a body that does something."""
    function = _definition(tree, name)
    last = head.count("\n") + 1
    return isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        node.lineno > last and not isinstance(node, _DEFINING) and not _is_remark(node) for node in function.body
    )


def _is_remark(node: ast.stmt) -> bool:
    """What prose can be mistaken for: a bare name, number or text, `Note: this`."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    acts = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and not isinstance(node.value, acts))


def _whole(source: str) -> tuple[str, ast.Module | None]:
    return source, _parse(source)


def _longest(source: str) -> tuple[str, ast.Module | None]:
    """The program without its end, from the top-level statement that is no Python; no tree where nothing is left."""
    for _ in range(_TRIES):
        tree, line = _parse_or_line(source)
        if tree is not None:
            return source, tree
        lines = source.split("\n")
        if line > len(lines) or (line and _STRAY.match(lines[line - 1])):
            break
        while line > 1 and _continues(lines, line):
            line -= 1
        if line < 2:
            break
        source = "\n".join(lines[: line - 1]).rstrip() + "\n"
    return source, None


def _continues(lines: list[str], line: int) -> bool:
    """Whether a line, counted from 1, belongs to a statement that starts above it."""
    text = lines[line - 1]
    return not text.strip() or text[0] in " \t)]}" or lines[line - 2].startswith("@")


# The rest of a function whose indentation was lost: without it the function would only look whole.
_STRAY = re.compile(r"(?:return|yield)\b(?! (?:the|a|an|type|value)\b)|(?:else|finally|try)\s*:|(?:elif|except)\b.*:")


def _stretches(text: str, weight: int, problem: Problem) -> list[_Program]:
    """The parts of a mixed text that are code, each from a line that starts a definition or an import."""
    lines = text.translate(_INVISIBLE).split("\n")
    starts = [number for number, line in enumerate(lines) if _START.match(line[:1000])]
    found: list[_Program] = []
    done = 0
    for start in starts[:_TRIES]:
        if start < done:
            continue
        program = _stretch(lines[start:], weight, problem)
        if program is not None:
            found.append(program)
            done = start + program.source.rstrip().count("\n") + 1
    if weight >= 0:
        # Of a block, all is handed on, so that what the judge says of its lines is true.
        return [replace(program, source=text) if program.level is _Level.BROKEN else program for program in found]
    return found


def _stretch(lines: list[str], weight: int, problem: Problem) -> _Program | None:
    """The program that starts with the first of *lines*; None where that is prose."""
    edge = len(lines[0]) - len(lines[0].lstrip())
    inside = "\n".join(_inside(lines, edge))
    source, tree = _longest(inside)
    if tree is not None and source.strip():
        return _Program(source, tree, _level(tree, problem.entry_point) or _Level.STATEMENTS, weight)
    meant = rf"(?:@.*\n)*(?:async\s+)?def\s+{re.escape(problem.entry_point)}\s*\("
    return _Program(inside.rstrip(), None, _Level.BROKEN, weight) if re.match(meant, inside) else None


def _inside(lines: list[str], edge: int) -> list[str]:
    """The first lines that are at least as far in as the first one, moved to the left edge."""
    inside: list[str] = []
    for line in lines:
        if line[:edge].strip():
            break
        inside.append(line[edge:])
    return inside


def _statements(text: str, weight: int) -> list[_Program]:
    """Code without any definition, where it is marked as code; a word or a number is none."""
    tree = _parse(text) if weight >= 0 else None
    if tree is None or all(_is_remark(node) for node in tree.body):
        return []
    return [_Program(text, tree, _Level.STATEMENTS, weight)]


# --- what a syntax tree says

_NAME = "<candidate>"
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
"""What Python's own tools raise of odd sources, such as one that is nested too deeply."""


def _parse(source: str) -> ast.Module | None:
    return _parse_or_line(source)[0]


def _parse_or_line(source: str) -> tuple[ast.Module | None, int]:
    """The syntax tree of what compiles, else the line that does not; 0 where that is not known."""
    # A filter for this name alone. catch_warnings would have to be undone, and threads undo each other's.
    warnings.filterwarnings("ignore", module=_NAME)
    try:
        tree = ast.parse(source, _NAME)
        # The parser lets `return` stand outside a function; the compiler does not.
        compile(tree, _NAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        return None, error.lineno or 0
    except _UNREADABLE:
        return None, 0
    return tree, 0


def _level(tree: ast.Module, name: str) -> _Level | None:
    """What a program amounts to; None where it defines nothing."""
    definition = _definition(tree, name)
    if definition is not None and not _is_stub(definition):
        return _Level.ANSWER
    if _owner(tree, name) is not None:
        return _Level.METHOD
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return _Level.FUNCTIONS if any(isinstance(node, kinds) for node in tree.body) else None


def _definition(tree: ast.Module, name: str) -> ast.stmt | None:
    """The last top-level statement that binds *name*."""
    return next((node for node in reversed(tree.body) if name in _bound(node)), None)


def _is_stub(node: ast.stmt) -> bool:
    """A function whose body is a docstring, `pass` or `...`."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and all(
        isinstance(part, ast.Pass) or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        for part in node.body
    )


def _owner(tree: ast.Module, name: str) -> ast.ClassDef | None:
    """The class that can be made without arguments and has the entry point as a method."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
            maker = methods.get("__init__")
            if name in methods and (maker is None or len(maker.args.args) == 1 + len(maker.args.defaults)):
                return node
    return None


_DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _bound(node: ast.stmt) -> set[str]:
    """The names that a top-level statement binds in the module."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    names = {
        (part.asname or part.name).partition(".")[0] if isinstance(part, ast.alias) else part.id
        for part in ast.walk(node)
        if isinstance(part, ast.alias) or (isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))
    }
    nested = (part for part in ast.walk(node) if isinstance(part, ast.FunctionDef | ast.ClassDef))
    return names | {part.name for part in nested}


def _used(nodes: Iterable[ast.stmt]) -> set[str]:
    """The names that statements look up in the module or among the builtins, at once or when called."""
    return _global_names(symtable.symtable("\n".join(map(ast.unparse, nodes)), _NAME, "exec"))


def _global_names(table: symtable.SymbolTable) -> set[str]:
    top = table.get_type() == "module"
    names = {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (top or symbol.is_global())
    }
    return names.union(*map(_global_names, table.get_children()))


# --- the finished module


@dataclass(frozen=True, slots=True, eq=False)
class _Statement:
    """A statement at module level, and the names it has to do with there."""

    node: ast.stmt
    binds: set[str]
    uses: set[str]


_MOST = 500
"""Statements at module level up to which a program is finished; each is followed through all others."""


def _finished(source: str, tree: ast.Module, others: list[ast.Module], problem: Problem) -> str:
    """The program with what it needs from the prompt and the reply's other pieces, without usage examples."""
    statements = [_Statement(node, _bound(node), _used([node])) for node in tree.body]
    owner = _owner(tree, problem.entry_point) if _level(tree, problem.entry_point) == _Level.METHOD else None
    root = owner.name if owner else problem.entry_point
    usage = _usage(statements, root)
    kept = [statement for statement in statements if statement not in usage]
    needed = _needed(kept, [*_prompt_trees(problem), *others], root)
    finished = _assembled(source, kept, usage, needed)
    return f"{finished}\n\n{_forwarding(owner, problem.entry_point)}" if owner else finished


def _prompt_trees(problem: Problem) -> list[ast.Module]:
    tree = _parse(problem.preamble)
    return [tree] if tree is not None else []


def _needed(kept: list[_Statement], sources: list[ast.Module], root: str) -> list[ast.stmt]:
    """The statements of *sources* that bind what *kept* uses and nothing binds, and what these use in turn."""
    found: list[ast.stmt] = []
    have = {name for statement in kept for name in statement.binds} | set(dir(builtins)) | {root}
    wanted = {name for statement in kept for name in statement.uses} - have
    for tree in sources if wanted else ():
        for node in reversed(tree.body):
            star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
            if star or (isinstance(node, _SUPPLYING) and _bound(node) & wanted):
                found.insert(0, node)
                have |= _bound(node)
                wanted = (wanted | _used([node])) - have
    return found


_SUPPLYING = (*_DEFINING, ast.Assign, ast.AnnAssign)


def _forwarding(owner: ast.ClassDef, name: str) -> str:
    return f"def {name}(*args, **kwargs):\n    return {owner.name}().{name}(*args, **kwargs)\n"


def _assembled(source: str, kept: list[_Statement], dropped: list[_Statement], needed: list[ast.stmt]) -> str:
    """The source without the lines of *dropped*, after what is needed; `from __future__` still comes first."""
    lines = source.split("\n")
    gone = {line for statement in dropped for line in _lines(statement.node)}
    if gone & {line for statement in kept for line in _lines(statement.node)}:
        gone = set()
    futures = [node.end_lineno or 0 for node in (statement.node for statement in kept) if _is_future(node)]
    cut = max(futures, default=0)
    rest = [line for number, line in enumerate(lines[cut:], cut + 1) if number not in gone]
    added = [*map(ast.unparse, needed), ""] if needed else []
    return "\n".join([*lines[:cut], *added, *rest]).strip("\n").rstrip() + "\n"


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _usage(statements: list[_Statement], root: str) -> list[_Statement]:
    """The top-level statements that only try the functions out, so that nothing misses them."""
    live = _reached({root}, statements)
    return [
        statement
        for statement in statements
        if not isinstance(statement.node, _DEFINING)
        and not statement.binds & live
        and _tries_out(statement, _reached(statement.uses, statements), root)
    ]


def _tries_out(statement: _Statement, reached: set[str], root: str) -> bool:
    node = statement.node
    if isinstance(node, ast.Assert) or "__name__" in statement.uses or _is_idle(node) or _is_print(node):
        return True
    # Other calls stay, whatever they do: they may fill a table that the functions read.
    return bool(reached & {root, "input", "doctest", "unittest", "pytest"})


_IDLE = (ast.Expr, ast.Name, ast.Constant, ast.List, ast.Tuple, ast.Compare, ast.cmpop, ast.expr_context)


def _is_idle(node: ast.stmt) -> bool:
    """Words, values and comparisons that nobody reads; texts may be documentation."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return not text and all(isinstance(part, _IDLE) for part in ast.walk(node))


def _is_print(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"


def _reached(names: set[str], statements: list[_Statement]) -> set[str]:
    """*names* and all that the statements which bind them use, and so on."""
    reached = set(names)
    pending = list(statements)
    while True:
        found = [statement for statement in pending if statement.binds & reached]
        if not found:
            return reached
        pending = [statement for statement in pending if not statement.binds & reached]
        reached = reached.union(*(statement.uses for statement in found))
