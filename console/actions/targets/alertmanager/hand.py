"""The hand of one site's Alertmanagers, which are peers of one cluster: what one is told, the others hear by gossip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from console.actions.audit.kinds import Found
from console.actions.audit.operation import Actor, Outcome
from console.actions.targets.http import HttpDoor, Reply
from console.actions.writes import Answer, Echo, SilenceWrite
from console.model.failure import Failure, FailureKind, SourceError
from console.sources.access import Access
from console.sources.sanitise import clean


class AlertmanagerHand:
    """`peers` as they stand in the configuration; a plan names the one that is asked."""

    def __init__(self, access: Access) -> None:
        self.peers = tuple(url.rstrip("/") for url in access.urls)
        self._doors = {
            peer: HttpDoor(msgspec.structs.replace(access, urls=(peer,)), "alertmanager") for peer in self.peers
        }

    async def answering(self) -> str:
        """The first peer that answers. Raises SourceError when none does."""
        said = []
        for peer in self.peers:
            reply = await self._doors[peer].send("GET", f"{peer}/api/v2/status")
            if reply.is_good:
                return peer
            said.append(f"{peer}: {reply.text or reply.words}")
        raise _nobody("; ".join(said))

    async def silences(self, peer: str) -> list[dict[str, Any]]:
        """All silences of a peer, expired ones too. Raises SourceError."""
        reply = await self._doors[peer].send("GET", f"{peer}/api/v2/silences")
        if not reply.is_good:
            raise _nobody(reply.text or reply.words)
        try:
            return msgspec.json.decode(reply.body, type=list[dict[str, Any]])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _nobody(f"not a list of silences: {error}") from error

    async def do(self, write: SilenceWrite, operation: str, person: Actor) -> Answer:
        door = self._doors[write.url]
        headers = {"User-Agent": f"midwatch ({operation})"}
        if write.id:
            reply = await door.send("DELETE", f"{write.url}/api/v2/silence/{quote(write.id, safe='')}", headers=headers)
        else:
            reply = await door.send(
                "POST", f"{write.url}/api/v2/silences", content=write.body.encode(), headers=headers
            )
        return _answered(write, reply)

    async def read_back(self, write: SilenceWrite) -> Echo:
        try:
            every = await self.silences(write.url)
        except SourceError as error:
            return Echo(found=Found.UNCLEAR, text=error.failure.got)
        if write.id:
            return _expired(write, every)
        for each in every:
            if write.marker in str(each.get("comment")):
                return Echo(found=Found.APPLIED, text="the silence is there", uid=clean(str(each.get("id")), 64))
        return Echo(found=Found.ABSENT, text="no silence carries this operation's mark")

    async def close(self) -> None:
        for door in self._doors.values():
            await door.close()


def _answered(write: SilenceWrite, reply: Reply) -> Answer:
    if reply.status is None:
        outcome = Outcome.UNKNOWN if reply.was_sent else Outcome.FAILURE
        return Answer(outcome=outcome, text=reply.text)
    if reply.status == 429:
        return Answer(outcome=Outcome.FAILURE, status=429, text=reply.words, is_busy=True)
    if reply.is_refusal:
        is_drift = reply.status in (404, 409, 412)
        return Answer(outcome=Outcome.FAILURE, status=reply.status, text=reply.words, is_drift=is_drift)
    if not reply.is_good:
        return Answer(outcome=Outcome.UNKNOWN, status=reply.status, text=reply.words)
    if write.id:
        return Answer(outcome=Outcome.SUCCESS, status=reply.status, text="expired", uid=write.id)
    try:
        told: Mapping[str, Any] = msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        told = {}
    minted = told.get("silenceID")
    if not isinstance(minted, str) or not minted:  # a proxy's page, or half an answer
        return Answer(outcome=Outcome.UNKNOWN, status=reply.status, text=f"no id in the answer {reply.words}")
    return Answer(outcome=Outcome.SUCCESS, status=reply.status, text="silenced", uid=clean(minted, 64))


def _expired(write: SilenceWrite, every: list[dict[str, Any]]) -> Echo:
    for each in every:
        if each.get("id") == write.id:
            status = each.get("status")
            state = status.get("state") if isinstance(status, dict) else None
            if state == "expired":
                return Echo(found=Found.APPLIED, text="it has expired", uid=write.id)
            return Echo(found=Found.ABSENT, text=f"it is {clean(str(state), 40)}", uid=write.id)
    return Echo(found=Found.UNCLEAR, text="no silence of this id is there")


def _nobody(got: str) -> SourceError:
    return SourceError(
        Failure(
            kind=FailureKind.UNREACHABLE,
            tried="ask for the silences",
            on="alertmanager",
            got=clean(got, 300),
            hint="is it up? midwatch doctor",
        )
    )
