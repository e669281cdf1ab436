"""One operation, opened: what it is, how far it is, how it ended, and what can still be done about it. Live."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from console.actions.plan import Plan
from console.actions.say import Say
from console.app.detail import Line, Page
from console.app.planpage import plan_page
from console.model.cell import Tone
from console.model.instant import Instant
from console.model.operation import OperationLine, OperationStep
from console.rows.actions import AT_WORK, HALF_DONE, severity_of
from console.rows.units import clock, duration
from themes.tones import Ground
from widgets.confusable import visible
from widgets.form import Mark
from widgets.marked import Marked, ends

_STEP = {
    "pending": ("·", Tone.DIM),
    "begun": ("▶", Tone.ACCENT),
    "done": ("✓", Tone.OK),
    "failed": ("✗", Tone.CRIT),
    "unknown": ("?", Tone.CRIT),
    "absent": ("–", Tone.WARN),
}
_ENDED = {
    "succeeded": Tone.OK,
    "undone": Tone.OK,
    "failed": Tone.CRIT,
    "unknown": Tone.CRIT,
    "interrupted": Tone.CRIT,
    "stopped": Tone.WARN,
    "awaiting approval": Tone.WARN,
    "approved": Tone.WARN,
}


_UNDECIDED = ("awaiting approval", "approved")  # nothing was sent: what would be done is shown, guards and all


def operation_page(line: OperationLine, now: Instant, plan: Plan | None = None, told: str = "") -> list[Line]:
    """All that is known of it; its state first. `told`: what this session may do about it, or why it may not."""
    lines: list[Line] = [("STATE", _state(line), _ENDED.get(line.state, Tone.STRONG))]
    if told:
        lines.append(("", told, Tone.WARN))
    if line.state in _UNDECIDED and line.expires_at is not None:
        left_s = max(0.0, (line.expires_at - now.utc).total_seconds())
        lines.append(("EXPIRES", f"in {duration(left_s)}", Tone.WARN if left_s < 60 else Tone.NORMAL))
    if line.state in _UNDECIDED and plan is not None:
        for label, text in (("REASON", line.reason), ("TICKET", line.ticket)):
            if text:
                lines.append((label, visible(text), Tone.NORMAL))
        if line.approved_by:
            lines.append(("YES OF", ", ".join(line.approved_by), Tone.NORMAL))
        return [*lines, *plan_page(plan)]
    if line.state == "unknown":
        doubt = "nobody knows whether it took effect: look at the target before anything else is done"
        lines.append(("", doubt, Tone.CRIT))
    if line.progress:
        lines.append(("NOW", visible(line.progress), Tone.ACCENT))
    if line.ending:
        lines.append(("ENDED", visible(line.ending), _ENDED.get(line.state, Tone.NORMAL)))
    if line.refusal:
        lines.append(("REFUSED", visible(line.refusal), Tone.CRIT))
    lines.append(("WHAT", f"{line.action} {line.target}", Tone.STRONG))
    lines.append(("STEPS", f"{line.done} of {len(line.steps)} done", Tone.NORMAL))
    lines += [("", *_step(number, step)) for number, step in enumerate(line.steps, 1)]
    asked = f"{line.by or 'nobody'} at {clock(line.at)} UTC · tier {line.tier}"
    lines.append(("BY", asked, Tone.NORMAL))
    if line.runs_by and line.runs_by != line.by:
        lines.append(("RUN BY", visible(line.runs_by), Tone.NORMAL))
    if line.stopped_by:
        why = f": {visible(line.stop_reason)}" if line.stop_reason else ""
        lines.append(("STOPPED", f"by {visible(line.stopped_by)}{why}", Tone.WARN))
    if line.approved_by:
        lines.append(("YES OF", ", ".join(line.approved_by), Tone.NORMAL))
    for label, text in (("REASON", line.reason), ("TICKET", line.ticket), ("FOR", line.incident)):
        if text:
            lines.append((label, visible(text), Tone.NORMAL))
    if line.undoes:
        lines.append(("UNDOES", line.undoes, Tone.NORMAL))
    if line.undone_by:
        lines.append(("UNDONE", f"by {line.undone_by}", Tone.OK))
    lines += [("ODD", visible(each), Tone.WARN) for each in line.irregular]
    if line.last_at is not None:
        ago = duration((now.utc - line.last_at).total_seconds())
        lines.append(("LAST", f"recorded at {clock(line.last_at)} UTC, {ago} ago · {line.id}", Tone.DIM))
    return lines


def _state(line: OperationLine) -> str:
    words = line.state.upper() if line.state in ("unknown", "interrupted", "failed") else line.state
    if line.is_stopping:
        words += " · stopping before the next step"
    if line.state in (*HALF_DONE, *AT_WORK) and line.steps:
        words += f" · {line.done} of {len(line.steps)} steps done"
    return words


def _step(number: int, step: OperationStep) -> tuple[str, Tone]:
    mark, tone = _STEP.get(step.state, ("?", Tone.UNKNOWN))
    answer = f" · {visible(step.answer)}" if step.answer else ""
    return f"{mark} {number}. {visible(step.text)} · {step.state}{answer}", tone


def offers(line: OperationLine, say: Say | None) -> list[tuple[str, str]]:
    """Keys that do something to it now. `say` None: this session may only look."""
    if say is None:
        return []
    found = []
    if line.is_here and not line.is_stopping and say.may_stop:
        found.append(("s", "stop before the next step" if say.is_own else f"stop what {line.runs_by or line.by} runs"))
    if line.state == "awaiting approval" and say.may_decide:
        found.append(("a", "approve or deny"))
    if line.state == "approved" and say.is_own:
        found.append(("a", "run it"))
    if line.state in _UNDECIDED and say.is_own:
        found.append(("w", "take it back"))
    if line.may_resume:
        found.append(("r", "resume"))
    if line.may_undo:
        found.append(("u", "undo"))
    if line.may_resume:
        found.append(("x", "leave it so"))
    return found


class OperationScreen(ModalScreen[str | None]):
    """Renewed with everything else. Answers the key of what is to be done next, `a`, `s` (another's), `w`, `r`, `u` or `x`;
    None when it is closed.
    """

    BINDINGS = [Binding("escape,q,enter", "close", "close", show=False)]
    DEFAULT_CSS = """
    OperationScreen { align: center middle; }
    OperationScreen > Vertical { width: 100%; max-width: 122; border: round $primary; background: $background; }
    OperationScreen.prod > Vertical { border: heavy $error; }
    OperationScreen #keys { dock: bottom; }
    OperationScreen #head { dock: top; }
    """

    def __init__(
        self,
        op: str,
        line: Callable[[], OperationLine | None],
        now: Callable[[], Instant],
        stop: Callable[[str], None] | None,
        *,
        is_prod: bool,
        say: Callable[[], Say] = lambda: Say(is_own=True, may_stop=True, may_leave=True),
        plan: Callable[[], Plan | None] = lambda: None,
        why_not: Callable[[], str] = lambda: "",
    ) -> None:
        super().__init__(classes="prod" if is_prod else "")
        self.op = op
        self._line = line
        self._now = now
        self._stop = stop  # None: this session may only look
        self._say = say
        self._plan = plan
        self._why_not = why_not
        self._head, self._keys = Marked(Ground.HEAD, id="head"), Marked(Ground.HEAD, id="keys")
        self._page = Page(())

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._head
            yield self._page
            yield self._keys

    def on_mount(self) -> None:
        self._page.focus()
        self.renew(self._now())

    def on_resize(self) -> None:
        self.renew(self._now())

    def renew(self, now: Instant) -> None:
        """As it is by now."""
        if not self.is_mounted:
            return
        line = self._line()
        width = max(1, min(self.app.size.width, 122) - 2)
        if line is None:
            self._page.show([("", f"{self.op} was begun; its first record is awaited", Tone.DIM)])
            self._keys.show([[Mark(" esc closes", Tone.DIM)]])
            return
        lines = operation_page(line, now, self._plan(), self._why_not())
        self._page.show(lines)
        self.query_one(Vertical).styles.height = min(self.app.size.height, self._page.wanted_lines(width) + 4)
        severity = severity_of(line, now.utc)
        right = [Mark(f" {line.state} ", _ENDED.get(line.state, Tone.ACCENT)), Mark(f" {line.done}/{len(line.steps)} ")]
        left = [
            Mark(f" {severity.letter} ", severity=severity),
            Mark(f" {line.action} ", Tone.STRONG),
            Mark(line.target, Tone.ACCENT),
        ]
        self._head.show([ends(left, right, width)])
        words = [Mark(" ")]
        for key, word in offers(line, self._may):
            words += [Mark(key, Tone.ACCENT), Mark(f" {word}   ")]
        words += [Mark("esc", Tone.ACCENT), Mark(" closes; it goes on" if line.is_here else " closes", Tone.DIM)]
        self._keys.show([words])

    @property
    def _may(self) -> Say | None:
        return self._say() if self._stop is not None else None

    def key_a(self) -> None:
        self._answer("a")

    def key_w(self) -> None:
        self._answer("w")

    def key_s(self) -> None:
        self._answer("s")

    def key_r(self) -> None:
        self._answer("r")

    def key_u(self) -> None:
        self._answer("u")

    def key_x(self) -> None:
        self._answer("x")

    def _answer(self, key: str) -> None:
        line = self._line()
        say = self._may
        if line is not None and say is not None and key in dict(offers(line, say)):
            if key == "s" and self._stop is not None and say.is_own:
                self._stop(line.id)
            else:
                self.dismiss(key)

    def action_close(self) -> None:
        """It goes on without us."""
        self.dismiss(None)
