"""Markdown in which nothing that a model wrote is markup."""

from __future__ import annotations

from dataclasses import replace

from pytest_koderz.core.experiment import Status
from pytest_koderz.reporters.markdown import CUT, cut, fenced, inline, section, table
from pytest_koderz.reporters.run_markdown import LONGEST, ROWS, markdown_of

from .test_summary import FRAME, SITUATIONS, _experiment


def test_text_stays_text() -> None:
    """No element, link, image, mention, formula, emoji, address or break of a table or line."""
    hostile = "<script>x</script> ![a](http://b) @all `c` a|b\n# d $x$ :bug: www.e.org \x1b[31m __f__ &lt;"
    shown = inline(hostile)
    assert not set(shown.replace("&#", "").replace("\\x1b", "")) & set("<>`*_[]@|~$\n\x1b")
    assert "http&#58;//b" in shown
    assert "www&#46;e" in shown
    assert "&#38;lt;" in shown


def test_a_fence_is_longer_than_what_it_holds() -> None:
    """Or the text could close it."""
    assert fenced(["a ````", "b"]).splitlines() == ["`````text", "a ````", "b", "`````"]


def test_a_table_keeps_its_columns() -> None:
    """Whatever stands in a cell."""
    lines = table(("a", "b"), [("1|2", "3")]).splitlines()
    assert lines == ["| a | b |", "| --- | --- |", "| 1&#124;2 | 3 |"]


def test_too_much_is_cut_where_a_line_ends() -> None:
    """With the fence closed, within the limit of bytes; what fits stays as it is."""
    text = section("a", ["é" * 50] * 100)
    assert cut(text) == text
    short = cut(text, 2000)
    assert len(short.encode()) <= 2000
    assert short.endswith(f"{'é' * 50}\n```\n{CUT}")
    assert cut(text, 90) == ""


def test_a_run_on_a_repository_ranks_its_files() -> None:
    """Beneath the arms, a row each, and what is simulated says so; a part of a run advises nothing."""
    frame, experiments = SITUATIONS["places"]()
    text = markdown_of(replace(frame, simulated=True), experiments)
    assert "\nSIMULATED by file in src/shop/: koderz against frontier-only; sure: for all files at once\n" in text
    assert "\n| hand over (frontier-only), sure | orders.py | 14 | 14 % | 93 % | -79 &#91;-92, -40&#93; |" in text
    assert "| orders.py |" not in markdown_of(replace(frame, shard=True), experiments)


def test_a_run_tells_its_verdict_arms_and_what_was_not_solved() -> None:
    """So many rows; the rest is counted, and reasons are cut."""
    solved = [_experiment(f"HumanEval/{number}", "frontier-only", Status.SOLVED, 1) for number in range(ROWS + 7)]
    invalid = [_experiment(f"HumanEval/{number}", "koderz", Status.INVALID, 0) for number in range(ROWS + 7)]
    text = markdown_of(FRAME, [*invalid, *solved], ["gate min-solved of koderz: DOES NOT HOLD"])
    assert text.startswith("## koderz bench&#95;1a2b3c4d\n")
    assert "| frontier-only | 207/207 |" in text
    assert "gate min-solved of koderz: DOES NOT HOLD" in text
    assert "Not solved: 207" in text
    assert text.count("| invalid |") == ROWS
    assert "7 more experiments" in text
    assert max(map(len, text.splitlines())) < LONGEST + 100
