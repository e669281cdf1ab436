"""The encoding of RFC 4251, read: keys, certificates, signatures and revocation lists are made of it.

asyncssh reads keys and certificates, too, and does so once more behind us; but it does not tell the serial of a certificate,
nor which algorithm its authority signed with, and it knows no revocation lists.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode


class Torn(ValueError):
    """The bytes end before what they promise, or go on after it."""


class Wire:
    """A cursor over bytes. Every reader raises Torn where there is not enough; nothing is copied that was not asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count > len(self._data) - self._at:
            raise Torn(f"{count} bytes promised, {len(self._data) - self._at} there")
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4))

    def u64(self) -> int:
        return int.from_bytes(self.take(8))

    def string(self) -> bytes:
        """A length and as many bytes."""
        return self.take(self.u32())

    def within(self) -> Wire:
        """What a string holds."""
        return Wire(self.string())

    def names(self) -> tuple[str, ...]:
        """All strings to the end, as texts; bytes that are no UTF-8 stay visible and equal nothing."""
        found = []
        while self:
            found.append(self.string().decode("utf-8", "backslashreplace"))
        return tuple(found)


def fingerprint(key: bytes) -> str:
    """As ssh-keygen -l prints it: SHA256:..., of a key's blob."""
    return f"SHA256:{b64encode(hashlib.sha256(key).digest()).decode().rstrip('=')}"
