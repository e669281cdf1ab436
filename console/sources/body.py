"""A body that is read with a cap on what it becomes, compressed or not."""

from __future__ import annotations

import zlib

MAX_BYTES = 8_000_000
ENCODINGS = "gzip"  # what we offer: the one that `Body` can inflate under a cap


class TooLarge(ValueError):
    """The body is larger than its cap, or inflates to more."""


class Body:
    """Collects chunks as they come off the wire. gzip is inflated here, so that 60 kB on the wire cannot
    become 60 MB.

    `received` counts wire bytes. Raises TooLarge as soon as the cap is passed, ValueError for an encoding not
    offered or a broken one.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, encoding: str = "") -> None:
        self._max_bytes = max_bytes
        self._body = bytearray()
        self.received = 0
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise ValueError(f"content encoding {encoding[:20]!r} was not offered")
        self._inflate = zlib.decompressobj(wbits=31) if "gzip" in encoding else None

    def feed(self, chunk: bytes) -> None:
        """One more chunk of the wire."""
        self.received += len(chunk)
        if self._inflate is not None:
            try:
                chunk = self._inflate.decompress(chunk, self._max_bytes + 1 - len(self._body))
            except zlib.error as error:
                raise ValueError(f"broken gzip: {error}") from error
        self._body += chunk
        if len(self._body) > self._max_bytes:
            raise TooLarge

    def done(self) -> bytes:
        """The whole body."""
        return bytes(self._body)
