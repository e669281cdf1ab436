"""All guards over one case, in the order in which the dialog tells them, and the tier that follows."""

from __future__ import annotations

from collections.abc import Iterable

from console.actions.audit.operation import Tier
from console.actions.case import Case
from console.actions.guards import (
    access,
    blast,
    budget,
    busy,
    floor,
    freeze,
    freshness,
    headroom,
    ownership,
    prod,
    rate,
    roles,
    standing,
)
from console.actions.policy.patterns import matches_action
from console.actions.verdict import Verdict, highest

GUARDS = (
    roles, access, freeze, freshness, standing, ownership, busy, rate, prod, blast, budget, floor, headroom,
)  # fmt: skip


def judged(case: Case) -> tuple[Verdict, ...]:
    """What every guard says. One refusal never hides another."""
    return tuple(guard.check(case) for guard in GUARDS)


def tier_of(case: Case, verdicts: Iterable[Verdict]) -> Tier:
    """The highest that the catalogue, the policy or any verdict asks for."""
    asked = [tier for pattern, tier in case.policy.tiers.items() if matches_action((pattern,), case.action)]
    return highest(case.base_tier, *asked, *(verdict.at_least for verdict in verdicts))
