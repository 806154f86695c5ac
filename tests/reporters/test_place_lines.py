"""A repository's files in the summary: short where there are many, and nothing of a part of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.reporters.fixed_width import width_of
from pytest_koderz.reporters.summary import summary_lines

from .test_summary import SITUATIONS


def _many(folder: Callable[[int], str] = lambda number: f"src/part{number}") -> tuple[Frame, list[Experiment]]:
    """A dozen files of six tasks, and seven of two, each with weak tests."""
    frame, experiments = SITUATIONS["places"]()
    pair = [one for one in experiments if one.problem_id == "shop.text:f0"]
    found = []
    for number in range(19):
        for task in range(6 if number < 12 else 2):
            for one in pair:
                assert one.traits.function is not None
                function = replace(one.traits.function, file=f"{folder(number)}/module.py", adequacy=0.6)
                traits = replace(one.traits, function=function)
                found.append(replace(one, problem_id=f"part{number}.module:f{task}", traits=traits))
    return frame, found


def test_the_short_form_counts_the_rest() -> None:
    """Ten files, five of those with too few tasks, five weak tests; the whole form has all, weak tests up to fifty."""
    short, whole = (summary_lines(*_many(), columns=100, whole=whole) for whole in (False, True))
    assert sum("/module.py   " in line for line in short) == 10
    assert "  and 2 more (-v)" in short
    assert " ".join(short).count("/module.py 2") == 5
    assert " and 2 more" in " ".join(short)
    assert " and 81 more" in " ".join(" ".join(short).split())
    assert sum("/module.py   " in line for line in whole) == 12
    assert " ".join(whole).count("/module.py 2") == 7
    assert " and 36 more" in " ".join(" ".join(whole).split())


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_long_and_wide_names_fit(columns: int) -> None:
    """Files are told apart, or stand in lines of their own."""
    lines = summary_lines(*_many(lambda number: f"src/{'部品' * 20}/{number}"), columns=columns, whole=True)
    assert max(map(width_of, lines)) <= columns


def test_a_part_of_a_run_advises_nothing() -> None:
    """That its tests are weak it may say."""
    frame, experiments = SITUATIONS["places"]()
    lines = summary_lines(replace(frame, shard=True), experiments)
    assert not any("by file" in line or "leave to" in line for line in lines)
    assert any(line.startswith("weak tests ") for line in lines)


def test_a_free_arm_is_told_without_its_gpu() -> None:
    """As its savings are."""
    frame, experiments = SITUATIONS["places"]()
    free = [
        replace(one, spec=None, ledger=replace(one.ledger, spendings=one.ledger.spendings[:1]))
        if one.arm == "koderz"
        else one
        for one in experiments
    ]
    head = "by file in src/shop/: koderz against frontier-only; sure: for all files at once"
    assert f"{head}; GPU not counted" in summary_lines(frame, free, columns=100)
    assert head in summary_lines(replace(frame, local_rate=Decimal("0.60")), free, columns=100)


def test_several_arms_are_told_in_the_whole_form() -> None:
    """Each has its list; the short form has the first one's."""
    frame, experiments = SITUATIONS["places"]()
    second = [replace(one, arm="second") for one in experiments if one.arm == "koderz"]
    frame = replace(frame, arms=("koderz", "second", "frontier-only"))
    for whole, arms in ((False, ["koderz"]), (True, ["koderz", "second"])):
        lines = summary_lines(frame, [*experiments, *second], columns=100, whole=whole)
        heads = [line for line in lines if line.startswith("by file")]
        assert [line.split(": ")[1].split()[0] for line in heads] == arms
