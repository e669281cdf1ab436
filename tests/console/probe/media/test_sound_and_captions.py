"""Packed audio and WebVTT: the clock they name, the frames they count."""

from __future__ import annotations

import pytest

from console.probe.media.look import look
from tests.streams.media import CLOCK_HZ, adts_frame, adts_segment, id3_time, webvtt_segment


@pytest.mark.parametrize(("start_s", "duration_s"), [(0.0, 2.0), (95_440.0, 4.0), (2**33 / CLOCK_HZ + 3.0, 6.0)])
def test_aac_lasts_as_long_as_its_frames_and_begins_when_its_tag_says(start_s: float, duration_s: float) -> None:
    seen = look(adts_segment(start_s, duration_s), extinf_s=duration_s)
    assert (seen.container, seen.codecs, seen.remarks) == ("aac", "mp4a.40.2", ())
    assert seen.duration_s == pytest.approx(duration_s, abs=1024 / 48_000)
    assert seen.first_time_s == pytest.approx(start_s % (2**33 / CLOCK_HZ))
    assert (seen.starts_with_key, seen.height) == (None, None)


def test_half_a_segment_of_sound_is_too_short() -> None:
    assert "lasts 1.0" in look(adts_segment(0.0, 1.0), extinf_s=4.0).remarks[0].says


def test_aac_without_a_tag_and_with_one_at_its_end_is_no_fault() -> None:
    assert look(adts_frame() * 90).remarks == ()
    assert look(adts_frame() * 90 + id3_time(0.0)).remarks == ()


def test_layer_3_is_counted_by_its_own_table() -> None:
    frame = bytes((0xFF, 0xFB, 0x90, 0x00)).ljust(417, b"\x00")  # MPEG-1, 128 kbit/s, 44.1 kHz
    seen = look(id3_time(7.0) + frame * 153)
    assert (seen.container, seen.codecs, seen.first_time_s, seen.remarks) == ("mp3", "mp4a.40.34", 7.0, ())
    assert seen.duration_s == pytest.approx(153 * 1152 / 44_100)
    half = bytes((0xFF, 0xF3, 0x84, 0x00)).ljust(192, b"\x00")  # MPEG-2, 64 kbit/s, 24 kHz
    assert look(half * 100).duration_s == pytest.approx(100 * 576 / 24_000)


def test_dolby_is_recognised() -> None:
    assert look(b"\x0b\x77\x00\x00\x1e\x40" + bytes(300)).codecs == "ac-3"
    assert look(b"\x0b\x77\x00\x00\x1e\x80" + bytes(300)).codecs == "ec-3"


def test_captions_name_where_their_time_zero_lies() -> None:
    assert look(webvtt_segment(0.0)).first_time_s == 10.0
    shifted = b"\xef\xbb\xbfWEBVTT - news\r\nX-TIMESTAMP-MAP=LOCAL:00:01:00.500,MPEGTS:9000000\r\n\r\n"
    assert look(shifted).first_time_s == pytest.approx(39.5)
    assert look(b"WEBVTT\n\n").first_time_s is None
    assert look(b"WEBVTT").remarks == ()
    assert look(b"WEBVTTX").remarks != ()


def test_a_map_of_nonsense_is_no_time() -> None:
    assert look(b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:abc,LOCAL:xx\n").first_time_s is None
    assert look(b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:" + b"9" * 5000 + b",LOCAL:00:00:00.000\n").remarks == ()
