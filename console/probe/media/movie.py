"""The init segment: what each track is, and by which clock it counts (ISO/IEC 14496-12 8.3 to 8.8, 14496-15, 23001-7)."""

from __future__ import annotations

import msgspec

from console.probe.media.boxes import Box, child, number, walk
from console.probe.media.picture import avc_codec, hevc_codec

TRACKS = 16
_HANDLERS = {b"vide": "video", b"soun": "audio"}
_VISUAL, _AUDIO = 78, 28  # bytes of a sample entry before its boxes (12.1.3, 12.2.3)


class Track(msgspec.Struct, frozen=True):
    """One track of a movie."""

    number: int  # track_ID
    kind: str  # video | audio | other
    timescale: int  # ticks per second, > 0
    codec: str = ""
    height: int | None = None
    default_duration: int = 0  # of a sample, in ticks: trex
    default_flags: int = 0
    nal_width: int = 0  # bytes of length before each NAL unit; 0 unknown
    is_encrypted: bool = False  # its samples, by Common Encryption


def tracks_of(data: bytes) -> tuple[Track, ...]:
    """The tracks of the movie box in these bytes; empty without one that is whole."""
    moov = next((box for box in walk(data) if box.kind == b"moov"), None)
    if moov is None or moov.end > len(data):
        return ()
    defaults: dict[int, tuple[int, int]] = {}
    mvex = child(data, moov, b"mvex")
    for box in walk(data, mvex.body, mvex.end) if mvex else ():
        if box.kind == b"trex" and (named := number(data, box.body + 4, 4, box)) is not None:
            defaults[named] = (number(data, box.body + 12, 4, box) or 0, number(data, box.body + 20, 4, box) or 0)
    traks = [box for box in walk(data, moov.body, moov.end) if box.kind == b"trak"][:TRACKS]
    return tuple(track for box in traks if (track := _track(data, box, defaults)) is not None)


def _track(data: bytes, trak: Box, defaults: dict[int, tuple[int, int]]) -> Track | None:
    tkhd, mdhd = child(data, trak, b"tkhd"), child(data, trak, b"mdia", b"mdhd")
    if tkhd is None or mdhd is None:
        return None
    track = number(data, tkhd.body + (20 if data[tkhd.body : tkhd.body + 1] == b"\x01" else 12), 4, tkhd)
    timescale = number(data, mdhd.body + (20 if data[mdhd.body : mdhd.body + 1] == b"\x01" else 12), 4, mdhd)
    if track is None or not timescale:
        return None
    hdlr = child(data, trak, b"mdia", b"hdlr")
    kind = _HANDLERS.get(data[hdlr.body + 8 : hdlr.body + 12], "other") if hdlr else "other"
    duration, flags = defaults.get(track, (0, 0))
    told = Track(track, kind, timescale, default_duration=duration, default_flags=flags)
    stsd = child(data, trak, b"mdia", b"minf", b"stbl", b"stsd")
    entry = next(walk(data, stsd.body + 8, stsd.end), None) if stsd else None
    return _described(data, told, entry) if entry is not None and entry.end <= len(data) else told


def _described(data: bytes, track: Track, entry: Box) -> Track:
    """The track with what its first sample entry says."""
    form = entry.kind
    inner = Box(form, entry.body + (_VISUAL if track.kind == "video" else _AUDIO), entry.end)
    if form in (b"encv", b"enca"):
        frma = child(data, inner, b"sinf", b"frma")
        form = data[frma.body : frma.body + 4] if frma else form
    height = number(data, entry.body + 26, 2, entry) if track.kind == "video" else None
    codec, nal_width = _codec(data, form, inner)
    is_encrypted = entry.kind in (b"encv", b"enca")
    return msgspec.structs.replace(track, codec=codec, height=height or None, nal_width=nal_width, is_encrypted=is_encrypted)


def _codec(data: bytes, form: bytes, entry: Box) -> tuple[str, int]:
    """The codec string (RFC 6381 and the registrations after it), and the width of NAL lengths."""
    name = form.decode("ascii", "replace").strip()
    body = next((data[box.body : box.end] for box in walk(data, entry.body, entry.end) if box.kind in _CONFIGURATIONS), b"")
    match name:
        case "avc1" | "avc3" if len(body) >= 5:
            return name + avc_codec(body[1:4])[4:], (body[4] & 3) + 1
        case "hvc1" | "hev1" | "dvh1" | "dvhe" if len(body) >= 22:
            return hevc_codec(body[1:13], name), (body[21] & 3) + 1
        case "av01" if len(body) >= 4:
            depth = 8 + 2 * (body[2] >> 6 & 1) + 2 * (body[2] >> 5 & body[2] >> 6 & 1)
            return f"av01.{body[1] >> 5}.{body[1] & 31:02}{'H' if body[2] & 0x80 else 'M'}.{depth:02}", 0
        case "vp09" if len(body) >= 7:
            return f"vp09.{body[4]:02}.{body[5]:02}.{body[6] >> 4:02}", 0
        case "mp4a":
            return _mp4a(body), 0
    return ("" if name in ("encv", "enca") else name), 0


_CONFIGURATIONS = frozenset((b"avcC", b"hvcC", b"av1C", b"vpcC", b"esds"))


def _mp4a(esds: bytes) -> str:
    """mp4a.OO.A of an elementary stream descriptor (ISO/IEC 14496-1 7.2.6): object type, and for AAC the audio object type."""
    at = 4
    kind = ""
    for tag, skipped in ((0x03, 3), (0x04, 13), (0x05, 0)):
        if esds[at : at + 1] != bytes((tag,)):
            break
        at += 1
        while at < len(esds) and esds[at] & 0x80:  # the length's leading bytes
            at += 1
        at += 1
        body = esds[at:]
        if tag == 0x03 and len(body) > 2 and body[2] & 0xE0:
            break  # with a dependency, a URL or a clock of another stream: never in a file of today
        if tag == 0x04 and body:
            kind = f".{body[0]:02x}"
        if tag == 0x05 and kind == ".40" and len(body) >= 2:
            short = body[0] >> 3
            return f"mp4a.40.{short if short < 31 else 32 + ((body[0] & 7) << 3 | body[1] >> 5)}"
        at += skipped
    return f"mp4a{kind}"
