"""The close look at one channel, from what the judge remembers of it.

It is asked for when a page is painted and never stored: 500 channels of five renditions at five vantages would be 12,500
structs twice a second for pages that nobody reads.
"""

from __future__ import annotations

from console.judge.memory import ChannelMemory, PlaylistMemory
from console.model.finding import ChannelVerdict
from console.model.instant import Instant
from console.model.observation import Variant
from console.model.opened import OpenedChannel, PlaceFacts


def opened(memory: ChannelMemory, verdict: ChannelVerdict, now: Instant) -> OpenedChannel:
    """Every place that its vantage names now, in the order of the configuration; a rendition no longer named is left out."""
    places = [
        _place(vantage.name, rendition, playlist, now)
        for vantage in memory.channel.vantages
        for rendition in dict.fromkeys(memory.rungs_at(vantage.name))
        if (playlist := memory.playlists.get((vantage.name, rendition))) is not None
    ]
    return OpenedChannel(memory.channel, verdict, tuple(places), _ladder(memory))


def _place(vantage: str, rendition: str, playlist: PlaylistMemory, now: Instant) -> PlaceFacts:
    media = playlist.media
    counts_from = playlist.counts_from()
    ends_at = media.newest_ends_at if media is not None and not playlist.is_over else None
    return PlaceFacts(
        vantage=vantage,
        rendition=rendition,
        outcome=playlist.last_outcome,
        status=playlist.last_status,
        target_s=media.target_duration_s if media is not None else None,
        age_s=max(0.0, now.mono - counts_from) if counts_from is not None and not playlist.is_over else None,
        latency_s=(now.utc - ends_at).total_seconds() if ends_at is not None else None,
        newest_sequence=playlist.newest,
        window_s=media.window_s if media is not None else None,
        asked_s=max(0.0, now.mono - playlist.last_at.mono),
        is_over=playlist.is_over,
        url=playlist.url,
    )


def _ladder(memory: ChannelMemory) -> tuple[Variant, ...]:
    """As the origin's master names it now, else as any vantage's does, with the rungs that it lost since."""
    origin = memory.channel.origin
    named = [vantage.name for vantage in memory.channel.vantages]
    if origin is not None:
        named.insert(0, origin.name)
    masters = (memory.playlists.get((name, None)) for name in named)
    now = next((master.variants for master in masters if master is not None and master.variants), ())
    rungs = {rung.rendition: rung for rung in (*now, *memory.ladder)}
    rungs.update({rung.rendition: rung for rung in now})
    return tuple(sorted(rungs.values(), key=lambda rung: (rung.height or 0, rung.bandwidth_bps), reverse=True))
