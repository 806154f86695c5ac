"""Text that models, servers and data sets wrote, made fit to be shown."""

from __future__ import annotations

from unicodedata import category


class _Seen(dict[int, int | str]):
    """For `str.translate`: every character that can be seen as it is, any other by its number."""

    def __missing__(self, number: int) -> int | str:
        unseen = category(chr(number)) in ("Cc", "Cf", "Cs", "Zl", "Zp") and chr(number) not in "\t\n"
        self[number] = f"⟨U+{number:04X}⟩" if unseen else number
        return self[number]


_SEEN = _Seen()


def visible(text: str) -> str:
    """*text* with each character by its number that is not seen itself, but may move or hide others: controls, escapes,
    zero-width letters, what turns the direction of writing around.
    """
    return text if text.isprintable() else text.translate(_SEEN)


def cut(text: str, most: int) -> str:
    """At most so many characters of *text*, and then how many more there were."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text) - most:,} more characters)"
