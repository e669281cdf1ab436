"""The typed confirmation: what a hand at a keyboard can do and nothing else can.

A terminal gives no proof of who types. Bracketed paste is no boundary, because what is pasted may itself end the bracket
(`ESC[201~`) and go on as keys; a terminal without brackets hands a paste over as keys in the first place; and a key that is
held, or a cat on it, repeats. What does tell a hand apart is time, so that the whole of this class is about it. It knows no
clock and no Textual: `now` is when a key came from the terminal, in seconds of any clock that does not go back.
"""

from __future__ import annotations

import unicodedata
from collections import deque

DEAF_S = 0.5  # after opening; and after a paste or a burst, until for so long nothing has come
KEYS_PER_S = 15.0  # faster is no hand
RUN_OF = 4  # keys whose pace is looked at; of a shorter text, all of it
SETTLED_S = 0.3  # the text stands complete this long before enter counts
APART_S = 1.0  # two enters nearer than this are one key held down: longer than any keyboard waits before it repeats
FORGOTTEN_S = 60.0  # a text nobody goes on with is not left standing
LONGEST = 400

PASTED = "pasted text does not count: type it"
TOO_FAST = "faster than a hand types: it was cleared, type it again"
EARLY = "a moment: read it once more, then press enter"
HELD = "an enter held down does not count: let go, then press it once"
LEFT = "it stood there untouched and was cleared: type it again"


class Confirmation:
    """One text to be typed, exactly. Whatever is in doubt clears it and says why in `complaint`."""

    def __init__(self, expected: str, opened: float) -> None:
        self.expected = expected
        self.text = ""
        self.complaint = ""
        self._deaf_until = opened + DEAF_S
        self._is_echoing = False
        self._came: deque[float] = deque(maxlen=max(2, min(RUN_OF, len(expected))))
        self._last_key = opened
        self._last_enter: float | None = None
        self._complete_at: float | None = None

    # -- what stands there ---------------------------------------------------------------------------------------------
    @property
    def is_complete(self) -> bool:
        """What is typed is what was asked for, letter by letter."""
        return self.text == self.expected and bool(self.expected)

    @property
    def is_begun(self) -> bool:
        """What is typed is right as far as it goes."""
        return self.expected.startswith(self.text)

    def is_armed(self, now: float) -> bool:
        """Enter would be believed."""
        return self._complete_at is not None and self.is_complete and now - self._complete_at >= SETTLED_S

    # -- what comes ----------------------------------------------------------------------------------------------------
    def hears(self, now: float) -> bool:
        """Whether any key counts now. To be asked once for each: within the echo of a paste or a burst every key makes the
        silence longer.
        """
        if now >= self._deaf_until:
            self._is_echoing = False
            return True
        if self._is_echoing:
            self._deaf_until = now + DEAF_S
        return False

    def type(self, characters: str, now: float) -> None:
        """One key that writes. The caller has asked `hears`."""
        if not characters or not all(" " <= character <= "~" for character in characters):
            self._key(now)
            self._judge(now)
            self.complaint = f"{_named(characters)} was not taken: the name has only plain letters"
            return
        self._key(now)
        if self._is_too_fast():
            self._burst(TOO_FAST, now)
            return
        if len(self.text) < LONGEST:
            self.text += characters
        self.complaint = ""
        self._judge(now)

    def erase(self, now: float, *, all_of_it: bool = False) -> None:
        """Backspace; or the whole line."""
        self._key(now)
        self.text = "" if all_of_it else self.text[:-1]
        self.complaint = ""
        self._judge(now)

    def paste(self, now: float) -> None:
        """Anything at all was pasted, wherever to: what stands here is void, and what follows at once is not a hand."""
        self._burst(PASTED, now)

    def enter(self, now: float) -> bool:
        """Enter, or a click that means it: whether it was meant. The caller has asked `hears`."""
        before, self._last_enter = self._last_enter, now
        if not self.is_complete:
            return False
        if now - self._last_key < 1.0 / KEYS_PER_S:
            self._burst(TOO_FAST, now)
            return False
        if before is not None and now - before < APART_S:
            self.complaint = HELD
            return False
        if not self.is_armed(now):
            self.complaint = EARLY
            return False
        return True

    def deafen_enter(self, now: float) -> None:
        """An enter that went elsewhere, or came while nothing counted: the next one may be the same key, held."""
        self._last_enter = now

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self.text and now - self._last_key >= FORGOTTEN_S:
            self._clear(LEFT)

    def void(self, why: str) -> None:
        """What was typed was for something else."""
        self._clear(why)

    def _burst(self, why: str, now: float) -> None:
        self._clear(why)
        self._is_echoing = True
        self._deaf_until = max(self._deaf_until, now + DEAF_S)

    def _key(self, now: float) -> None:
        self._came.append(now)
        self._last_key = now

    def _is_too_fast(self) -> bool:
        came = self._came
        if len(came) < (came.maxlen or 2):
            return False
        return came[-1] - came[0] < (len(came) - 1) / KEYS_PER_S

    def _judge(self, now: float) -> None:
        self._complete_at = now if self.is_complete else None

    def _clear(self, why: str) -> None:
        self.text = ""
        self.complaint = why
        self._complete_at = None
        self._came.clear()


def _named(characters: str) -> str:
    """A character that looks like another is told by its name."""
    foreign = next((each for each in characters if not " " <= each <= "~"), "")
    if not foreign:
        return "nothing"
    return f"U+{ord(foreign):04X} {unicodedata.name(foreign, 'a character without a name')}"
