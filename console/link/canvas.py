"""The wanted frame and the sent one: each line two strings, of what stands in its cells and of how they look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from console.link.codes import Codes
from console.link.graphemes import REPLACEMENT, Split, cells, is_single
from console.link.look import PLAIN, Look

HALF = "\0"  # the second cell of a wide character
_CLUSTERS = 0xF0000  # private planes: in a line they stand for graphemes of several code points, and for their own
_MOST_CLUSTERS = 0x20000
_MOST_LOOKS = _CLUSTERS


class Canvas:
    """`texts[y]` and `looks[y]` of what is wanted, `sent_texts[y]` and `sent_looks[y]` of what the terminal shows; `changed`:
    the lines where these differ. An unchanged line is one pair of strings, not two.
    """

    def __init__(self, width: int, height: int, split: Split) -> None:
        self.width = width
        self.height = height
        self._split = split
        self._look_codes: Codes[Look] = Codes(0, _MOST_LOOKS, "\0")
        self._clusters: Codes[str] = Codes(_CLUSTERS, _MOST_CLUSTERS, REPLACEMENT)
        self.texts = [" " * width] * height
        self.looks = [self._look_codes[PLAIN] * width] * height
        self.sent_texts = list(self.texts)
        self.sent_looks = list(self.looks)
        self.changed: set[int] = set()

    def look(self, code: str) -> Look:
        return self._look_codes.value(code)

    def grapheme(self, code: str) -> str:
        """What a cell shows that holds this character."""
        return self._clusters.value(code) if code >= _PRIVATE else code

    # -- painting ------------------------------------------------------------------------------------------------------
    def put(self, x: int, y: int, pieces: Iterable[tuple[str, Look]]) -> None:
        if not 0 <= y < self.height:
            return
        if self._look_codes.is_crowded or self._clusters.is_crowded:
            self._forget_unused()
        codes = self._look_codes
        parts: list[str] = []
        looks: list[str] = []
        for part, look in pieces:
            parts.append(part)
            looks.append(codes[look] * len(part))
        text = "".join(parts)
        if is_single(text):
            look_line = "".join(looks)
        else:
            text, look_line = self._spelt(parts, looks)
        if x < 0 or x + len(text) > self.width:
            x, text, look_line = self._within(x, text, look_line)
        self._lay(x, y, text, look_line)

    def _lay(self, x: int, y: int, text: str, looks: str) -> None:
        line, look_line = self.texts[y], self.looks[y]
        end = x + len(text)
        if line[x:end] == text and look_line[x:end] == looks:
            return
        if end - x == self.width:
            line, look_line = text, looks
        else:
            head, tail = line[:x], line[end:]
            if head and line[x : x + 1] == HALF:
                head = head[:-1] + " "
            if tail and tail[0] == HALF:
                tail = " " + tail[1:]
            line, look_line = head + text + tail, look_line[:x] + looks + look_line[end:]
        if line == self.sent_texts[y] and look_line == self.sent_looks[y]:
            line, look_line = self.sent_texts[y], self.sent_looks[y]
            self.changed.discard(y)
        else:
            self.changed.add(y)
        self.texts[y], self.looks[y] = line, look_line

    def _spelt(self, parts: list[str], looks: list[str]) -> tuple[str, str]:
        """Text whose characters are not its cells."""
        spelt: list[str] = []
        spelt_looks: list[str] = []
        for part, look in zip(parts, looks, strict=True):
            if is_single(part):
                spelt.append(part)
                spelt_looks.append(look)
                continue
            start = len(spelt)
            for shown, width in cells(part, self._split):
                spelt.append(self._clusters[shown] if len(shown) > 1 or shown >= _PRIVATE else shown)
                if width == 2:
                    spelt.append(HALF)
            spelt_looks.append(look[0] * (len(spelt) - start))
        return "".join(spelt), "".join(spelt_looks)

    def _within(self, x: int, text: str, looks: str) -> tuple[int, str, str]:
        """What of it is on the screen; of a wide character cut in two a blank is left."""
        if x < 0:
            text, looks, x = text[-x:], looks[-x:], 0
            if text[:1] == HALF:
                text = " " + text[1:]
        room = max(self.width - x, 0)
        if text[room : room + 1] == HALF and room:
            text = text[: room - 1] + " "
        return min(x, self.width), text[:room], looks[:room]

    # -- what was sent -------------------------------------------------------------------------------------------------
    def has_sent(self) -> None:
        """The terminal shows what is wanted."""
        for y in self.changed:
            self.sent_texts[y], self.sent_looks[y] = self.texts[y], self.looks[y]
        self.changed.clear()

    def has_cleared(self) -> None:
        """The terminal shows nothing, in plain."""
        self.sent_texts = [" " * self.width] * self.height
        self.sent_looks = [self._look_codes[PLAIN] * self.width] * self.height
        self.changed = {
            y for y in range(self.height) if self.texts[y] != self.sent_texts[y] or self.looks[y] != self.sent_looks[y]
        }

    def resize(self, width: int, height: int) -> None:
        """What still fits of the wanted frame stays; what the terminal shows is not known any more."""
        more, plain = max(width - self.width, 0), self._look_codes[PLAIN]
        self.width = width
        kept = [self._within(0, text, looks) for text, looks in zip(self.texts[:height], self.looks, strict=False)]
        lower = max(height - self.height, 0)
        self.height = height
        self.texts = [text + " " * more for _, text, _ in kept] + [" " * width] * lower
        self.looks = [looks + plain * more for _, _, looks in kept] + [plain * width] * lower
        self.has_cleared()

    def _forget_unused(self) -> None:
        """Looks and clusters that no line has any more: a stream of ever new ones must not become a leak."""
        table = self._look_codes.forget_but("".join((*self.looks, *self.sent_looks)))
        self.looks, self.sent_looks = _translated(self.looks, self.sent_looks, table)
        table = self._clusters.forget_but(_clusters("".join((*self.texts, *self.sent_texts))))
        self.texts, self.sent_texts = _translated(self.texts, self.sent_texts, table)


_PRIVATE = chr(_CLUSTERS)


def _clusters(text: str) -> Iterator[str]:
    return (code for code in set(text) if code >= _PRIVATE)


def _translated(wanted: list[str], sent: list[str], table: dict[int, str]) -> tuple[list[str], list[str]]:
    """Both; a line that was one string in both stays one."""
    sent_now = [line.translate(table) for line in sent]
    wanted_now = [
        after if line is before else line.translate(table)
        for line, before, after in zip(wanted, sent, sent_now, strict=True)
    ]
    return wanted_now, sent_now
