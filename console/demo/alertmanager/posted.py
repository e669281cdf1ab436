"""The body of POST /api/v2/silences, read the way go-openapi reads it: first the JSON and its types (400), then
what must be there (422). Only then does Alertmanager itself look at it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from console.demo.alertmanager.errors import BadRequest, Invalid
from console.demo.alertmanager.silence import Draft

_TEXTS = ("comment", "createdBy", "endsAt", "id", "startsAt")
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.*")


def _unreadable(why: str) -> Invalid:
    return Invalid(400, 400, f'parsing silence body from "" failed, because {why}')


def _required(field: str) -> Invalid:
    return Invalid(422, 602, f"{field} in body is required")


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "number"


def _mistyped(value: object, field: str, go_type: str) -> Invalid:
    return _unreadable(f"json: cannot unmarshal {_json_type(value)} into Go struct field {field} of type {go_type}")


def _decoded(body: bytes) -> dict[str, object]:
    text = body.decode(errors="replace")
    try:
        # What follows the first value is not read at all.
        read, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except json.JSONDecodeError as wrong:
        rest = text.lstrip()[wrong.pos :].strip()
        if not rest:
            raise _unreadable("unexpected EOF") from None
        wanted = "object key string" if "property name" in wrong.msg else "value"
        raise _unreadable(f"invalid character '{rest[0]}' looking for beginning of {wanted}") from None
    except RecursionError:
        raise _unreadable("exceeded max depth") from None
    except ValueError:
        # A number of thousands of digits, which no field of a silence may be anyway.
        raise _unreadable("json: cannot unmarshal number into Go value of type string") from None
    if read is None:
        return {}
    if not isinstance(read, dict):
        raise _unreadable(f"json: cannot unmarshal {_json_type(read)} into Go value of type "
                          'struct { ID string "json:\\"id,omitempty\\"" }')
    return {name: _whole(value) for name, value in read.items() if value is not None}


def _whole(value: object) -> object:
    """Half of a surrogate pair becomes U+FFFD, as in Go; nothing could be encoded again with it."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    return value


def _time(text: str) -> datetime:
    """RFC 3339, or without a zone and then UTC; empty is the beginning of the epoch."""
    if text == "":
        return _ZERO
    try:
        if _DATE.fullmatch(text) is None:
            raise ValueError(text)
        read = datetime.fromisoformat(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unreadable(f'parsing time "{text}" as "2006-01-02 15:04:05": '
                          f'cannot parse "{text}" as "2006"') from None


def _matchers(posted: list[object]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for one in posted:
        if not isinstance(one, dict):
            raise _mistyped(one, "Silence.matchers", "models.Matcher")
        for name, wanted, go_type in (("isEqual", bool, "bool"), ("isRegex", bool, "bool"), ("name", str, "string"),
                                      ("value", str, "string")):
            if one.get(name) is not None and not isinstance(one[name], wanted):
                raise _mistyped(one[name], f"Matcher.matchers.{name}", go_type)
        found.append(one)
    return found


def draft(body: bytes, t: datetime) -> Draft:
    """Raises Invalid or BadRequest in the words of go-openapi and Alertmanager."""
    if not body:
        raise Invalid(422, 602, "silence in body is required")
    read = _decoded(body)
    for field in _TEXTS:
        if field in read and not isinstance(read[field], str):
            raise _mistyped(read[field], f"Silence.{field}", "string")
    posted = read.get("matchers", [])
    if not isinstance(posted, list):
        raise _mistyped(posted, "Silence.matchers", "models.Matchers")
    matchers = _matchers(posted)
    ends, starts = (_time(str(read[field])) if field in read else _ZERO for field in ("endsAt", "startsAt"))
    for field in ("comment", "createdBy", "endsAt", "matchers"):
        if field not in read:
            raise _required(field)
    if not matchers:
        raise Invalid(422, 612, "matchers in body should have at least 1 items")
    for index, one in enumerate(matchers):
        for name in ("isRegex", "name", "value"):
            if one.get(name) is None:
                raise _required(f"matchers.{index}.{name}")
    if "startsAt" not in read:
        raise _required("startsAt")
    if starts >= ends:
        raise BadRequest("Failed to create silence: start time must be before end time")
    if ends < t:
        raise BadRequest("Failed to create silence: end time can't be in the past")
    return Draft(str(read.get("id", "")), tuple(_spelled(one) for one in matchers), starts, ends,
                 str(read["createdBy"]), str(read["comment"]))


def _spelled(one: dict[str, object]) -> tuple[str, str, str]:
    # isEqual came with 0.22: who leaves it out means equality.
    equal = one.get("isEqual") is not False
    operator = ("=~" if equal else "!~") if one["isRegex"] else ("=" if equal else "!=")
    return str(one["name"]), operator, str(one["value"])
