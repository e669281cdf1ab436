"""What stands on a wall, between rows and widgets: a channel as a tile, a number in big digits, a line of a list."""

from __future__ import annotations

import msgspec

from console.model.cell import Tone
from console.model.severity import Severity


class Tile(msgspec.Struct, frozen=True):
    """One channel of the fleet. `weight` is its share of the ground; equal weights stay equal from reading to reading."""

    key: str
    severity: Severity
    weight: float
    size: str = ""  # "182k"; "?" where nobody knows
    note: str = ""  # why it is not well
    age: str = ""  # since when: "31s"
    is_off_air: bool = False  # by plan: neither well nor unwell


class BigFigure(msgspec.Struct, frozen=True):
    """One number in digits that are read from ten metres, and how it stands to last week's."""

    label: str  # "viewers"
    value: str  # "1.4M"; "–" when unknown
    unit: str = ""  # "b/s"
    change: str = ""  # "+4 %": to the same minute of last week; "" when there is nothing to compare it with
    beside: str = ""  # "1.3M a week ago", or why there is nothing to compare it with
    tone: Tone = Tone.NORMAL
    severity: Severity = Severity.OK


class Line(msgspec.Struct, frozen=True):
    """One line of a list: a letter, a short word before it ("12m", "02:12"), what happened."""

    key: str
    severity: Severity
    lead: str
    text: str
    kind: str = ""  # what sort of thing it is: "rollout"; before the text while there is room
    more: str = ""  # behind the text while there is room
    tone: Tone = Tone.NORMAL


class Notch(msgspec.Struct, frozen=True):
    """A moment on the axis of the last hour: `at` from 0 (an hour ago) to 1 (now)."""

    at: float
    severity: Severity
    is_change: bool  # somebody changed something; else something broke


class Sign(msgspec.Struct, frozen=True):
    """A sentence for the whole room: the first words as big as there is room, the rest in lines below."""

    severity: Severity
    big: str
    lines: tuple[str, ...] = ()
    is_warning: bool = False  # about what is shown here (a dead feed, a wrong clock), not about the platform


class HeadFacts(msgspec.Struct, frozen=True):
    """What stands over every page: how many of what, whose wall it is, what time it is."""

    critical: int
    warning: int
    unknown: int
    time: str  # "02:14:07", UTC
    date: str  # "2026-11-22"
    site: str
    is_prod: bool
    scope: str
    sources: str  # "9/9"
    sources_well: bool


class FootFacts(msgspec.Struct, frozen=True):
    """Which page this is, and what comes next."""

    pages: tuple[str, ...]  # in their order
    at: int
    left_s: int | None  # until the page is turned; None: it is not
    every_s: float
    held: str = ""  # why not
    note: str = ""  # at the right: "midwatch 0.1 · restarted 02:14"
