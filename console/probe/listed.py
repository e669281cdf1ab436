"""A segment and a key as whoever wants to fetch them needs them, whatever document listed them: playlist or MPD."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from console.model.remark import Remark


class ByteRange(msgspec.Struct, frozen=True):
    """Part of a resource: `length` bytes from `first`."""

    first: int
    length: int

    @property
    def header(self) -> str:
        """As the Range header says it."""
        return f"bytes={self.first}-{self.first + self.length - 1}"


class KeyTag(msgspec.Struct, frozen=True):
    """One EXT-X-KEY or EXT-X-SESSION-KEY that names a URI."""

    method: str  # AES-128 | SAMPLE-AES | SAMPLE-AES-CTR | ...
    url: str  # resolved; may be of a scheme that is not fetched (data:, skd:, urn:)
    key_format: str = "identity"

    @property
    def is_fetched(self) -> bool:
        """Whether the key itself lies there: a key system's own URI names a licence, which is a dialogue and no file."""
        return self.key_format == "identity" and self.url[:8].lower().startswith(("http://", "https://"))


class Init(msgspec.Struct, frozen=True):
    """What a segment needs before it can be read: EXT-X-MAP, or an MPD's initialization."""

    url: str
    byte_range: ByteRange | None = None


class Promise(Protocol):
    """What else a document says of one segment, to be held against what a fetch of it shows: an MPD says when it is there, for
    how long, and which time it carries.
    """

    def missing(self, now: datetime, is_edge: bool) -> tuple[Remark, ...]:
        """It was asked for and is not there (404, 410)."""

    def carries(self, first_time_s: float) -> tuple[Remark, ...]:
        """It came, and this is its first decode time."""


class Listed(msgspec.Struct, frozen=True):
    """One segment as it is listed. `url` still has its query, and leaves this process only shortened."""

    sequence: int
    url: str
    extinf_s: float
    byte_range: ByteRange | None = None
    is_gap: bool = False
    init: Init | None = None
    method: str = ""  # of the EXT-X-KEY in force: "" when it is clear
    is_independent: bool = False  # the playlist promises that each segment can be decoded by itself
    promise: Promise | None = None  # of an MPD
