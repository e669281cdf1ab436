"""HTTP's own words about a failed question, as our failures: shared by every client that speaks HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from console.model.failure import Failure, FailureKind
from console.sources.sanitise import clean

_KINDS = {
    401: FailureKind.UNAUTHORIZED,
    403: FailureKind.UNAUTHORIZED,
    404: FailureKind.NOT_FOUND,
    408: FailureKind.TIMEOUT,
    413: FailureKind.TOO_LARGE,
    429: FailureKind.OVERLOADED,
    502: FailureKind.UNREACHABLE,
    503: FailureKind.OVERLOADED,
    504: FailureKind.TIMEOUT,
}
_HINTS = {
    FailureKind.UNAUTHORIZED: "check `read` of this backend",
    FailureKind.NOT_FOUND: "check the url and its path",
    FailureKind.OVERLOADED: "asking less until it recovers",
    FailureKind.UNREACHABLE: "is the server up? midwatch doctor",
    FailureKind.REJECTED: "the question is wrong: asking again cannot help",
}


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """The server's `Date` as aware UTC (resolution 1 s); None when it tells none or nonsense. Any header
    mapping will do.
    """
    return _parsed(headers.get("date") or headers.get("Date"))


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Seconds of `Retry-After`, in both its forms; an HTTP date is reckoned against the server's own `Date`."""
    text = (headers.get("retry-after") or headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until, now = _parsed(text), date_of(headers)
    return max(0.0, (until - now).total_seconds()) if until is not None and now is not None else None


def _parsed(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def status_failure(
    status: int, headers: Mapping[str, str], tried: str, on: str, said: str = "", is_page: bool = False
) -> Failure:
    """The failure of a status that is no success; `said` is the server's own explanation, `is_page` when it
    is HTML.
    """
    kind = _KINDS.get(status) or (FailureKind.REJECTED if 400 <= status < 500 else FailureKind.BAD_ANSWER)
    if 300 <= status < 400:
        kind = FailureKind.REJECTED
    got = f"HTTP {status}"
    if is_page:
        got += " with an HTML page"
    elif said:
        got += f": {clean(said, 200)}"
    return Failure(
        kind=kind,
        tried=tried,
        on=on,
        got=got,
        hint=_HINTS.get(kind, "see the server's own log"),
        retry_after_s=retry_after_of(headers),
    )


def page_failure(tried: str, on: str, content_type: str, body: bytes) -> Failure | None:
    """The failure of a 200 that is an HTML page (a login, a proxy's error) where JSON was asked; None when it
    is none. What calls itself XML is for its decoder to judge.
    """
    head = body[:64].lstrip()
    is_html = "html" in content_type.lower() or (head.startswith(b"<") and not head.startswith(b"<?xml"))
    if not is_html:
        return None
    return Failure(
        kind=FailureKind.BAD_ANSWER,
        tried=tried,
        on=on,
        got="an HTML page where JSON was expected",
        hint="a login page or a proxy answers at this url: check url and credential",
    )


def malformed(tried: str, on: str, error: Exception) -> Failure:
    """The failure of a body that is no JSON of the expected shape; truncated bodies end here too."""
    return Failure(
        kind=FailureKind.BAD_ANSWER,
        tried=tried,
        on=on,
        got=f"an answer that cannot be read: {clean(str(error), 160)}",
        hint="truncated, or another product or version answers at this url",
    )


def too_large(tried: str, on: str, max_bytes: int) -> Failure:
    """The failure of a body over its cap; the rest was not read."""
    return Failure(
        kind=FailureKind.TOO_LARGE,
        tried=tried,
        on=on,
        got=f"more than {max_bytes / 1e6:.3g} MB",
        hint="the rest was not read; narrow the scope",
    )
