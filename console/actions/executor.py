"""Doing what a plan says, one step after the other, the journal beside every one.

The order is the promise: BEGUN is on the disk before the first byte of a step goes out, and what came of it is on the disk
before the next step begins. A lost answer is read back before anything else is sent. Whatever happens, the operation ends
in a word that the records bear out, or is left open as interrupted, which is also the truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from console.actions.audit import kinds
from console.actions.audit.entry import Entry
from console.actions.audit.kinds import Found
from console.actions.audit.operation import Actor, Ending, Outcome
from console.actions.bearing import Bearing, Bears
from console.actions.book import Progress
from console.actions.plan import Plan, PlanStep
from console.actions.scene import Scene, Witness
from console.actions.settling import CANARY_S, stands, strained, stuck, unsettled, whole
from console.actions.verifying import HOLDS_S, Sight, at_the_end, seen
from console.actions.writes import Answer, Echo, Hand, NoWrite, Write, is_repeatable
from console.model.instant import Clock

READ_BACK_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # between looks: together a minute
SURE_ABSENT = 2  # looks that must agree that a lost request had no effect: it may still be on its way
BUSY_S = (5.0, 10.0, 20.0, 30.0)  # after a 429 without Retry-After
BUSY_MOST_S = 60.0
LOOK_S = 0.5
LOAD_LOOK_S = 5.0  # at most, between two looks at moved traffic
STANDS_S = 2.0  # between two at the end


class Halt(Exception):
    """No further step: the operation stays open, stopped between two steps. Says why. `is_harm`: what was done so far
    does harm, so that taking it back is offered.
    """

    def __init__(self, why: str, *, is_harm: bool = False) -> None:
        super().__init__(why)
        self.is_harm = is_harm


class Failed(Exception):
    """The operation is over, and says how."""

    def __init__(self, ending: Ending, why: str) -> None:
        super().__init__(why)
        self.ending = ending


class Guarding(Protocol):
    """The lock between hosts, where there is one: why it is not held any more, or empty."""

    @property
    def lost(self) -> str: ...


class Execution:
    """One operation while this process executes it."""

    def __init__(
        self,
        plan: Plan,
        person: Actor,
        hands: Mapping[type[Write], Hand],
        witness: Witness,
        clock: Clock,
        record: Callable[[Entry], Awaitable[None]],
        lease: Guarding | None = None,
        tell: Callable[[Progress], None] | None = None,
    ) -> None:
        self.plan = plan
        self.person = person
        self._hands = hands
        self._witness = witness
        self._clock = clock
        self._record = record
        self._lease = lease
        self._tell = tell
        self._stop_by: Actor | None = None
        self._stop_why = ""
        self._stopping = asyncio.Event()
        self._generation: int | None = None
        self.progress = Progress(op=plan.op, step=0, steps=len(plan.steps), text="begins", by=person.name)

    def stop(self, by: Actor, why: str = "") -> None:
        """No step after the present one."""
        if self._stop_by is None:
            self._stop_by, self._stop_why = by, why
            self._stopping.set()
            self._say(self.progress.step, self.progress.text)

    async def run(self, numbers: Iterable[int], doubtful: Iterable[int] = ()) -> Ending | None:
        """The steps of these numbers; those in doubt are read back first. None: it was stopped, and stays open.

        Raises JournalClosed when what happened can no longer be recorded: then nothing more is sent.
        """
        before = self._witness.look()
        in_doubt = set(doubtful)
        try:
            for number in numbers:
                self._check_stop()
                step = self.plan.steps[number - 1]
                is_doubtful = number in in_doubt
                if is_doubtful and await self._is_there(number, step):
                    await self._settle(number, step, before)
                    await self._ease(step, before, await self._bearing(step))
                    continue
                base = await self._bearing(step) if step.settle.kind == "load" else Bearing()
                await self._do(number, step, may_be_there=is_doubtful)
                await self._settle(number, step, before)
                await self._ease(step, before, base)
            sight = await self._verify(before)
        except Halt as halt:
            by = self._stop_by or self.person
            if halt.is_harm:
                await self._offer(str(halt))
            await self._record(kinds.Stopped(op=self.plan.op, by=by, reason=str(halt)))
            return None
        except Failed as failed:
            await self._offer(str(failed))
            await self._close(failed.ending, str(failed))
            return failed.ending
        ending = {Outcome.SUCCESS: Ending.SUCCEEDED, Outcome.FAILURE: Ending.FAILED}.get(
            sight.outcome or Outcome.UNKNOWN, Ending.UNKNOWN
        )
        if ending is not Ending.SUCCEEDED:
            await self._offer(sight.text)
        await self._close(ending, sight.text)
        return ending

    # --- one step ----------------------------------------------------------------------------------------------------

    async def _do(self, number: int, step: PlanStep, *, may_be_there: bool = False) -> None:
        """`may_be_there`: sent before by a process that is gone, and perhaps still on its way."""
        began = self._clock.now().mono
        waits = iter(BUSY_S)
        is_second = False
        while True:
            self._check_lease()
            self._say(number, f"{step.told.what} {step.told.target}")
            await self._record(kinds.StepBegun(op=self.plan.op, step=number))
            sent = self._clock.now().mono
            answer = await self._sent(step.write)
            if answer.outcome is Outcome.UNKNOWN:
                found = await self._look_for(number, step, answer)
                if found is Found.APPLIED:
                    return
                if found is Found.UNCLEAR:
                    raise Failed(
                        Ending.UNKNOWN, f"step {number} ({step.told.what}): {answer.text}; what came of it is not known"
                    )
                if is_second or not is_repeatable(step.write):  # absent whenever it was looked at, and yet it may be on its way
                    lost = f"step {number} ({step.told.what}) was lost and may still arrive: {answer.text}"
                    raise Failed(Ending.UNKNOWN, lost)
                is_second = True  # it proved absent, and its precondition keeps it from being done twice
                continue
            await self._record(_done(self.plan.op, number, step, answer, self._clock.now().mono - sent))
            if (is_second or may_be_there) and answer.is_drift and await self._is_there(number, step):
                return  # what was lost arrived after all, and the precondition kept the second from being done
            if answer.outcome is Outcome.SUCCESS:
                self._generation = answer.generation if answer.generation is not None else self._generation
                return
            if not answer.is_busy:
                raise Failed(Ending.FAILED, _refused(number, step, answer))
            wait_s = answer.retry_after_s if answer.retry_after_s else next(waits, BUSY_S[-1])
            wait_s = min(wait_s, BUSY_MOST_S)
            if self._clock.now().mono - began + wait_s > step.patience_s:
                patience = f" for {step.patience_s:.0f} s" if step.patience_s else ""
                raise Failed(
                    Ending.FAILED, f"step {number} ({step.told.what}) was not let through{patience}: {answer.text}"
                )
            self._say(number, f"{step.told.what} {step.told.target} waits: {answer.text}")
            await self._pause(wait_s)
            self._check_stop()

    async def _sent(self, write: Write) -> Answer:
        if isinstance(write, NoWrite):
            return Answer(outcome=Outcome.SUCCESS, text="recorded")
        return await self._hands[type(write)].do(write, self.plan.op, self.person)

    async def _look_for(self, number: int, step: PlanStep, answer: Answer) -> Found:
        """A lost answer: look until it is clear, for a minute at most. Every look that says something is recorded."""
        await self._record(kinds.StepUnknown(op=self.plan.op, step=number, reason=answer.text))
        absent = 0
        echo = Echo(found=Found.UNCLEAR)
        for wait_s in READ_BACK_S:
            await self._clock.sleep(wait_s)  # not cut short by a stop: what came of it must be known first
            self._say(number, f"the answer was lost ({answer.text}); looking what came of it")
            echo = await self._echo(step)
            absent = absent + 1 if echo.found is Found.ABSENT else 0
            if echo.found is Found.APPLIED or absent >= SURE_ABSENT:
                break
        await self._record(_read(self.plan.op, number, echo))
        self._generation = echo.generation if echo.generation is not None else self._generation
        return echo.found

    async def _is_there(self, number: int, step: PlanStep) -> bool:
        """Of an interrupted operation: did the step whose answer nobody heard take effect?"""
        for wait_s in (0.0, 1.0, 2.0):
            await self._clock.sleep(wait_s)
            echo = await self._echo(step)
            if echo.found is not Found.UNCLEAR:
                break
        await self._record(_read(self.plan.op, number, echo))
        if echo.found is Found.UNCLEAR:
            raise Failed(
                Ending.UNKNOWN, f"step {number} ({step.told.what}): {echo.text or 'what came of it is not known'}"
            )
        return echo.found is Found.APPLIED

    async def _echo(self, step: PlanStep) -> Echo:
        if isinstance(step.write, NoWrite):
            return Echo(found=Found.ABSENT, text="nothing was to be sent")
        return await self._hands[type(step.write)].read_back(step.write)

    # --- between steps -----------------------------------------------------------------------------------------------

    async def _settle(self, number: int, step: PlanStep, before: Scene) -> None:
        """Wait until this step has come to rest; after the last one the verification does."""
        if step.settle.kind != "pod-gone":
            return
        began = self._clock.now().mono
        while True:
            echo = await self._echo(step)
            if echo.found is Found.APPLIED and not echo.uid:  # gone, and not merely going
                break
            self._say(number, f"waiting for {step.settle.subject} to be gone")
            if self._clock.now().mono - began > step.settle.limit_s:
                raise Halt(f"{step.settle.subject} is not gone after {step.settle.limit_s:.0f} s")
            await self._pause(LOOK_S)
            self._check_stop()
        await self._canary(step, before)
        why = stuck(self._witness.look(), before)
        if why:
            raise Halt(why)

    async def _ease(self, step: PlanStep, before: Scene, base: Bearing) -> None:
        """After a step that moved traffic: look at what bears it for as long as it takes to show, and halt at harm."""
        settle = step.settle
        if settle.kind != "load":
            return
        began = self._clock.now().mono
        while True:
            found, scene = await self._bearing(step), self._witness.look()
            why = strained(settle, before, scene, base, found, self.plan.blast.channels or ())
            if why:
                raise Halt(f"halted by itself after {step.told.what}: {why}", is_harm=True)
            waits = unsettled(settle, scene, base, found, began + settle.at_least_s)
            passed_s = self._clock.now().mono - began
            if passed_s >= settle.at_least_s and not waits:
                return
            if passed_s > settle.limit_s:
                raise Halt(f"{passed_s:.0f} s after {step.told.what}: {waits}", is_harm=True)
            left_s = settle.at_least_s - passed_s
            self._say(self.progress.step, f"watched for another {left_s:.0f} s" if left_s > 0 else waits)
            await self._pause(min(LOAD_LOOK_S, max(LOOK_S, settle.at_least_s / 20)))
            self._check_stop()

    async def _bearing(self, step: PlanStep) -> Bearing:
        hand = self._hands.get(type(step.write))
        return await hand.bearing(step.write) if isinstance(hand, Bears) else Bearing()

    async def _canary(self, step: PlanStep, before: Scene) -> None:
        """After the first of many, its service must be whole again before the second."""
        if not step.is_canary or not step.settle.service:
            return
        began = self._clock.now().mono
        while True:
            sight = whole(self._witness.look(), before, self.plan.target.cluster, step.settle.service)
            if sight.outcome is Outcome.SUCCESS:
                return
            self._say(self.progress.step, f"after the first one: {sight.text}")
            if self._clock.now().mono - began > CANARY_S:
                raise Halt(f"after the first one, {CANARY_S:.0f} s later: {sight.text}")
            await self._pause(LOOK_S)
            self._check_stop()

    def _check_stop(self) -> None:
        if self._stop_by is not None:
            raise Halt(self._stop_why)
        self._check_lease()

    def _check_lease(self) -> None:
        if self._lease is not None and self._lease.lost:
            raise Halt(f"the lock between hosts is lost: {self._lease.lost}")

    async def _pause(self, seconds: float) -> None:
        """Sleep, or wake up to stop."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((sleeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()
            await asyncio.gather(sleeping, stopping, return_exceptions=True)

    # --- afterwards --------------------------------------------------------------------------------------------------

    async def _verify(self, before: Scene) -> Sight:
        """Ask the feeds until they say yes for a while, say no, or the window is over."""
        proof = self.plan.proof
        began = self._clock.now().mono
        good_since: float | None = None
        while True:
            sight = seen(self.plan, before, self._witness.look(), self._generation)
            if proof.kind == "traffic" and sight.outcome is not Outcome.FAILURE:
                sight = await self._stands(sight)
            now = self._clock.now().mono
            self._say(len(self.plan.steps), f"verifying: {sight.text}")
            if sight.outcome is Outcome.SUCCESS:
                good_since = now if good_since is None else good_since
                if now - good_since >= min(HOLDS_S, proof.window_s / 10) or proof.kind == "recorded":
                    break
            else:
                good_since = None
                if sight.outcome is not None:
                    break
            if now - began >= proof.window_s:
                sight = at_the_end(sight)
                break
            await self._clock.sleep(STANDS_S if proof.kind == "traffic" else LOOK_S)
        outcome = sight.outcome or Outcome.UNKNOWN
        await self._record(
            kinds.Verified(op=self.plan.op, outcome=outcome, reason=sight.text, window_s=int(proof.window_s))
        )
        return Sight(outcome, sight.text)

    async def _stands(self, sight: Sight) -> Sight:
        """The last write to each balancer or switch is asked after; `sight` is what the feeds say."""
        last = {(step.told.target, step.told.uid): step for step in self.plan.steps}
        empty = str(dict(self.plan.proof.wants).get("empty") or "").split("\n")
        own = stands([await self._bearing(step) for step in last.values()], empty)
        return own if own.outcome is not Outcome.SUCCESS else Sight(sight.outcome, f"{own.text}; {sight.text}")

    async def _offer(self, why: str) -> None:
        if self.plan.undo is not None:
            await self._record(kinds.UndoOffered(op=self.plan.op, reason=f"{why}: {self.plan.undo.text}"))

    async def _close(self, ending: Ending, why: str) -> None:
        await self._record(kinds.Closed(op=self.plan.op, ending=ending, reason=why))

    def _say(self, step: int, text: str) -> None:
        said = Progress(
            op=self.plan.op,
            step=step,
            steps=len(self.plan.steps),
            text=text,
            is_stopping=self._stop_by is not None,
            by=self.person.name,
        )
        if said != self.progress:
            self.progress = said
            if self._tell is not None:
                self._tell(said)


def _done(op: str, number: int, step: PlanStep, answer: Answer, seconds: float) -> kinds.StepDone:
    return kinds.StepDone(
        op=op,
        step=number,
        outcome=answer.outcome,
        status=answer.status,
        answer=answer.text + (f" id {answer.id}" if answer.id else ""),
        uid=answer.uid,
        generation=answer.generation,
        old=step.told.old,
        new=step.told.new,
        duration_ns=int(seconds * 1e9),
    )


def _read(op: str, number: int, echo: Echo) -> kinds.ReadBack:
    text = echo.text + (f" id {echo.id}" if echo.id else "")
    return kinds.ReadBack(op=op, step=number, found=echo.found, answer=text, uid=echo.uid, generation=echo.generation)


def _refused(number: int, step: PlanStep, answer: Answer) -> str:
    said = f"step {number} ({step.told.what}) was refused: {answer.text}"
    return f"{said}; the target has changed since the plan, so plan again" if answer.is_drift else said
