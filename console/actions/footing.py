"""What every decision of the service stands on: the policy as it is now, a journal that takes records, the plan that was shown,
and the time in which something may still be said.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from console.actions.audit.chain import ChainHeld
from console.actions.audit.entry import Entry
from console.actions.audit.history import Known
from console.actions.audit.journal import Journal
from console.actions.audit.writer import JournalClosed
from console.actions.book import Book
from console.actions.plan import Plan
from console.actions.policy.policy import Policy, PolicyError
from console.actions.refusal import Denied, Unable
from console.actions.tools import Tools
from console.model.instant import Instant

RECENT = timedelta(hours=24)


class Footing:
    """For one site. `alone`: nobody else can reach this process."""

    def __init__(self, tools: Tools, site: str, *, alone: bool) -> None:
        self._tools = tools
        self._site = site
        self.alone = alone
        self._journal: Journal | None = None
        self._opening = asyncio.Lock()
        self._plans: dict[str, Plan] = {}
        self._moments: dict[str, dict[str, Instant]] = {}  # op -> planned, confirmed, approved, on both clocks
        self._begun: set[str] = set()  # operations whose one execution has been claimed

    @property
    def book(self) -> Book:
        return self._tools.book

    def _find(self, op: str, plan_hash: str) -> tuple[Plan, Known]:
        plan, known = self._plans.get(op), self.book.get(op)
        if plan is None or known is None:
            raise Unable(f"{op} was not planned in this process: plan again")
        if plan.hash != plan_hash or known.operation.plan_hash != plan_hash:
            raise Denied("plan", "that is another plan than the one shown: plan again")
        if plan.refusals:
            raise Denied(plan.refusals[0].guard, plan.refusals[0].reason)
        return plan, known

    def _in_time(self, op: str, since: str, plan: Plan, limit_s: float, what: str) -> None:
        """By both clocks: a clock set back must not make an approval last longer."""
        now = self._tools.clock.now()
        moment = self._moments.get(op, {}).get(since)
        late_s = now.mono - moment.mono if moment is not None else 0.0
        stamp = moment.utc if moment is not None else plan.created_at
        if late_s > limit_s or (now.utc - stamp).total_seconds() > limit_s:
            raise Denied("expiry", f"the {what} was possible for {limit_s:.0f} s only: plan again")

    async def _policy(self) -> Policy:
        try:
            return await self._tools.policies()
        except PolicyError as error:
            raise Denied("policy", f"nothing may be written while the policy cannot be had: {error}") from error

    async def _recording(self) -> Journal:
        """The journal, opened at the first need. No audit, no action."""
        async with self._opening:
            if self._journal is None:
                try:
                    self._journal = await self._tools.journal()
                except (OSError, JournalClosed, ChainHeld, RuntimeError) as error:
                    self.book.broken(str(error))
                    raise Unable(f"no audit, no action: {error}") from error
                await self.book.read()
            if self._journal.failure is not None:
                self.book.broken(str(self._journal.failure))
                raise Unable(f"no audit, no action: {self._journal.failure}")
            return self._journal

    async def _note(self, journal: Journal, entry: Entry) -> None:
        try:
            await self.book.record(journal, entry)
        except JournalClosed as error:
            self.book.broken(str(error))
            raise Unable(f"no audit, no action: {error}") from error

    def _recent(self) -> tuple[Known, ...]:
        since = self._tools.clock.now().utc - RECENT
        return tuple(
            each
            for each in self.book.known()
            if each.operation.planned_at is None or each.operation.planned_at >= since or not each.operation.is_over
        )
