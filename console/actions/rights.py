"""What a person may do at this moment: by the policy as it is now, narrowed to the roles that their key leaves them.

The one place that asks the policy about an `Actor`, so that no check can forget the key. Nothing here is remembered.
"""

from __future__ import annotations

from console.actions.audit.operation import Actor, Operation
from console.actions.policy.policy import Policy
from console.actions.policy.roles import may, may_approve, may_name, may_override, sight_of
from console.actions.target import BadTarget, Target


def may_do(policy: Policy, person: Actor, action: str, target: Target) -> tuple[bool, str]:
    """Whether the person may do this to that; by which role, or why not. So with all of these."""
    return may(policy, person.name, action, target, only_roles=person.roles)


def may_agree(policy: Policy, person: Actor, action: str, target: Target) -> tuple[bool, str]:
    """Whether they may say yes or no to what another wants to do."""
    return may_approve(policy, person.name, action, target, only_roles=person.roles)


def may_pass(policy: Policy, person: Actor, target: Target) -> tuple[bool, str]:
    """Whether they may pass a freeze that can be passed."""
    return may_override(policy, person.name, target, only_roles=person.roles)


def may_see(policy: Policy, person: Actor, site: str, target: Target) -> bool:
    """Whether they may read what a plan for this target would tell them."""
    sight = sight_of(policy, person.name, person.roles, site)
    return sight is not None and may_name(sight, target)


def may_halt(policy: Policy, person: Actor, operation: Operation) -> tuple[bool, str]:
    """Whether they may stop, or leave as it is, what another began: who may do the same themselves, or may approve it."""
    try:
        target = Target.parse(operation.target)
    except BadTarget as wrong:
        return False, f"nobody can be asked who may: {wrong}"
    for asked in (may_do, may_agree):
        is_allowed, why = asked(policy, person, operation.action, target)
        if is_allowed:
            return True, why
    owner = operation.requested_by.name if operation.requested_by is not None else "another"
    return False, f"{owner} began it, and you may neither do nor approve {operation.action} on {operation.target}"
