"""The head: what a journal and the results say of how they came about."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from pytest_koderz.core.prompts import PROMPT_VERSION
from pytest_koderz.settings import Settings


def head_of(settings: Settings, benchmark_id: str) -> dict[str, Any]:
    """What a journal and the results say of how they came about."""
    return {
        "id": benchmark_id,
        "profile": settings.profile,
        "arms": [arm.name for arm in settings.arms],
        "simulated": settings.simulated,
        "models": {model.name: f"{model.backend}:{model.model}" for model in settings.models},
        "problems": settings.problems,
        "epochs": settings.epochs,
        "control": settings.control,
        "margin": settings.margin,
        "grade_on": settings.arms[0].grade_on,
        "max_cost": None if settings.max_cost is None else str(settings.max_cost),
        "settings": settings.digest,
        "prompt_version": PROMPT_VERSION,
        "pytest_koderz": version("pytest-koderz"),
        "python": platform.python_version(),
    }
