"""What a Representation is, and what it is called: as in HLS, so that one channel's two formats have one ladder."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from console.probe.dash.document import Element
from console.probe.dash.manifest import Track

_TRICK = "http://dashif.org/guidelines/trickmode"


def kind_of(group: Element, inherited: dict[str, str]) -> str:
    """video, audio, iframe (trick play), text or image."""
    words = " ".join(inherited.get(key, "") for key in ("contentType", "mimeType")).lower()
    if not words.strip():
        component = group.first("ContentComponent")
        words = component.attributes.get("contentType", "").lower() if component is not None else ""
    if "image" in words:
        return "image"
    if "audio" in words:
        return "audio"
    codecs = inherited.get("codecs", "").lower()
    if "text" in words or "ttml" in words or codecs.startswith(("stpp", "wvtt")):
        return "text"
    if any(one.attributes.get("schemeIdUri") == _TRICK for one in group.children):
        return "iframe"
    if not words and codecs.startswith(("mp4a", "ac-3", "ec-3", "opus", "flac")):
        return "audio"
    return "video" if "video" in words or inherited.get("height") or codecs else "text"


def named_apart(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Two Representations of one name get their bandwidth, and if even that is equal their id, into their names."""
    names = [track.rendition for track in tracks]
    taken: set[str] = set()
    apart: list[Track] = []
    for track in tracks:
        name = track.rendition
        if names.count(name) > 1 and track.bandwidth_bps:
            name = f"{name}-{track.bandwidth_bps // 1000}k"
        base, count = name, 2
        while name in taken:
            name, count = f"{base}-{count}", count + 1
        taken.add(name)
        apart.append(track if name == track.rendition else msgspec.structs.replace(track, rendition=name))
    return tuple(apart)


def plain(text: str) -> str:
    """Letters, digits and `._-` only, at most 200 of them."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in text[:200])
