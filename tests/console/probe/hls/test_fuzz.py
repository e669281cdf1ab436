"""Hostile playlists: no exception but PlaylistError, bounded time, bounded evidence, and no secret in what is told."""

from __future__ import annotations

import contextlib
import random
import tracemalloc
from datetime import UTC, datetime, timedelta
from time import process_time

import msgspec
import pytest

from console.model.remark import EVIDENCE_LINE, EVIDENCE_LINES
from console.probe.hls.limits import BODY_LIMIT, PlaylistError
from console.probe.hls.reader import Reader, Taken
from tests.console.probe.hls.stream import Shape, Stream

NOW = datetime(2024, 3, 1, 3, 0, tzinfo=UTC)
SECRET = "geheim"
URL = f"http://user:{SECRET}@h.test/live/index.m3u8?token={SECRET}&session={SECRET}"
MASTER = f"""#EXTM3U
#EXT-X-DEFINE:QUERYPARAM="session"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="k?t={SECRET}"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",URI="http://u:{SECRET}@h.test/en.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=5800000,AVERAGE-BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS="avc1.640028"
1080/index.m3u8?t={SECRET}
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=80000,URI="i.m3u8"
""".encode()
SHAPES = [
    Shape(),
    Shape(window=20, discontinuities=frozenset((3, 5, 9)), key_every=2, keyformats=3, has_iv=True, has_map=True),
    Shape(ranges="implicit", dates="some", signs="query", has_bitrate=True),
    Shape(defines="query", digits=0, dates="first", kind="EVENT", eol="\r\n"),
    Shape(window=14, parts=4, has_delta=True),
]
WORDS = [
    b"\n", b"\r", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"#EXTINF:", b"#EXTINF:-1,\n", b"#EXTINF:nan,\n", b"#EXTINF:1e308,\n", b"9" * 25,
    b"#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n", b"#EXT-X-ENDLIST\n", b"#EXT-X-MEDIA-SEQUENCE:99999999999\n", b'"', b",", b"=", b"@", b"{$x}",
    b"#EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:59Z\n", b"#EXT-X-PROGRAM-DATE-TIME:0001-01-01T00:00:00+23:59\n", b"#EXT-X-KEY:METHOD=NONE\n",
    b"#EXT-X-DISCONTINUITY\n", b"#EXT-X-GAP\n", b"#EXT-X-BYTERANGE:-1@x\n", b"#EXT-X-BYTERANGE:5\n", b"#EXT-X-MAP:URI=\n", b"http://[::1/\n",
    b"http://u:geheim@x/y?z=geheim\n", b"#EXT-X-PART:URI=1\n", b"#EXT-X-STREAM-INF:\n", b"data:geheim\n", b"\xd9\xa3", b"<html>",
    b'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="x"\n', b"#EXT-X-DISCONTINUITY-SEQUENCE:7\n", b"#EXT-X-TARGETDURATION:1\n", b"#EXT-X-PLAYLIST-TYPE:VOD\n",
]  # fmt: skip


def mutated(body: bytes, chance: random.Random) -> bytes:
    """The body after one to four accidents."""
    for _ in range(chance.randint(1, 4)):
        at, end = sorted((chance.randrange(len(body) + 1), chance.randrange(len(body) + 1)))
        lines = body.split(b"\n")
        match chance.randrange(7):
            case 0:
                body = body[:at] + chance.choice(WORDS) + body[at:]
            case 1:
                body = body[:at] + body[min(end, at + 40) :]
            case 2:
                body = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
            case 3:
                body = body[:at]
            case 4:
                place = chance.randrange(len(lines))
                body = b"\n".join([*lines[:place], *lines[place : place + 3] * 2, *lines[place + 3 :]])
            case 5:
                chance.shuffle(lines)
                body = b"\n".join([b"#EXTM3U", *lines])
            case _:
                place = chance.randrange(len(lines))
                body = b"\n".join([*lines[:place], chance.choice(WORDS), *lines[place + 1 :]])
    return body


def is_told_well(taken: Taken) -> None:
    words = msgspec.json.encode((taken.facts, taken.remarks)).decode()
    assert SECRET not in words and words.isascii() and "\\u00" not in words, words
    for remark in taken.remarks:
        assert len(remark.says) <= 120 and remark.value == remark.value >= 0
        for fact in remark.evidence.values():
            if isinstance(fact, list):
                assert len(fact) <= EVIDENCE_LINES and all(len(line) <= EVIDENCE_LINE for line in fact)
    if taken.media is not None:
        for index in range(-min(3, len(taken.media.uris)), 0):
            try:
                taken.media.listed(index)
            except PlaylistError:
                continue


def fuzz(count: int, seed: int) -> int:
    """How many of `count` mutated playlists were read all the same."""
    chance = random.Random(seed)
    streams = [Stream(shape) for shape in SHAPES]
    copies = [[stream.copy(last, last % 5, last - 1) for last in range(4, 40)] for stream in streams]
    readers = [Reader() for _ in copies]
    read = 0
    for turn in range(count):
        kind = chance.randrange(len(copies) + 1)
        if kind == len(copies):
            body, reader = MASTER, Reader()
        else:
            body, reader = copies[kind][turn // 7 % 36], readers[kind]
        if chance.random() < 0.8:
            body = mutated(body, chance)
        try:
            taken = reader.take(body, URL, NOW + timedelta(seconds=turn), chance.random() < 0.2)
        except PlaylistError as error:
            assert len(str(error)) <= 300
            assert not error.is_playlist or SECRET not in str(error), str(error)  # any first line may stand in an error page
        else:
            read += 1
            is_told_well(taken)
    return read


def test_two_thousand_mutated_playlists_raise_nothing_but_playlist_errors() -> None:
    assert 400 < fuzz(2_000, seed=5) < 2_000


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_thousand_mutated_playlists_raise_nothing_but_playlist_errors(seed: int) -> None:
    assert 2_000 < fuzz(10_000, seed=1000 + seed) < 10_000


HEAD = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
FILLERS = [
    b"\n", b" \n", b"#x\n", b"#EXTINF:1,\n", b"#EXTINF:1,\nx\n", b"x\n", b"#EXT-X-KEY:METHOD=AES-128\n", b"#EXT-X-PART:URI=1\n", b"\r", b"\x00",
    b'#EXT-X-KEY:METHOD=A,KEYFORMAT="', b"#EXT-X-GAP\n#EXTINF:1,\nx\n", b"#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2024-01-01\n#EXTINF:1,\nx\n",
    b"#EXT-X-BYTERANGE:1\n#EXTINF:1,\nx\n", b"{$x}\n", b'#EXT-X-DEFINE:NAME="a",VALUE="b"\n', b"#EXT-X-MAP:URI=a\n#EXTINF:1,\nx\n", b"\t\x20",
    b"#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00Z\n#EXTINF:9,\nx\n", b"#EXT-X-KEY:METHOD=AES-128,URI=a\n#EXTINF:1,\nx\n",
]  # fmt: skip


@pytest.mark.parametrize("filler", FILLERS)
def test_a_body_full_of_one_thing_costs_time_in_proportion_to_its_size(filler: bytes) -> None:
    body = HEAD + filler * (300_000 // len(filler))
    began = process_time()
    reader = Reader()
    for turn in range(2):
        with contextlib.suppress(PlaylistError):
            is_told_well(reader.take(body + b"#\n" * turn, URL, NOW))
    assert process_time() - began < 3.0


def test_a_different_key_format_for_each_segment_is_refused_before_it_costs_the_square() -> None:
    lines = b"".join(b'#EXT-X-KEY:METHOD=AES-128,URI="a",KEYFORMAT="%d"\n#EXTINF:1,\nx\n' % n for n in range(20_000))
    with pytest.raises(PlaylistError, match="key formats"):
        Reader().take(HEAD + lines, URL, NOW)


def test_a_variable_of_four_kilobytes_used_everywhere_costs_no_more_than_it_is_long() -> None:
    head = HEAD + b'#EXT-X-DEFINE:NAME="x",VALUE="' + b"v" * 4000 + b'"\n'
    began = process_time()
    with pytest.raises(PlaylistError):
        Reader().take(head + b"#EXT-X-KEY:METHOD=AES-128,IV=" + b"{$x}" * 2000 + b"\n#EXTINF:1,\nx\n" * 1000, URL, NOW)
    with pytest.raises(PlaylistError):
        Reader().take(head + b"#EXTINF:1,\n" + b"{$x}" * 900 + b"\n", URL, NOW)
    assert process_time() - began < 2.0


def test_a_hundred_thousand_segments_are_read_slide_and_are_compared_within_bounds() -> None:
    def window(first: int, changed: int = -1) -> bytes:
        lines = [b"#EXTINF:0.5,\nseg-%d%s.ts\n" % (n, b"-x" if n == changed else b"") for n in range(first, first + 100_000)]
        return HEAD + b"#EXT-X-MEDIA-SEQUENCE:%d\n" % first + b"".join(lines)

    bodies = [window(5), window(6), window(7, changed=50_000)]
    reader = Reader()
    began = process_time()
    taken = [reader.take(body, URL, NOW + timedelta(seconds=turn)) for turn, body in enumerate(bodies)]
    assert process_time() - began < 4.0
    assert [[(remark.code, remark.value) for remark in each.remarks] for each in taken] == [[], [], [("MUTATED", 1)]]
    assert taken[1].facts is not None and taken[1].facts.segment_count == 100_000


def test_a_reader_holds_no_more_than_a_few_times_what_it_was_sent() -> None:
    stream = Stream(Shape(window=2_000, dates="all"), length=2_010)
    bodies = [stream.copy(last) for last in range(2_000, 2_010)]
    tracemalloc.start()
    reader = Reader()
    for body in bodies:
        reader.take(body, URL, NOW)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 12 * len(body) and peak < 24 * len(body), (held, peak, len(body))


@pytest.mark.parametrize("body", [b"", b"\xff\xfe#\x00E\x00", b"x" * (BODY_LIMIT + 1), f"http://u:{SECRET}@h/?t={SECRET}".encode(), b"<html>"])
def test_what_is_no_playlist_is_refused_without_telling_its_secrets(body: bytes) -> None:
    with pytest.raises(PlaylistError) as caught:
        Reader().take(body, URL, NOW)
    assert not caught.value.is_playlist and SECRET not in str(caught.value)
