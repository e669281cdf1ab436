"""Pictures of the screen: the console's own app, drawn without a terminal.

The SVG that Textual writes names a web font, which a renderer without network replaces by nothing at all: the font is
rewritten to the one this package brings, so that a picture in chat is the same everywhere. Rich also has the
whole cut to its box, and every piece of it to that of its line, which is nearly half of what drawing costs: these boxes are
taken away, but for blocks and frames, which are higher than a line and would leave it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from rich.console import Console
from textual.pilot import Pilot

from console.app.app import MidwatchApp
from console.app.drawing import FONT_FAMILY, apart, png
from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.feeds.desk import Desk
from console.model.scope import Scope
from console.rows import channel, streams

ROUNDS = 4  # sizes, then what is said in them, then what follows from that; once more for nothing
_FONT_FACE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
_FAMILIES = re.compile(r"font-family:\s*[^;}]+")
_WHOLE = re.compile(r'(<g [^>]*) clip-path="url\(#[^)"]*-clip-terminal\)"')
_WITHIN_LINE = re.compile(r' clip-path="url\(#[^)"]*-line-\d+\)"([^>]*>[^<\u2500-\u259f]*</text>)')


async def drawn(
    desk: Desk,
    site: str,
    *,
    is_prod: bool,
    who: str,
    view: str,
    scope: Scope,
    theme: str | None,
    size: tuple[int, int],
    format: str,
    fit: Callable[[MidwatchApp], None] | None = None,
    is_apart: bool = False,
) -> bytes:
    """The console as it would look now, in one of the four picture formats. The feeds must have settled before.

    For whoever serves a screen meanwhile: `fit` makes the app, just constructed, independent of this process's terminal, and
    with `is_apart` a child makes the PNG. Raises OSError where that one could not.
    """
    if view == streams.VIEW and scope.get("channel"):
        view = channel.VIEW  # of one channel its page says more than its row
    screen = ConsoleScreen(desk, site, is_prod=is_prod, who=who, place=Place(view, scope))
    app = MidwatchApp(screen, theme=theme)
    if fit is not None:
        fit(app)
    async with app.run_test(size=size) as pilot:
        await _drawn(app, pilot)
        screen.renew(desk.clock.now())
        await _drawn(app, pilot)
        if format == "ansi":
            return ansi(app).encode()
        if format == "html":
            return html(app).encode()
        picture = svg(app, f"midwatch {site}")
    if format != "png":
        return picture.encode()
    return await apart(picture) if is_apart else png(picture)


async def _drawn(app: MidwatchApp, pilot: Pilot[None]) -> None:
    """Return once every widget has handled what it was sent, and what that sent, and the screen is laid out.

    Not `pilot.pause`: that waits until this process has nothing to do, which one that serves fifty screens never has.
    """
    for _ in range(ROUNDS):
        await pilot._wait_for_screen()
        app.screen._on_timer_update()


def svg(app: MidwatchApp, title: str) -> str:
    """The present screen of a running app."""
    drawn = app.export_screenshot(title=title)
    plain = _FAMILIES.sub(f"font-family: {FONT_FAMILY}, monospace", _FONT_FACE.sub("", drawn))
    return _WITHIN_LINE.sub(r"\1", _WHOLE.sub(r"\1", plain))


def ansi(app: MidwatchApp) -> str:
    """The present screen with its escape sequences, line by line."""
    return _recorded(app).export_text(styles=True)


def html(app: MidwatchApp) -> str:
    """The present screen as a page of its own."""
    return _recorded(app).export_html(inline_styles=True)


def _recorded(app: MidwatchApp) -> Console:
    width, height = app.size
    console = Console(
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
    )
    console.print(app.screen._compositor.render_update(full=True))
    return console
