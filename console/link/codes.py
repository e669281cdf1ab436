"""One character for each value, so that a line of values is a string."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

V = TypeVar("V", bound=Hashable)

FEW = 1024  # what is no longer shown is forgotten when there are more than these, and twice what was found in use


class Codes(dict[V, str]):
    """`codes[value]` is the value's character, a new one where it had none; `codes.value(character)` the way back.

    Characters are code points from `first` on: for looks from 0, so that a line with few of them is a string of bytes. `most`
    bounds their number: past it a value gets the character of `beyond`.
    """

    def __init__(self, first: int, most: int, beyond: str) -> None:
        super().__init__()
        self._first = first
        self._most = most
        self._beyond = beyond
        self._values: list[V] = []
        self._enough = FEW

    def __missing__(self, value: V) -> str:
        at = len(self._values)
        if at >= self._most:
            return self._beyond
        code = self[value] = chr(self._first + at)
        self._values.append(value)
        return code

    def value(self, code: str) -> V:
        return self._values[ord(code) - self._first]

    def knows(self, code: str) -> bool:
        return 0 <= ord(code) - self._first < len(self._values)

    @property
    def is_crowded(self) -> bool:
        return len(self._values) > self._enough

    def forget_but(self, used: Iterable[str]) -> dict[int, str]:
        """Values of other characters are forgotten, the others get new characters: the table for `str.translate`."""
        kept = {code: self.value(code) for code in sorted(set(used)) if self.knows(code)}
        self.clear()
        self._values = []
        self._enough = max(FEW, 2 * len(kept))
        return {ord(code): self[value] for code, value in kept.items()}
