"""The operations as a feed: what the book knows, told anew after every record and every step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

from console.actions.audit.history import Known
from console.actions.audit.operation import State
from console.actions.book import Book
from console.model.instant import Clock
from console.model.operation import OperationLine, Operations, OperationStep
from console.model.reading import Reading
from console.model.severity import State as Health
from console.model.source import Cost
from console.sources.sanitise import clean

OPERATIONS = "actions.operations"
REREAD_S = 15.0  # what other processes of this host have recorded meanwhile
MOST = 500


class OperationsSource:
    """Never fails: what cannot be read is told in the value, beside what is known."""

    name = OPERATIONS
    kind = "audit"
    stale_after_s = 3 * REREAD_S
    cost = Cost()

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    async def readings(self) -> AsyncGenerator[Reading[Operations], None]:
        """After every change, and every REREAD_S."""
        changed = asyncio.Event()
        stop = self._book.listen(changed.set)
        try:
            while True:
                await self._book.read()
                until = self._clock.now().mono + REREAD_S
                while (left_s := until - self._clock.now().mono) > 0:
                    changed.clear()
                    yield self._reading()
                    try:
                        async with asyncio.timeout(left_s):
                            await changed.wait()
                    except TimeoutError:
                        break
        finally:
            stop()

    def _reading(self) -> Reading[Operations]:
        now = self._clock.now()
        lines = tuple(self._line(known) for known in self._book.known()[:MOST])
        trouble = self._book.failure or self._book.trouble
        state = Health.PARTIAL if trouble else Health.LIVE
        return Reading(
            value=Operations(lines=lines, trouble=trouble),
            state=state,
            received=now,
            as_of=now.utc,
            partial_reason=trouble,
        )

    def _line(self, known: Known) -> OperationLine:
        operation = known.operation
        progress = self._book.progress(operation.id)
        steps = tuple(
            OperationStep(clean(f"{step.plan.what} {step.plan.target}", 300), step.state.value, clean(step.answer, 300))
            for step in operation.steps
        )
        return OperationLine(
            id=clean(operation.id, 60),
            action=clean(operation.action, 100),
            target=clean(operation.target, 400),
            state=known.state.value,
            tier=operation.tier.value,
            site=clean(operation.site, 100),
            by=clean(operation.requested_by.name, 100) if operation.requested_by is not None else "",
            runs_by=clean(progress.by, 100) if progress is not None else "",
            at=operation.planned_at,
            last_at=operation.last_at,
            until=_until(known),
            expires_at=operation.expires_at if operation.intent_at is None else None,
            reason=clean(operation.reason, 500),
            ticket=clean(operation.ticket, 100),
            incident=clean(operation.incident, 60),
            plan_hash=operation.plan_hash,
            steps=steps,
            done=operation.done,
            progress=clean(progress.text, 300) if progress is not None else "",
            is_stopping=progress.is_stopping if progress is not None else False,
            is_over=operation.is_over,
            is_here=progress is not None,
            may_resume=known.may_resume,
            may_undo=known.may_undo,
            ending=clean(operation.ending_reason, 500),
            refusal=clean(operation.refusal, 500),
            approved_by=tuple(clean(each.name, 100) for each in operation.approved_by),
            stopped_by=clean(operation.stopped_by.name, 100) if operation.stopped_by is not None else "",
            stop_reason=clean(operation.stop_reason, 500),
            undoes=operation.undoes,
            undone_by=operation.undone_by,
            irregular=tuple(clean(each, 200) for each in operation.irregular),
        )


def _until(known: Known) -> datetime | None:
    """Of an acknowledgement that took effect: its step says for how many seconds."""
    operation = known.operation
    if known.state is not State.SUCCEEDED or operation.intent_at is None or not operation.steps:
        return None
    step = operation.steps[0].plan
    if step.what != "acknowledge" or not isinstance(step.new, int):
        return None
    return operation.intent_at + timedelta(seconds=step.new)
