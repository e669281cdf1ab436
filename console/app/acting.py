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
from console.app.company import Company, who_page
from console.app.detail import DetailScreen
from console.app.handling import Handling
from console.app.operation import OperationScreen
from console.app.plandialog import NOT_DONE, Done, PlanDialog, Result
from console.app.planpage import plan_page
from console.app.prompt import Question
from console.app.strip import LOUD, OperationStrip
from console.app.sure import SureDialog
from console.app.targets import targets_of
from console.app.together import Together
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
STALL_S = 30.0  # after a longer one another may sit there
UNKNOWN_TOLD_S = 120.0


class Acting:
    """For one screen. `licence` None: nothing can be done, and `why_not` says so."""

    def __init__(
        self,
        app: Callable[[], App[None]],
        ask: Callable[[Question], None],
        clock: Clock,
        licence: Licence | None,
        why_not: str,
        *,
        is_prod: bool,
        company: Company | None = None,
    ) -> None:
        self.app = app
        self._prompt = ask
        self.clock = clock
        self.licence = licence
        self._why_not = why_not or NO_LICENCE
        self.is_prod = is_prod
        self._company = company
        self._hides: Callable[[str], bool] = lambda _: False
        self._operations: Seat | None = None
        self._workloads: Seat | None = None
        self._incidents: Callable[[], Pane[IncidentRow]] | None = None
        self._since: dict[str, float] = {}  # operations that run -> since when; those of which the end was not told yet
        self._unseen: dict[str, OperationLine] = {}  # bad endings nobody has opened
        self.strip = OperationStrip()
        self.together = Together(app, licence, company, self.tell)
        self._handling = Handling(self)

    def sit(
        self,
        operations: Seat,
        workloads: Seat,
        incidents: Callable[[], Pane[IncidentRow]],
        hides: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """What is looked at: the operations, and what names a row's targets. `hides`: a text names what may not be seen."""
        self._operations, self._workloads, self._incidents = operations, workloads, incidents
        self._hides = hides

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

    @property
    def own_running(self) -> list[OperationLine]:
        """Of these, this person's."""
        return [line for line in self.running if self.together.owns(line)]

    def since(self, line: OperationLine) -> float:
        """When it was first seen to run."""
        return self._since.get(line.id, 0.0)

    @property
    def here(self) -> int:
        """Sessions; 0 where nobody else can be."""
        return self._company.count if self._company is not None else 0

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
            self.tell(self._why_not, "warning")
            return
        if selection is None:
            self.tell("nothing is selected", "warning")
            return
        targets, why = targets_of(selection, self._known_workloads())
        offers = [(target, about) for target in targets for about in self.licence.service.fitting(target)]
        if not offers:
            named = ", ".join(target.text for target in targets)
            self.tell(why or f"no action of the catalogue fits {named}", "warning")
            return
        incident = self._incident_of(selection)

        def chosen(offer: Offer | None) -> None:
            if offer is not None:
                self._ask(*offer, incident)

        self.app().push_screen(ActionMenu(offers, is_prod=self.is_prod), chosen)

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
                self.tell(str(error), "warning")
                return
            self._plan(about, target, values, incident)

        self._prompt(Question(asked(about), answered, value=prefilled(about), goes_on=True))

    def _plan(self, about: About, target: Target, values: dict[str, str], incident: str) -> None:
        licence = self.licence
        assert licence is not None

        async def make() -> Plan:
            return await licence.plan(about.name, target, values, incident=incident)

        self.show_plan(f"{about.title} · {target.full_name}", make)

    def show_plan(self, what: str, make: Callable[[], Awaitable[Plan]]) -> None:
        """Wait for the plan, and show it, or why there is none. What takes the keys meanwhile stands there before we return."""
        app, task = self.app(), asyncio.ensure_future(make())
        waiting = Planning(what, task, self.clock)
        app.push_screen(waiting)
        planned = self._planned(what, make, task, waiting)
        app.run_worker(planned, group="planning", exclusive=True, exit_on_error=False)

    async def _planned(
        self, what: str, make: Callable[[], Awaitable[Plan]], task: asyncio.Future[Plan], waiting: Planning
    ) -> None:
        app, licence = self.app(), self.licence
        assert licence is not None
        await asyncio.wait({task})
        waiting.dismiss()
        if task.cancelled():
            self.tell("the plan was given up: nothing was done", "information")
            return
        error = task.exception()
        if error is not None:
            if not isinstance(error, NOT_DONE):
                log.error("no plan could be made of %s, by a fault of midwatch's own", what, exc_info=error)
            why = str(error) if isinstance(error, NOT_DONE) else f"a fault of midwatch itself: {error!r}"
            app.push_screen(DetailScreen("no plan", [("NO PLAN", visible(why), Tone.CRIT), ("", what, Tone.DIM)]))
            return
        plan = task.result()
        if self._hides("\n".join(text for _, text, _ in plan_page(plan))):
            await licence.cancel(plan.op)
            self.tell("this plan names what you may not read: it was taken back", "warning")
            return
        dialog = PlanDialog(plan, licence, self.clock, is_prod=self.is_prod, again=make)
        app.push_screen(dialog, self.decided)

    def decided(self, result: Result | None) -> None:
        """What became of a dialog."""
        if result is None:
            return
        op = result.plan.op
        if result.done is Done.STARTED:
            self._since[op] = self.clock.now().mono
            self.watch(op)
        elif result.done is Done.ASKED:
            self.tell(f"{result.plan.title} waits for a second person (6); it is then run by you", "information")
        elif result.done is Done.APPROVED:
            self.tell(f"approved: {result.plan.requester.name} may run it now", "information")
        elif result.done is Done.DENIED:
            self.tell("denied, which is final", "information")
        elif result.why:
            self.tell(f"the dialog was closed: {result.why}", "warning")

    # -- an operation --------------------------------------------------------------------------------------------------
    def watch(self, op: str) -> None:
        """Open an operation."""
        self._handling.watch(op)

    def open(self, op: str) -> None:
        """Enter on a row of the actions: the dialog where one is awaited, else the operation."""
        self._handling.open(op)

    def stop(self) -> None:
        """The key `s`."""
        self._handling.stop()

    def quit(self) -> bool:
        """Whether the console may be left at once; else somebody is asked."""
        return self._handling.quit()

    def seen(self, op: str) -> None:
        """Somebody has looked at it."""
        self._unseen.pop(op, None)

    def begun(self, op: str) -> None:
        """From here, at this moment."""
        self._since[op] = self.clock.now().mono

    # -- others --------------------------------------------------------------------------------------------------------
    def who(self) -> None:
        """`:who`"""
        if self._company is None:
            self.tell("nobody else can be here: this console is yours alone; midwatch serve is for many", "information")
            return
        guests = self._company.here
        lines = who_page(guests, self.lines(), self.clock.now())
        self.app().push_screen(DetailScreen(f"who is here: {len(guests)}", lines))

    def looks_at(self, view: str) -> None:
        """This session went to a view."""
        if self._company is not None:
            self._company.looks_at(view)

    def leave(self) -> None:
        """The session is over; what it began goes on where its service does."""
        if self._company is not None:
            self._company.leave()

    # -- time ----------------------------------------------------------------------------------------------------------
    def away(self, *, stall_s: float | None = None) -> None:
        """This session did not run for a while: whoever is at the keys now may be another, and a dialog is not armed for
        them. A short stall of midwatch's own (`stall_s`) sends nobody away: what was written stays, and what was typed to
        confirm is typed again.
        """
        for screen in self.app().screen_stack:
            if not isinstance(screen, PlanDialog | SureDialog):
                continue
            if stall_s is not None and stall_s < STALL_S:
                screen.stalled(f"midwatch stood still for {stall_s:.0f} s: what you wrote is kept, type the name again")
            else:
                screen.give_up("midwatch was suspended meanwhile")

    # -- what is seen --------------------------------------------------------------------------------------------------
    def renew(self, now: Instant) -> None:
        """The strip, the dialogs in front, what others say, and endings to be told."""
        lines = self.lines()
        if lines:
            self._unseen.update({line.id: line for line in self.together.returned(lines, now)})
        self.together.renew(lines, now)
        for line in self.lines():
            if line.is_here and line.id not in self._since:
                self._since[line.id] = now.mono
            elif (
                line.id in self._since and not line.is_here and line.state not in AT_WORK and line.state != "confirmed"
            ):
                self._ended(line)
        for screen in self.app().screen_stack:
            if isinstance(screen, PlanDialog) and (line_of := self.line(screen.plan.op)) is not None:
                screen.judge(line_of, now)
            if isinstance(screen, PlanDialog | SureDialog | OperationScreen | Planning):
                screen.renew(now)
        self._show_strip(now)

    def _ended(self, line: OperationLine) -> None:
        """Told once, and so that what is bad or not known cannot be overlooked. Another's is told to be known, and stands on
        the screen only where nobody else is left to look at it.
        """
        del self._since[line.id]
        is_open = any(isinstance(each, OperationScreen) and each.op == line.id for each in self.app().screen_stack)
        whose = self.together.runner(line)
        words = f"{whose}: " if whose else ""
        words += f"{line.action} {bare(line.target)}: {line.state.upper() if line.state in LOUD else line.state}"
        words += f" by {line.stopped_by}" if line.state == "stopped" and line.stopped_by not in ("", line.by) else ""
        words += f", {line.ending}" if line.ending else ""
        if line.state in LOUD:
            if not whose:
                self.app().bell()
            if not is_open and (not whose or self.together.has_left(line)):
                self._unseen[line.id] = line
            self.tell(f"{words}; 6 opens it", "error", UNKNOWN_TOLD_S if not whose else TOLD_S)
        elif not is_open:
            undo = "; u in 6 takes it back" if line.may_undo and not whose else ""
            self.tell(words + undo, "information" if line.state == "succeeded" else "warning")

    def _show_strip(self, now: Instant) -> None:
        self._unseen = {
            op: found for op in self._unseen if (found := self.line(op)) is not None and found.state in LOUD
        }
        lines, running = self.lines(), self.running
        self.strip.tell(
            list(self._unseen.values()),
            running,
            {line.id: now.mono - self._since.get(line.id, now.mono) for line in running},
            max(1, self.app().size.width),
            now=now,
            waiting=self.together.waiting(lines, now),
            ready=self.together.ready(lines, now),
            runner=self.together.runner,
        )

    def tell(self, words: str, severity: str = "information", timeout: float = TOLD_S) -> None:
        self.app().notify(visible(words), severity=severity, timeout=timeout, markup=False)  # type: ignore[arg-type]
