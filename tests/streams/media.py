"""Valid media segments by the thousand: H.264 in MPEG-TS and in fragmented MP4, AAC, WebVTT.

The pictures are real: a grey IDR picture of one byte per macroblock, then pictures that skip everything, so that a decoder shows
them, and filler NAL units up to the size that is asked. Segments of one shape are made once; after that only their times are
patched in, which costs some microseconds per picture. Nothing here is shared with the readers that are tested by it.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from struct import pack
from typing import NamedTuple

PACKET = 188
CLOCK_HZ = 90_000
PMT_PID, VIDEO_PID, AUDIO_PID, NULL_PID = 0x1000, 0x0100, 0x0101, 0x1FFF
FPS = 25
AAC_HZ, AAC_SAMPLES = 48_000, 1024
_START = b"\x00\x00\x00\x01"
_AUD = _START + b"\x09\xf0"
_SILENCE = bytes.fromhex("210049900219002380")  # one raw AAC-LC frame of stereo silence
_LEVEL = {240: 21, 360: 30, 480: 30, 540: 31, 720: 31, 1080: 40, 1440: 50, 2160: 51}


class _Writer:
    """Bits, most significant first."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def fixed(self, value: int, width: int) -> _Writer:
        self._bits.append(f"{value:0{width}b}")
        return self

    def ue(self, *values: int) -> _Writer:
        for value in values:
            code = f"{value + 1:b}"
            self._bits.append("0" * (len(code) - 1) + code)
        return self

    def rbsp(self) -> bytes:
        bits = "".join(self._bits) + "1"
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _nal(header: int, rbsp: bytes) -> bytes:
    """A NAL unit with its emulation prevention bytes."""
    escaped, zeros = bytearray((header,)), 0
    for byte in rbsp:
        if zeros >= 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(escaped)


def width_of(height: int) -> int:
    """16:9, an even number."""
    return round(height * 16 / 9 / 2) * 2


@lru_cache(maxsize=64)
def sps(height: int, fps: int = FPS) -> bytes:
    """A sequence parameter set of Constrained Baseline profile, with cropping where a macroblock hangs over, and timing."""
    columns, rows = (width_of(height) + 15) // 16, (height + 15) // 16
    right, bottom = (columns * 16 - width_of(height)) // 2, (rows * 16 - height) // 2
    bits = _Writer().fixed(66, 8).fixed(0xC0, 8).fixed(_LEVEL.get(height, 51), 8)
    bits.ue(0, 0, 2, 1).fixed(0, 1).ue(columns - 1, rows - 1)  # frame_num of 4 bits, POC type 2, one reference
    bits.fixed(1, 1).fixed(1, 1)  # frame_mbs_only, direct_8x8_inference
    if right or bottom:
        bits.fixed(1, 1).ue(0, right, 0, bottom)
    else:
        bits.fixed(0, 1)
    bits.fixed(1, 1).fixed(0b0000, 4)  # VUI: no aspect ratio, overscan, signal type, chroma location
    bits.fixed(1, 1).fixed(1, 32).fixed(2 * fps, 32).fixed(1, 1)  # timing, fixed frame rate
    bits.fixed(0, 4)  # no HRD twice, no pic_struct, no restriction
    return _nal(0x67, bits.rbsp())


PPS = _nal(0x68, _Writer().ue(0, 0).fixed(0, 2).ue(0, 0, 0).fixed(0, 3).ue(0, 0, 0).fixed(0, 3).rbsp())


def codec_of(height: int) -> str:
    """The RFC 6381 string of what `sps` describes."""
    return f"avc1.42C0{_LEVEL.get(height, 51):02X}"


@lru_cache(maxsize=64)
def _idr(height: int) -> bytes:
    """A grey picture: each macroblock Intra16x16, DC prediction, nothing left over: 00100 1 1 1."""
    blocks = ((width_of(height) + 15) // 16) * ((height + 15) // 16)
    bits = _Writer().ue(0, 7, 0).fixed(0, 4).ue(0).fixed(0, 2).ue(0)
    return _nal(0x65, bits.fixed(int.from_bytes(b"\x27" * blocks, "big"), 8 * blocks).rbsp())


@lru_cache(maxsize=1024)
def _skipped(height: int, frame_number: int) -> bytes:
    """A picture like the one before it."""
    blocks = ((width_of(height) + 15) // 16) * ((height + 15) // 16)
    bits = _Writer().ue(0, 5, 0).fixed(frame_number % 16, 4).fixed(0, 3).ue(0, blocks)
    return _nal(0x41, bits.rbsp())


def _filler(size: int) -> bytes:
    """A filler NAL unit of `size` bytes, at least 2."""
    return b"\x0c" + b"\xff" * (size - 2) + b"\x80"


def _crc32(data: bytes) -> bytes:
    """CRC-32/MPEG-2."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1
        crc &= 0xFFFFFFFF
    return pack(">I", crc)


def _table(pid: int, body: bytes) -> bytes:
    section = b"\x00" + body + _crc32(body)
    return (b"\x47" + pack(">H", 0x4000 | pid) + b"\x10" + section).ljust(PACKET, b"\xff")


PAT = _table(0, b"\x00\xb0\x0d\x00\x01\xc1\x00\x00\x00\x01" + pack(">H", 0xE000 | PMT_PID))


def pmt(has_audio: bool = False) -> bytes:
    """The packet of the program's map: H.264, and AAC when asked."""
    streams = b"\x1b" + pack(">H", 0xE000 | VIDEO_PID) + b"\xf0\x00"
    if has_audio:
        streams += b"\x0f" + pack(">H", 0xE000 | AUDIO_PID) + b"\xf0\x00"
    length = 9 + len(streams) + 4
    return _table(PMT_PID, b"\x02" + pack(">H", 0xB000 | length) + b"\x00\x01\xc1\x00\x00" + pack(">H", 0xE000 | VIDEO_PID) + b"\xf0\x00" + streams)


def _stamp(ticks: int) -> bytes:
    """33 bits of a PTS that stands alone."""
    return bytes((
        0x21 | ticks >> 29 & 0x0E, ticks >> 22 & 0xFF, 0x01 | ticks >> 14 & 0xFE, ticks >> 7 & 0xFF, 0x01 | ticks << 1 & 0xFE,
    ))  # fmt: skip


def _reference(ticks: int) -> bytes:
    """A PCR, its extension 0."""
    return pack(">Q", (ticks << 15) | 0x7E00)[2:]


class _Shape(NamedTuple):
    data: bytes
    stamps: tuple[tuple[int, int], ...]  # where a PTS lies, and its ticks after the start
    references: tuple[tuple[int, int], ...]


def _packetised(pid: int, pes: bytes, counter: int, adaptation: bytes) -> bytes:
    """PES into packets; `adaptation` (flags and what follows) goes into the first one, stuffing wherever it is needed."""
    packets = bytearray()
    at = 0
    while at < len(pes):
        field = adaptation if not at else b""
        room = PACKET - 4 - (1 + len(field) if field else 0)
        part = pes[at : at + room]
        lacking = room - len(part)
        if lacking and not field:
            # A field of one byte is its length 0; of more, flags and stuffing.
            field, lacking = (b"\x00", lacking - 2) if lacking > 1 else (b"", 0)
            head = bytes((len(field) + lacking,)) + field + b"\xff" * lacking
        elif field:
            head = bytes((len(field) + lacking,)) + field + b"\xff" * lacking
        else:
            head = b""
        packets += b"\x47" + pack(">H", (0 if at else 0x4000) | pid) + bytes(((0x30 if head else 0x10) | counter & 15,)) + head + part
        counter += 1
        at += len(part)
    return bytes(packets)


@lru_cache(maxsize=64)
def _ts_shape(pictures: int, fps: int, height: int, size: int, has_audio: bool, is_key_first: bool) -> _Shape:
    total = max(size // PACKET, 0)
    data = bytearray(PAT + pmt(has_audio))
    stamps: list[tuple[int, int]] = []
    references: list[tuple[int, int]] = []
    counters = {VIDEO_PID: 0, AUDIO_PID: 0}
    frame = AAC_SAMPLES / AAC_HZ
    heard = 0
    for index in range(pictures):
        is_key = index == 0 and is_key_first
        unit = _AUD + (_START + sps(height, fps) + _START + PPS + _START + _idr(height) if is_key else _START + _skipped(height, index))
        field = (b"\x50" if is_key else b"\x10") + _reference(0)
        header = b"\x00\x00\x01\xe0\x00\x00\x84\x80\x05" + _stamp(0)
        wanted = (total - len(data) // PACKET) // (pictures - index)
        lacking = wanted * PACKET - 4 * wanted - 1 - len(field) - len(header) - len(unit)
        if lacking > 6:
            unit += _START + _filler(lacking - 4)
        ticks = index * CLOCK_HZ // fps
        references.append((len(data) + 6, ticks))
        packets = _packetised(VIDEO_PID, header + unit, counters[VIDEO_PID], field)
        stamps.append((len(data) + packets.index(header) + 9, ticks + CLOCK_HZ // 5))  # after the stuffing of a small picture
        counters[VIDEO_PID] += len(packets) // PACKET
        data += packets
        while has_audio and heard * frame < (index + 1) / fps:
            sound = adts_frame()
            header = b"\x00\x00\x01\xc0" + pack(">H", 8 + len(sound)) + b"\x84\x80\x05" + _stamp(0)
            packets = _packetised(AUDIO_PID, header + sound, counters[AUDIO_PID], b"\x40")
            stamps.append((len(data) + packets.index(header) + 9, round(heard * frame * CLOCK_HZ) + CLOCK_HZ // 5))
            counters[AUDIO_PID] += len(packets) // PACKET
            data += packets
            heard += 1
    missing = total - len(data) // PACKET
    data += (b"\x47\x1f\xff\x10" + b"\xff" * 184) * max(0, missing)
    return _Shape(bytes(data), tuple(stamps), tuple(references))


def ts_segment(
    start_s: float, duration_s: float = 4.0, *, height: int = 1080, size: int = 0, fps: int = FPS, has_audio: bool = False,
    is_key_first: bool = True,
) -> bytes:
    """A transport stream segment: PAT, PMT, `duration_s * fps` pictures of H.264, the first an IDR unless told otherwise.

    Its first PTS is `start_s + 0.2`, its first PCR `start_s`, both modulo 2**33 ticks. It is `size` bytes rounded down to whole
    packets, or as small as its pictures allow. Equal arguments give equal bytes.
    """  # fmt: skip
    shape = _ts_shape(max(1, round(duration_s * fps)), fps, height, size, has_audio, is_key_first)
    data, start = bytearray(shape.data), round(start_s * CLOCK_HZ)
    for at, ticks in shape.stamps:
        data[at : at + 5] = _stamp((start + ticks) % 2**33)
    for at, ticks in shape.references:
        data[at : at + 6] = _reference((start + ticks) % 2**33)
    return bytes(data)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, pack(">I", version << 24 | flags), *parts)


_MATRIX = pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@lru_cache(maxsize=64)
def fmp4_init(height: int = 1080, *, timescale: int = CLOCK_HZ, fps: int = FPS, is_encrypted: bool = False) -> bytes:
    """ftyp and moov of one H.264 track, track_ID 1; with the boxes of common encryption (cbcs) when asked."""
    width = width_of(height)
    units = sps(height, fps), PPS
    avcc = _box(
        b"avcC", b"\x01", units[0][1:4], b"\xff\xe1", pack(">H", len(units[0])), units[0], b"\x01", pack(">H", len(PPS)), PPS
    )
    protection = b""
    if is_encrypted:
        tenc = _full(b"tenc", 1, 0, b"\x00\x19\x01\x00", b"\x11" * 16, b"\x10", b"\x22" * 16)
        protection = _box(
            b"sinf", _box(b"frma", b"avc1"), _full(b"schm", 0, 0, b"cbcs", pack(">I", 0x10000)), _box(b"schi", tenc)
        )
    entry = _box(
        b"encv" if is_encrypted else b"avc1", bytes(6), pack(">H", 1), bytes(16), pack(">HHII", width, height, 0x480000, 0x480000),
        bytes(4), pack(">H", 1), bytes(32), pack(">Hh", 24, -1), avcc, protection,
    )  # fmt: skip
    stbl = _box(
        b"stbl", _full(b"stsd", 0, 0, pack(">I", 1), entry), _full(b"stts", 0, 0, bytes(4)), _full(b"stsc", 0, 0, bytes(4)),
        _full(b"stsz", 0, 0, bytes(8)), _full(b"stco", 0, 0, bytes(4)),
    )  # fmt: skip
    dinf = _box(b"dinf", _full(b"dref", 0, 0, pack(">I", 1), _full(b"url ", 0, 1)))
    mdia = _box(
        b"mdia", _full(b"mdhd", 0, 0, pack(">IIIIHH", 0, 0, timescale, 0, 0x55C4, 0)),
        _full(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"video\x00"),
        _box(b"minf", _full(b"vmhd", 0, 1, bytes(8)), dinf, stbl),
    )  # fmt: skip
    tkhd = _full(b"tkhd", 0, 3, pack(">IIIII", 0, 0, 1, 0, 0), bytes(8), bytes(8), _MATRIX, pack(">II", width << 16, height << 16))
    mvhd = _full(
        b"mvhd", 0, 0, pack(">IIIIIH", 0, 0, 1000, 0, 0x10000, 0x100), bytes(10), _MATRIX, bytes(24), pack(">I", 2)
    )
    mvex = _box(b"mvex", _full(b"trex", 0, 0, pack(">IIIII", 1, 1, 0, 0, 0)))
    ftyp = _box(b"ftyp", b"iso6", pack(">I", 0), b"iso6", b"cmfc", b"mp41")
    return ftyp + _box(b"moov", mvhd, _box(b"trak", tkhd, mdia), mvex)


_SYNC_SAMPLE, _DEPENDENT_SAMPLE = 0x0200_0000, 0x0101_0000


@lru_cache(maxsize=64)
def _fmp4_shape(
    pictures: int, fps: int, height: int, size: int, timescale: int, chunks: int, is_key_first: bool
) -> tuple[bytes, tuple[tuple[int, int, int], ...]]:
    """The segment, and per fragment where its mfhd's number and its tfdt's time lie, and its ticks after the start."""
    data = bytearray(_box(b"styp", b"msdh", pack(">I", 0), b"msdh", b"msix"))
    places: list[tuple[int, int, int]] = []
    bounds = [index * pictures // chunks for index in range(chunks + 1)]
    for chunk, (begin, end) in enumerate(pairwise(bounds)):
        count = end - begin
        if not count:
            continue
        overhead = 8 + 16 + 8 + 16 + 20 + (20 + 8 * count) + 8
        wanted = (size - len(data)) // (chunks - chunk) - overhead
        samples = []
        for index in range(begin, end):
            is_key = index == 0 and is_key_first
            units = [sps(height, fps), PPS, _idr(height)] if is_key else [_skipped(height, index)]
            sample = b"".join(pack(">I", len(unit)) + unit for unit in units)
            lacking = (wanted - sum(map(len, samples))) // (end - index) - len(sample)
            if lacking > 6:
                sample += pack(">I", lacking - 4) + _filler(lacking - 4)
            samples.append(sample)
        mfhd = _full(b"mfhd", 0, 0, pack(">I", 0))
        step = timescale // fps
        tfhd = _full(b"tfhd", 0, 0x020028, pack(">III", 1, step, _DEPENDENT_SAMPLE))
        tfdt = _full(b"tfdt", 1, 0, pack(">Q", 0))
        is_sync = begin == 0 and is_key_first
        rows = b"".join(pack(">I", len(sample)) for sample in samples)
        trun = _full(b"trun", 0, 0x000205, pack(">III", count, 0, _SYNC_SAMPLE if is_sync else _DEPENDENT_SAMPLE), rows)
        moof = bytearray(_box(b"moof", mfhd, _box(b"traf", tfhd, tfdt, trun)))
        at = moof.index(b"trun") + 12
        moof[at : at + 4] = pack(">I", len(moof) + 8)
        places.append((len(data) + moof.index(b"mfhd") + 8, len(data) + moof.index(b"tfdt") + 8, begin * step))
        data += moof + _box(b"mdat", *samples)
    return bytes(data), tuple(places)


def fmp4_segment(
    start_s: float, duration_s: float = 4.0, *, height: int = 1080, size: int = 0, fps: int = FPS, timescale: int = CLOCK_HZ,
    sequence: int = 1, chunks: int = 1, is_key_first: bool = True,
) -> bytes:
    """A CMAF segment that `fmp4_init` of the same height, fps and timescale describes: styp, then `chunks` times moof and mdat.

    Its base media decode time is `start_s`. It is about `size` bytes (a few less), or as small as its pictures allow.
    """  # fmt: skip
    data, places = _fmp4_shape(max(1, round(duration_s * fps)), fps, height, size, timescale, chunks, is_key_first)
    patched, start = bytearray(data), round(start_s * timescale)
    for chunk, (numbered, timed, ticks) in enumerate(places):
        patched[numbered : numbered + 4] = pack(">I", (sequence * chunks + chunk) % 2**32)
        patched[timed : timed + 8] = pack(">Q", start + ticks)
    return bytes(patched)


def adts_frame() -> bytes:
    """1,024 samples of stereo silence at 48 kHz: AAC-LC with its ADTS header."""
    length = 7 + len(_SILENCE)
    head = bytes((0xFF, 0xF1, 0x4C, 0x80 | length >> 11, length >> 3 & 0xFF, (length & 7) << 5 | 0x1F, 0xFC))
    return head + _SILENCE


def id3_time(start_s: float) -> bytes:
    """The ID3 tag that packed audio begins with: its time on the 90 kHz clock."""
    content = b"com.apple.streaming.transportStreamTimestamp\x00" + pack(">Q", round(start_s * CLOCK_HZ) % 2**33)
    frame = b"PRIV" + pack(">I", len(content)) + b"\x00\x00" + content
    return b"ID3\x04\x00\x00" + bytes((0, 0, len(frame) >> 7, len(frame) & 0x7F)) + frame


def adts_segment(start_s: float, duration_s: float = 4.0) -> bytes:
    """Packed AAC: the ID3 tag and as many frames as `duration_s` needs."""
    return id3_time(start_s) + adts_frame() * round(duration_s * AAC_HZ / AAC_SAMPLES)


def webvtt_segment(start_s: float, duration_s: float = 4.0, says: str = "Good evening.") -> bytes:
    """One cue over the whole segment."""
    def clock(seconds: float) -> str:
        return f"{int(seconds) // 3600:02}:{int(seconds) // 60 % 60:02}:{seconds % 60:06.3f}"

    return (
        f"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\n{clock(start_s)} --> {clock(start_s + duration_s)}\n{says}\n"
    ).encode()
