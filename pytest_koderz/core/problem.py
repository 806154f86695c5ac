"""What is to be solved."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from .function_traits import FunctionTraits
from .money import SPARSE
from .place import FunctionPlace

TestSet = Literal["base", "visible", "plus"]
GradingSet = Literal["base", "plus"]
Acceptance = Literal["base", "visible", "none"]
"""Which tests may end a loop: those that grade, the examples that the prompt shows, or none (any code is taken)."""
Isolation = Literal["process-separated", "in-process"]


@dataclass(frozen=True, slots=True)
class Traits:
    """What the figures of experiments must know of their problem, and nothing that a model could learn from."""

    dataset: str = ""
    published: date | None = None
    """When anyone could read it, and train on it. None: not known."""
    categories: tuple[str, ...] = ()
    """As its publisher sorts it, such as the libraries that it is about."""
    solution_length: int = 0
    """Characters of the published solution without the prompt; 0: there is none."""
    function: FunctionTraits | None = field(default=None, metadata=SPARSE)
    """Of a repository. None: it stands alone."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A task with the tests that grade it.

    `tests`, `visible` and `plus` are Python sources. Unless `isolation` is "in-process" each defines
    `check(candidate)`, which raises AssertionError for a wrong answer; it may also call the entry point by its name.
    """

    __test__ = False

    id: str
    """As its publisher writes it, such as `HumanEval/0`; unique within a suite."""
    prompt: str
    """What a model is shown: a function's head and docstring, or a text."""
    entry_point: str
    """The name of the function that the tests call."""
    tests: str
    preamble: str = ""
    """Imports and helper functions of the prompt, in scope for the candidate and, from here, for the tests."""
    visible: str | None = None
    """The docstring's examples as tests, which a model may be told of. None: the prompt shows none that can be run."""
    plus: str | None = None
    """The base tests and more of the same kind, kept apart for grading. None: the dataset has none."""
    canonical_solution: str | None = None
    """A whole program that passes, imports and helpers included. None: not published."""
    dataset: str = ""
    isolation: Isolation = "process-separated"
    requires: tuple[str, ...] = ()
    """Modules outside the standard library that the tests or solutions import, such as `numpy`."""
    place: FunctionPlace | None = None
    """Where in a repository it stands whose own tests grade it: `tests` are their node ids. None: it stands alone."""
    function: FunctionTraits | None = None
    """What it is like there."""

    categories: tuple[str, ...] = ()
    """As its publisher sorts it; a problem may be in several."""
    published: date | None = None
    """When it came out. None: not known."""

    @property
    def traits(self) -> Traits:
        solution = (self.canonical_solution or "").removeprefix(self.prompt)
        return Traits(self.dataset, self.published, self.categories, len(solution.strip()), self.function)

    def source_of(self, tests: TestSet) -> str | None:
        """The source of one set of tests; None where the problem has no such set."""
        return {"base": self.tests, "visible": self.visible, "plus": self.plus}[tests]
