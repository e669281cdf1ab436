"""What one check says of one playlist at one vantage, before anybody is blamed; and what checks look at."""

from __future__ import annotations

from collections.abc import Mapping

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


class Sight:
    """What every check is given: the memory, and now. It is made once a step, and finds its playlists
    once.
    """

    __slots__ = (
        "_expected", "_masters", "_media", "ageing", "memory", "now", "origin", "probe", "rungs", "suspects", "target_s",
    )  # fmt: skip

    def __init__(self, memory: ChannelMemory, now: Instant) -> None:
        self.memory = memory
        self.now = now
        self.probe: ProbeMemory = memory.probe
        origin = memory.channel.origin
        self.origin = origin.name if origin is not None else None  # the vantage that counts as the origin
        self.rungs = {vantage.name: memory.rungs_at(vantage.name) for vantage in memory.channel.vantages}
        playlists = memory.playlists
        self._masters = tuple(
            [(name, master) for name in self.rungs if (master := playlists.get((name, None))) is not None]
        )
        self._media = media = _media(memory, self.rungs)
        self.target_s = _strictest_s(media)
        self._expected: tuple[str, ...] | None = None
        # (vantage, rendition, memory, counts_from) of every media playlist whose newest segment has an age that matters
        self.ageing: tuple[tuple[str, str, PlaylistMemory, float], ...] = tuple(
            [
                (vantage, rendition, one, shown if (shown := one.shown.mono) > one.excused_until else one.excused_until)
                for vantage, rendition, one in media
                if one.shown is not None and (one.media is None or not one.media.has_endlist)
            ]
        )
        # those of which anything but their age may be told: one look at each, instead of one by every check
        self.suspects: _Media = tuple([each for each in media if each[2].is_suspect])

    @property
    def expected(self) -> tuple[str, ...]:
        """The channel's ladder, best rung first."""
        if self._expected is None:
            self._expected = self.memory.expected()
        return self._expected

    def media(self) -> tuple[tuple[str, str, PlaylistMemory], ...]:
        """(vantage, rendition, memory) of every media playlist that its vantage names now."""
        return self._media

    def masters(self) -> tuple[tuple[str, PlaylistMemory], ...]:
        """(vantage, memory) of every master playlist."""
        return self._masters


_Media = tuple[tuple[str, str, PlaylistMemory], ...]


def target_s(memory: ChannelMemory) -> float:
    """`Sight.target_s` without the rest of a sight."""
    return _strictest_s(_media(memory, {each.name: memory.rungs_at(each.name) for each in memory.channel.vantages}))


def _strictest_s(media: _Media) -> float:
    """The shortest T of the channel's playlists, so that lateness is measured by the strictest."""
    return min([p.media.target_duration_s for _, _, p in media if p.media is not None], default=UNKNOWN_TARGET_S)


def _media(memory: ChannelMemory, rungs: Mapping[str, tuple[str, ...]]) -> _Media:
    return tuple(
        [
            (vantage, rendition, playlist)
            for (vantage, rendition), playlist in memory.playlists.items()
            if rendition is not None and rendition in rungs.get(vantage, ())
        ]
    )


def seconds(value: float) -> str:
    """Seconds for a sentence: whole ones from ten up."""
    return f"{value:.0f} s" if value >= 10 or value == int(value) else f"{value:.1f} s"
