"""Numbers that do not end at a byte: fixed-width fields and Exp-Golomb codes (ISO/IEC 14496-10, 9.1)."""

from __future__ import annotations

LONGEST_CODE = 32  # leading zeros; a longer code is no number that a parameter set may hold


class Unreadable(ValueError):
    """The bytes end, or say something impossible, before the number asked for."""


class Bits:
    """A cursor over at most a few hundred bytes."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        """The next `count` bits. Raises Unreadable past the end."""
        if count > self._left:
            raise Unreadable(f"{count} bits asked, {self._left} left")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def unsigned(self) -> int:
        """ue(v)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > LONGEST_CODE:
                raise Unreadable("an Exp-Golomb code without end")
        return (1 << zeros | self.take(zeros)) - 1

    def signed(self) -> int:
        """se(v)."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)
