"""The replay scenarios of the stream specification, end to end through sockets, side by side in one night; T = 4 s, P = 2 s.

A scenario's deadlines stand in its fault's expectation (`faults.py` and its neighbours), where the other rings use them, too. The
faults of the first night last until its end; a second night shows what heals, and what the prober's own troubles look like.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.model.channel import Window
from console.model.severity import Layer, Mark, Severity
from tests.streams.broken_answers import DeadEdge, NotPlaylist
from tests.streams.broken_playlists import Ended, Freeze, Gaps, LadderShrunk, OldCopy, Restart
from tests.streams.broken_segments import KeyRefused, SegmentBad, SegmentMissing, SegmentRepeated, SegmentSlow
from tests.streams.faults import Fault
from tests.streams.night import BEGIN, EPOCH, Night, Watched
from tests.streams.show import LADDER, Style
from tests.streams.truth import false_of, missed

pytestmark = pytest.mark.timeout(400)  # a night is as long as its bytes take, however busy the machine is
START = BEGIN + 18.3
UNTIL_S = 46.0
FLEET = tuple(f"fleet-{n}" for n in range(6))
TWO = LADDER[:2]
_LONG = {"start": START, "length_s": 1e6}
SCENARIOS: dict[str, tuple[Style, Fault]] = {
    "1-all-freeze": (Style(ladder=TWO), Freeze(**_LONG)),
    "2-one-freezes": (Style(edges=("lhr",)), Freeze(**_LONG, rendition="720p")),
    "2-top-freezes": (Style(edges=("lhr",)), Freeze(**_LONG, rendition="1080p")),
    "3-old-copy": (Style(ladder=TWO), OldCopy(**_LONG, vantages=("edge-syd",))),
    "5-one-of-three": (Style(ladder=TWO), SegmentMissing(**_LONG, vantages=("edge-lhr",))),
    "5-two-of-three": (Style(ladder=TWO), SegmentMissing(**_LONG, vantages=("edge-lhr", "edge-syd"))),
    "6-one-slow": (Style(ladder=TWO), SegmentSlow(**_LONG, vantages=("edge-lhr",))),
    "6-all-slow": (Style(ladder=TWO), SegmentSlow(**_LONG, vantages=("edge-lhr", "edge-syd", "edge-nrt"))),
    "7-zero-bytes": (Style(edges=("lhr",), ladder=TWO), SegmentBad(**_LONG, how="zero")),
    "7-truncated": (Style(edges=("lhr",), ladder=TWO), SegmentBad(**_LONG, how="cut")),
    "7-equal-hash": (Style(edges=("lhr",), ladder=TWO), SegmentRepeated(**_LONG)),
    "8-html-master": (Style(ladder=TWO), NotPlaylist(**_LONG, of="master", vantages=("edge-lhr", "edge-syd"))),
    "8-html-variant": (Style(ladder=TWO), NotPlaylist(**_LONG, rendition="720p", vantages=("edge-lhr", "edge-syd"))),
    "9-ladder": (Style(edges=("lhr",)), LadderShrunk(**_LONG, rendition="1080p")),
    "10-key-403": (Style(edges=("lhr",), ladder=TWO, is_encrypted=True), KeyRefused(**_LONG)),
    "10-gaps": (Style(edges=("lhr",), ladder=TWO, window=6), Gaps(**_LONG)),
    "11-endlist": (Style(edges=("lhr",), ladder=TWO), Ended(**_LONG)),
}
HEALTHY = {
    "ok-plain": Style(edges=("lhr", "syd")),
    "ok-fmp4": Style(edges=("lhr",), container="fmp4", has_audio=True, has_iframes=True),
    "ok-ads": Style(edges=("lhr",), ladder=TWO, ad_every=5, has_own_numbers=True, is_encrypted=True, rotate_every=4),
    "ok-alone": Style(edges=(), ladder=TWO, has_pdt=False, wobble_s=0.04),
}


@pytest.fixture(scope="module")
def night() -> Night:
    """One night for all scenarios that end in trouble."""
    night = Night(with_incidents=True)
    for name, (style, fault) in SCENARIOS.items():
        night.add(name, style, [fault])
    for name in FLEET:  # 6 of 27 channels are at this PoP, and all that are there lose it
        night.add(name, Style(edges=("fra", "ams"), ladder=LADDER[:1]), [DeadEdge(**_LONG, vantages=("edge-fra",))])
    planned = Window(EPOCH - timedelta(hours=1), EPOCH + timedelta(seconds=START - BEGIN + 20))
    night.add("11-planned", Style(edges=("lhr",), ladder=TWO), [Ended(**_LONG)], kind="event", schedule=(planned,))
    for name, style in HEALTHY.items():
        night.add(name, style)
    return night.run(UNTIL_S)


def of(night: Night, name: str) -> tuple[Watched, Fault]:
    watched = night.watched[name]
    return watched, watched.show.faults[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_a_scenario_asks_for_is_said_in_time_on_its_layer(night: Night, name: str):
    watched, fault = of(night, name)
    assert missed(watched, fault) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_else_is_said_of_a_scenario(night: Night, name: str):
    watched, fault = of(night, name)
    assert false_of(watched, [fault]) == []


@pytest.mark.parametrize("name", HEALTHY)
def test_of_a_healthy_channel_beside_them_nothing_is_said(night: Night, name: str):
    watched = night.watched[name]
    assert false_of(watched, []) == []
    assert watched.last is not None and (watched.last.severity, watched.last.is_settled) == (Severity.OK, True)


def test_1_every_rendition_that_stands_still_is_named(night: Night):
    watched, _ = of(night, "1-all-freeze")
    assert {told.rendition for told in watched.told if told.severity is Severity.CRIT} == {"1080p", "720p"}


def test_3_and_5_one_edge_of_three_is_never_a_crit(night: Night):
    for name in ("3-old-copy", "5-one-of-three", "6-one-slow"):
        watched, _ = of(night, name)
        assert watched.told, name
        assert {(told.layer, told.severity) for told in watched.told} == {("edge", Severity.WARN)}, name


def test_8_the_page_that_came_instead_is_shown_in_the_words(night: Night):
    watched, _ = of(night, "8-html-variant")
    assert any("<html><head><title>Sorry" in told.reason for told in watched.told if told.code == "NOT_PLAYLIST")


def test_11_a_channel_that_ended_is_marked(night: Night):
    watched, _ = of(night, "11-endlist")
    assert watched.last is not None and watched.last.mark is Mark.ENDED


def test_11_an_end_that_was_planned_is_no_alert(night: Night):
    watched, fault = of(night, "11-planned")
    assert watched.told == []
    assert [verdict.mark for t, verdict in watched.verdicts if t < fault.start + 10][-1] is Mark.ENDED


def test_14_a_dead_pop_is_one_incident_of_that_pop_within_30_s(night: Night):
    for name in FLEET:
        watched, fault = of(night, name)
        assert missed(watched, fault) == [], name
    mine = [(t, one) for t, one in night.incidents if {*FLEET} & {*one.entities} or "fra" in one.title]
    newest = {one.id: one for _, one in mine}
    assert len(newest) == 1, [one.title for one in newest.values()]
    (incident,) = newest.values()
    assert min(t for t, _ in mine) - START <= 30
    assert "fra" in incident.title and {*FLEET} <= {*incident.entities}
    assert incident.layer is Layer.EDGE


def test_the_prober_asked_and_nothing_broke_in_it(night: Night):
    assert night.errors == []
    assert night.heartbeats[-1].channels == len(night.watched)


@pytest.fixture(scope="module")
def later() -> Night:
    """A second night: what heals, and what the prober's own troubles look like."""
    night = Night()
    night.is_stalled = True
    night.add("4-restart", Style(edges=("lhr",), ladder=TWO), [Restart(start=START)])
    night.add("15-healthy", Style(edges=("lhr",), ladder=TWO))
    night.at(104.0, lambda night: night.loop.stall(10.0))
    night.at(140.0, lambda night: setattr(night.clock, "wall_offset_s", 6.0))
    night.at(150.0, lambda night: setattr(night.clock, "wall_offset_s", 66.0))  # further than any stream is allowed to be late
    night.at(162.0, lambda night: setattr(night.clock, "wall_offset_s", -30.0))  # and dates lie ahead of it
    return night.run(174.0)


class TestASecondNight:
    """A restarted encoder is well again within a minute; a starved probe host blames nobody; a clock that steps makes no ages."""

    def test_4_mseq_back_in_time_and_ok_within_60_s(self, later: Night):
        watched, fault = of(later, "4-restart")
        assert missed(watched, fault) == []
        assert false_of(watched, [fault]) == []
        before_the_stall = [verdict for t, verdict in watched.verdicts if t < BEGIN + 100]
        assert before_the_stall[-1].severity is Severity.OK
        assert max(told.last for told in watched.told) - fault.start <= 60

    def test_15_a_starved_probe_host_is_unknown_and_nothing_is_stale(self, later: Night):
        watched = later.watched["15-healthy"]
        assert watched.told == []
        unknown = [(t, v) for t, v in watched.verdicts if v.severity is Severity.UNKNOWN and BEGIN + 100 < t < BEGIN + 139]
        assert unknown and all(verdict.reason.startswith("probe") for _, verdict in unknown)
        well = min(t for t, v in watched.verdicts if v.severity is Severity.OK and t > unknown[0][0])
        assert well - (BEGIN + 114) <= 30

    def test_15_a_clock_that_steps_changes_no_age(self, later: Night):
        watched = later.watched["15-healthy"]
        assert watched.told == []
        assert [verdict for t, verdict in watched.verdicts if t > BEGIN + 145] == []  # it was well, and is
        assert watched.last is not None and watched.last.severity is Severity.OK
        assert watched.last.worst_age_over_t is not None and watched.last.worst_age_over_t < 1.5
