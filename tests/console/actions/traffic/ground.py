"""Where traffic is moved in tests: the embedded platform's CDN and balancers on loopback, under a clock that runs faster
than ours, with something in between that can spoil an answer.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from console.acting.arming import armed
from console.acting.witness import HubWitness
from console.actions.audit.operation import Actor, Ending
from console.actions.plan import Plan
from console.actions.service import ActionService
from console.actions.target import Target
from console.assembly import Engine
from console.config import Config
from console.config.load import load
from console.demo import cdn
from console.demo.configuration import config_toml
from console.demo.haproxy.balancer import Balancer
from console.demo.haproxy.layout import BALANCERS
from console.demo.haproxy.port import Port
from console.demo.prometheus import server as prometheus
from console.demo.wire import WireLog, middleware
from console.demo.world.names import VANTAGES
from console.demo.world.traffic import Traffic
from console.demo.world.world import World
from console.model.instant import Instant
from console.model.severity import State as Seen

MEI = Actor(name="mei", id="1000")
DAWN = datetime(2031, 3, 4, 3, 0, tzinfo=UTC)  # the load is low
POLICY = """
[roles.everybody]
people = ["*"]
may = ["*"]
approve = ["*"]
[low]
reason = false
[medium]
reason = false
[high]
reason = false
approvals = 0
[limits]
traffic_step = 10
max_age_s = 3600
"""


async def until(is_so: Callable[[], object], within_s: float = 10.0) -> None:
    """Look again and again; TimeoutError when it does not become so."""
    async with asyncio.timeout(within_s):
        while not is_so():  # noqa: ASYNC110  what is waited for is a line in a file
            await asyncio.sleep(0.01)


class FastClock:
    """Both clocks run `times` as fast as ours."""

    def __init__(self, times: float = 25.0) -> None:
        self._times = times
        self._began = time.monotonic()

    def now(self) -> Instant:
        passed_s = (time.monotonic() - self._began) * self._times
        return Instant(utc=DAWN + timedelta(seconds=passed_s), mono=1000.0 + passed_s)

    def utc(self) -> datetime:
        return self.now().utc

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self._times)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """`sleep` that ends early."""
        try:
            async with asyncio.timeout(max(0.0, seconds) / self._times):
                await event.wait()
        except TimeoutError:
            pass


class Spoiler:
    """In front of the CDN: what is to happen to the next writes, and to the next looks. Empty: nothing."""

    def __init__(self) -> None:
        self.writes: list[str] = []
        self.looks: list[str] = []
        self.between: Callable[[], None] | None = None  # done once, after the next look was answered

    @web.middleware
    async def spoil(self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
        faults = self.looks if request.method == "GET" else self.writes
        fault = faults.pop(0) if faults else ""
        if fault == "500":
            return web.Response(status=500, text="boom")
        if fault == "429":
            return web.Response(status=429, headers={"Retry-After": "1"})
        if fault == "hang":
            await asyncio.sleep(20)
        answer = await handler(request)
        if fault == "applied-then-dropped":
            assert request.transport is not None
            request.transport.abort()
        if fault == "applied-then-500":
            return web.Response(status=502, text="upstream timed out")
        if fault == "truncated":
            return web.Response(text='{"weights": {"own": 3', content_type="application/json")
        if request.method == "GET" and self.between is not None:
            between, self.between = self.between, None
            between()
        return answer


class Ground:
    """The traffic of one world, and the ways to it."""

    def __init__(self, place: Path, clock: FastClock) -> None:
        self.clock = clock
        self.place = place
        self.world = World(7, "calm", clock.utc() - timedelta(seconds=60))
        self.traffic = Traffic(self.world)
        self.balancers = {name: Balancer(name, self.world) for name in BALANCERS}
        self.spoiler = Spoiler()
        self.ports: dict[str, int] = {}
        self.settle_s = 20
        self.log = place / "wire.jsonl"
        self._wire = WireLog(self.log)
        self._runners: list[web.AppRunner] = []
        self._ports: list[Port] = []

    async def _serve(self, name: str, app: web.Application) -> None:
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.ports[name] = runner.addresses[0][1]

    @web.middleware
    async def _dated(self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
        """The console asks for the moment that the server's clock shows."""
        answer = await handler(request)
        answer.headers["Date"] = format_datetime(self.clock.utc(), usegmt=True)
        return answer

    async def begin(self) -> None:
        tokens = {"cdn-reader": "r" * 20, "cdn-writer": "w" * 20}
        app = cdn.app(self.traffic, self.clock.utc, cdn.tokens(*tokens.values()))
        app.middlewares.insert(0, self.spoiler.spoil)
        middleware("cdn", self._wire, self.clock.utc, app)
        await self._serve("cdn", app)
        metrics = prometheus.app(self.world, self.clock.utc, self.traffic, tuple(self.balancers.values()))
        metrics.middlewares.insert(0, self._dated)
        await self._serve("prometheus", metrics)
        for name, balancer in self.balancers.items():
            for port, master in ((name, False), (f"{name}-master", True)):
                sock = socket.create_server(("127.0.0.1", 0))
                made = Port(port, sock, balancer, self.clock.utc, self._wire, master=master)
                await made.start()
                self._ports.append(made)
                self.ports[port] = made.port
        for name, token in tokens.items():
            path = self.place / f"{name}.token"
            path.write_text(token)
            path.chmod(0o600)
        (self.place / "policy.toml").write_text(POLICY)
        files = {name: str(self.place / f"{name}.token") for name in tokens}
        rest = ("alertmanager-0", "alertmanager-1", "elasticsearch", "kubernetes", *(each.name for each in VANTAGES))
        text = config_toml({**dict.fromkeys(rest, 1), **self.ports}, "", None, str(self.place / "policy.toml"), files)
        (self.place / "site.toml").write_text(text)

    def config(self, **replaced: str) -> Config:
        """The demo's own tables, without the backends that are not here."""
        import tomllib

        import tomli_w

        site = tomllib.loads((self.place / "site.toml").read_text())
        own = site["sites"]["demo"]
        for name in ("alertmanager", "elasticsearch", "kubernetes", "channels"):
            own.pop(name, None)
        own["gauges"] = [each for each in own["gauges"] if each["name"].startswith("cdn")]
        for each in own["switches"].values():
            each["timeout_s"], each["settle_s"] = 2, self.settle_s
        own["haproxy"]["lb"]["settle_s"] = 4
        for key, value in replaced.items():
            own["haproxy"]["lb"]["balancers"][key.replace("_", "-")] = value
        path = self.place / "used.toml"
        path.write_text(tomli_w.dumps(site))
        return load(path, {})

    def writes(self) -> list[dict[str, Any]]:
        """What the wire log says was asked to be changed."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line.get("write")]

    async def end(self) -> None:
        for port in self._ports:
            await port.stop()
        for runner in self._runners:
            await runner.cleanup()
        self._wire.close()


@asynccontextmanager
async def ground(place: Path, clock: FastClock | None = None) -> AsyncIterator[Ground]:
    """A platform of traffic alone."""
    made = Ground(place, clock or FastClock())
    try:
        await made.begin()
        yield made
    finally:
        await made.end()


class Desk:
    """An engine and its service, as `midwatch act` builds them."""

    def __init__(self, here: Ground, **replaced: str) -> None:
        config = here.config(**replaced)
        environ = {"XDG_STATE_HOME": str(here.place / "state"), "HOME": str(here.place)}
        self.engine = Engine.open(config, None, here.clock, environ)
        self.service: ActionService = armed(self.engine, config, environ, MEI)
        self.witness = HubWitness(self.engine.hub, here.clock)  # inside all the while, so that the feeds run

    async def plan(self, action: str, target: str, **given: str) -> Plan:
        """On gauges that were read just now: on a busy machine a fast clock makes them old."""

        def is_fresh() -> bool:
            scene = self.witness.look()
            age_s = scene.capacity.age_s(scene.now) if scene.capacity is not None else None
            return scene.capacity is not None and scene.capacity.state is Seen.LIVE and age_s is not None and age_s < 15

        await until(is_fresh)
        return await self.service.plan(MEI, action, Target.parse(target), {k.replace("_", "-"): v for k, v in given.items()})

    async def run(self, plan: Plan) -> Ending | None:
        assert not plan.refusals, plan.refusals
        await self.service.confirm(MEI, plan.op, plan.hash, plan.to_type, "test")
        return await self.service.start(MEI, plan.op, plan.hash)

    async def close(self) -> None:
        await self.service.close()
        await self.engine.close()


@asynccontextmanager
async def desk(here: Ground, **replaced: str) -> AsyncIterator[Desk]:
    """Closed again, whatever the test says."""
    made = Desk(here, **replaced)
    try:
        async with made.witness:
            yield made
    finally:
        await made.close()


class Proxy:
    """In front of one balancer: what happens to the next commands that set something. Empty: nothing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.faults: list[str] = []
        self.looks: list[str] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def begin(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            faults = self.faults if line.startswith(b"set") else self.looks
            fault = faults.pop(0) if faults else ""
            if fault == "dropped":
                return
            if fault == "hang":
                await asyncio.sleep(20)
            if fault == "garbage":
                writer.write(b"\xff\xfe\x1b]52;c;AAAA\x07 what?\n\n")
                return
            inner, outer = await asyncio.open_connection("127.0.0.1", self._port)
            outer.write(line)
            said = await inner.read(-1)
            outer.close()
            if fault == "applied-then-dropped":
                return
            writer.write(said[: len(said) // 2] if fault == "truncated" else said)
        except OSError:
            return
        finally:
            writer.close()

    async def end(self) -> None:
        assert self._server is not None
        self._server.close()


@asynccontextmanager
async def proxy(port: int) -> AsyncIterator[Proxy]:
    made = Proxy(port)
    await made.begin()
    try:
        yield made
    finally:
        await made.end()
