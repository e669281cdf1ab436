"""The hand of the site's switches. What is there is read right before every write, and the ETag of that very answer goes
with it: who wrote in between makes it a 412 and not a lost change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from console.actions.audit.kinds import Found
from console.actions.audit.operation import Actor, Outcome
from console.actions.bearing import Bearing
from console.actions.targets.http import HttpDoor, Reply
from console.actions.targets.kubernetes.pointer import at, holds
from console.actions.targets.switch.template import is_of
from console.actions.writes import Answer, Echo, Expect, HttpWrite
from console.config.switch import Switch
from console.sources.access import Access
from console.sources.sanitise import clean


class Unseen(Exception):
    """The verify query got no answer that tells the weights. Says what came back."""


class Seen(msgspec.Struct, frozen=True):
    """One answer to the verify query."""

    document: Any
    etag: str


class SwitchHand:
    """`switches`: of each the configuration, the access that reads and the one that writes."""

    def __init__(self, switches: Mapping[str, tuple[Switch, Access, Access]]) -> None:
        self.switches = {name: switch for name, (switch, _, _) in switches.items()}
        self._reading = {name: HttpDoor(access, "switch") for name, (_, access, _) in switches.items()}
        self._writing = {name: HttpDoor(access, "switch") for name, (_, _, access) in switches.items()}

    async def weights(self, name: str, verify_url: str) -> dict[str, int]:
        """Of every target, as they stand. Raises Unseen."""
        seen = await self._see(name, verify_url)
        found: dict[str, int] = {}
        for target, each in self.switches[name].targets.items():
            value = at(seen.document, each.pointer)
            if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
                raise Unseen(f"{each.pointer} of {name} holds {clean(repr(value), 60)} and no weight")
            found[target] = int(value)
        return found

    async def _see(self, name: str, verify_url: str) -> Seen:
        if not is_of(self.switches[name], verify_url):
            raise Unseen(f"{clean(verify_url, 120)} is not at the host of switch {name}")
        reply = await self._reading[name].send("GET", verify_url)
        if not reply.is_good:
            raise Unseen(f"GET {verify_url}: {reply.text or reply.words}")
        try:
            return Seen(msgspec.json.decode(reply.body), reply.headers.get("etag", ""))
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Unseen(f"GET {verify_url}: no JSON: {clean(str(error), 160)}") from error

    async def do(self, write: HttpWrite, operation: str, person: Actor) -> Answer:
        switch = self.switches.get(write.switch)
        if switch is None or not is_of(switch, write.url):
            return _unsent(f"no switch {write.switch} with {clean(write.url, 120)} is configured here")
        try:
            seen = await self._see(write.switch, write.verify_url)
        except Unseen as error:
            return _unsent(str(error))
        if not holds(seen.document, write.before):
            return _unsent(f"{_told(seen.document, write.before)}", is_drift=True)
        headers = {**dict(write.headers), "User-Agent": f"midwatch ({operation})"}
        if write.takes_etag:
            if not seen.etag or seen.etag.startswith("W/"):
                return _unsent(f"the verify query answers {seen.etag or 'no ETag'}, which If-Match cannot hold")
            headers["If-Match"] = seen.etag
        elif write.if_match:
            headers["If-Match"] = write.if_match
        reply = await self._writing[write.switch].send(
            write.method, write.url, content=write.body.encode(), headers=headers
        )
        return _answered(write, reply)

    async def read_back(self, write: HttpWrite) -> Echo:
        try:
            seen = await self._see(write.switch, write.verify_url)
        except Unseen as error:
            return Echo(found=Found.UNCLEAR, text=str(error))
        if holds(seen.document, write.after):
            return Echo(found=Found.APPLIED, text="it holds the weights that were written")
        if holds(seen.document, write.before):
            return Echo(found=Found.ABSENT, text="it holds the weights of before")
        return Echo(found=Found.UNCLEAR, text=f"neither as before nor as written: {_told(seen.document, write.after)}")

    async def bearing(self, write: HttpWrite) -> Bearing:
        """Whether the weights still stand; the load is told by the gauges, not by the switch."""
        try:
            seen = await self._see(write.switch, write.verify_url)
        except Unseen as error:
            return Bearing(trouble=str(error))
        return Bearing(drift="" if holds(seen.document, write.after) else _told(seen.document, write.after))

    async def close(self) -> None:
        for door in (*self._reading.values(), *self._writing.values()):
            await door.close()


def _unsent(why: str, *, is_drift: bool = False) -> Answer:
    return Answer(outcome=Outcome.FAILURE, text=f"nothing was sent: {why}", is_drift=is_drift)


def _told(document: Any, expected: tuple[Expect, ...]) -> str:
    """Which values are not as they should be."""
    wrong = [each for each in expected if not holds(document, (each,))]
    return ", ".join(
        f"{each.pointer} is {clean(repr(at(document, each.pointer)), 40)} and not {each.value}" for each in wrong
    )


def _answered(write: HttpWrite, reply: Reply) -> Answer:
    if reply.status is None:
        outcome = Outcome.UNKNOWN if reply.was_sent else Outcome.FAILURE
        return Answer(outcome=outcome, text=reply.text)
    if reply.status == 429:
        wait = reply.headers.get("retry-after", "")
        return Answer(
            outcome=Outcome.FAILURE,
            status=429,
            text=reply.words,
            is_busy=True,
            retry_after_s=float(wait) if wait.isdecimal() and len(wait) < 6 else None,
        )
    if reply.is_refusal:
        return Answer(
            outcome=Outcome.FAILURE, status=reply.status, text=reply.words, is_drift=reply.status in (409, 412)
        )
    if reply.status not in write.expected_status:
        return Answer(outcome=Outcome.UNKNOWN, status=reply.status, text=reply.words)
    return Answer(outcome=Outcome.SUCCESS, status=reply.status, text="it took the weights")
