"""What a pane says when it has no rows to show: that there are none, that it is still asking, or what went
wrong.

An error must be readable in the pane itself: what was tried, on what, what came back, what to do next.
"""

from __future__ import annotations

import msgspec

from console.model.cell import Tone
from console.model.failure import Failure
from widgets.cells import wrap

_LABEL = 7  # cells: "tried  "


class Notice(msgspec.Struct, frozen=True):
    """A block of text: a title, then labelled or plain lines."""

    title: str
    lines: tuple[tuple[str, str], ...] = ()  # (label, text); an empty label is a plain line
    tone: Tone = Tone.DIM


Piece = tuple[str, Tone]
AnyNotice = str | Failure | Notice


def notice_of(what: AnyNotice) -> Notice:
    """A notice from a plain sentence or from a failure."""
    if isinstance(what, Notice):
        return what
    if isinstance(what, str):
        return Notice(what)
    told = (("tried", what.tried), ("on", what.on), ("got", what.got), ("do", what.hint))
    lines = [pair for pair in told if pair[1]]
    if what.retry_after_s is not None:
        lines.append(("wait", f"asked to retry after {what.retry_after_s:.0f} s"))
    if what.ref:
        lines.append(("log", f"see {what.ref} in midwatch's log file"))
    return Notice(what.kind.value.replace("_", " ").upper(), tuple(lines), Tone.CRIT)


def notice_lines(what: AnyNotice, width: int, height: int) -> list[list[Piece]]:
    """The notice wrapped into at most `height` lines of pieces, each line at most `width` cells; too long
    ends in `…`.
    """
    notice = notice_of(what)
    if width <= 0 or height <= 0:
        return []
    if not notice.lines:
        drawn: list[list[Piece]] = [[(line, notice.tone)] for line in wrap(notice.title, width)]
    else:
        drawn = [[(f" {line} ", notice.tone)] for line in wrap(notice.title, width - 2)]
        for label, text in notice.lines:
            drawn.extend(_labelled(label, text, width))
    if len(drawn) > height:
        drawn = [*drawn[: height - 1], [("…", Tone.DIM)]]
    return drawn


def _labelled(label: str, text: str, width: int) -> list[list[Piece]]:
    """One labelled text with a hanging indent; too narrow for that, the label is dropped."""
    if not label or width < _LABEL * 2:
        return [[(line, Tone.NORMAL)] for line in wrap(text, width)]
    lines = wrap(text, width - _LABEL)
    heads = [label.ljust(_LABEL), *(" " * _LABEL for _ in lines[1:])]
    return [[(head, Tone.DIM), (line, Tone.NORMAL)] for head, line in zip(heads, lines, strict=True)]
