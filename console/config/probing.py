"""How the prober goes about its work."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from console.config.kinds import Rate


class SegmentPolicy(StrEnum):
    """Which segments are looked at. What is not fetched whole is only asked whether it is there."""

    NEWEST = "newest"  # the newest of the top rendition at each vantage, whole
    ALL = "all"  # those of every rendition, whole as far as the budget goes, in turns
    HEAD = "head"  # the newest of the top rendition, never its bytes
    NONE = "none"


class Verdicts(StrEnum):
    """Whose verdicts the streams show."""

    PROBER = "prober"  # this process's own prober asks every playlist
    METRICS = "metrics"  # those that `midwatch probe --metrics` reached elsewhere, read back from Prometheus


class Probing(msgspec.Struct, frozen=True, kw_only=True):
    """Playlists are always watched; what is fetched besides is for each site to say, as somebody pays for the traffic."""

    verdicts: Verdicts = Verdicts.PROBER
    segments: SegmentPolicy = SegmentPolicy.NEWEST
    segment_budget: Rate = "4MB/s"  # bytes of segments over all channels; past it only their heads are asked for
