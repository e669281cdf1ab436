"""What the prober saw: the words between the prober's process and the judge.

One observation is one HTTP question. The prober states facts (status, numbers read from the playlist, times stamped at the
socket) and never a verdict; the judge alone decides.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from console.model.instant import Instant
from console.model.remark import Remark


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
    WINDOW = "window"  # an old segment that the MPD's window still promises
    KEY = "key"  # EXT-X-KEY's URI
    BLOCKED = "blocked"  # a low-latency playlist asked with _HLS_msn: a rehearsal of what players do


class Variant(msgspec.Struct, frozen=True):
    """One rung of the ladder as the master playlist names it."""

    rendition: str  # "1080p", or the URI's own name when the height is unknown
    uri: str  # resolved, credentials removed
    bandwidth_bps: int = 0
    height: int | None = None
    average_bps: int = 0  # AVERAGE-BANDWIDTH, 0 when the master does not say
    codecs: str = ""
    kind: str = "video"  # video | audio | subtitles | iframe


class MediaFacts(msgspec.Struct, frozen=True):
    """The numbers of one media playlist, or of one Representation of an MPD, that checks need."""

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
    first_starts_at: datetime | None = None  # PROGRAM-DATE-TIME of the oldest segment in the window
    # low latency: (newest_sequence, part_count) only ever grows
    part_target_s: float | None = None
    part_count: int = 0  # parts of the segment after the newest complete one
    part_hold_back_s: float | None = None
    can_block: bool = False  # CAN-BLOCK-RELOAD=YES
    # DASH
    update_period_s: float | None = None  # MPD@minimumUpdatePeriod; None for HLS
    is_timed: bool = True  # False: segments follow from the clock alone (@duration), so a standing MPD is no stale one


class SegmentFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one fetched segment is, as far as it was read. Absent knowledge is None, never a guess."""

    sequence: int
    extinf_s: float
    size: int | None = None  # bytes of the whole segment, from its length even when only its head was read
    digest: str = ""  # of the bytes (when is_whole), else of ETag and length; "" when neither is known
    is_whole: bool = False  # every byte was read
    transfer_s: float | None = None  # first request byte to last body byte; None when only the head was read
    first_byte_s: float | None = None
    container: str = ""  # ts | fmp4 | aac | mp3 | ac3 | webvtt | ttml | webm | encrypted | "" unknown
    duration_s: float | None = None  # by its own timestamps
    starts_with_key: bool | None = None  # random access at its begin
    first_time_s: float | None = None  # its first decode or presentation time, by its own clock
    declared_bps: int = 0  # BANDWIDTH of its rendition
    average_bps: int = 0  # AVERAGE-BANDWIDTH
    codecs: str = ""  # seen on the wire, RFC 6381 where it can be told
    height: int | None = None  # seen on the wire
    waited_s: float = 0.0  # how long the playlist had listed it when this was asked: a late one is asked for again
    # asked so long after it left the playlist, while RFC 8216 6.2.2 promises it; 0: listed still, but old; None: a new one
    left_s: float | None = None


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
    skew_s: float | None = None  # our wall clock less the server's Date; now and then, of an answer that no cache had held
    is_retry: bool = False  # the re-fetch that confirms what the last answer showed
    remarks: tuple[Remark, ...] = ()
    segment: SegmentFacts | None = None
    served_by: str = ""  # who says to have answered: the cache's own headers (X-Cache, Via, X-Served-By), sanitised, <= 120


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
