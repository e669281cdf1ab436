"""What a host name resolves to, and which of its addresses are out of bounds.

Lookups have threads of their own: the system's resolver cannot be interrupted, and a name server that hangs must hold up
neither the loop nor, by filling the loop's few threads, the names of everybody else. One lookup per name at a time.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from console.probe.address import ForbiddenAddress, is_forbidden, literal

KEPT_S = 30.0
KEPT_FAILURE_S = 1.0
NAMES = 1024  # a playlist can name any number of hosts
THREADS = 32


class Names:
    """The resolver of one prober."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._known: dict[str, tuple[float, asyncio.Future[tuple[str, ...]]]] = {}

    async def addresses(self, host: str, guard: bool, is_own_loopback: bool) -> tuple[str, ...]:
        """Where the host is, the families taking turns (RFC 8305). `guard`: foreign text named it. Raises OSError in words,
        ForbiddenAddress.
        """
        address = literal(host)
        found = (address,) if address is not None else await self._looked_up(host)
        if not guard:
            return found
        allowed = tuple(one for one in found if not is_forbidden(one, is_own_loopback))
        if not allowed:
            verb = "is" if address is not None else "resolves to"
            raise ForbiddenAddress(f"{host} {verb} an address that only this machine can reach")
        return allowed

    def close(self) -> None:
        """A lookup under way ends in its thread; nobody waits for it."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        self._known.clear()

    async def _looked_up(self, host: str) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        known = self._known.get(host)
        if known is not None and (not known[1].done() or loop.time() < known[0]):
            return await asyncio.shield(known[1])
        if len(self._known) >= NAMES:
            self._known = {name: entry for name, entry in self._known.items() if not entry[1].done()}
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "names")
        asked = loop.run_in_executor(self._threads, _resolved, host)
        self._known[host] = (0.0, asked)
        asked.add_done_callback(lambda done: self._keep(host, done))
        return await asyncio.shield(asked)

    def _keep(self, host: str, done: asyncio.Future[tuple[str, ...]]) -> None:
        if self._known.get(host, (0.0, None))[1] is not done:
            return
        if done.cancelled():
            del self._known[host]
            return
        kept_s = KEPT_S if done.exception() is None else KEPT_FAILURE_S
        self._known[host] = (done.get_loop().time() + kept_s, done)


def _resolved(host: str) -> tuple[str, ...]:
    try:  # bytes: a str would be encoded by a codec that takes 10 ms to import
        found = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise OSError(f"the name {host} cannot be resolved: {error.strerror}") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    first = [one for one in addresses if (":" in one) == (":" in addresses[0])]
    other = [one for one in addresses if one not in first]
    return tuple(
        one for pair in zip(first, other, strict=False) for one in pair
    ) + tuple(first[len(other) :] or other[len(first) :])
