"""A list that nobody walks through: a title, its lines, and how many more there are. It has no cursor and takes no key."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.model.cell import Tone
from console.model.severity import Severity
from console.model.wallboard import Line, Notch
from themes.tones import Ground, Paint, large
from widgets.cells import fit, wrap
from widgets.cells import width as cells_of
from widgets.glyphs import BROAD, shortened, width_of, written
from widgets.painted import Painted

_AXIS_LINES = 3
BIG = 5  # lines of a line in big letters, with its whole text below
BIG_FROM = 110  # cells of width


class Roll(Painted):
    """Title and lines; with `has_axis` the last hour between them."""

    DEFAULT_CSS = "Roll { width: 1fr; height: 1fr; }"

    def __init__(self, absence: str = "nothing", *, has_axis: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._lines: tuple[Line, ...] = ()
        self._notches: tuple[Notch, ...] = ()
        self._absence = absence
        self._has_axis = has_axis
        self._drawn_lines: list[list[Segment]] = []
        self._lines_for: object = None

    def show(self, title: str, lines: Sequence[Line], notches: Sequence[Notch] = ()) -> None:
        said = (title, tuple(lines), tuple(notches))
        if said != (self._title, self._lines, self._notches):
            self._title, self._lines, self._notches = said
            self.refresh()

    def forget_strips(self) -> None:
        self._lines_for = None

    def render_line(self, y: int) -> Strip:
        size = self.size
        wanted = (self._title, self._lines, self._notches, size)
        if wanted != self._lines_for:
            self._drawn_lines, self._lines_for = self._draw(size.width, size.height), wanted
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        if y >= len(self._drawn_lines):
            return Strip.blank(size.width, normal)
        return Strip(self._drawn_lines[y]).adjust_cell_length(size.width, normal)

    def _draw(self, width: int, height: int) -> list[list[Segment]]:
        tones = self.paint.on(Ground.PANE)
        drawn = [title_line(self._title, width, self.paint)]
        if self._has_axis and height >= _AXIS_LINES + 3:
            drawn += axis(self._notches, width, self.paint)
        if width >= BIG_FROM and height - len(drawn) >= BIG:
            return [*drawn, *self._big(width, height - len(drawn))][:height]
        if not self._lines:
            return [*drawn, [Segment(fit(f"   {self._absence}", width), tones[Tone.DIM])]][:height]
        for at, line in enumerate(self._lines):
            left = len(self._lines) - at
            room = height - len(drawn)
            if room <= 0:
                break
            if room == 1 and left > 1:
                drawn.append([Segment(fit(f"   and {left} more", width), tones[Tone.DIM])])
                break
            drawn += _line(line, width, 2 if room - 1 > left or (at == 0 and room > 2) else 1, self.paint)
        return drawn[:height]

    def _big(self, width: int, room: int) -> list[list[Segment]]:
        """In big letters as far as they go, each with its whole text below."""
        tones = self.paint.on(Ground.PANE)
        normal = tones[Tone.NORMAL]
        drawn: list[list[Segment]] = []
        for at, line in enumerate(self._lines):
            left = len(self._lines) - at
            if room - len(drawn) < BIG + (left > 1):
                drawn.append([Segment(fit(f"   and {left} more", width), tones[Tone.DIM])])
                break
            style = tones[Tone.NORMAL if line.tone is Tone.STRONG else line.tone]
            letter = line.severity.letter.strip()
            texts = self._big_texts(line, width - 10, room - len(drawn), left)
            for number, words in enumerate(texts):
                for row, text in enumerate(written(BROAD, 1, words)):
                    block = written(BROAD, 1, letter)[row] if letter and not number else " " * 5
                    badge = large(self.paint.letter(line.severity)) if letter and not number else normal
                    before = [Segment(" ", normal), Segment(f" {block} ", badge), Segment(" ", normal)]
                    drawn.append([*before, Segment(text, style)])
            told = "  ".join(part for part in (f"{line.kind} {line.text}".strip(), line.more) if part)
            drawn.append([Segment(fit(f"         {told}", width), tones[Tone.DIM])])
        return drawn or [[Segment(fit(f"   {self._absence}", width), tones[Tone.DIM])]]

    @staticmethod
    def _big_texts(line: Line, room: int, height: int, left: int) -> list[str]:
        """The one line that there is room for; two where everything else has its own all the same."""
        said = f"{line.lead} {line.text}".upper()
        if height < BIG * (left + 1) - 1 or width_of(BROAD, 1, said) <= room:
            return [shortened(said, room)]
        words = said.split()
        at = next((at for at in range(len(words), 0, -1) if width_of(BROAD, 1, " ".join(words[:at])) <= room), 0)
        if at < 2:
            return [shortened(said, room)]
        return [" ".join(words[:at]), shortened(" ".join(words[at:]), room)]


def title_line(title: str, width: int, paint: Paint) -> list[Segment]:
    """What stands over a list: a bar of the head's ground."""
    head, _, rest = title.partition(" · ")
    styles = paint.on(Ground.HEAD)
    shown = fit(f" {head} ", min(width, cells_of(head) + 2))
    return [Segment(shown, styles[Tone.STRONG]), Segment(fit(f" {rest}", width - cells_of(shown)), styles[Tone.DIM])]


def _line(line: Line, width: int, most: int, paint: Paint) -> list[list[Segment]]:
    """At most so many lines; what does not fit is cut at its end."""
    tones = paint.on(Ground.PANE)
    style, normal = tones[line.tone], tones[Tone.NORMAL]
    is_bad = line.severity is not Severity.OK
    badge = [Segment(text, shown) for text, shown in paint.badge(line.severity)] if is_bad else [Segment("  ", normal)]
    lead = f" {fit(line.lead, 5, right=True)} "
    room = max(1, width - 2 - cells_of(lead))
    told = f"{line.kind} {line.text}" if line.kind else line.text
    if line.more and cells_of(told) + cells_of(line.more) + 2 <= room:
        told = f"{told}  {line.more}"
    words = wrap(told, room)
    if len(words) > most:
        words = [*words[: most - 1], fit(" ".join(words[most - 1 :]), room)]
    return [
        [
            *(badge if not at else [Segment("  ", normal)]),
            Segment(lead if not at else " " * cells_of(lead), tones[Tone.DIM]),
            Segment(fit(text, min(room, cells_of(text))), style),
        ]
        for at, text in enumerate(words)
    ]


def axis(notches: Sequence[Notch], width: int, paint: Paint) -> list[list[Segment]]:
    """The last hour from left to right: what was changed, what broke, and the minutes."""
    tones = paint.on(Ground.PANE)
    normal, dim = tones[Tone.NORMAL], tones[Tone.DIM]
    inner = max(1, width - 2)
    changes: list[tuple[str, Style]] = [(" ", normal)] * inner
    broken: list[tuple[str, Style]] = [("─", dim)] * inner
    worst = [Severity.OK] * inner
    for notch in notches:
        at = min(inner - 1, max(0, round(notch.at * (inner - 1))))
        if notch.is_change:
            changes[at] = ("▾", tones[Tone.ACCENT])
        elif notch.severity.rank >= worst[at].rank:
            worst[at] = notch.severity
            letter = notch.severity.letter.strip()
            broken[at] = (letter, paint.letter(notch.severity)) if letter else ("│", dim)
    scale = "-60 min" + "-30 min".center(max(7, inner - 10)) + "now"
    return [
        [Segment(" ", normal), *(Segment(text, style) for text, style in cells)] for cells in (changes, broken)
    ] + [[Segment(" ", normal), Segment(fit(scale, inner), dim)]]
