"""What one check says of one playlist at one vantage, before anybody is blamed; and what checks look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from console.judge.codes import Code
from console.judge.memory import UNKNOWN_TARGET_S, ChannelMemory, PlaylistMemory, ProbeMemory
from console.model.instant import Instant
from console.model.severity import Severity

Fact = str | int | float | list[str]


class Symptom(msgspec.Struct, frozen=True):
    """One code at one vantage."""

    code: Code
    vantage: str
    rendition: str | None
    severity: Severity
    first: Instant  # since when it has been so
    last: Instant  # when it was last seen to be so
    says: str  # the end of the sentence: "newest segment 14 s old, limit 6 s"
    evidence: Mapping[str, Fact] = {}


class Sight(msgspec.Struct, frozen=True):
    """What every check is given: the memory, and now."""

    memory: ChannelMemory
    now: Instant

    @property
    def probe(self) -> ProbeMemory:
        return self.memory.probe

    @property
    def origin(self) -> str | None:
        """Name of the vantage that counts as the origin."""
        origin = self.memory.channel.origin
        return origin.name if origin is not None else None

    @property
    def target_s(self) -> float:
        """T of the channel: the shortest of its playlists, so that lateness is measured by the strictest."""
        known = [p.media.target_duration_s for p in self.memory.playlists.values() if p.media is not None]
        return min(known, default=UNKNOWN_TARGET_S)

    def media(self) -> Iterator[tuple[str, str, PlaylistMemory]]:
        """(vantage, rendition, memory) of every media playlist that its vantage names now."""
        named: dict[str, tuple[str, ...]] = {}
        for (vantage, rendition), playlist in self.memory.playlists.items():
            if rendition is None:
                continue
            if vantage not in named:
                named[vantage] = self.memory.rungs_at(vantage)
            if rendition in named[vantage]:
                yield vantage, rendition, playlist

    def masters(self) -> Iterator[tuple[str, PlaylistMemory]]:
        """(vantage, memory) of every master playlist."""
        for (vantage, rendition), playlist in self.memory.playlists.items():
            if rendition is None:
                yield vantage, playlist


def seconds(value: float) -> str:
    """Seconds for a sentence: whole ones from ten up."""
    return f"{value:.0f} s" if value >= 10 or value == int(value) else f"{value:.1f} s"
