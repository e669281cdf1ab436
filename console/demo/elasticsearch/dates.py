"""Elasticsearch dates to nanoseconds and back: ISO, epoch, and date math (`now-15m/m`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from console.demo.elasticsearch.errors import EsError, illegal, parsing

MS = 1_000_000
"""Nanoseconds a millisecond."""
SECOND = 1_000_000_000

FORMATS = frozenset(
    {
        "strict_date_optional_time",
        "strict_date_optional_time_nanos",
        "date_optional_time",
        "iso8601",
        "epoch_millis",
        "epoch_second",
    }
)
_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?"
)
_MATH = re.compile(r"([+-])(\d+)([yMwdhHms])|/([yMwdhHms])")
_UNIT_S = {"w": 604_800, "d": 86_400, "h": 3600, "H": 3600, "m": 60, "s": 1}
_SPAN = re.compile(r"(\d+)(nanos|micros|ms|s|m|h|d)")
_SPAN_MS = {"nanos": 1e-6, "micros": 1e-3, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def check_format(text: str) -> tuple[str, ...]:
    """The formats of a `a||b` list. Raises EsError for one this server does not know."""
    formats = tuple(text.split("||"))
    for one in formats:
        if one not in FORMATS:
            raise illegal(f"Invalid format: [{text}]: this server knows {', '.join(sorted(FORMATS))}")
    return formats


def parse_date(value: object, now_ns: int, formats: tuple[str, ...] = (), upper: bool = False) -> int:
    """Nanoseconds of a date. `upper` rounds `/d` and a missing time of day up, as `lte` and `gt` do.

    Without formats a number or a numeric string of more than four digits is milliseconds, as in the default
    `strict_date_optional_time||epoch_millis`. Raises EsError naming the value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _unreadable(value, formats)
    text = str(value)
    numeric = re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
    if numeric and "epoch_second" in formats:
        return _bounded(round(float(text) * SECOND), value, formats)
    if numeric and (
        "epoch_millis" in formats or (not formats and (len(text) > 4 or not isinstance(value, str)))
    ):
        whole, _, fraction = text.partition(".")
        return _bounded(int(whole) * MS + int((fraction + "000000")[:6]), value, formats)
    if text.startswith("now"):
        return _math(now_ns, text[3:], value, upper)
    anchor, bars, rest = text.partition("||")
    moment = _iso(anchor, value, formats, upper and not bars)
    return _math(moment, rest, value, upper) if bars else moment


def _iso(text: str, value: object, formats: tuple[str, ...], upper: bool) -> int:
    match = _ISO.fullmatch(text)
    if match is None:
        raise _unreadable(value, formats)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=UTC,
        )
    except ValueError as error:
        raise _unreadable(value, formats) from error
    nanos = int(moment.timestamp()) * SECOND + int((fraction or "0").ljust(9, "0"))
    if zone and zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        nanos -= offset * SECOND if zone[0] == "+" else -offset * SECOND
    if upper and hour is None and day is not None:
        nanos += 86_400 * SECOND - MS
    return nanos


def _math(nanos: int, text: str, value: object, upper: bool) -> int:
    at = 0
    while at < len(text):
        match = _MATH.match(text, at)
        if match is None:
            raise _unreadable(value, ())
        sign, count, unit, rounding = match.groups()
        if (unit or rounding) in ("y", "M"):
            raise illegal(f"date math unit [{unit or rounding}] is not supported by this server in [{value}]")
        if rounding:
            whole = _UNIT_S[rounding] * SECOND
            nanos = nanos // whole * whole + (whole - MS if upper else 0)
        else:
            nanos += (1 if sign == "+" else -1) * int(count) * _UNIT_S[unit] * SECOND
        at = match.end()
    return nanos


def _bounded(nanos: int, value: object, formats: tuple[str, ...]) -> int:
    if abs(nanos) > 2**63 - 1:
        raise _unreadable(value, formats)
    return nanos


def _unreadable(value: object, formats: tuple[str, ...]) -> EsError:
    wanted = "||".join(formats) or "strict_date_optional_time||epoch_millis"
    return EsError(
        400, "parse_exception", f"failed to parse date field [{value}] with format [{wanted}]", phase=True
    )


def span_ms(text: object, name: str) -> int:
    """Milliseconds of a time value such as `1m` or `500ms`. Raises EsError naming the parameter."""
    match = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise illegal(
            f"failed to parse setting [{name}] with value [{text}] as a time value: unit is missing or "
            "unrecognized"
        )
    return int(int(match.group(1)) * _SPAN_MS[match.group(2)])


def spell(nanos: int, format_: str) -> str:
    """A time in one of FORMATS."""
    if format_ == "epoch_millis":
        return str(nanos // MS)
    if format_ == "epoch_second":
        return str(nanos // SECOND)
    seconds, rest = divmod(nanos, SECOND)
    digits = f"{rest:09d}"
    if not format_.endswith("nanos"):
        digits = digits[:3]
    # At least three digits, trailing zeros beyond them dropped, as Java's formatter does.
    digits = digits[:3] + digits[3:].rstrip("0")
    return f"{_to_the_second(seconds)}.{digits}Z"


@lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()[:19]


def as_interval(body: dict[str, object]) -> int:
    """The fixed_interval of a date_histogram in milliseconds."""
    if "calendar_interval" in body or "interval" in body:
        raise parsing("[date_histogram] of this server takes [fixed_interval] only")
    if "fixed_interval" not in body:
        raise illegal("Invalid interval specified, must be non-null and non-empty")
    interval = span_ms(body["fixed_interval"], "date_histogram.fixedInterval")
    if interval <= 0:
        raise illegal("Zero or negative time interval not supported")
    return interval
