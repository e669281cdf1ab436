"""DASH_MPD_STALE: the age of an MPD, on the judge's own clock. T is 2 s, minimumUpdatePeriod 2 s: WARN at 6 s, CRIT at 8 s."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from console.judge.memory import ChannelMemory
from console.judge.stream import step
from console.model.channel import Channel, Vantage
from console.model.finding import Finding
from console.model.instant import Instant
from console.model.observation import Asked, Heartbeat, MediaFacts, Observation, Outcome, Variant
from console.model.severity import Layer, Severity

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SEGMENT_S = 2.0
UPDATE_S = 2.0
RENDITIONS = ("1080p", "720p")
ORIGIN = Vantage("origin", Layer.ORIGIN, "http://o.test/live.mpd")
EDGE = Vantage("edge-lhr", Layer.EDGE, "http://e.test/live.mpd", pop="lhr")


def instant(t: float) -> Instant:
    return Instant(START + timedelta(seconds=t), 1000.0 + t)


def answers(vantage: str, t: float, newest: dict[str, int], *, is_timed: bool = True, update_s: float = UPDATE_S) -> list[Observation]:
    """One answer of an MPD: itself, and each of its renditions. Segment n ends at 2 n s."""
    whole = Observation(
        channel="ch", vantage=vantage, asked=Asked.MASTER, rendition=None, at=instant(t), elapsed_s=0.0, outcome=Outcome.OK,
        url="http://o.test/live.mpd", variants=tuple(Variant(name, "x", 1, int(name[:-1])) for name in RENDITIONS),
    )  # fmt: skip
    out = [whole]
    for name in RENDITIONS:
        n = newest[name]
        media = MediaFacts(
            target_duration_s=SEGMENT_S, media_sequence=n - 9, segment_count=10, newest_sequence=n, newest_uri="x",
            newest_ends_at=START + timedelta(seconds=SEGMENT_S * n), longest_extinf_s=SEGMENT_S, window_s=20.0,
            update_period_s=update_s, is_timed=is_timed,
        )  # fmt: skip
        out.append(msgspec.structs.replace(whole, asked=Asked.MEDIA, rendition=name, variants=(), media=media))
    return out


class Watch:
    """Steps the judge once a second with a heartbeat."""

    def __init__(self, *vantages: Vantage) -> None:
        self.memory = ChannelMemory.starting(Channel(name="ch", vantages=vantages), instant(0))
        self.deadlines: list[float] = []

    def at(self, t: float, seen: Iterable[Observation] = ()) -> tuple[Finding, ...]:
        beat = Heartbeat(instant(t), 0.0, 0.0, 1, 1, 0, 0)
        done = step(self.memory, list(seen), beat, instant(t))
        self.memory = done.memory
        self.deadlines.append((done.deadline_mono or 0.0) - 1000.0)
        return done.verdict.findings


def codes(findings: Iterable[Finding]) -> list[tuple[str, str | None, str, Severity]]:
    return [(one.code, one.rendition, one.layer, one.severity) for one in findings]


def extended_until(watch: Watch, frozen_at: int, until: int, *, only: str | None = None) -> dict[int, list[tuple[str, str | None, str, Severity]]]:
    """Polled each second; from `frozen_at` on nothing new (of `only`, when given)."""
    said = {}
    for t in range(until + 1):
        n = {name: (t if only not in (None, name) else min(t, frozen_at)) // 2 for name in RENDITIONS}
        seen = [one for vantage in watch.memory.channel.vantages for one in answers(vantage.name, float(t), n)]
        said[t] = codes(watch.at(t, seen))
    return said


def test_an_mpd_that_stands_still_is_warned_of_past_its_validity_and_two_segments_and_critical_past_three() -> None:
    said = extended_until(Watch(ORIGIN), frozen_at=20, until=32)
    assert not any(said[t] for t in range(26))
    assert said[26] == [("DASH_MPD_STALE", None, "package", Severity.WARN)]
    assert said[27] == said[26]
    assert said[28] == [("DASH_MPD_STALE", None, "package", Severity.CRIT)]


def test_the_verdict_falls_by_the_clock_when_no_answer_comes() -> None:
    watch = Watch(ORIGIN)
    extended_until(watch, frozen_at=20, until=20)
    assert not any(watch.at(t) for t in (21, 22, 23, 24, 25, 26))
    assert any(26.0 < at <= 27.1 for at in watch.deadlines)  # it asks to be woken
    assert codes(watch.at(27.1)) == [("DASH_MPD_STALE", None, "package", Severity.WARN)]
    assert codes(watch.at(28.2))[0][3] is Severity.WARN
    assert codes(watch.at(29.1)) == [("DASH_MPD_STALE", None, "package", Severity.CRIT)]


def test_it_is_over_with_the_first_new_segment() -> None:
    watch = Watch(ORIGIN)
    assert extended_until(watch, frozen_at=20, until=30)[30]
    assert watch.at(31, answers("origin", 31.0, dict.fromkeys(RENDITIONS, 15))) == ()


def test_a_seldom_updated_mpd_has_the_time_that_it_asks_for() -> None:
    watch = Watch(ORIGIN)
    for t in range(38):
        seen = answers("origin", float(t), dict.fromkeys(RENDITIONS, min(t, 20) // 2), update_s=14.0)
        assert watch.at(t, seen) == (), t
    assert codes(watch.at(38, answers("origin", 38.0, dict.fromkeys(RENDITIONS, 10), update_s=14.0)))


def test_what_follows_from_the_clock_alone_is_never_stale() -> None:
    watch = Watch(ORIGIN)
    for t in range(60):
        seen = answers("origin", float(t), dict.fromkeys(RENDITIONS, min(t, 20) // 2), is_timed=False)
        assert watch.at(t, seen) == (), t


def test_one_rendition_that_stands_still_is_named() -> None:
    said = extended_until(Watch(ORIGIN), frozen_at=20, until=40, only="720p")
    told = [one for t in said for one in said[t] if one[0] == "DASH_MPD_STALE"]
    assert told and {rendition for _, rendition, _, _ in told} == {"720p"}
    assert told[-1][3] is Severity.CRIT


def test_an_edge_is_blamed_only_while_the_origin_goes_on() -> None:
    watch = Watch(ORIGIN, EDGE)
    told = []
    for t in range(40):
        seen = answers("origin", float(t), dict.fromkeys(RENDITIONS, t // 2))
        seen += answers("edge-lhr", t + 0.3, dict.fromkeys(RENDITIONS, min(t, 20) // 2))
        told += [one for one in watch.at(t + 0.4, seen) if one.code == "DASH_MPD_STALE"]
    assert told and {one.layer for one in told} == {Layer.EDGE}
    both = extended_until(Watch(ORIGIN, EDGE), frozen_at=20, until=40)
    assert {one[2] for t in both for one in both[t] if one[0] == "DASH_MPD_STALE"} == {"package"}


def test_an_mpd_that_turns_static_is_told_without_a_tag_of_another_format():
    watch = Watch(ORIGIN)
    for t in range(12):
        watch.at(t, answers("origin", t, dict.fromkeys(RENDITIONS, t // 2 + 10)))
    findings: tuple[Finding, ...] = ()
    for t in (12, 13):
        seen = answers("origin", t, dict.fromkeys(RENDITIONS, 16))
        static = [
            msgspec.structs.replace(one, media=msgspec.structs.replace(one.media, has_endlist=True, update_period_s=None))
            if one.media is not None
            else one
            for one in seen
        ]
        findings = watch.at(t, static)
    told = [finding.reason for finding in findings if finding.code == "UNEXPECTED_END"]
    assert told and all("says that it has ended" in reason and "EXT-X" not in reason for reason in told)
