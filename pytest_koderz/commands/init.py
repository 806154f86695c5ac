"""A first koderz.yaml and a first suite, for who begins."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from pytest_koderz.backends.found_servers import FoundModel

FRONTIER_KEY = "ANTHROPIC_API_KEY"
USUAL_WINDOW = 16384
"""Tokens, where a server does not say, or is asked for as many."""


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--koderz-init",
        action="store_true",
        help="Write a koderz.yaml for what is found here, and a first problem of your own, and exit.",
    )


def asked_for(config: pytest.Config) -> bool:
    return bool(config.getoption("koderz_init"))


def begin(config: pytest.Config) -> int:
    """--koderz-init: what is there already stays as it is. It needs no session and no settings."""
    from pytest_koderz.backends.found_servers import found_model
    from pytest_koderz.files.usage_error import UsageError
    from pytest_koderz.settings.precedence import environment_of

    from .accepted_options import check_options
    from .printing import print_lines

    check_options(config, "koderz-init")
    root = config.rootpath
    try:
        environment = environment_of(root, os.environ)
    except UsageError as fault:
        raise pytest.UsageError(str(fault)) from None
    files = {
        root / "koderz.yaml": lambda place: settings_text(place, found_model(environment), environment),
        root / "problems" / "first.yaml": suite_text,
    }
    try:
        lines = [_written(place, root, text(place)) for place, text in files.items()]
    except OSError as fault:
        raise pytest.UsageError(f"--koderz-init: {fault.filename or root}: {fault.strerror}") from None
    print_lines(config, [*lines, *_next_steps()])
    return int(pytest.ExitCode.OK)


def _written(place: Path, root: Path, text: str) -> str:
    name = place.relative_to(root)
    known = [place] if place.parent == root else sorted(place.parent.glob("*.y*ml"))
    there = next((each for each in known if each.exists()), None)
    try:
        if there is None:
            place.parent.mkdir(exist_ok=True)
            with place.open("x", encoding="utf-8") as file:
                file.write(text)
            return f"{name}: written"
    except FileExistsError:
        there = place
    return f"{there.relative_to(root)}: is there already, and left as it is"


def _next_steps() -> Iterator[str]:
    yield "pytest --koderz --koderz-profile simulated   tries it with models that are made up"
    yield "pytest --koderz-doctor                       says whether its own profile can run here"
    yield "pytest --koderz-quote                        says what that costs"


def settings_text(place: Path, found: FoundModel | None, environment: Mapping[str, str]) -> str:
    """A koderz.yaml with the profile that fits what was found."""
    frontier = bool(environment.get(FRONTIER_KEY))
    here = [f"{found.place} with {found.model}"] if found else []
    here += [f"{FRONTIER_KEY}, for specs and reviews"] if frontier else []
    profile = "\n".join(_profile(found, frontier=frontier))
    return _SETTINGS.format(
        schema=_schema(place, "koderz"),
        found="; ".join(here) or "neither a model server nor a key, so the small model that is shipped runs",
        name="mine" if profile else "embedded",
        profile=profile or _EXAMPLE,
    )


def _profile(found: FoundModel | None, *, frontier: bool) -> Iterator[str]:
    """Its lines; none where the shipped one is all that could run."""
    if found is None and not frontier:
        return
    local = "my-local" if found else "claude-haiku"
    spec, review = ("claude-opus", "claude-sonnet") if frontier else (local, local)
    more = ", frontier: claude-opus" if frontier else ""
    yield "profiles:"
    yield "  mine:"
    control = "frontier-only" if frontier else "local-only"
    yield f"    arms: [koderz, {control}]   # what runs; the first is the one in question"
    yield f"    models: {{spec: {spec}, local: {local}, checkpoint: {review}{more}}}"
    yield "    max_iterations: 10                # rounds; 50 where it is not said"
    if frontier:
        yield "    max_cost: 5                       # US dollars that a run may spend"
    else:
        yield "    control_model: claude-opus-5-5    # at whose price a frontier model is estimated, which does not run"
    yield "    # problems: 0-9                   # a part of them; all that problems/ holds where it is not said"
    if found:
        hosts = f"hosts: {json.dumps(found.hosts)}, " if found.hosts else ""
        name = json.dumps(found.model, ensure_ascii=False)
        yield "models:"
        window = f"context_tokens: {found.context_tokens or USUAL_WINDOW}"
        yield "  # A small model may fill a reply to its end, 4096 tokens: `max_tokens: 1024` among these cuts it."
        yield f"  my-local: {{backend: {found.backend}, model: {name}, {hosts}temperature: 0.2, {window}}}"


def _schema(place: Path, name: str) -> str:
    """Where the shipped schema lies, from the file's folder where it is beneath that."""
    path = Path(__file__).parents[1] / "guide" / f"{name}.schema.json"
    inside = path.is_relative_to(place.parent.resolve())
    return (path.relative_to(place.parent.resolve()) if inside else path).as_posix()


def suite_text(place: Path) -> str:
    """A suite with one problem, which a model solves or does not."""
    return _SUITE.format(schema=_schema(place, "suite"))


_SETTINGS = """\
# yaml-language-server: $schema={schema}
# Settings of pytest --koderz, over the shipped ones: what is not said here is as shipped. Every key is explained by
# `pytest --koderz-guide settings`. Keys and addresses of servers come from the environment or from a file .env beside
# this one, and never stand here.
# Found here: {found}.

profile: {name}    # which profile runs without --koderz-profile; `simulated` tries things out, and spends nothing

# A profile fills the slots that arms name (spec, local, checkpoint, frontier) with models.
{profile}

# An arm is a way to work: which model writes, who supervises. Those that are shipped: `pytest --koderz-guide arms`.
# arms:
#   no-supervision: {{local: local, max_iterations: 20}}

# US dollars per million tokens, where the package genai-prices does not know them.
# prices:
#   my-model: {{input: 0.50, output: 1.50, as_of: 2026-11-22, source: https://example.org/prices}}
#   my-own-server: free
"""

_EXAMPLE = """\
# profiles:
#   mine:
#     arms: [koderz, frontier-only]
#     models: {spec: claude-opus, local: my-local, checkpoint: claude-sonnet, frontier: claude-opus}
# models:
#   my-local: {backend: ollama, model: "qwen2.5-coder:7b", temperature: 0.2, context_tokens: 16384}"""

_SUITE = """\
# yaml-language-server: $schema={schema}
# Problems of your own: change this one, add others. `pytest --koderz-guide problems` tells of published sets, such as
# a file with the one line `dataset: humaneval` beside this one.
problems:
  - id: mine/merge_ranges              # as its item is called; no spaces and no square brackets
    entry_point: merge_ranges          # the function that is asked for
    prompt: |                          # what models are sent; they see the examples
      def merge_ranges(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
          \"\"\"Return the ranges (first, last) in order, those that overlap or touch made one.

          >>> merge_ranges([(5, 7), (1, 3), (2, 4)])
          [(1, 7)]
          >>> merge_ranges([(1, 2), (4, 5)])
          [(1, 2), (4, 5)]
          \"\"\"
    tests: |                           # what decides; no model is sent it, but for what its feedback tells of a failure
      assert merge_ranges([(5, 7), (1, 3), (2, 4)]) == [(1, 7)]
      assert merge_ranges([(1, 2), (4, 5)]) == [(1, 2), (4, 5)]
      assert merge_ranges([]) == []
      assert merge_ranges([(1, 9), (2, 3)]) == [(1, 9)]
      assert merge_ranges([(3, 3), (4, 4), (6, 6)]) == [(3, 4), (6, 6)]
    canonical_solution: |              # tried before anything is paid; simulated models know no other answer
      def merge_ranges(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
          merged: list[tuple[int, int]] = []
          for first, last in sorted(ranges):
              if merged and first <= merged[-1][1] + 1:
                  merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
              else:
                  merged.append((first, last))
          return merged
"""
