"""A child: all pods of an API server into the console's table, or into the official client's list; or a watch."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import aclosing

from console.feeds.clock import SystemClock
from tests.bench.harness import peak_mb, resident_mb, tell

PAGE = 500


def ours(url: str, wanted: int) -> None:
    """Until the rows stand in the table and a frame of them is drawn."""
    import aiohttp  # noqa: F401 - loading a connector is not what is measured

    from console.model.joined import Workloads
    from console.model.reading import Reading
    from console.model.scope import Scope
    from console.model.severity import State
    from console.rows import pods as rows
    from console.sources import kubernetes
    from tests.bench.hosts import Ours
    from widgets.table import Table

    clock = SystemClock()
    table: Table[rows.PodRow] = Table(rows.COLUMNS)

    async def load() -> dict[str, float]:
        before, began = resident_mb(), time.process_time()
        source = kubernetes.pods(kubernetes.KubeTarget(cluster="bench", url=url), clock)
        async with aclosing(source.readings()) as readings:
            async for reading in readings:
                if reading.value is not None and len(reading.value.items) >= wanted:
                    break
            listed = time.process_time() - began
            joined = Workloads(pods=reading.value.items, deployments={}, nodes={}, events={}, clusters={"bench": State.LIVE})
            now = clock.now()
            told = Reading(value=joined, state=State.LIVE, received=now, as_of=now.utc)
            table.show(rows.pane(told, Scope(), now).rows)
            table.call_after_refresh(drawn.set)
            await drawn.wait()
            if table.line_count() != wanted:
                raise RuntimeError(f"{table.line_count()} rows of {wanted}")
            spent = time.process_time() - began
            return {"spent_s": spent, "listed_s": listed, "more_mb": resident_mb() - before, "peak_mb": peak_mb() - before}

    drawn = asyncio.Event()
    Ours([table], load).run()


def official(url: str, wanted: int) -> None:
    """The official client, paged the same; its models are only kept, no row is made of them."""
    import gc

    from kubernetes import client

    core = client.CoreV1Api(client.ApiClient(client.Configuration(host=url)))
    gc.collect()
    before, began = resident_mb(), time.process_time()
    pods: list[object] = []
    token = None
    while True:
        page = core.list_pod_for_all_namespaces(limit=PAGE, _continue=token)
        pods += page.items
        token = page.metadata._continue
        if not token:
            break
    spent = time.process_time() - began
    if len(pods) != wanted:
        raise RuntimeError(f"{len(pods)} pods of {wanted}")
    tell({"spent_s": spent, "more_mb": resident_mb() - before, "peak_mb": peak_mb() - before})


async def watched(url: str, events: int) -> None:
    """From the first list to the last event applied: how long, by the clock and by the CPU, the events took."""
    from console.sources import kubernetes

    source = kubernetes.pods(kubernetes.KubeTarget(cluster="bench", url=url), SystemClock())
    last = str(1_000_000 + events)
    began = began_cpu = 0.0
    async with aclosing(source.readings()) as readings:
        async for reading in readings:
            if reading.value is None:
                continue
            if not began:
                began, began_cpu = time.monotonic(), time.process_time()
            if reading.value.resource_version == last:
                break
    tell({"events": events, "wall_s": time.monotonic() - began, "cpu_s": time.process_time() - began_cpu})


async def applied(pods: int, events: int) -> None:
    """The same chunks without HTTP: split into lines, decoded, applied."""
    import random

    from console.sources.kubernetes import PODS, Connection, KubeTarget, Pace
    from console.sources.kubernetes.answer import Where
    from console.sources.kubernetes.lines import Lines
    from console.sources.kubernetes.listwatch import ListWatch
    from console.sources.meter import Meter
    from tests.bench.api_server import events as rendered

    clock = SystemClock()
    target = Connection(KubeTarget(cluster="bench", url="http://127.0.0.1:1"), clock)
    part = ListWatch(PODS, target, None, clock, Meter(clock), random.Random(1), Pace(), lambda: None)
    chunks = rendered(pods, events)
    lines, where = Lines(), Where("watch pods", "bench")
    began = time.process_time()
    for chunk in chunks:
        await part._take(lines, chunk, where)
    tell({"events": events, "cpu_s": time.process_time() - began})
    if part.version != str(1_000_000 + events):
        raise RuntimeError(f"ended at {part.version}")


def main() -> None:
    """`ours|official|watched URL COUNT`, `applied PODS EVENTS`"""
    kind, first, second = sys.argv[1:4]
    match kind:
        case "ours":
            ours(first, int(second))
        case "official":
            official(first, int(second))
        case "watched":
            asyncio.run(watched(first, int(second)))
        case "applied":
            asyncio.run(applied(int(first), int(second)))


if __name__ == "__main__":
    main()
