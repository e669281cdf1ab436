"""Why nothing was done, for the person who wanted it."""

from __future__ import annotations


class Denied(Exception):
    """It may not be done, now or so. `guard` names who says so; the text is for the person."""

    def __init__(self, guard: str, why: str) -> None:
        super().__init__(f"{guard}: {why}")
        self.guard = guard
        self.why = why


class Unable(Exception):
    """It cannot be done: no audit, no plan, nobody there. `is_unreachable`: a backend did not answer."""

    def __init__(self, why: str, *, is_unreachable: bool = False) -> None:
        super().__init__(why)
        self.is_unreachable = is_unreachable
