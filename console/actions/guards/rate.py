"""How much one person, and how much one target, has seen within the hour. What was refused or only planned does not count:
looking is free.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from console.actions.audit.operation import Operation, Tier
from console.actions.case import Case
from console.actions.guards.words import moment
from console.actions.verdict import Stand, Verdict

HOUR = timedelta(hours=1)


def check(case: Case) -> Verdict:
    """An undo is never held back by its number: it is noted."""
    limits = case.policy.limits
    mine = _begun(case, lambda each: each.requested_by is not None and each.requested_by.is_same_as(case.actor))
    same = _begun(case, lambda each: each.target == case.target.text)
    for begun, most, what in (
        (mine, limits.per_person_per_hour, f"{case.actor.name} has begun"),
        (same, limits.per_target_per_hour, f"{case.target.name} has seen"),
    ):
        if len(begun) < most:
            continue
        told = f"{what} {len(begun)} operations within the hour, and {most} are allowed"
        if case.undoes:
            return Verdict("rate", Stand.NOTE, f"{told}; an undo is not held back", at_least=Tier.HIGH)
        if most == 0:
            return Verdict("rate", Stand.REFUSE, told)
        again = begun[len(begun) - most] + HOUR
        return Verdict("rate", Stand.REFUSE, f"{told}; again at {moment(again, case.scene.now.utc)}")
    return Verdict(
        "rate",
        Stand.PASS,
        f"{len(mine) + 1} of {limits.per_person_per_hour} this hour by {case.actor.name}, "
        f"{len(same) + 1} of {limits.per_target_per_hour} on it",
    )


def _begun(case: Case, is_meant: Callable[[Operation], bool]) -> list[datetime]:
    """When those began, the oldest first. A clock that was set back must not empty the hour: later than now counts."""
    since = case.scene.now.utc - HOUR
    return sorted(
        each.operation.intent_at
        for each in case.recent
        if each.operation.id != case.own_op
        and each.operation.intent_at is not None
        and each.operation.intent_at > since
        and is_meant(each.operation)
    )
