"""The dialog of a plan: to be confirmed, approved by a second person, or run once it was approved.

It holds one plan and sends the hash of that plan; another plan is another form, with nothing typed. Whatever ends the dialog
without Run (escape, a lost terminal, a suspended job, nobody there) takes the plan back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

import msgspec
from textual import work

from console.actions.action import NoPlan
from console.actions.licence import Licence
from console.actions.parameters import BadParameter
from console.actions.plan import Plan
from console.actions.refusal import Denied, Unable
from console.actions.registry import UnknownAction
from console.actions.target import BadTarget
from console.app.detail import Line
from console.app.dialog import TypedDialog
from console.app.planpage import head_marks, plan_page
from console.app.together import state_by
from console.model.instant import Clock, Instant
from console.model.operation import OperationLine
from widgets.form import Form, Mark, Order

log = logging.getLogger(__name__)

STARTED_S = 0.05  # how often we look whether the first record is written
NOT_DONE = (Denied, Unable, UnknownAction, BadParameter, BadTarget, NoPlan)  # what asking may be answered with


class Kind(StrEnum):
    """What the dialog is for."""

    CONFIRM = "confirm"  # one's own plan, just made
    RUN = "run"  # one's own, approved meanwhile
    APPROVE = "approve"  # somebody else's


class Done(StrEnum):
    """How it ended."""

    CANCELLED = "cancelled"
    STARTED = "started"
    ASKED = "asked"  # a second person must say yes first
    APPROVED = "approved"
    DENIED = "denied"
    VOID = "void"  # the plan is not what it was


class Result(msgspec.Struct, frozen=True):
    """How it ended, and which plan stood there then."""

    done: Done
    plan: Plan
    why: str = ""


class PlanDialog(TypedDialog[Result]):
    """One plan. `again` makes another of the same wish."""

    def __init__(
        self,
        plan: Plan,
        licence: Licence,
        clock: Clock,
        *,
        is_prod: bool,
        kind: Kind = Kind.CONFIRM,
        again: Callable[[], Awaitable[Plan]] | None = None,
    ) -> None:
        self.plan = plan
        self.kind = kind
        self._licence = licence
        self._again = again
        super().__init__(clock, self._form_of_plan, is_prod=is_prod)

    def _form_of_plan(self, opened: float) -> Form:
        plan, is_own = self.plan, self.kind is Kind.CONFIRM
        asks = is_own and plan.approvals_needed > 0
        form = Form(
            plan.to_type,
            opened,
            verb="Approve" if self.kind is Kind.APPROVE else "Ask for approval" if asks else "Run",
            needs_reason=is_own and plan.needs_reason,
            has_reason=self.kind is not Kind.RUN,
            has_ticket=is_own,
            may_deny=self.kind is Kind.APPROVE,
            may_plan=is_own and self._again is not None,
        )
        count = len(plan.refusals)
        if count:
            form.close("a guard refuses it" if count == 1 else f"{count} guards refuse it")
        return form

    def lines(self) -> Sequence[Line]:
        return plan_page(self.plan)

    def head(self, now: Instant, width: int) -> tuple[list[Mark], list[Mark]]:
        return head_marks(self.plan, now.utc, is_prod=self.is_prod, width=width)

    def look(self, now: Instant) -> None:
        if self.kind is Kind.CONFIRM and now.utc >= self.plan.expires_at and not self.form.is_busy:
            self.form.close("the plan has expired")

    def judge(self, line: OperationLine, now: Instant) -> None:
        """What the books say of the operation by now: a plan that is not what stands here ends the dialog."""
        if self.is_settled or self.form.is_busy:
            return
        if line.plan_hash and line.plan_hash != self.plan.hash:
            self.leave(Done.VOID, "it was planned anew elsewhere")
        elif (state := state_by(line, now)) not in _STILL[self.kind]:
            self.leave(Done.VOID, f"it is {state} by now")

    def obey(self, order: Order) -> None:
        if order is Order.CANCEL:
            self.leave(Done.CANCELLED)
        elif order is Order.RUN:
            self._go_on()
        elif order is Order.DENY:
            self._deny()
        else:
            self._plan_again()

    def give_up(self, why: str = "") -> None:
        self.leave(Done.CANCELLED, why)

    # -- what is done --------------------------------------------------------------------------------------------------
    async def on_unmount(self) -> None:
        if not self.is_settled:  # the terminal is gone, or midwatch is being closed
            self.is_settled = True
            await self._take_back(self.plan)

    def leave(self, done: Done, why: str = "") -> None:
        """End the dialog."""
        if self.is_settled:
            return
        self.is_settled = True
        if done in (Done.CANCELLED, Done.VOID):
            self.app.run_worker(self._take_back(self.plan), exit_on_error=False)
        self.dismiss(Result(done, self.plan, why))

    async def _take_back(self, plan: Plan) -> None:
        if self.kind is not Kind.CONFIRM:
            return
        try:
            await self._licence.cancel(plan.op)
        except NOT_DONE as error:
            log.warning("plan %s could not be recorded as cancelled: %s", plan.op, error)

    @work(exclusive=True, group="dialog")
    async def _go_on(self) -> None:
        form, plan, licence = self.form, self.plan, self._licence
        form.answer, form.is_busy = "", True
        try:
            if self.kind is Kind.APPROVE:
                await licence.approve(plan.op, plan.hash)
                self.leave(Done.APPROVED)
                return
            if self.kind is Kind.CONFIRM:
                await licence.confirm(plan, form.typed.text, form.reason, form.ticket)
                if plan.approvals_needed:
                    self.leave(Done.ASKED)
                    return
        except NOT_DONE as error:
            self.refused(error)
            return
        await self._start(plan)

    async def _start(self, plan: Plan) -> None:
        """Begin, and wait for the moment from which it has begun: what is refused until then is told here."""
        task = self._licence.start(plan)
        while not task.done() and plan.op not in self._licence.service.running:
            await asyncio.wait({task}, timeout=STARTED_S)
        error: BaseException | None = None
        if task.done():
            error = asyncio.CancelledError("midwatch is being closed") if task.cancelled() else task.exception()
        if error is None:
            self.leave(Done.STARTED)
            return
        if not isinstance(error, NOT_DONE):
            log.error("operation %s ended by a fault of midwatch's own", plan.op, exc_info=error)
        self.form.close("it was not begun")
        self.refused(error)

    @work(exclusive=True, group="dialog")
    async def _deny(self) -> None:
        self.form.answer, self.form.is_busy = "", True
        try:
            await self._licence.deny(self.plan.op, self.plan.hash, self.form.reason)
        except NOT_DONE as error:
            self.refused(error)
        else:
            self.leave(Done.DENIED)

    @work(exclusive=True, group="dialog")
    async def _plan_again(self) -> None:
        if self._again is None:
            return
        self.form.is_busy = True
        before = self.plan
        try:
            plan = await self._again()
        except NOT_DONE as error:
            self.refused(error)
            return
        await self._take_back(before)
        self.plan = plan
        self.begin_anew()


_STILL = {  # the states in which what stands in the dialog can still be done
    Kind.CONFIRM: ("planned", "refused", "expired", "confirmed"),
    Kind.RUN: ("approved",),
    Kind.APPROVE: ("awaiting approval",),
}
