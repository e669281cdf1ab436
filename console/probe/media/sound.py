"""Packed audio segments: ADTS AAC and MPEG audio layer 3, begun by an ID3 tag with their time (RFC 8216 3.4).

Frame headers: ISO/IEC 14496-3 1.A.2.2 (ADTS), ISO/IEC 11172-3 2.4.1.3 and 13818-3 (MPEG audio), ETSI TS 102 366 (AC-3).
"""

from __future__ import annotations

from collections.abc import Callable

from console.probe.media.packets import CLOCK_HZ, WRAP
from console.probe.media.reading import Extent, Reading

TELLING = 16  # bytes after the tags that are enough to say whether a frame begins
FRAMES = 20_000  # of one segment; 7 minutes of AAC at 48 kHz
_OWNER = b"com.apple.streaming.transportStreamTimestamp\x00"
_AAC_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_MP3_HZ = (44_100, 48_000, 32_000)
_MP3_KBPS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG-1
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG-2 and 2.5
)

Frame = tuple[int, float]  # bytes and seconds


def adts_frame(header: bytes) -> Frame | None:
    """Length and duration of the ADTS frame that these seven bytes begin; None when they begin none."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    rate = header[2] >> 2 & 0x0F
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    if rate >= len(_AAC_HZ) or length < 7:
        return None
    return length, 1024 * (1 + (header[6] & 3)) / _AAC_HZ[rate]


def mp3_frame(header: bytes) -> Frame | None:
    """Length and duration of the layer 3 frame that these four bytes begin; None when they begin none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version = header[1] >> 3 & 3  # 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5, 1: reserved
    rate, bits = header[2] >> 2 & 3, header[2] >> 4
    if version == 1 or rate == 3 or bits in (0, 15):
        return None
    hertz = _MP3_HZ[rate] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 1152 if version == 3 else 576
    length = samples // 8 * _MP3_KBPS[version != 3][bits] * 1000 // hertz + (header[2] >> 1 & 1)
    return length, samples / hertz


def frames_last(data: bytes) -> float:
    """Seconds of the ADTS frames that these bytes hold from their first one on; 0.0 without any."""
    return _count(data, 0, adts_frame)[0]


def adts_codec(data: bytes) -> str:
    """mp4a.40.N of the first frame; a bare "mp4a" without one. HE-AAC that is signalled in its payload alone reads as AAC-LC,
    mp4a.40.2: nothing in the header says otherwise.
    """
    return f"mp4a.40.{(data[2] >> 6) + 1}" if adts_frame(data[:7]) else "mp4a"


def id3(head: bytes) -> tuple[int, float | None]:
    """How many bytes of ID3 tags come first, and the seconds of the 90 kHz clock that they give. (0, None) without any."""
    end, told = 0, None
    for _ in range(8):
        size = head[end + 6 : end + 10]
        if head[end : end + 3] != b"ID3" or len(size) < 4:
            break
        length = 10 + (size[0] & 0x7F) * 2_097_152 + (size[1] & 0x7F) * 16_384 + (size[2] & 0x7F) * 128 + (size[3] & 0x7F)
        owner = head.find(_OWNER, end, end + length)
        ticks = head[owner + len(_OWNER) : owner + len(_OWNER) + 8] if owner >= 0 else b""
        if told is None and len(ticks) == 8:
            told = int.from_bytes(ticks, "big") % WRAP / CLOCK_HZ
        end += length
    return end, told


def recognise(head: bytes) -> str:
    """aac, mp3, ac3, or "" for no packed audio."""
    begins, _ = id3(head)
    first = head[begins : begins + 7]
    for name, frame in (("aac", adts_frame), ("mp3", mp3_frame)):
        if (found := frame(first)) is not None:
            # Twelve set bits are no proof: a second frame must follow, or the bytes end before it could.
            second = head[begins + found[0] : begins + found[0] + 7]
            if len(second) < 7 or frame(second) is not None:
                return name
    return "ac3" if first[:2] == b"\x0b\x77" else ""


def read(extent: Extent, container: str) -> Reading:
    """The facts of a packed audio segment, `container` being what `recognise` said."""
    begins, first_time_s = id3(extent.head)
    if container == "ac3":
        is_enhanced = len(extent.head) > begins + 5 and extent.head[begins + 5] >> 3 > 10
        return Reading(container, first_time_s=first_time_s, codecs="ec-3" if is_enhanced else "ac-3")
    frame = adts_frame if container == "aac" else mp3_frame
    codecs = adts_codec(extent.head[begins : begins + 7]) if container == "aac" else "mp4a.40.34"
    if not extent.is_complete:
        return Reading(container, first_time_s=first_time_s, codecs=codecs)
    duration_s, ended, is_counted = _count(extent.head, begins, frame)
    faults = []
    if is_counted and ended > len(extent.head):
        faults.append("is cut: its last frame has no end")
    elif is_counted and ended < len(extent.head) and not _is_tag(extent.head[ended : ended + 3]):
        faults.append(f"loses its sync at byte {ended}: no frame begins there")
    lasts = duration_s if is_counted else None
    return Reading(container, lasts, lasts, first_time_s, codecs=codecs, faults=tuple(faults))


def _count(data: bytes, at: int, frame: Callable[[bytes], Frame | None]) -> tuple[float, int, bool]:
    """Seconds of all frames, where the last one ends, and whether all were counted."""
    seconds = 0.0
    for _ in range(FRAMES):
        if at >= len(data):
            return seconds, at, True
        found = frame(data[at : at + 7])
        if found is None:
            return seconds, at if len(data) - at >= 7 else len(data) + 1, True
        at += found[0]
        seconds += found[1]
    return seconds, at, False


def _is_tag(begin: bytes) -> bool:
    return begin in (b"ID3", b"TAG")
