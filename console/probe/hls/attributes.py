"""Attribute lists, numbers and names as they stand in tags (RFC 8216bis 4.2).

All of it works on text that was decoded as Latin-1, one character a byte, because that can neither fail nor shift an offset;
`as_utf8` gives back what the author meant, for URIs and names.
"""

from __future__ import annotations

import re
from math import isfinite

from console.probe.hls.limits import ATTRIBUTES_LIMIT, LARGEST_SEQUENCE, LONGEST_TARGET_S
from console.probe.hls.redacted import word

_ATTRIBUTE = re.compile(r'([A-Z0-9-]{1,64})=("[^"]*"|[^,]*)')


def attributes(text: str) -> dict[str, str]:
    """The attribute list of one tag, quotes removed; what does not look like an attribute is passed over."""
    return {
        name: value[1:-1] if value[:1] == '"' and value[-1] == '"' and len(value) > 1 else value.strip()
        for name, value in _ATTRIBUTE.findall(text if len(text) <= ATTRIBUTES_LIMIT else text[:ATTRIBUTES_LIMIT])
    }


def number(tag: str, text: str) -> float:
    """A decimal number. Raises ValueError that names the tag and quotes at most 40 characters."""
    try:
        value = float(text) if len(text) <= 40 and "_" not in text else float("nan")
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ValueError(f"{tag} is {quoted(text)}, not a number")
    return value


def whole(tag: str, text: str) -> int:
    """A decimal integer from 0 to 2^62. Raises ValueError that names the tag."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 40) or int(text) > LARGEST_SEQUENCE:
        raise ValueError(f"{tag} is {quoted(text)}, not a sequence number")
    return int(text)


def seconds(text: str | None) -> float | None:
    """A span of an optional attribute; None when it is absent or makes no sense, because nothing is judged by it then."""
    if not text:
        return None
    try:
        value = number("", text)
    except ValueError:
        return None
    return value if 0 < value <= LONGEST_TARGET_S else None


def quoted(text: str) -> str:
    """At most 40 characters of foreign text for an error; never a URL, whose credentials or token it could hold."""
    return repr(word(text.strip()))


def as_utf8(text: str) -> str:
    """What was meant by text that was decoded as Latin-1; ASCII, the common case, is itself."""
    return text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")
