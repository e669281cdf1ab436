"""One line under a body: the reason of the selected row, the account of the log lines, the rollout beside the pods."""

from __future__ import annotations

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


class Foot(Painted):
    """A line of toned pieces, cut at the pane's edge."""

    DEFAULT_CSS = "Foot { height: 1; width: 1fr; }"

    def __init__(self, ground: Ground = Ground.PANE) -> None:
        super().__init__()
        self._pieces: tuple[Piece, ...] = ()
        self._ground = ground

    def show(self, pieces: Sequence[Piece]) -> None:
        """Renew the line."""
        if tuple(pieces) != self._pieces:
            self._pieces = tuple(pieces)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Pieces from the left; the one that crosses the edge is cut with an ellipsis."""
        room = self.size.width
        styles = self.paint.on(self._ground)
        segments = [Segment(" ", styles[Tone.NORMAL])]
        left = room - 1
        for text, tone in self._pieces:
            if left <= 0:
                break
            shown = text if width_of(text) <= left else fit(text, left)
            segments += padded(shown, width_of(shown), styles[tone], styles[Tone.NORMAL])
            left -= width_of(shown)
        return Strip(segments).adjust_cell_length(room, styles[Tone.NORMAL])
