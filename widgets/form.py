"""The fields under a plan: reason, ticket, the typed confirmation, Cancel and Run, and what each key does to them.

Pure, with `now` handed in: a form that decides whether something is run must be tried without a terminal. It takes every key
of its dialog itself and has no child that could take one past it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from console.model.cell import Tone
from console.model.severity import Severity
from themes.tones import Ground
from widgets.cells import fit, wrap
from widgets.cells import width as width_of
from widgets.confirm import PASTED, Confirmation

LONGEST_REASON = 400
FIELD_LEAST = 12  # cells
LABEL = 7  # cells: "REASON "


class Spot(StrEnum):
    """What has the keys, in the order of tab."""

    CANCEL = "cancel"
    REASON = "reason"
    TICKET = "ticket"
    TYPED = "typed"
    RUN = "run"
    DENY = "deny"


class Order(StrEnum):
    """What the dialog is to do."""

    CANCEL = "cancel"
    RUN = "run"
    DENY = "deny"
    AGAIN = "again"


class Mark(msgspec.Struct, frozen=True):
    """A piece of a line as it is to be drawn; with a severity, as its letter's block."""

    text: str
    tone: Tone = Tone.NORMAL
    ground: Ground = Ground.PANE
    severity: Severity | None = None


class Form:
    """One plan's. A new plan has a new form: nothing typed for one counts for another."""

    def __init__(
        self,
        expected: str,
        opened: float,
        *,
        verb: str = "Run",
        needs_reason: bool = True,
        has_reason: bool = True,
        has_ticket: bool = True,
        may_deny: bool = False,
        may_plan: bool = True,
    ) -> None:
        self.typed = Confirmation(expected, opened)
        self.verb = verb
        self.needs_reason = needs_reason
        self.may_deny = may_deny
        self.may_plan = may_plan
        self.has_reason = has_reason
        self.has_ticket = has_ticket
        self.reason = ""
        self.ticket = ""
        self.spot = Spot.CANCEL
        self.lock = ""  # why it can never be run: a guard refuses, the plan has expired
        self.answer = ""  # what the service said to the last attempt
        self.is_busy = False  # it has been asked, and has not answered
        self.last_key = opened
        self._note = ""

    # -- what it allows ------------------------------------------------------------------------------------------------
    def why_not(self) -> str:
        """Why Run is disabled; empty when only time is missing."""
        if self.lock:
            return self.lock
        if self.needs_reason and len(self.reason.strip()) < 3:
            return "a reason is needed"
        return "" if self.typed.is_complete else f"type {self.typed.expected}"

    def may_run(self, now: float) -> bool:
        """Run is enabled."""
        return not self.is_busy and not self.why_not() and self.typed.is_armed(now)

    def spots(self) -> list[Spot]:
        """What tab leads through, now."""
        if self.lock:
            return [Spot.CANCEL]
        ticket = [Spot.TICKET] if self.has_ticket else []
        run = [Spot.RUN] if not self.why_not() else []
        reason = [Spot.REASON] if self.has_reason else []
        return [Spot.CANCEL, *reason, *ticket, Spot.TYPED, *run, *([Spot.DENY] if self.may_deny else [])]

    def close(self, why: str) -> None:
        """From now on only Cancel is left, and planning again."""
        if self.lock != why:
            self.lock = why
            self.typed.void("")
            self.spot = Spot.CANCEL

    # -- what comes ----------------------------------------------------------------------------------------------------
    def key(self, key: str, character: str | None, now: float) -> Order | None:
        """One key as it came from the terminal."""
        self.last_key = max(self.last_key, now)
        if key == "escape":
            return Order.CANCEL
        if not self.typed.hears(now):
            if key == "enter":
                self.typed.deafen_enter(now)
            return None
        if self.is_busy:
            return None
        if key == "ctrl+r" and self.may_plan:
            return Order.AGAIN
        if key in ("tab", "shift+tab", "backtab"):
            self._step(1 if key == "tab" else -1)
            return None
        if key == "enter":
            return self._enter(now)
        if self.spot in (Spot.REASON, Spot.TICKET, Spot.TYPED):
            self._write(key, character, now)
            return None
        if character == "r" and self.may_plan:
            return Order.AGAIN
        if character is not None and character.isprintable() and not self.lock:
            self._note = "tab leads to the fields"
        return None

    def paste(self, text: str, now: float) -> None:
        """A paste: text for reason and ticket; for the confirmation the end of it, wherever it went."""
        self.last_key = max(self.last_key, now)
        was_typed = bool(self.typed.text) or self.spot is Spot.TYPED
        is_heard = self.typed.hears(now)
        self.typed.paste(now)
        if not was_typed:
            self.typed.complaint = ""
        line = "".join(each for each in text.split("\n", 1)[0] if each.isprintable())
        if not is_heard or self.lock or self.is_busy:
            return
        if self.spot is Spot.REASON:
            self.reason = (self.reason + line)[:LONGEST_REASON]
        elif self.spot is Spot.TICKET:
            self.ticket = (self.ticket + line)[:LONGEST_REASON]
        else:
            self.typed.complaint = PASTED

    def tick(self, now: float) -> None:
        """Time has passed."""
        self.typed.tick(now)

    def _step(self, steps: int) -> None:
        spots = self.spots()
        at = spots.index(self.spot) if self.spot in spots else 0
        self.spot = spots[(at + steps) % len(spots)]
        self._note = ""

    def _enter(self, now: float) -> Order | None:
        self._note = ""
        if self.spot is Spot.CANCEL:
            return Order.CANCEL
        if self.spot in (Spot.REASON, Spot.TICKET):
            self.typed.deafen_enter(now)
            self._step(1)
            return None
        if self.spot is Spot.DENY:
            return Order.DENY
        why = self.why_not()
        if not self.typed.enter(now):
            return None
        if why:
            self.spot, self._note = Spot.REASON if "reason" in why else self.spot, why
            return None
        return Order.RUN

    def _write(self, key: str, character: str | None, now: float) -> None:
        self._note = ""
        is_erasing = key in ("backspace", "ctrl+h", "ctrl+u", "ctrl+w")
        if self.spot is Spot.TYPED:
            if is_erasing:
                self.typed.erase(now, all_of_it=key in ("ctrl+u", "ctrl+w"))
            elif character is not None and character.isprintable():
                self.typed.type(character, now)
            return
        text = self.reason if self.spot is Spot.REASON else self.ticket
        if key in ("backspace", "ctrl+h"):
            text = text[:-1]
        elif key == "ctrl+u":
            text = ""
        elif key == "ctrl+w":
            text = text.rstrip().rpartition(" ")[0]
        elif character is not None and character.isprintable():
            text = (text + character)[:LONGEST_REASON]
        if self.spot is Spot.REASON:
            self.reason = text
        else:
            self.ticket = text

    # -- how it looks --------------------------------------------------------------------------------------------------
    def message(self, now: float) -> tuple[str, Tone]:
        """The line above the buttons: the worst there is to say."""
        if self.answer:
            return self.answer, Tone.CRIT
        if self.lock:
            return self.lock + ("; r plans again" if self.may_plan else ""), Tone.CRIT
        if self.is_busy:
            return "asking …", Tone.ACCENT
        if self.typed.complaint:
            return self.typed.complaint, Tone.WARN
        if self._note:
            return self._note, Tone.WARN
        why = self.why_not()
        if why and self.typed.is_complete:
            return why, Tone.WARN
        if not why:
            return f"enter: {self.verb.lower()}", Tone.ACCENT
        again = "ctrl+r plans again · " if self.may_plan else ""
        return f"tab leads to the fields · {again}esc cancels", Tone.DIM

    def lines(self, width: int, now: float, height: int = 99) -> list[list[Mark]]:
        """All of it in lines of `width` cells. Of too few lines the confirmation and the buttons are the last to go."""
        reason = [self._field("REASON", self.reason, Spot.REASON, width)] if self.has_reason else []
        ticket = [self._field("TICKET", self.ticket, Spot.TICKET, width)] if self.has_ticket else []
        confirm = self._confirmation(width)
        text, tone = self.message(now)
        buttons = self._buttons(now)
        left = width - sum(width_of(mark.text) for mark in buttons)
        if width_of(text) + 3 <= left:
            told, line = [], [Mark(f" {fit(text, left - 1)}", tone), *buttons]
        else:
            told = [[Mark(" "), Mark(part, tone)] for part in wrap(text, max(1, width - 2))[:3]]
            line = [Mark(" " * max(0, left)), *buttons]
        if self.lock:
            reason, ticket, confirm = [], [], []
        while sum(map(len, (reason, ticket, told, confirm))) + 1 > height and (ticket or told or reason):
            (ticket or told or reason).pop()
        return [*reason, *ticket, *confirm, *told, line]

    def _field(self, label: str, text: str, spot: Spot, width: int) -> list[Mark]:
        room = max(1, width - LABEL - 4)
        optional = "" if spot is Spot.REASON and self.needs_reason else "optional"
        return [
            Mark(f" {fit(label, LABEL)}", Tone.DIM),
            *self._box(text, room, self.spot is spot, Tone.NORMAL, optional),
        ]

    def _confirmation(self, width: int) -> list[list[Mark]]:
        before, expected, after = " Type ", self.typed.expected, " to confirm "
        asked = width_of(before + expected + after)
        tone = Tone.OK if self.typed.is_complete else Tone.NORMAL if self.typed.is_begun else Tone.CRIT
        is_here = self.spot is Spot.TYPED
        words = [Mark(before, Tone.DIM), Mark(expected, Tone.STRONG), Mark(after, Tone.DIM)]
        wanted = max(FIELD_LEAST, len(expected) + 2)
        if asked + wanted + 3 <= width:
            return [[*words, *self._box(self.typed.text, width - asked - 3, is_here, tone)]]
        asked_for = wrap(f"Type {expected} to confirm", max(1, width - 1))
        lines = [[Mark(" "), Mark(line, Tone.STRONG)] for line in asked_for]
        return [*lines, [Mark(" "), *self._box(self.typed.text, max(1, width - 4), is_here, tone)]]

    @staticmethod
    def _box(text: str, room: int, is_here: bool, tone: Tone, hint: str = "") -> list[Mark]:
        ground = Ground.CURSOR if is_here else Ground.REST
        cursor = "▏" if is_here else " "
        shown = text
        while width_of(shown) > room - 1:
            shown = shown[1:]  # what is being written is its end
        if not text and hint and not is_here:
            return [Mark("[", Tone.DIM), Mark(fit(hint, room), Tone.DIM, ground), Mark("]", Tone.DIM)]
        pad = " " * max(0, room - width_of(shown) - 1)
        return [
            Mark("[", Tone.DIM),
            Mark(shown, tone, ground),
            Mark(cursor + pad, Tone.ACCENT, ground),
            Mark("]", Tone.DIM),
        ]

    def _buttons(self, now: float) -> list[Mark]:
        buttons = [(Spot.CANCEL, "[ Cancel ]", True)]
        if self.may_deny:
            buttons.append((Spot.DENY, "[ Deny ]", not self.lock))
        is_on = self.may_run(now)
        buttons.append((Spot.RUN, f"[ {self.verb} ]" if is_on else f"  {self.verb} (disabled)", is_on))
        marks: list[Mark] = []
        for spot, text, is_enabled in buttons:
            is_here = self.spot is spot
            tone = Tone.STRONG if is_here else Tone.NORMAL if is_enabled else Tone.DIM
            if spot is Spot.RUN and is_enabled and not is_here:
                tone = Tone.ACCENT
            marks += [Mark(text, tone, Ground.CURSOR if is_here else Ground.PANE), Mark("  ")]
        return marks
