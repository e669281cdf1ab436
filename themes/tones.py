"""Tone -> Rich style, on every ground it can stand on, in every theme and without colour.

Widgets ask a `Paint` and never name a colour. Every style carries its foreground *and* its background, so
that a line drawn by hand never depends on what lies beneath it; under NO_COLOR a style carries neither, only
weight, underline and reverse. Styles are made once per theme: making a Rich style is some hundred times
dearer than looking one up.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache

from rich.style import Style

from console.model.cell import Tone
from console.model.severity import Severity
from themes import high_contrast, mono, night
from themes.palette import Ink, Palette

PALETTES: Mapping[str, Palette] = {
    palette.name: palette for palette in (night.PALETTE, high_contrast.PALETTE, mono.PALETTE)
}


class Ground(StrEnum):
    """What a piece of text stands on."""

    PANE = "pane"
    HEAD = "head"
    CURSOR = "cursor"
    REST = "rest"


class Paint:
    """The styles of one theme. Immutable by convention; shared by all widgets of an app."""

    def __init__(
        self,
        name: str,
        tones: Mapping[Ground, Mapping[Tone, Style]],
        letters: Mapping[Ground, Mapping[Severity, Style]],
        fills: Mapping[Severity, Style],
        match: Style,
        *,
        has_color: bool,
    ) -> None:
        self.name = name
        self._tones = tones
        self._letters = letters
        self._fills = fills
        self.match = match
        self.has_color = has_color
        self.tight = frozenset(tone for tone in Tone if _shows_on_blanks(tones[Ground.PANE], tone))

    def on(self, ground: Ground) -> Mapping[Tone, Style]:
        """All tones on one ground: a row looks this up once, then each cell by its tone."""
        return self._tones[ground]

    def letter(self, severity: Severity, ground: Ground = Ground.PANE) -> Style:
        """The severity letter's block in a row's gutter: the one thing to be seen from across the room."""
        return self._letters[ground][severity]

    def badge(self, severity: Severity, ground: Ground = Ground.PANE) -> list[tuple[str, Style]]:
        """Two cells, about a square: a blank, which only a block colours, and the severity letter."""
        style = self._letters[ground][severity]
        before = self._tones[ground][Tone.NORMAL] if style.underline else style
        return [(" ", before), (severity.letter, style)]

    def fill(self, severity: Severity) -> Style:
        """A gauge's bar: the foreground is its filled part, the background its empty track."""
        return self._fills[severity]


@lru_cache(maxsize=64)
def large(style: Style) -> Style:
    """The same for letters of many cells: a line under each of their rows would be a grid."""
    return style + Style(underline=False) if style.underline else style


def _shows_on_blanks(tones: Mapping[Tone, Style], tone: Tone) -> bool:
    """Whether a blank in this tone would be seen, so that padding must be drawn in NORMAL instead."""
    style, normal = tones[tone], tones[Tone.NORMAL]
    return bool(style.underline or style.reverse) or style.bgcolor != normal.bgcolor


def _colored(palette: Palette) -> Paint:
    grounds = {
        Ground.PANE: palette.pane,
        Ground.HEAD: palette.head,
        Ground.CURSOR: palette.cursor,
        Ground.REST: palette.rest,
    }
    inks = {
        Tone.NORMAL: palette.normal,
        Tone.DIM: palette.dim,
        Tone.STRONG: palette.strong,
        Tone.OK: palette.ok,
        Tone.WARN: palette.warn,
        Tone.CRIT: palette.crit,
        Tone.UNKNOWN: palette.unknown,
        Tone.ACCENT: palette.accent,
    }
    badges = {
        Severity.OK: palette.normal,
        Severity.UNKNOWN: palette.badge_unknown,
        Severity.WARN: palette.badge_warn,
        Severity.CRIT: palette.badge_crit,
    }
    fills = {
        Severity.OK: palette.fill_ok,
        Severity.UNKNOWN: palette.fill_unknown,
        Severity.WARN: palette.fill_warn,
        Severity.CRIT: palette.fill_crit,
    }

    @cache  # one object for one look: neighbours that share it become one segment of a line
    def style(ink: Ink, back: str) -> Style:
        return Style(color=ink.fore, bgcolor=ink.back or back, bold=ink.bold or None, underline=ink.underline or None)

    return Paint(
        palette.name,
        {ground: {tone: style(ink, back) for tone, ink in inks.items()} for ground, back in grounds.items()},
        {ground: {bad: style(ink, back) for bad, ink in badges.items()} for ground, back in grounds.items()},
        {severity: Style(color=color, bgcolor=palette.track) for severity, color in fills.items()},
        style(palette.match, palette.pane),
        has_color=True,
    )


def _colorless() -> Paint:
    """NO_COLOR: a reversed cursor row, in which what is reversed elsewhere stands out by not being so."""

    def tones(is_reversed: bool) -> dict[Tone, Style]:
        back = True if is_reversed else None
        return {
            Tone.NORMAL: Style(reverse=back),
            Tone.DIM: Style(reverse=back, dim=None if is_reversed else True),
            Tone.STRONG: Style(reverse=back, bold=True),
            Tone.OK: Style(reverse=back),
            Tone.WARN: Style(reverse=back, bold=True, underline=True),
            Tone.CRIT: Style(reverse=None if is_reversed else True, bold=True),
            Tone.UNKNOWN: Style(reverse=back, underline=True),
            Tone.ACCENT: Style(reverse=back, bold=True),
        }

    def letters(is_reversed: bool) -> dict[Severity, Style]:
        by_tone = tones(is_reversed)
        return {severity: by_tone[Tone.of(severity)] for severity in Severity}

    grounds = {Ground.PANE: False, Ground.HEAD: False, Ground.CURSOR: True, Ground.REST: False}
    plain = Style()
    return Paint(
        "no-color",
        {ground: tones(is_reversed) for ground, is_reversed in grounds.items()},
        {ground: letters(is_reversed) for ground, is_reversed in grounds.items()},
        {severity: Style(bold=True) if severity is Severity.CRIT else plain for severity in Severity},
        Style(reverse=True),
        has_color=False,
    )


@lru_cache(maxsize=8)
def paint(theme: str, no_color: bool = False) -> Paint:
    """The styles of a theme by its name; a theme that is not ours is painted as `night`, which is whole in
    itself.
    """
    return _colorless() if no_color else _colored(PALETTES.get(theme, night.PALETTE))
