"""Who sits before this process, when no SSH server has proven it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from console.actions.audit.operation import Actor


def person_here(environ: Mapping[str, str], uid: int | None = None) -> Actor:
    """The account of `uid` (of this process); under sudo the one who called it.

    SUDO_USER is believed of root only: anybody can set a variable, and only sudo makes root of one who is not.
    """
    own = os.getuid() if uid is None else uid
    account = _name(own)
    if own == 0 and environ.get("SUDO_USER") and environ.get("SUDO_UID", "").isdecimal():
        return Actor(name=environ["SUDO_USER"], id=environ["SUDO_UID"], effective=account)
    return Actor(name=account, id=str(own))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container that was given a bare number
        return f"uid-{uid}"
