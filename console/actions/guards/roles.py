"""The policy's roles: may this person do this to that?"""

from __future__ import annotations

from console.actions.case import Case
from console.actions.policy.roles import may
from console.actions.verdict import Stand, Verdict


def check(case: Case) -> Verdict:
    """By the name of the requester in the policy as it is now, not by roles that were his when he came; and of those only the
    ones that the key he came with leaves him.
    """
    actor = case.actor
    is_allowed, reason = may(case.policy, actor.name, case.action, case.target, only_roles=actor.roles)
    return Verdict("roles", Stand.PASS if is_allowed else Stand.REFUSE, reason)
