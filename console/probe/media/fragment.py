"""CMAF and fragmented MP4 segments: movie fragments and their data (ISO/IEC 14496-12 8.8, 8.16; ISO/IEC 23000-19)."""

from __future__ import annotations

import re
from struct import Struct
from typing import NamedTuple

import msgspec

from console.probe.media.boxes import BOXES, LONGEST_HEADER, Box, box_at, child, number, walk
from console.probe.media.movie import Track, tracks_of
from console.probe.media.picture import Picture, h264, h265, length_prefixed
from console.probe.media.reading import Extent, Reading
from console.probe.media.samples import first_broken

LONGEST_S = 3600.0  # a fragment that lasts longer is a misread
FRAGMENT_TRACKS = 16
RUN_SAMPLES = 65_536  # of one trun; ten minutes of sound have half as many
SAMPLE_LIMIT = 64 * 1024  # bytes of the first sample that are searched for its slice
TOP = frozenset(
    (b"styp", b"ftyp", b"sidx", b"ssix", b"moof", b"mdat", b"moov", b"mfra", b"prft", b"emsg", b"free", b"skip", b"uuid")
)
_NON_SYNC = 0x0001_0000  # sample_is_non_sync_sample (8.8.3.1)
_MOOF = re.compile(rb"moof\x00\x00\x00\x10mfhd")


class Run(NamedTuple):
    """What one track has in one movie fragment. Times are ticks of the track's clock."""

    track: int
    begins: int | None  # tfdt; None without one
    lasts: int | None  # None when samples have no duration that is told here, nor by the init segment
    first_flags: int | None
    first_at: int | None  # where the first sample's bytes begin, in the segment
    first_size: int
    chunks: tuple[tuple[int, tuple[int, ...]], ...] = ()  # where samples of NAL units lie in clear, and their sizes in bytes


class _Walked(msgspec.Struct):
    """What the walk over the top level found."""

    runs: list[Run]
    tail_runs: list[Run]
    kinds: list[bytes]
    ended: int = 0  # where the last box ends, in bytes; beyond the segment when it is cut
    sidx: tuple[int, int] | None = None  # timescale, and ticks of all its subsegments


def is_fragmented(head: bytes) -> bool:
    """Whether the bytes begin with a box that a segment or a file may begin with."""
    return head[4:8] in TOP


def read(extent: Extent, init: bytes | None = None) -> Reading:
    """The facts of a segment. Without `init`, the EXT-X-MAP's bytes, nobody knows the clock: no times, unless a sidx tells.

    `first_time_s` is the base media decode time of the video, else of the first track, in seconds. `duration_s` reaches from
    there to the end of the track's last sample.
    """
    tracks = {track.number: track for track in (tracks_of(init) if init else ()) or tracks_of(extent.head)}
    walked = _walk(extent, tracks)
    present = [tracks[number] for number in dict.fromkeys(run.track for run in walked.runs) if number in tracks]
    present.sort(key=lambda track: track.kind != "video")
    main = present[0] if present else None
    lasting: dict[int, float | None] = {}
    if extent.is_read and (walked.ended == extent.size or extent.tail):
        lasting = {track.number: _lasting(extent, walked, track) for track in present}
    duration_s = lasting.get(main.number) if main else None
    if main is None and walked.sidx is not None and extent.is_read:
        duration_s = _seconds(walked.sidx[1], walked.sidx[0])
    first = next((run for run in walked.runs if run.track == main.number), None) if main else None
    is_video = main is not None and main.kind == "video"
    return Reading(
        container="fmp4",
        duration_s=duration_s,
        longest_s=max((seconds for seconds in lasting.values() if seconds is not None), default=None),
        first_time_s=first.begins / main.timescale if main and first and first.begins is not None else None,
        starts_with_key=_starts_with_key(extent.head, first, main) if main and first and is_video else None,
        codecs=",".join(dict.fromkeys(track.codec for track in present if track.codec)),
        height=main.height if main and is_video else None,
        faults=_faults(extent, walked, tracks),
    )


def _walk(extent: Extent, tracks: dict[int, Track]) -> _Walked:
    """The top level, through the head, and the last fragments of the tail, which nothing but their own look gives away."""
    head = extent.head
    whole = extent.size if extent.size is not None else len(head)
    found = _Walked([], [], [])
    for box in walk(head, whole=whole):
        found.kinds.append(box.kind)
        found.ended = box.end
        if box.end > len(head):
            break
        if box.kind == b"moof":
            found.runs += _runs(head, box, tracks)
        elif box.kind == b"sidx" and found.sidx is None:
            found.sidx = _sidx(head, box)
    if extent.tail and found.ended != whole:
        for match in _MOOF.finditer(extent.tail, 4):
            fragment = box_at(extent.tail, match.start() - 4, len(extent.tail), len(extent.tail))
            if fragment is not None and fragment.end <= len(extent.tail):
                found.tail_runs += _runs(extent.tail, fragment, tracks)
    return found


def _faults(extent: Extent, walked: _Walked, tracks: dict[int, Track]) -> tuple[str, ...]:
    """What is wrong with the boxes, the gravest alone: one cut segment has one fault."""
    size, kinds = extent.size, walked.kinds
    last = kinds[-1].decode("ascii", "replace") if kinds else "box"
    if size is not None and walked.ended > size:
        return (f"is cut: its last box ({last}) says {walked.ended - size} bytes more than came",)
    rest = len(extent.head) - walked.ended
    if rest > (0 if extent.is_complete else LONGEST_HEADER) and len(kinds) < BOXES:
        return (f"breaks at byte {walked.ended}: no box begins there",)
    if b"moof" not in kinds:
        if b"mdat" in kinds:
            return ("holds data without a movie fragment (moof)",)
        if extent.is_complete:
            return ("is an init segment, not media" if b"moov" in kinds else "holds no movie fragment (moof)",)
    elif extent.is_complete and b"mdat" not in kinds[kinds.index(b"moof") :]:
        return ("is cut: a movie fragment (moof) without its data (mdat)",)
    broken = _broken(extent.head, walked.runs, tracks)
    return (f"holds no picture from sample {broken} on: no NAL unit begins there",) if broken is not None else ()


def _broken(head: bytes, runs: list[Run], tracks: dict[int, Track]) -> int | None:
    """The first of all samples that is none. No byte is two samples', so none is looked at twice whatever the tables say."""
    chunks = [(at, sizes, tracks[run.track].nal_width) for run in runs for at, sizes in run.chunks]
    looked_to, before = 0, 0
    for at, sizes, width in sorted(chunks, key=lambda chunk: chunk[0]):
        if at < looked_to:
            continue
        broken = first_broken(head, at, sizes, width)
        if broken is not None:
            return before + broken
        before += len(sizes)
        looked_to = at + sum(sizes)
    return None


def _runs(data: bytes, moof: Box, tracks: dict[int, Track]) -> list[Run]:
    """One run for each track of a fragment, its trun boxes together."""
    found: list[Run] = []
    start = moof.body - 8
    for traf in walk(data, moof.body, moof.end):
        if traf.kind == b"traf" and traf.end <= moof.end and len(found) < FRAGMENT_TRACKS:
            run = _run(data, start, traf, tracks)
            if run is not None:
                found.append(run)
    return found


def _run(data: bytes, start: int, traf: Box, tracks: dict[int, Track]) -> Run | None:
    """The samples of one traf (8.8.7, 8.8.8, 8.8.12)."""
    tfhd, tfdt = child(data, traf, b"tfhd"), child(data, traf, b"tfdt")
    track = number(data, tfhd.body + 4, 4, tfhd) if tfhd else None
    if tfhd is None or track is None:
        return None
    known = tracks.get(track)
    flags = int.from_bytes(data[tfhd.body + 1 : tfhd.body + 4], "big")
    fields = {}
    at = tfhd.body + 8
    for bit, width in ((0x01, 8), (0x02, 4), (0x08, 4), (0x10, 4), (0x20, 4)):
        if flags & bit:
            fields[bit] = number(data, at, width, tfhd) or 0
            at += width
    duration = fields.get(0x08, known.default_duration if known else 0)
    sample_flags = fields.get(0x20, known.default_flags if known else None)
    version = data[tfdt.body : tfdt.body + 1] if tfdt else b""
    begins = number(data, tfdt.body + 4, 8 if version == b"\x01" else 4, tfdt) if tfdt else None
    lasts, samples = 0, 0
    chunks: list[tuple[int, tuple[int, ...]]] = []
    first: tuple[int | None, int | None, int] = (None, None, 0)
    for box in walk(data, traf.body, traf.end):
        if box.kind != b"trun" or box.end > traf.end:
            continue
        trun = _trun(data, box, duration, sample_flags, fields.get(0x10, 0))
        if trun is None:
            return None
        offset = trun.data_offset
        at_sample = fields.get(0x01, start) + offset if offset is not None else None
        if not samples and trun.samples:
            first = (trun.first_flags, at_sample, trun.first_size)
        if known and known.nal_width and not known.is_encrypted and at_sample is not None:
            chunks.append((at_sample, trun.sizes))
        lasts += trun.lasts
        samples += trun.samples
    return Run(track, begins, lasts if lasts else None, *first, tuple(chunks))


class _Trun(NamedTuple):
    samples: int
    lasts: int
    data_offset: int | None
    first_flags: int | None
    first_size: int
    sizes: tuple[int, ...]  # of the samples, in bytes; empty when they are all the default


def _trun(data: bytes, box: Box, duration: int, sample_flags: int | None, size: int) -> _Trun | None:
    """One track run. None when it says more samples than its bytes hold: the count is a stranger's number."""
    count = number(data, box.body + 4, 4, box)
    if count is None:
        return None
    flags = int.from_bytes(data[box.body + 1 : box.body + 4], "big")
    at = box.body + 8
    offset = None
    if flags & 0x01:
        raw = number(data, at, 4, box)
        offset = raw - (1 << 32) if raw is not None and raw >> 31 else raw
        at += 4
    first_flags = sample_flags
    if flags & 0x04:
        first_flags = number(data, at, 4, box)
        at += 4
    columns = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    width = 4 * len(columns)
    if at + count * width > box.end or (width and count > RUN_SAMPLES):
        return None
    table = Struct(f">{count * len(columns)}I").unpack_from(data, at) if width else ()
    column = {bit: table[index :: len(columns)] for index, bit in enumerate(columns)}
    if 0x400 in column and count and not flags & 0x04:
        first_flags = column[0x400][0]
    lasts = sum(column[0x100]) if 0x100 in column else count * duration
    sizes = column.get(0x200, ())
    return _Trun(count, lasts, offset, first_flags, sizes[0] if sizes else size, sizes)


def _sidx(data: bytes, box: Box) -> tuple[int, int] | None:
    """Timescale and length of all subsegments (8.16.3)."""
    is_long = data[box.body : box.body + 1] == b"\x01"
    timescale = number(data, box.body + 8, 4, box)
    at = box.body + (28 if is_long else 20)
    count = number(data, at + 2, 2, box)
    if not timescale or count is None or at + 4 + 12 * count > box.end:
        return None
    return timescale, sum(int.from_bytes(data[at + 8 + 12 * index : at + 12 + 12 * index], "big") for index in range(count))


def _lasting(extent: Extent, walked: _Walked, track: Track) -> float | None:
    """Seconds from a track's first sample to the end of its last; None when its last fragment was not kept."""
    runs = [run for run in walked.runs if run.track == track.number]
    if walked.ended != extent.size:
        last = [run for run in walked.tail_runs if run.track == track.number]
        if not last:
            return None
        runs += last
    if not runs or any(run.lasts is None for run in runs):
        return None
    if runs[0].begins is not None and runs[-1].begins is not None:
        return _seconds(runs[-1].begins + (runs[-1].lasts or 0) - runs[0].begins, track.timescale)
    return _seconds(sum(run.lasts or 0 for run in runs), track.timescale) if walked.ended == extent.size else None


def _seconds(ticks: int, timescale: int) -> float | None:
    return ticks / timescale if 0 < ticks <= LONGEST_S * timescale else None


def _starts_with_key(head: bytes, first: Run, video: Track) -> bool | None:
    """Whether the first sample is a sync sample, by its flags; where these deny it, by its slice, which knows better."""
    if first.first_flags is None:
        return None
    if not first.first_flags & _NON_SYNC:
        return True
    if first.first_at is None or not video.nal_width or not 0 <= first.first_at < len(head):
        return False
    sample = head[first.first_at : first.first_at + min(first.first_size, SAMPLE_LIMIT)]
    units = length_prefixed(sample, video.nal_width)
    picture: Picture = h265(units) if video.codec[:3] in ("hvc", "hev") else h264(units)
    return bool(picture.is_key)
