"""UNEXPECTED_END: ENDLIST on a playlist that was live. One that ended before it was first seen is simply
over.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.memory import PlaylistMemory
from console.judge.schedule import is_planned_end
from console.judge.symptom import Sight, Symptom
from console.model.severity import Severity


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, rendition, playlist in sight.suspects:
        spell = playlist.ended
        if spell is None or spell.count < 2:
            continue
        channel = sight.memory.channel
        if channel.schedule and is_planned_end(channel, spell.first, sight.now):
            continue
        yield Symptom(
            code=Code.UNEXPECTED_END,
            vantage=vantage,
            rendition=rendition,
            severity=Severity.CRIT,
            first=spell.first,
            last=spell.last,
            says="it was live and says that it has ended" if _is_mpd(playlist) else "EXT-X-ENDLIST on a playlist that was live",
            evidence={
                "url": playlist.url,
                "newest_sequence": playlist.newest if playlist.newest is not None else -1,
            },
        )


def _is_mpd(playlist: PlaylistMemory) -> bool:
    """A static MPD has neither an update period nor anything else that only a live one has; its URL still tells."""
    return playlist.is_mpd or playlist.url.partition("?")[0].lower().endswith(".mpd")
