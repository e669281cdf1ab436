"""Who sits at this console, for the head line."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping


def who(environ: Mapping[str, str]) -> str:
    """ "mei@bastion-1"; behind sudo the person, not root."""
    user = environ.get("SUDO_USER") or environ.get("USER")
    if not user:
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = "unknown"
    return f"{user}@{socket.gethostname().partition('.')[0]}"
