"""An operation, opened: watched, decided, stopped, resumed, undone, left; and whether the console may be left while one runs.

One's own is stopped by one key. Another's is stopped with a reason and a typed word, by who might do or approve the same: its
person will ask why. The service decides about each; what is offered here is only what it said last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from console.actions.target import BadTarget, Target
from console.app.operation import OperationScreen
from console.app.plandialog import NOT_DONE, Kind, PlanDialog
from console.app.sure import SureDialog
from console.app.together import APPROVED, AWAITING
from console.model.cell import Tone
from console.model.operation import OperationLine
from console.rows.actions import bare

if TYPE_CHECKING:
    from console.app.acting import Acting


class Handling:
    """For one screen's `Acting`, which shows plans and says things."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def watch(self, op: str) -> None:
        """Open an operation: its progress, its end, and what can be done about it."""
        acting = self._acting
        acting.seen(op)

        def answered(key: str | None) -> None:
            acting.seen(op)
            if key is not None:
                self._follow(op, key)

        licence = acting.licence
        screen = OperationScreen(
            op,
            lambda: acting.line(op),
            acting.clock.now,
            self.stop_own if licence is not None else None,
            is_prod=acting.is_prod,
            say=lambda: acting.together.say(op),
            plan=lambda: licence.service.plan_of(op) if licence is not None else None,
            why_not=lambda: self._why_not(op),
        )
        acting.app().push_screen(screen, answered)

    def _why_not(self, op: str) -> str:
        """Of one that waits: why this session has no say."""
        line, acting = self._acting.line(op), self._acting
        if line is None or line.state != AWAITING or acting.licence is None:
            return ""
        say = acting.together.say(op)
        if say.is_own:
            return "a second person must say yes: nobody approves their own, by name or by key"
        return "" if say.may_decide else say.why

    def open(self, op: str) -> None:
        """Enter on a row of the actions: the dialog where one is awaited, else the operation."""
        acting = self._acting
        line, licence = acting.line(op), acting.licence
        if line is None or licence is None or line.state not in (AWAITING, APPROVED):
            self.watch(op)
            return
        if licence.service.plan_of(op) is None:
            acting.tell("it was planned by another process: it is approved and run there", "warning")
            self.watch(op)
            return
        is_mine = licence.owns(op)
        if is_mine != (line.state == APPROVED) or (not is_mine and not acting.together.say(op).may_decide):
            self.watch(op)
            return
        self._decide(op)

    def _decide(self, op: str) -> None:
        """Approve or deny another's, run one's own."""
        acting = self._acting
        licence, line = acting.licence, acting.line(op)
        plan = licence.service.plan_of(op) if licence is not None else None
        if plan is None or licence is None or line is None:
            return
        kind = Kind.RUN if line.state == APPROVED else Kind.APPROVE
        dialog = PlanDialog(plan, licence, acting.clock, is_prod=acting.is_prod, kind=kind)
        acting.app().push_screen(dialog, acting.decided)

    def _follow(self, op: str, key: str) -> None:
        acting = self._acting
        licence, line = acting.licence, acting.line(op)
        if licence is None or line is None:
            return
        if key == "u":
            acting.show_plan(f"undo of {line.action} · {bare(line.target)}", lambda: licence.plan_undo(op))
        elif key == "a":
            self._decide(op)
        elif key == "w":
            acting.app().run_worker(self._take_back(op), exit_on_error=False)
        elif key == "s":
            self._sure(
                line,
                f"stop what {line.runs_by or line.by} runs",
                f"{line.done} of {len(line.steps)} steps are done and stay so; it is left half done, and they are told by whom",
                "stop",
                "Stop",
                licence.stop,
                needs_reason=True,
            )
        elif key == "r":
            self._sure(
                line,
                f"resume {line.action}",
                f"{len(line.steps) - line.done} of {len(line.steps)} steps are left; what is in doubt is read back first",
                _name(line),
                "Resume",
                self._resume,
            )
        else:
            self._sure(
                line,
                f"leave {line.action} as it is",
                f"{line.done} of {len(line.steps)} steps are done and stay so; it is not offered again",
                "leave",
                "Leave",
                licence.abandon,
                needs_reason=True,
            )

    async def _take_back(self, op: str) -> None:
        assert self._acting.licence is not None
        await self._told(self._acting.licence.cancel(op), "taken back: nothing was done")

    def _sure(
        self,
        line: OperationLine,
        title: str,
        what: str,
        expected: str,
        verb: str,
        do: Callable[[str, str], Awaitable[None]],
        *,
        needs_reason: bool = False,
    ) -> None:
        acting = self._acting

        async def done(reason: str) -> None:
            await do(line.id, reason)

        def answered(is_done: bool | None) -> None:
            if is_done:
                self.watch(line.id)

        lines = [("WHAT", f"{line.action} {line.target}", Tone.STRONG), ("", what, Tone.NORMAL)]
        dialog = SureDialog(
            title, lines, expected, verb, done, acting.clock, is_prod=acting.is_prod, needs_reason=needs_reason
        )
        acting.app().push_screen(dialog, answered)

    async def _resume(self, op: str, _reason: str) -> None:
        """Begun, and what is refused until then raised."""
        acting = self._acting
        assert acting.licence is not None
        task = acting.licence.resume(op)
        while not task.done() and op not in acting.licence.service.running:
            await asyncio.wait({task}, timeout=0.05)
        if task.done():
            task.result()
        acting.begun(op)

    # -- what runs -----------------------------------------------------------------------------------------------------
    def stop(self) -> None:
        """The key `s`: one's own that runs; of several the one begun last. Another's is not stopped by a key alone."""
        acting = self._acting
        running = acting.own_running
        if running and acting.licence is not None:
            self.stop_own(max(running, key=acting.since).id)
            return
        others = acting.running
        if others:
            line = others[0]
            whose = line.runs_by or line.by
            acting.tell(f"nothing of yours is running; {whose} runs {line.action} {bare(line.target)}: 6 opens it", "warning")
        else:
            acting.tell("nothing that was begun here is running", "warning")

    def stop_own(self, op: str) -> None:
        self._acting.app().run_worker(self._stop(op), exit_on_error=False)

    async def _stop(self, op: str) -> None:
        assert self._acting.licence is not None
        await self._told(self._acting.licence.stop(op), "it stops before its next step; what is done stays done")

    async def _told(self, asked: Awaitable[None], done: str) -> None:
        """Say that it was done, or why it was not."""
        try:
            await asked
        except NOT_DONE as error:
            self._acting.tell(str(error), "warning")
        else:
            self._acting.tell(done, "information")

    def quit(self) -> bool:
        """Whether the console may be left at once; else somebody is asked. What others run is no matter of this session."""
        acting = self._acting
        running = acting.own_running
        if not running:
            return True

        async def leave(_reason: str) -> None:
            acting.app().exit()

        lines = [
            ("RUNNING", f"{line.action} {line.target} · {line.done} of {len(line.steps)} done", Tone.STRONG)
            for line in running
        ]
        told = "it is cut off where it is and told as interrupted; stop it first (esc, then s), or leave this console open"
        if acting.licence is not None and not acting.licence.service.alone:
            told = "it goes on without you, the others see it and may stop it, and you find it here when you come back"
        dialog = SureDialog(
            "quit while an operation runs",
            [*lines, ("", told, Tone.WARN)],
            "quit",
            "Quit",
            leave,
            acting.clock,
            is_prod=acting.is_prod,
        )
        acting.app().push_screen(dialog)
        return False


def _name(line: OperationLine) -> str:
    """What is typed to go on with it: as for its plan."""
    try:
        target = Target.parse(line.target)
    except BadTarget:
        return "resume"
    return {"low": "y", "medium": target.name}.get(line.tier, target.full_name)
