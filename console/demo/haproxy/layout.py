"""The balancers' configuration: what a reload goes back to."""

from __future__ import annotations

import msgspec

BALANCERS = ("lb-1", "lb-2")
VERSION = "2.6.12-1+deb12u4"
MAXCONN = 20_000
"""Of a process, and so of each frontend."""


class Server(msgspec.Struct, frozen=True):
    name: str
    id: int
    """From 1 within its backend."""
    address: str
    port: int
    weight: int
    maxconn: int


class Backend(msgspec.Struct, frozen=True):
    name: str
    id: int
    """The proxy's number in the order of the configuration."""
    algorithm: str
    servers: tuple[Server, ...]
    sessions_per_s: float
    """Mean of one balancer's half."""
    hold_s: float
    """How long a session lasts; a drained server empties at this pace."""
    bytes_in: int
    bytes_out: int
    """Of one session."""

    def server(self, name: str) -> Server | None:
        return next((one for one in self.servers if one.name == name or name == f"#{one.id}"), None)


class Frontend(msgspec.Struct, frozen=True):
    name: str
    id: int
    backend: str


def _servers(prefix: str, count: int, net: str, port: int, weight: int, maxconn: int) -> tuple[Server, ...]:
    return tuple(Server(f"{prefix}-{n}", n, f"{net}.{10 + n}", port, weight, maxconn) for n in range(1, count + 1))


# One server of four, or of three, may go; two are too many: the rest then fills to its maxconn.
BACKENDS = (
    Backend("origin", 4, "roundrobin", _servers("origin", 4, "10.20.1", 8080, 100, 500), 800.0, 1.5, 620, 190_000),
    Backend("session-api", 5, "leastconn", _servers("api", 3, "10.20.2", 8443, 50, 80), 300.0, 0.4, 900, 2_400),
)
FRONTENDS = (Frontend("live", 2, "origin"), Frontend("api", 3, "session-api"))


def backend(name: str) -> Backend | None:
    """By its name, or by `#` and its number."""
    return next((one for one in BACKENDS if one.name == name or name == f"#{one.id}"), None)
