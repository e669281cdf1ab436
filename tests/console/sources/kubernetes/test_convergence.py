"""Whatever happens to the server and to the line, the reflector ends where the server is, and asks in moderation.

Against the embedded platform's API server over loopback: random writes, compactions, watches ended cleanly, in the middle of a
line, or with a 410, and restarts on the same port.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from console.demo.kubernetes.server import app
from console.demo.kubernetes.store import Store
from console.demo.world.world import World
from console.model.severity import State
from console.sources.kubernetes import KubeTarget, Pace, deployments, events, nodes, pods

BEGIN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
DEADLINE_S = 15.0
NAMES = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.one_of(
    st.tuples(st.just("apply"), NAMES, st.sampled_from(["Pending", "Running", "Failed"])),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("compact")),
    st.tuples(st.just("end"), st.sampled_from(["clean", "cut", "expired"])),
    # A real server is often new after it: its cache remembers nothing from before.
    st.tuples(st.just("restart"), st.booleans()),
    st.tuples(st.just("settle")),
)


class Server:
    """The platform's API server over one store, that can go away and come back."""

    def __init__(self, world_or_store) -> None:
        self.store = world_or_store if isinstance(world_or_store, Store) else None
        self.world = World(1, "calm", BEGIN)
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        application = app(self.world, lambda: BEGIN + timedelta(seconds=5), store=self.store)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def target(self) -> KubeTarget:
        return KubeTarget(cluster="c1", url=f"http://127.0.0.1:{self.port}", timeout_s=2.0)


def wanted(store) -> dict[str, tuple[str, str]]:
    objects = (stored.read() for stored in store.all("pods"))
    return {f"c1/live/{o['metadata']['name']}": (o["metadata"]["uid"], o["status"]["phase"]) for o in objects}


def had(reading) -> dict[str, tuple[str, str]] | None:
    return None if reading.value is None else {key: (pod.uid, pod.phase) for key, pod in reading.value.items.items()}


def _is_there(latest, store) -> bool:
    return bool(latest) and latest[0].state is State.LIVE and had(latest[0]) == wanted(store)


async def follow(steps, seed, fast_clock) -> None:
    store = Store(lambda: datetime.now(UTC), seed=seed)
    server = Server(store)
    await server.start()
    source = pods(server.target, fast_clock(speed=100.0), rng=random.Random(seed), pace=Pace(page_objects=2))
    latest = []
    folded: dict[str, object] = {}

    async def read() -> None:
        async for reading in source.readings():
            latest[:] = [reading]
            if reading.value is None:
                continue
            # A consumer that follows `changed` must end where one that takes the whole snapshot does.
            keys = reading.value.changed
            if keys is None:
                folded.clear()
                keys = reading.value.items.keys()
            for key in keys:
                folded.pop(key, None)
                if key in reading.value.items:
                    folded[key] = reading.value.items[key]

    async def converged() -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not _is_there(latest, store):  # noqa: ASYNC110, it is a condition over two systems
                await asyncio.sleep(0.002)

    task = asyncio.create_task(read())
    disruptions = 1
    try:
        for step in steps:
            match step:
                case ("apply", name, phase):
                    store.apply(
                        {
                            "kind": "Pod",
                            "apiVersion": "v1",
                            "metadata": {"name": name, "namespace": "live"},
                            "spec": {"containers": [{"name": "app", "image": "x:1"}]},
                            "status": {"phase": phase},
                        }
                    )
                case ("delete", name):
                    store.delete("pods", "live", name)
                case ("compact",):
                    store.compact()
                    disruptions += 1
                case ("end", how):
                    store.close_watches(how)
                    disruptions += 1
                case ("restart", is_new):
                    await server.stop()
                    if is_new:
                        store.compact()
                    await server.start()
                    disruptions += 1
                case ("settle",):
                    await converged()
            await asyncio.sleep(0)
        await converged()
        assert folded == dict(latest[0].value.items)
        # Each disruption may cost a retry or two, a list of three pages and a watch; a hot loop would cost hundreds.
        assert source.cost.requests <= 12 * (disruptions + 1)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await server.stop()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14), seed=st.integers(0, 1000))
@example(
    steps=[
        ("apply", "a", "Running"),
        ("settle",),
        ("delete", "a"),
        ("compact",),
        ("end", "cut"),
        ("settle",),
    ],
    seed=1,
)
@example(steps=[("apply", "a", "Running"), ("settle",), ("restart", False), ("delete", "a"), ("compact",)], seed=2)
@example(steps=[("settle",), *[("end", "expired")] * 10], seed=3)
def test_the_reflector_converges_to_the_server_with_few_requests(fast_clock, steps, seed):
    asyncio.run(follow(steps, seed, fast_clock))


async def test_the_whole_embedded_cluster_is_read(clock, reading):
    server = Server(None)
    await server.start()
    try:
        async with reading(pods(server.target, clock)) as reader:
            got = await reader.until(lambda r: r.value is not None)
            platform = [pod for pod in got.value.items.values() if pod.namespace in ("live", "vod", "platform")]
            assert (len(platform), len(got.value.items)) == (400, 428)
            assert {pod.region for pod in platform} == {"apac", "emea", "amer"}
            assert all(pod.status == "Running" for pod in got.value.items.values())
        async with reading(nodes(server.target, clock)) as reader:
            got = await reader.until(lambda r: r.value is not None)
            assert len(got.value.items) == 24
            assert all(node.is_ready for node in got.value.items.values())
        async with reading(deployments(server.target, clock)) as reader:
            got = await reader.until(lambda r: r.value is not None)
            packager = got.value.items["c1/live/packager-emea"]
            assert (packager.version, packager.is_rolling) == ("3.8.1", False)
        async with reading(events(server.target, clock)) as reader:
            got = await reader.until(lambda r: r.value is not None)
            assert got.state is State.LIVE
    finally:
        await server.stop()
