"""`midwatch snapshot VIEW`: one moment, headless."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from console.commands.flags import Flags, NotBuilt
from console.commands.opening import opened
from console.exit_codes import ExitCode


def run(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    view: str,
    format: str,
    size: tuple[int, int],
    output: Path | None,
    wait: float,
    from_host: str | None,
    exit_status: bool,
    post: str | None,
) -> ExitCode:
    """One moment of `view` to stdout or `output`; `wait` (seconds) is a ceiling. Raises UsageError."""
    opened(flags, environ)
    raise NotBuilt("snapshot")
