"""What the controller of pytest-xdist and its workers tell each other: plain values, at the start and at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

MISTAKE = "koderz_mistake"
"""What a worker refuses to run for, among what it tells at its end."""

LOST = "lost"
"""A file beside the journals, one byte longer for each worker that was lost: others go on with what it had begun."""


def told_by_controller(config: pytest.Config) -> Mapping[str, Any] | None:
    """In a worker what it must know of the benchmark; None: this process is no worker."""
    told: Mapping[str, Any] | None = getattr(config, "workerinput", {}).get("koderz")
    return told


def number_of_workers(config: pytest.Config) -> int:
    """0: this process runs the items itself, or is a worker."""
    if config.getoption("dist", default="no") == "no":
        return 0
    # Each of `--tx` is such as `popen` or `2*popen`.
    counts = [spec.partition("*")[0] for spec in config.getoption("tx", default=None) or ()]
    return config.getoption("numprocesses", default=None) or sum(int(n) if n.isdigit() else 1 for n in counts)


def tell_controller(config: pytest.Config, name: str, value: object) -> None:
    """In a worker: what the controller hears when it ends, unless it is lost before. *value* is plain."""
    config.workeroutput[name] = value  # type: ignore[attr-defined]  # xdist's


def told_by(node: Any, name: str) -> Any:
    """On the controller: what a worker that ended had to tell; None: nothing, or it was lost."""
    return getattr(node, "workeroutput", {}).get(name)
