from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from time import perf_counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.model.observation import MediaFacts
from console.probe.hls.limits import BODY_LIMIT, MASTER_LINES, PlaylistError
from console.probe.hls.media import Media
from console.probe.hls.playlist import MasterFacts, read

URL = "http://h.test/live/one/index.m3u8?token=1"


def live(*lines: str, eol: str = "\n") -> bytes:
    return eol.join(["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:7", *lines, ""]).encode()


def media(body: bytes) -> MediaFacts:
    found = read(body, URL)
    assert isinstance(found, Media)
    return found.facts


def master(*lines: str) -> MasterFacts:
    facts = read("\n".join(["#EXTM3U", *lines]).encode(), URL)
    assert isinstance(facts, MasterFacts)
    return facts


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_media_playlist_gives_the_numbers_that_checks_need(eol: str, bom: bytes):
    body = live(
        "#EXT-X-DISCONTINUITY-SEQUENCE:3",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=12.5",
        "#EXT-X-UNKNOWN:x",
        "#EXT-X-PROGRAM-DATE-TIME:2024-03-01T02:00:00.000Z",
        "#EXTINF:4.0,",
        "a.ts",
        "#EXT-X-PROGRAM-DATE-TIME:2024-03-01T02:00:04.000Z",
        "#EXTINF:3.5,title, with comma",
        "b.ts",
        "#EXTINF:4.25",
        "c.ts?x=1",
        eol=eol,
    )
    facts = media(bom + body)
    assert facts == MediaFacts(
        target_duration_s=4.0,
        media_sequence=7,
        segment_count=3,
        newest_sequence=9,
        newest_uri="http://h.test/live/one/c.ts",
        newest_ends_at=datetime(2024, 3, 1, 2, 0, 11, 750000, tzinfo=UTC),
        longest_extinf_s=4.25,
        window_s=11.75,
        first_starts_at=datetime(2024, 3, 1, 2, 0, tzinfo=UTC),
        discontinuity_sequence=3,
        can_block=True,
        hold_back_s=12.5,
    )


def test_a_date_between_extinf_and_uri_belongs_to_that_segment():
    body = live("#EXTINF:4,", "#EXT-X-PROGRAM-DATE-TIME:2024-03-01T04:00:00+0200", "a.ts")
    assert media(body).newest_ends_at == datetime(2024, 3, 1, 2, 0, 4, tzinfo=UTC)


def test_an_unreadable_date_is_unknown_and_not_an_error():
    assert media(live("#EXT-X-PROGRAM-DATE-TIME:yesterday", "#EXTINF:4,", "a.ts")).newest_ends_at is None


def test_endlist_type_and_an_empty_window_are_read():
    facts = media(live("#EXT-X-PLAYLIST-TYPE:EVENT", "#EXT-X-ENDLIST"))
    assert (facts.has_endlist, facts.playlist_type, facts.segment_count, facts.newest_sequence) == (
        True,
        "EVENT",
        0,
        6,
    )


def test_a_master_gives_its_ladder_named_by_height():
    facts = master(
        '#EXT-X-STREAM-INF:BANDWIDTH=5800000,RESOLUTION=1920x1080,CODECS="avc1,mp4a"',
        "1080p/index.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=480000,RESOLUTION=426x240",
        "",
        "# a comment",
        "240p/index.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=480000,RESOLUTION=426x240,AUDIO="b"',
        "240p/index.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=64000",
        "sound/index.m3u8",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="b",NAME="en",URI="en.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,URI="s.m3u8"',
    )
    assert [(v.rendition, v.uri, v.bandwidth_bps, v.height) for v in facts.variants] == [
        ("1080p", "http://h.test/live/one/1080p/index.m3u8", 5800000, 1080),
        ("240p", "http://h.test/live/one/240p/index.m3u8", 480000, 240),
        ("sound", "http://h.test/live/one/sound/index.m3u8", 64000, None),
        ("audio-en", "http://h.test/live/one/en.m3u8", 0, None),
        ("subs-s", "http://h.test/live/one/s.m3u8", 0, None),
    ]
    assert facts.top is facts.variants[0]


def test_two_rungs_of_one_height_are_named_apart():
    inf = "#EXT-X-STREAM-INF:BANDWIDTH={},RESOLUTION=1920x1080"
    facts = master(
        inf.format(6000000), "a.m3u8", inf.format(4000000), "b.m3u8", inf.format(4000000), "c.m3u8"
    )
    assert [v.rendition for v in facts.variants] == ["1080p-6000k", "1080p-4000k", "1080p-4000k-2"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>\n<body>", b"#EXTM3U8\n", b"#EXT", b" #EXTM3U\n", b"\x00" * 100, b"x" * (BODY_LIMIT + 1)],
)
def test_what_is_no_playlist_is_told_as_such(body: bytes):
    with pytest.raises(PlaylistError) as caught:
        read(body, URL)
    assert not caught.value.is_playlist


@pytest.mark.parametrize(
    "body",
    [
        b"#EXTM3U\n",
        b"#EXTM3U\n#EXTINF:4,\na.ts\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:x\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:0\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:nan\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1e999\n",
        live().replace(b":7", b":-7"),
        live().replace(b":7", b":" + b"9" * 30),
        live("#EXTINF:four,", "a.ts"),
        live("#EXTINF:nan,", "a.ts"),
        live("#EXTINF:-1,", "a.ts"),
        live("#EXTINF:1e400,", "a.ts"),
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n",
        b"#EXTM3U\n" + b"".join(b"#EXT-X-STREAM-INF:BANDWIDTH=1\n%d.m3u8\n" % n for n in range(65)),
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + b"#\n" * MASTER_LINES,
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://[::1/\n",
    ],
)
def test_a_playlist_whose_numbers_cannot_be_read_is_malformed(body: bytes):
    with pytest.raises(PlaylistError) as caught:
        read(body, URL)
    assert caught.value.is_playlist


_LINES = st.sampled_from(
    [
        "#EXTM3U",
        "#EXT-X-TARGETDURATION:",
        "#EXT-X-MEDIA-SEQUENCE:",
        "#EXTINF:",
        "#EXT-X-STREAM-INF:",
        "#EXT-X-MEDIA:",
        "#EXT-X-PROGRAM-DATE-TIME:",
        "#EXT-X-ENDLIST",
        "#EXT-X-SERVER-CONTROL:HOLD-BACK=",
        "a.ts",
        "",
        'TYPE=AUDIO,URI="',
    ]
)


@given(st.lists(st.tuples(_LINES, st.text(max_size=12)), max_size=20))
@example(
    [
        ("#EXT-X-TARGETDURATION:", "4"),
        ("#EXT-X-PROGRAM-DATE-TIME:", "9999-12-31T23:59:59Z"),
        ("#EXTINF:", "80000"),
    ]
)
def test_nothing_but_a_playlist_error_is_ever_raised(lines: list[tuple[str, str]]):
    body = "#EXTM3U\n" + "\n".join(head + tail for head, tail in lines)
    for form in (body.encode("utf-8", "surrogatepass"), body.encode("utf-16", "surrogatepass")):
        with contextlib.suppress(PlaylistError):
            read(form, URL)


@pytest.mark.parametrize(
    "filler",
    [b"\n#EXT-X-STREAM-INF:", b"\n#x", b"\n\n\n", b"\n#EXTINF:", b"\n#EXTINF:1,", b"\n#EXT-X-MEDIA:URI="],
)
def test_hostile_bodies_cost_time_in_proportion_to_their_size(filler: bytes):
    for head in (b"#EXTM3U\n#EXT-X-TARGETDURATION:4", b"#EXTM3U\n#EXT-X-STREAM-INF:A=1"):
        body = head + filler * (1_000_000 // len(filler))
        began = perf_counter()
        with contextlib.suppress(PlaylistError):
            read(body, URL)
        assert perf_counter() - began < 2.0


def test_voices_subtitles_and_i_frames_with_playlists_of_their_own_are_rungs_of_their_kind():
    facts = master(
        '#EXT-X-DEFINE:NAME="cdn",VALUE="c1"',
        '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="{$cdn}/key"',
        '#EXT-X-CONTENT-STEERING:SERVER-URI="/steer"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English, main",URI="{$cdn}/en.m3u8"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="muxed"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="de",URI="de.m3u8"',
        '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="cc",INSTREAM-ID="CC1"',
        '#EXT-X-STREAM-INF:BANDWIDTH=5800000,AVERAGE-BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS="avc1.640028,mp4a.40.2"',
        "{$cdn}/1080/index.m3u8",
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=80000,RESOLUTION=1920x1080,URI="i.m3u8"',
    )
    assert [(v.rendition, v.kind, v.bandwidth_bps, v.average_bps, v.codecs) for v in facts.variants] == [
        ("1080p", "video", 5800000, 5000000, "avc1.640028,mp4a.40.2"),
        ("audio-English__main", "audio", 0, 0, ""),
        ("subs-de", "subtitles", 0, 0, ""),
        ("iframe-1080p", "iframe", 80000, 0, ""),
    ]
    assert facts.top is facts.variants[0]
    assert facts.variants[1].uri == "http://h.test/live/one/c1/en.m3u8"
    assert facts.key_url(facts.session_keys[0]) == "http://h.test/live/one/c1/key"


def test_a_segment_is_listed_with_its_range_its_keys_and_its_map():
    found = read(
        live(
            '#EXT-X-MAP:URI="init.mp4",BYTERANGE="700@0"',
            '#EXT-X-KEY:METHOD=AES-128,URI="k1?t=1"',
            '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery"',
            "#EXTINF:4,", "#EXT-X-BYTERANGE:100@700", "all.mp4",
            "#EXTINF:4,", "#EXT-X-BYTERANGE:50", "all.mp4",
            "#EXT-X-KEY:METHOD=NONE", "#EXT-X-GAP", "#EXTINF:4,", "../c.mp4",
        ),
        URL,
    )  # fmt: skip
    assert isinstance(found, Media)
    second, third = found.listed(1), found.listed(-1)
    assert (second.sequence, second.byterange, second.map_url, second.map_byterange) == (
        8, (50, 800), "http://h.test/live/one/init.mp4", "700@0",
    )  # fmt: skip
    assert [(key.method, key.is_fetched) for key in second.keys] == [("AES-128", True), ("SAMPLE-AES", False)]
    assert found.url_of(second.keys[0].uri) == "http://h.test/live/one/k1?t=1"
    assert (third.sequence, third.url, third.keys, third.is_gap) == (9, "http://h.test/live/c.mp4", (), True)


@pytest.mark.parametrize(
    "define",
    [
        '#EXT-X-DEFINE:IMPORT="absent"', '#EXT-X-DEFINE:QUERYPARAM="absent"', "#EXT-X-DEFINE:X=1", '#EXT-X-DEFINE:NAME="other",VALUE="v"',
        '#EXT-X-DEFINE:NAME="x",VALUE="' + "v" * 5000 + '"',
    ],
)  # fmt: skip
def test_a_variable_that_is_not_defined_makes_a_playlist_unreadable_as_it_does_to_a_player(define: str):
    with pytest.raises(PlaylistError) as caught:
        read(live(define, "#EXTINF:4,", "{$x}.ts"), URL)
    assert caught.value.is_playlist
