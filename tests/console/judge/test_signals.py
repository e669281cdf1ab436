"""Numbers of exporters as findings: when one is believed, when it is taken back, what it explains, and what silence means."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.judge.codes import Code
from console.judge.signal_rules import SIGNAL_RULES, severity
from console.judge.signals import FORGET_S, RELEARN_S, Heard, SignalMemory, step
from console.judge.upstream import merged
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant
from console.model.metric import ChannelMetrics, Signals
from console.model.severity import Layer, Mark, Severity
from tests.hand_clock import START

WARN, CRIT, OK = Severity.WARN, Severity.CRIT, Severity.OK


def at(second: float) -> Instant:
    return Instant(START + timedelta(seconds=second), 1000.0 + second)


class Exporter:
    """Tells one channel's numbers every `every_s`."""

    def __init__(self, every_s: float = 5.0) -> None:
        self.every_s = every_s
        self.second = 0.0
        self.memory = SignalMemory()
        self.heard = Heard(self.memory)

    def tell(self, times: int = 1, *, bps: float | None = None, is_new: bool = True, **signals: float | None) -> dict[str, Severity]:
        for _ in range(times):
            self.second += self.every_s
            told = {name: at(self.second) for name, value in (*signals.items(), ("ingest_bps", bps)) if value is not None}
            metrics = ChannelMetrics(ingest_bps=bps, signals=Signals(**signals, sources=dict.fromkeys(told, "mediamtx")))  # type: ignore[arg-type]
            self.heard = step(
                self.memory, "uk-sport-1", metrics, told, at(self.second), {f"mediamtx {name}": f"the formula of {name}" for name in told}
            )
            self.memory = self.heard.memory
        return {finding.code: finding.severity for finding in self.heard.findings}


CASES = [  # what is well, a warning, critical; the code
    ({"bps": 6e6, "declared_bps": 6e6}, {"bps": 4.5e6, "declared_bps": 6e6}, {"bps": 2.9e6, "declared_bps": 6e6}, Code.INGEST_LOW),
    ({"fps": 50, "fps_declared": 50}, {"fps": 47, "fps_declared": 50}, {"fps": 25, "fps_declared": 50}, Code.INGEST_FPS),
    ({"reconnects": 1.2}, {"reconnects": 2.5}, {"reconnects": 4.1}, Code.INGEST_RECONNECTS),
    ({"drop_ratio": 0.0}, {"drop_ratio": 0.0005}, {"drop_ratio": 0.0011}, Code.SRT_DROP),
    ({"latency_budget": 6.0}, {"latency_budget": 3.9}, {"latency_budget": 2.4}, Code.SRT_BUDGET),
    ({"speed": 1.0}, {"speed": 0.97}, {"speed": 0.93}, Code.TRANSCODE_SLOW),
]


@pytest.mark.parametrize(("well", "warn", "crit", "code"), CASES, ids=[case[-1].value for case in CASES])
def test_a_value_must_stay_bad_for_its_time_and_is_then_as_bad_as_it_is(well: dict, warn: dict, crit: dict, code: Code) -> None:
    rule = SIGNAL_RULES[code]
    needed = int(rule.for_s / 5) + 1  # samples of 5 s
    for bad, level in ((warn, WARN), (crit, CRIT)):
        one = Exporter()
        assert one.tell(3, **well) == {}
        if needed > 1:
            assert one.tell(needed - 1, **bad) == {}, "not yet"
        assert one.tell(1, **bad) == {code.value: level}
        (finding,) = one.heard.findings
        assert finding.layer is rule.layer and finding.entity == "uk-sport-1"
        assert finding.first_seen == at(20).utc, "since it began, not since it was believed"
        assert finding.evidence["formula"].startswith("the formula of ") and finding.evidence["told_by"] == "mediamtx"
        assert finding.evidence["value"] is not None and finding.evidence["unit"] == rule.unit
        assert one.tell(5, **well) == {code.value: level}, "five samples are not thirty seconds"
        assert one.tell(1, **well) == {}


@pytest.mark.parametrize(("well", "warn", "crit", "code"), CASES, ids=[case[-1].value for case in CASES])
def test_one_bad_sample_among_good_ones_is_nothing(well: dict, warn: dict, crit: dict, code: Code) -> None:
    if SIGNAL_RULES[code].for_s == 0:
        pytest.skip("five minutes lie in one value already")
    one = Exporter()
    for _ in range(10):
        assert one.tell(2, **well) == {}
        assert one.tell(1, **crit) == {}


def test_what_is_lost_and_recovered_is_no_fault_and_is_told_with_what_is_not_recovered() -> None:
    one = Exporter()
    assert one.tell(20, loss_ratio=0.2, drop_ratio=0.0) == {}
    assert one.tell(3, loss_ratio=0.2, drop_ratio=0.01) == {"SRT_DROP": CRIT}
    assert one.heard.findings[0].evidence["loss_ratio"] == 0.2


def test_without_a_declared_rate_a_contribution_is_held_to_its_own_last_ten_minutes() -> None:
    one = Exporter()
    assert one.tell(5, bps=1e6) == {}, "five samples are no habit"
    assert one.tell(60, bps=6e6) == {}
    assert one.tell(3, bps=4.5e6) == {"INGEST_LOW": WARN}
    assert one.heard.findings[0].reason == "contribution receives 4.50 Mbit/s of 6.00 Mbit/s usual"
    assert one.tell(200, bps=4.5e6) == {"INGEST_LOW": WARN}, "a fault does not become the habit after ten minutes"
    assert one.tell(int(RELEARN_S / 5), bps=4.5e6) == {}, "after half an hour it is what the contribution now is"
    assert one.tell(30, bps=4.5e6) == {}
    assert one.tell(3, bps=2e6) == {"INGEST_LOW": CRIT}


def test_a_contribution_that_ends_is_a_rate_of_nothing_when_a_server_knows_that_nobody_publishes() -> None:
    one = Exporter()
    one.tell(30, bps=6e6, publishers=1.0)
    assert one.tell(3, publishers=0.0) == {"INGEST_LOW": CRIT}
    assert one.heard.findings[0].reason.endswith("0.00 Mbit/s of 6.00 Mbit/s usual: nobody publishes")
    unseen = Exporter()
    assert unseen.tell(30, publishers=0.0) == {}, "a path that nobody ever published to is no fault"


def test_a_frame_rate_that_is_only_declared_is_told_when_the_encoder_declares_another() -> None:
    one = Exporter()
    assert one.tell(60, fps_declared=50.0) == {}
    assert one.tell(3, fps_declared=25.0) == {"INGEST_FPS": CRIT}
    assert "is declared at 25 frames/s, nominal 50" in one.heard.findings[0].reason


def test_silence_neither_repeats_a_finding_nor_takes_it_back() -> None:
    one = Exporter()
    one.tell(3, bps=1e6, declared_bps=6e6)
    assert one.tell(1) == {}
    assert one.heard.unknown == "source: nobody tells any more whether INGEST_LOW holds"
    verdict = merged(ChannelVerdict("uk-sport-1", OK), one.heard.findings, one.heard.unknown)
    assert verdict.severity is Severity.UNKNOWN and verdict.reason == one.heard.unknown
    assert one.tell(1, bps=1e6, declared_bps=6e6) == {"INGEST_LOW": CRIT}, "told again at once, it never ended"
    assert one.heard.findings[0].first_seen == at(5).utc
    one.tell(int(FORGET_S / 5) + 1)
    assert one.heard.unknown == "", "an exporter that was taken away is not missed for ever"


def test_a_sample_that_is_heard_twice_is_one_sample() -> None:
    memory, metrics = SignalMemory(), ChannelMetrics(signals=Signals(drop_ratio=0.5))
    for second in range(60):
        heard = step(memory, "c", metrics, {"drop_ratio": at(0)}, at(second))
        memory = heard.memory
        assert heard.findings == ()


def test_values_between_the_clear_level_and_the_threshold_neither_raise_nor_clear() -> None:
    one = Exporter()
    assert one.tell(30, latency_budget=4.5) == {}
    one.tell(3, latency_budget=3.9)
    assert one.tell(60, latency_budget=4.5) == {"SRT_BUDGET": WARN}
    assert one.tell(10, latency_budget=5.0) == {}


def finding(code: Code, level: Severity, layer: Layer, rendition: str | None = None) -> Finding:
    return Finding(code.value, "c", rendition, layer, None, level, f"{code} is so", START, START)


def verdict(*findings: Finding, mark: Mark = Mark.NONE) -> ChannelVerdict:
    worst = max((one.severity for one in findings), key=lambda s: s.rank, default=OK)
    return ChannelVerdict("c", worst, mark, findings, findings[0].reason if findings else "")


def codes(findings: Iterable[Finding]) -> list[str]:
    return [one.code for one in findings]


def test_a_contribution_that_stops_explains_a_playlist_that_stops() -> None:
    stale = finding(Code.STALE, CRIT, Layer.PACKAGE)
    out = merged(verdict(stale), [finding(Code.INGEST_LOW, CRIT, Layer.INGEST)])
    assert codes(out.findings) == ["INGEST_LOW"] and codes(out.children) == ["STALE"]
    assert out.severity is CRIT and out.reason == "INGEST_LOW is so"


@pytest.mark.parametrize(
    ("up", "down"),
    [
        (finding(Code.INGEST_LOW, WARN, Layer.INGEST), finding(Code.STALE, CRIT, Layer.PACKAGE)),  # less grave
        (finding(Code.INGEST_LOW, CRIT, Layer.INGEST), finding(Code.STALE, CRIT, Layer.EDGE)),  # the origin is well
        (finding(Code.INGEST_LOW, CRIT, Layer.INGEST), finding(Code.MUTATED, WARN, Layer.PACKAGE)),  # it could not bring it about
        (finding(Code.INGEST_LOW, CRIT, Layer.INGEST), finding(Code.FETCH_FAIL, CRIT, Layer.ORIGIN)),
        (finding(Code.SRT_BUDGET, CRIT, Layer.INGEST), finding(Code.STALE, CRIT, Layer.PACKAGE)),  # a danger, no damage
    ],
)
def test_what_it_could_not_have_brought_about_stands_beside_it(up: Finding, down: Finding) -> None:
    out = merged(verdict(down), [up])
    assert set(codes(out.findings)) == {up.code, down.code} and out.children == ()
    assert out.findings[0].severity.rank >= out.findings[-1].severity.rank


def test_nothing_to_add_is_the_same_verdict_and_off_the_air_nothing_is_added() -> None:
    well = verdict()
    assert merged(well, ()) is well
    for mark in (Mark.OFFLINE, Mark.MAINT, Mark.ENDED):
        off = verdict(mark=mark)
        assert merged(off, [finding(Code.INGEST_LOW, CRIT, Layer.INGEST)], "source: x") is off


def test_a_warming_channel_whose_contribution_fails_is_known_to_be_bad() -> None:
    warming = ChannelVerdict("c", Severity.UNKNOWN, reason="warming")
    out = merged(warming, [finding(Code.INGEST_LOW, CRIT, Layer.INGEST)])
    assert out.severity is CRIT and out.reason == "INGEST_LOW is so"


def test_a_flapping_channel_keeps_saying_so_unless_its_contribution_is_worse() -> None:
    held = ChannelVerdict("c", CRIT, Mark.FLAPPING, reason="flapping, 4 changes in 10 min, at its worst: x")
    assert merged(held, [finding(Code.INGEST_LOW, CRIT, Layer.INGEST)]).reason == held.reason
    milder = msgspec.structs.replace(held, severity=WARN)
    assert merged(milder, [finding(Code.INGEST_LOW, CRIT, Layer.INGEST)]).reason == "INGEST_LOW is so"


NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, 1.0, float("nan"), float("inf")]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(("bps", "declared_bps", "fps", "reconnects", "drop_ratio", "latency_budget", "speed", "publishers"), NUMBERS)), max_size=12))
def test_any_numbers_at_all_give_findings_that_can_be_written_down(told: list[dict[str, float | None]]) -> None:
    one = Exporter()
    for values in told:
        one.tell(1, **values)  # type: ignore[arg-type]
        for each in one.heard.findings:
            assert each.severity in (WARN, CRIT) and each.code in SIGNAL_RULES
            assert msgspec.json.decode(msgspec.json.encode(each.evidence))["value"] is not None


def test_rules_grow_graver_and_clear_on_the_good_side() -> None:
    for code, rule in SIGNAL_RULES.items():
        assert (rule.crit < rule.warn) is rule.low_is_bad and (rule.clear >= rule.warn if rule.low_is_bad else rule.clear <= rule.warn), code
        assert severity(rule, rule.clear) is OK
