"""`midwatch version`."""

from __future__ import annotations

from collections.abc import Mapping

from console import __version__
from console.commands.flags import Flags
from console.exit_codes import ExitCode


def run(_flags: Flags, _environ: Mapping[str, str]) -> ExitCode:
    """One line, the name and the version."""
    print(f"midwatch {__version__}")
    return ExitCode.OK
