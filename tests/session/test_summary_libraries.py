"""What a limited address space leaves for the end of a run is known before anything is spent."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_koderz
from pytest_koderz.session.summary_libraries import FIGURES, PAGE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bounds the address space as Linux does")
_START = """
import resource, sys
from types import SimpleNamespace
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.session.summary_libraries import load_for_the_end
size = int(sys.argv[1])
if size:
    resource.setrlimit(resource.RLIMIT_AS, (size << 20, size << 20))
try:
    load_for_the_end(SimpleNamespace(jobs=2, html=None))
except UsageError as error:
    print(error)
print(sorted({"numpy", "scipy.stats", "jinja2"} & set(sys.modules)))
"""


def _started(megabytes: int) -> list[str]:
    command = [sys.executable, "-c", _START, str(megabytes)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return run.stdout.splitlines()


@pytest.mark.parametrize("megabytes", [250, 500])
def test_a_start_is_refused_where_the_end_would_have_no_room(megabytes: int) -> None:
    """With the limit, and what is wanted."""
    refused, loaded = _started(megabytes)
    assert refused.startswith(f"this shell bounds the address space to {megabytes} MB (ulimit -v)")
    assert "raise the limit" in refused
    assert loaded == "[]"


def test_what_the_end_needs_is_loaded_where_the_room_is_limited() -> None:
    """And where it is not, a run begins without waiting for it."""
    assert _started(1500) == ["['numpy', 'scipy.stats']"]
    assert _started(0) == ["[]"]


def test_all_that_the_end_imports_is_known() -> None:
    """Of the figures and of the page."""
    house = Path(pytest_koderz.__file__).parent
    assert set(_imported(house / "evidence")) == set(FIGURES)
    assert set(_imported(house / "reporters")) <= {*FIGURES, *PAGE}


def _imported(folder: Path) -> Iterator[str]:
    """Modules that are none of ours and not the standard library's."""
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            foreign = sys.stdlib_module_names | {"pytest_koderz", "pytest", "_pytest"}
            yield from (name for name in names if name.partition(".")[0] not in foreign)
