"""How the lines of a log view look: a log line, a word of ours between them, and the note that the view is paused.

Pure: a line, a width and styles in, a strip out. Foreign text is cut to its cells and never parsed.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.model.cell import Tone
from console.model.logline import LogLine
from themes.tones import Ground, Paint
from widgets.cells import fit
from widgets.cells import width as cells_of
from widgets.lines import strip_of

LEVELS = {
    "error": ("E", Tone.CRIT, Tone.STRONG),
    "warn": ("W", Tone.WARN, Tone.NORMAL),
    "info": ("I", Tone.DIM, Tone.NORMAL),
    "debug": ("D", Tone.DIM, Tone.DIM),
}  # level -> letter, tone of the letter, tone of the message
_NO_LEVEL = (" ", Tone.DIM, Tone.NORMAL)
WIDE_CLOCK = 60  # from this width on the time has milliseconds
WIDE_SERVICE = 40  # from this width on the service is shown


@lru_cache(maxsize=512)
def draw_log_line(
    line: LogLine, width: int, paint: Paint, ground: Ground, shift: int, found: re.Pattern[str] | None
) -> Strip:
    """Time, letter, service, message; the message moved left by `shift` characters, what is `found` in it marked. Sessions that
    look at the same lines share them drawn.
    """
    if line.is_mark:
        return draw_rule(line.message, width, paint, Tone.ACCENT, ground)
    tones = paint.on(ground)
    dim, normal = tones[Tone.DIM], tones[Tone.NORMAL]
    letter, letter_tone, message_tone = LEVELS.get(line.level, _NO_LEVEL)
    is_strong = message_tone is Tone.STRONG
    at = line.at
    clock = f"{at.hour:02}:{at.minute:02}:{at.second:02}"
    if width >= WIDE_CLOCK:
        clock = f"{clock}.{at.microsecond // 1000:03}"
    pieces = [
        (" ", normal),
        (clock, tones[Tone.UNKNOWN] if line.is_late else dim),
        (" ", normal),
        (letter, tones[letter_tone]),
        (" ", normal),
    ]
    used = len(clock) + 4
    if width >= WIDE_SERVICE:
        size = max(14, min(18, width // 6)) if width >= 52 else 10
        who = line.service or line.pod or line.host or "–"
        pieces.append((fit(who, size) + "  ", normal if is_strong else dim))
        used += size + 2
    if line.is_late:
        pieces.extend([("late", tones[Tone.UNKNOWN]), (" ", normal)])
        used += 5
    message = f"…{line.message[shift:]}" if shift else line.message
    text = fit(message, max(0, width - used))
    # Without colour STRONG is bold, and a page of bold errors would drown the letters.
    pieces.extend(
        _marked(text, normal if is_strong and not paint.has_color else tones[message_tone], paint.match, found)
    )
    return strip_of(pieces, width, normal)


def draw_rule(text: str, width: int, paint: Paint, tone: Tone, ground: Ground = Ground.PANE) -> Strip:
    """A word of ours between the lines: text in the middle of a rule."""
    tones = paint.on(ground)
    normal, dim = tones[Tone.NORMAL], tones[Tone.DIM]
    told = f" {fit(text, min(cells_of(text), max(0, width - 8)))} "
    used = cells_of(told)
    left = max(1, (width - used) // 2 - 1)
    right = max(0, width - used - left - 2)
    return strip_of([(" ", normal), ("─" * left, dim), (told, tones[tone]), ("─" * right, dim)], width, normal)


def draw_behind(strip: Strip, width: int, paint: Paint, behind: int) -> Strip:
    """The last line of a paused view, with the word that it is, and how many lines wait below."""
    told = f" ‖ paused · {grouped(behind)} newer " if behind else " ‖ paused "
    if len(told) > width:
        return strip
    return Strip([*strip.crop(0, width - len(told)), Segment(told, paint.on(Ground.HEAD)[Tone.ACCENT])], width)


def grouped(count: int) -> str:
    """12345 as `12 345`."""
    return f"{count:,}".replace(",", " ")


def _marked(text: str, style: Style, match: Style, found: re.Pattern[str] | None) -> list[tuple[str, Style]]:
    """The text with every occurrence of the sought one in its own style."""
    if found is None:
        return [(text, style)]
    pieces: list[tuple[str, Style]] = []
    end = 0
    for hit in found.finditer(text):
        pieces.append((text[end : hit.start()], style))
        pieces.append((hit[0], match))
        end = hit.end()
    return [*pieces, (text[end:], style)]
