"""Text of models, servers and files as it may be shown: nothing in it acts on a terminal, a page or a CI system."""

from __future__ import annotations

import re

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing
    "\u200b\u2028\u2029\u2060\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"  # what nobody sees, and other ends of lines
    "|[\ud800-\udfff]"
)
_COMMAND = re.compile(
    r"^(?P<github>\s*:):(?=[A-Za-z])"  # ::error::, ::stop-commands::TOKEN; the runner passes over blanks before it
    r"|(?P<other>#)#(?=\[|vso\[|teamcity\[)",  # ##[error], ##vso[...], ##teamcity[...], anywhere in a line
    re.MULTILINE | re.IGNORECASE,
)


def visible(text: str) -> str:
    r"""*text* with escapes such as `\x1b` for what would act: control characters, and the commands of CI systems."""
    if text.isascii() and text.isprintable() and "::" not in text and "##" not in text:
        return text
    shown = _ACTING.sub(lambda found: _escape(found[0]), text)
    return _COMMAND.sub(lambda found: found[0][:-1] + _escape(found[0][-1]), shown)


LONGEST = 300
"""Characters of another's own words that an error repeats."""


def quoted(text: str, most: int = LONGEST) -> str:
    """*text* of somebody else within a message of ours: in one line, visible, and cut to *most* characters."""
    # Of megabytes no more is looked at than there is room for: each word has a letter and a space.
    line = " ".join(text.split(None, most)[:most])
    shown = visible(line[: most + 1])
    return shown if len(shown) <= most else shown[:most] + "…"


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
