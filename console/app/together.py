"""What one session must be told of the others: who asks for its yes, what became of its own asking, who left something running,
and what happened to its person's operations while they were away.

It reads the session's own seat, so that what its person may not read is not told either, and asks the service what they have
to say about each operation. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from textual.app import App

from console.actions.licence import Licence
from console.actions.say import Say
from console.app.company import Company
from console.model.instant import Instant
from console.model.operation import OperationLine
from console.rows.actions import HALF_DONE, bare
from console.rows.units import duration

AWAITING, APPROVED = "awaiting approval", "approved"
LOUD = ("unknown", "failed", "interrupted")  # endings that stand on the screen until they were opened
SAY_S = 30.0  # after which the policy is asked again
ASKED_TOLD_S = 60.0
_NOTHING = Say()

Tell = Callable[[str, str, float], None]  # words, severity, for how many seconds


class Together:
    """Of one session. `company` None: nobody else can be here."""

    def __init__(
        self, app: Callable[[], App[None]], licence: Licence | None, company: Company | None, tell: Tell
    ) -> None:
        self._app = app
        self._licence = licence
        self._company = company
        self._tell = tell
        self._says: dict[str, tuple[str, float, Say]] = {}  # op -> the state it was asked in, when, the answer
        self._asking: set[str] = set()
        self._told: set[str] = set()  # of whose asking somebody was told
        self._mine: dict[str, str] = {}  # one's own that wait or may be run -> the state they were seen in last
        self._with: dict[str, bool] = {}  # what runs or waits -> whether its person was here
        self._has_returned = company is None

    # -- what is known -------------------------------------------------------------------------------------------------
    def owns(self, line: OperationLine) -> bool:
        """It is this person's own, by whichever key."""
        return self._licence is not None and (self._licence.owns(line.id) or line.runs_by == self._licence.person.name)

    def say(self, op: str) -> Say:
        """What this person has to say about it, as the service last told."""
        return self._says[op][2] if op in self._says else _NOTHING

    def waiting(self, lines: Sequence[OperationLine], now: Instant) -> list[OperationLine]:
        """Those that wait for a yes or no that this person may give."""
        return [line for line in lines if state_by(line, now) == AWAITING and self.say(line.id).may_decide]

    def ready(self, lines: Sequence[OperationLine], now: Instant) -> list[OperationLine]:
        """One's own that have their yes and are not begun."""
        return [line for line in lines if state_by(line, now) == APPROVED and self.owns(line)]

    def runner(self, line: OperationLine) -> str:
        """Whose it is, for the strip; empty for one's own."""
        if self._licence is not None and self.owns(line):
            return ""
        name = line.runs_by or line.by
        return f"{name} (has left)" if self.has_left(line) else name

    def has_left(self, line: OperationLine) -> bool:
        """No session of its person is here."""
        return self._company is not None and not self._company.is_here(line.runs_by or line.by)

    # -- as time goes on -----------------------------------------------------------------------------------------------
    def renew(self, lines: Sequence[OperationLine], now: Instant) -> None:
        """What has changed is asked about and told."""
        watched = [line for line in lines if line.is_here or line.state in (AWAITING, APPROVED, *HALF_DONE)]
        self._departures(watched)
        if self._licence is None:
            return
        for line in watched:
            state, at, _ = self._says.get(line.id, ("", 0.0, _NOTHING))
            if (state != line.state or now.mono - at > SAY_S) and line.id not in self._asking:
                self._asking.add(line.id)
                self._app().run_worker(self._ask(line, now.mono), group="say", exit_on_error=False)
        kept = {line.id for line in watched}
        self._says = {op: each for op, each in self._says.items() if op in kept}
        self._told &= kept
        self._answers(lines, now)

    async def _ask(self, line: OperationLine, at: float) -> None:
        assert self._licence is not None
        try:
            said = await self._licence.say(line.id)
        finally:
            self._asking.discard(line.id)
        self._says[line.id] = (line.state, at, said)
        if line.state == AWAITING and said.may_decide and line.id not in self._told:
            self._told.add(line.id)
            self._app().bell()
            why = f", because “{line.reason}”" if line.reason else ""
            self._tell(
                f"{line.by} asks for a second person: {line.action} {bare(line.target)}, tier {line.tier}{why}; "
                "6 and enter: approve or deny",
                "warning",
                ASKED_TOLD_S,
            )

    def _departures(self, watched: Sequence[OperationLine]) -> None:
        """A session that ends leaves what it began, and the others are told whose it is."""
        before, self._with = self._with, {}
        if self._company is None:
            return
        for line in watched:
            is_here = self._with[line.id] = not self.has_left(line)
            if is_here or not before.get(line.id, False) or self.owns(line):
                continue
            what = f"{line.action} {bare(line.target)}"
            if line.is_here:
                far = f"{line.done} of {len(line.steps)} steps done"
                self._tell(f"{line.runs_by or line.by} has left; {what} goes on: {far} (6)", "warning", 30.0)
            elif line.state == AWAITING and self.say(line.id).may_decide:
                self._tell(f"{line.by} has left; {what} still waits for a yes or no (6)", "information", 30.0)

    def _answers(self, lines: Sequence[OperationLine], now: Instant) -> None:
        """What others said to what this person asked for."""
        before, self._mine = self._mine, {}
        for line in lines:
            state, was = state_by(line, now), before.get(line.id)
            if state in (AWAITING, APPROVED) and self.owns(line):
                self._mine[line.id] = state
            if was is None or was == state:
                continue
            what = f"{line.action} {bare(line.target)}"
            if state == APPROVED:
                self._app().bell()
                by = ", ".join(line.approved_by)
                self._tell(f"approved by {by}: {what}; 6 and enter runs it{left(line, now)}", "information", 60.0)
            elif state == "refused":
                self._app().bell()
                self._tell(f"{what}: {line.refusal}", "error", 60.0)
            elif state == "expired":
                words = "nobody said yes or no in time" if was == AWAITING else "it was not run in time"
                self._tell(f"{what} has expired: {words}; nothing was done", "warning", 60.0)

    def returned(self, lines: Sequence[OperationLine], now: Instant) -> list[OperationLine]:
        """Once, when a session begins: what its person left, told; and of it what ended badly."""
        if self._has_returned or self._licence is None:
            return []
        self._has_returned = True
        since = self._company.last_here if self._company is not None else None
        bad = []
        for line in lines:
            if not self.owns(line):
                continue
            what = f"{line.action} {bare(line.target)}"
            if line.is_here:
                self._tell(f"yours goes on: {what}, {line.done} of {len(line.steps)} steps done (6)", "information", 30.0)
            elif line.state == AWAITING:
                self._tell(f"yours waits for a second person: {what}{left(line, now)} (6)", "information", 30.0)
            elif line.state == APPROVED:
                by = ", ".join(line.approved_by)
                self._tell(f"yours was approved by {by}: {what}; 6 and enter runs it{left(line, now)}", "information", 60.0)
            elif _ended_since(line, since):
                is_loud = line.state in LOUD
                bad += [line] if is_loud else []
                words = line.refusal or line.ending
                self._tell(
                    f"while you were away: {what} {line.state}{f', {words}' if words else ''} (6)",
                    "error" if is_loud else "information",
                    60.0,
                )
        return bad


def state_by(line: OperationLine, now: Instant) -> str:
    """Where it stands: what runs out does so without anybody recording it."""
    is_open = line.state in (AWAITING, APPROVED) and line.expires_at is not None
    return "expired" if is_open and line.expires_at is not None and now.utc >= line.expires_at else line.state


def left(line: OperationLine, now: Instant) -> str:
    """ ", 9m left"; empty where no end is known."""
    if line.expires_at is None:
        return ""
    return f", {duration(max(0.0, (line.expires_at - now.utc).total_seconds()))} left"


def _ended_since(line: OperationLine, since: datetime | None) -> bool:
    """Also what nobody can have told: it ended when no session of its person was here."""
    is_told_of = line.is_over or line.state in LOUD or (line.state == "expired" and bool(line.reason))
    return since is not None and line.last_at is not None and line.last_at >= since and is_told_of and line.state != "cancelled"
