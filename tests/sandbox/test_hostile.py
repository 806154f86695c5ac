"""A suite of our own of hostile programs."""

from __future__ import annotations

import pytest

from .hostile import CHEATS, FORGERS, HANGS, HARM, INTRUDERS, PROGRAMS, SECRETS, SPIES
from .worlds import NOBODY, Program, as_user, tried


@pytest.mark.parametrize("user", [pytest.param(None, marks=pytest.mark.slow), NOBODY], ids=["ourselves", "nobody"])
def test_no_hostile_program_passes_or_does_harm(user: int | None) -> None:
    """Cheats, harm and spying come to nothing, whoever runs the judge."""
    as_user(user)
    programs = [*CHEATS, *HARM, *SECRETS, *INTRUDERS, *FORGERS, *SPIES]
    results = tried(programs, user=user)
    assert not [result for result in results if result["outcome"] == "passed" or result["damage"]]
    assert len(results) == len(programs) + 1


@pytest.mark.parametrize("programs", [HANGS[:3], pytest.param(HANGS, marks=pytest.mark.slow)], ids=["some", "all"])
def test_no_hanging_program_outstays_its_time(programs: list[Program]) -> None:
    """A program that hangs is stopped, and nothing of it is left."""
    *results, after = tried(programs)
    assert {result["outcome"] for result in results} <= {"timed out", "crashed", "wrong"}
    assert not after["damage"]


def test_the_suite_is_as_large_as_it_says() -> None:
    """At least sixty programs, each under a name of its own."""
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS) >= 60
