"""What became of each assertion of one run."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from .explain import assertion_text, explanation_of
from .session import Raised, Session, line_of_text

MOST_FAILURES = 5
LONGEST = 2000
"""Characters of one text about a failure."""


class Tally:
    """Counts the assertions of one run, and keeps the first failures."""

    def __init__(self, session: Session, asserts: list[Any], scope: dict[str, Any]) -> None:
        self.count = 0
        self.missed = 0
        self.failures: list[dict[str, Any]] = []
        self.crashed = False
        """The first failure was an exception of the candidate's."""
        self._session = session
        self._asserts = asserts
        self._scope = scope

    def claim(self, number: int, raising: bool) -> Claim:
        """The assertion of that number begins; its answers will stand in the log from here on."""
        log = self._session.log
        if log is None:
            self._session.log = []
            return Claim(self, number, raising, 0, outermost=True)
        return Claim(self, number, raising, len(log))

    def forget(self) -> None:
        """The assertion that the log was kept for is settled."""
        self._session.log = None

    def failed(self, claim: Claim, error: BaseException, trace: TracebackType) -> None:
        """An assertion did not hold, or raised: explain it, and count it unless the tests are to handle it."""
        if len(self.failures) < MOST_FAILURES and not hasattr(error, "koderz_failure_"):
            own = type(error) is AssertionError and trace.tb_next is None
            described = self._explained(claim, dict(trace.tb_frame.f_locals)) if own else self._described(claim, error)
            error.koderz_failure_ = described  # type: ignore[attr-defined]
        if not claim.raising:
            self.keep(error)

    def keep(self, error: BaseException) -> None:
        self.missed += 1
        raised = getattr(error, "koderz_raised_", None)
        if not self.failures:
            self.crashed = raised is not None
        if len(self.failures) < MOST_FAILURES:
            self.failures.append(getattr(error, "koderz_failure_", None) or _failure_of(error, None))

    def _explained(self, claim: Claim, local: Mapping[str, Any]) -> dict[str, Any]:
        node = self._asserts[claim.number]
        assertion = assertion_text(node)
        self._session.replay = (self._session.log or [])[claim.mark :]
        try:
            explanation = explanation_of(node, self._scope, local)
        finally:
            self._session.replay = None
        summary = (explanation or assertion).splitlines()[0]
        return failure(f"AssertionError: {summary}"[:500], assertion, explanation)

    def _described(self, claim: Claim, error: BaseException) -> dict[str, Any]:
        return _failure_of(error, assertion_text(self._asserts[claim.number]))


class Claim:
    """That one assertion holds."""

    __slots__ = ("_outermost", "_tally", "mark", "number", "raising")

    def __init__(self, tally: Tally, number: int, raising: bool, mark: int, *, outermost: bool = False) -> None:
        self._tally, self.number, self.raising, self.mark = tally, number, raising, mark
        self._outermost = outermost

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            return self._settled(error, trace)
        finally:
            if self._outermost:
                self._tally.forget()

    def _settled(self, error: BaseException | None, trace: TracebackType | None) -> bool:
        """True where the tests are to go on after *error*."""
        if error is None or trace is None:
            self._tally.count += 1
            return False
        if not isinstance(error, Exception) and not hasattr(error, "koderz_raised_"):
            return False
        self._tally.failed(self, error, trace)
        return not self.raising


def _failure_of(error: BaseException, assertion: str | None) -> dict[str, Any]:
    raised: Raised | None = getattr(error, "koderz_raised_", None)
    if raised is None:  # the tests' own code could not work with the answer
        return failure(f"{type(error).__name__}: {line_of_text(error)}", assertion, None)
    where = "" if raised.line is None else f" (line {raised.line})"
    return failure(f"{raised}{where}", assertion, None, str(raised), raised.line)


def failure(
    summary: str, assertion: str | None, explanation: str | None, exception: str | None = None, line: int | None = None
) -> dict[str, Any]:
    return {
        "summary": summary,
        "assertion": assertion and assertion[:LONGEST],
        "explanation": explanation and explanation[:LONGEST],
        "exception": exception,
        "line": line,
    }
