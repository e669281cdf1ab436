"""What one copy of an MPD says against itself, what lies between two, and what a segment's fetch shows: each with its value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from console.model.instant import Instant
from console.model.observation import Outcome
from console.model.remark import Remark
from console.probe.dash.changes import changes
from console.probe.dash.facts import find
from console.probe.dash.manifest import Manifest
from console.probe.dash.reader import DashReader
from console.probe.dash.reading import read
from console.probe.dash.segments import Promised, newest_available, oldest_promised
from console.probe.dash.standing import of_copy, standing
from console.probe.fetch import Answer

AST = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
UTC_TIMING = '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="https://time.test/now"/>'


def text(
    timeline: str,
    *,
    ast: str = "2026-03-01T12:00:00Z",
    publish: str = "2026-03-01T13:00:00Z",
    kind: str = "dynamic",
    update: str = 'minimumUpdatePeriod="PT2S"',
    more: str = "",
    template: str = 'media="$Time$"',
    timing: str = UTC_TIMING,
    period: str = 'id="p0" start="PT0S"',
    after: str = "",
) -> bytes:
    return (
        f'<MPD type="{kind}" availabilityStartTime="{ast}" publishTime="{publish}" {update} {more}><Period {period}>'
        f'<AdaptationSet contentType="video"><SegmentTemplate timescale="1000" {template}><SegmentTimeline>{timeline}'
        '</SegmentTimeline></SegmentTemplate><Representation id="v" height="720" bandwidth="1"/></AdaptationSet></Period>'
        f"{after}{timing}</MPD>"
    ).encode()


def mpd(timeline: str, **more: str) -> Manifest:
    return read(text(timeline, **more), "https://cdn.test/live.mpd")


def said(remarks: Sequence[Remark]) -> list[tuple[str, float]]:
    return [(remark.code, remark.value) for remark in remarks]


PLAIN = '<S t="0" d="2000" r="9"/>'
LATER = '<S t="2000" d="2000" r="9"/>'
NEXT = {"publish": "2026-03-01T13:00:02Z"}


# --- one copy
def test_a_healthy_copy_says_nothing() -> None:
    assert of_copy(mpd(PLAIN)) == () and standing(mpd(PLAIN), AST + timedelta(hours=1)) == ()


@pytest.mark.parametrize(
    ("timeline", "value"),
    [
        ('<S t="0" d="2000"/><S t="3000" d="2000"/>', 0.5),  # a second's gap, segments of two
        ('<S t="0" d="2000"/><S t="1500" d="2000"/>', 0.25),  # an overlap
        ('<S t="0" d="2000" r="3"/><S t="12000" d="2000"/>', 2.0),
    ],
)
def test_gaps_and_overlaps_are_measured_in_segments(timeline: str, value: float) -> None:
    assert said(of_copy(mpd(timeline))) == [("DASH_TL_GAP", value)]


def test_a_rounding_of_a_tick_or_two_is_no_gap() -> None:
    assert of_copy(mpd('<S t="0" d="2000"/><S t="2001" d="1999"/><S t="3998" d="2000"/>')) == ()


def test_no_time_source_is_remarked_on_in_a_live_mpd_only() -> None:
    assert said(of_copy(mpd(PLAIN, timing=""))) == [("DASH_UTC", 1.0)]
    assert of_copy(mpd(PLAIN, timing="", kind="static", update="")) == ()


def test_a_delay_shorter_than_a_segment_is_measured_in_segments() -> None:
    assert said(of_copy(mpd(PLAIN, more='suggestedPresentationDelay="PT0.5S"'))) == [("DASH_DELAY", 0.25)]
    assert of_copy(mpd(PLAIN, more='suggestedPresentationDelay="PT2S"')) == ()


def test_low_latency_may_stay_below_a_segment_by_what_comes_early() -> None:
    early = 'media="$Time$" availabilityTimeOffset="1.8"'
    assert of_copy(mpd(PLAIN, more='suggestedPresentationDelay="PT0.5S"', template=early)) == ()


def _two(start: str, first: str = PLAIN, more: str = "", offset: str = "") -> bytes:
    second = (
        f'<Period id="p1" start="{start}"><AdaptationSet contentType="video">{more}'
        f'<SegmentTemplate timescale="1000" media="$Time$" {offset}><SegmentTimeline><S t="20000" d="2000" r="9"/>'
        '</SegmentTimeline></SegmentTemplate><Representation id="v" height="720" bandwidth="1"/></AdaptationSet></Period>'
    )
    return text(first, after=second)


def test_a_hole_between_periods_is_told_once_it_is_past() -> None:
    manifest = read(_two("PT23S", offset='presentationTimeOffset="20000"'), "https://cdn.test/")
    assert said(standing(manifest, AST + timedelta(seconds=60))) == [("DASH_PERIOD", 3.0)]
    assert standing(manifest, AST + timedelta(seconds=24)) == ()  # its last segments may still come
    well = read(_two("PT20S", offset='presentationTimeOffset="20000"'), "https://cdn.test/")
    assert standing(well, AST + timedelta(seconds=60)) == ()


def test_a_period_that_says_it_continues_must() -> None:
    claim = '<SupplementalProperty schemeIdUri="urn:mpeg:dash:period-continuity:2015" value="p0"/>'
    right = read(_two("PT20S", more=claim, offset='presentationTimeOffset="20000"'), "https://cdn.test/")
    assert standing(right, AST + timedelta(seconds=60)) == ()
    wrong = read(_two("PT20S", more=claim, offset='presentationTimeOffset="18500"'), "https://cdn.test/")
    assert said(standing(wrong, AST + timedelta(seconds=60))) == [("DASH_PERIOD", 1.5)]


# --- two copies
def test_an_update_that_appends_and_drops_in_front_is_none() -> None:
    assert changes(mpd(PLAIN), mpd(LATER, **NEXT)) == ()
    written_out = "".join(f'<S t="{t}" d="2000"/>' for t in range(2000, 24000, 2000))
    assert changes(mpd(PLAIN), mpd(written_out, **NEXT)) == ()


@pytest.mark.parametrize(
    ("timeline", "count"),
    [
        ('<S t="2000" d="2000" r="6"/><S t="16000" d="1500"/><S t="17500" d="2500"/><S t="20000" d="2000"/>', 2),
        ('<S t="2000" d="2000" r="5"/>', 3),  # the end was taken back
        ('<S t="2700" d="2000" r="9"/>', 8),
        ('<S t="2000" d="2000" r="3"/><S t="14000" d="2000" r="4"/>', 2),  # two were cut out
    ],
)
def test_published_segments_that_changed_are_counted(timeline: str, count: int) -> None:
    found = changes(mpd(PLAIN), mpd(timeline, **NEXT))
    assert said(found) == [("DASH_TL_EDIT", count)]
    assert found[0].is_event and len(found[0].evidence["diff"]) == count  # type: ignore[arg-type]


def test_a_segment_keeps_its_number() -> None:
    number = 'media="$Number$" startNumber="{}"'
    before = mpd(PLAIN, template=number.format(1))
    assert changes(before, mpd(LATER, template=number.format(2), **NEXT)) == ()
    assert said(changes(before, mpd(LATER, template=number.format(1), **NEXT))) == [("DASH_TL_EDIT", 9.0)]


def test_a_period_moved_or_taken_out_is_one_edit() -> None:
    assert said(changes(mpd(PLAIN), mpd(LATER, period='id="p0" start="PT1S"', **NEXT))) == [("DASH_TL_EDIT", 1.0)]


def test_a_period_that_has_not_begun_may_be_moved_and_taken_out() -> None:
    announced, moved, cancelled = (
        read(body.replace(b"13:00:00Z", publish), "https://cdn.test/")
        for body, publish in ((_two("PT40S"), b"13:00:00Z"), (_two("PT50S"), b"13:00:01Z"), (text(PLAIN), b"13:00:02Z"))
    )
    assert changes(announced, moved, 30.0) == () and changes(moved, cancelled, 30.0) == ()
    assert said(changes(announced, moved, 45.0)) == [("DASH_TL_EDIT", 1.0)]
    assert said(changes(announced, cancelled, 45.0)) == [("DASH_TL_EDIT", 1.0)]


def test_a_timescale_changed_within_a_period_is_an_edit() -> None:
    before, after = mpd(PLAIN), text(LATER, **NEXT).replace(b'timescale="1000"', b'timescale="2000"')
    assert said(changes(before, read(after, "https://cdn.test/live.mpd"))) == [("DASH_TL_EDIT", 1.0)]


def test_a_period_that_is_brought_to_an_end_may_lose_its_last_segments() -> None:
    ended = mpd('<S t="2000" d="2000" r="5"/>', period='id="p0" start="PT0S" duration="PT14S"', **NEXT)
    assert changes(mpd(PLAIN), ended) == ()


def test_availability_start_time_must_not_move() -> None:
    found = changes(mpd(PLAIN), mpd(LATER, ast="2026-03-01T11:59:30Z", **NEXT))
    assert said(found) == [("DASH_AST_CHANGED", 30.0)]
    assert found[0].evidence["diff"] == [
        "- availabilityStartTime=2026-03-01T12:00:00+00:00", "+ availabilityStartTime=2026-03-01T11:59:30+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("end", [{"update": ""}, {"kind": "static", "update": "", "more": 'mediaPresentationDuration="PT20S"'}])
def test_the_end_of_live_is_an_event(end: dict[str, str]) -> None:
    ended = mpd(PLAIN, **NEXT, **end)
    assert said(changes(mpd(PLAIN), ended)) == [("DASH_END", 1.0)]
    assert find(ended, AST + timedelta(seconds=60), {})["720p"].facts.has_endlist
    assert changes(ended, ended) == ()


def test_an_older_copy_is_no_update() -> None:
    assert changes(mpd(LATER, **NEXT), mpd(PLAIN)) == ()
    unsigned = text(PLAIN).replace(b'publishTime="2026-03-01T13:00:00Z"', b"")
    later = text(LATER).replace(b'publishTime="2026-03-01T13:00:00Z"', b"")
    assert changes(read(later, "https://cdn.test/"), read(unsigned, "https://cdn.test/")) == ()


def _take(reader: DashReader, body: bytes, at_s: float, is_retry: bool = False) -> list[str]:
    at = Instant(AST + timedelta(seconds=at_s), 1000 + at_s)
    manifest = reader.take(Answer(Outcome.OK, at, 0.01, "https://cdn.test/live.mpd", status=200, body=body), is_retry, {})
    return [remark.code for remark in manifest.remarks]


def test_an_event_is_told_by_the_answer_that_showed_it_and_by_its_re_fetch_and_no_more() -> None:
    reader, moved = DashReader(), text(LATER, ast="2026-03-01T11:59:30Z", **NEXT)
    assert _take(reader, text(PLAIN), 20) == []
    assert _take(reader, moved, 22) == ["DASH_AST_CHANGED"]
    assert _take(reader, moved, 22.1, is_retry=True) == ["DASH_AST_CHANGED"]
    assert _take(reader, moved, 23) == []


def test_a_re_fetch_that_does_not_confirm_takes_the_event_back() -> None:
    reader, moved = DashReader(), text(LATER, ast="2026-03-01T11:59:30Z", **NEXT)
    assert _take(reader, text(PLAIN), 20) == []
    assert _take(reader, moved, 22) == ["DASH_AST_CHANGED"]
    assert _take(reader, text(LATER, **NEXT), 22.1, is_retry=True) == []


def test_an_mpd_is_asked_at_the_moments_that_prove_it_stale() -> None:
    reader = DashReader()
    at = Instant(AST + timedelta(seconds=20), 1000.0)
    manifest = reader.take(Answer(Outcome.OK, at, 0.01, "https://cdn.test/live.mpd", status=200, body=text(PLAIN)), False, {})
    assert manifest.period_s == 1.0
    assert manifest.ask_at == pytest.approx(1000.0 + 2.0 + 2 * 2.0, abs=0.02)  # minimumUpdatePeriod and two segments
    later = Answer(Outcome.OK, at.plus(6.5), 0.01, "https://cdn.test/live.mpd", status=304)
    assert reader.take(later, False, {}).ask_at == pytest.approx(1000.0 + 2.0 + 3 * 2.0, abs=0.02)


# --- segments
def _promised(now_s: float, which: str, **more: str) -> Promised:
    manifest = mpd(PLAIN, **more)
    now = AST + timedelta(seconds=now_s)
    there = find(manifest, now, {})["720p"].stretches
    one = newest_available(manifest, there, now, 1)[-1] if which == "newest" else oldest_promised(manifest, there, now)
    assert one is not None
    return Promised(manifest.depth_s, manifest.starts_at, one, which == "oldest")


def test_a_missing_segment_is_late_from_its_availability_time_on() -> None:
    promise = _promised(20.5, "newest")
    assert said(promise.missing(AST + timedelta(seconds=21), is_edge=False)) == [("DASH_AVAIL", 0.5)]
    assert promise.missing(AST + timedelta(seconds=21), is_edge=True) == ()  # an edge may be a segment late
    assert said(promise.missing(AST + timedelta(seconds=23), is_edge=True)) == [("DASH_AVAIL", 1.5)]


def test_a_listed_segment_is_not_asked_for_before_its_time() -> None:
    assert _promised(19.0, "newest").one.ends_s == 18.0


def test_the_oldest_segment_is_asked_for_well_inside_the_window() -> None:
    promise = _promised(20.5, "oldest", more='timeShiftBufferDepth="PT10S"')
    assert promise.one.starts_s == 14.0
    assert said(promise.missing(AST + timedelta(seconds=20.5), is_edge=False)) == [("DASH_TSB", 5.5)]
    assert promise.missing(AST + timedelta(seconds=30), is_edge=False) == ()  # it has left meanwhile


def test_a_segment_must_carry_its_place_in_the_timeline() -> None:
    promise = _promised(20.5, "newest")
    assert promise.carries(18.0) == () and promise.carries(18.04) == ()
    assert said(promise.carries(18.4)) == [("DASH_DRIFT", 0.4)]
    assert said(promise.carries(16.0)) == [("DASH_DRIFT", 2.0)]


def test_a_clocked_segment_may_begin_half_a_segment_away() -> None:
    manifest = read(
        b'<MPD type="dynamic" availabilityStartTime="2026-03-01T12:00:00Z" minimumUpdatePeriod="PT2S"><Period>'
        b'<AdaptationSet contentType="video"><SegmentTemplate duration="2" media="$Number$"/>'
        b'<Representation id="v" height="720"/></AdaptationSet></Period></MPD>',
        "https://cdn.test/",
    )
    now = AST + timedelta(seconds=20.6)
    one = newest_available(manifest, find(manifest, now, {})["720p"].stretches, now, 1)[0]
    promise = Promised(None, manifest.starts_at, one, False)
    assert promise.carries(18.9) == () and said(promise.carries(19.5)) == [("DASH_DRIFT", 1.5)]
