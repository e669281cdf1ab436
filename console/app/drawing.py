"""From letters to pixels: the PNG of an SVG, with the font that this package brings; here, or in a child of its own.

Drawing holds the interpreter for a third of a second, so whoever serves a screen has a child do it (`apart`). The child knows
nothing of the console: it starts in a fraction of the time that one with a face would.

A character that neither our font nor any of this machine's has is drawn as the font's own box: told to be there, and never
left out.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

FONT_FAMILY = "JetBrains Mono"
PICTURE_S = 30.0  # how long it may take before the child is ended


def png(drawn: str) -> bytes:
    """The picture of an SVG. Holds the interpreter: about a third of a second of CPU at 120x36."""
    import resvg_py

    data = resvg_py.svg_to_bytes(
        svg_string=drawn,
        font_files=[str(path) for path in font_files()],
        font_family=FONT_FAMILY,
        monospace_family=FONT_FAMILY,
        skip_system_fonts=False,
        zoom=1,
    )
    return bytes(data)


def font_files() -> list[Path]:
    """The one upright face that this package brings; its weight axis serves regular and bold."""
    import fontpkg_jetbrains_mono

    root = Path(fontpkg_jetbrains_mono.__file__).parent
    return sorted(path for path in root.rglob("*.ttf") if "Italic" not in path.name)


async def apart(drawn: str) -> bytes:
    """The same, drawn by a child. Raises OSError where it could not."""
    return await by_child("console.app.drawing", drawn.encode(), within_s=PICTURE_S)


async def by_child(module: str, handed: bytes, *, within_s: float, environ: Mapping[str, str] | None = None) -> bytes:
    """The picture that a module draws from its stdin, as a process of its own. Raises OSError that says what went wrong."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environ,
    )  # fmt: skip
    try:
        async with asyncio.timeout(within_s):
            picture, said = await child.communicate(handed)
    except TimeoutError:
        raise OSError(f"the picture was not drawn within {within_s:g} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise OSError(f"the picture could not be drawn: {last[:200]}")
    return picture


def main() -> None:
    """One picture: stdin to stdout."""
    sys.stdout.buffer.write(png(sys.stdin.buffer.read().decode()))


if __name__ == "__main__":
    main()
