"""What a reader of one container hands back, and the stretch of bytes that it may read."""

from __future__ import annotations

import msgspec


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts of one segment as its container tells them; None and "" are what it does not tell.

    `faults` are predicates that follow the segment's name: "loses its sync at byte 188". Each of them makes it SEG_BAD.
    """

    container: str
    duration_s: float | None = None
    longest_s: float | None = None  # of its longest stream, picture or sound: what a cut is measured by
    first_time_s: float | None = None
    starts_with_key: bool | None = None  # None without video
    codecs: str = ""
    height: int | None = None
    continuity_errors: int = 0
    faults: tuple[str, ...] = ()


class Extent(msgspec.Struct, frozen=True):
    """The bytes of a segment that are at hand: its head, and its tail when what lies between was not kept.

    `size` is that of the whole segment, None when unknown. `head` and `tail` do not touch: `of` joins those that do.
    """

    head: bytes
    tail: bytes
    size: int | None
    is_read: bool  # every byte came by, also those that were not kept: nothing may be missing at its end

    @classmethod
    def of(cls, head: bytes, tail: bytes, size: int | None, is_whole: bool) -> Extent:
        """The extent of what a fetch kept. A tail without a size has no place, and is dropped."""
        if size is None and is_whole and not tail:
            size = len(head)
        if size is None:
            return cls(head, b"", None, is_whole)
        size = max(size, len(head))  # what came is there, whatever a header said
        overlap = len(head) + len(tail) - size
        if tail and 0 <= overlap <= len(tail):
            head, tail = head + tail[overlap:], b""
        elif overlap > 0:
            tail = b""
        return cls(head, tail, size, is_whole)

    @property
    def is_complete(self) -> bool:
        """Whether `head` is the whole segment."""
        return self.size is not None and len(self.head) >= self.size

    @property
    def tail_begins(self) -> int:
        """Where in the segment the tail begins, in bytes."""
        return (self.size or 0) - len(self.tail)
