"""Problems from published datasets, users' JSONL files and suites."""

from __future__ import annotations

from pytest_koderz.files.yaml_lines import Located, read_yaml

from .catalogue import load
from .selection import select
from .suite import load_suite, read_suite

__all__ = ["Located", "load", "load_suite", "read_suite", "read_yaml", "select"]
