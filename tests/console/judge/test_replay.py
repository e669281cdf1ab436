"""The replay scenarios of the stream specification: each fault found by its deadline, on its layer, and
nothing else said.

T = 4, P = 2. Times are seconds since the start of the fault.
"""

from __future__ import annotations

import re

import msgspec
import pytest

from console.judge.stream import step
from console.model.finding import Finding
from console.model.instant import Instant
from console.model.observation import Heartbeat, Outcome
from console.model.severity import Layer, Mark, Severity
from tests.console.judge.night import LADDER, Night, Reply, World, channel, instant

STARTS = [40.3, 41.9, 43.5]  # where within a segment the fault begins
T = 4.0


@pytest.fixture(params=STARTS)
def start(request: pytest.FixtureRequest) -> float:
    return float(request.param)


def findings(night: Night, start: float) -> list[tuple[float, Finding]]:
    assert night.findings() == night.findings(since=start), "something was said before the fault began"
    return [(t - start, finding) for t, finding in night.findings()]


def test_1_all_playlists_freeze_package_warn_within_8_s_crit_within_14_s(start: float):
    class Frozen(World):
        def newest(self, rendition: str, t: float) -> int:
            return super().newest(rendition, min(t, start))

    told = findings(night := Night(Frozen()).run(start + 30), start)
    assert {(f.code, f.layer) for _, f in told} == {("STALE", Layer.PACKAGE)}
    for rendition in LADDER:
        warn = [t for t, f in told if f.rendition == rendition and f.severity is Severity.WARN]
        crit = [t for t, f in told if f.rendition == rendition and f.severity is Severity.CRIT]
        assert warn and min(warn) <= 8 + 0.1
        assert crit and min(crit) <= 14 + 0.1
    assert night.verdict.severity is Severity.CRIT
    assert set(night.verdict.findings[0].evidence["vantages"]) == {v.name for v in night.channel.vantages}


@pytest.mark.parametrize(("rendition", "severity"), [("720p", Severity.WARN), ("1080p", Severity.CRIT)])
def test_2_one_rendition_freezes_transcode_named_within_10_s_crit_for_the_top_rung(
    start: float, rendition: str, severity: Severity
):
    class OneFrozen(World):
        def newest(self, one: str, t: float) -> int:
            return super().newest(one, min(t, start) if one == rendition else t)

    told = findings(Night(OneFrozen()).run(start + 30), start)
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {("STALE", Layer.TRANSCODE, rendition)}
    assert told[0][0] <= 10 and told[0][1].severity is severity


def test_3_one_pop_serves_an_old_copy_warn_edge_skew_within_6_s_never_crit(start: float):
    class OldCopy(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            if vantage == "edge-syd" and rendition and t >= start:
                return msgspec.structs.replace(self.at_origin(rendition, t - 5 * T), age_header_s=1.0)
            return super().reply(vantage, rendition, t)

    told = findings(Night(OldCopy()).run(start + 60), start)
    assert {(f.code, f.layer, f.vantage, f.severity) for _, f in told} == {
        ("EDGE_SKEW", Layer.EDGE, "edge-syd", Severity.WARN)
    }
    assert {f.rendition for t, f in told if t <= 6} == set(LADDER)


def test_4_the_encoder_restarts_at_zero_crit_mseq_back_within_6_s_and_ok_within_60_s(start: float):
    class Restarted(World):
        def media(self, rendition: str, t: float):
            newest = self.newest(rendition, t)
            if t < start:
                return self.facts(newest)
            base = self.newest(rendition, start)
            fresh = self.facts(newest)
            return msgspec.structs.replace(
                fresh, media_sequence=newest - base, newest_sequence=newest - base + fresh.segment_count - 1
            )

    told = findings(night := Night(Restarted()).run(start + 64), start)
    assert {(f.code, f.layer, f.severity) for _, f in told} == {("MSEQ_BACK", Layer.PACKAGE, Severity.CRIT)}
    assert {f.rendition for t, f in told if t <= 6} == set(LADDER)
    assert night.verdict.severity is Severity.OK


@pytest.mark.parametrize(
    ("bad", "severity"), [(("edge-lhr",), Severity.WARN), (("edge-lhr", "edge-syd"), Severity.CRIT)]
)
def test_5_the_newest_segment_is_404_at_one_of_three_pops_warn_at_two_crit(
    start: float, bad: tuple[str, ...], severity: Severity
):
    class Missing(World):
        def segment(self, vantage: str, t: float) -> Reply:
            return Reply(Outcome.HTTP, 404) if vantage in bad and t >= start else Reply()

    night = Night(Missing(), channel(edges=("lhr", "syd", "nrt")), segments=True).run(start + 30)
    told = findings(night, start)
    assert {(f.code, f.layer) for _, f in told} == {("SEG_404", Layer.EDGE)}
    assert min(t for t, f in told if f.severity is severity) <= 12
    assert max(f.severity.rank for _, f in told) == severity.rank


@pytest.mark.parametrize("rendition", [None, "720p"])
def test_8_an_html_page_as_master_or_variant_crit_not_playlist_within_6_s(
    start: float, rendition: str | None
):
    class Html(World):
        def at_edge(self, vantage: str, one: str | None, t: float) -> Reply:
            if one == rendition and t >= start and vantage != "edge-iad":
                return Reply(Outcome.NOT_PLAYLIST, 200, detail="<html>sorry</html>", age_header_s=0.0)
            return super().at_edge(vantage, one, t)

    told = findings(Night(Html()).run(start + 20), start)
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {("NOT_PLAYLIST", Layer.EDGE, rendition)}
    assert min(t for t, f in told if f.severity is Severity.CRIT) <= 6
    assert "<html>sorry</html>" in told[-1][1].reason


def test_9_the_master_loses_1080p_warn_ladder_shrunk_within_30_s(start: float):
    class Shrunk(World):
        def ladder(self, t: float) -> tuple[str, ...]:
            return LADDER[1:] if t >= start else LADDER

    told = findings(night := Night(Shrunk()).run(start + 40), start)
    assert {(f.code, f.layer, f.rendition, f.severity) for _, f in told} == {
        ("LADDER_SHRUNK", Layer.PACKAGE, "1080p", Severity.WARN)
    }
    assert told[0][0] <= 30
    assert (night.verdict.renditions_ok, night.verdict.renditions_expected) == (2, 3)


class TestScenario15:
    """The probe host is starved: UNKNOWN(probe), no STALE, and well again within 30 s."""

    def test_a_stopped_prober_is_unknown_and_blames_nobody(self, start: float):
        night = Night(World())
        night.is_stopped = lambda t: start <= t < start + 10
        night.run(start + 40)
        assert night.findings() == []
        unknown = [
            told for told in night.told if told.t > start and told.verdict.severity is Severity.UNKNOWN
        ]
        assert start + 2 <= unknown[0].t <= start + 4  # three seconds after the last heartbeat
        assert unknown[0].verdict.reason.startswith("probe: no heartbeat")
        well = next(
            told for told in night.told if told.t > start + 10 and told.verdict.severity is Severity.OK
        )
        assert well.t <= start + 30

    def test_a_late_prober_is_unknown_as_long_as_it_is_late(self, start: float):
        night = Night(World())

        def beat(t: float) -> Heartbeat:
            lag_s = 1.4 if start <= t < start + 10 else 0.02
            return Heartbeat(
                instant(t), poll_lag_s=lag_s, loop_lag_s=0.0, channels=1, polls=1, bytes_in=0, in_flight=0
            )

        night.heartbeat = beat
        night.run(start + 30)
        assert night.findings() == []
        blind = [told for told in night.told if told.t > start and told.verdict.severity is Severity.UNKNOWN]
        assert all("polls 1.4 s late" in told.verdict.reason for told in blind)
        assert night.verdict.severity is Severity.OK

    def test_a_stream_that_froze_in_the_dark_is_blamed_only_after_it_was_seen_again(self, start: float):
        class Frozen(World):
            def newest(self, rendition: str, t: float) -> int:
                return super().newest(rendition, min(t, start))

        night = Night(Frozen())
        night.is_stopped = lambda t: start + 1 <= t < start + 11
        night.run(start + 60)
        first = night.first("STALE")
        assert first is not None and first > start + 11
        assert {layer for _, layer in night.codes()} == {"package"}

    def test_a_wall_clock_that_steps_changes_no_age(self, start: float):
        night = Night(World()).run(start)
        now = instant(start + 0.1)
        straight = step(night.memory, (), None, now).verdict
        stepped = step(night.memory, (), None, Instant(instant(start + 6.1).utc, now.mono)).verdict
        assert stepped.worst_age_over_t == straight.worst_age_over_t
        assert stepped.severity is straight.severity is Severity.OK


def test_endlist_on_a_live_playlist_is_an_unexpected_end_of_the_schedule(start: float):
    class Ended(World):
        def media(self, rendition: str, t: float):
            return msgspec.structs.replace(super().media(rendition, min(t, start)), has_endlist=t >= start)

    told = findings(night := Night(Ended()).run(start + 30), start)
    assert {(f.code, f.layer, f.severity) for _, f in told} == {
        ("UNEXPECTED_END", Layer.SCHEDULE, Severity.CRIT)
    }
    assert {f.rendition for t, f in told if t <= 6} == set(LADDER)
    assert night.verdict.mark is Mark.ENDED


def test_a_recording_that_was_over_before_we_came_is_no_fault():
    class Vod(World):
        def media(self, rendition: str, t: float):
            return msgspec.structs.replace(self.facts(700), has_endlist=True)

    night = Night(Vod()).run(60)
    assert night.findings() == []
    assert night.verdict.severity is Severity.OK


def test_a_segment_longer_than_the_target_duration_is_told(start: float):
    class Long(World):
        def media(self, rendition: str, t: float):
            facts = super().media(rendition, t)
            return (
                msgspec.structs.replace(facts, longest_extinf_s=4.6)
                if t >= start and rendition == "720p"
                else facts
            )

    told = findings(Night(Long()).run(start + 20), start)
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {("TD_EXCEEDED", Layer.PACKAGE, "720p")}
    assert told[0][0] <= 6


def test_segments_a_little_over_the_target_round_down_and_are_well():
    class Rounded(World):
        def media(self, rendition: str, t: float):
            return msgspec.structs.replace(super().media(rendition, t), longest_extinf_s=4.49)

    assert Night(Rounded()).run(60).findings() == []


def test_three_of_four_edges_freeze_crit_at_the_edge_and_the_sentence_says_where(start: float):
    class Pinned(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            is_pinned = vantage in ("edge-lhr", "edge-syd", "edge-nrt") and rendition == "1080p"
            return super().reply(vantage, rendition, min(t, start) if is_pinned else t)

    told = findings(night := Night(Pinned()).run(start + 30), start)
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {("STALE", Layer.EDGE, "1080p")}
    assert min(t for t, f in told if f.severity is Severity.CRIT) <= 10
    last = night.verdict.findings[0]
    assert last.vantage is None
    assert last.evidence["vantages"] == ["edge-lhr", "edge-syd", "edge-nrt"]
    assert "1080p stale at 3 of 4 edges (lhr, syd, nrt), origin fresh: newest segment" in last.reason


def test_one_frozen_edge_of_four_is_at_most_a_warning(start: float):
    class Pinned(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            return super().reply(
                vantage, rendition, min(t, start) if vantage == "edge-lhr" and rendition else t
            )

    told = findings(Night(Pinned()).run(start + 60), start)
    assert {(f.code, f.layer, f.vantage, f.severity) for _, f in told} == {
        ("STALE", Layer.EDGE, "edge-lhr", Severity.WARN)
    }


def test_a_lone_edge_counts_as_all(start: float):
    class Pinned(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            return super().reply(
                vantage, rendition, min(t, start) if vantage == "edge-lhr" and rendition else t
            )

    told = findings(Night(Pinned(), channel(edges=("lhr",))).run(start + 30), start)
    assert {(f.layer, f.severity) for _, f in told} == {(Layer.EDGE, Severity.CRIT)}


def test_a_single_url_counts_as_the_origin(start: float):
    class Frozen(World):
        def newest(self, rendition: str, t: float) -> int:
            return super().newest(rendition, min(t, start))

    told = findings(Night(Frozen(), channel(edges=("lhr",), origin=False)).run(start + 30), start)
    assert {(f.code, f.layer) for _, f in told} == {("STALE", Layer.PACKAGE)}


def test_everything_answers_503_down_at_the_origin(start: float):
    class Dark(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            return (
                Reply(Outcome.HTTP, 503, detail="503") if t >= start else super().reply(vantage, rendition, t)
            )

    told = findings(night := Night(Dark()).run(start + 20), start)
    assert night.verdict.findings[0].code == "DOWN"
    assert {(f.code, f.layer, f.rendition) for f in night.verdict.findings} == {
        ("DOWN", Layer.ORIGIN, None),
        ("FETCH_FAIL", Layer.ORIGIN, None),
    }
    assert all(f.layer is Layer.ORIGIN for _, f in told)
    assert min(t for t, f in told if f.code == "DOWN") <= 3 * 4


def test_a_dead_edge_is_one_finding(start: float):
    class Dead(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            if vantage == "edge-lhr" and t >= start:
                return Reply(Outcome.UNREACHABLE, None, detail="connection refused")
            return super().reply(vantage, rendition, t)

    night = Night(Dead()).run(start + 20)
    (finding,) = night.verdict.findings
    assert (finding.code, finding.layer, finding.vantage, finding.rendition) == (
        "FETCH_FAIL",
        Layer.EDGE,
        "edge-lhr",
        None,
    )
    assert finding.severity is Severity.WARN
    assert finding.reason.startswith("every playlist cannot be fetched at 1 of 4 edges (lhr)")


def test_one_playlist_gone_at_the_origin_is_a_missing_rendition(start: float):
    class Gone(World):
        def at_origin(self, rendition: str | None, t: float) -> Reply:
            return (
                Reply(Outcome.HTTP, 404, detail="404")
                if rendition == "480p" and t >= start
                else super().at_origin(rendition, t)
            )

    night = Night(Gone()).run(start + 20)
    (finding,) = night.verdict.findings
    assert (finding.code, finding.layer, finding.rendition) == ("RENDITION_MISSING", Layer.PACKAGE, "480p")


def test_an_edge_that_comes_ever_later_is_late(start: float):
    class Late(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            is_late = vantage in ("edge-lhr", "edge-syd", "edge-nrt") and rendition and t > start
            return super().reply(vantage, rendition, start + (t - start) * 0.6 if is_late else t)

    night = Night(Late(has_age=False)).run(start + 70)
    assert ("LATENCY", "edge") in night.codes()
    assert {layer for _, layer in night.codes()} == {"edge"}


def test_a_channel_that_keeps_failing_is_marked_as_flapping():
    class Flapping(World):
        def newest(self, rendition: str, t: float) -> int:
            return super().newest(rendition, t // 60 * 60 if 60 <= t % 60 + 60 < 80 and t > 60 else t)

    night = Night(Flapping(), channel(edges=())).run(400)
    assert any(told.verdict.mark is Mark.FLAPPING for told in night.told)
    assert Night(World()).run(60).verdict.mark is Mark.NONE


def test_until_every_playlist_was_watched_for_one_and_a_half_t_the_verdict_is_unknown_warming():
    night = Night(World()).run(30)
    settled = next(told.t for told in night.told if told.verdict.is_settled)
    assert 1.5 * T <= settled <= 1.5 * T + 4
    for told in night.told:
        assert (told.verdict.severity is Severity.UNKNOWN) == (told.t < settled)
        if 1 <= told.t < settled:
            assert told.verdict.reason == "warming"


def test_a_step_is_pure_and_telling_twice_changes_nothing():
    night = Night(World()).run(30)
    now = instant(30.01)
    first = step(night.memory, (), None, now)
    again = step(night.memory, (), None, now)
    assert first == again
    assert step(first.memory, (), None, now).verdict == first.verdict


def test_whoever_begins_to_watch_in_the_middle_of_an_outage_is_told_crit_at_once_by_the_playlists_own_clock():
    class LongFrozen(World):
        def facts(self, newest: int, base: int = 500):
            return super().facts(newest, base + 20)  # its newest segment ended 20 T before the watch began

        def newest(self, rendition: str, t: float) -> int:
            return super().newest(rendition, 0.0)

    told = Night(LongFrozen()).run(12).findings()
    assert told and min(t for t, _ in told) <= 8
    assert {(f.code, f.layer, f.severity) for _, f in told} == {("STALE", Layer.PACKAGE, Severity.CRIT)}
    told_s = re.search(r"by its own clock it ended (\d+) s ago", told[-1][1].reason)
    assert told_s is not None and 20 * T <= int(told_s[1]) <= 20 * T + 12


def test_a_playlist_that_moves_is_not_stale_however_old_its_own_clock_says_it_is():
    class SlowClock(World):
        def facts(self, newest: int, base: int = 500):
            return super().facts(newest, base + 900)

    night = Night(SlowClock()).run(60)
    assert not [f for _, f in night.findings() if f.code == "STALE"]


@pytest.mark.parametrize("spell_s", [1.5, 3.0, 6.0])
def test_a_frozen_channel_is_never_told_well_behind_a_blind_spell(spell_s: float):
    start, blind_from = 40.3, 70.0

    class Frozen(World):
        def newest(self, rendition: str, t: float) -> int:
            return super().newest(rendition, min(t, start))

    night = Night(Frozen())
    healthy = night.heartbeat

    def beat(t: float) -> Heartbeat:
        is_late = blind_from <= t <= blind_from + spell_s
        return msgspec.structs.replace(healthy(t), poll_lag_s=3.0 if is_late else 0.01)

    night.heartbeat = beat
    night.run(100)
    since = [told for told in night.told if told.t > blind_from]
    assert any(told.verdict.severity is Severity.UNKNOWN for told in since)
    assert {told.verdict.severity for told in since} <= {Severity.UNKNOWN, Severity.WARN, Severity.CRIT}
    assert night.verdict.severity is Severity.CRIT
