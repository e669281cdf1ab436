"""`midwatch doctor`: asks every backend of the site once."""

from __future__ import annotations

from collections.abc import Mapping

from console.commands.flags import Flags, NotBuilt
from console.commands.opening import opened
from console.exit_codes import ExitCode


def run(flags: Flags, environ: Mapping[str, str], *, as_json: bool) -> ExitCode:
    """Raises UsageError when the configuration itself is what ails."""
    opened(flags, environ)
    raise NotBuilt("doctor")
