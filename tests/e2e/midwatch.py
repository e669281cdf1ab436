"""The command itself, as a user starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.platform import NICE, ROOT

MIDWATCH = (sys.executable, "-m", "console")


class Ran:
    """A command that has ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def panes(self) -> dict[str, Any]:
        return {pane["name"]: pane for pane in self.document["panes"]}

    @property
    def states(self) -> dict[str, str]:
        """Of every pane, with its note or error."""
        return {name: f"{pane['state']} {pane['note']} {pane['error']}" for name, pane in self.panes.items()}


class Running:
    """A command that runs beside the test; `ended` waits for it."""

    def __init__(self, config: Path, *arguments: str, **environ: str) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("MIDWATCH_")}
        self._child = subprocess.Popen(
            [*NICE, *MIDWATCH, "--config", str(config), *arguments],
            cwd=ROOT, env={**own, **environ}, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ended(self, within_s: float = 60.0) -> Ran:
        try:
            out, err = self._child.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            self._child.kill()
            out, err = self._child.communicate()
            raise AssertionError(f"it did not end within {within_s:g} s; it said {out[-2000:]} {err[-2000:]}") from None
        return Ran(self._child.returncode, out, err)


def midwatch(config: Path, *arguments: str, **environ: str) -> Ran:
    """Runs to its end."""
    return Running(config, *arguments, **environ).ended()
