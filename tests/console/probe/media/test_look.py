"""What a segment's bytes are accused of, and what they are not."""

from __future__ import annotations

import gzip
import random

import pytest

from console.demo.transport_stream import segment as demo_segment
from console.model.observation import SegmentFacts
from console.probe.media.look import HEAD_WANTED, NO_KEYFRAME, TAIL_WANTED, Look, look
from tests.streams.media import adts_segment, fmp4_init, fmp4_segment, ts_segment, webvtt_segment

TS = ts_segment(100.0, 4.0, height=720, size=600_000, has_audio=True)
FMP4 = fmp4_segment(100.0, 4.0, height=720, size=600_000)
INIT = fmp4_init(720)


def says(seen: Look) -> str:
    assert all(remark.code == "SEG_BAD" and len(remark.says) <= 120 for remark in seen.remarks)
    assert all(remark.value == (NO_KEYFRAME if "keyframe" in remark.says else 1.0) for remark in seen.remarks)
    return "; ".join(remark.says for remark in seen.remarks)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "is empty: 0 bytes"),
        (b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>", "is an HTML page, not media"),
        (b"\n\n<HTML><HEAD><TITLE>Error</TITLE>", "is an HTML page"),
        (b'{"error": "no such key"}', "is a JSON document"),
        (b"[]", "is a JSON document"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "is an XML document"),
        (b"<Error><Code>NoSuchKey</Code></Error>", "is an XML document"),
        (b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">', "is an MPD"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n", "is a playlist"),
        (b"not found\n", "is text"),
        ("gibt es nicht: Störung".encode(), "is text"),
        (b"\x00" * 188 * 50, "is nothing but zeros"),
        (b"\x00", "is nothing but zeros"),
        (gzip.compress(TS[:1880]), "is gzip bytes that no header names"),
        (b"\xff\xd8\xff\xe0" + b"\x00\x10JFIF" + bytes(600), "is a still picture"),
        (TS[:187], "is less than one packet: 187 bytes"),
        (random.Random(1).randbytes(5000), "is no media that is known: it begins with "),
        (TS[:-1], f"is cut: {len(TS) - 1} bytes are no whole number of 188-byte packets"),
        (TS[: 188 * 700 + 90], "is cut: 131690 bytes"),
        (TS[:1880] + bytes(20) + TS[1900:], "loses its sync at byte 1880"),
        (TS[: 188 * 1000] + TS[188 * 1000 + 10 :], "loses its sync at byte 188000"),
        (TS[: 188 * 1500], "lasts 1.84 s by its timestamps, where the playlist says 4.00 s"),
        (TS[376:], "holds no PAT and PMT"),
        (TS[:376] + TS[-188:].replace(TS[-188:-184], b"\x47\x1f\xff\x10") * 40, "holds tables and padding"),
        (FMP4[:-1], "is cut: its last box (mdat) says 1 bytes more than came"),
        (FMP4[: len(FMP4) // 2], "is cut: its last box (mdat)"),
        (FMP4[:100], "is cut: its last box (moof)"),
        (FMP4[: FMP4.index(b"mdat") - 4], "is cut: a movie fragment (moof) without its data"),
        (FMP4[: FMP4.index(b"moof") - 4], "holds no movie fragment (moof)"),
        (FMP4 + b"\x00\x00\x00", "breaks at byte"),
        (FMP4 + b"\x00\x00\x00\x03abcdefgh", "breaks at byte"),
        (INIT, "is an init segment, not media"),
        (INIT + FMP4[FMP4.index(b"mdat") - 4 :], "holds data without a movie fragment"),
        (adts_segment(0.0)[:-5], "is cut: its last frame has no end"),
        (adts_segment(0.0)[:-300] + bytes(300), "loses its sync at byte"),
    ],
)
def test_a_body_that_no_player_plays_is_bad_and_says_why(body: bytes, told: str) -> None:
    seen = look(body, init=INIT, extinf_s=4.0, name="segment 812")
    assert len(seen.remarks) == 1, says(seen)
    assert says(seen).startswith(f"segment 812 {told}"), says(seen)


@pytest.mark.parametrize(
    ("body", "container"),
    [(TS, "ts"), (FMP4, "fmp4"), (adts_segment(9.0), "aac"), (webvtt_segment(9.0), "webvtt")]
    + [(demo_segment("news-1", rung, 77), "ts") for rung in ("1080p", "720p", "540p", "360p", "240p")]
    + [(INIT + FMP4, "fmp4"), (b'<tt xmlns="http://www.w3.org/ns/ttml">', "ttml"), (b"\x1a\x45\xdf\xa3" + bytes(99), "webm")],
)
def test_a_sound_segment_is_not_accused_whole_or_in_part(body: bytes, container: str) -> None:
    for seen in (
        look(body, init=INIT, extinf_s=4.0, is_independent=True),
        look(body, size=len(body), init=INIT, extinf_s=4.0, is_independent=True),
        look(body[:HEAD_WANTED], tail=body[-TAIL_WANTED:], size=len(body), init=INIT, extinf_s=4.0, is_independent=True),
        look(body[:65_536], size=len(body), is_whole=False, init=INIT, extinf_s=4.0, is_independent=True),
        look(body[:65_536], is_whole=False, extinf_s=4.0, is_independent=True),
        look(body[:2000], is_whole=False),
    ):
        assert says(seen) == ""
        assert seen.container == container


def test_any_cut_of_any_length_is_never_more_than_said_where_the_size_is_not_known() -> None:
    for body in (TS, FMP4, INIT + FMP4, adts_segment(0.0), webvtt_segment(0.0)):
        for length in (*range(1, 700), 1000, 1881, 20_000, 65_536):
            assert says(look(body[:length], is_whole=False, init=INIT, extinf_s=4.0)) == ""


def test_nothing_read_of_a_segment_of_unknown_size_is_no_empty_segment() -> None:
    assert look(b"", is_whole=False).remarks == ()
    assert says(look(b"", size=0, is_whole=False)) == "the segment is empty: 0 bytes"


def test_a_missing_keyframe_is_a_fact_and_bad_only_against_the_playlists_word() -> None:
    for body in (ts_segment(8.0, is_key_first=False), fmp4_segment(8.0, is_key_first=False)):
        assert look(body, init=fmp4_init()).starts_with_key is False
        assert look(body, init=fmp4_init()).remarks == ()
        assert "does not begin with a keyframe" in says(look(body, init=fmp4_init(), is_independent=True))


def test_a_declared_duration_may_be_rounded() -> None:
    assert look(ts_segment(0.0, 3.6), extinf_s=4.0).remarks == ()
    assert look(ts_segment(0.0, 9.5), extinf_s=10.0).remarks == ()
    assert "lasts 2.00 s" in says(look(ts_segment(0.0, 2.0), extinf_s=4.0))


def test_an_encrypted_segment_shows_its_length_alone() -> None:
    cipher = random.Random(7).randbytes(160_000)
    seen = look(cipher, method="AES-128", extinf_s=4.0, is_independent=True)
    assert (seen.container, seen.size, seen.duration_s, seen.remarks) == ("encrypted", 160_000, None, ())
    assert "no whole number of 16-byte AES blocks" in says(look(cipher[:-1], method="AES-128"))
    assert "is empty" in says(look(b"", method="AES-128"))
    assert "HTML" in says(look(b"<html>", method="AES-128"))


def test_a_method_that_nobody_here_knows_accuses_nobody() -> None:
    cipher = random.Random(8).randbytes(5001)
    assert look(cipher, method="COM.EXAMPLE-7").remarks == ()
    assert look(cipher, method="COM.EXAMPLE-7").container == "encrypted"
    assert look(cipher, method="SAMPLE-AES").remarks != ()
    assert look(TS, method="COM.EXAMPLE-7").container == "ts"


def test_nine_thousand_beginnings_of_cipher_text_are_not_taken_for_a_page() -> None:
    dice = random.Random(2026)
    for begin in (b"{", b"[", b"<", b"\xff\xd8\xff", b"\x1f\x8b\x08", b"G"):
        for _ in range(1500):
            assert look(begin + dice.randbytes(624 - len(begin)), method="AES-128").remarks == ()


def test_a_clear_segment_under_aes_128_is_bad() -> None:
    assert "clear transport stream" in says(look(TS, method="AES-128"))
    assert "clear fragmented MP4" in says(look(FMP4, method="AES-128"))


def test_sample_encryption_leaves_the_boxes_readable() -> None:
    seen = look(FMP4, init=fmp4_init(720, is_encrypted=True), method="SAMPLE-AES", extinf_s=4.0)
    assert (seen.container, seen.duration_s, seen.codecs, seen.height) == ("fmp4", 4.0, "avc1.42C01F", 720)
    assert seen.remarks == ()


def test_packets_of_another_length_are_refused_by_name() -> None:
    packets = [TS[at : at + 188] for at in range(0, 188 * 60, 188)]
    assert "packets of 192 bytes (M2TS)" in says(look(b"".join(bytes(4) + one for one in packets)))
    assert "packets of 192 bytes (M2TS)" in says(look(b"".join(b"\x01\x02\x03\x04" + one for one in packets)))
    assert "packets of 204 bytes" in says(look(b"".join(one + bytes(16) for one in packets)))


def test_the_page_that_came_instead_is_shown_by_its_first_line_without_control_characters() -> None:
    evidence = look(b"<html>\x1b[31m\xff" + b"x" * 500 + b"\nsecond").remarks[0].evidence
    assert evidence["begins"] == "<html>?[31m?" + "x" * 108
    assert evidence["size"] == 519


def test_the_look_is_laid_onto_the_facts_of_the_fetch() -> None:
    facts = look(TS).onto(SegmentFacts(sequence=812, extinf_s=4.0, digest="abc", is_whole=True, transfer_s=0.4))
    assert (facts.sequence, facts.digest, facts.transfer_s) == (812, "abc", 0.4)
    assert (facts.size, facts.container, facts.duration_s, facts.height) == (len(TS), "ts", 4.0, 720)
    assert (facts.starts_with_key, facts.first_time_s, facts.codecs) == (True, 100.2, "avc1.42C01F,mp4a.40.2")
