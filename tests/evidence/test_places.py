"""What may be left to an arm, file by file: never from one or two problems, and sure only where an interval says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.function_traits import FunctionTraits
from pytest_koderz.core.problem import Traits
from pytest_koderz.evidence.adequacy import Adequacy, WeakTests, weak_tests
from pytest_koderz.evidence.findings import Frame, findings_of
from pytest_koderz.evidence.intervals import paired_difference, wilson
from pytest_koderz.evidence.places import By, Place, PlaceAdvice, class_of, classes_of, places_of
from tests.evidence.experiments import ran

CONTROL = "frontier-only"
MARGIN = 0.05


def _asked(
    arm: str, outcomes: str, file: str = "a.py", price: str = "0.001", start: int = 0, **like: float | None
) -> list[Experiment]:
    """One task of *file* for each letter: 1 solved, 0 unsolved, - invalid."""
    function = replace(FunctionTraits(file, 4, 1, 1, 0.9), **like)  # type: ignore[arg-type]
    return [
        replace(
            ran(start + number, arm, 1 if letter == "1" else None, price=price),
            status={"1": Status.SOLVED, "0": Status.UNSOLVED, "-": Status.INVALID}[letter],
            traits=Traits("own", function=function),
        )
        for number, letter in enumerate(outcomes)
    ]


def _file(mine: str, other: str, price: str = "0.001") -> Place:
    """That of a benchmark with one file, where the control takes $0.003 for each of its tasks."""
    places = places_of(_asked("koderz", mine, price=price), _asked(CONTROL, other, price="0.003"), MARGIN)
    assert places is not None
    (file,) = places.files
    return file


@pytest.mark.parametrize(
    ("mine", "other", "price", "advice", "sure"),
    [
        ("1111", "1111", "0.001", PlaceAdvice.TOO_FEW, False),
        ("0000", "1111", "0.001", PlaceAdvice.TOO_FEW, False),
        ("11111", "11111", "0.001", PlaceAdvice.LOCAL, False),
        ("1" * 80, "1" * 80, "0.001", PlaceAdvice.LOCAL, True),
        ("1" * 20, "0" * 20, "0.001", PlaceAdvice.LOCAL, True),
        ("11100", "11111", "0.001", PlaceAdvice.OPEN, False),
        ("00000", "11000", "0.001", PlaceAdvice.OPEN, False),
        ("11000", "11111", "0.001", PlaceAdvice.HAND_OVER, False),
        ("0" * 10, "1" * 10, "0.001", PlaceAdvice.HAND_OVER, True),
        ("11111", "11111", "0.003", PlaceAdvice.HAND_OVER, False),
        ("11111", "11110", "0.009", PlaceAdvice.OPEN, False),
        ("11111", "11000", "0.009", PlaceAdvice.LOCAL, False),
        ("00000", "00000", "0.001", PlaceAdvice.NEITHER, False),
        ("11111", "11111", "?", PlaceAdvice.LOCAL, False),
    ],
)
def test_a_file_is_advised_by_what_was_solved_and_paid(
    mine: str, other: str, price: str, advice: PlaceAdvice, sure: bool
) -> None:
    """A match takes what a claim of it takes; two problems that one of the two alone solves say nothing."""
    file = _file(mine, other, price)
    assert (file.advice, file.sure) == (advice, sure)


@pytest.mark.parametrize(
    ("solved", "advice", "sure"),
    [
        ("1111", PlaceAdvice.TOO_FEW, False),
        ("11100", PlaceAdvice.OPEN, False),
        ("11110", PlaceAdvice.LOCAL, False),
        ("00001", PlaceAdvice.HAND_OVER, False),
        ("00000", PlaceAdvice.NEITHER, False),
        ("1" * 12, PlaceAdvice.LOCAL, True),
        ("1" + "0" * 12, PlaceAdvice.HAND_OVER, True),
        ("0" * 12, PlaceAdvice.NEITHER, False),
    ],
)
def test_without_a_control_a_file_is_advised_by_half_of_it(solved: str, advice: PlaceAdvice, sure: bool) -> None:
    """What one more problem would turn is left open."""
    places = places_of(_asked("koderz", solved), None, MARGIN)
    assert places is not None
    assert (places.control, places.files[0].rival, places.files[0].saved) == (None, None, None)
    assert (places.files[0].advice, places.files[0].sure) == (advice, sure)


def test_a_file_has_both_shares_with_their_intervals_and_dollars() -> None:
    """On the problems that both settled."""
    file = _file("1100110-", "111111-1")
    assert (file.by, file.name, file.problems, file.solved) == (By.FILE, "a.py", 6, 4 / 6)
    assert file.solved_interval == wilson(4, 6)
    assert file.rival is not None
    assert file.rival.interval == paired_difference(0, 2, 6)
    assert (file.dollars, file.rival.dollars, file.saved) == (Decimal("0.006"), Decimal("0.018"), Decimal("0.012"))
    assert file.adequacy == Adequacy(6, 0.9, 0.9, 0)


def _two_files(mine: Sequence[str], other: Sequence[str]) -> list[Place]:
    sides: list[list[Experiment]] = []
    for name, outcomes, price in (("koderz", mine, "0.001"), (CONTROL, other, "0.003")):
        sides.append(
            [
                one
                for number, part in enumerate(outcomes)
                for one in _asked(name, part, f"file{number}.py", price, start=1000 * number)
            ]
        )
    places = places_of(sides[0], sides[1], MARGIN)
    assert places is not None
    return list(places.files)


def test_many_files_share_the_level() -> None:
    """Six problems lost and none won are sure of one file, and not of one among twenty."""
    (alone,) = _two_files(["0" * 6], ["1" * 6])
    assert (alone.advice, alone.sure) == (PlaceAdvice.HAND_OVER, True)
    among = _two_files(["0" * 6, *["1" * 6] * 19], ["1" * 6] * 20)
    (worst,) = (one for one in among if one.name == "file0.py")
    assert (worst.advice, worst.sure) == (PlaceAdvice.HAND_OVER, False)


def test_equal_arms_are_seldom_told_apart_anywhere() -> None:
    """With 200 benchmarks of ten files and no difference, something is sure by mistake in 5 % at most."""
    draw, mistaken = Random(7), 0  # noqa: S311 - not for secrets
    for _ in range(200):
        sides = [["".join(draw.choice("01") for _ in range(12)) for _ in range(10)] for _ in range(2)]
        mistaken += any(one.sure and one.advice is PlaceAdvice.HAND_OVER for one in _two_files(*sides))
    assert mistaken <= 200 * 0.05


def test_the_list_is_ranked() -> None:
    """Left to the arm, then open, handed over, solved by nobody, too few; the better shown first."""
    files = _two_files(
        ["11", "000000", "11111", "1" * 9, "0" * 6, "110111", "0" * 12],
        ["11", "000000", "11111", "1" * 9, "111000", "111111", "1" * 12],
    )
    told = [(one.name[4], one.advice) for one in files]
    assert told == [
        ("3", PlaceAdvice.LOCAL),
        ("2", PlaceAdvice.LOCAL),
        ("5", PlaceAdvice.OPEN),
        ("6", PlaceAdvice.HAND_OVER),
        ("4", PlaceAdvice.HAND_OVER),
        ("1", PlaceAdvice.NEITHER),
        ("0", PlaceAdvice.TOO_FEW),
    ]


def test_what_was_lost_is_held_against_an_advice() -> None:
    """As against a claim: problems on which the infrastructure failed may be the hard ones."""
    assert _file("1" * 100, "1" * 100).sure
    file = _file("1" * 100 + "-" * 20, "1" * 120)
    assert (file.problems, file.advice, file.sure) == (100, PlaceAdvice.LOCAL, False)


def test_classes_have_borders_that_no_outcome_has_chosen() -> None:
    """Each number is in one; what is not known of a function is in none."""
    assert {by: classes_of(by) for by in By if by is not By.FILE} == {
        By.LENGTH: ["1 to 5", "6 to 15", "16 or more"],
        By.BRANCHES: ["0 to 1", "2 to 4", "5 or more"],
        By.CALLERS: ["0", "1 to 2", "3 or more"],
    }
    for by in (By.LENGTH, By.BRANCHES, By.CALLERS):
        found = [class_of(by, number) for number in range(40)]
        assert list(dict.fromkeys(found)) == classes_of(by)
    arm = [*_asked("koderz", "110", lines=3, callers=None), *_asked("koderz", "11", start=9, lines=40, branches=7)]
    places = places_of(arm, None, MARGIN)
    assert places is not None
    told = [(one.by, one.name, one.problems, one.advice) for one in places.classes]
    assert told == [
        (By.LENGTH, "1 to 5", 3, None),
        (By.LENGTH, "16 or more", 2, None),
        (By.BRANCHES, "0 to 1", 3, None),
        (By.BRANCHES, "5 or more", 2, None),
        (By.CALLERS, "1 to 2", 2, None),
    ]


def test_files_of_several_suites_are_kept_apart() -> None:
    """Two repositories may have the same one."""
    other = [replace(one, traits=replace(one.traits, dataset="other")) for one in _asked("koderz", "0" * 6, start=50)]
    places = places_of([*_asked("koderz", "1" * 6), *other], None, MARGIN)
    assert places is not None
    assert [one.name for one in places.files] == ["own/a.py", "other/a.py"]


def test_problems_that_stand_alone_have_no_place() -> None:
    assert places_of([ran(1), ran(2)], [ran(1, CONTROL)], MARGIN) is None


def test_gpus_are_counted_where_they_have_a_price() -> None:
    """Of the arm's tokens, which are free, nothing is paid; of an hour of its GPU half a dollar."""
    mine = [
        replace(ran(number, "koderz", price="0", gpu=36.0), traits=one.traits)
        for number, one in enumerate(_asked("koderz", "11111"))
    ]
    control = _asked(CONTROL, "11111", price="0.003")
    for rate, saved in ((None, "0.015"), (Decimal("0.5"), "-0.010")):
        places = places_of(mine, control, MARGIN, rate)
        assert places is not None
        assert places.files[0].saved == Decimal(saved)


def test_weak_tests_are_named_once_and_told_of_each_claim() -> None:
    """Whichever arms met them; those of which nothing is known are not counted."""
    shares = (0.9, 0.79, None, 0.55, 0.8)
    both = [
        one
        for arm in ("koderz", CONTROL)
        for number, share in enumerate(shares)
        for one in _asked(arm, "1", start=number, adequacy=share)
    ]
    assert weak_tests(both) == (WeakTests("Problem/3", "a.py", 0.55), WeakTests("Problem/1", "a.py", 0.79))
    found = findings_of(Frame("bench_1", ("koderz", CONTROL), CONTROL, MARGIN, None), both)
    assert found.comparisons[0].adequacy == Adequacy(4, (0.79 + 0.8) / 2, 0.55, 2)
    assert [one.adequacy for one in found.arms] == [found.comparisons[0].adequacy] * 2
    assert [one.arm for one in found.places] == ["koderz"]
