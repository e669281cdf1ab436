"""What a session that may act does: from the row under the cursor to a plan, its dialog, the running operation and its end.

A session without a licence has this too, and can do nothing with it but say why: what could write is the licence, which it was
never given. Nothing here decides whether something may be done; it asks, and shows the answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.app import App

from console.actions.action import About
from console.actions.licence import Licence
from console.actions.parameters import BadParameter
from console.actions.plan import Plan
from console.actions.registry import UnknownAction
from console.actions.target import BadTarget, Target
from console.app.choosing import ActionMenu, Offer, Planning, asked, given, prefilled
from console.app.detail import DetailScreen
from console.app.operation import OperationScreen
from console.app.plandialog import NOT_DONE, Done, Kind, PlanDialog, Result
from console.app.prompt import PromptScreen
from console.app.strip import LOUD, OperationStrip
from console.app.sure import SureDialog
from console.app.targets import targets_of
from console.feeds.desk import Seat
from console.model.cell import Tone
from console.model.instant import Clock, Instant
from console.model.joined import Workloads
from console.model.operation import OperationLine, Operations
from console.rows.actions import AT_WORK, bare
from console.rows.incidents import IncidentRow
from views.pane import Selection
from widgets.confusable import visible

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from console.rows.pane import Pane

NO_LICENCE = "read-only: start with --write"
TOLD_S = 12.0
UNKNOWN_TOLD_S = 120.0


class Acting:
    """For one screen. `licence` None: nothing can be done, and `why_not` says so."""

    def __init__(
        self, app: Callable[[], App[None]], clock: Clock, licence: Licence | None, why_not: str, *, is_prod: bool
    ) -> None:
        self._app = app
        self._clock = clock
        self.licence = licence
        self._why_not = why_not or NO_LICENCE
        self._is_prod = is_prod
        self._operations: Seat | None = None
        self._workloads: Seat | None = None
        self._incidents: Callable[[], Pane[IncidentRow]] | None = None
        self._since: dict[
            str, float
        ] = {}  # operations begun from here -> when; those of which the end was not told yet
        self._unseen: dict[str, OperationLine] = {}  # bad endings nobody has opened
        self.strip = OperationStrip()

    def sit(self, operations: Seat, workloads: Seat, incidents: Callable[[], Pane[IncidentRow]]) -> None:
        """What is looked at: the operations, and what names a row's targets."""
        self._operations, self._workloads, self._incidents = operations, workloads, incidents

    # -- what is known -------------------------------------------------------------------------------------------------
    def lines(self) -> tuple[OperationLine, ...]:
        """Every operation the books tell of."""
        reading = self._operations.reading if self._operations is not None else None
        value = reading.value if reading is not None else None
        return value.lines if isinstance(value, Operations) else ()

    def line(self, op: str) -> OperationLine | None:
        """One of them."""
        return next((line for line in self.lines() if line.id == op), None)

    @property
    def running(self) -> list[OperationLine]:
        """Those that this process executes."""
        return [line for line in self.lines() if line.is_here]

    def _known_workloads(self) -> Workloads | None:
        reading = self._workloads.reading if self._workloads is not None else None
        value = reading.value if reading is not None else None
        return value if isinstance(value, Workloads) else None

    def _incident_of(self, selection: Selection) -> str:
        """The open incident that this is for: the selected one, or the worst about the same workload."""
        if isinstance(selection.row, IncidentRow):
            return selection.row.name
        rows = self._incidents().rows if self._incidents is not None else ()
        service = selection.service
        return next((row.name for row in rows if service and not row.is_closed and row.service == service), "")

    # -- from a row to a plan ------------------------------------------------------------------------------------------
    def act(self, selection: Selection | None) -> None:
        """The key `a`."""
        if self.licence is None:
            self._say(self._why_not, "warning")
            return
        if selection is None:
            self._say("nothing is selected", "warning")
            return
        targets, why = targets_of(selection, self._known_workloads())
        offers = [(target, about) for target in targets for about in self.licence.service.fitting(target)]
        if not offers:
            named = ", ".join(target.text for target in targets)
            self._say(why or f"no action of the catalogue fits {named}", "warning")
            return
        incident = self._incident_of(selection)

        def chosen(offer: Offer | None) -> None:
            if offer is not None:
                self._ask(*offer, incident)

        self._app().push_screen(ActionMenu(offers, is_prod=self._is_prod), chosen)

    def command(self, words: str) -> str | None:
        """`:act deployment.scale kube:apac-1/live/deployment/packager replicas=3`; a complaint when it is none."""
        if self.licence is None:
            return self._why_not
        name, _, rest = words.strip().partition(" ")
        text, _, values = rest.strip().partition(" ")
        try:
            about = next((each for each in self.licence.service.actions() if each.name == name), None)
            if about is None:
                known = ", ".join(each.name for each in self.licence.service.actions())
                raise UnknownAction(f"there is no action {visible(name)!r}; there are {known}")
            target = Target.parse(text)
            if not about.fits(target):
                raise BadTarget(f"{about.name} is not done to {target.text}")
            self._plan(about, target, given(about, values), "")
        except (UnknownAction, BadTarget, BadParameter) as error:
            return str(error)
        return None

    def _ask(self, target: Target, about: About, incident: str) -> None:
        """Its parameters, where it has any; then the plan."""
        if not about.parameters:
            self._plan(about, target, {}, incident)
            return

        def answered(text: str | None) -> None:
            if text is None:
                return
            try:
                values = given(about, text)
            except BadParameter as error:
                self._say(str(error), "warning")
                return
            self._plan(about, target, values, incident)

        self._app().push_screen(PromptScreen(asked(about), value=prefilled(about), goes_on=True), answered)

    def _plan(self, about: About, target: Target, values: dict[str, str], incident: str) -> None:
        licence = self.licence
        assert licence is not None

        async def make() -> Plan:
            return await licence.plan(about.name, target, values, incident=incident)

        self._show_plan(f"{about.title} · {target.full_name}", make)

    def _show_plan(self, what: str, make: Callable[[], Awaitable[Plan]]) -> None:
        """Wait for the plan, and show it, or why there is none."""
        self._app().run_worker(self._planned(what, make), group="planning", exclusive=True, exit_on_error=False)

    async def _planned(self, what: str, make: Callable[[], Awaitable[Plan]]) -> None:
        app, licence = self._app(), self.licence
        assert licence is not None
        task = asyncio.ensure_future(make())
        waiting = Planning(what, task, self._clock)
        await app.push_screen(waiting)
        await asyncio.wait({task})
        waiting.dismiss()
        if task.cancelled():
            self._say("the plan was given up: nothing was done", "information")
            return
        error = task.exception()
        if error is not None:
            if not isinstance(error, NOT_DONE):
                log.error("no plan could be made of %s, by a fault of midwatch's own", what, exc_info=error)
            why = str(error) if isinstance(error, NOT_DONE) else f"a fault of midwatch itself: {error!r}"
            app.push_screen(DetailScreen("no plan", [("NO PLAN", visible(why), Tone.CRIT), ("", what, Tone.DIM)]))
            return
        plan = task.result()
        dialog = PlanDialog(plan, licence, self._clock, is_prod=self._is_prod, again=make)
        app.push_screen(dialog, self._decided)

    def _decided(self, result: Result | None) -> None:
        """What became of a dialog."""
        if result is None:
            return
        op = result.plan.op
        if result.done is Done.STARTED:
            self._since[op] = self._clock.now().mono
            self.watch(op)
        elif result.done is Done.ASKED:
            self._say(f"{result.plan.title} waits for a second person (6); it is then run by you", "information")
        elif result.done is Done.APPROVED:
            self._say(f"approved: {result.plan.requester.name} may run it now", "information")
        elif result.done is Done.DENIED:
            self._say("denied, which is final", "information")
        elif result.why:
            self._say(f"the dialog was closed: {result.why}", "warning")

    # -- an operation --------------------------------------------------------------------------------------------------
    def watch(self, op: str) -> None:
        """Open an operation: its progress, its end, and what can be done about it."""
        self._unseen.pop(op, None)

        def answered(key: str | None) -> None:
            self._unseen.pop(op, None)
            if key is not None:
                self._follow(op, key)

        stop = self._stop if self.licence is not None else None
        screen = OperationScreen(op, lambda: self.line(op), self._clock.now, stop, is_prod=self._is_prod)
        self._app().push_screen(screen, answered)

    def open(self, op: str) -> None:
        """Enter on a row of the actions: the dialog where one is awaited, else the operation."""
        line, licence = self.line(op), self.licence
        if line is None or licence is None or line.state not in ("awaiting approval", "approved"):
            self.watch(op)
            return
        plan = licence.service.plan_of(op)
        is_mine = plan is not None and plan.requester.is_same_as(licence.person)
        kind = Kind.RUN if line.state == "approved" else Kind.APPROVE
        if plan is None or is_mine != (kind is Kind.RUN):
            if plan is None:
                self._say("it was planned by another process: it is approved and run there", "warning")
            self.watch(op)
            return
        self._app().push_screen(PlanDialog(plan, licence, self._clock, is_prod=self._is_prod, kind=kind), self._decided)

    def _follow(self, op: str, key: str) -> None:
        licence, line = self.licence, self.line(op)
        if licence is None or line is None:
            return
        if key == "u":
            self._show_plan(f"undo of {line.action} · {bare(line.target)}", lambda: licence.plan_undo(op))
        elif key == "r":
            left = len(line.steps) - line.done
            self._sure(
                line,
                f"resume {line.action}",
                f"{left} of {len(line.steps)} steps are left; what is in doubt is read back first",
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
        async def done(reason: str) -> None:
            await do(line.id, reason)

        def answered(is_done: bool | None) -> None:
            if is_done:
                self.watch(line.id)

        lines = [("WHAT", f"{line.action} {line.target}", Tone.STRONG), ("", what, Tone.NORMAL)]
        dialog = SureDialog(
            title, lines, expected, verb, done, self._clock, is_prod=self._is_prod, needs_reason=needs_reason
        )
        self._app().push_screen(dialog, answered)

    async def _resume(self, op: str, _reason: str) -> None:
        """Begun, and what is refused until then raised."""
        assert self.licence is not None
        task = self.licence.resume(op)
        while not task.done() and op not in self.licence.service.running:
            await asyncio.wait({task}, timeout=0.05)
        if task.done():
            task.result()
        self._since[op] = self._clock.now().mono

    def stop(self) -> None:
        """The key `s`: the operation that runs; of several the one begun last."""
        running = self.running
        if not running or self.licence is None:
            self._say("nothing that was begun here is running", "warning")
            return
        self._stop(max(running, key=lambda line: self._since.get(line.id, 0.0)).id)

    def _stop(self, op: str) -> None:
        assert self.licence is not None
        try:
            self.licence.stop(op)
        except NOT_DONE as error:
            self._say(str(error), "warning")
        else:
            self._say("it stops before its next step; what is done stays done", "information")

    def quit(self) -> bool:
        """Whether the console may be left at once; else somebody is asked."""
        running = self.running
        if not running:
            return True

        async def leave(_reason: str) -> None:
            self._app().exit()

        lines = [
            ("RUNNING", f"{line.action} {line.target} · {line.done} of {len(line.steps)} done", Tone.STRONG)
            for line in running
        ]
        told = (
            "it is cut off where it is and told as interrupted; stop it first (esc, then s), or leave this console open"
        )
        dialog = SureDialog(
            "quit while an operation runs",
            [*lines, ("", told, Tone.WARN)],
            "quit",
            "Quit",
            leave,
            self._clock,
            is_prod=self._is_prod,
        )
        self._app().push_screen(dialog)
        return False

    def away(self) -> None:
        """This session did not run for a while: whoever is at the keys now may be another, and a dialog is not armed for
        them.
        """
        for screen in self._app().screen_stack:
            if isinstance(screen, PlanDialog | SureDialog):
                screen.give_up("midwatch was suspended meanwhile")

    # -- what is seen --------------------------------------------------------------------------------------------------
    def renew(self, now: Instant) -> None:
        """The strip, the dialogs in front, and endings to be told."""
        for line in self.lines():
            if line.is_here and line.id not in self._since:
                self._since[line.id] = now.mono
            elif (
                line.id in self._since and not line.is_here and line.state not in AT_WORK and line.state != "confirmed"
            ):
                self._ended(line)
        for screen in self._app().screen_stack:
            if isinstance(screen, PlanDialog) and (line_of := self.line(screen.plan.op)) is not None:
                screen.judge(line_of)
            if isinstance(screen, PlanDialog | SureDialog | OperationScreen | Planning):
                screen.renew(now)
        self._show_strip(now)

    def _ended(self, line: OperationLine) -> None:
        """Told once, and so that what is bad or not known cannot be overlooked."""
        del self._since[line.id]
        is_open = any(isinstance(each, OperationScreen) and each.op == line.id for each in self._app().screen_stack)
        words = f"{line.action} {bare(line.target)}: {line.state.upper() if line.state in LOUD else line.state}"
        words += f", {line.ending}" if line.ending else ""
        if line.state in LOUD:
            self._app().bell()
            if not is_open:
                self._unseen[line.id] = line
            self._say(f"{words}; 6 opens it", "error", UNKNOWN_TOLD_S)
        elif not is_open:
            undo = "; u in 6 takes it back" if line.may_undo else ""
            self._say(words + undo, "information" if line.state == "succeeded" else "warning")

    def _show_strip(self, now: Instant) -> None:
        self._unseen = {
            op: found for op in self._unseen if (found := self.line(op)) is not None and found.state in LOUD
        }
        since = {line.id: now.mono - self._since.get(line.id, now.mono) for line in self.running}
        self.strip.tell(list(self._unseen.values()), self.running, since, max(1, self._app().size.width))

    def _say(self, words: str, severity: str = "information", timeout: float = TOLD_S) -> None:
        self._app().notify(visible(words), severity=severity, timeout=timeout, markup=False)  # type: ignore[arg-type]


def _name(line: OperationLine) -> str:
    """What is typed to go on with it: as for its plan."""
    try:
        target = Target.parse(line.target)
    except BadTarget:
        return "resume"
    return {"low": "y", "medium": target.name}.get(line.tier, target.full_name)
