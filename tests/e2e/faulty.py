"""midwatch with faults of its own put into it: `python -m tests.e2e.faulty WORDS OF THE COMMAND LINE`.

`T` (the next theme) raises in the key's action, `-` ends the worker that renews the screen.
"""

from __future__ import annotations

import sys
from typing import Any


def main() -> int:
    from console.app import screen
    from console.app.screen import ConsoleScreen
    from console.cli import main as midwatch

    def raising(self: ConsoleScreen) -> None:
        secret = "token-in-a-local-variable"
        raise RuntimeError(f"a fault of ours, with {len(secret)} letters")

    async def broken(*_: Any) -> None:
        raise RuntimeError("what renews the screen is broken")

    def ending(self: ConsoleScreen) -> None:
        screen.wait_until = broken

    ConsoleScreen.action_theme = raising  # type: ignore[method-assign]
    ConsoleScreen.action_last_view = ending  # type: ignore[method-assign]
    return midwatch(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
