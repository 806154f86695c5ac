"""The page in a real browser: its stories are told, nothing complains, and everybody can read it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.reporters.page import html_of
from pytest_koderz.testing import ScriptedModel
from tests.core.worlds import ADD, KODERZ, LOCAL_ONLY, RIGHT, run, wrong

from .test_page import HOSTILE
from .test_summary import FRAME, SITUATIONS

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FOLDERS = (each / "node_modules/axe-core/axe.min.js" for each in (Path.cwd(), *Path.cwd().parents))
AXE = next((path for path in FOLDERS if path.is_file()), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to show the page in"),
]
with_axe = pytest.mark.skipif(AXE is None, reason="there is no axe-core: npm install axe-core here or further up")


def _experiments() -> tuple[Experiment, Experiment]:
    """One that was solved, and another arm's, which wrote what might run."""
    solved = run(local=ScriptedModel([wrong(1), "no code", wrong(2), RIGHT]))
    failed = run(LOCAL_ONLY, local=ScriptedModel([wrong(number) for number in range(3)]))
    iterations = tuple(replace(each, candidates=(Candidate(f"# {HOSTILE}"),)) for each in failed.iterations)
    hostile = replace(failed, id="exp_0badc0de", iterations=iterations, status=Status.UNSOLVED)
    return replace(solved, prompt_version="1"), hostile


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    frame = replace(FRAME, arms=("koderz", "local-only"), definitions=(KODERZ, LOCAL_ONLY))
    path.write_text(html_of(frame, {"profile": "a test"}, _experiments(), {ADD.id: ADD}))
    return path


def shown(page: Path, address: str = "", *options: str) -> str:
    """The document as it stands when the page's program has done its work, without the data. It has not complained."""
    how = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--enable-logging=stderr"]
    command = [str(CHROMIUM), *how, *options, "--dump-dom", f"{page.as_uri()}#{address}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    return re.sub(r"<(script|style)[^>]*>.*?</\1>", "", done.stdout, flags=re.DOTALL)


def _words(document: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", document))


def test_an_address_opens_a_story(page: Path) -> None:
    """With its problem, its candidates and what came of them."""
    words = _words(shown(page, "exp_1a2b3c4d").partition('<article id="story"')[2])
    assert ADD.prompt.splitlines()[0] in words
    assert "iteration 4: passed" in words
    assert "return x + y" in words
    assert "words for checkpoint" not in words  # folded: it is told when it is opened


def _rows(document: str) -> list[str]:
    """Of the table of problems, as they are seen; a file's with a mark."""
    found = re.findall(r"<tr([^>]*)><th[^>]*>([^<]*)", document.partition('<div id="rows"')[2])
    return [
        ("# " if 'class="file"' in marks else "") + words.strip() for marks, words in found[1:] if "hidden" not in marks
    ]


def test_problems_stand_beneath_their_files(tmp_path: Path) -> None:
    """A file can be picked, and is found by what it is called; sorted by another column files are gone."""
    page = tmp_path / "page.html"
    page.write_text(html_of(SITUATIONS["places"]()[0], {}, SITUATIONS["places"]()[1]))
    rows = _rows(shown(page))
    assert rows[:2] == ["# src/shop/prices.py", "shop.prices:f0"]
    assert sum(row.startswith("# ") for row in rows) == 8
    two = ["# src/shop/store/files.py", "shop.store.files:f0", "shop.store.files:f1"]
    assert _rows(shown(page, "file=src/shop/store/files.py")) == two
    assert _rows(shown(page, "q=store/files")) == two
    assert _rows(shown(page, "show=disagree&file=src/shop/dates.py"))[0] == "# src/shop/dates.py"
    dearest = _rows(shown(page, "sort=3&down=1"))
    assert len(dearest) == 75
    assert not any(row.startswith("# ") for row in dearest)


def test_two_arms_stand_side_by_side(page: Path) -> None:
    """What one of them wrote is text, whatever it looks like."""
    document = shown(page, "exp_1a2b3c4d+exp_0badc0de").partition('<article id="story"')[2]
    assert 'class="columns two"' in document
    assert HOSTILE in _words(document)
    assert "<img" not in document


@pytest.mark.parametrize(("address", "rows"), [("", 1), ("show=unsolved", 1), ("q=nowhere", 0), ("show=invalid", 0)])
def test_an_address_picks_rows(page: Path, address: str, rows: int) -> None:
    """Where it picks none there is a way back."""
    document = shown(page, address)
    body = re.search(r'<div id="rows".*?<tbody>(.*?)</tbody>', document, re.DOTALL)
    assert body is not None
    assert len(re.findall(r"<tr(?![^>]* hidden)", body[1])) == rows
    assert ('<a href="#">show all</a>' in document) == (rows == 0)


@pytest.mark.parametrize(("address", "is_shown"), [("", False), ("show=unsolved", True), ("q=add", True)])
def test_an_address_of_the_table_shows_the_table(page: Path, address: str, is_shown: bool) -> None:
    """Not the verdict above it, which whoever sent the address did not mean."""
    asked = "setTimeout(() => document.title = String(scrollY > 200), 500)"
    source = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text())
    page.write_text(source.replace("</body>", f"<script>onload = () => {asked}</script></body>"))
    assert f"<title>{str(is_shown).lower()}</title>" in shown(page, address, "--window-size=800,300")


@with_axe
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("address", ["", "exp_1a2b3c4d", "exp_1a2b3c4d+exp_0badc0de"])
def test_everybody_can_read_it(page: Path, address: str, colours: str) -> None:
    """axe-core finds nothing serious."""
    assert AXE is not None
    told = "(found) => document.title = JSON.stringify(found.violations)"
    asked = f"axe.run(document, {{resultTypes: ['violations']}}).then({told})"
    program = f"<script>{AXE.read_text()}</script><script>onload = () => setTimeout(() => {asked}, 2000)</script>"
    source = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text()).replace("</body>", f"{program}</body>")
    page.write_text(source)
    dark = ["--blink-settings=preferredColorScheme=0"] if colours == "dark" else []
    title = re.search(r"<title>(.*?)</title>", shown(page, address, *dark), re.DOTALL)
    assert title is not None
    violations = json.loads(unescape(title[1]))
    assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []
