"""What the README shows is what happens; `tests/test_guide.py` runs its samples with those of the guide."""

from __future__ import annotations

import os
import re

import pytest
import yaml

from pytest_koderz.settings import shipped_path
from tests.samples import BLOCKS, README, masked, run_pytest

TEXT = README.read_text()


def test_it_is_read_in_two_minutes() -> None:
    """At most 200 lines; the rest is the guide's."""
    assert len(TEXT.splitlines()) <= 200


def test_it_begins_with_the_two_commands() -> None:
    """The check of a clean clone takes them from here, by their order: the main job, and the tests."""
    main, tests = [block.text for block in BLOCKS[README] if block.kind == "bash"][:2]
    assert "pip install -q -e . &&" in main
    assert main.endswith("pytest --koderz\n")
    assert "pip install -q -e '.[test]' &&" in tests


def test_the_output_is_that_of_a_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Line by line. UPDATE_GOLDEN=1 writes the block anew."""
    (block,) = (block for block in BLOCKS[README] if block.note.startswith("output: "))
    folder = tmp_path_factory.mktemp("readme")
    printed = run_pytest(folder, block.arguments("output: ") or [], "-p no:cacheprovider").stdout
    if os.environ.get("UPDATE_GOLDEN"):
        own = ("rootdir", "plugins", "configfile", "platform", "koderz: SIMULATED sandbox")
        lines = [line for line in printed.splitlines() if not line.startswith(own)]
        README.write_text(TEXT.replace(block.text, "\n".join(lines).strip() + "\n"))
        return
    assert masked(printed) == masked(block.text)


def test_it_names_the_shipped_arms() -> None:
    """All of them, in its table."""
    shipped = yaml.safe_load(shipped_path("koderz.yaml").read_text())
    named = set(re.findall(r"^\| `([a-z-]+)`", TEXT, re.MULTILINE))
    assert named == set(shipped["arms"])


def test_its_picture_is_small() -> None:
    """It is fetched by everyone who clones."""
    (picture,) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", TEXT)
    assert (README.parent / picture).stat().st_size < 150_000
