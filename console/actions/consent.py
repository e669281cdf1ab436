"""What people say about a plan: its requester confirms it or takes it back, a second person says yes or no.

One at a time, whoever says it: what was looked at must still hold when the word is recorded.
"""

from __future__ import annotations

import asyncio
import re

from console.actions.audit import kinds
from console.actions.audit.operation import Actor, Ending, State
from console.actions.footing import Footing
from console.actions.plan import Plan
from console.actions.refusal import Denied
from console.actions.rights import may_agree, may_see
from console.actions.tools import Tools


class Consent(Footing):
    """Every word is on the disk before it counts."""

    def __init__(self, tools: Tools, site: str, *, alone: bool) -> None:
        super().__init__(tools, site, alone=alone)
        self._deciding = asyncio.Lock()

    async def confirm(
        self, person: Actor, op: str, plan_hash: str, typed: str, reason: str = "", ticket: str = ""
    ) -> None:
        """The requester typed what had to be typed. Raises Denied, Unable."""
        async with self._deciding:
            await self._confirm(person, op, plan_hash, typed, reason, ticket)

    async def _confirm(self, person: Actor, op: str, plan_hash: str, typed: str, reason: str, ticket: str) -> None:
        plan, known = self._find(op, plan_hash)
        if not plan.requester.is_same_as(person):
            raise Denied("identity", f"it was planned by {plan.requester.name}, who alone can confirm it")
        if known.state is not State.PLANNED:
            raise Denied("state", f"{op} is {known.state}: it cannot be confirmed")
        self._in_time(op, "planned", plan, (await self._policy()).limits.plan_s, "plan")
        if typed != plan.to_type:
            raise Denied("confirmation", f"what was typed is not {plan.to_type}")
        demands = (await self._policy()).demands(plan.tier)
        if demands.reason and len(reason.strip()) < 3:
            raise Denied("reason", f"tier {plan.tier} needs a reason")
        if demands.ticket and not ticket.strip():
            raise Denied("ticket", f"tier {plan.tier} needs a ticket")
        if ticket and demands.ticket_pattern and not re.fullmatch(demands.ticket_pattern, ticket):
            raise Denied("ticket", f"{ticket!r} does not look like a ticket ({demands.ticket_pattern})")
        limits = (await self._policy()).limits
        journal = await self._recording()
        now = self._tools.clock.now()
        confirmed = kinds.Confirmed(
            op=op,
            by=person,
            plan_hash=plan_hash,
            reason=reason.strip(),
            ticket=ticket.strip(),
            expires_at=now.plus(limits.approval_s if plan.approvals_needed else limits.execution_s).utc,
        )
        await self._note(journal, confirmed)
        self._moments.setdefault(op, {})["confirmed"] = now

    async def approve(self, person: Actor, op: str, plan_hash: str) -> None:
        """A second person agrees. Raises Denied, Unable."""
        async with self._deciding:
            plan = await self._as_second(person, op, plan_hash)
            known = self.book.get(op)
            if known is not None and any(person.is_same_as(each) for each in known.operation.approved_by):
                raise Denied("second person", f"{person.name} has said yes already: it needs one more person")
            limits = (await self._policy()).limits
            self._in_time(op, "confirmed", plan, limits.approval_s, "approval")
            journal = await self._recording()
            now = self._tools.clock.now()
            until = now.plus(limits.execution_s).utc
            await self._note(journal, kinds.Approved(op=op, by=person, plan_hash=plan_hash, expires_at=until))
            self._moments.setdefault(op, {})["approved"] = now

    async def deny(self, person: Actor, op: str, plan_hash: str, reason: str = "") -> None:
        """A second person says no, which is final, and why: somebody waits for it. Raises Denied, Unable."""
        async with self._deciding:
            await self._as_second(person, op, plan_hash)
            if len(reason.strip()) < 3:
                raise Denied("reason", "who is told no must be told why")
            journal = await self._recording()
            await self._note(journal, kinds.Denied(op=op, by=person, plan_hash=plan_hash, reason=reason.strip()))

    async def _as_second(self, person: Actor, op: str, plan_hash: str) -> Plan:
        plan, known = self._find(op, plan_hash)
        if plan.requester.is_same_as(person):
            raise Denied("second person", "nobody approves their own operation")
        if known.state is not State.AWAITING_APPROVAL:
            raise Denied("state", f"{op} is {known.state}: there is nothing to approve")
        policy = await self._policy()
        allowed, why = may_agree(policy, person, plan.action, plan.target)
        if not allowed:
            raise Denied("role", why)
        if not self.alone and not may_see(policy, person, self._site, plan.target):
            raise Denied("reading", f"{person.name} may not read what {plan.target.text} names, and so not judge it")
        return plan

    async def cancel(self, person: Actor, op: str, why: str = "") -> None:
        """Its requester wants it no more, before anything was sent. Raises Denied for another's, Unable."""
        async with self._deciding:
            await self._cancel(person, op, why)

    async def _cancel(self, person: Actor, op: str, why: str) -> None:
        known = self.book.get(op)
        if known is None or known.operation.intent_at is not None or known.operation.is_over:
            return
        owner = known.operation.requested_by
        if owner is not None and not owner.is_same_as(person):
            raise Denied("identity", f"it was planned by {owner.name}, who alone can take it back")
        if op in self._begun:
            raise Denied("state", f"{op} is being begun at this moment: it can only be stopped")
        journal = await self._recording()
        await self._note(journal, kinds.Closed(op=op, by=person, ending=Ending.CANCELLED, reason=why))
