"""The close look at one channel: what every playlist was last seen to say, at every vantage that names it."""

from __future__ import annotations

from datetime import timedelta

from console.feeds.opened import opened
from console.feeds.streams import StreamsDerivation
from console.judge import stream
from console.judge.memory import ChannelMemory
from console.model.channel import Channel, Vantage
from console.model.instant import Instant
from console.model.observation import Asked, Heartbeat, MediaFacts, Observation, Outcome, Variant
from console.model.opened import OpenedChannel
from console.model.severity import Layer
from tests.hand_clock import HandClock

START = HandClock().now()
VANTAGES = (
    Vantage("origin", Layer.ORIGIN, "http://origin/m.m3u8"),
    Vantage("edge-lhr", Layer.EDGE, "http://lhr/m.m3u8"),
)
RUNGS = (Variant("360p", "360.m3u8", 800_000, 360), Variant("1080p", "1080.m3u8", 6_000_000, 1080, codecs="avc1.640028"))


def at(seconds: float) -> Instant:
    return START.plus(seconds)


def master(vantage: str, rungs: tuple[Variant, ...] = RUNGS) -> Observation:
    return Observation("one", vantage, Asked.MASTER, None, at(0.1), 0.02, Outcome.OK, 200, variants=rungs)


def media(vantage: str, rendition: str, newest: int = 9, when: float = 0.2, endlist: bool = False) -> Observation:
    facts = MediaFacts(
        4.0, newest - 5, 6, newest, "s.ts", START.utc + timedelta(seconds=when - 3.0), 4.0, 24.0, has_endlist=endlist
    )
    url = f"http://{vantage}/{rendition}.m3u8"
    return Observation("one", vantage, Asked.MEDIA, rendition, at(when), 0.02, Outcome.OK, 200, url=url, media=facts)


def looked(*seen: Observation, after: float = 2.2) -> OpenedChannel:
    memory = ChannelMemory.starting(Channel("one", VANTAGES), at(0))
    beat = Heartbeat(at(0.2), 0.0, 0.0, 1, 1, 1, 0)
    step = stream.step(memory, seen, beat, at(0.3))
    return opened(step.memory, step.verdict, at(after))


def test_every_named_playlist_is_told_with_its_age_and_its_latency() -> None:
    look = looked(master("origin"), master("edge-lhr"), media("origin", "1080p"), media("edge-lhr", "1080p", newest=8))
    places = {(place.vantage, place.rendition): place for place in look.places}
    assert set(places) == {("origin", "1080p"), ("edge-lhr", "1080p")}, "360p was named, but nobody has asked for it yet"
    place = places["edge-lhr", "1080p"]
    assert (place.newest_sequence, place.window_s, place.target_s, place.status) == (8, 24.0, 4.0, 200)
    assert place.age_over_t is not None and abs(place.age_over_t - 0.5) < 0.01
    assert place.latency_s is not None and abs(place.latency_s - 5.0) < 0.01
    assert place.url == "http://edge-lhr/1080p.m3u8"


def test_the_ladder_stands_best_rung_first_with_what_the_master_declares() -> None:
    look = looked(master("origin"))
    assert [(rung.rendition, rung.bandwidth_bps, rung.codecs) for rung in look.ladder] == [
        ("1080p", 6_000_000, "avc1.640028"),
        ("360p", 800_000, ""),
    ]


def test_a_rendition_that_its_vantage_no_longer_names_is_no_place_there() -> None:
    look = looked(master("origin"), master("edge-lhr", RUNGS[:1]), media("origin", "1080p"), media("edge-lhr", "1080p"))
    assert [(place.vantage, place.rendition) for place in look.places] == [("origin", "1080p")]


def test_what_is_over_has_neither_age_nor_latency() -> None:
    (place,) = looked(master("origin"), media("origin", "1080p", endlist=True)).places
    assert place.is_over and place.age_s is None and place.latency_s is None and place.age_over_t is None


def test_a_channel_that_is_not_watched_cannot_be_opened() -> None:
    assert StreamsDerivation(has_metrics=False).opened("one", START) is None
