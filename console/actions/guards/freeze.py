"""The freeze calendar. Of several freezes the strictest decides."""

from __future__ import annotations

from datetime import datetime

from console.actions.audit.operation import Tier
from console.actions.case import Case
from console.actions.guards.words import listed, moment
from console.actions.policy.freezes import Holding, holding
from console.actions.policy.roles import may_override
from console.actions.verdict import Stand, Verdict


def check(case: Case) -> Verdict:
    """Overridable only when every freeze that holds may be overridden and the person has the right; and then only by asking
    for it. What was overridden stays on the plan, at the highest tier.
    """
    now = case.scene.now.utc
    held = holding(case.policy, now, case.site, case.action, case.target)
    if not held:
        return Verdict("freeze", Stand.PASS, "no freeze")
    told = listed(freeze_told(each, now) for each in held)
    if not all(each.freeze.override for each in held):
        return Verdict("freeze", Stand.REFUSE, told)
    has_right, why = may_override(case.policy, case.actor.name, case.target, only_roles=case.actor.roles)
    if not has_right:
        return Verdict("freeze", Stand.REFUSE, f"{told}; {why}")
    if case.is_override:
        return Verdict("freeze", Stand.NOTE, f"{told}, overridden by {case.actor.name} ({why})", at_least=Tier.HIGH)
    return Verdict("freeze", Stand.REFUSE, f"{told}; {why} may override it", at_least=Tier.HIGH, is_overridable=True)


def freeze_told(held: Holding, now: datetime) -> str:
    """With its end, or why it has none."""
    if held.until is None:
        return f"freeze `{held.freeze.name}` cannot be reckoned ({held.doubt}), so it counts as frozen"
    return f"freeze `{held.freeze.name}` until {moment(held.until, now)}"
