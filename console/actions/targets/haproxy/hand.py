"""The hand of the site's balancers: reads what is there right before it writes, because nothing else would keep it from
writing over what somebody else did a moment ago.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from console.actions.audit.kinds import Found
from console.actions.audit.operation import Actor, Outcome
from console.actions.bearing import Bearer, Bearing
from console.actions.targets.haproxy.runtime import Runtime, Unasked, Unheard
from console.actions.targets.haproxy.tables import READY, Figures, Server, Unreadable, figures, servers
from console.actions.writes import Answer, Echo, HaproxyWrite
from console.config.balancers import Balancers
from console.config.traffic import HAPROXY_NAME
from console.sources.sanitise import clean

_COMMAND = re.compile(
    rf"set server {HAPROXY_NAME.pattern}/{HAPROXY_NAME.pattern} (?:weight [0-9]{{1,3}}|state (?:ready|drain|maint))"
)
BACKEND = "BACKEND"
_ROWS = 2 + 4  # of backends and of servers


class Unknown(Exception):
    """The balancer could not be asked, or what it said could not be read. Says which one and what came back."""


class HaproxyHand:
    """All groups of one site. A write names its balancer as `GROUP/BALANCER`."""

    def __init__(self, groups: Mapping[str, Balancers]) -> None:
        self.groups = groups
        self._runtimes = {
            f"{group}/{name}": Runtime(name, address, each.timeout_s)
            for group, each in groups.items()
            for name, address in each.balancers.items()
        }

    async def servers(self, balancer: str, backend: str) -> dict[str, Server]:
        """As the balancer has them now. Raises Unknown."""
        try:
            return servers(await self._read(balancer, f"show servers state {backend}"), backend)
        except Unreadable as error:
            raise Unknown(f"{balancer}: {error}") from error

    async def figures(self, balancer: str, there: Mapping[str, Server]) -> dict[str, Figures]:
        """What those of one backend carry now. Raises Unknown."""
        one = next(iter(there.values()), None)
        if one is None:
            return {}
        try:
            return figures(await self._read(balancer, f"show stat {one.backend_id} {_ROWS} -1"), one.backend)
        except Unreadable as error:
            raise Unknown(f"{balancer}: {error}") from error

    async def _read(self, balancer: str, command: str) -> str:
        try:
            return await self._runtimes[balancer].ask(command)
        except (Unasked, Unheard) as error:
            raise Unknown(str(error)) from error

    async def do(self, write: HaproxyWrite, operation: str, person: Actor) -> Answer:
        if not _COMMAND.fullmatch(write.command):
            return Answer(outcome=Outcome.FAILURE, text=f"nothing was sent: {clean(write.command, 120)!r} is no such command")
        try:
            there = await self.servers(write.balancer, write.backend)
        except Unknown as error:
            return Answer(outcome=Outcome.FAILURE, text=f"nothing was sent: {error}")
        against = _against(write, there)
        if against:
            return Answer(outcome=Outcome.FAILURE, text=f"nothing was sent: {against}", is_drift=True)
        try:
            said = await self._runtimes[write.balancer].ask(write.command)
        except Unasked as error:
            return Answer(outcome=Outcome.FAILURE, text=f"nothing was sent: {error}")
        except Unheard as error:
            return Answer(outcome=Outcome.UNKNOWN, text=str(error))
        if said.strip():
            return Answer(outcome=Outcome.FAILURE, text=f"{write.balancer}: {clean(said.strip(), 300)}")
        return Answer(outcome=Outcome.SUCCESS, text=f"{write.balancer} took it")

    async def read_back(self, write: HaproxyWrite) -> Echo:
        try:
            there = await self.servers(write.balancer, write.backend)
        except Unknown as error:
            return Echo(found=Found.UNCLEAR, text=str(error))
        server = there.get(write.server)
        if server is None:
            return Echo(found=Found.UNCLEAR, text=f"{write.balancer} has no {write.backend}/{write.server} any more")
        value = server.field(write.field)
        text = f"{write.balancer}: {write.backend}/{write.server} {write.field} is {value}"
        if value == write.after:
            return Echo(found=Found.APPLIED, text=text)
        return Echo(found=Found.ABSENT if value == write.before else Found.UNCLEAR, text=text)

    async def bearing(self, write: HaproxyWrite) -> Bearing:
        """Of the whole backend on this balancer."""
        try:
            every = await self.servers(write.balancer, write.backend)
            found = await self.figures(write.balancer, every)
        except Unknown as error:
            return Bearing(trouble=str(error))
        name, there = write.balancer.partition("/")[2], every.get(write.server)
        value = there.field(write.field) if there is not None else "not there"
        drift = ""
        if value != write.after:
            drift = f"{write.field} of {write.server} is {value} and not {write.after}: reloaded, or set by somebody else"
        return Bearing(drift=f"{name}: {drift}" if drift else "", bearers=bearers(name, found))

    async def close(self) -> None:
        """Nothing is kept open."""


def bearers(balancer: str, found: Mapping[str, Figures]) -> tuple[Bearer, ...]:
    """The servers of a backend on one balancer; the backend itself for its errors, without a load of its own."""
    return tuple(
        Bearer(
            name=f"{balancer} {each.backend}/{each.server}" if each.server != BACKEND else f"{balancer} {each.backend}",
            used=float(each.sessions) if each.server != BACKEND else None,
            total=float(each.limit) if each.limit and each.server != BACKEND else None,
            is_up=each.is_up,
            requests=each.requests,
            errors=each.errors,
        )
        for each in found.values()
    )


def _against(write: HaproxyWrite, there: Mapping[str, Server]) -> str:
    """Why it must not be sent now: it is not as planned, or nobody would be left."""
    server = there.get(write.server)
    name = f"{write.backend}/{write.server}"
    if server is None:
        return f"{write.balancer} has no {name}"
    value = server.field(write.field)
    if value != write.before:
        return f"{write.balancer}: {write.field} of {name} is {value} and not {write.before}"
    takes_away = write.after == "0" if write.field == "weight" else write.after != READY
    if takes_away and not any(each.takes_traffic for each in there.values() if each.name != write.server):
        return f"{write.balancer}: {name} is the last of {write.backend} that takes traffic"
    return ""
