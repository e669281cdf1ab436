"""How much is at stake: the more pods, channels and viewers, the more an action has to prove. Not known is most."""

from __future__ import annotations

from console.actions.audit.operation import Tier
from console.actions.case import Case
from console.actions.guards.words import people, several
from console.actions.verdict import Stand, Verdict, highest


def check(case: Case) -> Verdict:
    blast, limits = case.blast, case.policy.limits
    found: list[tuple[Tier, str]] = []
    if blast.pods is None:
        found.append((Tier.HIGH, "how many pods is not known"))
    else:
        found.append((_tier(blast.pods, limits.medium_pods, limits.high_pods), several(blast.pods, "pod")))
    if blast.channels is None:
        found.append((Tier.HIGH, "which channels is not known"))
    else:
        tier = Tier.HIGH if blast.channels and len(blast.channels) >= limits.high_channels else Tier.LOW
        found.append((tier, several(len(blast.channels), "channel")))
    if blast.viewers is None:
        found.append((Tier.HIGH, "how many viewers is not known"))
    else:
        tier = _tier(blast.viewers, limits.medium_viewers, limits.high_viewers)
        found.append((tier, f"{people(blast.viewers)} viewers"))
    at_least = highest(*(tier for tier, _ in found))
    told = ", ".join(text for tier, text in found if tier is at_least or at_least is Tier.LOW)
    return Verdict("blast", Stand.PASS if at_least is Tier.LOW else Stand.NOTE, told, at_least=at_least)


def _tier(count: int, medium: int, high: int) -> Tier:
    """A limit is reached by its own number; nothing at all reaches none."""
    if count <= 0:
        return Tier.LOW
    return Tier.HIGH if count >= high else Tier.MEDIUM if count >= medium else Tier.LOW
