"""A few lines of marked pieces, drawn as they are told: the head of a dialog, the form under it, a strip."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.model.cell import Tone
from themes.tones import Ground
from widgets.cells import fit
from widgets.cells import width as width_of
from widgets.form import Mark
from widgets.lines import strip_of
from widgets.painted import Painted


class Marked(Painted):
    """As high as it has lines."""

    DEFAULT_CSS = "Marked { width: 1fr; height: 1; }"

    def __init__(self, ground: Ground = Ground.PANE, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ground = ground
        self._lines: list[list[Mark]] = []

    def show(self, lines: Sequence[Sequence[Mark]]) -> None:
        """Renew the lines; a number of them that changes lays out the screen anew."""
        new = [list(line) for line in lines]
        if new == self._lines:
            return
        is_same_height = len(new) == len(self._lines)
        self._lines = new
        if is_same_height:
            self.refresh()
        else:
            self.styles.height = len(new)
            self.display = bool(new)
            self.refresh(layout=True)

    def render_line(self, y: int) -> Strip:
        """One of them, cut to the width."""
        width = self.size.width
        blank = self.paint.on(self._ground)[Tone.NORMAL]
        pieces: list[tuple[str, Style]] = []
        for mark in self._lines[y] if y < len(self._lines) else ():
            ground = self._ground if mark.ground is Ground.PANE else mark.ground
            styles = self.paint.on(ground)
            if mark.severity is not None:
                pieces.append((mark.text, self.paint.letter(mark.severity, ground)))
                continue
            is_blank = not mark.text.strip() and mark.tone in self.paint.tight
            pieces.append((mark.text, styles[Tone.NORMAL if is_blank else mark.tone]))
        return strip_of(pieces, width, blank) if width > 0 else Strip([Segment("")], 0)


def ends(left: Sequence[Mark], right: Sequence[Mark], width: int) -> list[Mark]:
    """Left and right in one line; when they do not fit, the left one is cut."""
    room = max(0, width - sum(width_of(mark.text) for mark in right))
    marks: list[Mark] = []
    for mark in left:
        size = min(width_of(mark.text), room)
        if size <= 0:
            break
        text = mark.text if size == width_of(mark.text) else fit(mark.text, size)
        marks.append(msgspec.structs.replace(mark, text=text))
        room -= size
    return [*marks, Mark(" " * room), *right]
