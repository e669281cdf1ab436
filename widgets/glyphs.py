"""Letters and digits of many cells, for eyes at the other end of the room.

Two faces, drawn below as they look: `BROAD` of 7 pixels' height with the whole Latin alphabet, `NARROW` of 5 with what numbers
need. A pixel is as wide as a cell and half as high, since a cell is about twice as high as wide; `scale` repeats it. Small
letters are shown as capitals, what has no drawing as a box: what cannot be drawn is seen, never dropped. Units of measure
keep their case (k, s, b), for a bit is no byte.

What must not be done here: colour, and knowledge of what is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from widgets.cells import ELLIPSIS

_HALVES = " ▄▀█"  # by (upper, lower)

_BROAD = """
A     B     C     D     E     F     G     H     I   J     K     L     M     N
.###. ####. .###. ####. ##### ##### .###. #...# ### ..### #...# #.... #...# #...#
#...# #...# #...# #...# #.... #.... #...# #...# .#. ...#. #..#. #.... ##.## ##..#
#...# #...# #.... #...# #.... #.... #.... #...# .#. ...#. #.#.. #.... #.#.# #.#.#
##### ####. #.... #...# ####. ####. #.### ##### .#. ...#. ##... #.... #...# #..##
#...# #...# #.... #...# #.... #.... #...# #...# .#. ...#. #.#.. #.... #...# #...#
#...# #...# #...# #...# #.... #.... #...# #...# .#. #..#. #..#. #.... #...# #...#
#...# ####. .###. ####. ##### #.... .###. #...# ### .##.. #...# ##### #...# #...#

O     P     Q     R     S     T     U     V     W     X     Y     Z     ?     !
.###. ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# ##### .###. #
#...# #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....# #...# #
#...# #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. ....# #
#...# ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. ...#. #
#...# #.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#... ..#.. #
#...# #.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... ..... .
.###. #.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. ##### ..#.. #

0     1   2     3     4     5     6     7     8     9     :  .  ,  ·
.###. .#. .###. ##### ...#. ##### ..##. ##### .###. .###. .. .. .. ..
#...# ##. #...# ...#. ..##. #.... .#... ....# #...# #...# .. .. .. ..
#..## .#. ....# ..#.. .#.#. ####. #.... ...#. #...# #...# ## .. .. ..
#.#.# .#. ...#. ...#. #..#. ....# ####. ..#.. .###. .#### .. .. .. ##
##..# .#. ..#.. ....# ##### ....# #...# .#... #...# ....# ## .. .. ..
#...# .#. .#... #...# ...#. #...# #...# .#... #...# ...#. .. .. .# ..
.###. ### ##### .###. ...#. .###. .###. .#... .###. .##.. .. ## #. ..

-    –    +     ±     %     /     (  )  '  _     =    ×     k     s     b     &     …
.... .... ..... ..... ##..# ....# .# #. # ..... .... ..... #.... ..... #.... .##.. .....
.... .... ..#.. ..#.. ##..# ...#. #. .# # ..... .... ..... #.... ..... #.... #..#. .....
.... .... ..#.. ..#.. ...#. ...#. #. .# . ..... #### #...# #..#. .#### #.... #.#.. .....
#### #### ##### ##### ..#.. ..#.. #. .# . ..... .... .#.#. #.#.. #.... ####. .#... .....
.... .... ..#.. ..#.. .#... .#... #. .# . ..... #### ..#.. ##... .###. #...# #.#.# .....
.... .... ..#.. ..... #..## .#... #. .# . ..... .... .#.#. #.#.. ....# #...# #..#. .....
.... .... ..... ##### #..## #.... .# #. . ##### .... #...# #..#. ####. ####. .##.# #.#.#
"""
_NARROW = """
0   1   2   3   4   5   6   7   8   9   : . - –
### .#. ### ### #.# ### ### ### ### ### . . ... ...
#.# ##. ..# ..# #.# #.. #.. ..# #.# #.# # . ... ...
#.# .#. ### .## ### ### ### ..# ### ### . . ### ###
#.# .#. #.. ..# ..# ..# #.# ..# #.# ..# # . ... ...
### ### ### ### ..# ### ### ..# ### ### . # ... ...

+   %   k   M     G   T   P   s   b   /   ?   C   W     U   m     ∞
... #.# #.. #...# ### ### ### .## #.. ..# ### ### #...# #.# ..... .....
.#. ..# #.# ##.## #.. .#. #.# #.. #.. ..# ..# #.. #...# #.# ..... ##.##
### .#. ##. #.#.# #.# .#. ### .#. ### .#. .#. #.. #.#.# #.# ##.#. #.#.#
.#. #.. #.# #...# #.# .#. #.. ..# #.# #.. ... #.. ##.## #.# #.#.# ##.##
... #.# #.# #...# ### .#. #.. ##. ### #.. .#. ### #...# ### #.#.# .....
"""


class Face:
    """One set of drawings: of each character its rows of pixels, `height` of them."""

    def __init__(self, height: int, drawings: Mapping[str, tuple[str, ...]]) -> None:
        self.height, self.drawings = height, drawings


def _read(art: str, height: int) -> Face:
    drawings: dict[str, tuple[str, ...]] = {}
    for band in art.strip("\n").split("\n\n"):
        heads, *rows = [line.split() for line in band.splitlines()]
        for at, character in enumerate(heads):
            drawings[character] = tuple(row[at] for row in rows)
    return Face(height, drawings)


BROAD = _read(_BROAD, 7)
NARROW = _read(_NARROW, 5)


def drawing(face: Face, character: str) -> tuple[str, ...]:
    """The pixels of a character; of one without a drawing, a box."""
    found = face.drawings.get(character) or face.drawings.get(character.upper())
    if found is not None:
        return found
    if character in "\u00a0 ":
        return ("." * 2,) * face.height
    wide = 5 if face is BROAD else 3
    return ("#" * wide, *("#" + "." * (wide - 2) + "#",) * (face.height - 2), "#" * wide)


def rows_of(face: Face, scale: int) -> int:
    """Cells of height that a line of it takes."""
    return -(-face.height * scale // 2)


def width_of(face: Face, scale: int, text: str) -> int:
    """Cells of width that a text takes, one pixel between two characters."""
    return max(0, sum(len(drawing(face, character)[0]) + 1 for character in text) - 1) * scale


@lru_cache(512)
def written(face: Face, scale: int, text: str) -> tuple[str, ...]:
    """The text as lines of half blocks, all of one width."""
    if not text:
        return ("",) * rows_of(face, scale)
    drawings = [drawing(face, character) for character in text]
    pixels = [".".join(each[row] for each in drawings) for row in range(face.height)]
    tall = [
        "".join(pixel * scale for pixel in row) for row in pixels for _ in range(scale)
    ]
    if len(tall) % 2:
        tall.append("." * len(tall[0]))
    return tuple(
        "".join(_HALVES[2 * (upper == "#") + (lower == "#")] for upper, lower in zip(above, below, strict=True))
        for above, below in zip(tall[::2], tall[1::2], strict=True)
    )


def fitting(text: str, width: int, height: int, most: int = 8) -> tuple[Face, int] | None:
    """The largest way to write a text into so many cells; None where none fits."""
    best: tuple[int, Face, int] | None = None
    for face in (NARROW, BROAD):
        if face is NARROW and not all(character in " \u00a0" or character in face.drawings for character in text):
            continue
        for scale in range(most, 0, -1):
            rows = rows_of(face, scale)
            if rows <= height and width_of(face, scale, text) <= width:
                if best is None or face.height * scale > best[0]:
                    best = (face.height * scale, face, scale)
                break
    return (best[1], best[2]) if best is not None else None


def wrapped(text: str, width: int) -> list[str] | None:
    """The text in lines of the smallest `BROAD` letters; None where one of its words is too long for that."""
    parts: list[str] = []
    for word in text.split():
        longer = f"{parts[-1]} {word}" if parts else word
        if parts and width_of(BROAD, 1, longer) <= width:
            parts[-1] = longer
        else:
            parts.append(word)
    return parts if all(width_of(BROAD, 1, part) <= width for part in parts) else None


def shortened(text: str, width: int) -> str:
    """As much of it as the smallest `BROAD` letters have room for, and whether that was all."""
    if width_of(BROAD, 1, text) <= width:
        return text
    cut = text
    while cut and width_of(BROAD, 1, f"{cut}{ELLIPSIS}") > width:
        cut = cut[:-1]
    return f"{cut.rstrip()}{ELLIPSIS}"
