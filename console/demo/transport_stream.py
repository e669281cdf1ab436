"""Small MPEG-TS segments that a checker accepts: PAT, PMT, one H.264 access unit with an IDR, null packets.

They are far smaller than their BANDWIDTH says, because a prober fetches hundreds a minute and no one watches
them. Two segments of one rendition never have equal bytes: a checker that hashes must not find frozen
content in calm. Layout after ISO/IEC 13818-1; nothing here encodes a picture.
"""

from __future__ import annotations

from struct import pack

PACKET = 188
_PMT_PID, _VIDEO_PID, _NULL_PID = 0x1000, 0x0100, 0x1FFF
_PACKETS = {"1080p": 48, "720p": 36, "540p": 28, "360p": 20, "240p": 14}
_NULL = b"\x47\x1f\xff\x10" + b"\xff" * 184
_AUD = b"\x00\x00\x00\x01\x09\x10"
_SPS = b"\x00\x00\x00\x01\x67\x42\xc0\x1e\xd9\x00\xa0\x47\xfe\xc8"
_PPS = b"\x00\x00\x00\x01\x68\xce\x3c\x80"
_IDR = b"\x00\x00\x00\x01\x65\x88\x84"


def _crc32(data: bytes) -> bytes:
    """CRC-32/MPEG-2: polynomial 0x04C11DB7, not reflected, which zlib's is."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1
        crc &= 0xFFFFFFFF
    return pack(">I", crc)


def _section(body: bytes) -> bytes:
    return b"\x00" + body + _crc32(body)


_PAT = _section(b"\x00\xb0\x0d\x00\x01\xc1\x00\x00\x00\x01" + pack(">H", 0xE000 | _PMT_PID))
_PMT = _section(
    b"\x02\xb0\x12\x00\x01\xc1\x00\x00" + pack(">H", 0xE000 | _VIDEO_PID) + b"\xf0\x00"
    + b"\x1b" + pack(">H", 0xE000 | _VIDEO_PID) + b"\xf0\x00"
)


def _table_packet(pid: int, counter: int, section: bytes) -> bytes:
    head = b"\x47" + pack(">H", 0x4000 | pid) + bytes([0x10 | counter & 0x0F])
    return (head + section).ljust(PACKET, b"\xff")


def _pts(ticks: int) -> bytes:
    return bytes((
        0x21 | ticks >> 29 & 0x0E,
        ticks >> 22 & 0xFF,
        0x01 | ticks >> 14 & 0xFE,
        ticks >> 7 & 0xFF,
        0x01 | ticks << 1 & 0xFE,
    ))


def segment(channel: str, rendition: str, number: int, duration_s: int = 4) -> bytes:
    """Segment `number`; the same arguments give the same bytes. PTS is number * duration, modulo 2**33
    ticks."""
    ticks = number * duration_s * 90_000 % 2**33
    slice_data = f"{channel}/{rendition}/{number}".encode()
    payload = _AUD + _SPS + _PPS + _IDR + slice_data
    pes = b"\x00\x00\x01\xe0\x00\x00\x80\x80\x05" + _pts(ticks) + payload
    # One packet carries the access unit; adaptation stuffing fills it, with random_access_indicator set.
    stuffing = PACKET - 4 - 2 - len(pes)
    adaptation = bytes((stuffing + 1, 0x40)) + b"\xff" * stuffing
    counter = number & 0x0F
    video = b"\x47" + pack(">H", 0x4000 | _VIDEO_PID) + bytes([0x30 | counter]) + adaptation + pes
    head = _table_packet(0, counter, _PAT) + _table_packet(_PMT_PID, counter, _PMT) + video
    return head + _NULL * (_PACKETS[rendition] - 3)
