"""What a person may do to a target by the policy alone, told action by action.

The guards ask more than the policy: what the cluster allows, what stands there, what it would cost. A `yes` here is the
policy's, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from console.actions.action import About
from console.actions.audit.operation import Tier
from console.actions.catalogue import kubernetes
from console.actions.catalogue.alerts.acknowledge import AcknowledgeAlert, AcknowledgeIncident
from console.actions.catalogue.alerts.silence import Expire, Silence
from console.actions.catalogue.traffic.balancing import Drain, Ready, Weigh
from console.actions.catalogue.traffic.switching import Shift
from console.actions.guards.freeze import freeze_told
from console.actions.policy.freezes import holding
from console.actions.policy.load import load
from console.actions.policy.patterns import matches_action
from console.actions.policy.policy import Policy, PolicyError
from console.actions.policy.roles import is_plain, may, may_approve, may_override, roles_of, unmatched
from console.actions.target import Target
from console.actions.verdict import highest
from console.commands.flags import UsageError
from console.config import Config


def policy_of(config: Config) -> Policy:
    """The policy that the configuration names. Raises UsageError with all that is wrong with it."""
    if config.policy_file is None:
        raise UsageError("the configuration names no policy_file, so nothing may be written; set policy_file")
    try:
        return load(Path(config.policy_file))
    except PolicyError as wrong:
        count = len(wrong.problems)
        raise UsageError(
            f"the policy has {count} error{'s' * (count != 1)}, and nothing may be written until it is mended\n{wrong}"
        ) from wrong


def catalogue() -> tuple[About, ...]:
    """What can be done at all; nothing is connected for the question."""
    others = (AcknowledgeIncident, AcknowledgeAlert, Silence, Expire, Weigh, Drain, Ready, Shift)
    return (*(action.about for action in kubernetes.actions({}, (), ())), *(action.about for action in others))


def warnings(policy: Policy) -> tuple[str, ...]:
    """What is not wrong, and probably not meant."""
    return unmatched(policy, (about.name for about in catalogue()))


def explained(policy: Policy, site: str, person: str, target: Target, now: datetime) -> tuple[list[str], bool]:
    """The lines, and whether anything at all may be done."""
    known = catalogue()
    abouts = {about.name: about for about in known if about.fits(target)}
    strange = sorted(_written_out(policy) - {about.name for about in known})
    roles = ", ".join(roles_of(policy, person)) or "none"
    shown = person if is_plain(person) else ascii(person[:60])
    lines = [f"{shown} on {target.text} at site {site}, {now:%Y-%m-%d %H:%M} UTC; roles: {roles}"]
    width = max(map(len, (*abouts, *strange)), default=0)
    may_any = False
    for name, about in abouts.items():
        is_allowed, why = _one(policy, site, person, name, target, now)
        may_any = may_any or is_allowed
        asks = f"; tier {highest(about.tier, *_tiers(policy, name))} or more" if is_allowed else ""
        may_too = "; may approve it for others" if may_approve(policy, person, name, target)[0] else ""
        lines.append(f"  {'yes' if is_allowed else 'no':<4}{name:<{width}}  {why}{asks}{may_too}")
    if not abouts:
        lines.append("  no  this version can do nothing to such a target")
    lines += [f"  ?   {name:<{width}}  the policy names it, and this version has no such action" for name in strange]
    lines.append("The policy's word alone: the guards and the cluster are asked when something is planned.")
    return lines, may_any


def _one(policy: Policy, site: str, person: str, action: str, target: Target, now: datetime) -> tuple[bool, str]:
    is_allowed, why = may(policy, person, action, target)
    if not is_allowed:
        return False, why
    held = holding(policy, now, site, action, target)
    if not held:
        return True, why
    told = ", ".join(freeze_told(each, now) for each in held)
    can_override, by = may_override(policy, person, target)
    is_passable = can_override and all(each.freeze.override for each in held)
    return False, f"{why}, but {told}" + (f", which {by} may override when it is planned" if is_passable else "")


def _tiers(policy: Policy, action: str) -> Iterable[Tier]:
    return (tier for pattern, tier in policy.tiers.items() if matches_action((pattern,), action))


def _written_out(policy: Policy) -> set[str]:
    """Actions that the policy names in full: one that this version does not have was probably meant to be another."""
    patterns = (
        pattern for role in policy.roles.values() for key in (role.may, role.never, role.approve) for pattern in key
    )
    return {pattern for pattern in (*patterns, *policy.tiers) if not any(sign in pattern for sign in "*?[")}
