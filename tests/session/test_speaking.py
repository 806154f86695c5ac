"""What is said on a terminal fits it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_koderz.session.speaking import folded
from pytest_koderz.session.terminal import complaint_lines

PATH = "/a/path/that/is/far/too/long/for/a/narrow/terminal"
LINE = f"  warning: the journal of a run lies in {PATH}, beside many others"


def _config(columns: int, *, isatty: bool) -> Any:
    reporter = SimpleNamespace(isatty=isatty, _tw=SimpleNamespace(fullwidth=columns))
    return SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda _: reporter), stash=pytest.Stash())


def test_a_line_is_folded_on_a_terminal() -> None:
    """Between words: what is to be copied stays whole."""
    lines = folded(_config(40, isatty=True), LINE)
    assert lines == [
        "  warning: the journal of a run lies in",
        f"      {PATH},",
        "      beside many others",
    ]
    assert folded(_config(200, isatty=True), LINE) == [LINE]
    assert folded(_config(40, isatty=True), "") == [""]


def test_a_line_stays_whole_where_nobody_looks_at_a_terminal() -> None:
    """It can be searched for; but for what would act on a terminal later."""
    assert folded(_config(40, isatty=False), f"{LINE}\x1b") == [f"{LINE}\\x1b"]


def test_warnings_that_differ_in_figures_are_told_once() -> None:
    """With how often; those of another problem, server or model are others."""
    read = "m: the server read {} tokens of a prompt of {} characters, so it cut a part off"
    complaints = {
        read.format(100, 613): 1,
        read.format("1,100", 7740): 2,
        "HumanEval/3 cannot be judged here": 1,
        "HumanEval/4 cannot be judged here": 3,
        "http://gpu1:8000: no answer": 1,
        "http://gpu2:8000: no answer": 1,
    }
    assert list(complaint_lines(complaints)) == [
        f"warning: {read.format(100, 613)} (3 times, with other figures)",
        "warning: HumanEval/3 cannot be judged here",
        "warning: HumanEval/4 cannot be judged here (3 times)",
        "warning: http://gpu1:8000: no answer",
        "warning: http://gpu2:8000: no answer",
    ]
