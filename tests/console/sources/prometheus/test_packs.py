"""Every pack against an exposition in its exporter's own words, its formulas evaluated and not only compared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.demo.prometheus.parser import parse
from console.model.failure import Failure
from console.model.metric import StreamSignals
from console.sources.access import Access
from console.sources.meter import Meter
from console.sources.prometheus.answer import Series
from console.sources.prometheus.channels import ChannelBoard, channels_source
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.packs import PACKS, Formula, Pack
from console.sources.prometheus.packs.mediamtx import MEDIAMTX
from console.sources.prometheus.presence import Presence
from console.sources.prometheus.signals import MAX_NAME, MAX_STREAMS, SignalBoard, Told, _gather
from tests.console.sources.conftest import Serve
from tests.console.sources.prometheus import exporters
from tests.console.sources.prometheus.exposition import Store
from tests.hand_clock import HandClock

SCRAPES = 70  # of 5 s: more than the five minutes in which reconnects are counted


@pytest.fixture
def store(world_now: Callable[[], datetime]) -> Store:
    return Store(world_now)


@pytest.fixture
async def client(serve: Serve, store: Store, clock: HandClock, meter: Meter) -> AsyncIterator[PrometheusClient]:
    client = PrometheusClient(Access(urls=(await serve(store.answer),)), clock, meter)
    yield client
    await client.close()


def feed(store: Store, *exposing: Callable[[int], str], scrapes: int = SCRAPES) -> None:
    for n in range(scrapes):
        store.scrape(*(expose(n) for expose in exposing))


def merged(told: Told, name: str) -> dict[str, float]:
    return {signal: value for one in told.streams if one.name == name for signal, value in one.values.items()}


async def told_by(client: PrometheusClient, clock: HandClock) -> Told:
    told = await SignalBoard(client, clock).ask()
    assert not [why for why in told.missing.values() if isinstance(why, Failure)], told.missing
    return told


@pytest.mark.parametrize("names", [{"new": True}, {"new": False, "old": True}, {"new": True, "old": True}])
async def test_mediamtx_is_understood_in_new_names_and_in_old_and_counted_once_where_it_has_both(
    store: Store, client: PrometheusClient, clock: HandClock, names: dict[str, bool]
) -> None:
    feed(store, lambda n: exporters.mediamtx(n, lost=30, dropped=6, **names))
    told = await told_by(client, clock)
    assert {one.name for one in told.streams} == {"live/uk-sport-1"}
    values = merged(told, "live/uk-sport-1")
    assert values["ingest_bps"] == pytest.approx(6e6, rel=0.01)
    assert values["rtt_s"] == pytest.approx(0.040), "a reader's round trip is nobody's contribution"
    assert values["latency_budget"] == pytest.approx(5.0)
    assert values["loss_ratio"] == pytest.approx(30 / 3030)
    assert values["drop_ratio"] == pytest.approx(6 / 3006)
    assert values["reconnects"] == 0
    assert values["publishers"] == 1
    assert {one.protocol for one in told.streams if one.place} == {"srt"}
    assert {one.place for one in told.streams} == {"in-1", ""}


async def test_mediamtx_tells_each_return_of_a_publisher_and_that_nobody_publishes(
    store: Store, client: PrometheusClient, clock: HandClock
) -> None:
    feed(store, lambda n: exporters.mediamtx(n, conn=f"c{n // 20}", ready=n < 65))
    values = merged(await told_by(client, clock), "live/uk-sport-1")
    assert values["reconnects"] == 3, "four ids within the last five minutes"
    assert values["publishers"] == 0
    assert "rtt_s" not in values and "latency_budget" not in values, "what is not there is not zero"


async def test_two_servers_that_take_in_one_name_are_two_publishers(
    store: Store, client: PrometheusClient, clock: HandClock
) -> None:
    feed(store, exporters.mediamtx, lambda n: exporters.mediamtx(n, bps=2_000_000))
    told = await told_by(client, clock)
    rates = {one.place: one.values["ingest_bps"] for one in told.streams if "ingest_bps" in one.values}
    assert rates == {"in-1": pytest.approx(6e6, rel=0.01), "in-2": pytest.approx(2e6, rel=0.01)}


@pytest.mark.parametrize("expose", [exporters.mediamtx, exporters.oven, exporters.rfratto, exporters.kaylendog, exporters.mauricioabreu])
async def test_what_began_within_the_window_has_no_rate_yet_instead_of_a_part_of_it(
    store: Store, client: PrometheusClient, clock: HandClock, expose: Callable[[int], str]
) -> None:
    feed(store, lambda n: expose(n) if n >= 67 else "up 1")
    assert not [one for one in (await told_by(client, clock)).streams if "ingest_bps" in one.values]


@pytest.mark.parametrize(
    ("expose", "name", "pack", "expected"),
    [
        (exporters.rfratto, "live/uk-sport-1", "nginx-rtmp (rfratto)", {"ingest_bps": 6e6, "fps_declared": 50.0, "reconnects": 0.0}),
        (exporters.kaylendog, "live/uk-sport-1", "nginx-rtmp (kaylendog)", {"ingest_bps": 6e6, "reconnects": 0.0}),
        (exporters.mauricioabreu, "uk-sport-1", "nginx-rtmp (mauricioabreu)", {"ingest_bps": 6e6, "reconnects": 0.0}),
        (exporters.oven, "live/uk-sport-1", "ovenmediaengine", {"ingest_bps": 6e6}),
        (exporters.flussonic, "uk-sport-1", "flussonic", {"ingest_bps": 6e6, "reconnects": pytest.approx(19, abs=1)}),
        (exporters.dcgm, "transcoder-emea-5d9c-x2", "dcgm", {"encoder_use": 0.91}),
        (exporters.nginx_vts, "edge-lhr.example", "nginx-vts", {"hit_ratio": 0.97}),
    ],
)
async def test_an_exporter_is_recognised_by_its_names_and_asked_in_its_words(
    store: Store, client: PrometheusClient, clock: HandClock, expose: Callable[[int], str], name: str, pack: str,
    expected: dict[str, Any],
) -> None:  # fmt: skip
    feed(store, expose)
    told = await told_by(client, clock)
    assert {one.pack for one in told.streams} == {pack}
    assert merged(told, name) == {k: pytest.approx(v, rel=0.02) if isinstance(v, float) else v for k, v in expected.items()}
    assert all(told.formulas[f"{pack} {signal}"] for signal in expected)


@pytest.mark.parametrize("expose", [exporters.kaylendog, exporters.mauricioabreu])
async def test_counters_that_begin_anew_are_publishers_that_came_back(
    store: Store, client: PrometheusClient, clock: HandClock, expose: Callable[..., str]
) -> None:
    feed(store, lambda n: expose(n, since=n // 25 * 25))
    (one,) = (await told_by(client, clock)).streams
    assert one.values["reconnects"] == 2


async def test_rfratto_names_its_publisher(store: Store, client: PrometheusClient, clock: HandClock) -> None:
    feed(store, lambda n: exporters.rfratto(n, publisher=str(n // 30)))
    (one,) = (await told_by(client, clock)).streams
    assert one.values["reconnects"] == 1, "publisher 0 is nobody"
    assert one.protocol == "rtmp"


async def test_srs_is_recognised_and_says_why_it_tells_nothing(
    store: Store, client: PrometheusClient, clock: HandClock
) -> None:
    feed(store, exporters.srs)
    told = await told_by(client, clock)
    assert told.streams == ()
    assert "whole process" in str(told.missing["srs"])


async def test_only_packs_that_are_here_are_asked_and_which_these_are_once_a_minute(
    store: Store, client: PrometheusClient, clock: HandClock
) -> None:
    feed(store, exporters.oven)
    board = SignalBoard(client, clock)
    await board.ask()
    first = len(store.asked)
    assert first == 3, store.asked  # which are here, how often it is scraped, its one formula
    for _ in range(5):
        await clock.advance(10)
        await board.ask()
    assert len(store.asked) == first + 5
    await clock.advance(15)
    await board.ask()
    assert len(store.asked) == first + 5 + 3


@pytest.mark.parametrize(("every_s", "window_s"), [(1, 15.0), (5, 23.0), (15, 68.0), (60, 270.0)])
async def test_a_rate_stands_on_four_scrapes_however_often_it_is_scraped(
    client: PrometheusClient, clock: HandClock, store: Store, world_now: Callable[[], datetime], every_s: int, window_s: float
) -> None:
    store.every_ms = every_s * 1000
    feed(store, exporters.oven, scrapes=400 if every_s == 1 else 80)
    (present,) = await Presence(client, clock).ask()
    assert present.window_s == pytest.approx(window_s, abs=every_s / 3 + 0.1)
    assert present.window_s >= 4 * every_s


async def test_a_pack_that_vanishes_is_told_by_name_and_its_signals_are_gone(
    store: Store, client: PrometheusClient, clock: HandClock
) -> None:
    feed(store, exporters.oven)
    board = SignalBoard(client, clock)
    assert (await board.ask()).streams
    feed(store, lambda _: "up 1", scrapes=80)
    await clock.advance(65)
    told = await board.ask()
    assert told.streams == ()
    assert "its series are gone, last seen 02:14:07" in str(told.missing["ovenmediaengine"])
    assert told.gone.keys() == {"ovenmediaengine"}


async def test_a_formula_that_fails_leaves_the_others_and_makes_the_table_partial(
    store: Store, client: PrometheusClient, clock: HandClock, meter: Meter
) -> None:
    feed(store, exporters.mediamtx)
    store.fails = lambda query: "ms_rtt" in query and "count by (__name__)" not in query
    board = ChannelBoard(client, clock, {}, signals=SignalBoard(client, clock))
    answer = await board.ask()
    assert isinstance(answer.value.missing["mediamtx rtt_s"], Failure)
    assert "mediamtx rtt_s" in answer.partial_reason
    values = {k: v for one in answer.value.streams for k, v in one.values.items()}
    assert values["ingest_bps"] and "rtt_s" not in values


async def test_the_source_of_measures_brings_streams_and_a_site_s_own_words_for_signals(
    store: Store, client: PrometheusClient, clock: HandClock, meter: Meter
) -> None:
    measured = 'channel_ingest_declared_bps{channel="uk-sport-1"} 6000000\nenc_speed{channel="uk-sport-1"} 0.97'
    feed(store, exporters.rfratto, lambda _: measured)
    queries = {"ingest_declared_bps": "max by (channel) (channel_ingest_declared_bps)", "transcode_speed": "max by (channel) (enc_speed)"}
    readings = channels_source("channels", client, clock, meter, queries).readings()
    table = (await anext(readings)).value
    await readings.aclose()
    assert table is not None and [one.name for one in table.streams] == ["live/uk-sport-1"]
    signals = table.channels["uk-sport-1"].signals
    assert (signals.declared_bps, signals.speed) == (6e6, 0.97)
    assert table.formulas["measures speed"] == "max by (channel) (enc_speed)"


def test_every_formula_is_promql_and_every_signal_a_field_that_somebody_reads() -> None:
    fields = {*StreamSignals.__struct_fields__, "ingest_bps", "protocol"}
    from console.model.metric import Signals

    fields |= set(Signals.__struct_fields__)
    for pack in PACKS:
        assert pack.trap and pack.presence
        for formula in pack.formulas:
            parse(formula.promql.replace("$w", "60s"))
            assert formula.signal in fields, formula.signal
            assert "$w" not in formula.promql or "rate(" in formula.promql
    assert len({pack.name for pack in PACKS}) == len(PACKS)


LABELS = st.dictionaries(
    st.sampled_from(["name", "path", "stream", "instance", "node", "pod", "protocol", "frame_rate"]), st.text(max_size=400), max_size=8
)
VALUES = st.one_of(st.floats(), st.sampled_from([float("nan"), float("inf"), float("-inf"), 0.0]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(LABELS, VALUES), max_size=20), st.sampled_from(["", "frame_rate"]))
def test_hostile_labels_and_numbers_leave_names_that_fit_and_numbers_that_are_finite(
    told: list[tuple[dict[str, str], float]], label: str
) -> None:
    found: dict[Any, dict[str, float]] = {}
    series = [Series(labels, ((0.0, value),)) for labels, value in told]
    assert _gather(MEDIAMTX, Formula("rtt_s", "", label), series, found, {})
    for (_, name, _), values in found.items():
        assert 0 < len(name) <= MAX_NAME
        assert all(value - value == 0 for value in values.values())


def test_thousands_of_streams_are_bounded_and_the_bound_is_told() -> None:
    found: dict[Any, dict[str, float]] = {}
    pack = Pack("many", ("x",), (), names=(("stream",),))
    series = [Series({"stream": f"s{number}"}, ((0.0, 1.0),)) for number in range(MAX_STREAMS + 10)]
    assert not _gather(pack, Formula("rtt_s", ""), series, found, {})
    assert len(found) == MAX_STREAMS
