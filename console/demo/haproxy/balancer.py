"""One balancer: what was set at runtime, and what its servers carry because of it.

A change is kept with its moment and never undone in the past, so that Prometheus, which asks for scrapes of an
earlier minute, and the socket, which asks for now, are told one story. Sessions are born at once by the new shares
and die at their own pace: that is why a drained server empties over seconds.

A reload starts another process: weights and states of the configuration, counters at 0, no session yet.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from math import exp, tau

import msgspec

from console.demo.haproxy.layout import BACKENDS, Backend, Server
from console.demo.world.course import DAY_S, PAST
from console.demo.world.curve import Curve, Mark
from console.demo.world.scenario import DOOR
from console.demo.world.traffic import Meter
from console.demo.world.world import CROWD_FALL_S, DOOR_RISE_S, World

RISE_S = 1.0
"""From one health check to the next: how long a server that comes back is only `UP 1/3`."""
_STEP_S = 30.0
CODES = ("1xx", "2xx", "3xx", "4xx", "5xx", "other")
_SHARES = {"1xx": 0.0, "2xx": 0.972, "3xx": 0.020, "4xx": 0.006, "5xx": 0.002, "other": 0.0}
DOOR_FULL = 0.86
"""Of the sessions its servers take, that are open while new ones are refused."""
MAX_PROCESSES = 64
"""Processes remembered, the running one included."""
MAX_CHANGES = 5_000
"""Runtime changes remembered of one process; the oldest are then merged into one."""

Key = tuple[str, str]
"""(backend, server)."""


class Status(msgspec.Struct, frozen=True):
    """A server as the runtime API left it."""

    weight: int
    """uweight, 0..256."""
    admin: str
    """ready, drain or maint."""
    changed: datetime
    """When its state last changed; a weight is no state."""
    downs: int = 0
    down_s: float = 0.0
    """Seconds in maintenance that have ended."""
    back: datetime | None = None
    """When it last came out of maintenance."""

    def healthy(self, t: datetime) -> bool:
        """Whether its check has passed twice since it came back."""
        return self.back is None or (t - self.back).total_seconds() >= RISE_S


class Process:
    """From a start to the next reload: who was given which share, and when."""

    def __init__(self, started: datetime, first: bool) -> None:
        self.started = started
        self.first = first
        """The first one has run for as long as the world has a past."""
        self.ended: datetime | None = None
        self.status = {(b.name, s.name): Status(s.weight, "ready", started) for b in BACKENDS for s in b.servers}
        self.downs = {backend.name: 0 for backend in BACKENDS}
        self.changed = {backend.name: started for backend in BACKENDS}
        self.times: list[float] = []
        self._targets: list[dict[Key, float]] = []
        self._statuses: list[dict[Key, Status]] = []
        self._from: list[dict[Key, float]] = []
        """What each server's sessions were worth, as shares, at the moment of each change."""
        self.meters: dict[tuple[str, ...], Meter] = {}
        self._initial, self._initial_status = self.targets(), dict(self.status)

    def targets(self) -> dict[Key, float]:
        """Shares of new sessions; all 0 in a backend without a server to send them to."""
        found: dict[Key, float] = {}
        for backend in BACKENDS:
            weights = {(backend.name, s.name): self.effective(backend, s) for s in backend.servers}
            total = sum(weights.values())
            found |= {key: (weight / total if total else 0.0) for key, weight in weights.items()}
        return found

    def effective(self, backend: Backend, server: Server, at: float | None = None) -> int:
        """The weight it is balanced by; `at` None is now."""
        key = (backend.name, server.name)
        status = self.status[key] if at is None else self.status_at(key, at)
        return status.weight if status.admin == "ready" else 0

    def took(self, t: datetime) -> None:
        """Remembers that from `t` on the status in force is the one that is set now."""
        at = max(t.timestamp(), self.times[-1] if self.times else 0.0)
        present = {(b.name, s.name): self.present(b, s.name, at) for b in BACKENDS for s in b.servers}
        if len(self.times) >= MAX_CHANGES:
            del self.times[1], self._targets[1], self._from[1], self._statuses[1]
        self.times.append(at)
        self._targets.append(self.targets())
        self._from.append(present)
        self._statuses.append(dict(self.status))

    def status_at(self, key: Key, at: float) -> Status:
        index = bisect_right(self.times, at) - 1
        return (self._initial_status if index < 0 else self._statuses[index])[key]

    def share(self, backend: str, server: str, at: float) -> float:
        index = bisect_right(self.times, at) - 1
        return (self._initial if index < 0 else self._targets[index])[backend, server]

    def present(self, backend: Backend, server: str, at: float) -> float:
        """Like `share`, of the sessions that are there: it follows as old ones end."""
        key, index = (backend.name, server), bisect_right(self.times, at) - 1
        if index >= 0:
            since, before, target = self.times[index], self._from[index][key], self._targets[index][key]
        else:
            since, target = self.started.timestamp(), self._initial[key]
            before = target if self.first else 0.0
        return target + (before - target) * exp(-max(0.0, at - since) / backend.hold_s)

    # The nodes of its counters (world/traffic.py, Steps)

    @property
    def since(self) -> float | None:
        if not self.first:
            return self.started.timestamp()
        return self.times[0] if self.times else None

    def following(self, at: float) -> float:
        index = bisect_right(self.times, at)
        return min(at + _STEP_S, self.times[index]) if index < len(self.times) else at + _STEP_S


class Balancer:
    """`name` is lb-1 or lb-2. Not for two threads."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world
        self._start = world.start
        self._processes = [Process(world.start - PAST, first=True)]
        self._reloads = 0
        self._curves = {backend.name: self._curve(backend) for backend in BACKENDS}

    def _curve(self, backend: Backend) -> Curve:
        mean, phase = backend.sessions_per_s, self.world.phase
        calm = Curve(mean, ((0.10 * mean, tau / DAY_S, phase(f"haproxy/{backend.name}")),
                            (0.03 * mean, tau / 300.0, phase(f"haproxy/{self.name}/{backend.name}"))))
        if backend.name != DOOR:
            return calm
        # The door lets in what its servers bear; whom it refuses costs no session.
        full = DOOR_FULL * sum(server.maxconn for server in backend.servers) / backend.hold_s
        return calm.plus(Curve(0.0, (), (Mark("capacity-crunch", full, DOOR_RISE_S, CROWD_FALL_S, calm),)))

    @property
    def process(self) -> Process:
        """The one that runs."""
        if self._start != self.world.start:
            # The platform has just become ready: its past ends at that moment. Nothing was set before.
            self._start = self.world.start
            self._processes = [Process(self._start - PAST, first=True)]
        return self._processes[-1]

    def at(self, t: datetime) -> Process:
        """The one that ran then."""
        newest = self.process
        return next((one for one in reversed(self._processes) if one.started <= t), newest)

    @property
    def pid(self) -> int:
        return 700 + 37 * self._reloads + int.from_bytes(blake2b(self.name.encode(), digest_size=1).digest())

    # What the runtime API does

    def set_weight(self, key: Key, weight: int, t: datetime) -> None:
        self._set(key, msgspec.structs.replace(self.process.status[key], weight=weight), t)

    def set_admin(self, key: Key, admin: str, t: datetime) -> None:
        """`admin` is ready, drain or maint. What it is already, it stays untouched."""
        status = self.process.status[key]
        if status.admin == admin:
            return
        changes: dict[str, object] = {"admin": admin, "changed": t}
        if admin == "maint":
            changes["downs"] = status.downs + 1
        if status.admin == "maint":
            changes |= {"back": t, "down_s": status.down_s + (t - status.changed).total_seconds()}
        self._set(key, msgspec.structs.replace(status, **changes), t)

    def _set(self, key: Key, status: Status, t: datetime) -> None:
        process = self.process
        backend = next(one for one in BACKENDS if one.name == key[0])
        before = self.weight(backend, process)
        process.status[key] = status
        after = self.weight(backend, process)
        if bool(before) != bool(after):
            process.changed[backend.name] = t
            process.downs[backend.name] += not after
        process.took(t)

    def reload(self, t: datetime) -> None:
        """Another process takes over; the old one's sessions end where nobody counts them."""
        self.process.ended = t
        self._processes.append(Process(t, first=False))
        self._reloads += 1
        del self._processes[:-MAX_PROCESSES]

    # What it carries

    @staticmethod
    def weight(backend: Backend, process: Process, t: datetime | None = None) -> int:
        at = None if t is None else t.timestamp()
        return sum(process.effective(backend, server, at) for server in backend.servers)

    @staticmethod
    def active(backend: Backend, process: Process, t: datetime) -> int:
        return sum(1 for server in backend.servers if process.effective(backend, server, t.timestamp()))

    def set_at(self, backend: Backend, server: Server, t: datetime) -> Status:
        """What was in force then."""
        return self.at(t).status_at((backend.name, server.name), t.timestamp())

    def status(self, backend: Backend, server: Server, t: datetime) -> str:
        """As the exporter's state label has it."""
        return {"ready": "UP", "drain": "DRAIN", "maint": "MAINT"}[self.set_at(backend, server, t).admin]

    def sessions_per_s(self, backend: Backend, t: datetime) -> float:
        """All that come, whether there is a server for them or not."""
        return self.world.value(self._curves[backend.name], t)

    def wanted(self, backend: Backend, server: Server, t: datetime) -> float:
        """Sessions that would be open at once, were there no maxconn."""
        share = self.at(t).present(backend, server.name, t.timestamp())
        return share * self.sessions_per_s(backend, t) * backend.hold_s

    def current(self, backend: Backend, server: Server, t: datetime) -> int:
        return min(server.maxconn, round(self.wanted(backend, server, t)))

    def queued(self, backend: Backend, server: Server, t: datetime) -> int:
        """Whoever waits longer than the queue's timeout is answered with 503."""
        over = self.wanted(backend, server, t) - server.maxconn
        return max(0, min(server.maxconn // 4, round(over)))

    def rate(self, backend: Backend, server: Server, t: datetime) -> float:
        """New sessions/s."""
        return self.at(t).share(backend.name, server.name, t.timestamp()) * self.sessions_per_s(backend, t)

    def failing(self, backend: Backend, server: Server, t: datetime) -> float:
        """The share of what it is given that finds no room in it, 0..1."""
        wanted = self.wanted(backend, server, t)
        return max(0.0, 1.0 - server.maxconn / wanted) if wanted > 0 else 0.0

    def response_rate(self, backend: Backend, server: Server, code: str, t: datetime) -> float:
        failing, rate = self.failing(backend, server, t), self.rate(backend, server, t)
        return rate * ((1 - failing) * _SHARES[code] + (failing if code == "5xx" else 0.0))

    # Counters of the process that ran at `t`

    def sessions_total(self, backend: Backend, server: Server, t: datetime) -> int:
        return self._count(backend, server, "sessions", 1.0, lambda at: self.rate(backend, server, at), t)

    def responses_total(self, backend: Backend, server: Server, code: str, t: datetime) -> int:
        return self._count(backend, server, code, _SHARES[code],
                           lambda at: self.response_rate(backend, server, code, at), t)

    def _count(self, backend: Backend, server: Server, what: str, part: float, rate: Callable[[datetime], float],
               t: datetime) -> int:
        initial = server.weight / sum(one.weight for one in backend.servers)
        return self._metered((backend.name, server.name, what), self._curves[backend.name].times(initial * part), rate, t)

    def _metered(self, name: tuple[str, ...], past: Curve, rate: Callable[[datetime], float], t: datetime) -> int:
        """`past` is its rate until the first change of the first process."""
        process = self.at(t)
        meter = process.meters.get(name)
        if meter is None:

            def closed(at: datetime) -> float:
                return self.world.total(past, at) if process.first else 0.0

            meter = process.meters[name] = Meter(process, closed, rate)
        return int(meter.value(t))

    def unserved_total(self, backend: Backend, t: datetime) -> int:
        """What came while no server was there to take it."""

        def rate(at: datetime) -> float:
            taken = sum(self.rate(backend, server, at) for server in backend.servers)
            return max(0.0, self.sessions_per_s(backend, at) - taken) if taken == 0 else 0.0

        return self._metered((backend.name, "", "unserved"), Curve(0.0), rate, t)

    def requests_total(self, backend: Backend, t: datetime) -> int:
        """All that came to the backend, the ones without a server too."""
        process, curve = self.at(t), self._curves[backend.name]
        before = 0.0 if process.first else self.world.total(curve, process.started)
        return int(self.world.total(curve, t) - before)

    def uptime_s(self, t: datetime) -> int:
        return int((t - self.at(t).started).total_seconds())


def since_epoch(t: datetime) -> int:
    return int(t.astimezone(UTC).timestamp())
