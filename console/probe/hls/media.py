"""One copy of a media playlist as the prober keeps it: parallel lists, and what is rare kept sparse.

A list of strings and one of floats is what Python compares and slices quickest; an object per segment costs ten times as much
to make and keeps the collector busy. Positions are media sequence numbers (MSN) wherever something is sparse, so that a copy
whose window slid can take over what the copy before knew without renumbering.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from console.model.observation import MediaFacts
from console.probe.hls.define import Variables
from console.probe.hls.keys import Key
from console.probe.hls.place import resolved

T = TypeVar("T")
Range = tuple[int, int | None]  # length and offset in bytes; the offset is None when nothing tells it


class Map(msgspec.Struct, frozen=True):
    """EXT-X-MAP: the initialisation section of the segments after it."""

    uri: str  # as written
    byterange: str = ""

    @property
    def same(self) -> tuple[str, str]:
        return self.uri.partition("?")[0], self.byterange


class Part(msgspec.Struct, frozen=True):
    """EXT-X-PART: one partial segment."""

    uri: str
    duration_s: float
    byterange: str = ""
    is_independent: bool = False
    is_gap: bool = False


class Hint(msgspec.Struct, frozen=True):
    """EXT-X-PRELOAD-HINT of TYPE=PART: what the server promises to come next."""

    uri: str
    start: int | None = None


class Report(msgspec.Struct, frozen=True):
    """EXT-X-RENDITION-REPORT: how far another rendition is."""

    uri: str
    last_msn: int
    last_part: int | None = None


class Control(msgspec.Struct, frozen=True):
    """EXT-X-SERVER-CONTROL and EXT-X-PART-INF; None where the attribute is absent."""

    can_block: bool = False
    hold_back_s: float | None = None
    part_hold_back_s: float | None = None
    can_skip_until_s: float | None = None
    part_target_s: float | None = None


class Jump(msgspec.Struct, frozen=True):
    """Two PROGRAM-DATE-TIMEs of one playlist that the EXTINFs between them do not explain."""

    since_msn: int  # the segment with the earlier date
    msn: int  # the one with the later
    error_s: float  # later - earlier - EXTINFs between


class Anchor(msgspec.Struct, frozen=True):
    """The last date in a playlist, and how much of it follows."""

    msn: int
    date_s: float
    since_s: float  # durations from that segment's begin to the end of the newest
    is_broken: bool = False  # a discontinuity lies between


class Form(msgspec.Struct, frozen=True):
    """How a plain copy is written: its text up to the MEDIA-SEQUENCE's number, that between the number and the segments, and
    the offset at which these begin.
    """

    lead: str
    rest: str
    begins: int


class Listed(msgspec.Struct, frozen=True):
    """One segment as the prober fetches it."""

    sequence: int
    url: str  # to be fetched, with its query: never told
    extinf_s: float
    byterange: Range | None
    keys: tuple[Key, ...]
    map_url: str | None
    map_byterange: str
    is_gap: bool


class Media(msgspec.Struct, frozen=True):
    """One copy. `facts` is what the judge is told of it; the rest stays in the prober."""

    facts: MediaFacts
    base_url: str
    text: str  # the body, one line ending, lines stripped; "" when it was put together from a delta
    sequence: int  # MSN of the first segment
    uris: list[str]  # as written
    durations: list[float]
    dates: list[float | None]  # PROGRAM-DATE-TIME as Unix seconds where a tag stands
    discontinuities: tuple[int, ...] = ()
    gaps: tuple[int, ...] = ()
    ranges: Mapping[int, Range] = {}
    keys: tuple[tuple[int, tuple[Key, ...]], ...] = ()  # runs: from this MSN on
    maps: tuple[tuple[int, Map | None], ...] = ()
    jumps: tuple[Jump, ...] = ()
    anchor: Anchor | None = None
    parts: Mapping[int, tuple[Part, ...]] = {}  # by the MSN they belong to, also the one not yet complete
    hint: Hint | None = None
    reports: tuple[Report, ...] = ()
    control: Control = Control()
    variables: Variables = {}
    part_lines: Mapping[str, Part] = {}  # as they were written: most lines come again in the next copy
    skipped: int = 0  # segments that this copy took over from the one before, or could not
    is_partial: bool = False  # a delta that fits nothing: the skipped segments are unknown
    is_image: bool = False  # EXT-X-I-FRAMES-ONLY
    ends: list[int] = []  # offsets in `text` behind each segment's URI; filled when first needed
    form: list[Form | None] = []  # one, when first needed; None in it when the next copy has to be read in full
    decimals: int = 0  # with which its EXTINFs are written: "4.000" is three, and is not rounded to whole seconds
    is_appended: bool = False  # the copy before differs from it only by segments at its ends

    @property
    def newest(self) -> int:
        """MSN of the last complete segment; sequence - 1 when there is none."""
        return self.facts.newest_sequence

    @property
    def keys_in_use(self) -> tuple[Key, ...]:
        """The keys of the newest segment."""
        return self.keys_at(self.newest)

    def keys_at(self, msn: int) -> tuple[Key, ...]:
        """The keys in force for one segment."""
        return _run(self.keys, msn) or ()

    def map_at(self, msn: int) -> Map | None:
        """The initialisation section of one segment."""
        return _run(self.maps, msn)

    def url_of(self, uri: str) -> str:
        """Where a URI of this playlist is fetched. Raises PlaylistError."""
        return resolved(self.base_url, uri, self.variables)

    def listed(self, index: int) -> Listed:
        """One segment, by its place in the list (negative from the end). Raises IndexError, and PlaylistError for a URI that
        is none.
        """
        uri = self.uris[index]
        place = index if index >= 0 else len(self.uris) + index
        msn = self.newest - len(self.uris) + 1 + place
        section = self.map_at(msn)
        return Listed(
            sequence=msn,
            url=self.url_of(uri),
            extinf_s=self.durations[index],
            byterange=self.ranges.get(msn),
            keys=self.keys_at(msn),
            map_url=self.url_of(section.uri) if section is not None else None,
            map_byterange=section.byterange if section is not None else "",
            is_gap=msn in self.gaps,
        )


def _run(runs: tuple[tuple[int, T], ...], msn: int) -> T | None:
    place = bisect_right(runs, msn, key=_begin) - 1
    return runs[place][1] if place >= 0 else None


def _begin(run: tuple[int, object]) -> int:
    return run[0]
