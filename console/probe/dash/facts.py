"""The numbers of an MPD that checks need: its ladder as `Variant`s, and `MediaFacts` for each rendition."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from console.model.observation import MediaFacts, Variant
from console.probe.dash import reach
from console.probe.dash.manifest import Addressing, Manifest, Track
from console.probe.dash.numbering import Numbered, numbered
from console.probe.dash.reach import Segment, Stretch

_ROUNDING_S = 0.05  # 2.005 s of sound are a segment of 2 s


class Found(NamedTuple):
    """One rendition at one moment."""

    track: Track  # of the newest Period that has it
    facts: MediaFacts
    numbered: Numbered | None
    newest: Segment | None
    stretches: tuple[Stretch, ...]


def variants(manifest: Manifest) -> tuple[Variant, ...]:
    """The ladder: pictures and sounds of every Period in the MPD. A break with fewer rungs than the programme around it is no
    loss of a rung.
    """
    found: list[Variant] = []
    for name in manifest.renditions():
        track = _newest_track(manifest, name)
        if track is None:
            continue
        found.append(
            Variant(
                rendition=name,
                uri=track.base_url,
                bandwidth_bps=track.bandwidth_bps,
                height=track.height,
                codecs=track.codecs,
                kind=track.kind,
            )
        )
    return tuple(found)


def _newest_track(manifest: Manifest, rendition: str) -> Track | None:
    found = (period.track(rendition) for period in reversed(manifest.periods))
    return next((track for track in found if track is not None), None)


def find(
    manifest: Manifest, now: datetime, before: Mapping[str, Numbered], is_restarted: bool = False
) -> dict[str, Found]:
    """Every picture and sound of the MPD with its facts. `before`: the numbers that the copy before this one had."""
    reached: dict[str, tuple[Stretch, ...]] = {}
    lengths: list[float] = []
    for name in manifest.renditions():
        there = reached[name] = reach.stretches(manifest, name, now)
        lengths.extend(run.duration / each.track.timescale for each in there for run in each.runs)
    target_s = target_duration_s(max(lengths, default=0.0))
    found: dict[str, Found] = {}
    active = next((p for p in reversed(manifest.periods) if any(s[-1].period is p for s in reached.values() if s)), None)
    for name, there in reached.items():
        track = there[-1].track if there else _newest_track(manifest, name)
        if track is None:
            continue
        mine = numbered(before.get(name), manifest, there, is_restarted)
        newest = reach.segment(manifest, there[-1], there[-1].total - 1) if there else None
        is_on_air = not there or active is None or there[-1].period is active
        found[name] = Found(track, _facts(manifest, track, there, mine, newest, target_s, is_on_air), mine, newest, there)
    return found


def target_duration_s(longest_s: float) -> float:
    """T for an MPD, which has none: the longest segment of any rendition, rounded up to whole seconds as HLS has it. One
    number for all of them, since sound and picture are cut a few milliseconds apart.
    """
    return float(max(1, math.ceil(longest_s - _ROUNDING_S)))


def _facts(
    manifest: Manifest,
    track: Track,
    there: tuple[Stretch, ...],
    mine: Numbered | None,
    newest: Segment | None,
    target_s: float,
    is_on_air: bool,
) -> MediaFacts:
    """`is_on_air` is False for a rendition that the newest Period has not: nothing new of it is owed."""
    longest_s = max((run.duration / each.track.timescale for each in there for run in each.runs), default=0.0)
    count = mine.total if mine is not None else 0
    first = mine.first if mine is not None else 0
    is_timed = is_on_air and track.is_timed and track.addressing is not Addressing.SINGLE
    return MediaFacts(
        target_duration_s=target_s,
        media_sequence=first,
        segment_count=count,
        newest_sequence=first + count - 1,
        newest_uri=newest.url if newest is not None else "",
        newest_ends_at=manifest.wall(newest.ends_s) if newest is not None else None,
        longest_extinf_s=longest_s,
        window_s=sum(span.duration_s * span.segments for span in mine.spans) if mine is not None else 0.0,
        has_endlist=manifest.is_over,
        first_starts_at=manifest.wall(mine.spans[0].start_s) if mine is not None else None,
        update_period_s=manifest.update_period_s,
        is_timed=is_timed,
    )
