"""The ladder, as a master playlist names it: pictures first, then voices, subtitles and I-frames with playlists of their own.

The prober watches every playlist that is named here: an audio rendition can freeze while every picture runs on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from console.model.observation import Variant
from console.probe.hls.attributes import as_utf8, attributes
from console.probe.hls.define import Variables, define
from console.probe.hls.keys import Key, key_of
from console.probe.hls.limits import MASTER_LINES, VARIANT_LIMIT
from console.probe.hls.place import resolved
from console.probe.hls.redacted import redacted
from console.probe.naming import named_apart, plain

_KINDS = {"AUDIO": "audio", "SUBTITLES": "subtitles"}
_NO_CODEC = re.compile(r"[^A-Za-z0-9.,\-_ ]")
_FOLDER_NAMES = ("index", "playlist", "chunklist", "media", "prog_index")


class MasterFacts(msgspec.Struct, frozen=True):
    """The ladder; URIs resolved, still with their query."""

    variants: tuple[Variant, ...]
    variables: Mapping[str, str] = {}  # EXT-X-DEFINE, for the media playlists that import them; may hold tokens: never told
    session_keys: tuple[Key, ...] = ()  # EXT-X-SESSION-KEY
    base_url: str = ""

    @property
    def top(self) -> Variant | None:
        """The rung that matters most: the tallest, then the widest."""
        return max(
            (rung for rung in self.variants if rung.kind == "video"),
            key=lambda rung: (rung.height or 0, rung.bandwidth_bps),
            default=self.variants[0] if self.variants else None,
        )

    def key_url(self, key: Key) -> str:
        """Where a session key is fetched. Raises PlaylistError."""
        return resolved(self.base_url, key.uri, self.variables)


def master(text: str, base_url: str, imported: Variables) -> MasterFacts:
    """Reads a master playlist. Raises ValueError, and PlaylistError for a URI that is none."""
    lines = text.split("\n", MASTER_LINES)
    if len(lines) > MASTER_LINES:
        raise ValueError(f"a master playlist of more than {MASTER_LINES} lines")
    variables: dict[str, str] = {}
    rungs: list[Variant] = []
    others: dict[str, list[Variant]] = {"audio": [], "subtitles": [], "iframe": []}
    keys: list[Key] = []
    pending: str | None = None
    seen: set[str] = set()
    for line in lines:
        if line.startswith("#EXT-X-DEFINE:"):
            define(variables, line[14:], base_url, imported)
        elif line.startswith("#EXT-X-STREAM-INF:"):
            pending = line[18:]
        elif line.startswith("#EXT-X-MEDIA:"):
            _add(others, _rendition(line[13:], base_url, variables))
        elif line.startswith("#EXT-X-I-FRAME-STREAM-INF:"):
            _add(others, _image(line[26:], base_url, variables))
        elif line.startswith("#EXT-X-SESSION-KEY:") and len(keys) < VARIANT_LIMIT:
            keys.append(key_of(line[19:], variables))
        elif line and not line.startswith("#") and pending is not None:
            rung = _rung(pending, resolved(base_url, line, variables))
            pending = None
            if rung.uri not in seen:  # the same playlist once per audio group
                seen.add(rung.uri)
                rungs.append(rung)
        if len(rungs) + len(others["audio"]) > VARIANT_LIMIT:
            raise ValueError(f"more than {VARIANT_LIMIT} variants")
    if not rungs:
        raise ValueError("EXT-X-STREAM-INF without a URI")
    for rung in (each for kind in others.values() for each in kind):
        if rung.uri not in seen and len(rungs) < VARIANT_LIMIT:
            seen.add(rung.uri)
            rungs.append(rung)
    names = named_apart([(rung.rendition, rung.bandwidth_bps) for rung in rungs])
    variants = tuple(
        rung if name == rung.rendition else msgspec.structs.replace(rung, rendition=name)
        for name, rung in zip(names, rungs, strict=True)
    )
    return MasterFacts(variants, variables, tuple(keys), base_url)


def _add(others: dict[str, list[Variant]], rung: Variant | None) -> None:
    if rung is not None and len(others[rung.kind]) <= VARIANT_LIMIT:
        others[rung.kind].append(rung)


def _rung(stream: str, uri: str) -> Variant:
    found = attributes(stream)
    height = _height(found.get("RESOLUTION", ""))
    return _variant(f"{height}p" if height else name_of(uri), uri, found, "video", height)


def _variant(name: str, uri: str, found: Mapping[str, str], kind: str, height: int | None = None) -> Variant:
    codecs = _NO_CODEC.sub("", found.get("CODECS", "")[:200])
    return Variant(
        rendition=name[:48],
        uri=uri,
        bandwidth_bps=_rate(found.get("BANDWIDTH", "")),
        height=height,
        average_bps=_rate(found.get("AVERAGE-BANDWIDTH", "")),
        codecs=codecs,
        kind=kind,
    )


def _rendition(media: str, base_url: str, variables: Variables) -> Variant | None:
    found = attributes(media)
    kind = _KINDS.get(found.get("TYPE", ""))
    if kind is None or not found.get("URI"):
        return None
    uri = resolved(base_url, found["URI"], variables)
    name = plain(redacted(as_utf8(found.get("NAME") or ""))) or name_of(uri)
    return _variant(f"{'audio' if kind == 'audio' else 'subs'}-{name}", uri, {}, kind)


def _image(stream: str, base_url: str, variables: Variables) -> Variant | None:
    found = attributes(stream)
    if not found.get("URI"):
        return None
    uri = resolved(base_url, found["URI"], variables)
    height = _height(found.get("RESOLUTION", ""))
    return _variant(f"iframe-{height}p" if height else f"iframe-{name_of(uri)}", uri, found, "iframe", height)


def _rate(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def _height(resolution: str) -> int | None:
    _, _, height = resolution.lower().partition("x")
    return int(height) if height.isascii() and height.isdigit() and len(height) <= 5 and int(height) else None


def name_of(uri: str) -> str:
    """A name for a playlist without a height: its folder if the file is `index` or the like, else the file."""
    try:
        path = urlsplit(uri).path
    except ValueError:
        path = ""
    parts = [part for part in path.split("/") if part]
    stem = parts[-1].rsplit(".", 1)[0] if parts else "media"
    if stem in _FOLDER_NAMES and len(parts) > 1:
        stem = parts[-2]
    return plain(redacted(stem, 48)) or "media"
