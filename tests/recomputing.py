"""The script of the README that recomputes a summary from the results."""

from __future__ import annotations

import re


def script_of(readme: str) -> str:
    """Its source."""
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (script,) = (block for block in blocks if "bootstrap_ratio" in block)
    return str(script)


def numbers_in(text: str) -> list[str]:
    """All numbers in their order, with sign and dollar; `+` is no part of them."""
    return re.findall(r"-?\$?\d+(?:,\d{3})*(?:\.\d+)?", text)
