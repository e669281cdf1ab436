from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.demo.world import truth
from console.demo.world.world import World

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)
BEFORE = START - timedelta(microseconds=1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_edge_stale_is_one_line_at_its_start_and_one_at_its_end():
    lines = truth.events(World(1, "edge-stale", START), BEFORE, at(500))
    assert [(e.t, e.kind) for e in lines] == [
        ("2026-03-04T02:30:20.000Z", "start"),
        ("2026-03-04T02:33:20.000Z", "end"),
    ]
    first = lines[0]
    assert (first.entity, first.rendition, first.layer, first.codes) == (
        "uk-sport-1",
        "1080p",
        "edge",
        ("STALE",),
    )
    assert first.vantages == ("edge-lhr", "edge-syd", "edge-nrt")


def test_bad_deploy_is_a_line_for_each_channel_and_rendition():
    lines = truth.events(World(1, "bad-deploy", START), BEFORE, at(20))
    assert len({(e.entity, e.rendition) for e in lines}) == len(lines) == 20
    assert {(e.layer, e.codes, e.kind) for e in lines} == {("package", ("STALE",), "start")}
    assert {len(e.vantages) for e in lines} == {5}


def test_backend_down_names_the_source_and_no_code():
    (line,) = truth.events(World(1, "backend-down", START), BEFORE, at(20))
    assert (line.entity, line.rendition, line.vantages, line.layer, line.codes) == (
        "elasticsearch",
        None,
        (),
        "source",
        (),
    )


def test_calm_has_nothing_to_tell_and_no_line_comes_before_its_moment():
    assert truth.events(World(1, "calm", START), BEFORE, at(9000)) == []
    assert truth.events(World(1, "edge-stale", START), BEFORE, at(19.999)) == []


def test_walking_through_a_cycle_in_steps_tells_each_event_once_and_in_order():
    world = World(1, "cycle", START)
    told, since = [], BEFORE
    for seconds in range(0, 1600, 7):
        told += truth.events(world, since, at(seconds))
        since = at(seconds)
    assert told == truth.events(world, BEFORE, since)
    assert [e.t for e in told] == sorted(e.t for e in told)
    assert sum(e.kind == "start" for e in told) == 1 + 20 + 1 + 5 + 6 + 11 + 2


def test_a_fault_at_the_very_start_is_not_forgotten():
    world = World(1, "edge-stale", START, start_after_s=0.0)
    assert [e.kind for e in truth.events(world, BEFORE, at(1))] == ["start"]


def test_the_file_is_emptied_when_opened_and_holds_whole_json_lines(tmp_path: Path):
    path = tmp_path / "truth.jsonl"
    path.write_text("of yesterday\n")
    file = truth.TruthFile(path)
    assert path.read_bytes() == b""
    file.append(truth.events(World(1, "backend-down", START), BEFORE, at(20)))
    (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "t": "2026-03-04T02:30:20.000Z",
        "entity": "elasticsearch",
        "rendition": None,
        "vantages": [],
        "layer": "source",
        "codes": [],
        "cause": "Elasticsearch closed its port.",
        "kind": "start",
    }
