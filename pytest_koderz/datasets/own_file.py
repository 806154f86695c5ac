"""A user's own JSONL file, each row in the columns of HumanEval, HumanEvalPack or MultiPL-E."""

from __future__ import annotations

from pathlib import Path

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.jsonl import Row, read_rows

from .dataset import Dataset
from .distinct_rows import distinct
from .humaneval import problem_of
from .multipl_e import COLUMNS, multipl_e_problem


def read_jsonl(path: Path) -> tuple[Problem, ...]:
    """The problems of a file, of which each row tells its format."""
    return distinct(read_rows(path), lambda row: _problem(row, path.stem))


def _problem(row: Row, dataset: str) -> Problem:
    is_multipl_e = row.fields.keys() >= COLUMNS and "task_id" not in row.fields
    return multipl_e_problem(row, dataset) if is_multipl_e else problem_of(row, dataset)


JSONL = Dataset("jsonl", read_jsonl, home=None, suffixes=(".jsonl",))
