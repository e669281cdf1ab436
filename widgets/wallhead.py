"""Over every page of a wall how many are critical, and the time, both as large as there is room; under it which page this is.

The seconds are part of the message: a wall whose clock stands still shows nothing of now, and everybody in the room can see it.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.model.cell import Tone
from console.model.severity import Severity
from console.model.wallboard import FootFacts, HeadFacts
from themes.tones import Ground, large
from widgets.cells import fit
from widgets.cells import width as cells_of
from widgets.glyphs import BROAD, NARROW, Face, fitting, rows_of, width_of, written
from widgets.painted import Painted

_LEAST_BIG = 3  # lines
_FACTS = 22  # cells for whose wall it is
_STEPS = 10  # of the bar that counts down


class WallHead(Painted):
    """Blocks of counts, whose wall, the clock."""

    DEFAULT_CSS = "WallHead { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: HeadFacts | None = None
        self._lines: list[list[Segment]] = []
        self._lines_for: object = None

    def show(self, facts: HeadFacts) -> None:
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def forget_strips(self) -> None:
        self._lines_for = None

    def render_line(self, y: int) -> Strip:
        size = self.size
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        if self._facts is None:
            return Strip.blank(size.width, normal)
        wanted = (self._facts, size)
        if wanted != self._lines_for:
            big = self._big(self._facts, size.width, size.height) if size.height >= _LEAST_BIG else None
            self._lines, self._lines_for = big or self._small(self._facts, size.width), wanted
        if y >= len(self._lines):
            return Strip.blank(size.width, normal)
        return Strip(self._lines[y]).adjust_cell_length(size.width, normal)

    def _blocks(self, facts: HeadFacts) -> list[tuple[Severity, int]]:
        counts = ((Severity.CRIT, facts.critical), (Severity.WARN, facts.warning), (Severity.UNKNOWN, facts.unknown))
        return [(severity, count) for severity, count in counts if count]

    def _big(self, facts: HeadFacts, width: int, height: int) -> list[list[Segment]] | None:
        tones = self.paint.on(Ground.PANE)
        normal = tones[Tone.NORMAL]
        blocks = self._blocks(facts)
        found = _size(facts.time, [f"{severity.letter} {count}" for severity, count in blocks], width, height)
        if found is None:
            return None
        face, scale = found
        rows = rows_of(face, scale)
        lines: list[list[Segment]] = [[] for _ in range(rows)]
        for severity, count in blocks:
            style = large(self.paint.letter(severity))
            for line, drawn in zip(lines, written(BROAD, scale, f"{severity.letter} {count}"), strict=True):
                line += [Segment(f" {drawn} ", style), Segment(" ", normal)]
        clock = written(face, scale, facts.time)
        used = max((sum(cells_of(segment.text) for segment in line) for line in lines), default=0)
        room = max(0, width - used - len(clock[0]) - 2)
        told = self._whose(facts, room, rows)
        for line, piece, digits in zip(lines, told, clock, strict=True):
            line += [*piece, Segment(f" {digits} ", tones[Tone.STRONG])]
        return lines

    def _whose(self, facts: HeadFacts, room: int, rows: int) -> list[list[Segment]]:
        """`rows` lines of `room` cells: the site's name as large as there is room, then what is to be known of it."""
        tones = self.paint.on(Ground.PANE)
        site = tones[Tone.CRIT if facts.is_prod else Tone.STRONG]
        told: list[list[tuple[str, Style]]] = [
            [(f"▸ {facts.scope}" if facts.scope else "the whole site", tones[Tone.ACCENT if facts.scope else Tone.DIM])],
            [(f"sources {facts.sources}", tones[Tone.DIM if facts.sources_well else Tone.WARN])],
            [(f"{facts.date} UTC", tones[Tone.DIM])],
        ]
        face = fitting(facts.site.upper(), room - 2, rows - len(told), most=2)
        if face is not None:
            told = [*([(row, site)] for row in written(*face, facts.site.upper())), *told]
        else:
            told.insert(0, [("midwatch ", tones[Tone.ACCENT]), (facts.site, site)])
        if rows < len(told):
            told = [told[0], *told[2:]][:rows]
        lines: list[list[Segment]] = []
        for pieces in told:
            left = room
            line = [Segment(" " * min(1, left), tones[Tone.NORMAL])]
            left -= min(1, left)
            for text, style in pieces:
                shown = fit(text, min(left, cells_of(text)))
                left -= cells_of(shown)
                line.append(Segment(shown, style))
            lines.append([*line, Segment(" " * left, tones[Tone.NORMAL])])
        blank = [Segment(" " * room, tones[Tone.NORMAL])]
        return [*lines, *([blank] * (rows - len(lines)))]

    def _small(self, facts: HeadFacts, width: int) -> list[list[Segment]]:
        """One line: what counts first, the time last; what is between goes first."""
        styles = self.paint.on(Ground.HEAD)
        line: list[Segment] = []
        for severity, count in self._blocks(facts):
            block = Segment(f"{severity.letter}{count}", self.paint.letter(severity, Ground.HEAD))
            line += [block, Segment(" ", styles[Tone.NORMAL])]
        used = sum(len(segment.text) for segment in line)
        time = f" {facts.time} UTC" if width >= 24 + used else facts.time
        room = width - used - len(time)
        whose = " · ".join(part for part in (facts.site, facts.scope, f"sources {facts.sources}") if part)
        line.append(Segment(fit(whose, max(0, room)) if room > 8 else " " * max(0, room), styles[Tone.NORMAL]))
        line.append(Segment(time, styles[Tone.STRONG]))
        return [line]


def _size(time: str, blocks: list[str], width: int, height: int) -> tuple[Face, int] | None:
    """The clock and the counts, as large as both can be."""
    for scale in range(6, 0, -1):
        for face in (BROAD, NARROW):
            used = width_of(face, scale, time) + sum(width_of(BROAD, scale, block) + 3 for block in blocks)
            if rows_of(face, scale) <= height and rows_of(BROAD, scale) == rows_of(face, scale) and used + _FACTS <= width:
                return face, scale
    return None


class WallFoot(Painted):
    """The pages, and when the next one comes."""

    DEFAULT_CSS = "WallFoot { width: 1fr; height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: FootFacts | None = None

    def show(self, facts: FootFacts) -> None:
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        styles = self.paint.on(Ground.HEAD)
        normal = styles[Tone.NORMAL]
        facts = self._facts
        if facts is None:
            return Strip.blank(width, normal)
        left: list[Segment] = [Segment(" ", normal)]
        if len(facts.pages) > 1:
            for at, page in enumerate(facts.pages):
                is_here = at == facts.at
                left.append(Segment(f"{'▸' if is_here else ' '}{page}  ", styles[Tone.STRONG if is_here else Tone.DIM]))
            left.append(Segment(*self._next(facts)))
        right = f" {facts.note} "
        used = sum(cells_of(segment.text) for segment in left)
        if used + cells_of(right) > width:
            right = ""
        left.append(Segment(" " * max(0, width - used - cells_of(right)), normal))
        return Strip([*left, Segment(right, styles[Tone.DIM])]).adjust_cell_length(width, normal)

    def _next(self, facts: FootFacts) -> tuple[str, Style]:
        styles = self.paint.on(Ground.HEAD)
        if facts.held:
            return f" held: {facts.held} ", styles[Tone.WARN]
        if facts.left_s is None:
            return "", styles[Tone.DIM]
        following = facts.pages[(facts.at + 1) % len(facts.pages)]
        done = min(_STEPS, max(0, round((1 - facts.left_s / facts.every_s) * _STEPS))) if facts.every_s else 0
        return f" {following} in {facts.left_s} s {'█' * done}{'·' * (_STEPS - done)} ", styles[Tone.ACCENT]
