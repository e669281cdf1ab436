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
