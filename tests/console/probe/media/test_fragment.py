"""Fragmented MP4: times by the init segment's clock, chunks, sync samples, several tracks."""

from __future__ import annotations

from struct import pack

import pytest

from console.probe.media.boxes import walk
from console.probe.media.look import HEAD_WANTED, TAIL_WANTED, look
from console.probe.media.movie import tracks_of
from console.probe.media.samples import first_broken
from tests.streams.media import codec_of, fmp4_init, fmp4_segment


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return pack(">I", 8 + len(body)) + kind + body


@pytest.mark.parametrize("height", [240, 360, 540, 720, 1080, 2160])
@pytest.mark.parametrize("timescale", [1000, 12_800, 90_000, 10_000_000])
def test_times_are_those_of_the_clock_that_the_init_segment_names(height: int, timescale: int) -> None:
    body = fmp4_segment(86_400.0, 4.0, height=height, timescale=timescale)
    seen = look(body, init=fmp4_init(height, timescale=timescale), extinf_s=4.0)
    assert (seen.duration_s, seen.first_time_s, seen.starts_with_key) == (4.0, 86_400.0, True)
    assert (seen.height, seen.codecs, seen.remarks) == (height, codec_of(height), ())


def test_without_its_init_segment_a_fragment_has_no_clock_and_no_fault() -> None:
    seen = look(fmp4_segment(10.0), extinf_s=4.0, is_independent=True)
    assert (seen.container, seen.duration_s, seen.first_time_s, seen.starts_with_key) == ("fmp4", None, None, None)
    assert (seen.codecs, seen.remarks) == ("", ())


@pytest.mark.parametrize("chunks", [1, 2, 8, 20])
@pytest.mark.parametrize("size", [0, 250_000, 1_500_000])
def test_the_chunks_of_a_segment_are_added_up(chunks: int, size: int) -> None:
    body = fmp4_segment(30.0, 4.0, chunks=chunks, size=size)
    assert look(body, init=fmp4_init(), extinf_s=4.0).duration_s == 4.0
    parts = look(body[:HEAD_WANTED], tail=body[-TAIL_WANTED:], size=len(body), init=fmp4_init(), extinf_s=4.0)
    assert parts.remarks == ()
    assert parts.duration_s in ((4.0,) if chunks == 1 or size < 300_000 else (4.0, None))


def test_the_last_chunk_is_found_in_the_tail() -> None:
    body = fmp4_segment(30.0, 4.0, chunks=50, size=1_000_000)
    assert look(body[:HEAD_WANTED], tail=body[-TAIL_WANTED:], size=len(body), init=fmp4_init()).duration_s == pytest.approx(4.0)


def test_a_missing_chunk_shows_in_the_duration() -> None:
    body = fmp4_segment(30.0, 4.0, chunks=4)
    begins = [match for match in range(len(body)) if body[match : match + 4] == b"moof"]
    cut = body[: begins[2] - 4]
    assert "lasts 2.00 s by its timestamps" in look(cut, init=fmp4_init(), extinf_s=4.0).remarks[0].says


def test_a_head_alone_shows_a_cut_where_the_size_is_known() -> None:
    body = fmp4_segment(30.0, 4.0, size=500_000)
    assert look(body[:65_536], size=len(body), is_whole=False).remarks == ()
    assert "says 9000 bytes more" in look(body[:65_536], size=len(body) - 9000, is_whole=False).remarks[0].says


def test_boxes_that_break_off_show_in_a_head_alone() -> None:
    body = bytearray(fmp4_segment(30.0, 4.0, chunks=8, size=500_000))
    at = body.index(b"moof", body.index(b"moof") + 4) - 4
    body[at : at + 8] = b"\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe"
    assert look(bytes(body[: at + 16]), is_whole=False).remarks == ()
    assert f"breaks at byte {at}" in look(bytes(body[: at + 17]), is_whole=False).remarks[0].says


def test_flags_that_deny_a_keyframe_yield_to_the_slice_itself() -> None:
    body = bytearray(fmp4_segment(0.0, 2.0))
    at = body.index(b"trun") + 16
    assert body[at : at + 4] == b"\x02\x00\x00\x00"
    body[at : at + 4] = b"\x01\x01\x00\x00"
    assert look(bytes(body), init=fmp4_init()).starts_with_key is True
    assert look(fmp4_segment(0.0, 2.0, is_key_first=False), init=fmp4_init()).starts_with_key is False


def test_a_sample_count_that_its_bytes_do_not_hold_is_not_believed() -> None:
    body = bytearray(fmp4_segment(0.0, 2.0))
    at = body.index(b"trun") + 8
    body[at : at + 4] = b"\xff\xff\xff\xff"
    seen = look(bytes(body), init=fmp4_init(), extinf_s=2.0)
    assert (seen.duration_s, seen.container) == (None, "fmp4")


def test_a_sidx_tells_the_duration_where_no_init_segment_does() -> None:
    row = pack(">III", 5000, 360_000, 0x9000_0000)
    for version, times in ((0, pack(">II", 0, 0)), (1, pack(">QQ", 0, 0))):
        sidx = box(b"sidx", pack(">III", version << 24, 1, 90_000), times, pack(">HH", 0, 1), row)
        assert look(sidx + fmp4_segment(0.0, 4.0)).duration_s == 4.0


def test_events_and_reference_times_before_the_fragment_are_no_fault() -> None:
    body = fmp4_segment(0.0, 4.0)
    at = body.index(b"moof") - 4
    padded = body[:at] + box(b"prft", bytes(20)) + box(b"emsg", bytes(40)) + box(b"free") + body[at:] + box(b"mfra", bytes(8))
    seen = look(padded, init=fmp4_init(), extinf_s=4.0, is_independent=True)
    assert (seen.remarks, seen.duration_s) == ((), 4.0)


def test_long_box_sizes_and_a_box_to_the_end_are_read() -> None:
    body = fmp4_segment(0.0, 4.0)
    at = body.index(b"mdat") - 4
    offset = body.index(b"trun") + 12  # of its first sample, after a header that is eight bytes longer now
    moved = body[:offset] + pack(">I", int.from_bytes(body[offset : offset + 4], "big") + 8) + body[offset + 4 : at]
    long = moved + b"\x00\x00\x00\x01mdat" + pack(">Q", len(body) - at + 8) + body[at + 8 :]
    open_ended = body[:at] + bytes(4) + body[at + 4 :]
    for form in (long, open_ended):
        seen = look(form, init=fmp4_init(), extinf_s=4.0)
        assert (seen.remarks, seen.duration_s, seen.size) == ((), 4.0, len(form))


def test_a_track_without_a_timescale_is_no_track() -> None:
    init = bytearray(fmp4_init(360))
    at = init.index(b"mdhd") + 16
    assert init[at : at + 4] == pack(">I", 90_000)
    init[at : at + 4] = bytes(4)
    assert tracks_of(bytes(init)) == ()
    assert look(fmp4_segment(0.0), init=bytes(init)).remarks == ()


def test_a_walk_ends_however_small_the_boxes_are() -> None:
    assert len(list(walk(box(b"free") * 100_000))) == 4096
    assert list(walk(b"\x00\x00\x00\x07free" * 10)) == []


@pytest.mark.parametrize(
    ("esds", "codec"),
    [
        ("00000000 0319 0001 00 0411 40 15 000000 00000000 00000000 0502 1190 060102", "mp4a.40.2"),
        ("00000000 038080801b 0001 00 0480808013 40 15 000000 00000000 00000000 0580808002 2b92 060102", "mp4a.40.5"),
        ("00000000 0317 0001 00 040f 6b 15 000000 00000000 00000000 060102", "mp4a.6b"),
        ("00000000", "mp4a"),
    ],
)
def test_the_codec_of_sound_is_in_its_descriptor(esds: str, codec: str) -> None:
    descriptor = box(b"esds", bytes.fromhex(esds))
    assert _of_entry(b"soun", b"mp4a", bytes(28) + descriptor) == codec


@pytest.mark.parametrize(
    ("form", "configuration", "codec"),
    [
        (b"hvc1", box(b"hvcC", bytes.fromhex("01016000000090000000000078f000fcfdf8f800000f00")), "hvc1.1.6.L120.90"),
        (b"hev1", box(b"hvcC", bytes.fromhex("01022000000090000000000099f000fcfdf8f800000f00")), "hev1.2.4.L153.90"),
        (b"av01", box(b"av1C", bytes.fromhex("81080c00")), "av01.0.08M.08"),
        (b"vp09", box(b"vpcC", bytes.fromhex("01000000000a820202020000")), "vp09.00.10.08"),
        (b"avc3", box(b"avcC", bytes.fromhex("0164001fffe100")), "avc3.64001F"),
        (b"encv", box(b"avcC", bytes.fromhex("0164001fffe100")) + box(b"sinf", box(b"frma", b"avc1")), "avc1.64001F"),
        (b"ec-3", b"", "ec-3"),
    ],
)
def test_the_codec_of_pictures_is_in_their_configuration(form: bytes, configuration: bytes, codec: str) -> None:
    assert _of_entry(b"vide", form, bytes(78) + configuration) == codec


def _of_entry(handler: bytes, form: bytes, entry: bytes) -> str:
    """The codec of a movie of one track with this sample entry."""
    stbl = box(b"stbl", box(b"stsd", bytes(4), pack(">I", 1), box(form, entry)))
    mdia = box(b"mdia", box(b"mdhd", bytes(12), pack(">I", 48_000), bytes(8)), box(b"hdlr", bytes(8), handler, bytes(13)), box(b"minf", stbl))
    trak = box(b"trak", box(b"tkhd", bytes(12), pack(">I", 1), bytes(60)), mdia)
    (track,) = tracks_of(box(b"moov", trak))
    return track.codec


def holes() -> dict[str, bytes]:
    """A segment whose boxes are whole, with zeros where its second half was, where one block was, and where all of it was."""
    body = fmp4_segment(0.0, 2.0, size=100_000)
    data = body.index(b"mdat") + 4
    return {
        "its second half": body[: len(body) // 2] + bytes(len(body) - len(body) // 2),
        "a block": body[:20_000] + bytes(4096) + body[24_096:],
        "all of its data": body[:data] + bytes(len(body) - data),
    }


@pytest.mark.parametrize("hole", holes())
def test_zeros_where_pictures_should_be_are_seen_though_every_box_is_whole(hole: str) -> None:
    seen = look(holes()[hole], init=fmp4_init(), extinf_s=2.0, name="segment 7")
    (remark,) = seen.remarks
    assert remark.code == "SEG_BAD" and "holds no picture from sample" in remark.says
    assert seen.duration_s == 2.0, "its boxes say that all is well"


@pytest.mark.parametrize("hole", holes())
def test_nothing_is_said_of_pictures_that_are_encrypted_or_whose_form_nobody_told(hole: str) -> None:
    assert look(holes()[hole], init=fmp4_init(is_encrypted=True), extinf_s=2.0).remarks == ()
    assert look(holes()[hole], extinf_s=2.0).remarks == ()


def test_a_block_that_is_missing_in_what_was_not_kept_is_no_fault() -> None:
    body = fmp4_segment(0.0, 4.0, size=900_000)
    assert look(body[:HEAD_WANTED], tail=body[-TAIL_WANTED:], size=len(body), init=fmp4_init(), extinf_s=4.0).remarks == ()


def test_empty_units_behind_a_picture_are_padding_and_a_unit_longer_than_its_sample_is_none() -> None:
    unit = pack(">I", 3) + b"\x65ab"
    assert first_broken(unit + bytes(8) + unit, 0, (len(unit) + 8, len(unit)), 4) is None
    assert first_broken(unit + pack(">I", 9) + b"\x65ab", 0, (len(unit), 7), 4) == 1
    assert first_broken(unit + unit[:5], 0, (len(unit), len(unit)), 4) is None, "the second is not at hand"
    assert first_broken(bytes(100), -1, (50,), 4) is None
