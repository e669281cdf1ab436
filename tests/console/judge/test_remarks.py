"""Remarks on nights: each believed when two answers show it, told of the layer that made it, and taken back by its rule."""

from __future__ import annotations

import msgspec
import pytest

from console.judge.codes import ABOUT, CHECKED, Code
from console.judge.rules import ALWAYS, RULES, severity
from console.judge.signal_rules import SIGNAL_RULES
from console.model.finding import Finding
from console.model.observation import MediaFacts
from console.model.remark import Remark
from console.model.severity import Layer, Severity
from tests.console.judge.night import EPOCH, LADDER, Night, Reply, World, channel

T, P = 4.0, 2.0
START = 41.9


def findings(night: Night, start: float = START) -> list[tuple[float, Finding]]:
    assert night.findings() == night.findings(since=start), "something was said before the fault began"
    return [(t - start, finding) for t, finding in night.findings()]


class Remarked(World):
    """Copies of one rendition made from START on are remarked on, wherever they are served."""

    remark = Remark("GAP", 0.1, "some are gaps")
    rendition: str | None = "720p"
    lasts_s = 20.0

    def at_origin(self, rendition: str | None, t: float) -> Reply:
        reply = super().at_origin(rendition, t)
        is_bad = rendition == self.rendition and START <= t < START + self.lasts_s
        return msgspec.structs.replace(reply, remarks=(self.remark,)) if is_bad else reply


STANDING = {
    Code.GAP: 0.2, Code.WINDOW_SHORT: 2.0, Code.TYPE: 1.0, Code.PDT_JUMP: 1.2, Code.FUTURE: 40.0, Code.KEY: 1.0,
    Code.LL_HOLD_BACK: 2.5, Code.LL_HINT: 1.0, Code.LL_SKIP: 1.0, Code.LL_CTRL: 1.0, Code.CACHE_HDR: 1.0, Code.LL_RR: 2.0,
}  # fmt: skip
EVENTS = {Code.SEQ_JUMP: 90.0, Code.TD_CHANGED: 6.0, Code.DSEQ: 1.0, Code.MUTATED: 1.0, Code.LL_CTRL: 1.0}


@pytest.mark.parametrize("code", list(STANDING))
def test_a_standing_remark_is_told_within_three_polls_and_taken_back_when_it_is_no_longer_made(code: Code):
    world = Remarked()
    world.remark = Remark(code.value, STANDING[code], "it is so")
    night = Night(world, channel(edges=("lhr",))).run(START + 70)
    told = findings(night)
    layer = {Code.KEY: Layer.DRM, Code.CACHE_HDR: Layer.ORIGIN}.get(code, Layer.PACKAGE)
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {(code.value, layer, "720p")}
    assert told[0][0] <= 3 * P
    assert told[0][1].severity is severity(RULES[code], STANDING[code])
    assert night.verdict.severity is Severity.OK


@pytest.mark.parametrize("code", list(EVENTS))
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_an_event_is_told_for_its_time_when_the_re_fetch_shows_it_too(code: Code, is_confirmed: bool):
    class Once(World):
        def __init__(self) -> None:
            super().__init__()
            self.answers: dict[str, int] = {}

        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            reply = super().reply(vantage, rendition, t)
            if rendition != "720p" or t < START + P:
                return reply
            count = self.answers[vantage] = self.answers.get(vantage, 0) + 1
            if count > (2 if is_confirmed else 1):
                return reply
            return msgspec.structs.replace(reply, remarks=(Remark(code.value, EVENTS[code], "it was so", {}, True),))

    night = Night(Once(), channel(edges=("lhr",))).run(START + 70)
    told = findings(night)
    assert {(f.code, f.layer, f.rendition) for _, f in told} == (
        {(code.value, Layer.PACKAGE, "720p")} if is_confirmed else set()
    )
    if is_confirmed:
        assert told[0][0] <= P + 3 * P
        last = max(t.t for t in night.told if t.verdict.findings)
        assert 25 <= last - START <= 60, "thirty seconds for a target duration of four"
    assert night.verdict.severity is Severity.OK


def test_what_one_edge_shows_is_that_edges_and_no_worse_than_a_warning():
    class OneEdge(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            reply = super().reply(vantage, rendition, t)
            is_bad = vantage == "edge-syd" and rendition == "720p" and t >= START
            return msgspec.structs.replace(reply, remarks=(Remark("GAP", 0.9, "gaps"),)) if is_bad else reply

    told = findings(Night(OneEdge()).run(START + 30))
    assert {(f.code, f.layer, f.vantage, f.severity) for _, f in told} == {
        ("GAP", Layer.EDGE, "edge-syd", Severity.WARN)
    }


def test_a_lone_edge_without_gzip_is_a_warning_though_a_lone_edge_counts_as_all():
    class NoGzip(World):
        def at_edge(self, vantage: str, rendition: str | None, t: float) -> Reply:
            reply = super().at_edge(vantage, rendition, t)
            return msgspec.structs.replace(reply, remarks=(Remark("CACHE_HDR", 1.0, "9000 bytes, not compressed"),))

    night = Night(NoGzip(), channel(edges=("lhr",))).run(60)
    assert {(f.code, f.layer, f.severity) for _, f in night.findings()} == {("CACHE_HDR", Layer.EDGE, Severity.WARN)}


@pytest.mark.parametrize("origin", [True, False])
def test_what_the_origin_made_is_never_blamed_on_an_edge_when_it_begins_and_when_it_ends(origin: bool):
    world = Remarked(ttl_s=2.0)
    night = Night(world, channel(origin=origin)).run(START + 80)
    assert {layer for _, layer in night.codes()} == {"package"}


def test_a_code_without_a_rule_and_a_flood_of_codes_are_bounded_and_say_nothing():
    class Hostile(Remarked):
        rendition = "720p"
        lasts_s = 500.0

        def at_origin(self, rendition: str | None, t: float) -> Reply:
            reply = super().at_origin(rendition, t)
            many = tuple(Remark(f"X{n}", 1e300, "x" * 5000) for n in range(200))
            return msgspec.structs.replace(reply, remarks=many) if reply.remarks else reply

    night = Night(Hostile()).run(START + 10)
    assert night.findings() == []
    assert not night.memory.noted


# renditions compared


class OneOther(World):
    """One rendition's facts are others from START on."""

    rendition = "720p"

    def change(self, facts: MediaFacts) -> MediaFacts:
        return facts

    def media(self, rendition: str, t: float) -> MediaFacts:
        facts = super().media(rendition, t)
        newest = facts.newest_sequence
        begins = EPOCH.fromtimestamp(EPOCH.timestamp() + (newest - 506) * T, EPOCH.tzinfo)
        facts = msgspec.structs.replace(facts, first_starts_at=begins)
        return self.change(facts) if rendition == self.rendition and t >= START else facts


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("TD_DIFFERS", {"target_duration_s": 5.0}),
        ("DSEQ", {"discontinuity_sequence": 1}),
    ],
)
def test_a_rendition_that_differs_from_the_others_is_named(code: str, change: dict[str, object]):
    class Other(OneOther):
        def change(self, facts: MediaFacts) -> MediaFacts:
            return msgspec.structs.replace(facts, **change)

    told = findings(Night(Other(), channel(edges=("lhr",))).run(START + 30))
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {(code, Layer.PACKAGE, "720p")}
    assert told[0][0] <= P + T + 3 * P  # shown by its next new segment


class TwoRungs(OneOther):
    """Two renditions, of which the better one changes; a re-fetch confirms it where the prober saw the change."""

    rendition = "1080p"
    has_event = True

    def ladder(self, t: float) -> tuple[str, ...]:
        return LADDER[:2]

    def change(self, facts: MediaFacts) -> MediaFacts:
        return msgspec.structs.replace(facts, discontinuity_sequence=1)

    def at_origin(self, rendition: str | None, t: float) -> Reply:
        reply = super().at_origin(rendition, t)
        if not self.has_event or rendition != "1080p" or not START <= t < START + 2 * P:
            return reply
        return msgspec.structs.replace(reply, remarks=(Remark("DSEQ", 1.0, "it is 1, and by the copy before 0", {}, True),))


@pytest.mark.parametrize("edges", [(), ("lhr", "syd")])
def test_of_two_renditions_the_one_that_changed_is_named_and_else_none(edges: tuple[str, ...]):
    world = TwoRungs()
    told = findings(Night(world, channel(edges=edges)).run(START + 30))
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {("DSEQ", Layer.PACKAGE, "1080p")}
    world = TwoRungs()
    world.has_event = False
    told = findings(Night(world, channel(edges=edges)).run(START + 30))
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {("DSEQ", Layer.PACKAGE, None)}


@pytest.mark.parametrize(("behind_t", "severity"), [(2, Severity.WARN), (5, Severity.CRIT)])
def test_a_rendition_that_is_behind_the_others_is_skew(behind_t: int, severity: Severity):
    class Behind(World):
        def media(self, rendition: str, t: float) -> MediaFacts:
            newest = self.newest(rendition, t)
            if rendition == "480p" and t >= START:  # later, and numbered as before
                ends_s = EPOCH.timestamp() + (newest - 500 - behind_t) * T
                return msgspec.structs.replace(self.facts(newest), newest_ends_at=EPOCH.fromtimestamp(ends_s, EPOCH.tzinfo))
            return self.facts(newest)

    told = [(t, f) for t, f in findings(Night(Behind(), channel(edges=("lhr",))).run(START + 40)) if f.code != "LATENCY"]
    assert {(f.code, f.layer, f.rendition) for _, f in told} == {("SKEW", Layer.PACKAGE, "480p")}
    assert max(f.severity.rank for _, f in told) == severity.rank
    assert told[0][0] <= P + T + 3 * P


def test_dates_that_run_slow_are_drift_and_dates_that_step_once_are_none():
    class Slow(World):
        def facts(self, newest: int, base: int = 500) -> MediaFacts:
            facts = super().facts(newest, base)
            ends_s = EPOCH.timestamp() + (newest - base) * T * (1 - 0.002)
            return msgspec.structs.replace(facts, newest_ends_at=EPOCH.fromtimestamp(ends_s, EPOCH.tzinfo))

    class Step(World):
        def facts(self, newest: int, base: int = 500) -> MediaFacts:
            ends_s = EPOCH.timestamp() + (newest - base) * T - (3.0 if newest > 580 else 0.0)
            facts = super().facts(newest, base)
            return msgspec.structs.replace(facts, newest_ends_at=EPOCH.fromtimestamp(ends_s, EPOCH.tzinfo))

    told = Night(Slow(), channel(edges=())).run(800).findings()
    assert {(f.code, f.layer) for _, f in told} == {("PDT_DRIFT", Layer.PACKAGE)}
    assert "slow" in told[0][1].reason
    assert "PDT_DRIFT" not in {f.code for _, f in Night(Step(), channel(edges=())).run(800).findings()}


# low latency


class LowLatency(World):
    """Parts of half a second, followed by blocking reloads: each is answered when the next part is there."""

    part_s = 0.5

    def gap_s(self, t: float) -> float:
        return self.part_s

    def __init__(self) -> None:
        super().__init__(jitter_s=0.0)
        self.published = [0.0]
        while self.published[-1] < 200:
            self.published.append(self.published[-1] + self.gap_s(self.published[-1]))

    def parts(self, t: float) -> MediaFacts:
        total = sum(at <= t for at in self.published) - 1
        per = int(T / self.part_s)
        facts = self.facts(500 + total // per)
        return msgspec.structs.replace(
            facts, part_target_s=self.part_s, part_count=total % per, part_hold_back_s=1.5, hold_back_s=12.0, can_block=True
        )

    def media(self, rendition: str, t: float) -> MediaFacts:
        return self.parts(t)

    def blocked(self, vantage: str, rendition: str, t: float, known: MediaFacts) -> Reply | None:
        now = self.parts(t)
        if (now.newest_sequence, now.part_count) > (known.newest_sequence, known.part_count):
            return Reply(media=now, elapsed_s=0.02)
        at = next((at for at in self.published if at > t), None)
        return Reply(media=self.parts(at), elapsed_s=at - t + 0.02) if at is not None else None


def test_12_parts_that_come_every_1_2_s_with_a_target_of_half_a_second_warn_within_5_s():
    class Late(LowLatency):
        def gap_s(self, t: float) -> float:
            return 1.2 if t >= START else self.part_s

    told = findings(Night(Late(), channel(edges=())).run(START + 20))
    told = [(t, f) for t, f in told if f.code != "STALE"]
    assert {(f.code, f.layer, f.severity) for _, f in told} == {("LL_PART_LATE", Layer.PACKAGE, Severity.WARN)}
    assert {f.rendition for t, f in told if t <= 5} == set(LADDER)


def test_12_parts_that_stop_are_critical_by_the_clock():
    class Stopped(LowLatency):
        def gap_s(self, t: float) -> float:
            return 60.0 if t >= START else self.part_s

    told = findings(Night(Stopped(), channel(edges=())).run(START + 20))
    late = [(t, f) for t, f in told if f.code == "LL_PART_LATE"]
    assert min(t for t, f in late if f.severity is Severity.WARN) <= 5
    assert min(t for t, f in late if f.severity is Severity.CRIT) <= 5


def test_a_healthy_low_latency_channel_is_never_accused_followed_or_not():
    assert Night(LowLatency(), channel(edges=())).run(80).findings() == []

    class Unfollowed(LowLatency):
        def blocked(self, vantage: str, rendition: str, t: float, known: MediaFacts) -> Reply | None:
            return None

    assert Night(Unfollowed(), channel(edges=())).run(80).findings() == []


def test_12_a_reload_that_is_answered_early_is_told_within_10_s_and_no_plain_answer_takes_it_back():
    class Early(LowLatency):
        def blocked(self, vantage: str, rendition: str, t: float, known: MediaFacts) -> Reply | None:
            if t < START:
                return super().blocked(vantage, rendition, t, known)
            remark = Remark("LL_BLOCK", 1.0, "asked for part 3, answered at once without it")
            return Reply(media=self.parts(t), elapsed_s=0.3, remarks=(remark,))

    night = Night(Early(), channel(edges=())).run(START + 30)
    told = findings(night)
    assert {(f.code, f.layer, f.severity) for _, f in told} == {("LL_BLOCK", Layer.ORIGIN, Severity.WARN)}
    assert {f.rendition for t, f in told if t <= 10} == set(LADDER)
    assert {f.code for f in night.verdict.findings} == {"LL_BLOCK"}


BY_ITSELF = {  # judged from the numbers of playlists and answers, without a remark
    "DOWN", "FETCH_FAIL", "TIMEOUT", "NOT_PLAYLIST", "STALE", "MSEQ_BACK", "EDGE_SKEW", "TD_EXCEEDED", "SEG_404", "SEG_SLOW",
    "RENDITION_MISSING", "LADDER_SHRUNK", "LATENCY", "UNEXPECTED_END", "LL_PART_LATE", "DASH_MPD_STALE",
}  # fmt: skip


def test_every_code_that_is_called_checked_has_a_rule_or_a_check_of_its_own_and_no_code_has_both():
    of_signals = {str(code) for code in SIGNAL_RULES}
    assert {code.value for code in CHECKED} == BY_ITSELF | {str(code) for code in RULES} | of_signals
    assert not (BY_ITSELF | of_signals) & {str(code) for code in RULES}
    assert set(ABOUT) == set(Code)


def test_thresholds_rise_and_the_proof_that_help_shows_is_the_proof_that_is_asked_for():
    for code, rule in RULES.items():
        assert rule.warn is not None, code
        if rule.warn != ALWAYS and rule.crit is not None:
            assert (rule.crit < rule.warn) is rule.low_is_bad, code
        assert ABOUT[Code(code)].proof is rule.proof, code
