"""Reads from a playlist what checks need, and nothing else.

A library for HLS builds an object per segment: 13 ms for a thousand of them, and takes an HTML page for an
empty playlist. This reader looks for the few tags that carry facts, by regular expressions over the bytes,
and is strict in one place: a playlist begins with `#EXTM3U` (RFC 8216 4.3.1.1). Unknown tags are passed over.
The input is hostile: everything is bounded and nothing but `PlaylistError` is raised.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import msgspec

from console.model.observation import MediaFacts, Variant

BODY_LIMIT = 4 * 1024 * 1024  # bytes
SEGMENT_LIMIT = 200_000  # a day of DVR at half a second
VARIANT_LIMIT = 64
MASTER_LINES = 20_000
URI_LIMIT = 4096  # characters
_LONGEST_TARGET_S = 86_400.0
_LARGEST_SEQUENCE = 2**62
_BOM = b"\xef\xbb\xbf"

_TAGS = re.compile(
    rb"\n#EXT-X-(TARGETDURATION|MEDIA-SEQUENCE|DISCONTINUITY-SEQUENCE|PLAYLIST-TYPE|SERVER-CONTROL)"
    rb"[ \t]*:([^\r\n]*)"
)
_EXTINF = re.compile(rb"\n#EXTINF:([^,\r\n]*)")
_ATTRIBUTE = re.compile(r'([A-Z0-9-]{1,64})=("[^"]*"|[^,]*)')
_DATE = b"\n#EXT-X-PROGRAM-DATE-TIME:"


class PlaylistError(Exception):
    """The body is no playlist, or one whose numbers cannot be read. `is_playlist` tells which."""

    def __init__(self, reason: str, is_playlist: bool) -> None:
        super().__init__(reason)
        self.is_playlist = is_playlist


class MasterFacts(msgspec.Struct, frozen=True):
    """The ladder, as a master playlist names it; URIs resolved, still with their query."""

    variants: tuple[Variant, ...]

    @property
    def top(self) -> Variant | None:
        """The rung that matters most: the tallest, then the widest."""
        return max(self.variants, key=lambda rung: (rung.height or 0, rung.bandwidth_bps), default=None)


def read(body: bytes, base_url: str) -> MasterFacts | MediaFacts:
    """What the body says. Raises PlaylistError, and nothing else, for every other body."""
    if len(body) > BODY_LIMIT:
        raise PlaylistError(f"{len(body)} bytes, the limit is {BODY_LIMIT}", is_playlist=False)
    if body.startswith(_BOM):
        body = body[len(_BOM) :]
    if not body.startswith(b"#EXTM3U") or body[7:8] not in (b"", b"\r", b"\n", b" ", b"\t"):
        raise PlaylistError(_first_line(body), is_playlist=False)
    try:
        if b"\n#EXT-X-STREAM-INF:" in body:
            return _master(body, base_url)
        return _media(body, base_url)
    except (ValueError, OverflowError) as error:
        raise PlaylistError(str(error)[:200], is_playlist=True) from error


def _first_line(body: bytes) -> str:
    line = body.lstrip()[:200].split(b"\n", 1)[0].decode("ascii", "replace").strip()
    return line or "an empty body"


def _media(body: bytes, base_url: str) -> MediaFacts:
    head_end = body.find(b"\n#EXTINF:")
    tags = _tags(body if head_end < 0 else body[:head_end])
    if b"TARGETDURATION" not in tags:  # allowed behind the first segment, though nobody writes it so
        tags = _tags(body)
    if b"TARGETDURATION" not in tags:
        raise ValueError("neither EXT-X-STREAM-INF nor EXT-X-TARGETDURATION")
    target_s = _number("EXT-X-TARGETDURATION", tags[b"TARGETDURATION"])
    if not 0 < target_s <= _LONGEST_TARGET_S:
        raise ValueError(f"EXT-X-TARGETDURATION is {target_s:g}")
    durations = _durations(body)
    sequence = _whole("EXT-X-MEDIA-SEQUENCE", tags.get(b"MEDIA-SEQUENCE", b"0"))
    kind = tags.get(b"PLAYLIST-TYPE")
    return MediaFacts(
        target_duration_s=target_s,
        media_sequence=sequence,
        segment_count=len(durations),
        newest_sequence=sequence + len(durations) - 1,
        newest_uri=_resolved(base_url, _last_uri(body)) if durations else "",
        newest_ends_at=_newest_end(body),
        longest_extinf_s=max(durations, default=0.0),
        window_s=sum(durations),
        discontinuity_sequence=_whole(
            "EXT-X-DISCONTINUITY-SEQUENCE", tags.get(b"DISCONTINUITY-SEQUENCE", b"0")
        ),
        has_endlist=b"\n#EXT-X-ENDLIST" in body,
        playlist_type=_plain(kind[:64].decode("ascii", "replace").strip())[:16] if kind else None,
        hold_back_s=_hold_back(tags.get(b"SERVER-CONTROL")),
    )


def _tags(body: bytes) -> dict[bytes, bytes]:
    tags: dict[bytes, bytes] = {}
    for match in _TAGS.finditer(body):
        tags.setdefault(match[1], match[2])
    return tags


def _durations(body: bytes) -> list[float]:
    texts = _EXTINF.findall(body)
    if len(texts) > SEGMENT_LIMIT:
        raise ValueError(f"{len(texts)} segments, the limit is {SEGMENT_LIMIT}")
    try:
        durations = list(map(float, texts))
    except ValueError:
        durations = [_number("EXTINF", text) for text in texts]
    if durations and not (min(durations) >= 0 and max(durations) <= _LONGEST_TARGET_S):
        raise ValueError("an EXTINF is negative or no number")
    return durations


def _number(tag: str, text: bytes) -> float:
    shown = text[:40].decode("ascii", "replace").strip()
    try:
        value = float(shown)
    except ValueError:
        raise ValueError(f"{tag} is {shown!r}, not a number") from None
    if value != value:
        raise ValueError(f"{tag} is not a number")
    return value


def _whole(tag: str, text: bytes) -> int:
    shown = text[:40].decode("ascii", "replace").strip()
    if not (shown.isascii() and shown.isdigit()) or int(shown) > _LARGEST_SEQUENCE:
        raise ValueError(f"{tag} is {shown!r}, not a sequence number")
    return int(shown)


def _last_uri(body: bytes) -> bytes:
    """The last line that is neither blank nor a tag; b"" when there is none. Walks back, so its cost is
    the tail's.
    """
    end = len(body)
    while end > 0:
        start = body.rfind(b"\n", 0, end) + 1
        line = body[start:end].strip()
        if line and not line.startswith(b"#"):
            return line
        end = start - 1
    return b""


def _newest_end(body: bytes) -> datetime | None:
    """The last PROGRAM-DATE-TIME plus the durations that follow it; None when there is none or it cannot
    be read.
    """
    found = body.rfind(_DATE)
    if found < 0:
        return None
    start = found + len(_DATE)
    line_end = body.find(b"\n", start)
    text = body[start : line_end if line_end >= 0 else len(body)][:64].strip().decode("ascii", "replace")
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        # 4.3.2.6: the date is of the first segment after the tag, and an EXTINF may stand before or after it
        before = body.rfind(b"\n", 0, found)
        line_before = body[max(before, 0) : found]
        tail = _durations(body[start:])
        if line_before.startswith(b"\n#EXTINF:"):
            tail = [*_durations(line_before), *tail]
        return moment + timedelta(seconds=sum(tail))
    except (ValueError, OverflowError):
        return None


def _hold_back(control: bytes | None) -> float | None:
    if control is None:
        return None
    text = dict(_ATTRIBUTE.findall(control[:1024].decode("ascii", "replace"))).get("HOLD-BACK")
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 < value <= _LONGEST_TARGET_S else None


def _master(body: bytes, base_url: str) -> MasterFacts:
    lines = body.split(b"\n", MASTER_LINES)
    if len(lines) > MASTER_LINES:
        raise ValueError(f"a master playlist of more than {MASTER_LINES} lines")
    rungs: list[Variant] = []
    audio: list[Variant] = []
    seen: set[str] = set()
    pending: bytes | None = None
    for raw in lines:
        line = raw.strip()
        if line.startswith(b"#EXT-X-STREAM-INF:"):
            pending = line[18:]
        elif line.startswith(b"#EXT-X-MEDIA:"):
            audio.extend(_audio(line[13:], base_url))
        elif line and not line.startswith(b"#") and pending is not None:
            rung = _rung(pending, line, base_url)
            pending = None
            if rung.uri not in seen:  # the same playlist once per audio group
                seen.add(rung.uri)
                rungs.append(rung)
        if len(rungs) + len(audio) > VARIANT_LIMIT:
            raise ValueError(f"more than {VARIANT_LIMIT} variants")
    if not rungs:
        raise ValueError("EXT-X-STREAM-INF without a URI")
    for voice in audio:
        if voice.uri not in seen:
            seen.add(voice.uri)
            rungs.append(voice)
    return MasterFacts(variants=_named_apart(rungs))


def _rung(stream: bytes, uri_line: bytes, base_url: str) -> Variant:
    attributes = _attributes(stream)
    uri = _resolved(base_url, uri_line)
    height = _height(attributes.get("RESOLUTION", ""))
    bandwidth = attributes.get("BANDWIDTH", "")
    bps = int(bandwidth) if bandwidth.isascii() and bandwidth.isdigit() and len(bandwidth) <= 15 else 0
    return Variant(
        rendition=f"{height}p" if height else name_of(uri), uri=uri, bandwidth_bps=bps, height=height
    )


def _audio(media: bytes, base_url: str) -> list[Variant]:
    """An audio rendition with a playlist of its own: it can freeze while every picture runs on."""
    attributes = _attributes(media)
    if attributes.get("TYPE") != "AUDIO" or not attributes.get("URI"):
        return []
    uri = _resolved(base_url, attributes["URI"].encode())
    return [Variant(rendition=f"audio-{_plain(attributes.get('NAME') or name_of(uri))}"[:48], uri=uri)]


def _attributes(line: bytes) -> dict[str, str]:
    pairs = _ATTRIBUTE.findall(line[:8192].decode("utf-8", "replace"))
    return {key: value[1:-1] if value.startswith('"') else value.strip() for key, value in pairs}


def _height(resolution: str) -> int | None:
    _, _, height = resolution.lower().partition("x")
    return int(height) if height.isascii() and height.isdigit() and len(height) <= 5 and int(height) else None


def name_of(uri: str) -> str:
    """A name for a playlist without a height: its folder if the file is `index` or the like, else the
    file.
    """
    parts = [part for part in uri.split("?", 1)[0].split("#", 1)[0].split("/") if part]
    stem = parts[-1].rsplit(".", 1)[0] if parts else "media"
    if stem in ("index", "playlist", "chunklist", "media", "prog_index") and len(parts) > 1:
        stem = parts[-2]
    return _plain(stem)[:48] or "media"


def _plain(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in text[:200])


def _named_apart(rungs: list[Variant]) -> tuple[Variant, ...]:
    """Two rungs of one height get their bandwidth, and if even that is equal a number, into their names."""
    names = [rung.rendition for rung in rungs]
    taken: set[str] = set()
    apart: list[Variant] = []
    for rung in rungs:
        name = rung.rendition
        if names.count(name) > 1 and rung.bandwidth_bps:
            name = f"{name}-{rung.bandwidth_bps // 1000}k"
        base, count = name, 2
        while name in taken:
            name, count = f"{base}-{count}", count + 1
        taken.add(name)
        apart.append(rung if name == rung.rendition else msgspec.structs.replace(rung, rendition=name))
    return tuple(apart)


def _resolved(base_url: str, uri: bytes) -> str:
    text = uri.decode("utf-8", "replace")
    if len(text) > URI_LIMIT:
        raise ValueError(f"a URI of {len(text)} characters")
    return urljoin(base_url, text)
