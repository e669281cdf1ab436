"""What an MPD says, in the terms in which it is compared and reckoned with. It stays inside the prober: URLs in it still carry
their queries.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from console.probe.dash.timeline import Run


class Addressing(StrEnum):
    """How the segments of a Representation are found."""

    TIMELINE = "timeline"  # SegmentTimeline: each is listed
    CLOCK = "clock"  # SegmentTemplate@duration: they follow from the clock alone
    LIST = "list"  # SegmentList
    SINGLE = "single"  # SegmentBase, or nothing: one file


class Track(msgspec.Struct, frozen=True):
    """One Representation in one Period."""

    rendition: str
    kind: str  # video | audio | iframe | text | image
    id: str
    bandwidth_bps: int
    height: int | None
    codecs: str
    addressing: Addressing
    base_url: str
    media: str = ""  # the template of a segment's URL
    initialization: str = ""
    timescale: int = 1
    presentation_offset: int = 0  # presentationTimeOffset, ticks
    start_number: int = 1
    end_number: int | None = None
    duration: int = 0  # @duration, ticks; 0 with a timeline
    runs: tuple[Run, ...] = ()
    urls: tuple[str, ...] = ()  # of a SegmentList, unresolved
    available_early_s: float = 0.0  # availabilityTimeOffset, of BaseURL and SegmentTemplate together
    continues: str | None = None  # the Period that this one says it continues without a seam

    @property
    def is_timed(self) -> bool:
        """Whether the MPD itself must be extended for a new segment to exist."""
        return self.addressing in (Addressing.TIMELINE, Addressing.LIST) and not self.is_open

    @property
    def is_open(self) -> bool:
        """Whether its last S repeats until the Period ends."""
        return bool(self.runs) and self.runs[-1].segments < 0

    def seconds(self, ticks: int) -> float:
        """A time of the timeline, in seconds since its Period's start."""
        return (ticks - self.presentation_offset) / self.timescale


class Period(msgspec.Struct, frozen=True):
    """One Period, its start reckoned if it is not written."""

    id: str
    start_s: float  # since availabilityStartTime
    end_s: float | None  # by its duration, the next Period's start, or the presentation's end
    duration_s: float | None  # as written
    tracks: tuple[Track, ...]

    def track(self, rendition: str) -> Track | None:
        """The Representation of that name."""
        return next((track for track in self.tracks if track.rendition == rendition), None)


class Timing(msgspec.Struct, frozen=True):
    """A UTCTiming: where a player gets its time."""

    scheme: str  # the last word of urn:mpeg:dash:utc:...: http-iso, http-head, direct, ntp ...
    value: str  # a URL, resolved, for the http schemes


class Manifest(msgspec.Struct, frozen=True):
    """One MPD."""

    is_dynamic: bool
    starts_at: datetime | None  # availabilityStartTime; always there in a dynamic MPD
    published_at: datetime | None
    update_period_s: float | None  # minimumUpdatePeriod
    depth_s: float | None  # timeShiftBufferDepth
    delay_s: float | None  # suggestedPresentationDelay
    latency_s: float | None  # ServiceDescription's target
    duration_s: float | None  # mediaPresentationDuration
    timings: tuple[Timing, ...]
    periods: tuple[Period, ...]

    @property
    def is_over(self) -> bool:
        """Nothing new is owed: a static MPD, or a live one that says it will not be updated though only an update could bring
        a new segment.
        """
        if not self.is_dynamic:
            return True
        return self.update_period_s is None and all(track.is_timed for period in self.periods for track in period.tracks)

    def elapsed_s(self, now: datetime) -> float:
        """Seconds since availabilityStartTime; without one, 0."""
        return (now - self.starts_at).total_seconds() if self.starts_at is not None else 0.0

    def wall(self, presentation_s: float) -> datetime | None:
        """The wall-clock moment of a presentation time; None for a static MPD."""
        if self.starts_at is None or not self.is_dynamic:
            return None
        try:
            return self.starts_at + timedelta(seconds=presentation_s)
        except OverflowError:
            return None

    def renditions(self) -> tuple[str, ...]:
        """Every picture and sound that any Period has, in the order of the newest Period first."""
        names: dict[str, None] = {}
        for period in reversed(self.periods):
            for track in period.tracks:
                if track.kind in ("video", "audio"):
                    names.setdefault(track.rendition)
        return tuple(names)
