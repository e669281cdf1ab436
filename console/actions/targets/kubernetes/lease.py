"""The lock between hosts: a Lease, as the field's controllers use it, renewed every 5 s and void after 20.

Held by nobody who was paused for longer: it is looked at before every step. Where a person may not have Leases (403) there
is none, which the plan says; the preconditions in the writes do not depend on it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from console.actions.audit.chain import Identity
from console.actions.audit.operation import Actor
from console.actions.locks import TargetHeld
from console.actions.target import Target
from console.actions.targets.kubernetes.hand import KubeHand
from console.actions.targets.kubernetes.pointer import at
from console.model.failure import SourceError
from console.model.instant import Clock

RENEW_S = 5.0
EXPIRES_S = 20.0
NODES_IN = "default"  # nodes are in no namespace


class Lease:
    """One lease; `async with` holds it. `lost` says why it is not ours any more, `missing` why there is none."""

    def __init__(self, hand: KubeHand, target: Target, operation: str, person: Actor, clock: Clock) -> None:
        namespace = target.namespace or NODES_IN
        self._hand = hand
        self._person = person
        self._clock = clock
        self._operation = operation
        self._name = f"midwatch-{hashlib.sha256(target.text.encode()).hexdigest()[:20]}"
        self._place = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace, safe='')}/leases"
        self._namespace = namespace
        here = Identity.here()
        self._boot = f"{here.host}-{here.boot[:12]}-{_pid_namespace()}-"
        self._me = f"{self._boot}{here.pid}-{operation}"
        self._object: dict[str, Any] = {}
        self._renewed = 0.0
        self._renewing: asyncio.Task[None] | None = None
        self._why = ""
        self.missing = ""

    @property
    def lost(self) -> str:
        """Why no further step may be made; empty while it is held (or there is none to hold)."""
        if self.missing:
            return ""
        if not self._why and self._clock.now().mono - self._renewed > EXPIRES_S:
            self._why = f"it was not renewed for {self._clock.now().mono - self._renewed:.0f} s"
        return self._why

    async def __aenter__(self) -> Lease:
        """Raises TargetHeld, and SourceError when it cannot be known whether somebody holds it."""
        await self._hand.__aenter__()
        try:
            await self._take()
        except BaseException:
            await self._hand.__aexit__(None, None, None)
            raise
        if not self.missing:
            self._renewing = asyncio.create_task(self._renew(), name=f"lease {self._name}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
            if not self.lost:
                with suppress(SourceError, TargetHeld):  # it expires by itself
                    await self._put(holder="")
        await self._hand.__aexit__(None, None, None)

    async def _take(self) -> None:
        now = self._clock.now()
        try:
            found = await self._hand.get(f"{self._place}/{self._name}", "look at the lock between hosts")
        except SourceError as error:
            if error.failure.got.startswith("403"):
                self.missing = error.failure.got
                return
            raise
        if found is None:
            await self._send("POST", self._place, self._body(self._me, {}))
        else:
            self._object = found
            holder = at(found, "/spec/holderIdentity")
            if holder and holder != self._me and not _is_over(found, now.utc) and not self._is_dead(str(holder)):
                raise TargetHeld(f"it is held by {str(holder)[:120]} (lease {self._namespace}/{self._name})")
            await self._put(holder=self._me)
        self._renewed = now.mono

    def _is_dead(self, holder: str) -> bool:
        """A process of this host that is gone: who resumes after a crash need not wait for its lease to run out. The locks
        of this host are held by now, so one of our own process has been left over.
        """
        if not holder.startswith(self._boot):
            return False
        pid = holder.removeprefix(self._boot).partition("-")[0]
        if not pid.isdecimal() or int(pid) == os.getpid():
            return pid.isdecimal()
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

    async def _renew(self) -> None:
        while not self.lost:
            await self._clock.sleep(RENEW_S)
            asked = self._clock.now().mono
            try:
                await self._put(holder=self._me)
                self._renewed = asked
            except TargetHeld as error:
                self._why = str(error)
            except SourceError:
                continue  # until it is void

    async def _put(self, holder: str) -> None:
        await self._send("PUT", f"{self._place}/{self._name}", self._body(holder, self._object))

    def _body(self, holder: str, found: dict[str, Any]) -> dict[str, Any]:
        now = self._clock.now().utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        metadata: dict[str, Any] = {"name": self._name, "namespace": self._namespace}
        version = at(found, "/metadata/resourceVersion")
        if version is not None:
            metadata["resourceVersion"] = version
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": int(EXPIRES_S),
            "acquireTime": at(found, "/spec/acquireTime") if at(found, "/spec/holderIdentity") == holder else now,
            "renewTime": now,
        }
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {name: value for name, value in spec.items() if value is not None},
        }

    async def _send(self, method: str, path: str, body: dict[str, Any]) -> None:
        """Raises TargetHeld when another was first. A PUT may have been sent twice by the HTTP client, and a lost answer
        may have been a success: then the object itself tells whose it is.
        """
        content = msgspec.json.encode(body)
        try:
            self._object = await self._hand.coordinate(method, path, content, self._operation, self._person)
            return
        except SourceError as error:
            if error.failure.got.startswith("403"):
                self.missing = error.failure.got
                return
            found = await self._hand.get(f"{self._place}/{self._name}", "look at the lock between hosts")
            if found is None:
                raise
            self._object = found
            wanted, holder = at(body, "/spec/holderIdentity"), at(found, "/spec/holderIdentity")
            if holder == wanted and _renewed_at(found) == _renewed_at(body):
                return
            if holder == wanted:  # still ours, and this renewal did not arrive
                raise
            raise TargetHeld(f"it is held by {str(holder)[:120]} now") from error


def _pid_namespace() -> str:
    """In which process ids count from: two containers of one host may share its name, and both be process 7."""
    try:
        return "".join(filter(str.isdecimal, os.readlink("/proc/self/ns/pid")))
    except OSError:
        return "0"


def _renewed_at(found: dict[str, Any]) -> datetime | None:
    try:
        at_utc = datetime.fromisoformat(str(at(found, "/spec/renewTime")))
    except ValueError:
        return None
    return at_utc if at_utc.tzinfo is not None else None


def _is_over(found: dict[str, Any], now: datetime) -> bool:
    renewed, lasts = _renewed_at(found), at(found, "/spec/leaseDurationSeconds")
    if renewed is None:
        return True
    age_s = (now - renewed).total_seconds()
    return age_s > (lasts if isinstance(lasts, int) else EXPIRES_S)
