"""Small MPEG-TS segments that a checker accepts: PAT, PMT, one H.264 access unit with an IDR, null packets.

They are far smaller than their BANDWIDTH says, because a prober fetches hundreds a minute and no one watches
them. Their sequence parameter set says the profile, level and size that the master playlist says. Two segments of
one rendition never have equal bytes: a checker that hashes must not find frozen content in calm. Layout after ISO/IEC
13818-1; nothing here encodes a picture.
"""

from __future__ import annotations

from struct import pack

PACKET = 188
_PMT_PID, _VIDEO_PID, _NULL_PID = 0x1000, 0x0100, 0x1FFF
_PACKETS = {"1080p": 48, "720p": 36, "540p": 28, "360p": 20, "240p": 14}
_NULL = b"\x47\x1f\xff\x10" + b"\xff" * 184
_AUD = b"\x00\x00\x00\x01\x09\x10"
LADDER = {"1080p": (1920, 1080, 40), "720p": (1280, 720, 31), "540p": (960, 540, 31), "360p": (640, 360, 30),
          "240p": (426, 240, 21)}
"""Rendition -> (width, height, level_idc), all of High profile."""
_HIGH = 100
_PPS = b"\x00\x00\x00\x01\x68\xce\x3c\x80"
_IDR = b"\x00\x00\x00\x01\x65\x88\x84"


def _exp_golomb(value: int) -> str:
    """ue(v) of ITU-T H.264 9.1."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def _sps(width: int, height: int, level: int) -> bytes:
    """A sequence parameter set (7.3.2.1.1) of progressive 4:2:0, cropped from whole macroblocks."""
    columns, rows = -(-width // 16), -(-height // 16)
    # seq_parameter_set_id, chroma_format_idc, bit_depth_luma_minus8, bit_depth_chroma_minus8
    bits = "".join(map(_exp_golomb, (0, 1, 0, 0))) + "00"
    # log2_max_frame_num_minus4, pic_order_cnt_type, max_num_ref_frames
    bits += "".join(map(_exp_golomb, (0, 2, 1))) + "0" + _exp_golomb(columns - 1) + _exp_golomb(rows - 1) + "11"
    right, bottom = (columns * 16 - width) // 2, (rows * 16 - height) // 2
    bits += "1" + "".join(map(_exp_golomb, (0, right, 0, bottom))) if right or bottom else "0"
    bits += "01"
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    body = bytes((0x67, _HIGH, 0, level)) + int(bits, 2).to_bytes(len(bits) // 8)
    for begin in (b"\x00\x00" + bytes((tail,)) for tail in range(4)):
        body = body.replace(begin, begin[:2] + b"\x03" + begin[2:])
    return b"\x00\x00\x00\x01" + body


_SPS = {rendition: _sps(*size) for rendition, size in LADDER.items()}


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


def segment(channel: str, rendition: str, number: int, duration_s: int = 4, slot: int | None = None) -> bytes:
    """Segment `number`; the same arguments give the same bytes. PTS is slot * duration, modulo 2**33 ticks; `slot` is
    its place on the wall clock, and the number itself while the channel has never been gone."""
    ticks = (number if slot is None else slot) * duration_s * 90_000 % 2**33
    slice_data = f"{channel}/{rendition}/{number}".encode()
    payload = _AUD + _SPS[rendition] + _PPS + _IDR + slice_data
    pes = b"\x00\x00\x01\xe0\x00\x00\x80\x80\x05" + _pts(ticks) + payload
    # One packet carries the access unit; adaptation stuffing fills it, with random_access_indicator set.
    stuffing = PACKET - 4 - 2 - len(pes)
    adaptation = bytes((stuffing + 1, 0x40)) + b"\xff" * stuffing
    counter = number & 0x0F
    video = b"\x47" + pack(">H", 0x4000 | _VIDEO_PID) + bytes([0x30 | counter]) + adaptation + pes
    head = _table_packet(0, counter, _PAT) + _table_packet(_PMT_PID, counter, _PMT) + video
    return head + _NULL * (_PACKETS[rendition] - 3)
