"""A link to one terminal: the frame that is wanted goes in, the text that makes the screen so comes out."""

from __future__ import annotations

import re

from console.link import graphemes
from console.link.canvas import HALF, Canvas
from console.link.graphemes import Split, is_certain, is_single
from console.link.look import Look
from console.link.pen import NOWHERE, Pen, erasure, move
from console.link.stroke import Stroke, send_ordered, strokes

_PACKET = 1200  # characters: what fits one packet arrives at once and needs no frame around it to be shown at once
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_LONG = " " * 9  # fewer blanks cost no more than to erase them and to move on
_BLANKS = re.compile(_LONG + "+")


class Link:
    """`bce`: erased cells get the pen's background. `synchronized`: the terminal has offered ?2026. Nothing is known of what
    the terminal shows until the first frame, which begins with clearing it; likewise after `forget` and `resize`.
    """

    def __init__(
        self, width: int, height: int, *, split: Split = graphemes.split, bce: bool = False, synchronized: bool = False
    ) -> None:
        self._canvas = Canvas(max(width, 1), max(height, 1), split)
        self._pen = Pen(max(width, 1), bce)
        self._cursor: tuple[int, int] | None = None
        self._is_known = False
        self.synchronized = synchronized
        self.put = self._canvas.put
        """`put(x, y, pieces)`: a line or a part of one, from this cell on; cut at the edges. Pieces are (text, Look)."""

    @property
    def width(self) -> int:
        return self._canvas.width

    @property
    def height(self) -> int:
        return self._canvas.height

    def place_cursor(self, x: int, y: int) -> None:
        """Where the terminal's cursor is to stand after each frame."""
        self._cursor = (min(max(x, 0), self.width - 1), min(max(y, 0), self.height - 1))

    def free_cursor(self) -> None:
        """It may stay where the frame leaves it: nobody sees it."""
        self._cursor = None

    def resize(self, width: int, height: int) -> None:
        """The terminal has another size, or none: then it is one cell. What still fits of the wanted frame stays wanted."""
        self._canvas.resize(max(width, 1), max(height, 1))
        self._pen.width = max(width, 1)
        if self._cursor is not None:
            self.place_cursor(*self._cursor)
        self.forget()

    def forget(self) -> None:
        """Somebody else has written to the terminal: the next frame clears it and paints all of it."""
        self._is_known = False

    @property
    def has_news(self) -> bool:
        """Whether a frame may have something to say. Where it is False, it has not."""
        pen = self._pen
        return not self._is_known or bool(self._canvas.changed) or self._cursor not in (None, (pen.x, pen.y))

    def frame(self) -> str:
        """The text that makes the terminal show the wanted frame, which counts as sent from now on. "" for no difference."""
        canvas, pen = self._canvas, self._pen
        if not self._is_known:
            pen.clear()
            canvas.has_cleared()
            self._is_known = True
        if canvas.changed:
            changed = sorted(canvas.changed)
            send_ordered([stroke for y in changed for stroke in strokes(canvas, pen, y)], pen, self._send)
            canvas.has_sent()
        if self._cursor is not None:
            pen.move(*self._cursor)
        text = pen.take()
        return f"{_BEGIN}{text}{_END}" if self.synchronized and len(text) > _PACKET else text

    # -- one stroke ----------------------------------------------------------------------------------------------------
    def _send(self, stroke: Stroke) -> None:
        y, at, end = stroke[:3]
        canvas = self._canvas
        text, looks = canvas.texts[y], canvas.looks[y]
        while at < end:
            behind = end - len(looks[at:end].lstrip(looks[at]))
            self._send_piece(at, y, text[at:behind], canvas.look(looks[at]))
            at = behind
        if stroke.erases:
            self._pen.dip_for_blank(canvas.look(looks[-1]))
            self._pen.move(end, y)
            self._pen.erase_to_end()

    def _send_piece(self, x: int, y: int, text: str, look: Look) -> None:
        """Cells of one look. Long blanks within are erased where that is right."""
        if _LONG in text and self._pen.can_erase(look):
            done = 0
            for blanks in _BLANKS.finditer(text):
                start, end = blanks.span()
                count = end - start
                if count > len(erasure(count)) + len(move(x, y, x + count, y)):
                    self._write(x + done, y, text[done:start], look)
                    self._pen.dip_for_blank(look)
                    self._pen.move(x + start, y)
                    self._pen.erase(count)
                    done = end
            x, text = x + done, text[done:]
        self._write(x, y, text, look)

    def _write(self, x: int, y: int, text: str, look: Look) -> None:
        pen = self._pen
        if not text:
            return
        if look is not pen.look:
            if text.strip(" "):
                pen.dip(look)
            else:
                pen.dip_for_blank(look)
        pen.move(x, y)
        if is_single(text):
            pen.write(text, len(text))
        else:
            self._write_wide(x, y, text)

    def _write_wide(self, x: int, y: int, text: str) -> None:
        """Cell by cell. Behind a character of doubtful width the pen's place is told anew, and one that takes two cells is
        laid on two blanks, so that a terminal that thinks it narrow leaves nothing old beside it.
        """
        pen = self._pen
        at = 0
        while at < len(text):
            cells = 2 if text[at + 1 : at + 2] == HALF else 1
            shown = self._canvas.grapheme(text[at])
            is_last = x + at + cells == self.width
            pen.move(x + at, y)
            if is_certain(shown):
                pen.write(pen.wrapping(shown) if is_last and len(shown) > 1 else shown, cells)
            else:
                if cells > 1:
                    pen.write("  ", cells)
                    pen.move(x + at, y)
                pen.write(shown, cells)
                pen.x = NOWHERE
                if is_last and cells == 1:
                    self._mend(x + at - 1, y)
            at += cells

    def _mend(self, x: int, y: int) -> None:
        """The character before the last column, once more: of what does not fit there, some terminals join a part to it."""
        canvas = self._canvas
        text = canvas.texts[y]
        cells = 2 if text[x] == HALF else 1
        x -= cells - 1
        if x >= 0 and is_certain(canvas.grapheme(text[x])):
            self._write(x, y, text[x : x + cells], canvas.look(canvas.looks[y][x]))
