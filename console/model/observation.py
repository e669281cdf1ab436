"""What the prober saw: the words between the prober's process and the judge.

One observation is one HTTP question. The prober states facts (status, numbers read from the playlist, times stamped at the
socket) and never a verdict; the judge alone decides.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from console.model.instant import Instant


class Outcome(StrEnum):
    """How one fetch ended."""

    OK = "ok"
    HTTP = "http"  # a 4xx or 5xx, see `status`
    UNREACHABLE = "unreachable"  # refused, reset, DNS, TLS
    TIMEOUT = "timeout"
    NOT_PLAYLIST = "not_playlist"  # 200, but the body does not begin with #EXTM3U
    MALFORMED = "malformed"  # a playlist whose numbers cannot be read
    TOO_LARGE = "too_large"
    REFUSED_REDIRECT = "refused_redirect"  # to a scheme or host that is not allowed


class Asked(StrEnum):
    """What was fetched."""

    MASTER = "master"
    MEDIA = "media"
    SEGMENT = "segment"


class Variant(msgspec.Struct, frozen=True):
    """One rung of the ladder as the master playlist names it."""

    rendition: str  # "1080p", or the URI's own name when the height is unknown
    uri: str  # resolved, credentials removed
    bandwidth_bps: int = 0
    height: int | None = None


class MediaFacts(msgspec.Struct, frozen=True):
    """The numbers of one media playlist that checks need."""

    target_duration_s: float
    media_sequence: int
    segment_count: int
    newest_sequence: int  # media_sequence + segment_count - 1
    newest_uri: str
    newest_ends_at: datetime | None  # PROGRAM-DATE-TIME of the newest segment + its EXTINF
    longest_extinf_s: float
    window_s: float
    discontinuity_sequence: int = 0
    has_endlist: bool = False
    playlist_type: str | None = None
    hold_back_s: float | None = None


class Observation(msgspec.Struct, frozen=True):
    """One fetch: who, what, when, and what came back."""

    channel: str
    vantage: str
    asked: Asked
    rendition: str | None  # None for a master
    at: Instant  # when the answer was complete (or given up), at the socket
    elapsed_s: float
    outcome: Outcome
    status: int | None = None
    detail: str = ""  # sanitised, <= 200 characters: error text, or the body's first line when it is no playlist
    url: str = ""  # credentials and query removed
    variants: tuple[Variant, ...] = ()  # of a master
    media: MediaFacts | None = None  # of a media playlist; also when unchanged
    is_unchanged: bool = False  # same digest or 304 as the last good answer
    age_header_s: float | None = None  # the cache's Age
    is_retry: bool = False  # the re-fetch that confirms what the last answer showed


class Heartbeat(msgspec.Struct, frozen=True):
    """Once a second from the prober: that it lives, and whether its own lateness taints what it saw."""

    at: Instant
    poll_lag_s: float  # worst (started - due) of the polls since the last heartbeat
    loop_lag_s: float  # worst oversleep of its event loop
    channels: int
    polls: int  # since the last heartbeat
    bytes_in: int
    in_flight: int


class ProbeBatch(msgspec.Struct, frozen=True):
    """One frame on the prober's socket."""

    observations: tuple[Observation, ...] = ()
    heartbeat: Heartbeat | None = None
