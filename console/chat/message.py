"""A message for people, before any service has seen it: plain lines with a rank each, and how they are made fewer.

Texts in it are redacted and inert already. The rank says who has to go first when a service takes less: never the shortest,
always the least important.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

LATE_S = 60.0  # from when on a reader must be told


class Line(msgspec.Struct, frozen=True):
    """One line. The larger the rank, the sooner it is left out."""

    text: str
    rank: int


class Section(msgspec.Struct, frozen=True):
    """A pane's lines under its title."""

    title: str
    lines: tuple[Line, ...]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is said. `id` is the same in every copy of it."""

    id: str
    head: str  # "apac · 02:14 UTC · CRIT (2 critical, 5 warning)"
    severity: str  # a word
    taken_at: datetime
    sections: tuple[Section, ...] = ()
    how: str = ""  # how to open the console at this scope
    left_out: int = 0  # lines

    @property
    def foot(self) -> str:
        """The last line but for how late it is: what is missing, how to see it, and by what a copy is known."""
        told = f"{self.left_out} line{'s' * (self.left_out != 1)} left out" if self.left_out else ""
        return " · ".join(part for part in (told, self.how, self.id) if part)


def late(seconds: float) -> str:
    """ "sent 4 min late"; "" while nobody would notice."""
    if seconds < LATE_S:
        return ""
    return f"sent {seconds // 3600:.0f} h late" if seconds >= 7200 else f"sent {seconds // 60:.0f} min late"


def fitted(message: Message, fits: Callable[[Message], bool]) -> Message:
    """The message with as many of its lines as `fits`, the least important left out first; at last its head is cut.

    `fits` must be true for a short enough head without lines; a message that fits comes back as it is.
    """
    if fits(message):
        return message
    order = sorted(
        (line.rank, number, at) for number, section in enumerate(message.sections) for at, line in enumerate(section.lines)
    )
    least, most = 0, len(order) - 1  # of the lines, in the order in which they are kept
    while least < most:
        half = (least + most + 1) // 2
        least, most = (half, most) if fits(_with(message, order[:half])) else (least, half - 1)
    for kept in range(least, -1, -1):
        fewer = _with(message, order[:kept])
        if fits(fewer):
            return fewer
    bare = _with(message, [])
    for size in (150, 80, 40, 20):
        cut = msgspec.structs.replace(bare, head=_cut(bare.head, size), how=_cut(bare.how, size))
        if fits(cut):
            return cut
    return msgspec.structs.replace(bare, head=_cut(bare.head, 20), how="")


def _with(message: Message, kept: list[tuple[int, int, int]]) -> Message:
    places = {(number, at) for _, number, at in kept}
    sections = tuple(
        Section(section.title, tuple(line for at, line in enumerate(section.lines) if (number, at) in places))
        for number, section in enumerate(message.sections)
    )
    all_of_them = sum(len(section.lines) for section in message.sections)
    return msgspec.structs.replace(
        message,
        sections=tuple(section for section in sections if section.lines),
        left_out=message.left_out + all_of_them - len(places),
    )


def as_text(message: Message, late_s: float = 0.0) -> str:
    """The whole as plain lines, for what takes nothing better."""
    lines = [message.head, *([late(late_s)] if late(late_s) else [])]
    for section in message.sections:
        lines += [f"{section.title if at == 0 else '':<10}{line.text}" for at, line in enumerate(section.lines)]
    return "\n".join([*lines, message.foot])


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"
