"""`python -m console.demo 'JSON settings'`: the child's entry. It parses nothing but its settings.

Exit codes: 0 stopped as asked, 2 settings wrong or a port or file not to be had.
"""

from __future__ import annotations

import asyncio
import sys

from console.demo.settings import read


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m console.demo '{\"config_out\": \"FILE\", ...}'", file=sys.stderr)
        return 2
    try:
        settings = read(arguments[0])
    except ValueError as wrong:
        print(f"demo platform: {wrong}", file=sys.stderr)
        return 2
    # Only now: a wrong setting must not cost the import of five servers.
    from console.demo.platform import Platform

    try:
        asyncio.run(Platform(settings).run())
    except OSError as wrong:
        print(f"demo platform: {wrong}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
