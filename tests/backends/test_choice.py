"""Back ends by name, and what they need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_koderz.backends import NAMES, backend, requirements
from pytest_koderz.files.usage_error import UsageError

from .worlds import SECRET, a_model


@pytest.mark.parametrize("name", NAMES)
def test_each_back_end_opens_models_and_says_what_it_needs(name: str) -> None:
    """The two functions of every back end."""
    module = backend(name)
    assert callable(module.open_model)
    assert callable(module.requirements)


def test_an_unknown_back_end_is_a_usage_error() -> None:
    """With the nearest name."""
    with pytest.raises(UsageError, match=r"no back end named 'antropic' \(did you mean 'anthropic'\?\)"):
        requirements(a_model("antropic"), {})


def test_what_is_missing_is_one_line() -> None:
    """And None where nothing is."""
    assert requirements(a_model("anthropic"), {}) == (
        "ANTHROPIC_API_KEY is not set; the model 'mine' needs it (in the environment or in .env)"
    )
    assert requirements(a_model("anthropic"), {"ANTHROPIC_API_KEY": SECRET}) is None
    assert requirements(a_model("simulated"), {}) is None
    malformed = {"ANTHROPIC_API_KEY": SECRET, "ANTHROPIC_BASE_URL": "ftp://box"}
    assert requirements(a_model("anthropic"), malformed) == (
        "ANTHROPIC_BASE_URL: ftp://box: the scheme of a server is http or https"
    )


HEAVY = {"anthropic", "genai_prices", "httpx", "httpx2", "ollama", "platformdirs", "requests", "xllamacpp"}

SCRIPT = """
import sys
from pytest_koderz import testing
from pytest_koderz.backends import NAMES, backend, prices
for name in NAMES: backend(name)
print(*{module.partition(".")[0] for module in sys.modules})
"""


def test_no_heavy_library_is_imported_before_a_model_is_opened() -> None:
    """Importing all back ends and the test aid costs the standard library alone."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stdout.split())
