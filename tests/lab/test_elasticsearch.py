"""The product's own tail on a real Elasticsearch: every line of a busy log is shown once or accounted for, whatever happens to
the server meanwhile. `make lab-elasticsearch` first.

What the server holds is counted by its own `_count`; what the tail showed, by `_index/_id`. MIDWATCH_LAB_LOG_S and
MIDWATCH_LAB_LOG_PER_S make the two long runs shorter or heavier.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.assembly import access, log_fields
from console.config.scope import ScopeNames
from console.config.site import Elasticsearch
from console.doctor import elasticsearch as doctor
from console.doctor.diagnosis import Diagnosis
from console.feeds.clock import SystemClock
from console.model.failure import FailureKind, SourceError
from console.model.logline import LevelCounts
from console.model.severity import State
from console.sources.elasticsearch.answers import Searched
from console.sources.elasticsearch.client import ElasticIndex
from console.sources.elasticsearch.levels import levels_source
from console.sources.elasticsearch.limits import Limits
from console.sources.elasticsearch.tail import Tail
from console.sources.meter import Meter
from tests.lab.elasticsearch.follower import Follower, begun, closed, following
from tests.lab.elasticsearch.server import MAPPING, Server, alone, folder
from tests.lab.elasticsearch.writing import Json, document, writing

SECONDS = float(os.environ.get("MIDWATCH_LAB_LOG_S", "120"))
PER_S = float(os.environ.get("MIDWATCH_LAB_LOG_PER_S", "2000"))
LAB = folder()

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(int(SECONDS) + 240),
    pytest.mark.skipif(
        not (LAB / "site.toml").exists(), reason="no Elasticsearch is up: run `make lab-elasticsearch` first"
    ),
]

@pytest.fixture(scope="module")
def figures() -> Iterator[Json]:
    """What was measured, by test; written down where the proofs are kept when there is such a place."""
    found: Json = {}
    with alone(LAB):
        yield found
    print(json.dumps(found))
    place = os.environ.get("LAB_PROOF_DIR")
    if place:
        (Path(place) / "elasticsearch.json").write_text(json.dumps(found, indent=2) + "\n")


@pytest.fixture
def server(figures: Json) -> Iterator[Server]:
    found = Server(LAB)
    if not found.is_up:
        found.start()
    found.drop("logs-*")
    figures["server"] = {**found.started, "rss_mb": found.rss_mb}
    yield found
    if not found.is_up:
        found.start()
    found.drop("logs-*")


@pytest.mark.parametrize("refresh", ["1s", "5s"])
async def test_a_busy_log_is_shown_whole_and_nothing_twice(server: Server, figures: Json, refresh: str) -> None:
    server.create("logs-busy", shards=3, refresh=refresh)
    async with begun(server, "logs-busy") as follower:
        requests, cpu, polls, began = follower.meter.cost.requests, time.process_time(), follower.polls, time.monotonic()
        server_cpu = server.cpu_s
        async with writing(server, "logs-busy", PER_S, SECONDS) as writer:
            told = await writer.told()
        took = time.monotonic() - began
        cpu, asked, polls = time.process_time() - cpu, follower.meter.cost.requests - requests, follower.polls - polls
        behind = told["made"] + 1 - follower.received
        account = await closed(follower, await asyncio.to_thread(server.count, "logs-busy"), told["overdue"], 120)
        caught_up_s = time.monotonic() - began - took
    found = figures[f"busy_refresh_{refresh}"] = {
        "writer": told, **account,
        "lag_p50_s": follower.lag(50), "lag_p99_s": follower.lag(99), "lag_max_s": follower.lag(100),
        "requests_per_s": round(asked / took, 1), "polls_per_s": round(polls / took, 2),
        "tail_cpu_of_a_core": round(cpu / took, 3), "server_cpu_of_a_core": round((server.cpu_s - server_cpu) / took, 2),
        "behind_at_the_end": behind, "caught_up_s": round(caught_up_s, 1), "took_s": round(took, 1),
        "load_average": os.getloadavg()[0], "marks": follower.marks, "states": _said(follower),
    }  # fmt: skip
    print(f"\nrefresh_interval {refresh}: {found}")
    assert account["indexed"] == told["made"] + 1
    assert account["late"] > 0, "the writer's late documents must be there to be found"
    assert follower.state is State.LIVE


def _said(follower: Follower) -> list[str]:
    return [f"{state.value}: {why}" if why else state.value for state, why in follower.states]


async def test_while_the_server_stands_still_the_tail_says_so_and_then_closes_its_account(
    server: Server, figures: Json
) -> None:
    server.create("logs-frozen")
    async with begun(server, "logs-frozen", timeout_s=2.0) as follower, writing(server, "logs-frozen", 300, 14) as writer:
        await writer.for_(4)
        with server.frozen():
            await follower.until("an error", lambda: follower.why == "no answer in time", 10)
            frozen_s = time.monotonic()
        await follower.until("live again", lambda: follower.state is State.LIVE, 20)
        back_s = time.monotonic() - frozen_s
        told = await writer.told()
        account = await closed(follower, await asyncio.to_thread(server.count, "logs-frozen"), told["overdue"])
    figures["frozen"] = {"writer": told, **account, "live_again_s": round(back_s, 1), "states": _said(follower), "marks": follower.marks}
    print(f"\n{figures['frozen']}")
    assert account["indexed"] == told["made"] + 1
    assert account["dropped"] == 0
    assert any(mark.startswith("reconnected: ") for mark in follower.marks)


async def test_a_restarted_server_is_found_again_and_nothing_is_lost(server: Server, figures: Json) -> None:
    server.create("logs-restart")
    async with begun(server, "logs-restart") as follower, writing(server, "logs-restart", 300, 8) as writer:
        await writer.for_(3)
        await asyncio.to_thread(server.end)
        await follower.until("an error", lambda: follower.why == "connection refused", 20)
        start_s = await asyncio.to_thread(server.start)
        up = time.monotonic()
        await follower.until("live again", lambda: follower.state is State.LIVE, 60)
        back_s = time.monotonic() - up
        told = await writer.told()
        account = await closed(follower, await asyncio.to_thread(server.count, "logs-restart"), told["overdue"])
    figures["restarted"] = {
        "writer": told, **account, "start_s": round(start_s, 1), "live_again_s": round(back_s, 1),
        "states": _said(follower), "marks": follower.marks,
    }  # fmt: skip
    print(f"\n{figures['restarted']}")
    assert account["indexed"] == told["made"] + 1
    assert account["dropped"] == 0


async def test_a_rollover_in_the_middle_loses_no_line(server: Server, figures: Json) -> None:
    server.create("logs-roll-000001", shards=2)
    server.done("POST", "/_aliases", {"actions": [{"add": {"index": "logs-roll-000001", "alias": "roll", "is_write_index": True}}]})
    fresh = {"settings": {"index": {"number_of_shards": 3, "number_of_replicas": 0, "refresh_interval": "1s"}}, "mappings": MAPPING}
    async with begun(server, "logs-roll-000001") as follower, writing(server, "roll", 500, 10) as writer:
        await writer.for_(5)
        told = await asyncio.to_thread(server.done, "POST", "/roll/_rollover", fresh)
        assert told["new_index"] == "logs-roll-000002"
        made = await writer.told()
        account = await closed(follower, await asyncio.to_thread(server.count, "logs-roll-*"), made["overdue"])
    by_index = {name: sum(key.startswith(f"logs-roll-{name}/") for key in follower.ids) for name in ("000001", "000002")}
    figures["rollover"] = {"writer": made, **account, "by_index": by_index}
    print(f"\n{figures['rollover']}")
    assert account["indexed"] == made["made"] + 1
    assert all(by_index.values()), by_index
    # For a moment the shards of the new index are not there yet: partial is true, an error would hide the old one's lines.
    assert {state for state, _ in follower.states} <= {State.CONNECTING, State.LIVE, State.PARTIAL}, follower.states


async def test_an_index_that_is_closed_or_deleted_disturbs_no_other(server: Server, figures: Json) -> None:
    for name in ("logs-stays", "logs-closed", "logs-deleted"):
        server.create(name, shards=2)
    async with begun(server, "logs-stays") as follower, writing(server, "logs-stays", 300, 9, late_share=0.3) as writer:
        server.put("logs-closed", *(document(f"closed {number}") for number in range(20)))
        server.put("logs-deleted", *(document(f"deleted {number}") for number in range(20)))
        await follower.until("both shown", lambda: sum("logs-stays" not in key for key in follower.ids) == 40, 20)
        await asyncio.to_thread(server.done, "POST", "/logs-closed/_close")
        await asyncio.to_thread(server.done, "DELETE", "/logs-deleted")
        told = await writer.told()
        account = await closed(follower, 40 + await asyncio.to_thread(server.count, "logs-stays"), told["overdue"])
    figures["closed_and_deleted"] = {"writer": told, **account, "states": _said(follower)}
    print(f"\n{figures['closed_and_deleted']}")
    assert account["indexed"] == told["made"] + 41
    assert account["dropped"] == 0


async def test_while_shards_are_missing_the_others_are_shown_and_the_watermark_waits(server: Server, figures: Json) -> None:
    server.create("logs-there", shards=3)
    server.create("logs-gone", shards=2)
    async with begun(server, "logs-there") as follower:
        server.put("logs-gone", *(document(f"before {number}") for number in range(10)))
        await follower.until("shown", lambda: follower.received == 11, 20)
        server.unassign("logs-gone")
        await follower.until("partial", lambda: follower.why.startswith("2 of 5 shards failed"), 20)
        assert follower.why == "2 of 5 shards failed (logs-gone: no_shard_available_action_exception)"
        held = follower.batch.watermark if follower.batch is not None else None
        server.put("logs-there", *(document(f"meanwhile {number}") for number in range(10)))
        await follower.until("the others' lines", lambda: follower.received == 21, 20)
        assert follower.state is State.PARTIAL
        assert follower.batch is not None and follower.batch.watermark == held
        assert "no_shard_available_action_exception): watermark held" in follower.note
        server.assign("logs-gone")
        # Written into the past, as a shipper does that could not deliver while its shard was away.
        server.put("logs-gone", *(document(f"late {number}", held) for number in range(5)))
        await follower.until("live again", lambda: follower.state is State.LIVE, 30)
        account = await closed(follower, await asyncio.to_thread(server.count, "logs-*"))
        assert follower.batch.watermark is not None and held is not None and follower.batch.watermark > held
    figures["shards_missing"] = {**account, "states": _said(follower)}
    print(f"\n{figures['shards_missing']}")
    assert account["dropped"] == 0


async def test_when_every_shard_is_missing_the_error_says_why(server: Server) -> None:
    server.create("logs-gone", shards=2)
    server.unassign("logs-gone")
    async with following(server.url, "logs-*") as follower:
        await follower.until("an error", lambda: bool(follower.why), 20)
        assert "HTTP 503" in follower.why
        assert "no_shard_available_action_exception" in follower.why
        assert follower.reading is not None and follower.reading.error is not None
        assert follower.reading.error.kind is FailureKind.OVERLOADED
        server.assign("logs-gone")
        server.put("logs-gone", document("back"))
        await follower.until("live", lambda: follower.state is State.LIVE and follower.received == 1, 30)


class Losing:
    """An index whose point in time is closed under the tail after the first page, as one that has expired."""

    def __init__(self, index: ElasticIndex) -> None:
        self._index = index
        self.loses = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def search(self, body: Json) -> Searched:
        answer = await self._index.search(body)
        if self.loses and "pit" in body and answer.hits.hits:
            self.loses = False
            await self._index.close_pit(answer.pit_id or body["pit"]["id"])
        return answer


async def test_a_point_in_time_that_is_lost_costs_one_poll_and_no_line(server: Server, figures: Json) -> None:
    server.create("logs-pit", shards=2)
    clock = SystemClock()
    backend = Elasticsearch(url=server.url, index="logs-pit")
    index = Losing(ElasticIndex(access(backend), "logs-pit", Meter(clock)))
    tail = Tail(index, clock, log_fields(ScopeNames()), limits=Limits(page=10))  # type: ignore[arg-type]
    try:
        server.put("logs-pit", document("the first line"))
        shown = await _polled(tail, 1)
        index.loses = True
        await asyncio.to_thread(server.put, "logs-pit", *(document(f"line {number}") for number in range(45)))
        lost: list[str] = []
        shown += await _polled(tail, 45, lost)
    finally:
        await index.close()
    print(f"\n{lost}")
    figures["lost_point_in_time"] = {"errors": lost, "shown": len(shown), "twice": len(shown) - len(set(shown))}
    assert len(shown) == len(set(shown)) == server.count("logs-pit") == 46
    assert len(lost) == 1 and "HTTP 404" in lost[0] and "search_context_missing_exception" in lost[0]


async def _polled(tail: Tail, wanted: int, failures: list[str] | None = None) -> list[str]:
    """Polls until so many lines were shown; their ids."""
    ids: list[str] = []
    deadline = time.monotonic() + 30
    while len(ids) < wanted:
        assert time.monotonic() < deadline, f"{len(ids)} of {wanted} lines"
        try:
            batch = (await tail.ask()).value
        except SourceError as error:
            if failures is None:
                raise
            failures.append(error.failure.got)
            continue
        ids += [line.doc_id for line in batch.lines if not line.is_mark]
        await asyncio.sleep(0.2)
    return ids


async def test_counts_by_level_are_those_of_the_server(server: Server, figures: Json) -> None:
    server.create("logs-levels", shards=3)
    async with writing(server, "logs-levels", 2000, 3) as writer:
        told = await writer.told()
    indexed = server.count("logs-levels")
    clock = SystemClock()
    backend = Elasticsearch(url=server.url, index="logs-*")
    readings = levels_source("levels", access(backend), "logs-*", clock, Meter(clock)).readings()
    reading = await anext(readings)
    await readings.aclose()
    assert reading.state is State.LIVE
    counts = reading.value
    assert isinstance(counts, LevelCounts)

    def by(term: str) -> int:
        query = {"query": {"term": {"log.level": term}}}
        return int(server.done("POST", "/logs-levels/_count", query)["count"])

    found = {
        "total": sum(bucket.total for bucket in counts.buckets),
        "error": sum(bucket.errors for bucket in counts.buckets),
        "warn": sum(bucket.warnings for bucket in counts.buckets),
    }
    figures["levels"] = found
    print(f"\n{found}")
    assert found == {"total": indexed, "error": by("error"), "warn": by("warn")}
    assert indexed == told["made"] and found["error"] and found["warn"]


async def diagnosed(server: Server, index: str) -> Diagnosis:
    clock = SystemClock()
    backend = Elasticsearch(url=server.url, index=index)
    chart = doctor.chart(backend, clock)
    try:
        await doctor.ask(chart, backend, ScopeNames(), clock)
    except SourceError as error:
        chart.failed(error.failure)
    return chart.diagnosis()


async def test_doctor_knows_this_server(server: Server, figures: Json) -> None:
    server.create("logs-well")
    found = await diagnosed(server, "logs-*")
    assert found.is_well, found.missing
    assert found.version == server.started["version"]
    assert found.latency_ms is not None and 0 < found.latency_ms < 5000
    assert found.skew_s is not None and abs(found.skew_s) <= 2, "the same machine: whole seconds, and a busy moment"
    assert found.told == "cluster midwatch-lab · health green · 1 index matches logs-*"
    assert any("event.ingested is not a date" in note for note in found.notes)
    figures["doctor"] = {"version": found.version, "latency_ms": found.latency_ms, "skew_s": found.skew_s, "told": found.told}
    print(f"\n{figures['doctor']}")

    assert (await diagnosed(server, "logs-nothing-*")).missing == ("no index matches logs-nothing-*",)

    server.create("logs-gone")
    server.unassign("logs-gone")
    red = await diagnosed(server, "logs-*")
    assert any(one.startswith("health red: 3 shards unassigned") for one in red.missing)


@pytest.mark.parametrize("pattern", ["logs-nothing-*", "logs-nothing"])
async def test_a_pattern_that_matches_nothing_is_said_and_is_served_once_it_does(server: Server, pattern: str) -> None:
    async with following(server.url, pattern) as follower:
        await follower.until("an answer", lambda: follower.polls >= 2, 20)
        if pattern.endswith("*"):
            assert (follower.state, follower.note) == (State.LIVE, "no index matches")
        else:
            assert "HTTP 404: index_not_found_exception: no such index [logs-nothing]" in follower.why
        server.create(pattern.replace("-*", "-after-all"))
        server.put(pattern.replace("-*", "-after-all"), document("here"))
        await follower.until("the first line", lambda: follower.received == 1, 40)
        assert follower.note == "late documents older than 30 s are not shown"


@pytest.mark.parametrize(
    ("mapped", "says"),
    [
        ({"type": "text"}, "text"),
        ({"type": "keyword"}, "keyword"),
        (None, "unmapped"),
    ],
    ids=["text", "keyword", "missing"],
)
async def test_a_timestamp_that_is_no_date_is_a_clear_error(server: Server, mapped: Json | None, says: str) -> None:
    properties = {"message": {"type": "text"}, **({"@timestamp": mapped} if mapped is not None else {})}
    server.create("logs-odd", mapping={"properties": properties, "dynamic": False})
    server.put("logs-odd", document("when was that?"))
    async with following(server.url, "logs-odd") as follower:
        await follower.until("an answer", lambda: follower.polls >= 1, 20)
        print(f"\n{_said(follower)} {follower.note!r}")
        assert follower.state is State.ERROR
        assert follower.why == f"@timestamp is no date in any index: {says}"
    found = await diagnosed(server, "logs-odd")
    assert "@timestamp is not a date in every index" in found.missing
