"""What the log says while an encoder flaps, a CDN is slow, and a node is gone."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from console.demo.elasticsearch.documents import Document
from console.demo.elasticsearch.lines import Story
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


@pytest.mark.parametrize("scenario", ["encoder-flap", "cdn-slow", "node-lost"])
def test_every_line_is_plain_printable_text_and_counted_as_what_it_is(scenario: str) -> None:
    story = Story(World(7, scenario, START))
    for second in (*range(AT + 19, AT + 36), AT + 61, AT + 90, AT + 200):
        documents = story.documents(second)
        assert Counter(dict(story.counts(second))) == Counter(d.level for d in documents)
        assert all(d.message.isprintable() and 10 < len(d.message) < 220 for d in documents)
