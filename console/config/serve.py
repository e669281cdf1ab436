"""`[serve]`: where `midwatch serve` listens, who is let in by which keys, and how many of them.

Everything has a default but one: without `authorized_keys` and without `ca_keys` nobody could log in, so a server does not
start that way. Roles are not here: what a person may see and do stands in the policy.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec

from console.config.kinds import Endpoint, FilePath, Seconds

LISTEN = "127.0.0.1:2222"
_ENDPOINT = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([^\[\]:]*)):(\d{1,5})\Z")
Many = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Minutes = Annotated[float, msgspec.Meta(ge=0, le=7 * 86_400, description="seconds; 0: never")]


class Executes(StrEnum):
    """What `ssh host WORD ...` may run. Nothing else ever is."""

    SNAPSHOT = "snapshot"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How many at a time. `unauthenticated` and `per_address` are for connections that have not logged in: past them the oldest
    of the address with the most is dropped, so that no single address can keep others out. The last two are for connections
    that are opened, by one address: so many at once, as when all who sit behind one gateway come back after a restart, and
    from then on so many a second. What is opened faster is closed unheard.
    """

    sessions: Many = 64
    per_user: Many = 8
    unauthenticated: Many = 32
    per_address: Many = 16
    arrivals_at_once: Many = 60
    arrivals_per_s: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 10.0


class Serve(msgspec.Struct, frozen=True, kw_only=True):
    """What `midwatch serve` needs beside a site."""

    listen: Endpoint = LISTEN
    host_key: FilePath | None = None  # None: made once, in the state directory
    authorized_keys: FilePath | None = None  # a directory: one file a person, named as they are
    ca_keys: FilePath | None = None  # whose user certificates are believed
    revoked_keys: FilePath | None = None  # a KRL of ssh-keygen, or lines
    limits: Limits = Limits()
    login_s: Seconds = 20.0  # from the connection to the proof
    idle_s: Minutes = 0.0  # without a key pressed; 0: a wall may be watched without touching it
    keepalive_s: Seconds = 15.0
    keepalive_count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3  # unanswered, and it is gone
    drain_s: Seconds = 30.0  # from SIGTERM to the end of the last session
    exec: tuple[Executes, ...] = (Executes.SNAPSHOT,)
    metrics: Endpoint | None = None


def endpoint(text: str) -> tuple[str, int]:
    """HOST:PORT in two; an IPv6 address stands in brackets, no host means every address. Raises ValueError that says how."""
    found = _ENDPOINT.match(text.strip())
    if found is None or int(found[3]) > 65535:
        raise ValueError(f"`{text[:80]}` is no address; write HOST:PORT, {LISTEN} or [::1]:2222")
    return found[1] or found[2] or "0.0.0.0", int(found[3])


def told(host: str, port: int) -> str:
    """The way back: as `endpoint` reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
