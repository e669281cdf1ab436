"""The log story: rates, levels, names, and that it is a pure function of its arguments."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from console.demo.elasticsearch.documents import Document
from console.demo.elasticsearch.lines import KEPT_SECONDS, LATEST_S, NS, Story
from console.demo.elasticsearch.source import Filter, source
from console.demo.world.names import CHANNELS, DEPLOYMENT, NODES, node_name
from console.demo.world.pods import pod_at
from console.demo.world.world import World

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = int(START.timestamp())


def told(scenario: str, since: int, until: int, seed: int = 7) -> list[Document]:
    story = Story(World(seed, scenario, START))
    return [d for second in range(AT + since, AT + until) for d in story.documents(second)]


def test_calm_is_about_sixty_lines_a_second_with_four_errors_in_a_thousand() -> None:
    lines = told("calm", -900, 0)
    assert 57 < len(lines) / 900 < 63
    levels = Counter(d.level for d in lines)
    assert 0.003 < levels["error"] / len(lines) < 0.005
    assert levels["info"] > levels["debug"] > levels["warn"] > levels["error"]


def test_the_counts_of_a_second_are_those_of_its_documents() -> None:
    story = Story(World(7, "cycle", START))
    for second in (*range(AT - 60, AT), *range(AT + 20, AT + 600, 7)):
        assert Counter(dict(story.counts(second))) == Counter(d.level for d in story.documents(second))


def test_equal_arguments_tell_equal_documents_in_any_order_and_another_seed_tells_others() -> None:
    one, other = (Story(World(7, "bad-deploy", START)) for _ in range(2))
    seconds = range(AT + 100, AT + 130)
    forward = {s: [source(d, Filter()) | {"id": d.id} for d in one.documents(s)] for s in seconds}
    backward = {
        s: [source(d, Filter()) | {"id": d.id} for d in other.documents(s)] for s in reversed(seconds)
    }
    assert forward == backward
    assert [d.id for d in told("bad-deploy", 100, 130, seed=8)] != [
        d.id for d in told("bad-deploy", 100, 130)
    ]


def test_ids_and_shard_positions_are_unique_and_all_shards_have_their_share() -> None:
    lines = told("calm", -600, 0)
    assert len({d.id for d in lines}) == len({d.shard_doc for d in lines}) == len(lines)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20}", d.id) for d in lines)
    shares = Counter(d.shard for d in lines)
    assert set(shares) == {0, 1, 2}
    assert min(shares.values()) > len(lines) / 4


def test_lines_are_ingested_soon_and_a_few_of_them_late() -> None:
    lines = told("calm", -900, 0)
    delays = [(d.ingested_ns - d.event_ms * 1_000_000) / NS for d in lines]
    assert min(delays) >= 0.05
    late = [delay for delay in delays if delay > 0.8]
    assert 0.001 < len(late) / len(lines) < 0.006
    assert 10 < max(late) <= 20
    assert max(delays) < LATEST_S


def test_a_line_names_the_pod_of_its_place_and_the_node_it_stands_on() -> None:
    world = World(7, "bad-deploy", START)
    places = {}
    for second in (AT - 1, AT + 100):
        t = datetime.fromtimestamp(second, UTC)
        for deployment in DEPLOYMENT.values():
            for index in range(deployment.replicas):
                places[second, pod_at(world, deployment.name, index, t)] = (
                    deployment,
                    node_name(deployment, index),
                )
        for line in Story(world).documents(second):
            deployment, node = places[second, line.pod]
            assert line.emitter.service == deployment.name
            assert line.emitter.namespace == deployment.namespace
            assert line.emitter.host == node
            assert line.emitter.host in {one.name for one in NODES}


def test_a_packagers_line_is_about_the_one_channel_of_its_pod() -> None:
    for line in told("calm", -120, 0):
        if line.emitter.service.startswith("packager-"):
            assert line.emitter.channel is not None
            assert line.emitter.channel in line.message
            region = next(c.region for c in CHANNELS if c.name == line.emitter.channel)
            assert line.emitter.service == f"packager-{region}"
            assert line.emitter.region == region


def test_a_bad_deploy_is_forty_errors_a_second_of_late_segments_by_the_new_pods() -> None:
    lines = [d for d in told("bad-deploy", 100, 160) if d.emitter.service == "packager-emea"]
    assert {d.level for d in lines} == {"error"}
    assert 36 < len(lines) / 60 < 44
    late = [
        match
        for d in lines
        if (match := re.fullmatch(r"segment (\d+) of (\S+)/\d+p late by (\d+) s", d.message))
    ]
    assert len(late) / len(lines) > 0.6
    assert all(1 <= int(match[3]) <= 140 for match in late)
    assert any("exited with code 1" in d.message for d in lines)
    assert {d.emitter.channel for d in lines} == {c.name for c in CHANNELS if c.region == "emea"}
    world = World(7, "bad-deploy", START)
    now = START + timedelta(seconds=130)
    assert {d.pod for d in lines} == {pod_at(world, "packager-emea", i, now) for i in range(4)}
    healed = [d for d in told("bad-deploy", 210, 260) if d.emitter.service == "packager-emea"]
    assert Counter(d.level for d in healed)["error"] <= 3


def test_a_stale_edge_says_that_revalidation_failed() -> None:
    lines = [
        d for d in told("edge-stale", 60, 120) if d.level == "error" and "revalidation failed" in d.message
    ]
    assert 8 < len(lines) / 60 < 16
    assert {d.emitter.service for d in lines} == {"edge-lhr", "edge-syd", "edge-nrt"}
    assert {d.emitter.channel for d in lines} == {"uk-sport-1"}


def test_what_an_outage_held_up_is_ingested_after_it() -> None:
    lines = told("backend-down", 60, 120)
    end = AT + 200
    assert all(end <= d.ingested_ns / NS <= end + 6 for d in lines)
    story = Story(World(7, "backend-down", START))
    assert story.lateness(end + 3) >= 183
    assert not story.settled(AT + 100, (end + 2) * NS)
    assert story.settled(AT + 100, (end + 9) * NS)


def test_memory_is_bounded_however_much_is_read() -> None:
    story = Story(World(7, "calm", START))
    for second in range(AT - KEPT_SECONDS - 50, AT):
        story.documents(second)
    assert len(story._documents) == KEPT_SECONDS


@pytest.mark.parametrize("scenario", ["calm", "edge-stale", "bad-deploy", "backend-down"])
def test_every_line_is_plain_printable_text(scenario: str) -> None:
    for line in told(scenario, 90, 110):
        assert line.message.isprintable()
        assert 10 < len(line.message) < 220
