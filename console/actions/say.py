"""What somebody has to say about an operation, for the screen. Nothing is decided by it: whoever says it is asked again."""

from __future__ import annotations

import msgspec


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """`why`: why they may not decide."""

    is_own: bool = False
    may_decide: bool = False  # say yes or no to it, as the second person
    may_stop: bool = False
    may_leave: bool = False  # leave it as it is, when it was stopped or interrupted
    why: str = ""
