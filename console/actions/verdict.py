"""What a guard says, with its reason."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from console.actions.audit.operation import Tier


class Stand(StrEnum):
    """PASS: nothing against it. NOTE: go on, but a person must have read this. REFUSE: not now, not so.

    A guard that cannot know what it would need to know does not pass: it asks for the highest tier or refuses.
    """

    PASS = "pass"
    NOTE = "note"
    REFUSE = "refuse"


class Verdict(msgspec.Struct, frozen=True):
    """One guard's answer. `at_least` raises the tier, whatever the stand; `is_overridable` marks a refusal that only an
    explicit override of a person with the right may pass (a freeze with `override = true`).
    """

    guard: str  # "freeze"
    stand: Stand
    reason: str  # "no freeze", "freeze `cup final` until 22:00 UTC"
    at_least: Tier = Tier.LOW
    is_overridable: bool = False

    @property
    def mark(self) -> str:
        """One cell on the screen."""
        return {Stand.PASS: "✓", Stand.NOTE: "!", Stand.REFUSE: "✗"}[self.stand]


TIERS = (Tier.LOW, Tier.MEDIUM, Tier.HIGH)


def highest(*tiers: Tier) -> Tier:
    """The most demanding of several."""
    return max(tiers, key=TIERS.index, default=Tier.LOW)
