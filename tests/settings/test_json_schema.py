"""What editors are told of koderz.yaml is what its checks hold it to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from pytest_koderz.backends.backend import Registry
from pytest_koderz.commands.guide import chapter
from pytest_koderz.files.yaml_lines import parse_yaml
from pytest_koderz.session.providers import OurBackends
from pytest_koderz.settings import schema, shipped_path
from pytest_koderz.settings.json_schema import settings_schema
from tests.golden import check_golden
from tests.samples import GUIDE, ROOT, blocks
from tests.session.test_mistakes import MISTAKES

BACKENDS = Registry(OurBackends().pytest_koderz_backends())
MADE = settings_schema(chapter("settings"), BACKENDS)
VALIDATOR = jsonschema.Draft202012Validator(MADE)
SHIPPED = GUIDE / "koderz.schema.json"


CHECK = TypeAdapter(schema.FileEntry)


def plain_of(text: str) -> Any:
    """As JSON has it: YAML knows dates."""
    return json.loads(json.dumps(parse_yaml(Path("koderz.yaml"), text).plain, default=str))


def refused(text: str) -> str:
    """By the schema, why; empty: it is not."""
    error = jsonschema.exceptions.best_match(VALIDATOR.iter_errors(plain_of(text)))
    return "" if error is None else f"{error.json_path}: {error.message}"


def faulty(text: str) -> bool:
    """By the file's own check of its shape."""
    try:
        CHECK.validate_python(parse_yaml(Path("koderz.yaml"), text).plain)
    except ValidationError:
        return True
    return False


def test_the_shipped_schema_is_made_of_the_checks() -> None:
    """UPDATE_GOLDEN=1 writes it anew."""
    jsonschema.Draft202012Validator.check_schema(MADE)
    check_golden(SHIPPED, json.dumps(MADE, indent=1) + "\n")


def test_the_shipped_settings_and_every_sample_are_valid() -> None:
    """Dates too, which YAML reads as dates."""
    samples = [
        block.text for block in blocks("yaml") if {"profiles", "models", "arms"} & yaml.safe_load(block.text).keys()
    ]
    assert len(samples) > 5
    assert [refused(text) for text in (shipped_path("koderz.yaml").read_text(), *samples)] == [""] * (len(samples) + 1)


def test_each_key_is_explained() -> None:
    """In the guide's words."""
    entries = {**MADE["$defs"], "": MADE}
    keys = [(name, key, told) for name, entry in entries.items() for key, told in entry.get("properties", {}).items()]
    assert len(keys) > 50
    free = ("profiles", "arms", "models", "sandbox", "cortex", "input", "output", "price", "hours", "system", "text")
    lacking = [(name, key) for name, key, told in keys if "description" not in told and key not in free]
    assert [each for each in lacking if each[0] != "PromptsEntry"] == []


@pytest.mark.parametrize("name", [name for name in MISTAKES if name not in ("a YAML error", "a key twice", "a tab")])
def test_what_the_check_refuses_it_refuses(name: str) -> None:
    """And nothing else, but for a back end's options, which are looked at later."""
    text, _ = MISTAKES[name]
    assert bool(refused(text)) == (faulty(text) or name == "a misspelt option"), refused(text)


ENTRIES: dict[str, Any] = {
    "profiles": (schema.ProfileEntry, "{arms: [koderz], models: {local: smollm2}, %s}"),
    "arms": (schema.ArmEntry, "{local: local, %s}"),
    "models": (schema.ModelEntry, "{backend: ollama, model: m, %s}"),
    "prompts": (schema.PromptsEntry, "{%s}"),
    "prices": (schema.PriceEntry, "{input: 1, output: 1, as_of: 2026-11-22, source: me, %s}"),
}
VALUES = ("-1", "0", "1", "3.5", "[a, b]", "[1]", "{a: 1}", "some words", "")


def _with_any_value() -> Iterator[str]:
    """Each key of each entry with values of each kind."""
    for section, (entry, rest) in ENTRIES.items():
        for item in fields(entry):
            for value in _values(item):
                kept = ", ".join(part for part in rest[1:-1].split(", ") if not part.startswith(f"{item.name}:"))
                yield f"{section}: {{x: {{{kept.replace('%s', f'{item.name}: {value}')}}}}}"
    for item in fields(schema.FileEntry):
        yield from (f"{item.name}: {value}" for value in _values(item))


def _values(item: Field[Any]) -> Iterator[str]:
    """But for numbers that may stand for true and false, which editors need not offer."""
    return (value for value in VALUES if not ("bool" in str(item.type) and value in ("0", "1")))


def test_any_value_of_any_key_is_taken_by_both_or_by_neither() -> None:
    """But for options, which are looked at later, and days, which a number may tell."""
    apart = [text for text in _with_any_value() if VALIDATOR.is_valid(plain_of(text)) == faulty(text)]
    assert [text for text in apart if not re.search("options:|as_of:|cutoff:", text)] == []


def test_a_back_ends_options_are_those_that_it_knows() -> None:
    """Of their kind and in their range; a plugin's back end is free."""
    model = "models: {a: {backend: %s, model: m, options: {%s}}}"
    assert refused(model % ("simulated", "strength: 0.4")) == ""
    assert "strength" in refused(model % ("simulated", "strength: 4"))
    assert "strenth" in refused(model % ("simulated", "strenth: 0.4"))
    assert refused(model % ("openai", "chat_template_kwargs: {enable_thinking: false}")) == ""
    assert refused(model % ("theirs", "anything: 1")) == ""


def test_shipped_files_name_their_schema() -> None:
    """Where an editor that reads the modeline finds it."""
    files = [ROOT / "koderz.yaml", *(ROOT / "problems").glob("*.yaml")]
    for file in files:
        key, _, place = file.read_text().partition("\n")[0].partition("=")
        assert key == "# yaml-language-server: $schema"
        assert (file.parent / place).is_file()
