"""A palette: every colour of one theme, from which both Textual's theme and our tones are made.

One place, so that a widget drawn by hand and a border drawn by Textual cannot drift apart, and so that the
contrast test can measure every pair that may ever stand on the screen.
"""

from __future__ import annotations

import msgspec
from textual.theme import Theme


class Ink(msgspec.Struct, frozen=True):
    """Colour and weight of one tone. An empty `back` means: whatever ground it stands on."""

    fore: str
    back: str = ""
    bold: bool = False
    underline: bool = False


class Palette(msgspec.Struct, frozen=True):
    """The colours of one theme, as `#rrggbb`."""

    name: str
    pane: str  # the ground nearly everything stands on
    head: str  # column heads and bars of the frame
    cursor: str  # the row under the cursor of the focused pane
    rest: str  # the row under the cursor of a pane without the focus
    track: str  # the empty part of a gauge
    edge: str  # borders at rest
    edge_focus: str  # border of the focused pane; at least 3:1 on `pane`
    normal: Ink
    dim: Ink
    strong: Ink
    ok: Ink
    warn: Ink
    crit: Ink
    unknown: Ink
    accent: Ink
    badge_warn: Ink  # the severity letter in a row's gutter
    badge_crit: Ink
    badge_unknown: Ink
    match: Ink  # found text
    fill_ok: str  # the filled part of a gauge
    fill_warn: str
    fill_crit: str
    fill_unknown: str

    def theme(self) -> Theme:
        """The same colours under Textual's own names, for borders, inputs and every stock widget."""
        return Theme(
            name=self.name,
            primary=self.edge_focus,
            secondary=self.unknown.fore,
            warning=self.warn.fore,
            error=self.badge_crit.back or self.crit.fore,
            success=self.ok.fore,
            accent=self.accent.fore,
            foreground=self.normal.fore,
            background=self.pane,
            surface=self.pane,
            panel=self.head,
            boost=self.rest,
            dark=True,
            variables={
                "border": self.edge_focus,
                "border-blurred": self.edge,
                "foreground-muted": self.dim.fore,
                "text": self.normal.fore,
                "text-muted": self.dim.fore,
                "text-disabled": self.dim.fore,
                "text-error": self.dim.fore if self.crit.back else self.crit.fore,
                "text-warning": self.warn.fore,
                "text-accent": self.accent.fore,
                "text-success": self.ok.fore,
                "text-secondary": self.unknown.fore,
                "block-cursor-background": self.cursor,
                "block-cursor-foreground": self.strong.fore,
                "block-cursor-text-style": "bold",
                "block-cursor-blurred-background": self.rest,
                "block-cursor-blurred-foreground": self.normal.fore,
                "block-hover-background": self.rest,
                "footer-background": self.head,
                "footer-foreground": self.dim.fore,
                "footer-key-foreground": self.accent.fore,
                "footer-description-foreground": self.dim.fore,
                "input-selection-background": self.cursor,
                "scrollbar": self.edge,
                "scrollbar-hover": self.dim.fore,
                "scrollbar-active": self.edge_focus,
                "scrollbar-background": self.pane,
                "scrollbar-background-hover": self.pane,
                "scrollbar-background-active": self.pane,
                "scrollbar-corner-color": self.pane,
            },
        )
