"""What someone may have meant who wrote a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def most_like(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is nearest to *name*; None where none comes near."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)


def nearest(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """` (did you mean 'x'?)`, for the end of a message; where none comes near, *otherwise*. None: what there is."""
    names = sorted(known)
    near = most_like(name, names)
    if near is None and otherwise is None and names:
        otherwise = f"there is: {', '.join(names)}"
    words = otherwise if near is None else f"did you mean {near!r}?"
    return f" ({words})" if words else ""
