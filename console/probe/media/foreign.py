"""What came instead of media, in words: an error page, a playlist, nothing at all."""

from __future__ import annotations

import re

LOOKED_AT = 512  # bytes that are enough to tell
ZEROS_LIMIT = 64 * 1024
_BEGINNINGS = (
    # Each of these is too long to begin an encrypted segment by chance.
    (re.compile(rb"<!doctype html|<html|<head|<body", re.I), "an HTML page"),
    (re.compile(rb"(?:<\?xml[^>]*>\s*)?<(?:\w+:)?mpd[\s>]", re.I), "an MPD"),
    (re.compile(rb"<\?xml|<error>", re.I), "an XML document"),
    (re.compile(rb"#EXTM3U"), "a playlist"),
    (re.compile(rb"\x1f\x8b\x08[\x00-\x1f]....[\x00\x02\x04][\x00-\x0d\xff]", re.DOTALL), "gzip bytes that no header names"),
    (
        re.compile(rb"\xff\xd8\xff[\xe0\xe1]..(?:JFIF|Exif)|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP", re.DOTALL),
        "a still picture",
    ),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")
_TEXTS = (
    (re.compile(rb"<[a-z][\w:-]*[\s>]", re.I), "an XML document"),
    (re.compile(rb"[{\[]\s*(?:[\"{\[}\]]|-?\d|true|false|null)"), "a JSON document"),
    (re.compile(rb""), "text"),
)
_TTML = re.compile(rb"<(?:\w+:)?tt[\s>]")


def instead_of_media(head: bytes) -> str:
    """What the bytes are, "an HTML page"; "" when they are nothing that is known and no text."""
    if not head:
        return ""
    if head[:LOOKED_AT].count(0) == len(head[:LOOKED_AT]) and not head[:ZEROS_LIMIT].strip(b"\x00"):
        return "nothing but zeros"
    begin = head[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    known = _BEGINNINGS + _TEXTS if _is_text(head[:LOOKED_AT]) else _BEGINNINGS
    return next((name for pattern, name in known if pattern.match(begin)), "")


def is_ttml(head: bytes) -> bool:
    """Whether these are captions in TTML, which DASH sends as bare XML."""
    begin = head[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    return begin[:1] == b"<" and _TTML.search(begin) is not None


def first_line(head: bytes) -> str:
    """The first line as printable ASCII, at most 120 characters: for an engineer to know the error page by."""
    line = head[:LOOKED_AT].strip().partition(b"\n")[0].rstrip()
    return "".join(chr(byte) if 0x20 <= byte <= 0x7E else "?" for byte in line[:120])


def _is_text(begin: bytes) -> bool:
    """Whether the bytes are UTF-8 without control characters, as far as they go."""
    try:
        begin.decode()
    except UnicodeDecodeError as error:
        if len(begin) < LOOKED_AT or error.start < LOOKED_AT - 3:  # else a character that was cut at the end of the look
            return False
    return not _CONTROLS.search(begin)
