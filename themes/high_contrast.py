"""`high-contrast`: black and white and full colours, for a bright room, a projector, or tired eyes. At least
7:1.
"""

from __future__ import annotations

from themes.palette import Ink, Palette

PALETTE = Palette(
    name="high-contrast",
    pane="#000000",
    head="#1a1a1a",
    cursor="#00305c",
    rest="#1f1f1f",
    track="#303030",
    edge="#8a8a8a",
    edge_focus="#ffffff",
    normal=Ink("#ffffff"),
    dim=Ink("#d0d0d0"),
    strong=Ink("#ffffff", bold=True),
    ok=Ink("#7dff9b"),
    warn=Ink("#ffe14d", bold=True),
    crit=Ink("#ff9d9d", bold=True),
    unknown=Ink("#e3b8ff", bold=True),
    accent=Ink("#7fdcff"),
    badge_warn=Ink("#000000", "#ffd900", bold=True),
    badge_crit=Ink("#ffffff", "#b80000", bold=True),
    badge_unknown=Ink("#000000", "#d79bff", bold=True),
    match=Ink("#000000", "#7fdcff", bold=True),
    fill_ok="#ffffff",
    fill_warn="#ffd900",
    fill_crit="#ff4d4d",
    fill_unknown="#d79bff",
)
