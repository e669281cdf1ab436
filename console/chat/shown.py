"""What a service will say of a message, before it says it: the very texts that its adapter would send, in their order, and how
large the request is. For whoever decides whether it may be sent.
"""

from __future__ import annotations

import msgspec


class Shown(msgspec.Struct, frozen=True):
    """`size`: bytes of the text's request, without its picture and what signs it. `left_out`: lines that did not fit."""

    text: str
    size: int
    left_out: int = 0
