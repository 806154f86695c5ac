"""One file per feature: it registers its object where it is on, and nothing where it is off."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_koderz.plugin
import pytest_koderz.session
from pytest_koderz.files.usage_error import UsageError
from tests.conftest import Run

MODULES = [Path(pytest_koderz.plugin.__file__), *sorted(Path(pytest_koderz.session.__file__).parent.glob("*.py"))]

SIMULATED = ("--koderz", "--koderz-profile", "simulated", "--koderz-arm", "frontier-only")
ALWAYS = {"backends", "providers", "collection", "reports", "journal", "shelf", "terminal"} | {
    "settlement",
    "interruption",
    "outcome-selection",
    "around-sections",
    "between-sections",
    "looks",
    "first-run",
}
"""What the first benchmark of a folder has without cortex, in the only process."""


def _hooks_by_object(path: Path) -> Iterator[tuple[str, int]]:
    """Of the module, which may be a plugin object itself, and of each class in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef):
            names = [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
            yield getattr(node, "name", path.stem), sum(name.startswith("pytest_") for name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_object_implements_more_than_five_hooks(path: Path) -> None:
    """Otherwise it is several features."""
    assert {name: hooks for name, hooks in _hooks_by_object(path) if hooks > 5} == {}


def _registered(pytester: pytest.Pytester, *arguments: str) -> set[str]:
    """The names of our objects once pytest is configured."""
    config = pytester.parseconfigure(*arguments)
    names = {name for name, plugin in config.pluginmanager.list_name_plugin() if plugin is not None}
    return {name.removeprefix("koderz-") for name in names if name.startswith("koderz-")}


class OwnJudge:
    """Nothing is judged here."""

    def pytest_koderz_open_sandbox(self) -> object:
        return self


@pytest.fixture
def folder(run: Run, pytester: pytest.Pytester) -> pytest.Pytester:
    """Where cortex is off, and no processes of a judge are started."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    pytester.plugins.append(OwnJudge())
    return pytester


def test_without_koderz_nothing_is_registered(folder: pytest.Pytester) -> None:
    """But the plugin itself, which has the options."""
    assert _registered(folder) == set()


def test_a_verb_has_what_it_looks_with_alone(folder: pytest.Pytester) -> None:
    """Nothing is locked, recorded or reported."""
    assert _registered(folder, "--koderz-list") == {"backends", "providers", "collection"}
    assert not (folder.path / ".koderz").exists()


GIVEN = {
    "--koderz-min-solved=0.5": "gates",
    "--koderz-max-cost=2.50": "budget",
    "--koderz-jobs=2": "jobs",
    "--koderz-markdown=r.md": "result-files",
    "--junitxml=junit.xml": "junit-totals",
}
"""What each option turns on."""
DISTRIBUTED = ("--dist", "load", "--tx", "popen")


@pytest.mark.parametrize(
    ("arguments", "features"),
    [
        ((), set[str]()),
        (tuple(GIVEN), set(GIVEN.values())),
        (DISTRIBUTED, {"workers"}),
        ((*DISTRIBUTED, "--collect-only"), set[str]()),
    ],
    ids=["plain", "all", "workers", "collecting"],
)
def test_what_is_on_registers_one_object(
    folder: pytest.Pytester, arguments: tuple[str, ...], features: set[str]
) -> None:
    """And what is off none."""
    assert _registered(folder, *SIMULATED, *arguments) == ALWAYS | features


def test_what_the_end_needs_is_loaded_before_anything_is_spent(
    folder: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the start is refused; who only looks spends nothing."""

    def no_room(_: object) -> None:
        raise UsageError("no room")

    monkeypatch.setattr("pytest_koderz.session.features.load_for_the_end", no_room)
    assert _registered(folder, "--koderz-list")
    with pytest.raises(pytest.UsageError, match="no room"):
        _registered(folder, "--koderz", "--koderz-profile", "simulated")


def test_without_a_terminal_nothing_speaks_to_one(folder: pytest.Pytester) -> None:
    """The results are written all the same."""
    assert _registered(folder, *SIMULATED, "-p", "no:terminal") == ALWAYS - {
        "terminal",
        "first-run",
        "around-sections",
        "between-sections",
    }


def test_cortex_is_a_feature_too(folder: pytest.Pytester) -> None:
    """Its client, and what adds up what was delivered."""
    (folder.path / "koderz.yaml").write_text("cortex: {enabled: true}\n")
    assert _registered(folder, *SIMULATED) == ALWAYS | {"cortex", "cortex-delivery"}


def test_without_koderz_no_other_room_is_imported(folder: pytest.Pytester) -> None:
    """The options are read from the feature files, which import what they work with where it is done."""
    folder.makepyfile(
        """
        import sys

        def test_rooms():
            ours = [name.split(".") for name in sys.modules if name.startswith("pytest_koderz.")]
            assert {parts[1] for parts in ours} == {"hookspecs", "plugin", "session", "commands"}
        """
    )
    folder.plugins.clear()
    folder.runpytest_subprocess().assert_outcomes(passed=1)
