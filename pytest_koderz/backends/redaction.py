"""Texts that can be passed on: without secrets, and whole."""

from __future__ import annotations

from dataclasses import replace

from pytest_koderz.core.ports import Reply

LONGEST = 300
"""Characters of a server's own words that an error repeats."""


SHORTEST = 8
"""Characters of a key that a service gives out; real ones are far longer."""


class Redactor:
    """Takes known secrets out of texts. Its repr does not show them."""

    def __init__(self, *secrets: str | None) -> None:
        self._secrets = [secret for secret in secrets if secret]

    def __bool__(self) -> bool:
        """Whether there is any secret."""
        return bool(self._secrets)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def quoted(self, text: str) -> str:
        """*text* in one line, cut to a length fit for an error."""
        line = " ".join(self(text).split())
        return line if len(line) <= LONGEST else line[:LONGEST] + "…"

    def reply(self, reply: Reply) -> Reply:
        """*reply* without secrets, should a server echo what it was sent.

        Its text may be a program: a short word that stands for a key, such as `EMPTY`, is left in it.
        """
        return replace(
            reply,
            text=Redactor(*(secret for secret in self._secrets if len(secret) >= SHORTEST))(reply.text),
            model_id=self(reply.model_id),
            warnings=tuple(map(self, reply.warnings)),
        )


NO_SECRETS = Redactor()


def cause_of(fault: BaseException) -> str:
    """The type and words of what lies at the bottom; the wrappers above it repeat URLs and object addresses."""
    while (inner := fault.__cause__ or fault.__context__) is not None:
        fault = inner
    return f"{type(fault).__name__}: {fault}"


def key_fault(name: str, key: str) -> str | None:
    """What is wrong with a key that cannot be sent in a header; None where it can. The key itself is not repeated."""
    if all("!" <= character <= "~" for character in key):
        return None
    return f"{name} holds a space, a line break or a character outside ASCII: copy the key again"
