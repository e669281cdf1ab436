"""What the judge remembers of a channel: frozen, so that a step can be taken twice from the same place."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.judge.drift import Drift
from console.judge.hysteresis import Samples
from console.judge.noted import Noted
from console.judge.parts import Parts
from console.judge.segments import SegmentMemory
from console.model.channel import Channel, Vantage
from console.model.finding import ChannelVerdict
from console.model.instant import Instant
from console.model.observation import Heartbeat, MediaFacts, Outcome, Variant
from console.model.severity import Severity

Place = tuple[str, str | None]  # (vantage, rendition); None as rendition is the master
UNKNOWN_TARGET_S = 4.0  # T until a playlist has told it
ADVANCES_KEPT = 8
_OK = Outcome.OK  # asked for every playlist at every step
_WELL = Severity.OK  # as is this


class Spell(msgspec.Struct, frozen=True):
    """How long something proven has been so."""

    first: Instant
    last: Instant
    count: int = 1  # answers in a row that showed it

    def again(self, at: Instant) -> Spell:
        return Spell(self.first, at, self.count + 1)


class Advance(msgspec.Struct, frozen=True):
    """When a newest segment was first shown."""

    sequence: int
    at: float  # monotonic, completion of the poll that showed it
    ends_at: float | None  # its end by PROGRAM-DATE-TIME, seconds since the epoch
    gap_s: float = 0.0  # since the advance before it


class PlaylistMemory(msgspec.Struct, frozen=True):
    """One playlist at one vantage."""

    watched_from: float  # monotonic: the first observation of it, later by all blind time since
    last_at: Instant
    last_start: float  # monotonic time at which the newest answered poll was started
    last_outcome: Outcome
    last_status: int | None = None
    last_detail: str = ""
    url: str = ""
    is_compared: bool = False  # an edge of a channel whose origin is watched: `origin.py` knows how far it may lag
    good_start: float | None = None  # start of the newest poll that was answered well
    whole_start: float | None = None  # the same, and it was no 304, which tells little of the headers
    fetches: Samples = Samples()
    bad_outcome: Outcome | None = None  # of the newest failed fetch
    bad_status: int | None = None
    bad_detail: str = ""
    # of a media playlist
    media: MediaFacts | None = None  # the newest facts that were accepted as its baseline
    newest: int | None = None
    shown: Instant | None = None  # first poll that showed the newest segment: STALE's age counts from here
    excused_until: float = 0.0  # the age counts from here at the earliest: blind time is not its fault
    advances: tuple[Advance, ...] = ()  # newest last
    age_header_s: float | None = None  # of the newest answer
    was_live: bool = False  # seen without ENDLIST and seen to move, or of a live kind
    back: Spell | None = None  # answers lower than the baseline, not yet confirmed
    back_by: int = 0
    went_back: Spell | None = None  # confirmed
    behind: Spell | None = None  # an edge well behind the origin
    exceeding: Spell | None = None  # TD_EXCEEDED
    ended: Spell | None = None  # ENDLIST on a live playlist
    exceeded_at: float | None = None  # monotonic: the first answer that showed TD_EXCEEDED no more
    ended_at: float | None = None  # the same of ENDLIST
    late: Samples = Samples()  # LATENCY, one sample per new segment
    latency_s: float | None = None  # of the newest segment when it was first shown
    drift: Drift | None = None  # its dates against our clock, where they are made
    parts: Parts | None = None  # of a low-latency playlist
    # of a master playlist
    variants: tuple[Variant, ...] = ()
    lost: Mapping[str, Spell] = {}  # rung -> since when it is missing
    found_at: Mapping[str, float] = {}  # rung -> monotonic: the first answer that named it again

    @property
    def target_s(self) -> float:
        return self.media.target_duration_s if self.media is not None else UNKNOWN_TARGET_S

    @property
    def is_answering(self) -> bool:
        """The newest answer was a playlist."""
        return self.last_outcome is _OK

    @property
    def is_over(self) -> bool:
        """An ENDLIST closes a playlist: nothing new is owed."""
        return self.media is not None and self.media.has_endlist

    @property
    def is_mpd(self) -> bool:
        """A rendition of a live MPD."""
        return self.media is not None and (self.media.update_period_s is not None or not self.media.is_timed)

    @property
    def is_suspect(self) -> bool:
        """Whether a check of what it showed and how it was answered could have anything to say."""
        return (
            self.fetches.level is not _WELL
            or self.went_back is not None
            or self.behind is not None
            or self.exceeding is not None
            or self.ended is not None
            or self.late.level is not _WELL
        )

    def counts_from(self) -> float | None:
        """Monotonic time from which the newest segment's age is reckoned."""
        return None if self.shown is None else max(self.shown.mono, self.excused_until)


class ProbeMemory(msgspec.Struct, frozen=True):
    """How far the prober itself can be believed."""

    since: Instant  # when the judge began to listen
    heartbeat: Heartbeat | None = None
    good_at: float | None = None  # the last heartbeat that told of no lateness
    blind_since: float | None = None  # from here on what is not seen proves nothing
    blind_why: str = ""
    blind_until: float = 0.0  # end of the last spell: polls started before it prove no age


class Calm(msgspec.Struct, frozen=True):
    """A channel that was found well, and what its verdict stood on: `calm.py`."""

    verdict: ChannelVerdict
    watched_since: float  # monotonic: since when every expected playlist has been watched
    target_s: float  # its strictest T
    ladder: tuple[Variant, ...]
    count: int  # playlists
    masters: tuple[tuple[str, tuple[Variant, ...]], ...]  # by vantage, what each names
    places: tuple[tuple[Place, float, bool], ...]  # of media: T, and whether its latency counts


class ChannelMemory(msgspec.Struct, frozen=True):
    """All that is remembered of one channel. Begin with `ChannelMemory.starting`."""

    channel: Channel
    probe: ProbeMemory
    playlists: Mapping[Place, PlaylistMemory] = {}
    segments: Mapping[Place, SegmentMemory] = {}
    noted: Mapping[Place, tuple[Noted, ...]] = {}  # what was remarked on; empty while nothing is
    keys: Mapping[Place, float] = {}  # when the newest key that came was asked for, monotonic
    ladder: tuple[Variant, ...] = ()  # the learned baseline: every rung the origin ever named
    wall_s: float | None = None  # our wall clock less the monotonic one, as it is believed
    wall_step_s: float = 0.0  # by how much it was set since, and is not believed: see `wall.py`
    least_latency_s: float | None = None  # the lowest ever seen here: an encoder's own delay is no fault
    changes: tuple[float, ...] = ()  # monotonic times at which the channel went into or out of trouble
    severity: Severity = Severity.UNKNOWN
    peak: Severity = Severity.OK  # the worst since the first of `changes`
    peak_reason: str = ""
    is_off: bool = False  # not on air by plan when last judged
    calm: Calm | None = None  # of the newest full judgement

    @classmethod
    def starting(cls, channel: Channel, now: Instant) -> ChannelMemory:
        """Nothing seen yet."""
        return cls(channel=channel, probe=ProbeMemory(since=now))

    def vantage(self, name: str) -> Vantage | None:
        """The vantage of that name, or None when the channel has none."""
        for vantage in self.channel.vantages:  # asked for every observation: a generator costs as much as ten of them
            if vantage.name == name:
                return vantage
        return None

    def expected(self) -> tuple[str, ...]:
        """The ladder: as configured, else as learned. Best rung first."""
        if self.channel.renditions:
            return self.channel.renditions
        rungs = sorted(self.ladder, key=lambda rung: (rung.height or 0, rung.bandwidth_bps), reverse=True)
        return tuple(rung.rendition for rung in rungs)

    def rungs_at(self, vantage: str) -> tuple[str, ...]:
        """The renditions that this vantage names now: by its master, or the media playlist it is itself."""
        master = self.playlists.get((vantage, None))
        if master is not None and master.variants:
            return tuple([rung.rendition for rung in master.variants])
        return tuple([r for (v, r) in self.playlists if v == vantage and r is not None])
