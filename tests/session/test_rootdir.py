"""The path of an option is not taken for the path of a test."""

from __future__ import annotations

import pytest

from tests.conftest import Run

SETTINGS = "cortex: {enabled: false}\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with its own pytest.ini, in which pytest is called, and a settings file beside it."""
    (pytester.path / "settings.yaml").write_text(SETTINGS)
    own = pytester.path / "project"
    (own / "sub").mkdir(parents=True)
    (own / "pytest.ini").write_text("[pytest]\n")
    (own / "inside.yaml").write_text(SETTINGS)
    monkeypatch.chdir(own)
    return pytester


LISTING = ("--koderz-list", "--koderz-problems", "0", "--koderz-profile", "simulated")


def test_a_path_elsewhere_that_moves_the_root_is_refused(project: pytest.Pytester, run: Run) -> None:
    """With what to write instead."""
    result = run(*LISTING, "--koderz-config", "../settings.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --koderz-config ../settings.yaml: *write --koderz-config=../settings.yaml"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--koderz-config=../settings.yaml",),
        ("--koderz-config", "inside.yaml"),
        ("--koderz-config", "../settings.yaml", "--rootdir", "."),
        ("--koderz-config", "../settings.yaml", "-c", "pytest.ini"),
    ],
    ids=" ".join,
)
def test_a_path_that_leaves_the_root_alone_is_taken(
    project: pytest.Pytester, run: Run, arguments: tuple[str, ...]
) -> None:
    """Joined by an equals sign, inside of the project, or with the root given."""
    result = run(*LISTING, *arguments)
    assert result.ret == 0, result.stdout.str()
