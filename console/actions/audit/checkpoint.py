"""One line of a checkpoint file: "record N of this chain has this hash", and what else such a line may turn out to be.

Who signs and judges them is `signing.py`; what they prove about the chains is `verify.py`.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `key` is the beginning of the public key's SHA-256."""

    at: datetime = msgspec.field(name="@timestamp")
    chain: str = msgspec.field(name="midwatch.chain")
    sequence: int = msgspec.field(name="event.sequence")
    hash: str = msgspec.field(name="event.hash")
    key: str = msgspec.field(name="midwatch.checkpoint.key")
    signature: str = msgspec.field(default="", name="midwatch.checkpoint.signature")


class BadLine(msgspec.Struct, frozen=True):
    """A complete line of a checkpoint file that is none, or whose signature does not fit."""

    number: int
    why: str


class ForeignLine(msgspec.Struct, frozen=True):
    """A line signed with another key: of another host, and not ours to judge."""

    number: int
    key: str


class TornLine(msgspec.Struct, frozen=True):
    """The last line without its newline: collected while it was written."""

    number: int
