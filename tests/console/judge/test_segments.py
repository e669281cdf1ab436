"""What segments give away, on nights: scenarios 5 to 7 and 10 of the stream specification, and what a healthy one may do."""

from __future__ import annotations

import msgspec
import pytest

from console.judge.segments import families
from console.judge.stream import step
from console.model.finding import Finding
from console.model.observation import Asked, Observation, Outcome, SegmentFacts
from console.model.remark import Remark
from console.model.severity import Layer, Severity
from tests.console.judge.night import LADDER, Night, Reply, World, channel, instant

T = 4.0
START = 41.9
THREE = ("lhr", "syd", "nrt")


def night(world: World, until: float = START + 30, edges: tuple[str, ...] = THREE, **more: object) -> Night:
    return Night(world, channel(edges=edges, **more), segments=True).run(until)


def findings(found: Night, start: float = START) -> list[tuple[float, Finding]]:
    assert found.findings() == found.findings(since=start), "something was said before the fault began"
    return [(t - start, finding) for t, finding in found.findings()]


class Faulty(World):
    """Every segment at some vantages is changed from START on."""

    where = ("origin", "edge-lhr", "edge-syd", "edge-nrt")
    from_t = START

    def change(self, facts: SegmentFacts) -> SegmentFacts:
        return facts

    def segment_facts(self, vantage: str, sequence: int, t: float) -> SegmentFacts:
        facts = super().segment_facts(vantage, sequence, t)
        return self.change(facts) if t >= self.from_t and vantage in self.where else facts


@pytest.mark.parametrize("start", [40.3, 41.9, 43.5])
@pytest.mark.parametrize(("where", "crit"), [(("edge-lhr",), False), (("edge-lhr", "edge-syd", "edge-nrt"), True)])
def test_6_segments_that_take_one_and_a_half_t_warn_within_16_s_crit_within_24_and_a_rebuffer_is_predicted(
    start: float, where: tuple[str, ...], crit: bool
):
    class Slow(Faulty):
        from_t = start

        def change(self, facts: SegmentFacts) -> SegmentFacts:
            return msgspec.structs.replace(facts, transfer_s=1.5 * T)

    Slow.where = where
    told = findings(night(Slow(), start + 40), start)
    assert {(f.code, f.layer) for _, f in told} == {("SEG_SLOW", Layer.EDGE)}
    assert told[0][0] <= 16 and told[0][1].severity is Severity.WARN
    assert told[0][1].reason.endswith("segments take up to 1.5 times their duration to fetch: rebuffer predicted")
    assert [t <= 24 for t, f in told if f.severity is Severity.CRIT] == ([True] if crit else [])


def test_one_slow_segment_now_and_then_is_nobodys_fault():
    class Blip(World):
        def segment_facts(self, vantage: str, sequence: int, t: float) -> SegmentFacts:
            facts = super().segment_facts(vantage, sequence, t)
            return msgspec.structs.replace(facts, transfer_s=3.6) if sequence % 4 == 0 else facts

    assert night(Blip(), 120).findings() == []


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("SEG_BAD", {}),  # truncated: whoever reads its bytes remarks on it
        ("SEG_DUP", {"digest": "same"}),
    ],
)
def test_7_truncated_and_equal_segments_crit_at_the_encoder_within_12_s(code: str, change: dict[str, object]):
    class Bad(Faulty):
        def change(self, facts: SegmentFacts) -> SegmentFacts:
            return msgspec.structs.replace(facts, **change)

        def segment(self, vantage: str, t: float) -> Reply:
            is_bad = code == "SEG_BAD" and t >= START
            return Reply(remarks=(Remark("SEG_BAD", 1.0, "lasts 1.20 s by its timestamps"),)) if is_bad else Reply()

    told = findings(night(Bad()))
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {(code, Layer.TRANSCODE, "1080p")}
    assert min(t for t, f in told if f.severity is Severity.CRIT) <= 12


def test_7_a_segment_of_no_bytes_is_bad_at_the_edge_that_serves_it():
    class Empty(World):
        def segment(self, vantage: str, t: float) -> Reply:
            if vantage == "edge-lhr" and t >= START:
                return Reply(remarks=(Remark("SEG_BAD", 1.0, "segment 510 has no bytes"),))
            return Reply()

    told = findings(night(Empty()))
    assert {(f.code, f.layer, f.vantage, f.severity) for _, f in told} == {
        ("SEG_BAD", Layer.EDGE, "edge-lhr", Severity.WARN)
    }
    assert told[0][0] <= 12


def test_a_frozen_picture_that_thaws_is_well_again_and_two_equal_segments_are_none():
    class Thawing(World):
        def segment_facts(self, vantage: str, sequence: int, t: float) -> SegmentFacts:
            facts = super().segment_facts(vantage, sequence, t)
            if START <= t < START + 16:
                return msgspec.structs.replace(facts, digest="same")
            return msgspec.structs.replace(facts, digest=f"{sequence // 2}") if t >= START + 30 else facts

    found = night(Thawing(), START + 90)
    assert {f.code for _, f in found.findings()} == {"SEG_DUP"}
    assert found.verdict.severity is Severity.OK
    assert all(not told.verdict.findings for told in found.told if told.t > START + 30)


def test_an_equal_etag_alone_is_a_warning_and_empty_captions_are_nothing():
    class Etag(Faulty):
        def change(self, facts: SegmentFacts) -> SegmentFacts:
            return msgspec.structs.replace(facts, digest="etag", is_whole=False, transfer_s=None)

    class Captions(Faulty):
        def change(self, facts: SegmentFacts) -> SegmentFacts:
            return msgspec.structs.replace(facts, digest="WEBVTT", container="webvtt")

    assert {(f.code, f.severity) for _, f in night(Etag()).findings()} == {("SEG_DUP", Severity.WARN)}
    assert night(Captions()).findings() == []


def test_a_segment_that_comes_later_than_it_is_listed_is_late_and_not_missing():
    class Late(World):
        def __init__(self) -> None:
            super().__init__(jitter_s=0.0)

        def segment(self, vantage: str, t: float) -> Reply:
            is_early = t % T < 1.6
            return Reply(Outcome.HTTP, 404) if t >= START and vantage == "edge-syd" and is_early else Reply()

    told = findings(night(Late(), START + 60))
    assert {(f.code, f.layer, f.vantage, f.severity) for _, f in told} == {
        ("SEG_LATE", Layer.EDGE, "edge-syd", Severity.WARN)
    }


def test_a_segment_taken_away_too_early_is_gone_at_whoever_took_it():
    found = night(World())
    memory = found.memory
    t = START + 30.0
    for is_retry in (False, True):
        t += 0.1
        look = Observation(
            channel="uk-sport-1", vantage="origin", asked=Asked.SEGMENT, rendition="1080p", at=instant(t), elapsed_s=0.02,
            outcome=Outcome.HTTP, status=404, is_retry=is_retry,
            segment=SegmentFacts(sequence=500, extinf_s=T, left_s=12.0),
        )  # fmt: skip
        taken = step(memory, (look,), None, instant(t))
        memory = taken.memory
    (finding,) = taken.verdict.findings
    assert (finding.code, finding.layer, finding.severity) == ("SEG_GONE", Layer.ORIGIN, Severity.WARN)


def look(t: float, sequence: int, remarks: tuple[Remark, ...] = (), **facts: object) -> Observation:
    return Observation(
        channel="uk-sport-1", vantage="origin", asked=Asked.SEGMENT, rendition="1080p", at=instant(t), elapsed_s=0.02,
        outcome=Outcome.OK, remarks=remarks, segment=SegmentFacts(sequence=sequence, extinf_s=T, **facts),  # type: ignore[arg-type]
    )  # fmt: skip


def test_7_one_bad_segment_is_told_when_its_second_look_shows_it_too_and_not_when_that_is_good():
    bad = (Remark("SEG_BAD", 1.0, "segment 600 is cut"),)
    for again, told in ((bad, ["SEG_BAD"]), ((), [])):
        memory, t = night(World(), 40.0).memory, 40.0
        for remarks in (bad, again):
            t += 0.5
            taken = step(memory, (look(t, 600, remarks, is_whole=True, container="ts"),), None, instant(t))
            memory = taken.memory
        assert [finding.code for finding in taken.verdict.findings] == told


def test_7_a_look_that_read_nothing_takes_no_bad_segment_back():
    bad = (Remark("SEG_BAD", 1.0, "segment 600 is cut"),)
    memory, t = night(World(), 40.0).memory, 40.0
    for sequence, remarks in ((600, bad), (600, bad), (601, ()), (602, ()), (603, ())):
        t += 0.5
        taken = step(memory, (look(t, sequence, remarks, size=1000),), None, instant(t))
        memory = taken.memory
    assert [finding.code for finding in taken.verdict.findings] == ["SEG_BAD"]


def test_an_old_segment_that_is_gone_while_it_is_listed_is_told_as_that():
    memory, t = night(World(), 40.0).memory, 40.0
    for _ in range(2):
        t += 0.5
        seen = msgspec.structs.replace(look(t, 500, left_s=0.0), outcome=Outcome.HTTP, status=404)
        taken = step(memory, (seen,), None, instant(t))
        memory = taken.memory
    (finding,) = taken.verdict.findings
    assert finding.code == "SEG_GONE" and "segment 500 is still listed, and is gone" in finding.reason


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        ({"size": 700_000}, "BW_HIGH", Severity.WARN),
        ({"size": 1_100_000}, "BW_HIGH", Severity.CRIT),
        ({"height": 720}, "CODECS", Severity.WARN),
    ],
)
def test_segments_that_are_not_what_the_master_says(change: dict[str, object], code: str, severity: Severity):
    class Other(Faulty):
        def change(self, facts: SegmentFacts) -> SegmentFacts:
            return msgspec.structs.replace(facts, **change)

    told = findings(night(Other(), edges=("lhr",)))
    assert {(f.code, f.rendition) for _, f in told} == {(code, "1080p")}
    assert max(f.severity.rank for _, f in told) == severity.rank
    assert told[0][0] <= 2 * T + 3 * T / 2


@pytest.mark.parametrize(
    "change",
    [
        {"size": 620_000},  # 124 % of BANDWIDTH
        {"height": 1088},  # padded to whole macroblocks
        {"codecs": "avc3.640028"},
        {"codecs": ""},
        {"duration_s": 4.3},
        {"starts_with_key": False},  # its playlist promised nothing else
        {"duration_s": None, "starts_with_key": None, "container": "encrypted", "height": None},
        {"size": None, "digest": "", "is_whole": False, "transfer_s": None},
    ],
)
def test_what_a_healthy_segment_may_be(change: dict[str, object]):
    class Other(Faulty):
        def change(self, facts: SegmentFacts) -> SegmentFacts:
            return msgspec.structs.replace(facts, **change)

    assert night(Other(), edges=("lhr",)).findings() == []


def test_the_codec_on_the_wire_is_compared_by_family():
    assert families("avc1.640028, mp4a.40.2") == {"h264", "aac"} == families("avc3.4d401f,mp4a.40.5")
    assert families("stpp.ttml.im1t,unknown") == frozenset()


@pytest.mark.proof
def test_an_average_of_an_hour_above_what_is_declared_is_told_after_an_hour():
    class Heavy(World):
        def segment_facts(self, vantage: str, sequence: int, t: float) -> SegmentFacts:
            return msgspec.structs.replace(super().segment_facts(vantage, sequence, t), size=500_000)

    assert {f.code for _, f in night(Heavy(), 3800.0, edges=()).findings()} == {"BW_AVG"}


def test_10_a_key_that_is_refused_crit_at_drm_within_8_s_and_well_when_it_comes():
    class Refused(World):
        def key(self, vantage: str, t: float) -> Reply:
            return Reply(Outcome.HTTP, 403) if START <= t < START + 30 else Reply()

    # a healthy key is asked for every 30 s only: it is refused from when it is new
    class New(Refused):
        def key(self, vantage: str, t: float) -> Reply | None:
            return None if t < START else super().key(vantage, t)

    found = night(New(), START + 70)
    told = findings(found)
    assert {(f.code, f.layer, f.severity) for _, f in told} == {("KEY", Layer.DRM, Severity.CRIT)}
    assert told[0][0] <= 8
    assert "403" in told[0][1].reason
    assert found.verdict.severity is Severity.OK


@pytest.mark.parametrize(("share", "severity"), [(0.5, Severity.CRIT), (1 / 6, Severity.WARN)])
def test_10_half_a_window_of_gaps_is_critical_within_6_s_and_less_a_warning(share: float, severity: Severity):
    class Gaps(World):
        def at_origin(self, rendition: str | None, t: float) -> Reply:
            reply = super().at_origin(rendition, t)
            if rendition is None or not START <= t < START + 20:
                return reply
            says = f"{24 * share:g} of 24 s in the window are gaps"
            return msgspec.structs.replace(reply, remarks=(Remark("GAP", share, says),))

    found = Night(Gaps()).run(START + 60)
    told = findings(found)
    assert {(f.code, f.layer, f.severity) for _, f in told} == {("GAP", Layer.PACKAGE, severity)}
    assert {f.rendition for t, f in told if t <= 6} == set(LADDER)
    assert found.verdict.severity is Severity.OK
