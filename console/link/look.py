"""How a cell looks, and the shortest SGR sequence that leads from one look to another."""

from __future__ import annotations

from functools import lru_cache
from weakref import WeakValueDictionary

import msgspec

BOLD, DIM, ITALIC, UNDERLINE, BLINK, BLINK2, REVERSE, CONCEAL, STRIKE, UNDERLINE2, FRAME, ENCIRCLE, OVERLINE = (
    1 << bit for bit in range(13)
)
_ON = {
    BOLD: "1", DIM: "2", ITALIC: "3", UNDERLINE: "4", BLINK: "5", BLINK2: "6", REVERSE: "7", CONCEAL: "8", STRIKE: "9",
    UNDERLINE2: "21", FRAME: "51", ENCIRCLE: "52", OVERLINE: "53",
}  # fmt: skip
_OFF = (
    (BOLD | DIM, "22"),
    (ITALIC, "23"),
    (UNDERLINE | UNDERLINE2, "24"),
    (BLINK | BLINK2, "25"),
    (REVERSE, "27"),
    (CONCEAL, "28"),
    (STRIKE, "29"),
    (FRAME | ENCIRCLE, "54"),
    (OVERLINE, "55"),
)
_ON_BLANK = UNDERLINE | REVERSE | STRIKE | UNDERLINE2 | FRAME | ENCIRCLE | OVERLINE  # seen where nothing is written
_MOST_CHANGES = 4096  # remembered; a screen has some dozens of looks that stand beside each other


class Look(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """Made by `of` alone, which gives one object for one look: looks are compared by identity, on every cell.

    `foreground`, `background`: SGR parameters for the colours of the terminal ("31", "38;5;208", "48;2;1;2;3"), "" for its
    default. `attributes`: bit n is Rich's n-th: bold, dim, italic, underline, blink, blink2, reverse, conceal, strike,
    underline2, frame, encircle, overline.
    """

    foreground: str
    background: str
    attributes: int
    only_background: Look | None
    """What is left of it on a blank; None where that is all of it."""

    @staticmethod
    def of(foreground: str = "", background: str = "", attributes: int = 0) -> Look:
        if foreground == "39":
            foreground = ""
        if background == "49":
            background = ""
        key = (foreground, background, attributes)
        look = _known.get(key)
        if look is None:
            is_bare = attributes & _ON_BLANK or not (foreground or attributes)
            look = Look(*key, None if is_bare else Look.of("", background))
            _known[key] = look
        return look

    @property
    def blank(self) -> Look:
        """How a blank looks in it: two looks with the same one cannot be told apart where nothing is written."""
        return self.only_background or self

    @property
    def sgr(self) -> str:
        """All of it, as SGR parameters; "" for a plain look."""
        shown = [code for bit, code in _ON.items() if self.attributes & bit]
        return ";".join([*shown, *filter(None, (self.foreground, self.background))])


_known: WeakValueDictionary[tuple[str, str, int], Look] = WeakValueDictionary()
PLAIN = Look.of()


@lru_cache(maxsize=_MOST_CHANGES)
def change(before: Look, after: Look) -> str:
    """The shorter of what differs and of a new beginning. "" between a look and itself."""
    if before is after:
        return ""
    codes: list[str] = []
    kept = before.attributes
    for bits, code in _OFF:
        if before.attributes & ~after.attributes & bits:
            codes.append(code)
            kept &= ~bits
    codes += [code for bit, code in _ON.items() if after.attributes & ~kept & bit]
    if before.foreground != after.foreground:
        codes.append(after.foreground or "39")
    if before.background != after.background:
        codes.append(after.background or "49")
    difference = ";".join(codes)
    anew = "0;" + after.sgr if after is not PLAIN else ""
    return f"\x1b[{min(difference, anew, key=len)}m"


def on_blank(before: Look, after: Look) -> Look:
    """The look nearest to `before` in which a blank looks as in `after`: what is not seen is not worth an SGR."""
    blank = after.blank
    if blank is before.blank:
        return before
    if blank.attributes:
        return after
    return Look.of(before.foreground, blank.background, before.attributes & ~_ON_BLANK)
