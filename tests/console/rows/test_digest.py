"""The two digests: the text that people get in chat, and the JSON whose shape programs rely on."""

from __future__ import annotations

import asyncio
import json
import math
import shlex
from typing import Any

import msgspec
import pytest

from console.model.scope import Scope
from console.model.severity import Severity
from console.rows import pods
from console.rows.digest import Digest, to_json, to_text
from console.snapshot import session
from tests.scene import Scene

PANE_KEYS = {"name", "state", "severity", "as_of", "age_s", "watched_s", "summary", "count", "rows", "findings", "accounting"}
FINDING_KEYS = {
    "code", "entity", "rendition", "layer", "vantage", "severity", "reason", "first_seen", "last_seen", "evidence", "spec_ref", "confidence",
}  # fmt: skip


def taken(scene: Scene | None = None, view: str = "overview", **scope: str) -> Digest:
    """The digest of a scene, through the same seats as a snapshot's."""
    scene = scene or Scene()
    with session(scene.desk, "apac", view, Scope(tuple(scope.items()))) as taking:
        return taking.digest()


def document(digest: Digest) -> dict[str, Any]:
    return json.loads(to_json(digest))


def pane_of(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(pane for pane in told["panes"] if pane["name"] == name)


# -- JSON -------------------------------------------------------------------------------------------------------------
async def test_the_document_has_the_keys_of_the_contract() -> None:
    told = document(taken(region="emea"))
    assert told["schema"] == 1
    assert (told["site"], told["view"], told["scope"]) == ("apac", "overview", {"region": "emea"})
    assert told["taken_at"] == "2026-11-22T02:14:07Z"
    assert told["severity"] == "CRIT"
    assert [pane["name"] for pane in told["panes"]] == ["streams", "logs", "workloads", "capacity"]
    for pane in told["panes"]:
        assert set(pane) >= PANE_KEYS
        assert pane["count"] == len(pane["rows"])
        assert all({"name", "severity"} <= set(row) for row in pane["rows"])


async def test_the_rows_carry_what_the_contract_adds_for_pods_and_gauges() -> None:
    told = document(taken())
    pod = pane_of(told, "workloads")["rows"][0]
    assert (pod["namespace"], pod["ready"], pod["restarts"]) == ("live", "0/1", 4)
    gauge = pane_of(told, "capacity")["rows"][0]
    assert (gauge["name"], gauge["used"], gauge["total"], gauge["unit"]) == ("egress lhr", 410e9, 450e9, "bit/s")
    assert math.isclose(gauge["ratio"], 410 / 450)
    missing = next(row for row in pane_of(told, "capacity")["rows"] if row["name"] == "redis memory")
    assert (missing["used"], missing["ratio"], missing["severity"]) == (None, None, "UNKNOWN")


async def test_a_finding_has_the_keys_of_the_contract_and_bare_names() -> None:
    found = pane_of(document(taken()), "streams")["findings"]
    assert len(found) == 21
    assert all(set(each) == FINDING_KEYS for each in found)
    first = found[0]
    assert (first["code"], first["severity"], first["layer"], first["vantage"]) == ("STALE", "CRIT", "package", None)
    assert first["entity"] in {"uk-sport-1", "uk-news-1", "fr-news-1", "de-cine-1"}
    edge = next(each for each in found if each["code"] == "EDGE_SKEW")
    assert (edge["entity"], edge["vantage"], edge["rendition"], edge["severity"]) == ("syd-news-2", "edge-syd", "720p", "WARN")


async def test_rows_are_all_in_scope_not_those_that_fit() -> None:
    assert pane_of(document(taken()), "workloads")["count"] == 18
    assert pane_of(document(taken(service="packager-emea")), "workloads")["count"] == 4


async def test_the_logs_account_for_every_line_and_other_panes_for_none() -> None:
    told = document(taken())
    assert pane_of(told, "logs")["accounting"]["received"] == 38_211
    assert pane_of(told, "streams")["accounting"] is None
    assert pane_of(told, "streams")["watched_s"] == 90


async def test_incidents_and_sources_stand_beside_the_panes() -> None:
    scene = Scene()
    scene.feeds["sources"].set(scene.feeds["sources"].topic.reading)
    told = document(taken(scene))
    (incident,) = told["incidents"]
    assert (incident["name"], incident["severity"], incident["service"]) == ("INC-7f3a", "CRIT", "packager-emea")
    assert all({"name", "kind", "state", "age_s", "error", "requests_per_s"} <= set(source) for source in told["sources"])
    assert {source["name"] for source in told["sources"]} >= {"hls.prober", "prometheus.gauges"}


async def test_a_failing_pane_says_so_and_keeps_its_old_rows() -> None:
    scene = Scene()
    await scene.clock.advance(34)  # type: ignore[attr-defined]
    scene.fail("streams", keep=True)
    scene.fail("capacity")
    told = document(taken(scene))
    streams, capacity = pane_of(told, "streams"), pane_of(told, "capacity")
    assert (streams["state"], streams["age_s"], streams["count"]) == ("error", 34.0, 10)
    assert "connection refused" in streams["error"]
    assert (capacity["state"], capacity["age_s"], capacity["as_of"], capacity["rows"], capacity["severity"]) == ("error", None, None, [], "UNKNOWN")


async def test_what_is_no_number_is_null_in_json() -> None:
    scene = Scene()
    reading = scene.feeds["capacity"].topic.reading
    gauges = tuple(msgspec.structs.replace(each, trend=(math.nan, 0.5, math.inf)) for each in reading.value.gauges)
    scene.feeds["capacity"].set(msgspec.structs.replace(reading, value=msgspec.structs.replace(reading.value, gauges=gauges)))
    assert pane_of(document(taken(scene)), "capacity")["rows"][0]["trend"] == [None, 0.5, None]


async def test_the_document_is_one_line() -> None:
    assert b"\n" not in to_json(taken())


# -- the verdict ------------------------------------------------------------------------------------------------------
async def test_the_digest_is_as_bad_as_its_worst_pane() -> None:
    assert taken().severity is Severity.CRIT
    assert taken(view="capacity").severity is Severity.CRIT, "an open critical incident counts in every view"


async def test_where_only_an_incident_is_critical_the_head_says_so() -> None:
    head = to_text(taken(view="capacity"), 200).splitlines()[0]
    assert head == "apac · 02:14 UTC · CRIT (0 critical, 2 warning, 1 open incident)"


async def test_nothing_known_is_unknown_never_ok() -> None:
    scene = Scene()
    for view in scene.feeds:
        scene.connecting(view)
    assert taken(scene).severity is Severity.UNKNOWN


# -- text -------------------------------------------------------------------------------------------------------------
async def test_the_text_digest_tells_the_scene_in_ten_lines() -> None:
    lines = to_text(taken(), 200).splitlines()
    assert lines[0] == "apac · 02:14 UTC · CRIT (8 critical, 3 warning)"
    assert lines[1].startswith("Streams   C uk-sport-1  [package] all 5 renditions stale at the origin and 4 of 4 edges · since 02:13:03")
    assert lines[1].endswith(" · 182k viewers · rebuffer 3.41 %")
    assert lines[4] == "            and 2 more"
    assert "Logs      W 80/s · err 37.5 % · lag 2s" in lines
    assert any(line.startswith("Workloads C live/packager-emea-7c9d8b5f6d-x2k40 CrashLoopBackOff ×4") for line in lines)
    assert any("rollout packager-emea 3.8.2 at 02:12 · 4/4 updated, 0 available" in line for line in lines)
    assert any(line.startswith("Capacity  W egress lhr 91 % · 410G of 450G bit/s") for line in lines)
    assert any(line.strip() == "? redis memory: no data since 02:14:07" for line in lines)
    assert lines[-1] == "Open      midwatch --site apac"
    assert lines[-2].startswith("Incident  INC-7f3a  packager-emea: STALE on 4 channels · 60s · no ack · before it: packager-emea 3.8.2")
    assert len(lines) <= 20


async def test_the_scope_stands_in_the_first_line() -> None:
    assert to_text(taken(region="emea")).splitlines()[0].startswith("apac · region=emea · 02:14 UTC · CRIT")


@pytest.mark.parametrize("width", [20, 80, 120])
async def test_no_line_is_wider_than_asked_for_and_none_holds_an_escape(width: int) -> None:
    for line in to_text(taken(), width).splitlines():
        assert len(line) <= width and line.isprintable() and line == line.rstrip()


async def test_a_pane_that_fails_says_so_before_its_old_rows() -> None:
    scene = Scene()
    await scene.clock.advance(34)  # type: ignore[attr-defined]
    scene.fail("workloads", keep=True)
    lines = to_text(taken(scene), 200).splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("Workloads"))
    assert lines[at].startswith("Workloads ? error: poll the log tail on elasticsearch http://127.0.0.1:9200: connection refused")
    assert lines[at].endswith(", last answer 34s ago")
    assert "C live/packager-emea-" in lines[at + 1]


async def test_a_view_of_its_own_tells_only_its_pane() -> None:
    text = to_text(taken(view="capacity"), 200)
    assert "Capacity" in text and "Streams" not in text and "Workloads" not in text


async def test_the_logs_view_tells_its_newest_lines() -> None:
    lines = to_text(taken(view="logs", service="packager-emea"), 200).splitlines()
    assert lines[-3].strip() == "02:14:05 E packager-emea  segment 8818 late by 12.1 s"


async def test_when_all_is_well_each_pane_is_one_line() -> None:
    scene = Scene()
    scene.feeds["incidents"].set(msgspec.structs.replace(scene.feeds["incidents"].topic.reading, value=()))
    lines = to_text(taken(scene, region="amer"), 200).splitlines()
    assert lines[1] == "Streams     2 live"
    assert any(line == "Workloads   demo-1 · 4 pods · all well" for line in lines)
    assert not any(line.startswith("Incident") for line in lines)


async def test_the_rollouts_of_a_digest_are_those_of_its_scope() -> None:
    assert [row.name for row in taken().rollouts] == ["packager-emea"]
    assert taken(service="origin").rollouts == ()
    assert taken(view="streams").rollouts == ()
    assert all(isinstance(row, pods.RolloutRow) for row in taken().rollouts)


async def test_a_digest_leaves_no_reader_behind() -> None:
    scene = Scene()
    taken(scene)
    await asyncio.sleep(0)
    assert all(feed.topic.readers == 0 for feed in scene.feeds.values())


# -- what follows from what ---------------------------------------------------------------------------------------------
def with_child(scene: Scene) -> Scene:
    """uk-sport-1 with one finding that follows from its worst."""
    feed = scene.feeds["streams"]
    value = feed.topic.reading.value
    verdict = value.verdicts["uk-sport-1"]
    child = msgspec.structs.replace(verdict.findings[0], code="SKEW", severity=Severity.WARN, reason="1080p SKEW at 2 of 4 edges")
    told = {**value.verdicts, "uk-sport-1": msgspec.structs.replace(verdict, children=(child,))}
    feed.set(msgspec.structs.replace(feed.topic.reading, value=msgspec.structs.replace(value, verdicts=told)))
    return scene


async def test_a_child_stands_beside_the_findings_in_the_document_and_counts_for_no_alarm() -> None:
    plain, told = (pane_of(document(taken(scene, "streams")), "streams") for scene in (Scene(), with_child(Scene())))
    assert [child["code"] for child in told["children"]] == ["SKEW"] and set(told["children"][0]) == FINDING_KEYS
    assert plain["children"] == [] and plain["findings"] == told["findings"] and plain["summary"] == told["summary"]


async def test_the_text_of_one_channel_tells_each_finding_and_what_follows_from_it() -> None:
    told = to_text(taken(with_child(Scene()), "streams", channel="uk-sport-1"), 200)
    assert told.count("C STALE [package]") == 5
    assert "downstream: SKEW [package] 1080p SKEW at 2 of 4 edges" in told
    fleet = to_text(taken(with_child(Scene()), "streams"), 200)
    assert "downstream" not in fleet and "STALE [package]" not in fleet


# -- the same data, the same words --------------------------------------------------------------------------------------
def turned(scene: Scene) -> Scene:
    """The same scene, with every mapping of its readings filled the other way round."""
    for feed in scene.feeds.values():
        reading = feed.topic.reading
        if isinstance(reading.value, msgspec.Struct):
            changed = {
                name: dict(reversed(list(value.items())))
                for name in reading.value.__struct_fields__
                if isinstance(value := getattr(reading.value, name), dict)
            }
            feed.set(msgspec.structs.replace(reading, value=msgspec.structs.replace(reading.value, **changed)))
    return scene


@pytest.mark.parametrize("view", ["overview", "streams", "workloads", "capacity", "incidents", "sources"])
async def test_the_same_data_make_the_same_digest_in_whatever_order_they_came(view: str) -> None:
    one, other = taken(view=view), taken(turned(Scene()), view=view)
    assert to_text(one) == to_text(other) and to_json(one) == to_json(other)


async def test_what_has_not_answered_yet_is_told_once() -> None:
    scene = Scene()
    for view in scene.feeds:
        scene.connecting(view)
    lines = to_text(taken(scene)).splitlines()
    assert lines[0] == "apac · 02:14 UTC · UNKNOWN (0 critical, 0 warning)"
    assert [line.split(maxsplit=1)[1] for line in lines[1:5]] == ["? connecting …"] * 4


async def test_the_last_line_opens_the_console_at_the_same_scope_in_any_shell() -> None:
    last = to_text(taken(service="a b'; rm -rf /"), 200).splitlines()[-1]
    assert shlex.split(last)[1:] == ["midwatch", "--site", "apac", "--scope", "service=a b'; rm -rf /"]
