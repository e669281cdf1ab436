"""`night`, the default: a dark room, quiet greys, one blue; only a fault has a warm colour."""

from __future__ import annotations

from themes.palette import Ink, Palette

PALETTE = Palette(
    name="night",
    pane="#0c1016",
    head="#141a23",
    cursor="#1f2d3f",
    rest="#161e29",
    track="#1b232e",
    edge="#2b3542",
    edge_focus="#5b9bd8",
    normal=Ink("#bcc6d2"),
    dim=Ink("#8b97a6"),
    strong=Ink("#f1f5f9", bold=True),
    ok=Ink("#7fb891"),
    warn=Ink("#f2bd55"),
    crit=Ink("#ff8078", bold=True),
    unknown=Ink("#c4a9ff"),
    accent=Ink("#7db8f0"),
    badge_warn=Ink("#f6c665", "#3b2d0e", bold=True),
    badge_crit=Ink("#1c0504", "#ff5d52", bold=True),
    badge_unknown=Ink("#cdb6ff", "#2a2145", bold=True),
    match=Ink("#14100a", "#f2d27a"),
    fill_ok="#47708f",
    fill_warn="#e0a63a",
    fill_crit="#ff5d52",
    fill_unknown="#8d76c4",
)
