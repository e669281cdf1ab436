"""The boxes of an ISO base media file (ISO/IEC 14496-12 4.2), walked within the bytes that are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

BOXES = 4096  # of one level that are walked; a chunked segment of a minute has some 500
LONGEST_HEADER = 16  # bytes of size, type and 64-bit size
_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.")


class Box(NamedTuple):
    """One box: its type, where its body begins, and where it says it ends, which may lie beyond the bytes."""

    kind: bytes
    body: int
    end: int


def walk(data: bytes, at: int = 0, end: int | None = None, whole: int | None = None) -> Iterator[Box]:
    """The boxes from `at` to `end`. It stops at what is no box, and after a box that ends beyond `end`.

    `whole` is where a box of size 0 ends, which reaches to the end of the file; `end` when not given.
    """
    limit = len(data) if end is None else min(end, len(data))
    for _ in range(BOXES):
        box = box_at(data, at, limit, limit if whole is None else whole)
        if box is None:
            return
        yield box
        at = box.end
        if at >= limit:
            return


def box_at(data: bytes, at: int, limit: int, whole: int) -> Box | None:
    """The box that begins at `at`; None when its header is cut, or no box's."""
    if at + 8 > limit:
        return None
    kind, size, body = data[at + 4 : at + 8], int.from_bytes(data[at : at + 4], "big"), at + 8
    if size == 1:
        if at + 16 > limit:
            return None
        size, body = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
    if not _NAME.issuperset(kind):
        return None
    if size == 0:
        return Box(kind, body, whole)
    return Box(kind, body, at + size) if at + size >= body else None


def child(data: bytes, parent: Box, *path: bytes) -> Box | None:
    """The first box at the end of a path below `parent`; None when it is not there, or not wholly."""
    for kind in path:
        found = next((box for box in walk(data, parent.body, parent.end) if box.kind == kind), None)
        if found is None or found.end > min(len(data), parent.end):
            return None
        parent = found
    return parent


def number(data: bytes, at: int, width: int, box: Box) -> int | None:
    """An unsigned number of `width` bytes inside a box; None when it reaches beyond it."""
    if at < box.body or at + width > min(box.end, len(data)):
        return None
    return int.from_bytes(data[at : at + width], "big")
