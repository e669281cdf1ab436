"""A session's capability to act. Hiding a key is no guard: a session without one of these has no way to change anything."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from console.actions.audit.operation import Actor, Ending
from console.actions.plan import Plan
from console.actions.say import Say
from console.actions.target import Target

if TYPE_CHECKING:  # the service gives it, and it speaks to nothing else
    from console.actions.service import ActionService


class Licence:
    """One person's capability to act. A session without one has no way to change anything."""

    def __init__(self, service: ActionService, person: Actor) -> None:
        self.service = service
        self.person = person

    async def plan(self, action: str, target: Target, given: Mapping[str, str], *, incident: str = "") -> Plan:
        return await self.service.plan(self.person, action, target, given, incident=incident)

    async def confirm(self, plan: Plan, typed: str, reason: str = "", ticket: str = "") -> None:
        await self.service.confirm(self.person, plan.op, plan.hash, typed, reason, ticket)

    async def approve(self, op: str, plan_hash: str) -> None:
        await self.service.approve(self.person, op, plan_hash)

    async def deny(self, op: str, plan_hash: str, reason: str = "") -> None:
        await self.service.deny(self.person, op, plan_hash, reason)

    async def cancel(self, op: str) -> None:
        await self.service.cancel(self.person, op)

    def start(self, plan: Plan) -> asyncio.Task[Ending | None]:
        return self.service.start(self.person, plan.op, plan.hash)

    async def stop(self, op: str, why: str = "") -> None:
        await self.service.stop(self.person, op, why)

    def owns(self, op: str) -> bool:
        """This person planned it, by whichever key."""
        requester = self.service.book.requester(op)
        return requester is not None and requester.is_same_as(self.person)

    async def say(self, op: str) -> Say:
        return await self.service.say(self.person, op)

    def resume(self, op: str) -> asyncio.Task[Ending | None]:
        return self.service.beside(op, self.service.resume(self.person, op))

    async def plan_undo(self, op: str) -> Plan:
        return await self.service.plan_undo(self.person, op)

    async def abandon(self, op: str, why: str) -> None:
        await self.service.abandon(self.person, op, why)
