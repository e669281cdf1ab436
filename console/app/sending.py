"""`S`: what one sees, sent to a chat: first shown as it would stand there, then sent, then told what became of it.

What is sent is what was shown: the texts that the service would be given, after redaction and fitting, of one moment. A moment
that has passed is taken anew with `r`, and looked at again. Who may send what where is not decided here: whoever makes the
session hands in a `Courier` that knows, or none. Leaving the page leaves what was sent on its way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from console.app.detail import Page
from console.app.pivots import Place
from console.model.cell import Tone
from console.model.instant import Clock
from console.rows.units import clock as time_of
from console.rows.units import duration, si
from themes.tones import Ground
from widgets.cells import width as cells_of
from widgets.confusable import visible
from widgets.form import Mark
from widgets.marked import Marked, ends

NO_COURIER = "nowhere to post to: name a chat in the configuration ([chat.NAME], docs/chat.md)"
TOLD_S = 15.0
OLD_S = 60.0  # from when on the age of what is shown stands out
FRAME = 5  # lines that are no text: two of the border, one of the head, two of the foot

log = logging.getLogger(__name__)


class NotSent(Exception):
    """Nothing left the house; the text says why and what to do."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What would be posted to one destination, down to the letter."""

    id: str  # by which every copy of it is known
    destination: str
    kind: str  # what speaks there: slack, feishu ...
    text: str
    size: int  # bytes of the text's request
    left_out: int = 0  # lines that did not fit
    beside: str = ""  # what else goes: "JSON of all rows, 84 kB"
    picture: str = ""  # the one that follows; "" none
    no_picture: str = ""  # why none does
    taken_at: datetime


class Step(msgspec.Struct, frozen=True):
    """How a posting stands. `is_over`: nothing more will be told."""

    words: str
    tone: Tone = Tone.NORMAL
    is_over: bool = False


class Courier(Protocol):
    """What one session may send. Its methods raise NotSent, and return without having held the loop for a disk or a network."""

    async def drafts(self, place: Place) -> Sequence[Draft]:
        """The moment now, once for each destination that this person may post to. At least one."""
        ...

    async def send(self, draft: Draft, told: Callable[[Step], None]) -> None:
        """One of them, on its way; returns when it has arrived, was given up, or waits for longer than one looks. Cancelled,
        it goes on.
        """
        ...


class SendingScreen(ModalScreen[None]):
    """The page: what would be posted, where to, and afterwards what became of it."""

    BINDINGS = [
        Binding("escape,q", "leave", "close", show=False),
        Binding("enter", "send", "post", show=False),
        Binding("tab,right", "turn(1)", "other destination", show=False, priority=True),
        Binding("shift+tab,left", "turn(-1)", "other destination", show=False, priority=True),
        Binding("r", "again", "take anew", show=False),
    ]
    DEFAULT_CSS = """
    SendingScreen { align: center middle; }
    SendingScreen > Vertical { width: 100%; max-width: 122; border: round $primary; background: $background; }
    SendingScreen.prod > Vertical { border: heavy $error; }
    SendingScreen #head { dock: top; }
    SendingScreen #foot { dock: bottom; }
    """

    def __init__(self, courier: Courier, place: Place, clock: Clock, *, is_prod: bool) -> None:
        super().__init__(classes="prod" if is_prod else "")
        self._courier, self._place, self._clock = courier, place, clock
        self._head, self._foot = Marked(Ground.HEAD, id="head"), Marked(Ground.HEAD, id="foot")
        self._page = Page((), exactly)
        self._drafts: Sequence[Draft] = ()
        self._at = 0
        self._step = Step("taking the moment …")
        self._is_sent = False
        self._taking: asyncio.Task[None] | None = None

    @property
    def draft(self) -> Draft | None:
        """What is shown, and would be sent."""
        return self._drafts[self._at] if self._drafts else None

    @property
    def step(self) -> Step:
        return self._step

    def compose(self) -> ComposeResult:
        box = Vertical(self._head, self._page, self._foot)
        scope = f" ▸ {self._place.scope}" if self._place.scope else ""
        box.border_title = Content(f"snapshot of {self._place.view}{scope}")
        box.border_subtitle = "esc leaves"
        yield box

    def on_mount(self) -> None:
        self._page.focus()
        self.set_interval(1.0, self._renew)
        self.action_again()

    def on_unmount(self) -> None:
        if self._taking is not None:
            self._taking.cancel()

    def on_resize(self) -> None:
        self._renew()

    # -- keys ----------------------------------------------------------------------------------------------------------
    def action_again(self) -> None:
        """Take the moment, as it is now."""
        if self._is_sent:
            return
        if self._taking is not None:
            self._taking.cancel()
        destination = self.draft.destination if self.draft is not None else ""
        self._drafts, self._at, self._step = (), 0, Step("taking the moment …")
        self._taking = asyncio.create_task(self._take(destination), name="drafts")
        self._renew()

    async def _take(self, destination: str) -> None:
        try:
            drafts = await self._courier.drafts(self._place)
        except NotSent as why:
            self._step = Step(str(why), Tone.WARN)
        except Exception as error:
            log.exception("no draft could be made of %s, by a fault of midwatch's own", self._place.view)
            self._step = Step(f"a fault of midwatch itself: {type(error).__name__}; the log file has it", Tone.CRIT)
        else:
            self._drafts, self._step = drafts, Step("")
            self._at = next((at for at, each in enumerate(drafts) if each.destination == destination), 0)
        if self.is_attached:
            self._renew()

    def action_turn(self, steps: int) -> None:
        """Another destination, which may take another text."""
        if self._drafts and not self._is_sent:
            self._at = (self._at + steps) % len(self._drafts)
            self._renew()

    def action_send(self) -> None:
        """Post what is shown. Before there is anything to be seen, enter means nothing."""
        draft = self.draft
        if draft is None or self._is_sent:
            return
        self._is_sent = True
        self.told(Step(f"posting to {draft.destination} …"))
        self.app.run_worker(self._send(draft), exit_on_error=False, name=f"send {draft.id}")  # the app's: it outlives the page

    async def _send(self, draft: Draft) -> None:
        app, last = self.app, Step("")

        def told(step: Step) -> None:
            nonlocal last
            last = step
            self.told(step)

        try:
            await self._courier.send(draft, told)
        except NotSent as why:
            told(Step(f"nothing was posted to {draft.destination}: {why}", Tone.CRIT, is_over=True))
        except Exception as error:
            log.exception("%s could not be posted, by a fault of midwatch's own", draft.id)
            told(Step(f"a fault of midwatch itself: {type(error).__name__}; the log file has it", Tone.CRIT, is_over=True))
        if not self.is_attached and last.words:  # nobody looks at the page any more
            is_bad = last.tone in (Tone.CRIT, Tone.WARN)
            app.notify(visible(last.words), severity="warning" if is_bad else "information", timeout=TOLD_S, markup=False)

    def action_leave(self) -> None:
        """What was sent stays sent."""
        self.dismiss(None)

    # -- what is seen --------------------------------------------------------------------------------------------------
    def told(self, step: Step) -> None:
        """What became of it, so far."""
        self._step = step
        if self.is_attached:
            self._renew()

    def _renew(self) -> None:
        if not self.is_attached:
            return
        box = self.query_one(Vertical)
        width = max(1, min(self.app.size.width, 122) - 2)
        draft = self.draft
        self._head.show([ends(*self._headed(draft), width)])
        words = visible(self._step.words) or self._about(draft)
        self._foot.show([[Mark(f" {words}", self._step.tone)], [Mark(self._keys(), Tone.DIM)]])
        self._page.show([("", line, Tone.NORMAL) for line in draft.text.split("\n")] if draft is not None else [])
        box.styles.height = min(self.app.size.height, FRAME + max(1, self._page.wanted_lines(width)))

    def _headed(self, draft: Draft | None) -> tuple[list[Mark], list[Mark]]:
        if draft is None:
            return [Mark(" ")], []
        many = f" ({self._at + 1} of {len(self._drafts)})" if len(self._drafts) > 1 else ""
        age_s = max(0.0, (self._clock.now().utc - draft.taken_at).total_seconds())
        tone = Tone.WARN if age_s >= OLD_S and not self._is_sent else Tone.DIM
        taken = f"taken {time_of(draft.taken_at)}, {duration(age_s)} ago "
        where = [Mark(f" to {visible(draft.destination)}", Tone.STRONG), Mark(f" · {draft.kind}{many} ", Tone.DIM)]
        return where, [Mark(taken, tone)]

    def _about(self, draft: Draft | None) -> str:
        """How large, and what follows."""
        if draft is None:
            return ""
        parts = [f"text {si(draft.size)}B"]
        if draft.left_out:
            parts.append(f"{draft.left_out} line{'s' * (draft.left_out != 1)} left out")
        if draft.beside:
            parts.append(draft.beside)
        parts.append(f"{draft.picture} follows" if draft.picture else f"no picture: {draft.no_picture}")
        return " · ".join(parts)

    def _keys(self) -> str:
        if self._is_sent:
            return " esc leaves" + ("" if self._step.is_over else "; it goes on without this page")
        if self.draft is None:
            return " esc leaves   r tries again"
        turn = "tab another destination   " if len(self._drafts) > 1 else ""
        return f" enter posts this   {turn}r takes it anew   esc leaves"


def exactly(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` cells which, put together, are the text again: every blank of it is shown."""
    lines: list[str] = []
    line, used, blank = "", 0, 0
    for character in text:
        size = cells_of(character)
        while line and used + size > max(width, 2):
            cut = blank or len(line)
            lines.append(line[:cut])
            line = line[cut:]
            used, blank = cells_of(line), 0
        line += character
        used += size
        if character == " ":
            blank = len(line)
    return [*lines, line]


def send(app: App[None], courier: Courier | None, place: Place, clock: Clock, *, is_prod: bool) -> None:
    """The key."""
    if courier is None:
        app.notify(NO_COURIER, severity="warning", timeout=TOLD_S, markup=False)
    else:
        app.push_screen(SendingScreen(courier, place, clock, is_prod=is_prod))
