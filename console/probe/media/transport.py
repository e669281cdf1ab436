"""MPEG transport stream segments (ISO/IEC 13818-1, RFC 8216 3.2)."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import msgspec

from console.probe.media import sound
from console.probe.media.packets import CLOCK_HZ, PACKET, SYNC, WRAP, Packets, apart
from console.probe.media.picture import Picture, annex_b, h264, h265
from console.probe.media.reading import Extent, Reading
from console.probe.media.tables import AUDIO, OTHER, STREAMS, VIDEO, Elementary, Program, program

PICTURE_LIMIT = 64 * 1024  # bytes of the first access unit that are searched for parameter sets and a slice
FIRST_LOOK = 4 * 1024  # of them; nearly always enough
SOUND_LIMIT = 16 * 1024  # bytes of one PES packet of sound
LONGEST_S = 3600.0  # a segment that covers more has a jump in its timestamps, and no duration
_OTHER_LENGTHS = {192: (4, "packets of 192 bytes (M2TS)"), 204: (0, "packets of 204 bytes (with parity)")}


class Times(NamedTuple):
    """When one stream begins and ends, in ticks of 90 kHz."""

    first: int  # its earliest PTS, 0 <= first < 2**33
    span: int  # from there to its latest PTS, across the wrap
    step: float  # between two that follow each other; 0 when there is but one
    part: Packets  # where the PES packet with the latest PTS is
    last: int  # the packet that begins it


def is_transport(head: bytes) -> bool:
    """Whether the bytes begin as a transport stream does: with 0x47, and again 188 bytes on where they reach so far."""
    return head[:1] == SYNC and head[PACKET : PACKET + 1] in (b"", SYNC)


def other_length(head: bytes) -> str:
    """What packets of another length than 188 these are, in words; "" for none."""
    if is_transport(head):
        return ""
    for length, (offset, name) in _OTHER_LENGTHS.items():
        places = range(offset, min(len(head), offset + 8 * length), length)
        if len(places) >= 3 and all(head[at] == SYNC[0] for at in places):
            return name
    return ""


def read(extent: Extent, init: bytes | None = None) -> Reading:
    """The facts of a segment. `init` is the EXT-X-MAP's bytes, where PAT and PMT may stand instead.

    `first_time_s` is the earliest PTS of the video, else of the sound, in seconds of the 90 kHz clock (0 to 95,443.7).
    `duration_s` reaches from there to the end of the last picture, whose own length is the median distance of two.
    """
    head = Packets(extent.head)
    tail = Packets(extent.tail[-extent.tail_begins % PACKET :])
    faults = _damage(extent, head, tail)
    described = program(head.section)
    if described is None and init is not None and is_transport(init):
        described = program(Packets(init).section)
    streams = described.streams if described else _guessed(head)
    if extent.is_complete and not faults:
        if described is None:
            faults.append("holds no PAT and PMT, and no map stands for them")
        elif not any(head.of(one.pid, 0, 1) for one in streams):
            faults.append("holds tables and padding, but no picture and no sound")
    return _facts(extent, head, tail, described, streams, faults)


def _facts(
    extent: Extent, head: Packets, tail: Packets, described: Program | None, streams: tuple[Elementary, ...], faults: list[str]
) -> Reading:
    media = [one for one in streams if one.kind != OTHER]
    times = {one.pid: found for one in media if (found := _times(one.pid, head, tail)) is not None}
    video = next((one for one in media if one.kind == VIDEO), None)
    main = video if video is not None and video.pid in times else next((one for one in media if one.pid in times), None)
    picture = _first_picture(head, video) if video is not None else None
    # A stream whose last PES packet lies between head and tail has no end that is known.
    ended = [one for one in media if one.pid in times and (extent.is_complete or times[one.pid].part is tail)]
    lasting = {one.pid: _lasting(one, times[one.pid]) for one in ended} if extent.is_read else {}
    known = [seconds for seconds in lasting.values() if seconds is not None]
    duration_s = lasting.get(main.pid) if main else None
    if duration_s is None and extent.is_complete and described is not None:
        duration_s = _by_pcr(head, described.pcr_pid)
    return Reading(
        container="ts",
        duration_s=duration_s,
        longest_s=max(known) if duration_s is not None and known else None,
        first_time_s=times[main.pid].first / CLOCK_HZ if main else None,
        starts_with_key=picture.is_key if picture else None,
        codecs=",".join(_codecs(head, media, picture)),
        height=picture.height if picture else None,
        continuity_errors=sum(part.continuity_errors(one.pid) for one in media for part in (head, tail)),
        faults=tuple(faults),
    )


def _damage(extent: Extent, head: Packets, tail: Packets) -> list[str]:
    """What is wrong with the packets as such."""
    faults = []
    if (lost := head.lost_sync) is not None:
        faults.append(f"loses its sync at byte {lost * PACKET}: no 0x47 where a packet should begin")
    elif (lost := tail.lost_sync) is not None and not (extent.size or 0) % PACKET:
        begins = extent.tail_begins + -extent.tail_begins % PACKET
        faults.append(f"loses its sync before byte {begins + lost * PACKET}: no 0x47 where a packet should begin")
    if extent.size is not None and extent.size % PACKET and not faults:
        faults.append(f"is cut: {extent.size} bytes are no whole number of 188-byte packets")
    return faults


def _guessed(head: Packets) -> tuple[Elementary, ...]:
    """The streams as the PES packets' own stream_ids name them (Table 2-22), where the tables are missing."""
    found: dict[int, Elementary] = {}
    for pid, starts in head.starts.items():
        begin = head.payload(starts[0])[:4]
        if len(begin) == 4 and begin[:3] == b"\x00\x00\x01" and 0xC0 <= begin[3] <= 0xEF and len(found) < STREAMS:
            found[pid] = Elementary(pid, VIDEO if begin[3] >= 0xE0 else AUDIO, "")
    return tuple(found.values())


def _times(pid: int, head: Packets, tail: Packets) -> Times | None:
    """The timestamps of one PID; None when it has none."""
    begins = [
        (ticks, part, index)
        for part in (head, tail) for index in part.starts.get(pid, ())
        if (ticks := _pts(part.payload(index))) is not None
    ]  # fmt: skip
    if not begins:
        return None
    relative = [apart(ticks, begins[0][0]) for ticks, _, _ in begins]
    ordered = sorted(set(relative))
    steps = [after - before for before, after in pairwise(ordered)]
    latest = begins[relative.index(ordered[-1])]
    return Times(
        first=(begins[0][0] + ordered[0]) % WRAP,
        span=ordered[-1] - ordered[0],
        step=_middle(steps) if steps else 0.0,
        part=latest[1],
        last=latest[2],
    )


def _middle(steps: list[int]) -> float:
    """Their median; `statistics` would cost a prober's start 4 ms."""
    steps.sort()
    half = len(steps) // 2
    return (steps[half] + steps[~half]) / 2


def _pts(payload: bytes) -> int | None:
    """The presentation time of a PES packet (2.4.3.7); None when it has none, or its marker bits are wrong."""
    if len(payload) < 14 or payload[:3] != b"\x00\x00\x01" or payload[6] >> 6 != 2 or not payload[7] & 0x80:
        return None
    field = payload[9:14]
    if field[0] >> 4 not in (2, 3) or not field[0] & field[2] & field[4] & 1:
        return None
    return (field[0] >> 1 & 7) << 30 | field[1] << 22 | field[2] >> 1 << 15 | field[3] << 7 | field[4] >> 1


def _elementary(pes: bytes) -> bytes:
    """What follows the header of a PES packet."""
    return pes[9 + pes[8] :] if len(pes) > 9 else b""


def _lasting(stream: Elementary, times: Times) -> float | None:
    """Seconds that a stream lasts. One picture's time alone says nothing about a length; frames of AAC count themselves."""
    last_s = 0.0
    if stream.codec == "mp4a":
        last_s = sound.frames_last(_elementary(times.part.gathered(times.last, SOUND_LIMIT)))
    if not last_s and not times.step:
        return None
    seconds = times.span / CLOCK_HZ + (last_s or times.step / CLOCK_HZ)
    return seconds if 0 < seconds <= LONGEST_S else None


def _by_pcr(head: Packets, pid: int) -> float | None:
    """Seconds between the first and the last clock reference (2.4.2.2), for streams that carry no other time."""
    packets = head.of(pid)
    first = next((ticks for index in packets if (ticks := head.pcr(index)) is not None), None)
    last = next((ticks for index in reversed(packets) if (ticks := head.pcr(index)) is not None), None)
    if first is None or last is None or not 0 < apart(last, first) <= LONGEST_S * CLOCK_HZ:
        return None
    return apart(last, first) / CLOCK_HZ


def _first_picture(head: Packets, video: Elementary) -> Picture | None:
    """What the first access unit shows; None when no packet of the video is there.

    A segment whose first packet of video does not begin a PES packet was cut inside a picture, and begins with no keyframe. So
    does one whose first slice comes before any parameter set: x264's open GOPs are sent so, flagged for random access, and no
    player can begin there. Elsewhere the flag is believed: pictures that are refreshed row by row have no other mark.
    """
    first = next(iter(head.of(video.pid, 0, 1)), None)
    start = next(iter(head.starts.get(video.pid, ())), None)
    if first is None or start is None:
        return None
    picture = _picture(head, start, video.codec, FIRST_LOOK)
    if picture.is_key is None:
        picture = _picture(head, start, video.codec, PICTURE_LIMIT)
    is_late = any(head.payload(index) for index in head.of(video.pid, first, start - first) if index < start)
    if is_late or (picture.is_key is not None and not picture.has_parameters):
        return msgspec.structs.replace(picture, is_key=False)
    return msgspec.structs.replace(picture, is_key=True) if head.adaptation_flags(start) & 0x40 else picture


def _picture(head: Packets, start: int, codec: str, limit: int) -> Picture:
    units = annex_b(_elementary(head.gathered(start, limit)))
    if codec == "hvc1":
        return h265(units)
    if codec == "avc1":
        return h264(units)
    return Picture(codec)


def _codecs(head: Packets, media: list[Elementary], picture: Picture | None) -> list[str]:
    """One codec string for each stream that can be told, without doubles."""
    told: dict[str, None] = {}
    for one in media:
        if one.kind == VIDEO:
            codec = picture.codec if picture is not None and one.codec else one.codec
        elif one.codec == "mp4a":
            start = next(iter(head.starts.get(one.pid, ())), None)
            codec = sound.adts_codec(_elementary(head.gathered(start, SOUND_LIMIT))) if start is not None else ""
        else:
            codec = one.codec
        if codec:
            told[codec] = None
    return list(told)
