"""The bytes of a segment while they come: their digest, and of them no more than a look at them needs."""

from __future__ import annotations

import hashlib
import zlib
from collections import deque

import msgspec

from console.model.observation import SegmentFacts
from console.model.remark import Remark
from console.probe.fetch import Answer
from console.probe.listed import Listed
from console.probe.media.look import HEAD_WANTED, TAIL_WANTED, look

BODY_LIMIT = 32 * 1024 * 1024  # bytes of one segment; past it no more is read
INIT_LIMIT = 256 * 1024  # bytes of an initialisation section
_ZIPPED = ("gzip", "x-gzip", "deflate")


class Gathered:
    """A sink for one segment. Holds `HEAD_WANTED + TAIL_WANTED` bytes and a chunk, however long the segment is."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)
        self._head: list[bytes] = []
        self._head_size = 0
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.size = 0

    def __call__(self, chunk: bytes) -> None:
        """Some more of it."""
        self._digest.update(chunk)
        self.size += len(chunk)
        room = HEAD_WANTED - self._head_size
        if room > 0:
            kept = bytes(chunk[:room])
            self._head.append(kept)
            self._head_size += len(kept)
            chunk = chunk[room:]
        if chunk:
            self._tail.append(bytes(chunk))
            self._tail_size += len(chunk)
            while self._tail_size - len(self._tail[0]) >= TAIL_WANTED:
                self._tail_size -= len(self._tail.popleft())

    @property
    def head(self) -> bytes:
        return b"".join(self._head)

    @property
    def tail(self) -> bytes:
        return b"".join(self._tail)[-TAIL_WANTED:]

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


def read(
    listed: Listed, gathered: Gathered, answer: Answer, init: bytes | None, facts: SegmentFacts
) -> tuple[SegmentFacts, tuple[Remark, ...]]:
    """The facts of a fetch with those of its bytes, and what is wrong with these."""
    head, tail, size, is_whole = gathered.head, gathered.tail, gathered.size, not answer.is_cut
    if answer.content_encoding.strip().lower() in _ZIPPED:
        inflated = _inflated(head) if size == len(head) and is_whole else None
        if inflated is None:  # compressed media is odd but legal, and only a small one is unpacked
            return facts, ()
        head, size = inflated, len(inflated)
    rest = listed.byte_range.length if listed.byte_range is not None else answer.size
    seen = look(
        head,
        size=size if is_whole else rest,
        tail=tail if is_whole else b"",
        is_whole=is_whole,
        init=init,
        method=listed.method,
        extinf_s=listed.extinf_s,
        is_independent=listed.is_independent,
        name=f"segment {listed.sequence}",
    )
    return seen.onto(facts), seen.remarks


def etag_digest(etag: str | None, size: int | None) -> str:
    """What stands for the bytes where they were not read; "" when nothing does: a length alone is no identity."""
    return hashlib.blake2b(f"{etag}/{size}".encode(), digest_size=16).hexdigest() if etag else ""


def with_head(facts: SegmentFacts, answer: Answer, listed: Listed) -> SegmentFacts:
    """What the headers alone tell. Length and ETag are the resource's, not those of a range of it."""
    if listed.byte_range is not None:
        return facts
    return msgspec.structs.replace(facts, size=answer.size, digest=etag_digest(answer.etag, answer.size))


def _inflated(raw: bytes) -> bytes | None:
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        body = inflater.decompress(raw, 8 * HEAD_WANTED)
    except zlib.error:
        return None
    return body if inflater.eof else None
