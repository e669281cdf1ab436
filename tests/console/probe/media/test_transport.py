"""Transport streams: times across the wrap, counters, keyframes, what the tables leave open."""

from __future__ import annotations

import time
from struct import pack

import pytest

from console.probe.media.look import HEAD_WANTED, TAIL_WANTED, look
from console.probe.media.packets import PACKET, Packets, apart
from tests.streams.media import CLOCK_HZ, PAT, VIDEO_PID, codec_of, pmt, ts_segment

WRAP_S = 2**33 / CLOCK_HZ


@pytest.mark.parametrize("height", [240, 360, 480, 540, 720, 1080, 1440, 2160])
def test_height_and_codec_are_those_of_the_parameter_set(height: int) -> None:
    seen = look(ts_segment(0.0, 1.0, height=height))
    assert (seen.height, seen.codecs) == (height, codec_of(height))


@pytest.mark.parametrize("start_s", [0.0, 1234.5, WRAP_S - 2.0, WRAP_S - 0.2, 3 * WRAP_S + 7.0])
@pytest.mark.parametrize(("duration_s", "fps"), [(2.0, 25), (4.0, 50), (6.0, 24), (9.6, 25)])
def test_the_duration_is_that_of_the_pictures_also_across_the_wrap_of_the_clock(start_s: float, duration_s: float, fps: int) -> None:
    seen = look(ts_segment(start_s, duration_s, fps=fps, height=360))
    assert seen.duration_s == pytest.approx(duration_s, abs=0.001)
    assert seen.first_time_s == pytest.approx((start_s + 0.2) % WRAP_S, abs=0.001)


@pytest.mark.parametrize("size", [400_000, 1_000_000, 3_000_000])
@pytest.mark.parametrize("start_s", [50.0, WRAP_S - 2.0])
def test_head_and_tail_tell_what_the_whole_tells(size: int, start_s: float) -> None:
    body = ts_segment(start_s, 4.0, size=size, has_audio=True)
    parts = look(body[:HEAD_WANTED], tail=body[-TAIL_WANTED:], size=len(body), extinf_s=4.0)
    assert parts == look(body, extinf_s=4.0)
    odd = look(body[: HEAD_WANTED + 5], tail=body[-TAIL_WANTED - 77 :], size=len(body), extinf_s=4.0)
    assert odd == parts


def test_a_tail_in_which_no_picture_begins_leaves_the_end_unknown_and_accuses_nobody() -> None:
    body = ts_segment(50.0, 4.0, size=10_000_000)
    tail = body[-(80_000 // PACKET) * PACKET :]
    assert not any(Packets(tail[-16_000 // PACKET * PACKET :]).starts)
    for kept in (tail, tail[-16_000 // PACKET * PACKET :]):
        seen = look(body[:HEAD_WANTED], tail=kept, size=len(body), extinf_s=4.0)
        assert seen.remarks == ()
        assert seen.duration_s in (None, pytest.approx(4.0))
    assert seen.duration_s is None


def test_a_head_alone_tells_when_it_begins_and_not_how_long_it_is() -> None:
    body = ts_segment(50.0, 4.0, size=1_000_000)
    seen = look(body[:65_536], size=len(body), is_whole=False)
    assert (seen.first_time_s, seen.duration_s, seen.size, seen.starts_with_key) == (50.2, None, len(body), True)


def test_lost_packets_are_counted_and_repeated_ones_are_not() -> None:
    body = ts_segment(0.0, 2.0, size=200_000, has_audio=True)
    assert look(body).continuity_errors == 0
    at = Packets(body).of(VIDEO_PID)[40] * PACKET
    assert look(body[:at] + body[at + PACKET :]).continuity_errors == 1
    assert look(body[: at + PACKET] + body[at:]).continuity_errors == 0


def test_a_discontinuity_that_is_marked_as_one_is_no_lost_packet() -> None:
    body = ts_segment(0.0, 2.0, size=200_000)
    packets = Packets(body)
    later = next(index for index in packets.starts[VIDEO_PID] if index > 300) * PACKET
    cut = body[: later - PACKET] + body[later:]
    assert look(cut).continuity_errors == 1
    marked = bytearray(cut)
    marked[later - PACKET + 5] |= 0x80
    assert look(bytes(marked)).continuity_errors == 0


def test_the_map_may_hold_the_tables() -> None:
    body = ts_segment(20.0, 4.0, height=540)
    bare = body[2 * PACKET :]
    assert "holds no PAT and PMT" in look(bare).remarks[0].says
    seen = look(bare, init=PAT + pmt())
    assert (seen.remarks, seen.duration_s, seen.height, seen.starts_with_key) == ((), 4.0, 540, True)


def test_without_tables_streams_are_known_by_their_own_identifiers() -> None:
    body = ts_segment(20.0, 4.0)[2 * PACKET :]
    seen = look(body, is_whole=False)
    assert (seen.first_time_s, seen.codecs, seen.remarks) == (20.2, "", ())


def test_a_segment_cut_inside_a_picture_begins_with_no_keyframe() -> None:
    body = ts_segment(0.0, 4.0, size=400_000)
    tables, pictures = body[: 2 * PACKET], body[2 * PACKET :]
    assert look(tables + pictures[10 * PACKET :]).starts_with_key is False


def test_the_random_access_flag_is_believed_unless_there_is_nothing_to_decode_by() -> None:
    body = bytearray(ts_segment(0.0, 4.0))
    first = Packets(bytes(body)).of(VIDEO_PID, 0, 1)[0] * PACKET
    assert body[first + 5] & 0x40
    idr, parameters = body.index(b"\x00\x00\x00\x01\x65") + 4, body.index(b"\x00\x00\x00\x01\x67") + 4
    body[idr] = 0x41
    body[idr + 1] = 0b1_00110_00  # a slice that is predicted: rows are refreshed one after the other
    assert look(bytes(body)).starts_with_key is True
    body[first + 5] &= ~0x40
    assert look(bytes(body)).starts_with_key is False
    body[first + 5] |= 0x40
    body[parameters] = 0x0C
    assert look(bytes(body)).starts_with_key is False


def test_a_table_that_spans_two_packets_is_read() -> None:
    body = ts_segment(0.0, 2.0, height=360, has_audio=True)
    table = body[PACKET + 5 : 2 * PACKET]
    length = 3 + (int.from_bytes(table[1:3], "big") & 0x0FFF)
    info = b"\x0e\xff" + bytes(200)  # a descriptor that fills the rest of the packet
    streams = table[12 : length - 4]
    section = table[:1] + pack(">H", 0xB000 | 9 + len(info) + len(streams) + 4) + table[3:10] + pack(">H", 0xF000 | len(info)) + info + streams + bytes(4)
    first = body[PACKET : PACKET + 4] + b"\x00" + section[:183]
    second = b"\x47\x10\x00\x11" + section[183:].ljust(184, b"\xff")
    seen = look(body[:PACKET] + first + second + body[2 * PACKET :])
    assert (seen.codecs, seen.height, seen.duration_s, seen.remarks) == ("avc1.42C01E,mp4a.40.2", 360, pytest.approx(2.0), ())


def test_a_stream_of_sound_alone_has_the_duration_of_its_frames() -> None:
    body = ts_segment(0.0, 4.0, has_audio=True)
    sound = b"".join(body[at : at + PACKET] for at in range(0, len(body), PACKET) if body[at + 1] & 0x1F != 1 or body[at + 2] != 0)
    seen = look(sound, extinf_s=4.0)
    assert seen.duration_s == pytest.approx(4.0, abs=1024 / 48_000)
    assert (seen.codecs, seen.height, seen.starts_with_key, seen.remarks) == ("avc1,mp4a.40.2", None, None, ())


def test_ticks_are_compared_the_short_way_round() -> None:
    assert apart(5, 2**33 - 5) == 10
    assert apart(2**33 - 5, 5) == -10
    assert apart(7, 7) == 0


def test_three_megabytes_are_read_in_a_few_milliseconds_of_processor_time() -> None:
    body = ts_segment(0.0, 4.0, size=3_000_000, has_audio=True)
    spent = []
    for _ in range(15):
        begun = time.process_time()
        assert look(body, extinf_s=4.0).duration_s == 4.0
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.014  # 4 to 5 ms on a quiet core; packet by packet it would be ten times that
