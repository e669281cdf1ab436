"""What went wrong when we asked an outside system, told for a reader at 03:00."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from console.model.shapes import quoted


class FailureKind(StrEnum):
    """What class of thing went wrong; decides whether asking again can help."""

    UNREACHABLE = "unreachable"  # refused, reset, no route, DNS, TLS
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"  # 401, 403, a credential that cannot be read
    NOT_FOUND = "not_found"
    REJECTED = "rejected"  # 4xx: the question is wrong, asking again cannot help
    OVERLOADED = "overloaded"  # 429, 503, our own breaker or pool full
    BAD_ANSWER = "bad_answer"  # HTML for JSON, truncated, wrong shape
    TOO_LARGE = "too_large"
    INTERNAL = "internal"  # midwatch's own exception; `ref` names it in the log file


class Failure(msgspec.Struct, frozen=True):
    """One failed question: what was tried, on what, what came back, what to try. Never holds a secret."""

    kind: FailureKind
    tried: str  # "query gauge egress lhr"
    on: str  # "prometheus http://127.0.0.1:9090"
    got: str  # "connection refused"
    hint: str = ""  # "is the server up? midwatch doctor"
    retry_after_s: float | None = None  # the server's own wish (Retry-After)
    ref: str = ""  # finds the traceback in the log file; only for INTERNAL

    def __post_init__(self) -> None:
        """What came back may quote what was sent: it is kept without what has the shape of a credential, once for whoever
        shows, logs or raises it.
        """
        kept = quoted(self.got)
        if kept != self.got:
            msgspec.structs.force_setattr(self, "got", kept)

    def __str__(self) -> str:
        text = f"{self.tried} on {self.on}: {self.got}"
        return f"{text} ({self.hint})" if self.hint else text

    @property
    def short(self) -> str:
        """For a pane's one line: what came back, from whom."""
        return f"{self.got} · {self.on}"


class SourceError(Exception):
    """Raised inside a source by one question; carries the Failure that the reading will show."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure
