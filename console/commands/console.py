"""`midwatch`: the console itself."""

from __future__ import annotations

from collections.abc import Mapping

from console.commands.flags import Flags, NotBuilt
from console.commands.opening import opened
from console.exit_codes import ExitCode


def run(flags: Flags, environ: Mapping[str, str]) -> ExitCode:
    """Opens the site and shows it. Raises UsageError when there is nothing to open."""
    opened(flags, environ)
    raise NotBuilt("")
