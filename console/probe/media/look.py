"""One look at one segment: whatever the bytes are, what they tell and what is wrong with them."""

from __future__ import annotations

import msgspec

from console.model.observation import SegmentFacts
from console.model.remark import Fact, Remark
from console.probe.media import caption, foreign, fragment, sound, transport
from console.probe.media.packets import PACKET
from console.probe.media.reading import Extent, Reading

HEAD_WANTED = 256 * 1024  # bytes of a segment's begin that are worth keeping for a look
TAIL_WANTED = 64 * 1024  # and of its end
SEG_BAD = "SEG_BAD"
LEAST = 16  # bytes of a longer segment below which nothing is said of it
TELLING = 2 * PACKET  # bytes of a longer segment that are enough to say what it is not
NO_KEYFRAME = 0.25  # wrong, though it can be played from the keyframe on: never critical by itself
READABLE = ("", "NONE", "SAMPLE-AES", "SAMPLE-AES-CTR")  # METHODs that leave containers as they are
ENCRYPTED = "encrypted"
_BLOCK = 16  # bytes of an AES block: PKCS#7 pads a segment to whole ones (RFC 8216 4.3.2.4)
_WEBM = b"\x1a\x45\xdf\xa3"
_MISSING_SHARE, _MISSING_S = 0.25, 1.0  # of the declared duration, and seconds: less than both is rounding
_SAYS = 120


class Look(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one segment's bytes tell. The first fields are those of SegmentFacts, by the same names; None is not known.

    `continuity_errors` counts gaps of the continuity counters of picture and sound in a transport stream, in what was kept.
    `remarks` are SEG_BAD, standing for as long as this segment is the newest one looked at; at most three.
    """

    size: int | None = None  # bytes
    container: str = ""
    duration_s: float | None = None
    starts_with_key: bool | None = None
    first_time_s: float | None = None
    codecs: str = ""
    height: int | None = None  # lines
    continuity_errors: int = 0
    remarks: tuple[Remark, ...] = ()

    def onto(self, facts: SegmentFacts) -> SegmentFacts:
        """The facts of a fetch with those of its bytes."""
        return msgspec.structs.replace(
            facts,
            size=self.size,
            container=self.container,
            duration_s=self.duration_s,
            starts_with_key=self.starts_with_key,
            first_time_s=self.first_time_s,
            codecs=self.codecs,
            height=self.height,
        )


def look(
    head: bytes,
    *,
    size: int | None = None,
    tail: bytes = b"",
    is_whole: bool = True,
    init: bytes | None = None,
    method: str = "",
    extinf_s: float = 0.0,
    is_independent: bool = False,
    name: str = "the segment",
) -> Look:
    """The look at a segment of which `head` is the begin, and `tail` the end if not all of it was kept.

    Args:
        head: the first bytes, all of them or any number; `HEAD_WANTED` are enough.
        size: bytes of the whole segment where they are known for sure (its length when read, Content-Range or a
            Content-Length without Content-Encoding); the length of its range for EXT-X-BYTERANGE. None: unknown, and nothing
            is said about its end.
        tail: the last bytes, when the middle was read and dropped; needs `size`.
        is_whole: every byte was read. With neither `size` nor `tail`, `head` is then all there is.
        init: the bytes of EXT-X-MAP or the Initialization Segment in force.
        method: METHOD of the EXT-X-KEY in force: "" or "NONE", "AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR".
        extinf_s: what the playlist says it lasts, in seconds; 0 when not known, or nominal as SegmentTemplate@duration is.
        is_independent: the playlist has EXT-X-INDEPENDENT-SEGMENTS (for DASH: startWithSAP 1 or 2).
        name: how sentences call it: "segment 812".
    """
    extent = Extent.of(head, tail, size, is_whole)
    reading = _read(extent, init, method)
    faults = [(fault, 1.0) for fault in reading.faults]
    if not faults and (short := _short(reading, extinf_s)):
        faults.append((short, 1.0))
    if is_independent and reading.starts_with_key is False:
        faults.append(("does not begin with a keyframe, though the playlist says EXT-X-INDEPENDENT-SEGMENTS", NO_KEYFRAME))
    evidence = _evidence(extent, reading) if faults else {}
    return Look(
        size=extent.size,
        container=reading.container,
        duration_s=reading.duration_s,
        starts_with_key=reading.starts_with_key,
        first_time_s=reading.first_time_s,
        codecs=reading.codecs,
        height=reading.height,
        continuity_errors=reading.continuity_errors,
        remarks=tuple(Remark(SEG_BAD, value, f"{name} {fault}"[:_SAYS], evidence) for fault, value in faults[:3]),
    )


def _read(extent: Extent, init: bytes | None, method: str) -> Reading:
    """The reading by the container that the bytes show, whatever their name or type says."""
    head = extent.head
    if not head:
        return Reading("", faults=("is empty: 0 bytes",) if extent.size == 0 or extent.is_read else ())
    if not extent.is_complete and len(head) < LEAST:
        return Reading("")
    if not foreign.is_ttml(head) and (instead := foreign.instead_of_media(head)) and not caption.is_webvtt(head):
        return Reading("", faults=(f"is {instead}, not media",))
    if method == "AES-128":
        return _encrypted(extent)
    if transport.is_transport(head):
        if extent.size is not None and extent.size < PACKET:
            return Reading("ts", faults=(f"is less than one packet: {extent.size} bytes",))
        return transport.read(extent, init)
    if fragment.is_fragmented(head):
        return fragment.read(extent, init)
    if caption.is_webvtt(head):
        return caption.read(head)
    if packed := sound.recognise(head):
        return sound.read(extent, packed)
    if head.startswith(_WEBM):
        return Reading("webm")
    if foreign.is_ttml(head):
        return Reading("ttml", codecs="stpp")
    if not extent.is_complete and len(head) < max(TELLING, sound.id3(head)[0] + sound.TELLING):
        return Reading("")
    if method not in READABLE:
        return Reading(ENCRYPTED)  # by a method that nobody here knows
    if other := transport.other_length(head):
        return Reading("ts", faults=(f"has {other}: players read packets of 188 bytes",))
    if extent.size is not None and extent.size < PACKET:
        return Reading("", faults=(f"is no media: {extent.size} bytes",))
    return Reading("", faults=(f"is no media that is known: it begins with {head[:8].hex(' ')}",))


def _encrypted(extent: Extent) -> Reading:
    """A segment that is encrypted as a whole shows its length, and whether it is encrypted at all."""
    if transport.is_transport(extent.head) and extent.head[2 * PACKET :: PACKET][:8] == b"G" * 8:
        return Reading(ENCRYPTED, faults=("is a clear transport stream, though the playlist says METHOD=AES-128",))
    if extent.head[:2] == b"\x00\x00" and extent.head[4:8] in (b"styp", b"moof", b"ftyp"):
        return Reading(ENCRYPTED, faults=("is clear fragmented MP4, though the playlist says METHOD=AES-128",))
    if extent.size is not None and extent.size % _BLOCK:
        return Reading(ENCRYPTED, faults=(f"is cut: {extent.size} bytes are no whole number of 16-byte AES blocks",))
    return Reading(ENCRYPTED)


def _short(reading: Reading, extinf_s: float) -> str:
    """Half a segment at a packet's border is whole by its packets; its timestamps know."""
    lasts = reading.longest_s
    if lasts is None or extinf_s - lasts <= max(_MISSING_S, _MISSING_SHARE * extinf_s):
        return ""
    return f"lasts {lasts:.2f} s by its timestamps, where the playlist says {extinf_s:.2f} s"


def _evidence(extent: Extent, reading: Reading) -> dict[str, Fact]:
    told: dict[str, Fact] = {"begins_hex": extent.head[:16].hex(" ")}
    if not reading.container:
        told["begins"] = foreign.first_line(extent.head)
    if extent.size is not None:
        told["size"] = extent.size
    return told
