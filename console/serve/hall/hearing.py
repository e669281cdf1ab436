"""What a client's terminal sends, as keys, clicks and pastes, and as nothing else.

Textual's parser takes its terminal for a friend: it believes the size that an escape tells it (ten digits of it, which would
be laid out), collects a paste that never ends, and hands on as keys, one by one, the answer to a question that it did not
understand: `q` among them. Here a sequence is read whole before anybody sees it; one that is no key, no click and no paste
is dropped, however long it is and whenever it comes. The names of the keys are Textual's own, so that a key is the same key
on a local terminal.

Bounds: a sequence is 64 characters, a paste 64 KiB (what is longer is cut), a string of a terminal's answer is swallowed and
never kept. What does not become whole within `ESCAPE_S` is no sequence: an escape alone is the key.

What must not be done here: no clock and no loop; who listens calls `settle` once it has been quiet for `ESCAPE_S`.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from enum import Enum

from textual import events, messages
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS, IGNORE_SEQUENCE
from textual._xterm_parser import XTermParser
from textual.message import Message

ESCAPE_S = 0.1
SEQUENCE = 64  # characters
PASTE = 65_536  # characters
_ESC = "\x1b"
_STRINGS = frozenset("]P_^X")  # OSC, DCS, APC, PM, SOS: until ST or BEL
_C1_STRINGS = frozenset("\x90\x98\x9d\x9e\x9f")
_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"
_FOCUS = {"\x1b[I": events.AppFocus, "\x1b[O": events.AppBlur}
_KITTY = re.compile(r"\x1b\[[\d:;]{1,24}[u~ABCDEFHPQS]")  # not R: a late report of the cursor's place looks the same
_MOUSE = re.compile(r"\x1b\[<(\d{1,3});(\d{1,4});(\d{1,4})([Mm])")
_PLACE = re.compile(r"\x1b\[\d+;\d+R")  # where the cursor is; shift+f3 of some terminals, too, which is no key of ours
_SYNCHRONISED = re.compile(r"\x1b\[\?2026;[12]\$y")
_MOST_CODE = 0x10FFFF
_CODE = re.compile(r"\d+")

# One for the process: of it only the table of keys is used, which knows nothing of a session.
_KEYS = XTermParser()


class _At(Enum):
    TEXT = "text"
    ESCAPE = "escape"
    SEQUENCE = "sequence"
    SINGLE = "single"  # SS3: one more character
    STRING = "string"
    STRING_ESCAPE = "string, perhaps at its end"
    PASTE = "paste"
    SKIPPED = "a sequence that is too long"


class Hearing:
    """One terminal's. `heard` takes bytes and yields what they mean."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self._decode = getincrementaldecoder(encoding)("replace")
        self._at = _At.TEXT
        self._held = ""
        self._paste: list[str] = []
        self._pasted = 0
        self._offers = False
        self.size = (80, 24)  # a click outside of it is none
        self._mouse_at = (0, 0)

    @property
    def is_waiting(self) -> bool:
        """Whether what came last may still become something else: ask `settle` after `ESCAPE_S`."""
        return self._at not in (_At.TEXT, _At.PASTE)

    @property
    def is_escaping(self) -> bool:
        """Whether an escape came last, and nothing after it."""
        return self._at is _At.ESCAPE

    def heard(self, data: bytes) -> Iterator[Message]:
        """Never raises, whatever comes."""
        text = self._decode.decode(data)
        at = 0
        while at < len(text):
            if self._at is _At.PASTE:
                at = self._pasting(text, at)
                if self._at is not _At.PASTE:
                    yield self._pasted_text()
                continue
            yield from self._one(text[at])
            at += 1

    def settle(self) -> Iterator[Message]:
        """Nothing more came: what is held is all there will be."""
        at, held = self._at, self._held
        if at is not _At.PASTE:
            self._ground()
        if at is _At.ESCAPE:
            yield events.Key("escape", _ESC)
        elif at is _At.SEQUENCE and _is_key(held):  # rxvt's shift+delete ends in what goes on elsewhere: ESC [ 3 $
            yield from self._keys(held)

    # -- one character -------------------------------------------------------------------------------------------------
    def _one(self, character: str) -> Iterator[Message]:
        at = self._at
        if at is _At.TEXT:
            if character == _ESC:
                self._at, self._held = _At.ESCAPE, _ESC
            elif character == "\x9b":  # C1: the same as an escape and one character
                self._at, self._held = _At.SEQUENCE, "\x1b["
            elif character in _C1_STRINGS:
                self._at, self._held = _At.STRING, ""
            elif character != "\ufffd" and not "\x80" <= character <= "\x9f":
                yield from self._keys(character)
        elif at is _At.ESCAPE:
            yield from self._after_escape(character)
        elif at is _At.SEQUENCE:
            yield from self._in_sequence(character)
        elif at is _At.SINGLE:
            sequence = self._held + character
            self._ground()
            yield from self._known(sequence)
        elif at is _At.STRING:
            if character == _ESC:
                self._at = _At.STRING_ESCAPE
            elif character in "\x07\x18\x1a\x9c":
                self._ground()
        elif at is _At.STRING_ESCAPE:
            self._at = _At.STRING
            if character == "\\":
                self._ground()
        elif "@" <= character <= "~" or character in "\x18\x1a":  # the end of a sequence that was too long
            self._ground()

    def _after_escape(self, character: str) -> Iterator[Message]:
        if character == "[":
            self._at, self._held = _At.SEQUENCE, _ESC + "["
        elif character == "O":
            self._at, self._held = _At.SINGLE, _ESC + "O"
        elif character in _STRINGS:
            self._at, self._held = _At.STRING, ""
        elif character == _ESC:
            yield events.Key("escape", _ESC)
        else:
            self._ground()
            if _ESC + character in ANSI_SEQUENCES_KEYS:
                yield from self._keys(_ESC + character)
            else:
                yield from self._keys(character, alt=True)

    def _in_sequence(self, character: str) -> Iterator[Message]:
        if character == _ESC:  # a new one begins: the old one was cut off
            self._at, self._held = _At.ESCAPE, _ESC
            return
        self._held += character
        if len(self._held) > SEQUENCE:
            self._at, self._held = _At.SKIPPED, ""
        elif character in "\x18\x1a" or not " " <= character <= "~":
            self._ground()
        elif character >= "@" and not (character == "[" and self._held == "\x1b[["):  # the Linux console's F1: ESC [ [ A
            sequence = self._held
            self._ground()
            if sequence == _PASTE_BEGINS:
                self._at, self._paste, self._pasted = _At.PASTE, [], 0
            else:
                yield from self._known(sequence)

    def _ground(self) -> None:
        self._at, self._held = _At.TEXT, ""

    # -- what it means -------------------------------------------------------------------------------------------------
    def _known(self, sequence: str) -> Iterator[Message]:
        if sequence in _FOCUS:
            yield _FOCUS[sequence]()
        elif (mouse := _MOUSE.fullmatch(sequence)) is not None:
            yield from self._mouse(*(int(each) for each in mouse.groups()[:3]), is_down=mouse[4] == "M")
        elif _SYNCHRONISED.fullmatch(sequence) is not None:
            if not self._offers:  # an answer that is given again and again is given once
                self._offers = True
                yield messages.TerminalSupportsSynchronizedOutput()
        elif _is_key(sequence):
            yield from self._keys(sequence)

    def _keys(self, sequence: str, *, alt: bool = False) -> Iterator[Message]:
        try:
            found = list(_KEYS._sequence_to_key_events(sequence, alt=alt))
        except (ValueError, OverflowError):  # a code that is no character
            return
        yield from (key for key in found if key.key != "<ignore>")

    def _mouse(self, buttons: int, column: int, line: int, *, is_down: bool) -> Iterator[Message]:
        x, y = column - 1, line - 1
        width, height = self.size
        if not (0 <= x < width and 0 <= y < height) or buttons > 127:
            return
        before, self._mouse_at = self._mouse_at, (x, y)
        button = 0 if buttons & 64 else (buttons + 1) & 3
        kind: type[events.MouseEvent]
        if buttons & 64:
            kind = (
                events.MouseScrollUp, events.MouseScrollDown, events.MouseScrollLeft, events.MouseScrollRight,
            )[buttons & 3]  # fmt: skip
        elif buttons & 32 or button == 0:
            kind = events.MouseMove
        else:
            kind = events.MouseDown if is_down else events.MouseUp
        yield kind(
            None, float(x), float(y), x - before[0], y - before[1], button,
            bool(buttons & 4), bool(buttons & 8), bool(buttons & 16), screen_x=float(x), screen_y=float(y),
        )  # fmt: skip

    # -- a paste -------------------------------------------------------------------------------------------------------
    def _pasting(self, text: str, at: int) -> int:
        """Take what belongs to the paste; where it ends. Its end may come in pieces."""
        tail = self._held
        whole = tail + text[at:]
        end = whole.find(_PASTE_ENDS)
        if end >= 0:
            self._keep(whole[:end])
            self._ground()
            return at + end + len(_PASTE_ENDS) - len(tail)
        kept = next((n for n in range(len(_PASTE_ENDS) - 1, 0, -1) if whole.endswith(_PASTE_ENDS[:n])), 0)
        self._keep(whole[: len(whole) - kept])
        self._held = whole[len(whole) - kept :] if kept else ""
        return len(text)

    def _keep(self, text: str) -> None:
        room = PASTE - self._pasted
        if room > 0 and text:
            self._paste.append(text[:room])
            self._pasted += min(len(text), room)

    def _pasted_text(self) -> Message:
        text, self._paste, self._pasted = "".join(self._paste), [], 0
        return events.Paste(text.replace("\x00", ""))


def _is_key(sequence: str) -> bool:
    """Whether it is a key's; of those that carry code points, whether each of them is one."""
    if _PLACE.fullmatch(sequence) is not None:
        return False
    keys = ANSI_SEQUENCES_KEYS.get(sequence)
    if keys is not None:
        return keys is not IGNORE_SEQUENCE
    if _KITTY.fullmatch(sequence) is None:
        return False
    return all(len(code) <= 7 and int(code) <= _MOST_CODE for code in _CODE.findall(sequence))
