"""`mono`: no hue at all. A fault is told by weight, underline and a reversed block; for colour-blind eyes and
paper.
"""

from __future__ import annotations

from themes.palette import Ink, Palette

PALETTE = Palette(
    name="mono",
    pane="#0e0e0e",
    head="#1a1a1a",
    cursor="#313131",
    rest="#1e1e1e",
    track="#262626",
    edge="#3c3c3c",
    edge_focus="#b4b4b4",
    normal=Ink("#c2c2c2"),
    dim=Ink("#9c9c9c"),
    strong=Ink("#ffffff", bold=True),
    ok=Ink("#c2c2c2"),
    warn=Ink("#ffffff", bold=True, underline=True),
    crit=Ink("#0e0e0e", "#ffffff", bold=True),
    unknown=Ink("#e2e2e2", underline=True),
    accent=Ink("#ffffff"),
    badge_warn=Ink("#ffffff", "#4a4a4a", bold=True, underline=True),
    badge_crit=Ink("#000000", "#ffffff", bold=True),
    badge_unknown=Ink("#e2e2e2", underline=True),
    match=Ink("#0e0e0e", "#c2c2c2"),
    fill_ok="#8c8c8c",
    fill_warn="#c2c2c2",
    fill_crit="#ffffff",
    fill_unknown="#5a5a5a",
)
