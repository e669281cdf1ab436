"""Where midwatch keeps things, by the XDG base directory rules.

State is private (0700): audit chains, stored plans and logs name people and targets. Directories are made
when something is written, never because someone asked where they would be.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PRIVATE = 0o700


def _base(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    # The XDG rules say that a relative path in these variables is to be ignored.
    given = environ.get(variable, "")
    if given.startswith("/"):
        return Path(given) / "midwatch"
    return home(environ) / fallback / "midwatch"


def home(environ: Mapping[str, str]) -> Path:
    """$HOME, or what the password file says when a service manager set none."""
    given = environ.get("HOME", "")
    return Path(given) if given.startswith("/") else Path(os.path.expanduser("~"))


def config_file(environ: Mapping[str, str]) -> Path:
    """$MIDWATCH_CONFIG, else $XDG_CONFIG_HOME/midwatch/config.toml. It need not exist."""
    given = environ.get("MIDWATCH_CONFIG")
    return Path(given) if given else _base(environ, "XDG_CONFIG_HOME", ".config") / "config.toml"


def state_dir(environ: Mapping[str, str]) -> Path:
    """$XDG_STATE_HOME/midwatch. It need not exist; see `made`."""
    return _base(environ, "XDG_STATE_HOME", ".local/state")


def audit_dir(environ: Mapping[str, str]) -> Path:
    """Where the audit chains are, one file per process."""
    return state_dir(environ) / "audit"


def log_dir(environ: Mapping[str, str]) -> Path:
    """Where midwatch writes its own log."""
    return state_dir(environ) / "log"


def made(directory: Path) -> Path:
    """The same directory, existing and private. Raises OSError where that cannot be had.

    A directory that was already there and is open to others is closed to them; one that is not ours is
    refused.
    """
    # makedirs gives its mode to the last directory only, and state/midwatch must be as private as
    # state/midwatch/audit.
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=PRIVATE, exist_ok=True)
    status = directory.stat()
    if status.st_uid != os.geteuid():
        raise PermissionError(
            f"{directory} belongs to uid {status.st_uid}, not to uid {os.geteuid()}: refusing to use it"
        )
    if status.st_mode & 0o077:
        directory.chmod(PRIVATE)
    return directory
