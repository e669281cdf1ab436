"""What the journal keeps of a plan."""

from __future__ import annotations

from console.actions.audit import kinds
from console.actions.plan import Plan


def planned(plan: Plan) -> kinds.Planned:
    """The record of a plan."""
    return kinds.Planned(
        op=plan.op,
        by=plan.requester,
        action=plan.action,
        target=plan.target.text,
        plan_hash=plan.hash,
        tier=plan.tier,
        steps=tuple(step.told for step in plan.steps),
        approvals_needed=plan.approvals_needed,
        expires_at=plan.expires_at,
        policy=plan.policy,
        site=plan.site,
        incident=plan.incident,
        undoes=plan.undoes,
    )


def all_reasons(plan: Plan) -> str:
    """Of the first guard, which the record names, and of the others with their names."""
    first, *others = plan.refusals
    return "; ".join((first.reason, *(f"{each.guard}: {each.reason}" for each in others)))
