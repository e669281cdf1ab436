"""A child: the console's overview on a platform that is up, every frame counted in three ways at once: as the link sends it, as
Textual's own way would have sent the same updates, and as the least that any way could.

`CONFIG HZ SECONDS textual|off`: `textual` paints all through Textual's compositor, as a Textual app does; `off` is midwatch's
`--link off`, which leaves what it can to its brush.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from textual._compositor import CompositorUpdate
from textual.strip import Strip

from console.app import screen
from console.app.abilities import abilities
from console.app.app import MidwatchApp
from console.app.curtain import Curtain
from console.commands.console import Behind
from console.commands.flags import Flags
from console.commands.opening import opened
from console.link.canvas import HALF
from console.link.look import PLAIN, Look, change, on_blank
from tests.bench.harness import tell

MOVE = 6  # bytes to get to a run
SETTLE_S = 14.0  # imports, first lists, channels watched for long enough
QUICK_S = 3.0


class Counted(MidwatchApp):
    """The console, its bytes counted from `count` on."""

    is_counting = False
    way = "textual"

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.counts: Counter[str] = Counter()
        self._least_pen: Look = PLAIN

    def _display(self, screen: Any, renderable: Any) -> None:
        if self.is_counting and isinstance(renderable, CompositorUpdate) and not self._batch_count:
            self.counts["textual"] += len(renderable.render_segments(self.console).encode()) + MOVE
        super()._display(screen, renderable)

    def canvas(self) -> Any:
        return None if self.way == "textual" else Both(self)

    def depart(self) -> None:
        link = self.link
        may = self.is_counting and link is not None and link.has_news and not self.flight.in_flight
        least = self._least() if may else 0
        frames, sent = self.flight.frames, self.flight.bytes
        super().depart()
        if self.is_counting and self.flight.frames > frames:
            self.counts["frames"] += 1
            self.counts["link"] += self.flight.bytes - sent
            self.counts["least"] += least

    def _least(self) -> int:
        """Of the frame that would leave now: per run of changed cells a move, its text, its changes of colour. A blank needs but
        what is seen of its look.
        """
        canvas: Any = self.link._canvas  # type: ignore[union-attr]
        size, pen = 0, self._least_pen
        for y in canvas.changed:
            is_in_run = False
            for char, code, was, was_code in zip(canvas.texts[y], canvas.looks[y], canvas.sent_texts[y], canvas.sent_looks[y], strict=True):
                look, old = canvas.look(code), canvas.look(was_code)
                is_same = char == was and (look is old or (char == " " and look.blank is old.blank))
                if is_same:
                    is_in_run = False
                    continue
                if char == HALF:
                    continue
                new = on_blank(pen, look) if char == " " else look
                size += (0 if is_in_run else MOVE) + len(canvas.grapheme(char).encode()) + len(change(pen, new))
                pen, is_in_run = new, True
        self._least_pen = pen
        return size


class Both:
    """The brush's lines go the one way, and are counted the other."""

    def __init__(self, app: Counted) -> None:
        self._app = app

    def put(self, x: int, y: int, strip: Strip) -> None:
        if self._app.is_counting:
            self._app.counts["textual"] += len(f"\x1b[{y + 1};{x + 1}H{strip.render(self._app.console)}".encode())
        self._app.put(x, y, strip)

    def finish(self) -> None:
        if self._app.is_counting:
            self._app.counts["textual"] += MOVE
        self._app.finish()


async def measured(config: Path, hz: float, seconds: float, way: str) -> None:
    screen.FRAME_S = 1 / hz
    environ = dict(os.environ)
    flags = Flags(config=config)
    found = opened(flags, environ)
    behind = Behind(found, flags, environ)
    Counted.way = way
    app = Counted(
        Curtain(found.site_name, "", is_prod=False), opening=behind.opened, started=behind.started, able=abilities(environ, "utf-8")
    )

    async def count() -> None:
        await asyncio.sleep(SETTLE_S if seconds > 5 else QUICK_S)
        app.is_counting = True
        await asyncio.sleep(seconds)
        app.is_counting = False
        tell({**app.counts, "seconds": seconds})
        app.exit()

    counting = asyncio.create_task(count())
    try:
        await app.run_async()
        await counting
    finally:
        app.give_back()
        await behind.close()


if __name__ == "__main__":
    asyncio.run(measured(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
