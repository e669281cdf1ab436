"""What a watched document says, whatever its kind: the seam between the prober and the rooms that read HLS and DASH.

A master names a ladder, a media playlist is one rendition, and an MPD is both at once: so a `Manifest` may have variants, and
may have tracks, and the prober needs to know no more. `kind.py` finds out which reader an answer needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from console.model.observation import MediaFacts, Variant
from console.model.remark import Remark
from console.probe.fetch import Answer
from console.probe.listed import KeyTag, Listed

if TYPE_CHECKING:
    from console.probe.dash.clock import ClockWatch


class Unreadable(Exception):
    """The body is no manifest, or one whose numbers cannot be read. `is_manifest` tells which; the text is printable."""

    def __init__(self, reason: str, is_manifest: bool) -> None:
        super().__init__(reason)
        self.is_manifest = is_manifest


class Track(Protocol):
    """One rendition: what is told of it, and what of it may be fetched. Valid until the next answer is taken."""

    @property
    def facts(self) -> MediaFacts:
        """As it may be told: without credentials and query."""

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Standing ones, and events of this answer."""

    def newest(self, count: int) -> tuple[Listed, ...]:
        """At most `count` of the newest segments, oldest first."""

    def oldest(self) -> Listed | None:
        """The oldest segment that must be there now, where the document itself says for how long (an MPD); else None."""

    def keys(self) -> tuple[KeyTag, ...]:
        """The keys of its newest segments."""


class Manifest(msgspec.Struct, frozen=True):
    """One answer, read. `variants` still have their queries."""

    variants: tuple[Variant, ...] = ()  # of a master or an MPD
    track: Track | None = None  # of a media playlist
    tracks: Mapping[str, Track] = {}  # of an MPD: by rendition
    remarks: tuple[Remark, ...] = ()  # of the document itself; a track has its own
    session_keys: tuple[KeyTag, ...] = ()
    variables: Mapping[str, str] = {}  # EXT-X-DEFINE of a master, for its media playlists
    is_unchanged: bool = False
    period_s: float | None = None  # how often it wants to be asked for, when it says so (an MPD)
    ask_at: float | None = None  # monotonic: when an answer would prove that it stands still; asked then at the latest

    @property
    def is_ladder(self) -> bool:
        """Whether it names renditions; else it is one."""
        return bool(self.variants)


class ManifestReader(Protocol):
    """One document over time: it remembers the copy before."""

    @property
    def is_dash(self) -> bool: ...

    def clock(self) -> ClockWatch | None:
        """The watch over the time source that the document names, if documents of this kind do."""

    def take(self, answer: Answer, is_retry: bool, variables: Mapping[str, str]) -> Manifest:
        """What the answer says, also one with 304. Raises Unreadable, and then remembers what it did before."""


def top_of(variants: tuple[Variant, ...]) -> Variant | None:
    """The rung that matters most: the tallest picture, then the widest; of a channel without pictures the widest sound."""
    pictures = [rung for rung in variants if rung.kind == "video"]
    return max(pictures or variants, key=lambda rung: (rung.height or 0, rung.bandwidth_bps), default=None)
