"""Who is watched: every target, found by its channel, vantage and rendition, and all of one vantage at once.

A fleet has thousands of targets, and a master that names its rungs anew asks only for its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.probe.target import Target

Place = tuple[str, str]  # channel, vantage


class Roster:
    """The targets of the present orders. A rendition of None is what the vantage's own URL names."""

    def __init__(self) -> None:
        self._places: dict[Place, dict[str | None, Target]] = {}

    def __iter__(self) -> Iterator[Target]:
        for place in list(self._places.values()):
            yield from list(place.values())

    def __contains__(self, place: Place) -> bool:
        return place in self._places

    def get(self, channel: str, vantage: str, rendition: str | None) -> Target | None:
        """The target of one playlist."""
        place = self._places.get((channel, vantage))
        return place.get(rendition) if place is not None else None

    def at(self, place: Place) -> tuple[Target, ...]:
        """Everything that is watched at one vantage of one channel."""
        return tuple(self._places.get(place, {}).values())

    def add(self, target: Target) -> None:
        """Watch it; it takes the place of one of the same name."""
        self._places.setdefault(target.place, {})[target.rendition] = target

    def remove(self, target: Target) -> None:
        """Watch it no longer."""
        place = self._places.get(target.place)
        if place is not None and place.get(target.rendition) is target:
            del place[target.rendition]
            if not place:
                del self._places[target.place]
