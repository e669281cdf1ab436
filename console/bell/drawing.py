"""A child of its own that draws what is handed to it: a still on stdin, a PNG on stdout. See the room for why it is one.

What comes over the pipe is from its parent, so it is taken as it is.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys

import msgspec

from console.app.drawing import by_child
from console.bell.still import Still, StillDesk

NICE = 5
PICTURE_S = 60.0  # on a busy machine it takes ten times its 1.6 s of CPU
SIZE = (120, 36)
_TAKEN = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT")


class Wish(msgspec.Struct, frozen=True):
    """What is to be drawn."""

    still: Still
    site: str
    is_prod: bool
    who: str
    view: str
    theme: str | None
    size: tuple[int, int] = SIZE


async def drawn(wish: Wish) -> bytes:
    """The picture, by a child that is waited for. Raises OSError that says what went wrong."""
    handed = await asyncio.to_thread(pickle.dumps, wish, pickle.HIGHEST_PROTOCOL)
    environ = {name: os.environ[name] for name in _TAKEN if name in os.environ}  # no secret is anybody's business there
    terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    return await by_child("console.bell.drawing", handed, within_s=PICTURE_S, environ={**environ, **terminal})


def main() -> None:
    """One picture."""
    from console.app.picture import drawn as draw

    os.nice(NICE)
    wish: Wish = pickle.loads(sys.stdin.buffer.read())
    picture = asyncio.run(
        draw(
            StillDesk(wish.still), wish.site, is_prod=wish.is_prod, who=wish.who, view=wish.view, scope=wish.still.scope,
            theme=wish.theme, size=wish.size, format="png",
        )
    )  # fmt: skip
    sys.stdout.buffer.write(picture)


if __name__ == "__main__":
    main()
