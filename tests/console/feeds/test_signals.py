"""Exporters' streams joined to channels, and what of it is believed."""

from __future__ import annotations

import time
from datetime import timedelta

import msgspec
import pytest

from console.feeds.signals import SignalDesk, StreamIndex, joined
from console.model.channel import Channel, Vantage
from console.model.failure import Failure, FailureKind
from console.model.finding import ChannelVerdict
from console.model.instant import Instant
from console.model.metric import ChannelMetrics, ChannelTable, Join, Signals, StreamSignals, StreamTable
from console.model.reading import Reading
from console.model.severity import Layer, Mark, Severity, State
from tests.hand_clock import START

WELL = {"uk-sport-1": ChannelVerdict("uk-sport-1", Severity.OK, is_settled=True)}
FAILED = Failure(FailureKind.TIMEOUT, "ask", "prometheus", "no answer in time")


def at(second: float) -> Instant:
    return Instant(START + timedelta(seconds=second), 1000.0 + second)


def channel(name: str = "uk-sport-1", ingest: str | None = None) -> Channel:
    edge = Vantage("edge", Layer.EDGE, "https://Edge-LHR.example:8443/live/x.m3u8")
    origin = Vantage("origin", Layer.ORIGIN, "https://origin.example/x.m3u8")
    return Channel(name, (origin, edge), services={"transcode": "transcoder-emea"}, ingest=ingest)


def stream(name: str, place: str = "in-1", pack: str = "mediamtx", join: Join = Join.STREAM, **values: float) -> StreamSignals:
    return StreamSignals(name, values, pack, place, "srt" if join is Join.STREAM else None, join)


@pytest.mark.parametrize(
    ("name", "ingest", "is_found"),
    [
        ("uk-sport-1", None, True), ("live/uk-sport-1", None, True), ("a/b/uk-sport-1", None, True), ("live/uk-sport-10", None, False),
        ("uk-sport-1/audio", None, False), ("live/feed-7", "live/feed-7", True), ("/live/feed-7/", "live/feed-7", True),
        ("feed-7", "live/feed-7", True), ("backup/feed-7", "live/feed-7", False), ("x/feed-7", "feed-7", True),
        ("live/uk-sport-1", "live/feed-7", False),
    ],
)  # fmt: skip
def test_a_stream_is_a_channel_by_its_last_part_or_by_what_the_channel_says(name: str, ingest: str | None, is_found: bool) -> None:
    found = StreamIndex([stream(name, rtt_s=1.0)]).of(channel(ingest=ingest))
    assert bool(found) is is_found


def test_hosts_and_pods_are_found_by_the_edges_and_by_the_transcoder() -> None:
    told = [
        stream("edge-lhr.example", "edge-1", "nginx-vts", Join.HOST, hit_ratio=0.9), stream("origin.example", "o", "nginx-vts", Join.HOST, hit_ratio=0.1),
        stream("transcoder-emea-5d9c-x2", "gpu-7", "dcgm", Join.SERVICE, encoder_use=0.9), stream("transcoder-emea2-1", "gpu-8", "dcgm", Join.SERVICE, encoder_use=1.0),
    ]  # fmt: skip
    signals = joined(ChannelMetrics(), StreamIndex(told).of(channel())).signals
    assert (signals.hit_ratio, signals.encoder_use, signals.node) == (0.9, 0.9, None)


def test_of_two_publishers_of_one_name_the_worst_is_told_and_said_to_be() -> None:
    told = [stream("live/uk-sport-1", "in-1", rtt_s=0.02, ingest_bps=6e6), stream("live/uk-sport-1", "in-2", rtt_s=0.2, ingest_bps=2e6)]
    found = joined(ChannelMetrics(viewers=9), StreamIndex(told).of(channel()))
    assert found.ingest_bps == 2e6 and found.signals.rtt_s == 0.2 and found.viewers == 9
    assert found.signals.notes == {"rtt_s": "worst of 2: in-1, in-2", "ingest_bps": "worst of 2: in-1, in-2"}
    assert (found.signals.node, found.signals.protocol) == ("in-1+1", "srt")


def test_what_a_site_measures_in_its_own_words_is_not_overruled() -> None:
    measured = ChannelMetrics(ingest_bps=5e6, signals=Signals(reconnects=3.0, sources={"reconnects": "measures"}))
    found = joined(measured, [stream("uk-sport-1", reconnects=0.0, ingest_bps=1.0, rtt_s=0.1)])
    assert found.ingest_bps == 5e6 and found.signals.reconnects == 3.0 and found.signals.rtt_s == 0.1
    assert found.signals.sources == {"reconnects": "measures", "rtt_s": "mediamtx"}


class Night:
    """A desk, and readings every 10 s."""

    def __init__(self, *channels: Channel) -> None:
        self.desk = SignalDesk()
        self.channels = {each.name: each for each in channels or (channel(),)}
        self.second = 0.0

    def store(self, state: State = State.LIVE, is_warned: bool = False, verdicts=WELL, **values: float) -> ChannelVerdict:
        self.second += 10
        table = ChannelTable({}, streams=(stream("live/uk-sport-1", **values),) if values else (), is_warned=is_warned, formulas={"mediamtx drop_ratio": "rate(x)"})
        reading: Reading[ChannelTable] = Reading(table, state, received=at(self.second))
        self.desk.step(self.channels, verdicts, reading, (), at(self.second))
        return self.desk.merged(verdicts)["uk-sport-1"]

    def server(self, state: State = State.LIVE, metrics: Reading[ChannelTable] | None = None, **values: float) -> ChannelVerdict:
        self.second += 5
        reading: Reading[StreamTable] = Reading(StreamTable((stream("live/uk-sport-1", "rtmp-1", "nginx-rtmp", **values),)), state, received=at(self.second))
        self.desk.step(self.channels, WELL, metrics, (reading,), at(self.second))
        return self.desk.merged(WELL)["uk-sport-1"]


def test_a_finding_comes_of_two_readings_and_names_formula_pack_and_node() -> None:
    night = Night()
    assert night.store(drop_ratio=0.01) is WELL["uk-sport-1"]
    verdict = night.store(drop_ratio=0.01)
    assert verdict.severity is Severity.CRIT and [one.code for one in verdict.findings] == ["SRT_DROP"]
    evidence = verdict.findings[0].evidence
    assert (evidence["formula"], evidence["told_by"], evidence["node"]) == ("rate(x)", "mediamtx", "in-1")
    assert verdict.reason.startswith("contribution loses 1 %")


@pytest.mark.parametrize(("state", "is_warned"), [(State.STALE, False), (State.ERROR, False), (State.CONNECTING, False), (State.LIVE, True)])
def test_of_a_store_that_is_not_live_nothing_is_found_and_nothing_is_taken_back(state: State, is_warned: bool) -> None:
    night = Night()
    for _ in range(5):
        assert night.store(state, is_warned, drop_ratio=0.5) is WELL["uk-sport-1"]
    night.store(drop_ratio=0.5)
    assert night.store(drop_ratio=0.5).severity is Severity.CRIT
    for _ in range(8):
        verdict = night.store(state, is_warned, drop_ratio=0.0)
        assert verdict.findings == () and verdict.severity is Severity.UNKNOWN and "SRT_DROP" in verdict.reason
    assert night.store(drop_ratio=0.5).severity is Severity.CRIT, "it was never taken back"


def test_the_same_reading_again_is_not_judged_again_and_a_stopped_store_is_judged_by_no_clock() -> None:
    night = Night()
    table = ChannelTable({}, streams=(stream("live/uk-sport-1", drop_ratio=0.5),))
    reading: Reading[ChannelTable] = Reading(table, State.LIVE, received=at(0))
    for second in range(100):
        night.desk.step(night.channels, WELL, reading, (), at(second))
        assert night.desk.merged(WELL) == WELL


def test_a_server_that_is_asked_itself_comes_before_the_store_and_is_judged_by_its_own_samples() -> None:
    night = Night()
    table = ChannelTable({}, streams=(stream("live/uk-sport-1", "in-9", reconnects=0.0, ingest_bps=6e6),))
    stored: Reading[ChannelTable] = Reading(table, State.LIVE, received=at(0))
    verdict = night.server(metrics=stored, reconnects=4.0, ingest_bps=1e6)
    assert [one.code for one in verdict.findings] == ["INGEST_RECONNECTS"]
    assert night.desk.metrics["uk-sport-1"].ingest_bps == 1e6
    assert night.desk.metrics["uk-sport-1"].signals.node == "rtmp-1"
    verdict = night.server(State.ERROR, metrics=stored, reconnects=0.0)
    assert verdict.findings == (), "an old answer finds nothing"


def test_off_the_air_nothing_is_found_and_what_was_found_is_forgotten() -> None:
    night = Night()
    off = {"uk-sport-1": msgspec.structs.replace(WELL["uk-sport-1"], mark=Mark.OFFLINE)}
    for _ in range(4):
        assert night.store(verdicts=off, drop_ratio=0.5) is off["uk-sport-1"]
    assert night.store(drop_ratio=0.5) is WELL["uk-sport-1"], "it begins anew"


def test_a_reading_of_five_hundred_channels_costs_milliseconds_and_none_costs_nothing() -> None:
    channels = [channel(f"c-{number}") for number in range(500)]
    night = Night(*channels)
    verdicts = {each.name: ChannelVerdict(each.name, Severity.OK) for each in channels}
    streams = tuple(
        stream(f"live/c-{number}", f"in-{number % 7}", ingest_bps=6e6, drop_ratio=0.0, rtt_s=0.04, latency_budget=5.0, reconnects=0.0)
        for number in range(3000)
    )
    costs: list[tuple[float, float]] = []
    for second in range(0, 100, 10):
        reading: Reading[ChannelTable] = Reading(ChannelTable({}, streams=streams), State.LIVE, received=at(second))
        began = time.process_time()
        night.desk.step(night.channels, verdicts, reading, (), at(second))
        spent = time.process_time() - began
        night.desk.step(night.channels, verdicts, reading, (), at(second))
        night.desk.merged(verdicts)
        costs.append((spent, time.process_time() - began - spent))
    spent, again = map(min, zip(*costs, strict=True))  # whatever else ran on this machine
    assert spent < 0.25 and again < 0.02, (spent, again)
    assert len(night.desk.metrics) == 500
