"""What the text of a candidate reaches for that no answer needs, told before it is run.

What the module itself speaks of, its functions may use.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_koderz.core.syntax import UNREADABLE, tree_of

_FRAMES = "looks at its callers"
_ORIGINAL = "looks for the original's text"
_TESTS = "reaches for its tests"
_INSIDE = "changes what runs it"
_WORDS = {
    **dict.fromkeys(("_getframe", "_current_frames", "currentframe", "f_back", "f_locals", "f_globals"), _FRAMES),
    **dict.fromkeys(("tb_frame", "gi_frame", "cr_frame", "ag_frame", "extract_stack", "format_stack"), _FRAMES),
    **dict.fromkeys(("getouterframes", "walk_stack", "print_stack"), _FRAMES),
    **dict.fromkeys(("getsource", "getsourcelines", "findsource", "linecache", "cache_from_source"), _ORIGINAL),
    **dict.fromkeys(("get_source", "get_code", "co_consts", "co_code", "marshal"), _ORIGINAL),
    **dict.fromkeys(("get_objects", "get_referrers", "get_referents"), "searches the memory of its tests"),
    **dict.fromkeys(("pytest", "_pytest", "pluggy", "conftest", "PYTEST_CURRENT_TEST"), _TESTS),
    **dict.fromkeys(("_exit", "abort"), "ends the process"),
    **dict.fromkeys(("settrace", "setprofile", "addaudithook", "meta_path", "path_hooks", "__builtins__"), _INSIDE),
    **dict.fromkeys(("builtins", "__subclasses__", "ctypes", "_ctypes"), _INSIDE),
}
_DOTTED = {
    "sys.modules": _INSIDE,
    "inspect.stack": _FRAMES,
    "mock.ANY": "answers with an object that equals everything",
    "unittest.mock": _TESTS,
}


def tampering_in(candidate: str, module: str) -> str | None:
    """In words; None where nothing of the kind is to be seen."""
    try:
        tree = tree_of(candidate)
    except UNREADABLE:
        return None
    for name in _names(tree):
        words = _WORDS.get(name) or _DOTTED.get(name)
        if words and not re.search(rf"\b{re.escape(name)}\b", module):
            return f"{words} ({name})"
    return None


def _names(tree: ast.Module) -> Iterator[str]:
    """Of all that is named, the texts that are a single word among it: `getattr` may make names of these."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=value, attr=attr):
                yield attr
                yield f"{value.attr if isinstance(value, ast.Attribute) else getattr(value, 'id', '')}.{attr}"
            case ast.Name(id=name) | ast.Constant(value=str(name)):
                yield name
            case ast.Import(names=names):
                yield from (part for each in names for part in (each.name, *each.name.split(".")))
            case ast.ImportFrom(module=str(origin), names=names):
                yield from (origin, *origin.split("."))
                for each in names:
                    yield from (each.name, f"{origin.rpartition('.')[2]}.{each.name}")
