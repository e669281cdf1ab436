"""PAT and PMT: which packets of a transport stream carry what (ISO/IEC 13818-1 2.4.4)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

VIDEO, AUDIO, OTHER = "video", "audio", "other"
STREAMS = 32  # of one program that are looked at

# ISO/IEC 13818-1 Table 2-34; 0xC1, 0xC2, 0xCF and 0xDB are Apple's for SAMPLE-AES.
_KINDS = {
    0x01: (VIDEO, ""), 0x02: (VIDEO, ""), 0x10: (VIDEO, ""),
    0x1B: (VIDEO, "avc1"), 0xDB: (VIDEO, "avc1"), 0x24: (VIDEO, "hvc1"),
    0x03: (AUDIO, "mp4a.40.34"), 0x04: (AUDIO, "mp4a.40.34"),
    0x0F: (AUDIO, "mp4a"), 0xCF: (AUDIO, "mp4a"), 0x11: (AUDIO, "mp4a"),
    0x81: (AUDIO, "ac-3"), 0xC1: (AUDIO, "ac-3"), 0x87: (AUDIO, "ec-3"), 0xC2: (AUDIO, "ec-3"),
}  # fmt: skip
_DVB_AUDIO = {0x6A: "ac-3", 0x7A: "ec-3"}  # descriptors of a private stream, ETSI EN 300 468 annex D


class Elementary(msgspec.Struct, frozen=True):
    """One stream of the program. `codec` is as short as the table leaves it: "avc1", "mp4a"; "" unknown."""

    pid: int
    kind: str
    codec: str


class Program(msgspec.Struct, frozen=True):
    """The first program of a transport stream."""

    pcr_pid: int
    streams: tuple[Elementary, ...]


def program(section_of: Callable[[int, int], bytes | None]) -> Program | None:
    """The program that the tables describe; `section_of(pid, table_id)` is the first such section, without its CRC."""
    pat = section_of(0, 0x00)
    if pat is None:
        return None
    for at in range(8, len(pat) - 3, 4):
        number, pid = int.from_bytes(pat[at : at + 2], "big"), int.from_bytes(pat[at + 2 : at + 4], "big") & 0x1FFF
        if number:
            pmt = section_of(pid, 0x02)
            return _read_pmt(pmt) if pmt is not None and len(pmt) >= 12 else None
    return None


def _read_pmt(pmt: bytes) -> Program:
    streams: list[Elementary] = []
    at = 12 + (int.from_bytes(pmt[10:12], "big") & 0x0FFF)
    while at + 5 <= len(pmt) and len(streams) < STREAMS:
        pid = int.from_bytes(pmt[at + 1 : at + 3], "big") & 0x1FFF
        ends = at + 5 + (int.from_bytes(pmt[at + 3 : at + 5], "big") & 0x0FFF)
        kind, codec = _KINDS.get(pmt[at], (OTHER, ""))
        if pmt[at] == 0x06:
            codec = _private_audio(pmt[at + 5 : ends])
            kind = AUDIO if codec else OTHER
        if all(one.pid != pid for one in streams):
            streams.append(Elementary(pid, kind, codec))
        at = ends
    return Program(int.from_bytes(pmt[8:10], "big") & 0x1FFF, tuple(streams))


def _private_audio(descriptors: bytes) -> str:
    at = 0
    while at + 2 <= len(descriptors):
        if descriptors[at] in _DVB_AUDIO:
            return _DVB_AUDIO[descriptors[at]]
        at += 2 + descriptors[at + 1]
    return ""
