"""What GitHub's runner is told: a command for each annotation, no more than it takes, and nothing that acts."""

from __future__ import annotations

from pytest_koderz.reporters.github_annotations import LONGEST, MOST, Annotation, commands_of


def test_a_place_a_title_and_a_text() -> None:
    """Escaped as the toolkit of GitHub does it."""
    one = Annotation("warning", "unsolved: own/a[x], twice", "100 % wrong:\nassert f(1) == 2", "problems/own.yaml", 7)
    assert list(commands_of([one])) == [
        "::warning file=problems/own.yaml,line=7,title=unsolved%3A own/a[x]%2C twice::100 %25 wrong:%0Aassert f(1) == 2"
    ]
    assert list(commands_of([Annotation("error", "koderz", "no")])) == ["::error title=koderz::no"]


def test_ten_of_a_kind_are_all_that_a_step_may_have() -> None:
    """The tenth says how many have no room."""
    many = [Annotation("warning", f"unsolved: own/{n}", "wrong") for n in range(85)]
    lines = list(commands_of([Annotation("error", "koderz", "a gate"), *many]))
    assert sum(line.startswith("::warning ") for line in lines) == MOST
    assert lines[0] == "::error title=koderz::a gate"
    assert lines[-1] == "::warning title=koderz::76 more: see the summary of this run"
    assert len(list(commands_of(many[:MOST]))) == MOST


def test_what_a_model_wrote_is_no_command() -> None:
    """It stays in its line, and is cut."""
    text = "a\r\n::stop-commands::x\n" + "y" * 10_000_000
    (line,) = commands_of([Annotation("warning", "t\n::error::x", text)])
    assert "\n" not in line
    assert "\r" not in line
    assert len(line) < LONGEST + 100
