"""The bearer tokens of one run of the demo, and the users they stand for.

Drawn anew at every start: a token that is known in advance is no secret, and a test that must find one reads the
file beside the configuration, as the console itself does.
"""

from __future__ import annotations

import secrets

import msgspec

from console.demo.kubernetes.access import User

READER = User("system:serviceaccount:platform:midwatch-reader", "reader", ("system:serviceaccounts",))
WRITER = User("system:serviceaccount:platform:midwatch-writer", "operator", ("system:serviceaccounts",))
"""Writes, and may act in an engineer's name."""
NARROW = User("system:serviceaccount:platform:midwatch-narrow", "writer", ("system:serviceaccounts",))
"""Writes, and may not impersonate."""


class Tokens(msgspec.Struct, frozen=True):
    reader: str
    writer: str
    narrow: str

    def users(self) -> dict[str, User]:
        return {self.reader: READER, self.writer: WRITER, self.narrow: NARROW}

    def named(self) -> dict[str, str]:
        """name -> token, as the files beside the configuration are called."""
        return {"reader": self.reader, "writer": self.writer, "narrow": self.narrow}


def drawn() -> Tokens:
    return Tokens(*(f"demo-{secrets.token_urlsafe(24)}" for _ in range(3)))
