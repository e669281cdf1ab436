"""What is read from an MPD: addresses, times, inheritance, names. Each document is as short as its point allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.probe.dash import reach
from console.probe.dash.document import is_mpd
from console.probe.dash.errors import MpdError
from console.probe.dash.facts import find, target_duration_s, variants
from console.probe.dash.manifest import Addressing, Manifest
from console.probe.dash.numbers import duration_s, moment, offset_s, whole
from console.probe.dash.reading import read

AST = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
URL = "https://cdn.test/live/ch1/manifest.mpd"
DYNAMIC = 'type="dynamic" availabilityStartTime="2026-03-01T12:00:00Z" minimumUpdatePeriod="PT2S"'


def mpd(inside: str, attributes: str = DYNAMIC) -> Manifest:
    return read(f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" {attributes}>{inside}</MPD>'.encode(), URL)


def urls(manifest: Manifest, rendition: str, now: datetime) -> list[str]:
    return [
        reach.segment(manifest, stretch, place).url
        for stretch in reach.stretches(manifest, rendition, now)
        for place in range(stretch.total)
    ]


def test_time_templates_are_filled_with_the_times_of_the_timeline() -> None:
    manifest = mpd(
        '<Period id="p"><AdaptationSet contentType="video">'
        '<SegmentTemplate timescale="1000" media="$RepresentationID$/$Time$.m4s">'
        '<SegmentTimeline><S t="4000" d="2000" r="1"/><S d="1500"/></SegmentTimeline></SegmentTemplate>'
        '<Representation id="v1" height="1080" bandwidth="5000000"/></AdaptationSet></Period>'
    )
    assert urls(manifest, "1080p", AST + timedelta(seconds=60)) == [
        f"https://cdn.test/live/ch1/v1/{time}.m4s" for time in (4000, 6000, 8000)
    ]


def test_number_templates_are_padded_and_count_from_their_start_number() -> None:
    manifest = mpd(
        '<Period><AdaptationSet mimeType="video/mp4">'
        '<SegmentTemplate startNumber="98" media="s-$Number%05d$-$Bandwidth$-$$.m4s">'
        '<SegmentTimeline><S t="0" d="2" r="2"/></SegmentTimeline></SegmentTemplate>'
        '<Representation id="v" height="720" bandwidth="77"/></AdaptationSet></Period>'
    )
    assert urls(manifest, "720p", AST + timedelta(seconds=60)) == [
        f"https://cdn.test/live/ch1/s-{number}-77-$.m4s" for number in ("00098", "00099", "00100")
    ]


def test_clocked_segments_are_those_whose_time_has_come_within_the_window() -> None:
    manifest = mpd(
        '<Period start="PT10S"><AdaptationSet contentType="video"><SegmentTemplate duration="2" startNumber="0" media="$Number$"/>'
        '<Representation id="v" height="720" bandwidth="77"/></AdaptationSet></Period>',
        DYNAMIC + ' timeShiftBufferDepth="PT6S"',
    )
    # 21 s after the start, 11 into the Period: segments 0 to 4 have ended, and 3 to 4 lie wholly in the window of 6 s
    assert urls(manifest, "720p", AST + timedelta(seconds=21)) == [f"https://cdn.test/live/ch1/{n}" for n in (3, 4)]
    assert urls(manifest, "720p", AST + timedelta(seconds=5)) == []


def test_segments_available_early_count_from_then() -> None:
    text = (
        '<Period><AdaptationSet contentType="video"><SegmentTemplate duration="2" media="$Number$" {early}/>'
        '<Representation id="v" height="720"/></AdaptationSet></Period>'
    )
    now = AST + timedelta(seconds=10.6)
    assert len(urls(mpd(text.format(early="")), "720p", now)) == 5
    assert len(urls(mpd(text.format(early='availabilityTimeOffset="1.5"')), "720p", now)) == 6


def test_base_urls_are_a_chain() -> None:
    manifest = mpd(
        "<BaseURL>https://a.test/x/</BaseURL><Period><BaseURL>p1/</BaseURL>"
        '<AdaptationSet contentType="video"><BaseURL>video/</BaseURL><SegmentTemplate duration="2" media="$Number$"/>'
        '<Representation id="v" height="720"><BaseURL>/hd/</BaseURL></Representation>'
        '<Representation id="w" height="360"/></AdaptationSet></Period>'
    )
    now = AST + timedelta(seconds=3)
    assert urls(manifest, "720p", now) == ["https://a.test/hd/1"]
    assert urls(manifest, "360p", now) == ["https://a.test/x/p1/video/1"]


def test_a_lower_level_speaks_before_a_higher_one() -> None:
    manifest = mpd(
        '<Period><SegmentTemplate timescale="10" duration="20" media="$Number$"/>'
        '<AdaptationSet contentType="video"><SegmentTemplate duration="40"/>'
        '<Representation id="v" height="720"/></AdaptationSet></Period>'
    )
    track = manifest.periods[0].tracks[0]
    assert (track.timescale, track.duration, track.media) == (10, 40, "$Number$")


def test_a_repeat_of_minus_one_goes_on_to_the_next_s_or_the_end_of_the_period() -> None:
    text = (
        '<Period duration="PT30S"><AdaptationSet contentType="video"><SegmentTemplate media="$Time$">'
        '<SegmentTimeline><S t="0" d="2" r="-1"/><S t="9" d="3" r="-1"/></SegmentTimeline></SegmentTemplate>'
        '<Representation id="v" height="720"/></AdaptationSet></Period>'
    )
    runs = mpd(text, 'type="static"').periods[0].tracks[0].runs
    assert [tuple(run) for run in runs] == [(0, 2, 5), (9, 3, 7)]
    open_ended = mpd(text.replace(' duration="PT30S"', ""))
    assert open_ended.periods[0].tracks[0].is_open
    assert not find(open_ended, AST + timedelta(seconds=60), {})["720p"].facts.is_timed


def test_a_segment_list_is_read_by_position() -> None:
    manifest = mpd(
        '<Period duration="PT6S"><AdaptationSet contentType="video"><Representation id="v" height="720">'
        '<SegmentList duration="2"><Initialization sourceURL="i.mp4"/><SegmentURL media="a.m4s"/><SegmentURL media="b.m4s"/></SegmentList>'
        "</Representation></AdaptationSet></Period>",
        'type="static"',
    )
    assert urls(manifest, "720p", AST) == ["https://cdn.test/live/ch1/a.m4s", "https://cdn.test/live/ch1/b.m4s"]
    facts = find(manifest, AST, {})["720p"].facts
    assert facts.has_endlist and facts.segment_count == 2 and facts.window_s == 4.0


def test_a_single_file_is_one_segment_as_long_as_its_period() -> None:
    manifest = mpd(
        '<Period><AdaptationSet contentType="video"><Representation id="v" height="720"><BaseURL>film.mp4</BaseURL>'
        '<SegmentBase indexRange="0-99"/></Representation></AdaptationSet></Period>',
        'type="static" mediaPresentationDuration="PT1H30M"',
    )
    assert manifest.periods[0].tracks[0].addressing is Addressing.SINGLE
    assert find(manifest, AST, {})["720p"].facts.window_s == 5400.0


def test_the_newest_segment_ends_where_the_wall_clock_says() -> None:
    """availabilityStartTime + Period start + (t + d - presentationTimeOffset) / timescale."""
    manifest = mpd(
        '<Period start="PT100S"><AdaptationSet contentType="video">'
        '<SegmentTemplate timescale="90000" presentationTimeOffset="900000" media="$Time$">'
        '<SegmentTimeline><S t="1080000" d="180000" r="2"/></SegmentTimeline></SegmentTemplate>'
        '<Representation id="v" height="720"/></AdaptationSet></Period>'
    )
    facts = find(manifest, AST + timedelta(seconds=200), {})["720p"].facts
    assert facts.newest_ends_at == AST + timedelta(seconds=100 + 2 + 6)
    assert facts.first_starts_at == AST + timedelta(seconds=102)
    assert (facts.target_duration_s, facts.longest_extinf_s, facts.update_period_s) == (2.0, 2.0, 2.0)


def test_a_timeline_published_ahead_is_there_only_as_far_as_the_clock() -> None:
    manifest = mpd(
        '<Period><AdaptationSet contentType="video"><SegmentTemplate media="$Time$">'
        '<SegmentTimeline><S t="0" d="2" r="999"/></SegmentTimeline></SegmentTemplate>'
        '<Representation id="v" height="720"/></AdaptationSet></Period>'
    )
    assert find(manifest, AST + timedelta(seconds=20), {})["720p"].facts.segment_count == 11  # and the one being written


def test_renditions_are_named_as_in_hls_and_apart() -> None:
    manifest = mpd(
        '<Period><AdaptationSet contentType="video"><SegmentTemplate duration="2" media="$Number$"/>'
        '<Representation id="a" height="720" bandwidth="3000000" codecs="avc1.64001f"/>'
        '<Representation id="b" height="720" bandwidth="1500000"/><Representation id="c" bandwidth="1"/></AdaptationSet>'
        '<AdaptationSet mimeType="audio/mp4" lang="en"><SegmentTemplate duration="2" media="$Number$"/>'
        '<Representation id="a1" bandwidth="128000"/></AdaptationSet>'
        '<AdaptationSet contentType="text"><Representation id="t"/></AdaptationSet>'
        '<AdaptationSet mimeType="image/jpeg"><Representation id="thumbs"/></AdaptationSet>'
        '<AdaptationSet contentType="video"><EssentialProperty schemeIdUri="http://dashif.org/guidelines/trickmode" value="1"/>'
        '<Representation id="trick" height="360"/></AdaptationSet></Period>'
    )
    assert [(rung.rendition, rung.kind) for rung in variants(manifest)] == [
        ("720p-3000k", "video"), ("720p-1500k", "video"), ("c", "video"), ("audio-a1", "audio"),
    ]  # fmt: skip


def test_one_target_duration_holds_for_sound_and_picture() -> None:
    assert [target_duration_s(s) for s in (2.0, 2.005, 1.984, 3.84, 6.006, 0.5)] == [2, 2, 2, 4, 6, 1]


def test_a_break_with_fewer_rungs_is_no_loss_and_owes_nothing() -> None:
    text = (
        '<Period id="{id}" start="{start}"><AdaptationSet contentType="video"><SegmentTemplate media="$Time$">'
        '<SegmentTimeline><S t="0" d="2" r="{r}"/></SegmentTimeline></SegmentTemplate>{rungs}</AdaptationSet></Period>'
    )
    both = '<Representation id="v" height="1080"/><Representation id="w" height="720"/>'
    manifest = mpd(
        text.format(id="show", start="PT0S", r=4, rungs=both)
        + text.format(id="ad", start="PT10S", r=1, rungs='<Representation id="ad" height="720"/>')
    )
    found = find(manifest, AST + timedelta(seconds=30), {})
    assert {rung.rendition for rung in variants(manifest)} == {"1080p", "720p"}
    assert found["720p"].facts.is_timed and found["720p"].facts.segment_count == 7
    assert not found["1080p"].facts.is_timed


def test_remote_periods_and_unknown_elements_are_passed_over() -> None:
    manifest = mpd(
        '<Period xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="http://evil.test/" start="PT0S"/>'
        '<Period start="PT0S"><Whatever/><AdaptationSet contentType="video"><SegmentTemplate duration="2" media="$Number$"/>'
        '<Representation id="v" height="720"/></AdaptationSet></Period>'
    )
    assert len(manifest.periods) == 1


def test_an_announced_period_without_a_start_is_not_on_air() -> None:
    one = (
        '<Period start="PT0S"><AdaptationSet contentType="video"><SegmentTemplate duration="2" media="$Number$"/>'
        '<Representation id="v" height="720"/></AdaptationSet></Period>'
    )
    assert len(mpd(one + one.replace(' start="PT0S"', "")).periods) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT2S", 2.0), ("PT1M0.5S", 60.5), ("P1DT1H", 90_000.0), ("PT0S", 0.0), ("PT.5S", 0.5), ("P1M", 30 * 86_400.0), ("-PT0S", 0.0)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration_s("x", text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "2", "PT2", "PTxS", "-PT1S", "P99999999999D", "PT1S1M"])
def test_what_is_no_duration_is_refused_by_name(text: str) -> None:
    with pytest.raises(MpdError, match="MPD@x"):
        duration_s("MPD@x", text)


def test_other_simple_types() -> None:
    assert moment("x", "2026-03-01T12:00:00.1234567Z") == AST.replace(microsecond=123456)
    assert moment("x", "2026-03-01T12:00:00") == AST
    assert moment("x", "2026-03-01T13:00:00+01:00") == AST
    assert offset_s("x", "INF") == 1e9 and offset_s("x", None) is None
    assert whole("x", " 12 ", 0) == 12 and whole("x", None, 7) == 7
    for bad in ("1.5", "١", "", "99999999999999999999999999"):
        with pytest.raises(MpdError):
            whole("x", bad, 0)


def test_an_mpd_is_known_by_its_root() -> None:
    for body in (b"<MPD>", b"\xef\xbb\xbf<?xml version='1.0'?><!-- <html> --><MPD type='static'/>", b"\n <dash:MPD xmlns:dash='x'>"):
        assert is_mpd(body)
    for body in (b"", b"<html><MPD>", b"#EXTM3U\n#<MPD>", b"<MPDX/>", b"<!-- <MPD>"):
        assert not is_mpd(body)
