"""A hostile MPD: a clear finding or a Manifest, bounded time and memory, and no error but the one of the seam."""

from __future__ import annotations

import random
import time
import tracemalloc
from datetime import UTC, datetime

import pytest

from console.model.instant import Instant
from console.model.observation import Outcome
from console.probe.dash.document import BODY_LIMIT, DEPTH_LIMIT, ELEMENT_LIMIT
from console.probe.dash.reader import DashReader
from console.probe.fetch import Answer
from console.probe.manifest import Manifest, Unreadable
from tests.streams.dash import DashShow, Style

BEGIN = 1_700_000_000.0
URL = "http://origin.test/show/live.mpd?token=secret"
SHOWN_LIMIT = 300

STYLES = (
    Style(),
    Style(addressing="number", sound_wobbles=True, period_every=4),
    Style(addressing="clock"),
    Style(is_open=True, offset_s=5.0),
    Style(period_every=5, has_continuity=True),
)


def mpd(body: str = "", attributes: str = 'type="static"', before: str = "") -> bytes:
    return f'{before}<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" {attributes}>{body}</MPD>'.encode()


def period(template: str, attributes: str = "") -> str:
    return (
        f'<Period {attributes}><AdaptationSet contentType="video"><SegmentTemplate media="$Time$.m4s" {template}</SegmentTemplate>'
        '<Representation id="v" bandwidth="1000" height="720"/></AdaptationSet></Period>'
    )


DYNAMIC = 'type="dynamic" availabilityStartTime="2023-11-14T21:13:20Z" minimumUpdatePeriod="PT2S"'


def answer(body: bytes, t: float = BEGIN) -> Answer:
    at = Instant(datetime.fromtimestamp(t, UTC), t - BEGIN + 1000)
    return Answer(Outcome.OK, at, 0.01, URL, status=200, body=body)


def take(body: bytes, reader: DashReader | None = None) -> Manifest:
    return (reader or DashReader()).take(answer(body), False, {})


def touch(manifest: Manifest) -> None:
    """Everything that the prober would do with it."""
    for track in manifest.tracks.values():
        facts = track.facts
        assert len(facts.newest_uri) <= SHOWN_LIMIT and "secret" not in facts.newest_uri
        track.newest(8)
        track.oldest()
        track.keys()
    for remark in manifest.remarks:
        assert len(remark.says) <= 120 and remark.says.isprintable()


BAD = {
    "billion laughs": (
        mpd(before='<!DOCTYPE MPD [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>', body="<Period>&b;</Period>"),
        "DOCTYPE",
    ),
    "external entity": (mpd(before='<!DOCTYPE MPD SYSTEM "file:///etc/passwd">'), "DOCTYPE"),
    "undeclared entity": (mpd(body="<Period>&passwd;</Period>"), "XML"),
    "not UTF-8": (mpd(body='<Period id="\xe9"/>').decode().encode("latin-1"), "XML"),
    "another encoding": ('<?xml version="1.0" encoding="rot13"?><MPD type="static"><Period/></MPD>'.encode("utf-16"), "?"),
    "cut short": (mpd(body=period('timescale="1"><SegmentTimeline><S d="2" r="3"/>'))[:150], "XML"),
    "deep": (mpd(body="<a>" * (DEPTH_LIMIT + 5) + "</a>" * (DEPTH_LIMIT + 5)), "deep"),
    "wide": (mpd(body="<a/>" * (ELEMENT_LIMIT + 1)), "elements"),
    "fat": (b"<MPD>" + b" " * BODY_LIMIT, "limit"),
    "many attributes": (mpd(body="<a " + " ".join(f'b{i}="1"' for i in range(100)) + "/>"), "attributes"),
    "long attribute": (mpd(body=f'<a b="{"x" * 5000}"/>'), "attribute"),
    "no period": (mpd(), "Period"),
    "no representation": (mpd(body="<Period/>"), "picture"),
    "negative duration": (mpd(attributes='type="static" mediaPresentationDuration="-PT5S"', body="<Period/>"), "negative"),
    "no duration": (mpd(attributes='type="static" mediaPresentationDuration="five"', body="<Period/>"), "duration"),
    "endless duration": (mpd(attributes='type="static" mediaPresentationDuration="P999999999Y"', body="<Period/>"), "century"),
    "timescale 10^18": (mpd(body=period('timescale="1000000000000000000"><SegmentTimeline><S d="2"/></SegmentTimeline>')), "timescale"),
    "timescale 0": (mpd(body=period('timescale="0"><SegmentTimeline><S d="2"/></SegmentTimeline>')), "timescale"),
    "a segment of nothing": (mpd(body=period('timescale="1"><SegmentTimeline><S t="0" d="0"/></SegmentTimeline>')), "S@d"),
    "negative S": (mpd(body=period('timescale="1"><SegmentTimeline><S t="0" d="-2"/></SegmentTimeline>')), "S@d"),
    "huge r": (mpd(body=period('timescale="1"><SegmentTimeline><S t="0" d="2" r="99999999999999999"/></SegmentTimeline>')), "S@r"),
    "no numbers": (mpd(body=period('timescale="one"><SegmentTimeline><S d="2"/></SegmentTimeline>')), "timescale"),
    "no date": (mpd(attributes='type="dynamic" availabilityStartTime="yesterday"', body="<Period/>"), "availabilityStartTime"),
    "no start": (mpd(attributes='type="dynamic"', body="<Period/>"), "availabilityStartTime"),
    "unknown type": (mpd(attributes='type="both"', body="<Period/>"), "type"),
    "no rhythm": (mpd(body=period('timescale="1">')), "SegmentTimeline"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_mpd_is_refused_in_words_and_at_once(name: str) -> None:
    body, word = BAD[name]
    began = time.process_time()
    with pytest.raises(Unreadable) as refused:
        take(body)
    assert time.process_time() - began < 2.0
    said = str(refused.value)
    assert said.isprintable() and said.isascii() and len(said) <= 200
    assert word in said


def test_what_is_no_mpd_is_told_apart_from_one_that_is_broken() -> None:
    for body in (b"", b"<html><body>502</body></html>", b"#EXTM3U\n", b'{"error": 1}', b"\x00\x01"):
        with pytest.raises(Unreadable) as refused:
            take(body)
        assert not refused.value.is_manifest
    with pytest.raises(Unreadable) as refused:
        take(mpd())
    assert refused.value.is_manifest


def test_a_year_of_segments_in_one_line_costs_nothing() -> None:
    """S@r of a hundred million, and a clock-driven template since 1970 with segments of a millisecond."""
    line = period('timescale="1000"><SegmentTimeline><S t="0" d="1000" r="100000000"/></SegmentTimeline>')
    unnamed = period('timescale="1" duration="1">').replace('media="$Time$.m4s"', "")
    clocked = period('timescale="1000" duration="1">').replace("$Time$", "$Number$")
    tracemalloc.start()
    began = time.process_time()
    for body in (
        mpd(body=line),
        mpd(body=line, attributes=DYNAMIC),
        mpd(body=unnamed, attributes=DYNAMIC.replace("2023-11-14", "1970-01-01")),
        mpd(body=clocked, attributes='type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" minimumUpdatePeriod="PT2S"'),
    ):
        manifest = take(body)
        touch(manifest)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - began < 0.5
    assert peak < 4_000_000


def test_the_longest_allowed_mpd_is_read_within_bounds() -> None:
    count = ELEMENT_LIMIT - 100
    lines = "".join(f'<S t="{i * 7}" d="{5 + i % 2}"/>' for i in range(count))
    body = mpd(body=period(f'timescale="1"><SegmentTimeline>{lines}</SegmentTimeline>'))
    assert len(body) < BODY_LIMIT
    began = time.process_time()
    manifest = take(body)
    touch(manifest)
    assert time.process_time() - began < 5.0
    assert manifest.tracks["720p"].facts.segment_count == count


def test_a_hostile_number_never_becomes_a_long_name() -> None:
    body = mpd(body=period('timescale="1"><SegmentTimeline><S d="2"/></SegmentTimeline>').replace("$Time$", "$Time%0999d$" * 100))
    manifest = take(body)
    assert all(len(one.url) <= 4096 for one in manifest.tracks["720p"].newest(1))


def mutated(rng: random.Random, body: bytes) -> bytes:
    """One to four changes: bytes, pieces taken out, doubled or moved, numbers made absurd, attributes lost."""
    for _ in range(rng.randrange(1, 4)):
        kind = rng.choice((0, 1, 2, 3, 3, 3, 3, 4, 4, 5, 5))
        at = rng.randrange(len(body) + 1)
        if kind == 0:
            body = body[:at] + rng.randbytes(rng.randrange(1, 4)) + body[at + rng.randrange(3) :]
        elif kind == 1:
            body = body[:at] + body[at + rng.randrange(1, 200) :]
        elif kind == 2:
            piece = body[at : at + rng.randrange(1, 300)]
            body = body[:at] + piece + body[at:]
        elif kind == 3:
            quotes = [i for i, byte in enumerate(body) if byte == 0x22]
            if len(quotes) > 1:
                i = rng.randrange(len(quotes) - 1)
                absurd = rng.choice(ABSURD)
                body = body[: quotes[i] + 1] + absurd + body[quotes[i + 1] :]
        elif kind == 4:
            words = [i for i in range(len(body)) if body[i : i + 1] == b" "]
            if words:
                i = rng.choice(words)
                end = body.find(b'"', body.find(b'"', i) + 1)
                body = body[:i] + body[end + 1 :] if end > 0 else body
        else:
            lines = body.split(b"\n")
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            body = b"\n".join(lines)
    return body


ABSURD = (
    b"-1", b"0", b"1", b"18446744073709551615", b"9223372036854775807", b"1e308", b"nan", b"inf", b"INF", b"PT0S", b"PT-5S",
    b"P1Y", b"PT99999999999S", b"PT0.000000001S", b"1970-01-01T00:00:00Z", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00Z", b"",
    b"dynamic", b"static", b"//evil.test/", b"file:///etc/passwd", b"http://[::1", b"$Time$$Number$", b"\xc2\x9b31m", b"4294967295",
)  # fmt: skip


def fuzz(count: int, seed: int) -> tuple[int, int]:
    """(read, refused); a reader sees a healthy copy, then mutants, so that comparisons are fuzzed as well."""
    rng = random.Random(seed)
    shows = [DashShow("fuzz", style, BEGIN) for style in STYLES]
    bodies = [[show.answer("origin", "live.mpd", {}, BEGIN + s).body for s in range(4)] for show in shows]
    good = bad = 0
    reader, show = DashReader(), 0
    for i in range(count):
        if i % 16 == 0:
            reader, show = DashReader(), rng.randrange(len(shows))
            reader.take(answer(bodies[show][0]), False, {})
        t = BEGIN + i % 16
        began = time.process_time()
        try:
            manifest = reader.take(answer(mutated(rng, rng.choice(bodies[show])), t), rng.random() < 0.2, {})
            touch(manifest)
            good += 1
        except Unreadable as error:
            assert len(str(error)) <= 200
            bad += 1
        assert time.process_time() - began < 0.5
    return good, bad


def test_two_thousand_mutants_are_read_or_refused() -> None:
    good, bad = fuzz(2_000, seed=11)
    assert good > 300 and bad > 300  # both ways are taken, or the mutants are too tame or too wild


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_hundred_thousand_mutants_are_read_or_refused() -> None:
    good, bad = fuzz(100_000, seed=12)
    assert good > 15_000 and bad > 15_000
