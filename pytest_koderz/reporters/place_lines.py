"""Which files may be left to an arm, what its functions are like, and which tests are weak, for people."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_koderz.core.function_traits import WEAK
from pytest_koderz.evidence.adequacy import Adequacy, WeakTests
from pytest_koderz.evidence.findings import Findings, Frame
from pytest_koderz.evidence.places import LEAST, By, Place, PlaceAdvice, Places

from .arm_row import percents
from .fixed_width import Table
from .text import counted, dollars, limits, percent, telling

MOST_FILES = 10
MOST_NAMES = 5
"""Of what the short form tells; the rest is counted."""
MOST_WEAK = 50
"""Of all that the whole one tells."""
UNITS = {By.LENGTH: "lines", By.BRANCHES: "branches", By.CALLERS: "callers"}


def place_lines(frame: Frame, findings: Findings, columns: int, *, whole: bool = False) -> Iterator[str]:
    """Those of the first arm, in the short form; of a part of a run nothing is advised."""
    if not frame.shard:
        for places in findings.places[: None if whole else 1]:
            yield from _of_arm(places, columns, whole=whole)
    if findings.weak:
        words = f"weak tests (they refuse less than {percent(WEAK)} of wrong versions)"
        yield f"{words}: {named(weak_words(findings.weak), MOST_WEAK if whole else MOST_NAMES)}"


def _of_arm(places: Places, columns: int, *, whole: bool) -> Iterator[str]:
    folder = folder_of(places)
    files = [one for one in places.files if one.advice is not PlaceAdvice.TOO_FEW]
    shown = files if whole else files[:MOST_FILES]
    rows = {one: (f"    {name}", *figures) for one, (_, name, *figures) in file_rows(places) if one in shown}
    kinds = {one: (f"    {one.name}", *cells(one)) for one in places.classes} if whole else {}
    head = ("", *heads(places))
    table = Table("<0" + " >5" * (len(head) - 1), [head, *rows.values(), *kinds.values()], columns)
    yield heading(places, folder)
    yield from table.head_lines()
    for words, group in groupby(shown, lambda one: advice_words(one, places)):
        yield f"  {words}"
        for one in group:
            yield from table.lines(rows[one])
    if len(files) > len(shown):
        yield f"  and {len(files) - len(shown)} more (-v)"
    few = [
        f"{one.name.removeprefix(folder)} {one.problems}" for one in places.files if one.advice is PlaceAdvice.TOO_FEW
    ]
    if few:
        yield f"  too few tasks to say (below {LEAST}): {named(few, MOST_WEAK if whole else MOST_NAMES)}"
    for by, alike in groupby(kinds, lambda one: one.by):
        yield f"  by {UNITS[by]} (no claim rests on it)"
        for one in alike:
            yield from table.lines(kinds[one])


def changed_file_lines(places: Places, columns: int, *, whole: bool = False) -> Iterator[str]:
    """Of two runs of one repository the files on which they differ, those first that lost most."""
    folder = folder_of(places)
    changed = sorted((one for one in places.files if one.difference), key=lambda one: one.difference or 0)
    shown = changed if whole else changed[:MOST_FILES]
    rows = [(f"    {one.name.removeprefix(folder)}", *cells(one)) for one in shown]
    table = Table("<0 >5 >5 >6 >5 >5 >5", [("", "tasks", "after", "before", *heads(places)[3:]), *rows], columns)
    where = f" in {folder}" if folder else ""
    yield f"  by file{where}: {len(changed)} of {counted(len(places.files), 'file')} changed{':' if changed else ''}"
    yield from table.all_lines(rows) if rows else ()
    if len(changed) > len(shown):
        yield f"    and {len(changed) - len(shown)} more (-v)"


def file_rows(places: Places) -> Iterator[tuple[Place, tuple[str, ...]]]:
    """Its files as they are ranked, each with cells: advice, file, and `cells`."""
    folder = folder_of(places)
    for one in places.files:
        yield one, (advice_words(one, places), one.name.removeprefix(folder), *cells(one))


def class_rows(places: Places) -> Iterator[tuple[str, ...]]:
    """`6 to 15 lines`, and `cells`."""
    yield from ((f"{one.name} {UNITS[one.by]}", *cells(one)) for one in places.classes)


@dataclass(frozen=True, slots=True)
class Tables:
    """What a page shows of one arm."""

    words: str
    heads: tuple[str, ...]
    files: tuple[tuple[Place, tuple[str, ...]], ...]
    classes: tuple[tuple[str, ...], ...]


def tables_of(places: Places) -> Tables:
    words = heading(places, folder_of(places))
    return Tables(words, heads(places), tuple(file_rows(places)), tuple(class_rows(places)))


def advice_by_file(found: Iterable[Places]) -> dict[str, str]:
    return {one.name: advice_words(one, places) for places in found for one in places.files}


def heading(places: Places, folder: str) -> str:
    """Which arm, against what, and how sure that is."""
    where = f"by file in {folder}" if folder else "by file"
    if places.control is None:
        return f"{where}: {places.arm}, by whether it solves more than half, since no control ran"
    free = "; GPU not counted" if all(one.dollars == 0 for one in places.files) else ""
    return f"{where}: {places.arm} against {places.control}; sure: for all files at once{free}"


def heads(places: Places) -> tuple[str, ...]:
    """Of `cells`."""
    if places.control is None:
        return ("tasks", "solved", "95 %", "cost", "tests")
    return ("tasks", "solved", "control", "points", "saved", "tests")


def cells(one: Place) -> tuple[str, ...]:
    """`12`, `75 %`, `92 %`, `-17 [-44, +12]`, `$0.0311`, `90/67 %`: the tests' adequacy, the median and the lowest."""
    solved, tests = percent(one.solved), adequacy_cell(one.adequacy)
    rival, difference = one.rival, one.difference
    if rival is None or difference is None:
        return (str(one.problems), solved, percents(one.solved_interval), dollars(one.dollars), tests)
    points = f"{telling(difference * 100)} {limits(rival.interval.low * 100, rival.interval.high * 100)}"
    return (str(one.problems), solved, percent(rival.solved), points, dollars(one.saved), tests)


def advice_words(one: Place, places: Places) -> str:
    """`leave to the local model (koderz), not sure`."""
    sure = "sure" if one.sure else "not sure"
    match one.advice:
        case PlaceAdvice.LOCAL:
            return f"leave to the local model ({places.arm}), {sure}"
        case PlaceAdvice.HAND_OVER:
            return f"hand over{f' ({places.control})' if places.control else ''}, {sure}"
        case PlaceAdvice.OPEN:
            return "too close to say: one or two tasks apart" if places.control else "too close to say: about half"
        case PlaceAdvice.NEITHER:
            return "nobody solved any"
    return "too few tasks to say"


def folder_of(places: Places) -> str:
    """That all files have in common, with its slash; empty where there is none."""
    folder = posixpath.commonpath([posixpath.dirname(one.name) for one in places.files])
    return f"{folder}/" if folder else ""


def adequacy_words(adequacy: Adequacy) -> str:
    """`tests refuse 90 % of wrong versions (median; the weakest 55 %)`."""
    return f"tests refuse {percent(adequacy.median)} of wrong versions (median; the weakest {percent(adequacy.lowest)})"


def adequacy_cell(adequacy: Adequacy | None) -> str:
    return "-" if adequacy is None else f"{adequacy.median * 100:.0f}/{percent(adequacy.lowest)}"


def weak_words(weak: Iterable[WeakTests]) -> list[str]:
    """`package.module:function 55 %`."""
    return [f"{one.problem_id} {percent(one.adequacy)}" for one in weak]


def named(names: Sequence[str], most: int) -> str:
    """`a, b and 3 more`."""
    shown = names[:most]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"{', '.join(shown)}{more}"
