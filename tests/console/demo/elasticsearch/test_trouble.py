"""What the log says while an encoder flaps, a CDN is slow, a node is gone, a service storms, and a crowd comes."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from console.demo.elasticsearch.documents import Document
from console.demo.elasticsearch.index import Index
from console.demo.elasticsearch.lines import KEPT_DOCUMENTS, Story
from console.demo.elasticsearch.source import Filter, source
from console.demo.world.names import CHANNEL
from console.demo.world.scenario import KINDS
from console.demo.world.world import World

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = int(START.timestamp())
LOST = KINDS["node-lost"].node


def told(world: World, since: int, until: int) -> list[Document]:
    story = Story(world)
    return [d for second in range(AT + since, AT + until) for d in story.documents(second)]


def test_the_packager_says_when_its_publisher_goes_and_comes_and_nothing_is_published_between() -> None:
    lines = [d for d in told(World(7, "encoder-flap", START), 15, 210) if d.emitter.channel == "in-cricket-1"]
    gone = [d.event_ms // 1000 - AT for d in lines if d.message.startswith("publisher disconnected")]
    back = [d.event_ms // 1000 - AT for d in lines if d.message.startswith("publisher reconnected")]
    assert gone == [20, 61, 103, 144, 186] and back == [34, 75, 117, 158, 200]
    assert {d.emitter.service for d in lines if "publisher" in d.message} == {"packager-apac"}
    for since, until in zip(gone, back, strict=True):
        between = [d for d in lines if since < d.event_ms // 1000 - AT < until]
        at_work = [d for d in between if d.emitter.service in ("packager-apac", "transcoder-apac")]
        assert at_work and all(re.search("no input|no frames", d.message) for d in at_work)
    assert any(d.message.startswith("published segment") for d in lines if 36 < d.event_ms // 1000 - AT < 60)


def test_the_slow_edges_say_how_long_their_parents_took() -> None:
    lines = [d for d in told(World(7, "cdn-slow", START), 60, 120) if "upstream=parent" in d.message]
    assert {d.emitter.service for d in lines} == {"edge-syd", "edge-nrt"}
    assert {d.emitter.channel for d in lines} <= set(KINDS["cdn-slow"].entities)
    times = [(float(m[1]), float(m[2])) for d in lines
             if (m := re.search(r"upstream_header_time=(\S+) upstream_time=(\S+)", d.message))]
    assert len(times) > 100 and all(header < 0.1 and 5.7 < body < 6.3 for header, body in times)
    assert all(d.emitter.service.removeprefix("edge-") in dict(CHANNEL[d.emitter.channel or ""].pops) for d in lines)


def test_nothing_on_the_lost_node_writes_a_line_and_the_origin_says_whom_it_misses() -> None:
    world = World(7, "node-lost", START)
    before = Counter(d.host for d in told(world, -60, 0))
    lines = told(world, 21, 80)
    assert before[LOST] > 20 and not any(d.host == LOST for d in lines)
    missed = [d for d in lines if d.message.startswith("no new segment of")]
    assert len(missed) > 100
    assert {d.emitter.service for d in missed} == {"origin"}
    assert {d.emitter.channel for d in missed} == {"uk-sport-1", "uk-news-1"}
    assert any(d.host == LOST for d in told(world, 201, 220))


def test_a_pod_that_moved_writes_from_its_new_node() -> None:
    world = World(7, "node-lost", START)
    fault = world.last("node-lost", START + timedelta(seconds=30))
    assert fault is not None
    world.occupy("packager-emea", 0, START + timedelta(seconds=95), "packager-emea-new", "emea-node-05")
    world.resume(fault, "uk-sport-1", START + timedelta(seconds=95))
    lines = [d for d in told(world, 96, 190) if d.emitter.service == "packager-emea" and d.emitter.channel == "uk-sport-1"]
    assert {(d.pod, d.host) for d in lines} == {("packager-emea-new", "emea-node-05")}
    assert source(lines[0], Filter())["host"]["name"] == "emea-node-05"
    missed = {d.emitter.channel for d in told(world, 100, 140) if d.message.startswith("no new segment of")}
    assert missed == {"uk-news-1"}


@pytest.mark.parametrize("scenario", ["encoder-flap", "cdn-slow", "node-lost", "log-storm", "capacity-crunch"])
def test_every_line_is_plain_printable_text_and_counted_as_what_it_is(scenario: str) -> None:
    story = Story(World(7, scenario, START))
    for second in (*range(AT + 19, AT + 36), AT + 61, AT + 90, AT + 200):
        documents = story.documents(second)
        assert Counter(dict(story.counts(second))) == Counter(d.level for d in documents)
        assert all(d.message.isprintable() and 10 < len(d.message) < 220 for d in documents)


STORM_AT = (100, 130)


def test_a_storm_is_one_pattern_of_one_service_and_the_rest_writes_on() -> None:
    calm, storm = told(World(7, "calm", START), *STORM_AT), told(World(7, "log-storm", START), *STORM_AT)
    services = Counter(d.emitter.service for d in storm)
    assert services["entitlement-api"] / 30 == pytest.approx(800, rel=0.03)
    patterns = {re.sub(r"\d+", "N", d.message) for d in storm if d.emitter.service == "entitlement-api" and d.level == "error"}
    assert len(patterns) == 1
    others = [d for d in storm if d.emitter.service not in ("entitlement-api", "log-shipper", "vod-api")]
    usual = [d for d in calm if d.emitter.service not in ("entitlement-api", "log-shipper", "vod-api")]
    assert len(others) == pytest.approx(len(usual), rel=0.1)
    assert any("es_rejected_execution_exception" in d.message for d in storm if d.emitter.service == "log-shipper")
    errors = sum(d.level == "error" for d in storm) / len(storm)
    assert 0.9 < errors < 0.97


def test_in_a_storm_lines_come_late_and_after_it_at_once_again() -> None:
    world = World(7, "log-storm", START)

    def delays(since: int, until: int) -> list[float]:
        return sorted(d.ingested_ns / 1e9 - d.event_ms / 1000 for d in told(world, since, until))

    before, within, after = delays(0, 20), delays(150, 165), delays(225, 245)
    assert before[len(before) // 2] < 1.0 > after[len(after) // 2]
    assert within[0] > 12 and within[-1] < 21


def test_in_a_storm_a_shard_refreshes_every_fifth_second_and_never_goes_back() -> None:
    moment = START
    index = Index(World(7, "log-storm", START), lambda: moment)
    seen = []
    for step in range(2600):
        moment = START + timedelta(seconds=step / 10)
        seen.append((step / 10, index.view()))
    for shard in range(3):
        views = [view[shard] for _, view in seen]
        assert views == sorted(views)
        ages = {when: at - view[shard] / 1e9 for when, view in seen if (at := AT + when)}
        assert max(age for when, age in ages.items() if when < 20) <= 1.01
        assert 4 < max(age for when, age in ages.items() if 30 < when < 200) <= 5.01
        assert max(age for when, age in ages.items() if when > 206) <= 1.01


def test_what_is_kept_of_a_storm_in_memory_is_bounded() -> None:
    story = Story(World(7, "log-storm", START))
    for second in range(AT + 15, AT + 205):
        story.documents(second)
        assert story._held == sum(map(len, story._documents.values())) <= KEPT_DOCUMENTS + 1000
    assert len(story.documents(AT + 16)) > 30, "what was let go is told again, the same"


def test_in_a_crunch_the_door_and_the_edge_say_whom_they_turn_away() -> None:
    lines = [d for d in told(World(7, "capacity-crunch", START), 60, 120) if d.message.startswith("admission:")]
    assert {(d.emitter.service, d.emitter.channel, d.level) for d in lines} == {
        ("session-api", None, "warn"), ("edge-syd", "au-footy-1", "warn")}
    assert len(lines) / 60 == pytest.approx(13, rel=0.1)
