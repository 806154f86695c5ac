"""What editors are told of a suite is what its checks hold it to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from pytest_koderz.datasets.suite_schema import suite_schema
from pytest_koderz.files.yaml_lines import parse_yaml
from tests.datasets.test_suite import FAULTS, ONE
from tests.golden import check_golden
from tests.samples import GUIDE, ROOT, blocks

MADE = suite_schema()
SHIPPED = GUIDE / "suite.schema.json"
SHAPE = re.compile(r"unknown key|must be|is empty|is given$|missing, as|no dataset named|an id has|is for a dataset")
"""Of messages that speak of keys and kinds, and not of what stands in a text or beside it."""


def is_valid(text: str) -> bool:
    return jsonschema.Draft202012Validator(MADE).is_valid(parse_yaml(Path("suite.yaml"), text).plain)


def test_the_shipped_schema_is_made_of_the_checks() -> None:
    """UPDATE_GOLDEN=1 writes it anew."""
    jsonschema.Draft202012Validator.check_schema(MADE)
    check_golden(SHIPPED, json.dumps(MADE, indent=1) + "\n")


def test_shipped_suites_and_every_sample_are_valid() -> None:
    """Of the README and the guide."""
    samples = [block.text for block in blocks("yaml")]
    suites = [text for text in samples if {"dataset", "problems"} & yaml.safe_load(text).keys()]
    assert len(suites) > 2
    assert all(map(is_valid, [ONE, *suites, *(path.read_text() for path in (ROOT / "problems").glob("*.yaml"))]))


@pytest.mark.parametrize("text", [text for text, words in FAULTS.items() if SHAPE.search(words)])
def test_what_the_check_refuses_it_refuses(text: str) -> None:
    """As far as it is a matter of shape."""
    assert not is_valid(text)
