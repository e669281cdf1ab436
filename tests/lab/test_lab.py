"""The console on real servers: what it says of this machine, of a live stream, of alerts and of log lines, against what
/proc, the files and the servers themselves say; and of each of them when it is taken away. `make lab` first.

One console is open over all of it, as one is over a shift: what one test broke must have healed for the next.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

import console
from tests.lab.answers import BEAT, asked_at_edge, at_peer, on_the_server, published, written
from tests.lab.machine import cores, disk_ratio, load_1min, memory
from tests.lab.proof import figure, record
from tests.lab.servers import SITE, away, held
from tests.lab.watch import Document, Watch, pane, source, watch

ROOT = Path(console.__file__).parents[1]
HEIGHTS = {"180p", "144p", "108p"}  # as the master tells them apart
TARGET_S = 2.0  # T
PERIOD_S = 1.0  # P: a media playlist is asked every T/2, at least a second
SLACK_S = 2.0  # what a busy machine of two cores may add
ASKED_EVERY_S = 5.0  # gauges and alerts
LOOKS_AGAIN_S = 15.0  # the longest rest of a source whose backend failed: 3 periods of the gauges
WARNED_WITHIN_S = 1.5 * TARGET_S + 3 * PERIOD_S + SLACK_S
CRIT_WITHIN_S = 3 * TARGET_S + 3 * PERIOD_S + SLACK_S

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not SITE.exists(), reason="tests/lab/site.toml is missing: run `make lab` first"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def watching() -> AsyncIterator[Watch]:
    async with watch() as opened:
        await opened.until("well at first", is_well, 30)
        yield opened


def is_healthy(document: Document) -> bool:
    """The stream, in all renditions; and at both vantages, or the oldest playlist would be older. After two faults within ten
    minutes it is FLAPPING, which holds its severity; then that nothing is found any more is what can be seen of its health.
    """
    streams = pane(document, "streams")
    told = [(row["name"], row["renditions_ok"]) for row in streams["rows"]]
    is_held = all(row["mark"] == "FLAPPING" for row in streams["rows"])
    is_good = not streams["findings"] and (is_held or all(row["severity"] == "OK" for row in streams["rows"]))
    return told == [("lab-live", 3)] and is_good and streams["rows"][0]["age_over_t"] < 1.5


def is_well(document: Document) -> bool:
    """All of the lab: the stream, the gauges, the lines, and the one alert that is always there."""
    live = {name for name in ("streams", "logs", "capacity") if pane(document, name)["state"] == "live"}
    return is_healthy(document) and len(live) == 3 and len(open_alerts(document)) == 1 and has_lines(document)


def has_lines(document: Document) -> bool:
    return bool(numbers(document))


def numbers(document: Document) -> list[int]:
    """Of the writer's lines on the screen, oldest first; a mark of ours has none."""
    found = (BEAT.fullmatch(row["message"]) for row in pane(document, "logs")["rows"] if not row["is_mark"])
    return [int(each[1]) for each in found if each is not None]


def open_alerts(document: Document) -> list[str]:
    """What the open incidents tell of alerts that are not over."""
    return [
        entry["text"]
        for incident in document["incidents"]
        for entry in incident["timeline"]
        if entry["kind"] == "alert" and not entry["is_over"] and not incident["is_closed"]
    ]


async def test_a_snapshot_shows_this_machine_a_healthy_stream_the_alert_and_the_lines() -> None:
    memory_before, load_before, written_before = memory()[0], load_1min(), written()
    start = time.monotonic()
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "console", "--config", str(SITE), "snapshot", "overview", "--format", "json", "--wait", "20s"],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("MIDWATCH_")},
    )  # fmt: skip
    took_s = time.monotonic() - start
    memory_after, load_after, written_after = memory()[0], load_1min(), written()
    assert ended.returncode == 0, ended.stderr + ended.stdout[-2000:]
    document = json.loads(ended.stdout)

    gauges = {row["name"]: row for row in pane(document, "capacity")["rows"]}
    assert set(gauges) == {"cpu busy", "memory used", "root disk used", "load"}
    assert pane(document, "capacity")["state"] == "live"

    # a gauge may be some seconds older than the snapshot, so what moves is compared with room
    total = memory()[1]
    assert gauges["memory used"]["total"] == total
    low, high = sorted((memory_before / total, memory_after / total))
    assert low - 0.05 <= gauges["memory used"]["ratio"] <= high + 0.05
    assert gauges["cpu busy"]["total"] == cores() == os.cpu_count()
    assert 0 < gauges["cpu busy"]["used"] <= cores()
    low, high = sorted((load_before, load_after))
    assert low - 1.5 <= gauges["load"]["used"] <= high + 1.5
    assert gauges["root disk used"]["ratio"] == pytest.approx(disk_ratio(), abs=0.02)

    streams = pane(document, "streams")
    (channel,) = streams["rows"]
    assert (streams["state"], streams["findings"]) == ("live", [])
    assert (channel["name"], channel["severity"]) == ("lab-live", "OK"), channel["reason"]
    assert (channel["renditions_ok"], channel["renditions_expected"]) == (3, 3)
    assert channel["age_over_t"] < 1.5
    assert streams["watched_s"] >= 1.5 * TARGET_S, "OK was said before a stale stream could have shown itself"

    assert open_alerts(document) == ["TargetDown: nothing answers at 127.0.0.1:9"]
    assert document["severity"] == "CRIT", "the alert is critical"

    logs = pane(document, "logs")
    seen = numbers(document)
    assert (logs["state"], len(seen)) == ("live", logs["count"]), "another line than the writer's"
    assert seen == list(range(seen[0], seen[-1] + 1))
    assert written_before <= seen[-1] <= written_after + 5, "neither an old line nor one that was never confirmed"
    record(
        "lab-snapshot",
        "a snapshot of the overview: gauges of this machine against /proc, the stream OK, the one alert once, the writer's lines",
        figure("settled", took_s, "s", most=20.0),
        figure("lines", len(seen), "lines"),
    )


async def test_a_stream_that_nothing_ails_is_never_said_to_ail(watching: Watch) -> None:
    """Whoever cries wolf is not listened to: a quarter of a minute of a real packager and a real cache without a finding."""
    end = time.monotonic() + 15.0
    looks = 0
    while time.monotonic() < end:
        streams = pane(watching.document, "streams")
        assert streams["findings"] == [], streams["findings"]
        assert [row["severity"] for row in streams["rows"]] == ["OK"]
        looks += 1
        await asyncio.sleep(0.1)
    record("lab-calm", "15 s of the healthy stream without a finding", figure("looks", looks, "looks", least=50))


def stale(document: Document, severities: set[str]) -> set[str]:
    """The renditions told as STALE with one of the severities."""
    return {
        finding["rendition"]
        for finding in pane(document, "streams")["findings"]
        if finding["code"] == "STALE" and finding["severity"] in severities
    }


async def test_a_stopped_encoder_turns_its_stream_stale_in_time_and_it_heals(watching: Watch) -> None:
    await watching.until("healthy at first", is_healthy, 20)
    with held("ffmpeg") as go_on:
        # what ffmpeg had sent before it stood still may end a segment yet
        _, seen = await watching.until("STALE", lambda it: bool(stale(it, {"WARN", "CRIT"})), 12)
        soonest = seen - published()[0]
        _, seen = await watching.until("STALE in all", lambda it: stale(it, {"WARN", "CRIT"}) == HEIGHTS, 10)
        warned_after = seen - published()[-1]
        document, seen = await watching.until("CRIT", lambda it: stale(it, {"CRIT"}) == HEIGHTS, 15)
        crit_after = seen - published()[-1]
        incidents, _ = await watching.until("an incident", lambda it: any("STALE" in i["title"] for i in it["incidents"]), 5)
        go_on()
        went_on = time.time()
    healed, seen = await watching.until("healed", is_healthy, 20)

    findings = pane(document, "streams")["findings"]
    assert {finding["entity"] for finding in findings} == {"lab-live"}
    assert {finding["layer"] for finding in findings} == {"package"}, "all renditions at once is the packager"
    assert pane(healed, "streams")["findings"] == []
    (incident,) = [each for each in incidents["incidents"] if "STALE" in each["title"]]
    assert (incident["service"], incident["severity"]) == ("nginx-rtmp", "CRIT")
    record(
        "lab-encoder",
        "SIGSTOP of ffmpeg: STALE of all renditions, WARN at 1.5 T = 3 s and CRIT at 3 T = 6 s after the last segment; SIGCONT",
        figure("first WARN", soonest, "s", least=1.5 * TARGET_S, most=WARNED_WITHIN_S),
        figure("WARN in all", warned_after, "s", least=1.5 * TARGET_S, most=WARNED_WITHIN_S),
        figure("CRIT in all", crit_after, "s", least=3 * TARGET_S, most=CRIT_WITHIN_S),
        figure("healed after SIGCONT", seen - went_on, "s", most=10.0),
    )


async def test_a_playlist_frozen_in_the_cache_of_the_edge_is_the_edges_fault(watching: Watch) -> None:
    await watching.until("healthy at first", is_healthy, 20)
    told: set[tuple[str, str, str | None]] = set()
    healthy_origin = published()[-1]

    def remembered(document: Document) -> Document:
        told.update((f["code"], f["layer"], f["vantage"]) for f in pane(document, "streams")["findings"])
        return document

    with held("backhaul") as go_on:
        blocked = time.time()
        document, seen = await watching.until("STALE", lambda it: stale(remembered(it), {"WARN", "CRIT"}) == HEIGHTS, 15)
        told_after = seen - blocked
        assert await asyncio.to_thread(asked_at_edge) == (200, "STALE"), "the edge does not serve what it has"
        await watching.until("an incident", lambda it: any("STALE" in i["title"] for i in it["incidents"] if i["layer"] == "edge"), 5)
        assert published()[-1] > healthy_origin, "the origin stood still too"
        go_on()
        went_on = time.time()
    healed, seen = await watching.until("healed", lambda it: is_healthy(remembered(it)), 20)

    assert told == {("STALE", "edge", "edge")}
    assert {finding["severity"] for finding in pane(document, "streams")["findings"]} == {"CRIT"}, "a lone edge is all edges"
    assert pane(healed, "streams")["findings"] == []
    assert await asyncio.to_thread(asked_at_edge) in [(200, "HIT"), (200, "EXPIRED"), (200, "MISS")]
    record(
        "lab-edge",
        "the way from the edge to its origin blocked, the edge serving 200 with the playlists it has: STALE, layer edge, nothing else",
        # the copy at hand may be T old when the way is blocked, or as fresh as can be
        figure("told after the block", told_after, "s", least=1.5 * TARGET_S - TARGET_S, most=TARGET_S + WARNED_WITHIN_S),
        figure("healed after the block", seen - went_on, "s", most=10.0),
    )


def is_refused(pane_or_source: Document) -> bool:
    """In error, and it says that nobody listens there."""
    return pane_or_source["state"] == "error" and "connection refused" in pane_or_source["error"].lower()


async def test_a_prometheus_that_goes_is_told_and_one_that_comes_back_is_found(watching: Watch) -> None:
    await watching.until("well at first", is_well, 20)
    with away("prometheus") as begin:
        gone = time.time()
        # a question that was under way is cut off, which is told in other words; the next one is refused
        document, seen = await watching.until("told", lambda it: is_refused(pane(it, "capacity")), 30)
        told_after = seen - gone
        capacity = pane(document, "capacity")
        assert capacity["severity"] != "OK", "no data is never green"
        assert is_healthy(document), "the streams do not stand on Prometheus"
        begin()
        came = time.time()
    _, seen = await watching.until("live again", lambda it: pane(it, "capacity")["state"] == "live", 40)
    # a rate needs two scrapes since it came back; until then its gauge says that there is no data
    await watching.until("numbers", lambda it: all(row["ratio"] is not None for row in pane(it, "capacity")["rows"]), 30)
    record(
        "lab-prometheus",
        "Prometheus ended and begun again: the gauges are an error that says so, then live again",
        figure("told after its end", told_after, "s", most=2 * ASKED_EVERY_S),
        figure("live again after its begin", seen - came, "s", most=LOOKS_AGAIN_S + SLACK_S),
    )


def told_by(watching: Watch) -> list[int]:
    """For each alert, how many peers told it."""
    value = watching.alerts.value
    return [len(alert.peers) for alert in value.alerts.values()] if value is not None else []


async def test_two_peers_tell_one_alert_and_one_peer_alone_still_does(watching: Watch) -> None:
    await watching.until("told by both peers", lambda _: told_by(watching) == [2], 20)
    assert open_alerts(watching.document) == ["TargetDown: nothing answers at 127.0.0.1:9"]
    with away("alertmanager-1") as begin:
        gone = time.time()
        document, seen = await watching.until(
            "partial", lambda it: source(it, "alertmanager.alerts")["state"] == "partial", 15
        )
        told_after = seen - gone
        assert told_by(watching) == [1]
        assert "1 of 2 peers answered" in watching.alerts.partial_reason
        assert "connection refused" in watching.alerts.partial_reason.lower(), watching.alerts.partial_reason
        assert open_alerts(document) == ["TargetDown: nothing answers at 127.0.0.1:9"]
        begin()
        came = time.time()
    back, seen = await watching.until(
        "told by both again",
        lambda it: source(it, "alertmanager.alerts")["state"] == "live" and told_by(watching) == [2],
        30,
    )
    assert open_alerts(back) == ["TargetDown: nothing answers at 127.0.0.1:9"]
    record(
        "lab-alertmanager",
        "one alert at two peers is told once; one peer ended: partial, the alert still once; begun again: both",
        figure("partial after its end", told_after, "s", most=2 * ASKED_EVERY_S),
        figure("both again after its begin", seen - came, "s", most=ASKED_EVERY_S + LOOKS_AGAIN_S),
    )


def states(watching: Watch) -> list[tuple[str, tuple[str, ...], int]]:
    """Of each alert: its state, by whose silence, told by how many peers."""
    value = watching.alerts.value
    told = value.alerts.values() if value is not None else ()
    return [(alert.state, alert.silenced_by, len(alert.peers)) for alert in told]


async def test_a_silence_made_at_one_peer_silences_the_alert_and_its_end_brings_it_back(watching: Watch) -> None:
    await watching.until("told by both peers", lambda it: told_by(watching) == [2] and len(open_alerts(it)) == 1, 20)
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "alertname", "value": "TargetDown", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(minutes=10)).isoformat(),
        "createdBy": "tests/lab",
        "comment": "a silence of the lab's tests",
    }
    made = time.time()
    told = await asyncio.to_thread(at_peer, 0, "POST", "/api/v2/silences", silence)
    assert isinstance(told, dict)
    identity = told["silenceID"]
    try:
        silenced = [("suppressed", (identity,), 2)]
        _, seen = await watching.until("suppressed at both", lambda _: states(watching) == silenced, 20)
        silenced_after = seen - made
        await watching.until("no longer an open alert", lambda it: open_alerts(it) == [], 5)
    finally:
        ended = time.time()
        await asyncio.to_thread(at_peer, 0, "DELETE", f"/api/v2/silence/{identity}")
    _, seen = await watching.until("active again", lambda it: len(open_alerts(it)) == 1, 20)
    record(
        "lab-silence",
        "a silence made at one peer: the other knows it, the alert is suppressed and no open alert; ended, it is back",
        figure("suppressed after it was made", silenced_after, "s", most=2 * ASKED_EVERY_S),
        figure("active again after its end", seen - ended, "s", most=2 * ASKED_EVERY_S),
    )


async def test_no_line_is_lost_or_doubled_while_the_log_server_is_away(watching: Watch) -> None:
    await watching.until("lines", lambda it: pane(it, "logs")["state"] == "live" and has_lines(it), 20)
    with away("noida-db", "noida-gate") as begin:
        gone, last = time.time(), written()
        document, seen = await watching.until("told", lambda it: is_refused(pane(it, "logs")), 15)
        told_after = seen - gone
        assert pane(document, "logs")["severity"] != "OK", "no data is never green"
        failed = source(document, "elasticsearch.tail")["errors"]
        await watching.until("asked in vain", lambda it: source(it, "elasticsearch.tail")["errors"] >= failed + 3, 20)
        begin()
        came = time.time()
    # a line that was written after the server came back: then everything before it had its turn
    missed = 10 * (came - gone)
    await watching.until("confirmed lines", lambda _: written() > last + missed + 10, 20)
    wanted = written()
    document, seen = await watching.until("the lines since", lambda it: max(numbers(it), default=0) >= wanted, 30)
    await watching.until("live again", lambda it: pane(it, "logs")["state"] == "live", 20)

    ring = watching.engine.desk.ring
    assert ring is not None
    lines = list(ring.newest(ring.last_seq))[::-1]
    shown = [int(found[1]) for line in lines if (found := BEAT.fullmatch(line.message)) is not None]
    account = pane(document, "logs")["accounting"]
    there = await asyncio.to_thread(on_the_server, len(shown) + 100)
    expected = [number for number in there if shown[0] <= number <= shown[-1]]
    # noida-db may lose what it confirmed a moment before it is ended; the console cannot show that, unless it had already
    lost = shown[-1] - shown[0] + 1 - len(expected)
    assert [number for number in shown if number in set(expected)] == expected, f"lost, doubled or out of order: {account}"
    assert len(set(shown)) == len(shown), f"doubled: {account}"
    assert any(line.is_mark and line.message.startswith("reconnected: ") for line in lines), "the gap is not marked"
    assert (account["dropped"], account["received"]) == (0, account["shown"])
    record(
        "lab-logs",
        "the log server ended and begun again while a writer goes on: told, marked, and every line shown exactly once",
        figure("told after its end", told_after, "s", most=5.0),
        figure("away", came - gone, "s"),
        figure("all lines after its begin", seen - came, "s", most=20.0),
        figure("lines shown once, in order", len(shown), "lines", least=50),
        figure("confirmed lines that the server itself lost", lost, "lines"),
    )
