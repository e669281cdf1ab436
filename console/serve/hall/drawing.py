"""A child of its own that makes a PNG of an SVG: stdin to stdout. See moment.py for why it is one."""

from __future__ import annotations

import sys

from console.app.picture import png


def main() -> None:
    """One picture."""
    sys.stdout.buffer.write(png(sys.stdin.buffer.read().decode()))


if __name__ == "__main__":
    main()
