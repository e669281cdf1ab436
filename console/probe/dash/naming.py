"""What a Representation is, and what it is called: as in HLS, so that one channel's two formats have one ladder."""

from __future__ import annotations

from console.probe.dash.document import Element

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
