"""The hand of one site's Alertmanagers, which are peers of one cluster: what one is told, the others hear by gossip."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from console.actions.audit.kinds import Found
from console.actions.audit.operation import Actor, Outcome
from console.actions.targets.http import HttpDoor, Reply
from console.actions.writes import Answer, Echo, SilenceWrite
from console.model.failure import Failure, FailureKind, SourceError
from console.sources.access import Access
from console.sources.sanitise import clean

PATIENCE_S = 2.0
LIST_LIMIT = 64_000_000  # bytes: expired silences are kept for days, and a bad night has thousands of alerts
T = TypeVar("T")


class Told(msgspec.Struct, frozen=True):
    """An alert as its Alertmanager tells it: foreign text, not to be shown."""

    fingerprint: str
    labels: dict[str, str]


class AlertmanagerHand:
    """`peers` as they stand in the configuration; a plan names the one that is asked."""

    def __init__(self, access: Access) -> None:
        self.peers = tuple(url.rstrip("/") for url in access.urls)
        self._doors = {
            peer: HttpDoor(msgspec.structs.replace(access, urls=(peer,)), "alertmanager") for peer in self.peers
        }

    async def answering(self) -> str:
        """The first peer, as they are configured, that answers; all are asked at once, and one that hangs is waited for
        no longer than PATIENCE_S. Raises SourceError when none answers.
        """
        asked = {peer: asyncio.create_task(self._status(peer)) for peer in self.peers}
        try:
            await asyncio.wait(asked.values(), timeout=PATIENCE_S)
            for task in asyncio.as_completed(asked.values()):
                await task
                for peer, each in asked.items():
                    if each.done() and each.result().is_good:
                        return peer
            replies = {peer: task.result() for peer, task in asked.items()}
        finally:
            for each in asked.values():
                each.cancel()
            await asyncio.gather(*asked.values(), return_exceptions=True)
        raise _nobody("; ".join(f"{peer}: {reply.text or reply.words}" for peer, reply in replies.items()))

    async def _status(self, peer: str) -> Reply:
        return await self._doors[peer].send("GET", f"{peer}/api/v2/status")

    async def silences(self, peer: str) -> list[dict[str, Any]]:
        """All silences of a peer, expired ones too. Raises SourceError."""
        return await self._listed(peer, "silences", dict[str, Any])

    async def alerts(self, peer: str) -> dict[str, Told]:
        """By fingerprint, with their labels as they are and not as they may be shown: a silence matches bytes.

        Raises SourceError.
        """
        return {each.fingerprint: each for each in await self._listed(peer, "alerts", Told)}

    async def _listed(self, peer: str, what: str, kind: type[T]) -> list[T]:
        reply = await self._doors[peer].send("GET", f"{peer}/api/v2/{what}", limit=LIST_LIMIT)
        if not reply.is_good:
            raise _nobody(reply.text or reply.words)
        try:
            return await asyncio.to_thread(msgspec.json.decode, reply.body, type=list[kind])  # type: ignore[valid-type]
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _nobody(f"not a list of {what}: {error}") from error

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
