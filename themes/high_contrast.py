"""`high-contrast`: black and white and full colours, for a bright room, a projector, or tired eyes. At least
7:1.
"""

from __future__ import annotations

from themes.palette import Ink, Palette

PALETTE = Palette(
    name="high-contrast",
    pane="#000000",
    head="#1a1a1a",
    cursor="#002a52",
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
    badge_warn=Ink("#ffe14d", "#403600", bold=True),
    badge_crit=Ink("#000000", "#ff6b6b", bold=True),
    badge_unknown=Ink("#e3b8ff", "#3a1657", bold=True),
    match=Ink("#000000", "#7fdcff", bold=True),
    fill_ok="#b8b8b8",
    fill_warn="#ffd900",
    fill_crit="#ff6b6b",
    fill_unknown="#d79bff",
)
