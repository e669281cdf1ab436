"""One line under a body: the reason of the selected row, the account of the log lines, the rollout beside the pods."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from console.model.cell import Tone
from themes.tones import Ground
from views.head import padded
from widgets.cells import fit
from widgets.cells import width as width_of
from widgets.painted import Painted

Piece = tuple[str, Tone]
_WORDS = re.compile(r"\s*\S+\s*|\s+")


class Foot(Painted):
    """One line of toned pieces, or a few, broken at blanks; what does not fit into the last is cut with an ellipsis."""

    DEFAULT_CSS = "Foot { width: 1fr; }"

    def __init__(self, ground: Ground = Ground.PANE, lines: int = 1) -> None:
        super().__init__()
        self._pieces: tuple[Piece, ...] = ()
        self._ground = ground
        self._lines = lines
        self.styles.height = lines

    def show(self, pieces: Sequence[Piece]) -> None:
        """Renew the lines."""
        if tuple(pieces) != self._pieces:
            self._pieces = tuple(pieces)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One blank, then the words of this line in their tones."""
        width = self.size.width
        styles = self.paint.on(self._ground)
        segments = [Segment(" ", styles[Tone.NORMAL])]
        broken = laid_out(self._pieces, width - 1, self._lines)
        for text, tone in broken[y] if y < len(broken) else ():
            segments += padded(text, width_of(text), styles[tone], styles[Tone.NORMAL])
        return Strip(segments).adjust_cell_length(width, styles[Tone.NORMAL])


def laid_out(pieces: Sequence[Piece], width: int, count: int) -> list[list[Piece]]:
    """At most `count` lines of at most `width` cells; the last one ends in an ellipsis when words are left over."""
    lines: list[list[Piece]] = [[]]
    left = width
    for text, tone in pieces:
        for word in _WORDS.findall(text):
            bare = width_of(word.rstrip())
            if bare > left and len(lines) < count and lines[-1]:
                lines.append([])
                left = width
                word = word.lstrip()
            if bare > left:
                if left > 0:
                    lines[-1].append((fit(word, left), tone))
                return lines
            shown = word if width_of(word) <= left else word.rstrip()
            lines[-1].append((shown, tone))
            left -= width_of(shown)
    return lines
