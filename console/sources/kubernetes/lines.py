"""A byte stream into lines, with a bound: one watch event is one line."""

from __future__ import annotations

LINE_LIMIT = 8 * 1024 * 1024  # etcd holds objects up to 1.5 MB; JSON doubles them


class LineTooLong(Exception):
    """The line at hand has passed the limit without ending."""


class Lines:
    """Feed chunks, take whole lines. `torn` is what is left without its newline: after a cut it is worth
    nothing.
    """

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        # Chunks of the unfinished line, joined once: appending bytes is quadratic.
        self._begun: list[bytes] = []
        self._size = 0

    @property
    def torn(self) -> bytes:
        return b"".join(self._begun)

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completed, without newline, blank ones left out. Raises LineTooLong."""
        *whole, tail = chunk.split(b"\n")
        if whole:
            if self._begun:
                self._begin(whole[0])
                whole[0] = self.torn
            self._begun, self._size = [], 0
        self._begin(tail)
        if whole and max(map(len, whole)) > self._limit:
            raise LineTooLong
        return [line for line in whole if line.strip()]

    def _begin(self, piece: bytes) -> None:
        if piece:
            self._begun.append(piece)
            self._size += len(piece)
        if self._size > self._limit:
            raise LineTooLong
