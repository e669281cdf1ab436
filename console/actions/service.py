"""The one service through which anything is changed: plan, confirm, approve, execute, stop, resume, undo.

There is one in a process, shared by all its sessions; a session acts through a `Licence`, which names its person and cannot
be had without this object. Everything that happens is on the disk before it is true.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from contextvars import Context
from typing import Any

import msgspec

from console.actions.action import About, NoPlan
from console.actions.audit import kinds
from console.actions.audit.entry import Entry
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor, Ending, Operation, Outcome, State
from console.actions.audit.writer import JournalClosed
from console.actions.consent import Consent
from console.actions.executor import Execution
from console.actions.licence import Licence
from console.actions.locks import TargetHeld
from console.actions.parameters import parsed
from console.actions.plan import Plan
from console.actions.planner import Planner, Wish
from console.actions.policy.freezes import holding
from console.actions.policy.policy import Policy
from console.actions.recording import all_reasons, planned
from console.actions.refusal import Denied, Unable
from console.actions.rights import may_agree, may_do, may_halt, may_pass, may_see
from console.actions.say import Say
from console.actions.scene import Witness
from console.actions.shelf import NoSuchPlan
from console.actions.target import Target
from console.actions.tools import Tools
from console.actions.verdict import TIERS
from console.model.failure import SourceError

log = logging.getLogger(__name__)

MOST_PLANS = 200  # from so many on, those of what is over are let go


class ActionService(Consent):
    """For one site. `alone`: a lone console or a command, where nobody else could approve. Else it outlives the sessions of
    those who act through it, and what one of them began goes on when that one has left.
    """

    def __init__(self, tools: Tools, site: str, *, is_prod: bool, alone: bool) -> None:
        super().__init__(tools, site, alone=alone)
        self._planner = Planner(tools.registry, site, is_prod=is_prod, alone=alone)
        self._running: dict[str, Execution] = {}
        self._tasks: dict[str, asyncio.Task[Ending | None]] = {}

    # --- what is offered ---------------------------------------------------------------------------------------------

    def licence(self, person: Actor) -> Licence:
        """What a session needs to act as this person."""
        return Licence(self, person)

    def actions(self) -> tuple[About, ...]:
        """The catalogue."""
        return tuple(action.about for action in self._tools.registry)

    def fitting(self, target: Target) -> tuple[About, ...]:
        """What may be offered for this target."""
        return self._tools.registry.fitting(target)

    def plan_of(self, operation: str) -> Plan | None:
        """A plan made or loaded by this process."""
        return self._plans.get(operation)

    @property
    def journal(self) -> Journal | None:
        """What this process records in; None before the first plan."""
        return self._journal

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(self._running)

    # --- plan --------------------------------------------------------------------------------------------------------

    async def plan(
        self,
        person: Actor,
        action: str,
        target: Target,
        given: Mapping[str, str],
        *,
        undoes: str = "",
        incident: str = "",
        override: bool = False,
    ) -> Plan:
        """A plan, recorded and stored, with every guard's verdict. One with refusals cannot be confirmed.

        Raises Denied, Unable, UnknownAction, BadParameter.
        """
        journal = await self._recording()
        policy = await self._policy()
        if not self.alone and not may_see(policy, person, self._site, target):
            raise Denied("reading", f"{person.name} may not read what {target.text} names, and so not plan for it")
        parameters = parsed(self._tools.registry.get(action).about.parameters, given)
        at = self._tools.clock.now()
        wish = Wish(
            op=f"op-{secrets.token_hex(6)}",
            action=action,
            target=target,
            parameters=parameters,
            person=person,
            at=at,
            undoes=undoes,
            incident=incident,
            override=override,
        )
        async with self._tools.witness as witness:
            await witness.ready()
            try:
                plan = await self._planner.plan(wish, policy, witness.look(), self._recent())
            except NoPlan as error:
                await self._refuse(journal, wish, "plan", str(error))
                raise Unable(str(error), is_unreachable=error.is_unreachable) from error
        await self._note(journal, planned(plan))
        for verdict in plan.refusals[:1]:  # the others are in the plan
            await self._note(
                journal, kinds.Refused(op=plan.op, by=person, guard=verdict.guard, reason=all_reasons(plan))
            )
        try:
            await asyncio.to_thread(self._tools.shelf.put, plan)
        except OSError as error:
            raise Unable(f"the plan cannot be stored: {error}") from error
        self._forget()
        self._plans[plan.op] = plan
        self._moments[plan.op] = {"planned": at}
        return plan

    def _forget(self) -> None:
        """Plans of operations that are over: this process may live for months."""
        if len(self._plans) < MOST_PLANS:
            return
        over = {
            known.operation.id for known in self.book.known() if known.operation.is_over or known.state is State.EXPIRED
        }
        for op in over & self._plans.keys():
            del self._plans[op]
            self._moments.pop(op, None)

    async def load(self, person: Actor, begins: str) -> Plan:
        """A stored plan by its hash, of the same person. Raises Unable, Denied."""
        try:
            plan = await asyncio.to_thread(self._tools.shelf.by_hash, begins)
        except NoSuchPlan as error:
            raise Unable(str(error)) from error
        if not plan.requester.is_same_as(person):
            raise Denied("identity", f"plan {plan.hash[:12]} was made by {plan.requester.name}: make your own")
        known = self.book.get(plan.op)
        if known is None or known.operation.plan_hash != plan.hash:
            raise Denied("audit", f"the audit knows no plan {plan.hash[:12]}: plan again")
        self._plans[plan.op] = plan
        return plan

    async def _refuse(self, journal: Journal, wish: Wish, guard: str, why: str) -> None:
        refused = kinds.Refused(
            op=wish.op, by=wish.person, guard=guard, reason=why, action=wish.action, target=wish.target.text
        )
        await self._note(journal, refused)

    # --- execute -----------------------------------------------------------------------------------------------------

    async def run(self, person: Actor, op: str, plan_hash: str) -> Ending | None:
        """Check everything again, then do it; returns when it has ended. None: it was stopped and is open.

        Raises Denied, Unable before anything was sent.
        """
        plan, known = self._find(op, plan_hash)
        if not plan.requester.is_same_as(person):
            raise Denied("identity", f"it was planned by {plan.requester.name}, who alone can run it")
        if known.state not in (State.CONFIRMED, State.APPROVED):
            raise Denied(
                "state",
                f"{op} is {known.state}: it must be confirmed{' and approved' if plan.approvals_needed else ''} first",
            )
        if op in self._begun:
            raise Denied("state", f"{op} has been started already")
        self._begun.add(op)
        try:
            return await self._run(plan, person)
        finally:
            self._begun.discard(op)  # from here on its state in the book says that it has begun

    async def _run(self, plan: Plan, person: Actor) -> Ending | None:
        journal = await self._recording()
        policy = await self._policy()
        since = "approved" if plan.approvals_needed else "confirmed"
        self._in_time(plan.op, since, plan, policy.limits.execution_s, "execution")
        async with AsyncExitStack() as stack:
            await self._lock(stack, plan.target.text, plan.op, plan.known_as)
            witness = await stack.enter_async_context(self._tools.witness)
            await witness.ready()
            await self._alone(plan)
            await self._again(plan, person, policy, journal)
            async with self._deciding:
                self._still(plan, since, policy)
                self.book.begins(plan.op)
                stack.callback(self.book.rests, plan.op)
                await self._note(journal, kinds.Intent(op=plan.op, by=person, plan_hash=plan.hash))
            # Cancelled from here on, the journal's last word is the truth: it was interrupted.
            return await self._execute(stack, plan, person, witness, journal, range(1, len(plan.steps) + 1))

    async def _alone(self, plan: Plan) -> None:
        """Under the lock: a plan is on disk, and another process may have loaded, confirmed and executed it meanwhile.

        Raises Denied.
        """
        await self.book.read()
        known = self.book.get(plan.op)
        if known is None or known.state not in (State.CONFIRMED, State.APPROVED):
            raise Denied("state", f"{plan.op} is {known.state if known else 'not known'} by now")

    def _still(self, plan: Plan, since: str, policy: Policy) -> None:
        """Right before the intent: looking at the world again took its time. Raises Denied."""
        known = self.book.get(plan.op)
        if known is None or known.state not in (State.CONFIRMED, State.APPROVED):
            raise Denied("state", f"{plan.op} is {known.state if known else 'not known'} by now")
        self._in_time(plan.op, since, plan, policy.limits.execution_s, "execution")

    async def _again(self, plan: Plan, person: Actor, policy: Policy, journal: Journal) -> None:
        """All guards once more, on the world as it is now. Another world, another plan."""
        wish = Wish(
            op=plan.op,
            action=plan.action,
            target=plan.target,
            parameters=dict(plan.parameters),
            person=person,
            at=msgspec.structs.replace(self._tools.clock.now(), utc=plan.created_at),
            undoes=plan.undoes,
            override=plan.is_override,
        )
        why = ""
        guard = "recheck"
        try:
            scene = self._tools.witness.look()
            now = await self._planner.plan(wish, policy, scene, self._recent(), rehearse=False)
            refusals = [verdict for verdict in now.refusals if verdict.guard != "dry-run"]
            if refusals:
                guard, why = refusals[0].guard, "; ".join(f"{each.guard}: {each.reason}" for each in refusals)
            elif now.cluster_identity != plan.cluster_identity:
                why = "this is another cluster than the one that was planned for"
            elif policy.version != plan.policy:
                why = "the policy has changed since the plan"
            elif now.steps != plan.steps:
                why = "the target has changed since the plan"
            elif TIERS.index(now.tier) > TIERS.index(plan.tier) or now.approvals_needed > plan.approvals_needed:
                why = f"it is tier {now.tier} by now, and was confirmed as {plan.tier}"
        except NoPlan as error:
            why = str(error)
        if why:
            await self._note(journal, kinds.Refused(op=plan.op, by=person, guard=guard, reason=f"{why}; plan again"))
            raise Denied(guard, f"{why}; plan again")

    async def _lock(self, stack: AsyncExitStack, target: str, op: str, known_as: str = "") -> None:
        try:
            await stack.enter_async_context(self._tools.locks.held(target, op, known_as))
        except TargetHeld as error:
            raise Denied("lock", str(error)) from error
        except OSError as error:
            raise Unable(f"no lock can be had: {error}") from error

    async def _execute(
        self,
        stack: AsyncExitStack,
        plan: Plan,
        person: Actor,
        witness: Witness,
        journal: Journal,
        numbers: Any,
        left: Operation | None = None,
    ) -> Ending | None:
        """The steps of these numbers; `left`: what an earlier process did of it. Raises Denied, Unable."""
        lease = self._tools.lease(plan.target, plan.op, person)
        if lease is not None:
            try:
                await stack.enter_async_context(lease)
            except (TargetHeld, SourceError) as error:
                why = f"the lock between hosts: {error}"
                if left is not None:  # what was done stays done, and can be carried on as soon as the lock is free
                    await self._note(journal, kinds.Stopped(op=plan.op, by=person, reason=why))
                    raise Denied("lock", f"{why}; it can be resumed later") from error
                await self._note(
                    journal, kinds.Closed(op=plan.op, ending=Ending.FAILED, reason=f"{why}; nothing was sent")
                )
                return Ending.FAILED

        async def record(entry: Entry) -> None:
            await self.book.record(journal, entry)

        execution = Execution(
            plan, person, self._tools.hands, witness, self._tools.clock, record, lease, self.book.goes_on
        )
        self._running[plan.op] = execution
        self.book.goes_on(execution.progress)
        try:
            ending = await execution.run(numbers, left.in_doubt if left is not None else ())
            if plan.undoes and ending is not None:
                outcome = {Ending.SUCCEEDED: Outcome.SUCCESS, Ending.FAILED: Outcome.FAILURE}.get(
                    ending, Outcome.UNKNOWN
                )
                await record(kinds.Undone(op=plan.undoes, undone_by=plan.op, outcome=outcome))
            return ending
        except JournalClosed as error:
            self.book.broken(str(error))
            raise Unable(
                f"{plan.op} was left where it is: what happens cannot be recorded any more ({error}); look at the target"
            ) from error
        finally:
            del self._running[plan.op]
            self.book.rests(plan.op)

    def start(self, person: Actor, op: str, plan_hash: str) -> asyncio.Task[Ending | None]:
        """`run` beside the screen. The task outlives the session that started it."""
        return self.beside(op, self.run(person, op, plan_hash))

    def beside(self, op: str, what: Any) -> asyncio.Task[Ending | None]:
        """Run what is awaited of an operation as a task of the service's own."""
        # in no session's context: it belongs to none, and must not keep one's screen in memory
        task: asyncio.Task[Ending | None] = asyncio.create_task(what, name=f"operation {op}", context=Context())
        self._tasks[op] = task
        task.add_done_callback(lambda done: self._ended(op, done))
        return task

    def _ended(self, op: str, task: asyncio.Task[Ending | None]) -> None:
        self._tasks.pop(op, None)
        if not task.cancelled() and task.exception() is not None:
            log.warning("operation %s: %s", op, task.exception())

    async def stop(self, person: Actor, op: str, why: str = "") -> None:
        """No step after the present one. One's own at once, whatever the policy says by now; another's where one might do or
        approve the same. Raises Denied.
        """
        execution = self._running.get(op)
        if execution is None:
            raise Denied("state", f"{op} is not running in this process")
        known = self.book.get(op)
        if known is not None and not self._is_own(person, op, known.operation):
            allowed, why_not = may_halt(await self._policy(), person, known.operation)
            if not allowed:
                raise Denied("role", why_not)
        execution.stop(person, why or f"stopped by {person.name}")

    def _is_own(self, person: Actor, op: str, operation: Operation) -> bool:
        """Planned by this person, or carried on by them."""
        execution = self._running.get(op)
        owners = (operation.requested_by, execution.person if execution is not None else None)
        return any(owner is not None and owner.is_same_as(person) for owner in owners)

    async def say(self, person: Actor, op: str) -> Say:
        """What this person has to say about an operation, for the screen; asked again when it is said. Never raises."""
        known = self.book.get(op)
        if known is None:
            return Say()
        if self._is_own(person, op, known.operation):
            return Say(is_own=True, may_stop=True, may_leave=True)
        try:
            policy = await self._policy()
            may_stop, why = may_halt(policy, person, known.operation)
            plan = self._plans.get(op)
            if plan is None:
                return Say(may_stop=may_stop, may_leave=may_stop, why="it was planned by another process")
            may_decide, why = may_agree(policy, person, plan.action, plan.target)
        except Denied as broken:
            return Say(why=broken.why)
        return Say(may_stop=may_stop, may_leave=may_stop, may_decide=may_decide, why="" if may_decide else why)

    # --- resume and undo ---------------------------------------------------------------------------------------------

    async def resume(self, person: Actor, op: str) -> Ending | None:
        """Carry on an interrupted or stopped operation: what is in doubt is read back first. Raises Denied, Unable."""
        operation = await self._left(op)
        try:
            plan = await asyncio.to_thread(self._tools.shelf.of_operation, op, operation.plan_hash)
        except NoSuchPlan as error:
            raise Unable(f"{error}; undo it, or plan what is left anew") from error
        journal = await self._recording()
        policy = await self._policy()
        if op in self._begun:
            raise Denied("state", f"{op} has been started already")
        self._begun.add(op)
        self._plans[op] = plan
        try:
            async with AsyncExitStack() as stack:
                await self._lock(stack, plan.target.text, plan.op, plan.known_as)
                witness = await stack.enter_async_context(self._tools.witness)
                await witness.ready()
                self._may_go_on(plan, person, policy)
                operation = await self._left(op)
                self.book.begins(op)
                stack.callback(self.book.rests, op)
                await self._note(
                    journal,
                    kinds.Resumed(
                        op=op,
                        by=person,
                        after_chain=operation.last_chain,
                        after_sequence=operation.last_sequence,
                        known=operation,
                    ),
                )
                return await self._execute(stack, plan, person, witness, journal, operation.remaining, operation)
        finally:
            self._begun.discard(op)

    async def _left(self, op: str) -> Operation:
        """What is known of an operation that was stopped or interrupted, by whomever. Raises Denied."""
        await self.book.read()
        known = self.book.get(op)
        if known is None or not known.may_resume:
            raise Denied(
                "state", f"{op} is {known.state if known else 'not known'}: nobody has to carry it on or leave it"
            )
        return known.operation

    def _may_go_on(self, plan: Plan, person: Actor, policy: Policy) -> None:
        """What does not depend on the target being untouched: a half-drained node is not as it was planned. Its own
        preconditions guard the steps that are left. Raises Denied.
        """
        allowed, why = may_do(policy, person, plan.action, plan.target)
        if not allowed:
            raise Denied("role", why)
        held = holding(policy, self._tools.clock.now().utc, plan.site, plan.action, plan.target)
        passes = all(each.freeze.override for each in held) and may_pass(policy, person, plan.target)[0]
        if held and not (plan.is_override and passes):
            raise Denied("freeze", f"freeze `{held[0].freeze.name}` holds")

    async def plan_undo(self, person: Actor, op: str) -> Plan:
        """A plan of what takes this operation back, with all guards. Raises Denied, Unable."""
        known = self.book.get(op)
        is_back = known is not None and known.state in (State.UNDOING, State.UNDONE)
        if known is None or is_back or not (known.may_undo or known.operation.undo_offered):
            raise Denied("state", f"{op} is {known.state if known else 'not known'}: it cannot be undone")
        operation = known.operation
        inverse = self._tools.registry.get(operation.action).inverse(operation)
        if inverse is None:
            raise Denied("undo", f"nothing takes back {operation.action}")
        target = Target.parse(inverse.target or operation.target)
        return await self.plan(person, inverse.action, target, dict(inverse.parameters), undoes=op)

    async def abandon(self, person: Actor, op: str, why: str) -> None:
        """Leave a stopped or interrupted operation as it is: one's own, or one that one may do. Raises Denied, Unable."""
        operation = await self._left(op)
        if not self._is_own(person, op, operation):
            allowed, why_not = may_halt(await self._policy(), person, operation)
            if not allowed:
                raise Denied("role", why_not)
        journal = await self._recording()
        async with AsyncExitStack() as stack:  # so that nobody resumes it at this moment
            await self._lock(stack, operation.target, op)
            await self._left(op)
            await self._note(journal, kinds.Closed(op=op, by=person, ending=Ending.ABANDONED, reason=why))

    async def close(self) -> None:
        """Stop what runs after its present step, and close the journal."""
        for task in tuple(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for hand in self._tools.hands.values():
            await hand.close()
        if self._journal is not None and not self._tools.keeps_journal:
            await self._journal.close()
