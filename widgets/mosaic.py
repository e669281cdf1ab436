"""The fleet: one tile a channel, the worst first, as large as it has viewers.

A tile says its state by a letter, a block of colour and its place before anybody can read its name: a channel that is well is
quiet ground, one that is not is the only thing on the wall with a colour. Where a tile is large enough its name stands in big
letters. More channels than there is room for end in one tile that counts the rest, and is as bad as the worst of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.model.cell import Tone
from console.model.severity import Severity, worst
from console.model.wallboard import Tile
from themes.tones import Ground, Paint, large
from widgets.cells import fit, wrap
from widgets.cells import width as cells_of
from widgets.glyphs import BROAD, rows_of, width_of, wrapped, written
from widgets.painted import Painted
from widgets.roll import title_line
from widgets.shelves import Spot, room_for, shelved

_SPLITS = "-_./ "
BIGGEST = 3  # scale of a name
MOST_OF = 0.6  # of the ground of those that are well: so much must have room for a name of that size
_MARGIN = 1
TITLE_FROM = 8  # lines: lower, every line is the channels'
LOW = 12  # lines of ground: there a tile of two has no line to spare between it and the next
LEAST_GAP = 3  # cells: a narrower tile is not parted from its neighbour


class Mosaic(Painted):
    """Tiles in the order given."""

    DEFAULT_CSS = "Mosaic { width: 1fr; height: 1fr; }"

    def __init__(self, placeholder: str = "no channels", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._tiles: tuple[Tile, ...] = ()
        self._placeholder = placeholder
        self._lines: list[list[Segment]] = []
        self._lines_for: object = None

    def show(self, title: str, tiles: Sequence[Tile], absence: str = "") -> None:
        """Replace the tiles; `absence` stands where there is none."""
        said = (title, tuple(tiles), absence)
        if said != (self._title, self._tiles, self._placeholder):
            self._title, self._tiles, self._placeholder = said
            self.refresh()

    def forget_strips(self) -> None:
        self._lines_for = None

    def render_line(self, y: int) -> Strip:
        size = self.size
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        above = size.height >= TITLE_FROM
        if above and y == 0:
            return Strip(title_line(self._title, size.width, self.paint)).adjust_cell_length(size.width, normal)
        y, height = y - above, size.height - above
        if not self._tiles:
            text = self._placeholder if y == height // 2 else ""
            return Strip([Segment(fit(f" {text}", size.width), self.paint.on(Ground.PANE)[Tone.DIM])])
        wanted = (self._tiles, size)
        if self._lines_for != wanted:
            self._lines, self._lines_for = _drawn(self._tiles, size.width, height, self.paint), wanted
        if y >= len(self._lines):
            return Strip.blank(size.width, normal)
        return Strip(self._lines[y]).adjust_cell_length(size.width, normal)


def _drawn(tiles: tuple[Tile, ...], width: int, height: int, paint: Paint) -> list[list[Segment]]:
    shown = _gathered(tiles, room_for(width, height))
    spots = shelved(tuple(tile.weight for tile in shown), width, height)
    lines: list[list[Segment]] = [[] for _ in range(height)]
    calm = _calm_scale(shown, spots)
    for tile, spot in zip(shown, spots, strict=True):  # left to right on each line: so they come
        scale = calm if tile.severity is Severity.OK else BIGGEST
        for at, pieces in enumerate(_tile(tile, spot, scale, paint, is_low=height < LOW)):
            lines[spot.y + at].extend(pieces)
    return lines


def _calm_scale(tiles: Sequence[Tile], spots: Sequence[Spot]) -> int:
    """One size of letters for those that are well, but for the smallest: what is quiet must not differ."""
    calm = [(tile, spot) for tile, spot in zip(tiles, spots, strict=True) if tile.severity is Severity.OK]
    ground = sum(spot.width * spot.height for _, spot in calm)
    for scale in range(BIGGEST - 1, 0, -1):
        named = [spot for tile, spot in calm if _name(tile, spot.width - 3, spot.height - 1, scale)]
        if sum(spot.width * spot.height for spot in named) >= MOST_OF * ground:
            return scale
    return 0


def _gathered(tiles: tuple[Tile, ...], room: int) -> tuple[Tile, ...]:
    """What does not fit, as one tile that counts it."""
    if len(tiles) <= max(1, room):
        return tiles
    shown, rest = tiles[: max(0, room - 1)], tiles[max(0, room - 1) :]
    counts = Counter(tile.severity for tile in rest)
    told = ", ".join(
        f"{counts[severity]} {severity.letter.strip() or 'fine'}" for severity in reversed(Severity) if counts[severity]
    )
    bad = worst(tile.severity for tile in rest)
    weight = max(sum(tile.weight for tile in shown) / max(1, len(shown)) * 2, 1e-9)
    return (*shown, Tile(key=f"+{len(rest)} more", severity=bad, weight=weight, note=told))


class _Look:
    """The styles of one tile."""

    def __init__(self, tile: Tile, paint: Paint) -> None:
        pane = paint.on(Ground.PANE)[Tone.NORMAL]
        well = tile.severity is Severity.OK
        base = large(paint.on(Ground.PANE)[Tone.DIM] if tile.is_off_air else paint.letter(tile.severity, Ground.REST))
        self.strong = paint.on(Ground.REST)[Tone.STRONG] if well and not tile.is_off_air else base
        self.plain = base
        self.dim = paint.on(Ground.REST)[Tone.DIM] if well and not tile.is_off_air else base
        self.blank = base
        self.gap = pane
        self.foot = Style(color=base.bgcolor, bgcolor=pane.bgcolor) if base.bgcolor is not None else None
        self.is_flat = not paint.has_color  # no ground that would part it from its neighbours


def _tile(tile: Tile, spot: Spot, most: int, paint: Paint, *, is_low: bool) -> list[list[Segment]]:
    """Its lines, each exactly as wide as the spot."""
    look = _Look(tile, paint)
    gap = 1 if spot.width > LEAST_GAP else 0
    width = spot.width - gap
    has_foot = spot.height > 1 + is_low and not look.is_flat
    height = spot.height - has_foot
    lines = []
    for pieces in _content(tile, width, height, most, look):
        line = [Segment(text, style) for text, style in pieces]
        used = sum(cells_of(text) for text, _ in pieces)
        line.append(Segment(" " * max(0, width - used), look.blank))
        if gap:
            line.append(Segment("│" if look.is_flat else " ", look.gap))
        lines.append(line)
    if has_foot:
        under = Segment("▀" * width, look.foot) if look.foot is not None else Segment(" " * width, look.gap)
        lines.append([under, Segment(" " * gap, look.gap)])
    return lines


def _content(tile: Tile, width: int, height: int, most: int, look: _Look) -> list[list[tuple[str, Style]]]:
    """`height` lines of at most `width` cells."""
    letter = tile.severity.letter
    inner = max(0, width - 2 * _MARGIN)
    big = _big(tile, inner, height, most)
    lines: list[list[tuple[str, Style]]] = []
    if big:
        lines.append([])
        lines += [[(" ", look.blank), (fit(row, inner), look.strong)] for row in big]
        is_large = bool(_name(tile, inner, height, 1))
        under = _under(tile, inner, height - len(lines), may_be_big=is_large)
        lines += [[(" ", look.blank), (text, look.plain)] for text in under]
    else:
        lead = f"{letter} " if letter.strip() else ""
        size = f" {tile.size}" if tile.size and inner >= cells_of(lead + tile.key) + len(tile.size) + 1 and height < 2 else ""
        name = fit(lead + tile.key, max(0, inner - len(size)))
        pad = " " * min(_MARGIN, max(0, width - 1)) if width > 2 else ""
        lines.append([(pad, look.blank), (fit(name + size, width - len(pad)), look.strong)])
        rest = height - 1
        if height >= 5:  # air above the name
            lines.insert(0, [])
            rest -= 1
        lines += [[(" ", look.blank), (text, look.dim)] for text in _under(tile, inner, rest, may_be_big=False)]
    return [*lines[:height], *([] for _ in range(height - len(lines)))]


def _under(tile: Tile, inner: int, room: int, *, may_be_big: bool) -> list[str]:
    """Below the name: viewers and age, then why; in big letters where all of it has room in them."""
    if room <= 0 or inner <= 0:
        return []
    facts = _facts(tile)
    if cells_of(facts) > inner:
        facts = " ".join(part for part in (tile.size, tile.age) if part)
    if room == 1 and tile.note and tile.severity is not Severity.OK:
        return [fit(tile.note, inner)]
    big = _big_words((_facts(tile), tile.note), inner, room) if may_be_big else []
    if big:
        return big
    told = [fit(facts, inner)] if facts else []
    words = wrap(tile.note, inner) if tile.note else []
    space = room - len(told)
    if len(words) > space:
        words = [*words[: max(0, space - 1)], fit(" ".join(words[max(0, space - 1) :]), inner)][: max(0, space)]
    return told + words


def _facts(tile: Tile) -> str:
    return " · ".join(part for part in (tile.size and f"{tile.size} viewers", tile.age) if part)


def _big_words(texts: Sequence[str], inner: int, room: int) -> list[str]:
    """The texts in the smallest of the big letters, if all of them have room."""
    lines: list[str] = []
    for text in texts:
        parts = wrapped(text.upper(), inner) if text else []
        if parts is None:
            return []
        for part in parts:
            lines += [*([""] if lines else []), *written(BROAD, 1, part)]
    return lines if len(lines) <= room else []


def _big(tile: Tile, width: int, height: int, most: int) -> tuple[str, ...]:
    """The name in big letters, its letter of severity before it; else that letter alone; nothing where it has no room."""
    found = [name for scale in range(most, 0, -1) if (name := _name(tile, width, height, scale))]
    for name in found:  # rather a smaller name, and why in letters that can be read as well
        if _big_words((_facts(tile), tile.note), width, height - 1 - len(name)):
            return name
    if found:
        return found[0]
    letter = tile.severity.letter.strip()
    for scale in range(most, 0, -1) if letter else ():
        if rows_of(BROAD, scale) + 3 <= height and width_of(BROAD, scale, letter) <= width:
            rows = written(BROAD, scale, letter)
            room = width - cells_of(rows[0]) - 2
            if room < cells_of(tile.key):
                return (*rows, fit(tile.key, width)) if len(rows) + 4 <= height else ()
            beside = [*[""] * (1 + (len(rows) >= 6)), fit(tile.key, room)]
            return tuple(f"{row}  {text}" for row, text in zip(rows, [*beside, *[""] * len(rows)], strict=False))
    return ()


def _name(tile: Tile, width: int, height: int, scale: int) -> tuple[str, ...]:
    """Its lines in letters of this size; nothing where they have no room."""
    letter = tile.severity.letter.strip()
    keep = 3 if letter else 2  # a line of air, and what is to be said below
    air = scale > 1  # letters of an odd number of half lines have their own
    for parts in _split(tile.key.upper()):
        parts = (f"{letter} {parts[0]}", *parts[1:]) if letter else parts
        rows = rows_of(BROAD, scale) * len(parts) + air * len(parts)
        if rows + keep <= height and all(width_of(BROAD, scale, part) <= width for part in parts):
            return tuple(line for part in parts for line in (*written(BROAD, scale, part), *([""] if air else [])))
    return ()


def _split(name: str) -> list[tuple[str, ...]]:
    """The name on one line, then on two, broken where it has a joint."""
    ways: list[tuple[str, ...]] = [(name,)]
    joints = [at for at, character in enumerate(name) if character in _SPLITS and 0 < at < len(name) - 1]
    if joints:
        at = min(joints, key=lambda joint: abs(joint - len(name) / 2))
        ways.append((name[: at + 1].rstrip(" "), name[at + 1 :]))
    return ways
