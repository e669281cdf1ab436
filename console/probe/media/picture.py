"""H.264 and H.265 as far as a segment's first picture shows them: codec string, height, keyframe.

Sources: ISO/IEC 14496-10 7.3.2.1.1 (SPS), 7.4.1 (nal_unit_type); ISO/IEC 23008-2 7.3.2.2; ISO/IEC 14496-15 annex E and RFC 6381
for the codec strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from console.probe.media.bits import Bits, Unreadable

SPS_LIMIT = 512  # bytes: the longest parameter set that is read; VUI and scaling lists come late in it or are skipped
NALS = 64  # of one access unit that are looked at
TALLEST = 16_384  # lines; a height beyond is a misread
_START = re.compile(rb"\x00\x00\x01(?=.)", re.DOTALL)
_CHROMA_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
_RECOVERY_POINT = 6  # SEI payload type


class Picture(msgspec.Struct, frozen=True):
    """What the first access unit shows. `codec` is a bare "avc1" or "hvc1" without a parameter set to read."""

    codec: str
    height: int | None = None
    is_key: bool | None = None  # None: no slice was among the bytes
    has_parameters: bool = False  # a sequence parameter set came before the slice


def annex_b(data: bytes) -> Iterator[bytes]:
    """The NAL units between start codes, the last one cut where the bytes end. At most `NALS`."""
    starts = []
    for found in _START.finditer(data):
        starts.append(found.end())
        if len(starts) > NALS:
            break
    for begin, following in zip(starts[:NALS], [*starts[1:], len(data) + 3], strict=False):
        yield data[begin : max(begin, following - 3)]


def length_prefixed(data: bytes, width: int) -> Iterator[bytes]:
    """The NAL units of one sample of a file (ISO/IEC 14496-15 5.3.4.2), `width` bytes of length before each."""
    at = 0
    for _ in range(NALS):
        if at + width >= len(data):
            return
        length = int.from_bytes(data[at : at + width], "big")
        at += width
        yield data[at : at + length]
        at += length


def h264(units: Iterable[bytes]) -> Picture:
    """The picture that H.264 NAL units begin with.

    A keyframe is an IDR slice, or an intra slice after a parameter set or a recovery point: encoders with open GOPs begin their
    segments so, and players do begin there.
    """
    codec, height = "avc1", None
    is_entry = has_parameters = False
    for unit in units:
        kind = unit[0] & 0x1F if unit else 0
        if kind == 7 and len(unit) >= 4:
            codec, height = avc_codec(unit[1:4]), avc_height(unit) or height
            is_entry = has_parameters = True
        elif kind == 6 and unit[1:2] == bytes((_RECOVERY_POINT,)):
            is_entry = True
        elif kind == 5:
            return Picture(codec, height, True, has_parameters)
        elif 1 <= kind <= 2:
            return Picture(codec, height, is_entry and _is_intra(unit), has_parameters)
    return Picture(codec, height, None, has_parameters)


def h265(units: Iterable[bytes]) -> Picture:
    """The picture that H.265 NAL units begin with; a keyframe is any IRAP picture, types 16 to 23."""
    codec, height = "hvc1", None
    has_parameters = False
    for unit in units:
        kind = unit[0] >> 1 & 0x3F if unit else 63
        if kind == 33 and len(unit) >= 15:
            codec, height = hevc_codec(_unescaped(unit)[3:15]), hevc_height(unit) or height
            has_parameters = True
        elif kind < 32:
            return Picture(codec, height, 16 <= kind <= 23, has_parameters)
    return Picture(codec, height, None, has_parameters)


def avc_codec(profile: bytes) -> str:
    """avc1.PPCCLL of profile_idc, the constraint flags and level_idc."""
    return f"avc1.{profile.hex().upper()}" if len(profile) == 3 else "avc1"


def hevc_codec(general: bytes, brand: str = "hvc1") -> str:
    """The codec string of the twelve bytes of profile, tier and level: "hvc1.1.6.L93.B0"."""
    if len(general) != 12:
        return brand
    space = ("", "A", "B", "C")[general[0] >> 6]
    tier = "H" if general[0] & 0x20 else "L"
    compatible = int(f"{int.from_bytes(general[1:5], 'big'):032b}"[::-1], 2)
    constraints = "".join(f".{byte:X}" for byte in general[5:11].rstrip(b"\x00"))
    return f"{brand}.{space}{general[0] & 0x1F}.{compatible:X}.{tier}{general[11]}{constraints}"


def avc_height(sps: bytes) -> int | None:
    """Lines of the picture after cropping, of an SPS with its NAL header. None when it cannot be read."""
    try:
        return _sane(_avc_height(Bits(_unescaped(sps)[1:])))
    except Unreadable:
        return None


def hevc_height(sps: bytes) -> int | None:
    """Lines of the picture inside its conformance window, of an SPS with its NAL header. None when it cannot be read."""
    try:
        return _sane(_hevc_height(Bits(_unescaped(sps)[2:])))
    except Unreadable:
        return None


def _avc_height(bits: Bits) -> int:
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    chroma = 1
    if profile in _CHROMA_PROFILES:
        chroma = bits.unsigned()
        if chroma == 3:
            bits.take(1)
        bits.unsigned(), bits.unsigned(), bits.take(1)
        if bits.take(1):
            for index in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.unsigned()
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.take(1), bits.signed(), bits.signed()
        for _ in range(min(bits.unsigned(), 256)):
            bits.signed()
    bits.unsigned(), bits.take(1), bits.unsigned()
    map_units = bits.unsigned() + 1
    fields = 2 - bits.take(1)  # frame_mbs_only_flag
    if fields == 2:
        bits.take(1)
    bits.take(1)
    height = map_units * fields * 16
    if bits.take(1):
        bits.unsigned(), bits.unsigned()
        height -= (bits.unsigned() + bits.unsigned()) * fields * (2 if chroma == 1 else 1)
    return height


def _hevc_height(bits: Bits) -> int:
    bits.take(4)
    layers = bits.take(3)  # sps_max_sub_layers_minus1
    bits.take(1 + 96)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.take(88 * has_profile + 8 * has_level)
    bits.unsigned()
    chroma = bits.unsigned()
    if chroma == 3:
        bits.take(1)
    bits.unsigned()
    height = bits.unsigned()
    if bits.take(1):
        bits.unsigned(), bits.unsigned()
        height -= (bits.unsigned() + bits.unsigned()) * (2 if chroma == 1 else 1)
    return height


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _is_intra(slice_unit: bytes) -> bool:
    """Whether a slice is of type I or SI (Table 7-6)."""
    bits = Bits(slice_unit[1:12])
    try:
        bits.unsigned()
        return bits.unsigned() % 5 in (2, 4)
    except Unreadable:
        return False


def _unescaped(unit: bytes) -> bytes:
    """The unit without its emulation prevention bytes."""
    return unit[:SPS_LIMIT].replace(b"\x00\x00\x03", b"\x00\x00")


def _sane(height: int) -> int | None:
    return height if 0 < height <= TALLEST else None
