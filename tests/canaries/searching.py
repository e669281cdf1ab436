"""The search: a canary raw, in base64, cut short, and split over lines, cells, escapes or tags."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Mapping
from functools import cache

_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;:?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")
_TAGS = re.compile(rb"<[^>]*>")
_BETWEEN = re.compile(rb"[\s\xb7\xe2\x94\x82|]+")
PIECE = 12
"""Characters of a canary that are enough to know it by: what was cut short is found too."""


@cache
def spellings(canary: str) -> frozenset[bytes]:
    """How it may be written. In base64 it stands at one of three offsets, and its ends belong to its neighbours. A piece stands
    for the whole and for what was cut short; letters, digits and `-` are the same in a URL, in JSON and in HTML.
    """
    assert re.fullmatch(r"[A-Za-z0-9.=_-]+", canary), "else other spellings have to be looked for"
    forms = {canary[:PIECE].encode(), canary[-PIECE:].encode()}
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(b"\0" * offset + canary.encode()).rstrip(b"=")
            forms.add(whole[(offset * 8 + 5) // 6 : -1][: 2 * PIECE])
    return frozenset(forms)


def found(content: bytes | str, canaries: Mapping[str, str]) -> list[str]:
    """The places whose canary is in there, by any spelling, also with line breaks, escapes or tags within."""
    raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    if raw.startswith(b"\x89PNG"):
        raw = _texts_of_png(raw)
    together = _BETWEEN.sub(b"", _TAGS.sub(b"", _ESCAPES.sub(b"", raw)))
    views = (raw,) if together == raw else (raw, together)
    return sorted({place for place, canary in canaries.items() if any(form in view for form in spellings(canary) for view in views)})


def _texts_of_png(picture: bytes) -> bytes:
    """All of a PNG that is not pixels: a text layer, a comment, a profile."""
    at, texts = 8, b""
    while at < len(picture):
        size, kind = struct.unpack(">I4s", picture[at : at + 8])
        body = picture[at + 8 : at + 8 + size]
        if kind != b"IDAT":
            texts += kind + body
            for begin in range(len(body)):  # zTXt, iTXt, iCCP: compressed from some byte on
                if body[begin : begin + 1] == b"\x78" and kind not in (b"IHDR", b"IEND"):
                    try:
                        texts += zlib.decompress(body[begin:])
                    except zlib.error:
                        continue
        at += 12 + size
    return texts
