"""One selection that every pane follows."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import msgspec

DIMENSIONS = ("region", "cluster", "cdn", "pop", "namespace", "node", "service", "channel", "rendition", "pod")


class Scope(msgspec.Struct, frozen=True):
    """Dimension -> value, narrowing all panes at once. Empty means everything.

    Each source maps the dimensions it knows to its own query language (config `[scope.DIMENSION]`); a dimension that a
    thing does not have does not exclude it: alerts without a region are shown in every region.
    """

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, texts: list[str] | tuple[str, ...]) -> Scope:
        """From `--scope k=v` words. Raises ValueError naming the word and the known dimensions."""
        scope = cls()
        for text in texts:
            dimension, equals, value = text.partition("=")
            if not equals or not value or dimension not in DIMENSIONS:
                near = difflib.get_close_matches(dimension, DIMENSIONS, n=1)
                hint = f"; did you mean {near[0]}=?" if near and dimension not in DIMENSIONS else ""
                known = ", ".join(DIMENSIONS)
                raise ValueError(f"scope {text!r} is not DIMENSION=VALUE with a known dimension ({known}){hint}")
            scope = scope.narrowed(dimension, value)
        return scope

    def get(self, dimension: str) -> str | None:
        """The value this scope fixes for a dimension, or None when it leaves it open."""
        return dict(self.pairs).get(dimension)

    def narrowed(self, dimension: str, value: str) -> Scope:
        """This scope with one dimension fixed (replacing an earlier value)."""
        rest = tuple(pair for pair in self.pairs if pair[0] != dimension)
        return Scope(pairs=(*rest, (dimension, value)))

    def without(self, dimension: str) -> Scope:
        """This scope with one dimension opened again."""
        return Scope(pairs=tuple(pair for pair in self.pairs if pair[0] != dimension))

    def admits(self, facts: Mapping[str, str | None]) -> bool:
        """Whether a thing with these dimensions is in scope; a dimension it lacks (absent or None) does not exclude it."""
        return all(facts.get(dimension) in (None, "", value) for dimension, value in self.pairs)

    def __str__(self) -> str:
        return " ".join(f"{dimension}={value}" for dimension, value in self.pairs)

    def __bool__(self) -> bool:
        return bool(self.pairs)
