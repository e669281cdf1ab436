"""Starts the servers, says when they are ready, keeps the truth file, and goes when told to.

One process and one loop for all the servers: it must be cheap to start in a test and must leave nothing
behind. It owns its listening sockets itself, because `backend-down` has to close one and still be sure of
the port later: while the backend is down the port stays bound but unheard, which a client sees as a refused
connection and which keeps the system from handing the port to anyone else.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe

import aiohttp
from aiohttp import web

from console.demo import alertmanager, cdn, hls
from console.demo.configuration import POLICY, channels_json, config_toml, put, steering
from console.demo.elasticsearch import server as elasticsearch
from console.demo.haproxy.balancer import Balancer
from console.demo.haproxy.layout import BALANCERS
from console.demo.haproxy.port import Port
from console.demo.kubernetes import credentials
from console.demo.kubernetes import server as kubernetes
from console.demo.prometheus import server as prometheus
from console.demo.settings import Settings
from console.demo.wire import IDENTITY, Bearers, WireLog, middleware
from console.demo.world import truth
from console.demo.world.names import VANTAGES
from console.demo.world.traffic import Traffic
from console.demo.world.world import World

LOOPBACK = "127.0.0.1"
ANSWER_TIMEOUT_S = 20.0
PARENT_POLL_S = 0.5
LOOK_AGAIN_S = 0.5
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


class Steered:
    """What can be written to and moves the traffic. `reader` and `writer` are the CDN's bearer tokens, made anew
    for every platform, as `kubernetes` holds those of the API server."""

    def __init__(self, world: World) -> None:
        self.traffic = Traffic(world)
        self.balancers = tuple(Balancer(name, world) for name in BALANCERS)
        self.reader, self.writer = token_urlsafe(24), token_urlsafe(24)
        self.kubernetes = credentials.drawn()


def applications(world: World, clock: Callable[[], datetime], settings: Settings,
                 steered: Steered) -> dict[str, web.Application]:
    packages = hls.Packages(world)
    gossip = alertmanager.Cluster(clock)
    built = {
        "prometheus": prometheus.app(world, clock, steered.traffic, steered.balancers),
        "alertmanager-0": alertmanager.app(world, clock, peer=0, cluster=gossip),
        "alertmanager-1": alertmanager.app(world, clock, peer=1, cluster=gossip),
        "elasticsearch": elasticsearch.app(world, clock),
        "kubernetes": kubernetes.app(world, clock, kube_version=settings.kube_version,
                                     tokens=steered.kubernetes.users(), open_=True),
        "cdn": cdn.app(steered.traffic, clock, cdn.tokens(steered.reader, steered.writer)),
        **{vantage.name: hls.app(world, clock, vantage, packages) for vantage in VANTAGES},
    }
    # The wire log names who asked; the API server itself looks at the token anew.
    built["kubernetes"][IDENTITY] = Bearers({
        token: user.name for token, user in steered.kubernetes.users().items()
    })
    return built


class Platform:
    """`run` from start to stop; a test may also drive `start` and `stop` itself."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = now) -> None:
        self.settings = settings
        self.clock = clock
        self.world = World(settings.seed, settings.scenario, clock(), settings.start_after_s,
                           settings.duration_s, settings.gap_s)
        self.steered = Steered(self.world)
        self.listeners: dict[str, Listener | Port] = {}
        self._backend: Listener | None = None
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
        for name, application in applications(self.world, self.clock, settings, self.steered).items():
            if self._wire is not None:
                middleware(name, self._wire, self.clock, application)
            served = self.listeners[name] = Listener(name, application, settings.ports.get(name, 0))
            if name == "elasticsearch":
                self._backend = served
        for balancer in self.steered.balancers:
            for name, master in ((balancer.name, False), (f"{balancer.name}-master", True)):
                sock = _bound(name, settings.ports.get(name, 0))
                self.listeners[name] = Port(name, sock, balancer, self.clock, self._wire, master=master)
        for listener in self.listeners.values():
            await listener.start()
        await self._until_all_answer()
        self.world.start = self.clock() - timedelta(seconds=settings.begun_s)
        self._story = asyncio.create_task(self._tell(), name="story")
        ports = {name: listener.port for name, listener in self.listeners.items()}
        put(settings.channels_out, channels_json(ports))
        files = self._token_files()
        put(settings.steering_out, json.dumps(steering(ports, files), indent=1).encode() + b"\n")
        put(settings.policy_out, POLICY.encode(), 0o600)
        for holder, token in self.steered.kubernetes.named().items():
            put(settings.token_out(f"kubernetes-{holder}"), token.encode() + b"\n", 0o600)
        put(Path(settings.config_out), config_toml(
            ports, settings.channels_out.name, str(settings.token_out("kubernetes-writer").absolute()),
            str(settings.policy_out.absolute()), files).encode())

    def _token_files(self) -> dict[str, str]:
        """Puts the CDN's tokens into files of their own, which only their owner may read. By their holder; absolute, so
        that a copy of the configuration finds them too."""
        files = {}
        for holder, token in ((cdn.READER, self.steered.reader), (cdn.WRITER, self.steered.writer)):
            path = self.settings.token_out(holder).absolute()
            put(path, token.encode() + b"\n", 0o600)
            files[holder] = str(path)
        return files

    async def _until_all_answer(self) -> None:
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for name, listener in self.listeners.items():
                try:
                    if isinstance(listener, Port):
                        await asyncio.wait_for(_greeted(listener.port), ANSWER_TIMEOUT_S)
                        continue
                    async with session.get(f"http://{LOOPBACK}:{listener.port}/"):
                        pass
                except (aiohttp.ClientError, OSError, TimeoutError) as wrong:
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
            backend = self._backend
            assert backend is not None
            if self.world.active("backend-down", t) is not None:
                await backend.close()
            else:
                await backend.open()
            change = self.world.next_change(t)
            if change is None:
                return
            wait_s = (change - self.clock()).total_seconds()
            if self.world.faults(t):
                # Somebody may remove the cause before its time.
                wait_s = min(wait_s, LOOK_AGAIN_S)
            await asyncio.sleep(max(0.001, wait_s))

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


async def _greeted(port: int) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(b"show version\n")
        await reader.read()
    finally:
        writer.close()


async def _told(event: asyncio.Event) -> bool:
    await event.wait()
    return True


async def _orphaned(parent_pid: int) -> bool:
    """Returns when the parent is gone. Polled: PR_SET_PDEATHSIG would fire when the parent's *thread*
    ends."""
    while os.getppid() == parent_pid:  # noqa: ASYNC110
        await asyncio.sleep(PARENT_POLL_S)
    return True
