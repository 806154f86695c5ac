"""Texts that can be passed on: without secrets, and whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.files.secret_values import Redaction
from pytest_koderz.files.visible_text import quoted


class Redactor:
    """Takes known secrets out of what a server says beside its answers. Its repr does not show them."""

    def __init__(self, *secrets: str | None) -> None:
        """What stands for a key where a server wants any is a word, and stays."""
        self._redact = replace(Redaction.of({}, *secrets), mark="***")

    def __bool__(self) -> bool:
        """Whether there is any secret."""
        return bool(self._redact)

    def __call__(self, text: str) -> str:
        return self._redact(text)

    def quoted(self, text: str) -> str:
        """*text* as it may stand in an error."""
        return quoted(self(text))

    def prompt(self, prompt: Prompt) -> Prompt:
        """*prompt* without secrets: what one server has echoed, another is not told."""
        return prompt.rewritten(self)

    def reply(self, reply: Reply) -> Reply:
        """*reply*, whose name and warnings hold no secret, should a server echo what it was sent.

        Its text is judged as it is, and redacted where it leaves for a person or a file.
        """
        return replace(reply, model_id=self(reply.model_id), warnings=tuple(map(self, reply.warnings)))


NO_SECRETS = Redactor()


def cause_of(fault: BaseException) -> str:
    """The type and words of what lies at the bottom; the wrappers above it repeat URLs and object addresses."""
    while (inner := fault.__cause__ or fault.__context__) is not None:
        fault = inner
    return f"{type(fault).__name__}: {fault}{_clock_behind(str(fault))}"


def _clock_behind(words: str) -> str:
    """Of a certificate that is not valid on this day: it may be the day that is wrong."""
    if not any(each in words for each in ("certificate has expired", "certificate is not yet valid")):
        return ""
    return f"; this machine's clock says {datetime.now().astimezone().date()}"


def key_fault(name: str, key: str) -> str | None:
    """What is wrong with a key that cannot be sent in a header; None where it can. The key itself is not repeated."""
    if all("!" <= character <= "~" for character in key):
        return None
    return f"{name} holds a space, a line break or a character outside ASCII: copy the key again"
