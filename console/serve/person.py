"""Who has logged in, and by what that was proven."""

from __future__ import annotations

import msgspec


class Person(msgspec.Struct, frozen=True):
    """The name is the one the key or the certificate was found good for, never one that was only said."""

    name: str
    key: str  # its fingerprint: SHA256:...
    roles: tuple[str, ...] | None  # of the roles the policy gives to the name only these; None: all of them
    address: str
    certificate: str = ""  # of whom, its serial, and by which authority; empty: a plain key
