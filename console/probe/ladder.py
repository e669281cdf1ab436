"""Which renditions are watched: what the newest good master names. Pure but for the targets it compares."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from console.model.observation import Variant
from console.probe.target import Target


class Climb(msgspec.Struct, frozen=True):
    """What changes between the renditions that are watched and those that are named."""

    kept: tuple[tuple[Target, Variant], ...]
    left: tuple[Target, ...]
    joined: tuple[Variant, ...]


def climb(watched: Iterable[Target], named: tuple[Variant, ...]) -> Climb:
    """`watched` are the media playlists of one vantage. A rung is known by its name: its URL may be signed anew."""
    rungs = {rung.rendition: rung for rung in named if rung.uri}
    kept: list[tuple[Target, Variant]] = []
    left: list[Target] = []
    for target in watched:
        rung = rungs.pop(target.rendition or "", None)
        if rung is None:
            left.append(target)
        else:
            kept.append((target, rung))
    return Climb(tuple(kept), tuple(left), tuple(rungs.values()))
