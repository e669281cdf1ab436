"""Starts the servers, says when they are ready, keeps the truth file, and goes when told to.

One process and one loop for all ten servers: it must be cheap to start in a test and must leave nothing
behind. It owns its listening sockets itself, because `backend-down` has to close one and still be sure of
the port later: while the backend is down the port stays bound but unheard, which a client sees as a refused
connection and which keeps the system from handing the port to anyone else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web

from console.demo import alertmanager, hls
from console.demo.configuration import channels_json, config_toml, put
from console.demo.elasticsearch import server as elasticsearch
from console.demo.kubernetes import server as kubernetes
from console.demo.prometheus import server as prometheus
from console.demo.settings import Settings
from console.demo.wire import WireLog, middleware
from console.demo.world import truth
from console.demo.world.names import VANTAGES
from console.demo.world.world import World

LOOPBACK = "127.0.0.1"
ANSWER_TIMEOUT_S = 20.0
PARENT_POLL_S = 0.5
BACKLOG = 512


def now() -> datetime:
    return datetime.now(UTC)


def _bound(name: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet. Raises OSError naming server and port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LOOPBACK, port))
    except OSError as wrong:
        sock.close()
        raise OSError(wrong.errno, f"{name}: cannot bind {LOOPBACK}:{port}: {wrong.strerror}; "
                                   "is another platform running on it?") from wrong
    return sock


class Listener:
    """One server on one port, which it keeps from `start` to `stop` even while it is closed."""

    def __init__(self, name: str, application: web.Application, port: int = 0) -> None:
        self.name = name
        self._sock = _bound(name, port)
        self.port: int = self._sock.getsockname()[1]
        # A watch has no end of its own: its handler is cancelled when the client or the platform leaves.
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True,
                                     shutdown_timeout=0.5)
        self._site: web.SockSite | None = None

    async def start(self) -> None:
        await self._runner.setup()
        await self.open()

    @property
    def is_open(self) -> bool:
        return self._site is not None

    async def open(self) -> None:
        if self._site is None:
            self._site = web.SockSite(self._runner, self._sock, backlog=BACKLOG)
            await self._site.start()

    async def close(self) -> None:
        """No new connection and no old one; the application itself, and its past, live on."""
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()
            self._sock.close()
            self._sock = _bound(self.name, self.port)
            server = self._runner.server
            for connection in list(server.connections if server is not None else ()):
                connection.force_close()

    async def stop(self) -> None:
        await self._runner.cleanup()
        self._sock.close()


def applications(world: World, clock: Callable[[], datetime],
                 settings: Settings) -> dict[str, web.Application]:
    packages = hls.Packages(world)
    return {
        "prometheus": prometheus.app(world, clock),
        "alertmanager-0": alertmanager.app(world, clock, peer=0),
        "alertmanager-1": alertmanager.app(world, clock, peer=1),
        "elasticsearch": elasticsearch.app(world, clock),
        "kubernetes": kubernetes.app(world, clock, kube_version=settings.kube_version),
        **{vantage.name: hls.app(world, clock, vantage, packages) for vantage in VANTAGES},
    }


class Platform:
    """`run` from start to stop; a test may also drive `start` and `stop` itself."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = now) -> None:
        self.settings = settings
        self.clock = clock
        self.world = World(settings.seed, settings.scenario, clock(), settings.start_after_s,
                           settings.duration_s, settings.gap_s)
        self.listeners: dict[str, Listener] = {}
        self._wire: WireLog | None = None
        self._truth: truth.TruthFile | None = None
        self._story: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when every port has answered and FILE is in place. Raises OSError when a port or a file is
        not to be had; what was started by then is stopped by `stop`."""
        settings = self.settings
        if settings.wire_log is not None:
            self._wire = WireLog(Path(settings.wire_log))
        if settings.truth_out is not None:
            self._truth = truth.TruthFile(Path(settings.truth_out))
        for name, application in applications(self.world, self.clock, settings).items():
            if self._wire is not None:
                middleware(name, self._wire, self.clock, application)
            self.listeners[name] = Listener(name, application, settings.ports.get(name, 0))
        for listener in self.listeners.values():
            await listener.start()
        await self._until_all_answer()
        self.world.start = self.clock()
        self._story = asyncio.create_task(self._tell(), name="story")
        ports = {name: listener.port for name, listener in self.listeners.items()}
        put(settings.channels_out, channels_json(ports))
        put(Path(settings.config_out), config_toml(ports, settings.channels_out.name).encode())

    async def _until_all_answer(self) -> None:
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for name, listener in self.listeners.items():
                try:
                    async with session.get(f"http://{LOOPBACK}:{listener.port}/"):
                        pass
                except (aiohttp.ClientError, TimeoutError) as wrong:
                    raise OSError(f"{name} does not answer on {LOOPBACK}:{listener.port}: "
                                  f"{wrong or 'timed out'}") from wrong

    async def _tell(self) -> None:
        """Writes what has happened and opens or closes Elasticsearch, at every change of the world."""
        told = self.world.start - timedelta(microseconds=1)
        while True:
            t = self.clock()
            if self._truth is not None:
                self._truth.append(truth.events(self.world, told, t))
            told = t
            backend = self.listeners["elasticsearch"]
            if self.world.active("backend-down", t) is not None:
                await backend.close()
            else:
                await backend.open()
            change = self.world.next_change(t)
            if change is None:
                return
            await asyncio.sleep(max(0.001, (change - self.clock()).total_seconds()))

    async def stop(self) -> None:
        if self._story is not None:
            self._story.cancel()
            await asyncio.gather(self._story, return_exceptions=True)
        await asyncio.gather(*(listener.stop() for listener in self.listeners.values()))
        if self._wire is not None:
            self._wire.close()

    async def run(self) -> None:
        """Until SIGTERM, SIGINT, the parent's death, or a failure of the story, which is raised."""
        loop = asyncio.get_running_loop()
        told_to_stop = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, told_to_stop.set)
        reasons: list[asyncio.Task[bool]] = [asyncio.create_task(_told(told_to_stop), name="signal")]
        if self.settings.parent_pid is not None:
            reasons.append(asyncio.create_task(_orphaned(self.settings.parent_pid), name="parent"))
        starting = asyncio.create_task(self.start(), name="start")
        try:
            await asyncio.wait((starting, *reasons), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await self._until_one_of(reasons)
        finally:
            for task in (starting, *reasons):
                task.cancel()
            await asyncio.gather(starting, *reasons, return_exceptions=True)
            await self.stop()

    async def _until_one_of(self, reasons: list[asyncio.Task[bool]]) -> None:
        waiting: set[asyncio.Task[bool] | asyncio.Task[None]] = {*reasons}
        if self._story is not None:
            waiting.add(self._story)
        while True:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if done & {*reasons}:
                return


async def _told(event: asyncio.Event) -> bool:
    await event.wait()
    return True


async def _orphaned(parent_pid: int) -> bool:
    """Returns when the parent is gone. Polled: PR_SET_PDEATHSIG would fire when the parent's *thread*
    ends."""
    while os.getppid() == parent_pid:  # noqa: ASYNC110
        await asyncio.sleep(PARENT_POLL_S)
    return True
