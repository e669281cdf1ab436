"""Who else decides what the target is: a GitOps tool, an autoscaler, an operator. A change that its owner takes back within
the minute is worse than none, because everybody believes it made.
"""

from __future__ import annotations

from console.actions.audit.operation import Tier
from console.actions.case import Case
from console.actions.guards.removal import verb
from console.actions.guards.trust import OWNER, SCALER, unread
from console.actions.verdict import Stand, Verdict


def check(case: Case) -> Verdict:
    return _scaler(case) or _owner(case)


def _scaler(case: Case) -> Verdict | None:
    """Only a change of the replica count meets the autoscaler."""
    if verb(case) != "scale":
        return None
    if why := unread(case.survey, SCALER):
        return Verdict("ownership", Stand.REFUSE, f"whether an autoscaler keeps the replicas could not be read: {why}")
    scaler = case.survey.scaler
    if scaler is None:
        return None
    wants = f", now {scaler.wants}" if scaler.wants is not None else ""
    return Verdict(
        "ownership",
        Stand.REFUSE,
        f"autoscaler {scaler.name} keeps {scaler.least} to {scaler.most} pods{wants} and would set it back; "
        "change its minReplicas instead (deployment.autoscale)",
    )


def _owner(case: Case) -> Verdict:
    survey = case.survey
    if why := unread(survey, OWNER):
        return Verdict("ownership", Stand.NOTE, f"who owns it could not be read: {why}", at_least=Tier.HIGH)
    owner = survey.owned_by
    if not owner:
        return Verdict("ownership", Stand.PASS, "nobody else owns it")
    if survey.owner_keeps:
        return Verdict("ownership", Stand.NOTE, f"owned by {owner}: it will keep this")
    if verb(case) == "undo" and survey.owner_heals:
        return Verdict(
            "ownership", Stand.REFUSE, f"{owner} would put it back at once: revert the change in its source instead"
        )
    if survey.owner_heals is False:
        return Verdict(
            "ownership", Stand.NOTE, f"owned by {owner}: this holds until its next sync; change its source too"
        )
    if survey.owner_heals is None:
        reason = f"owned by {owner}, and whether it puts this back by itself is not known; change its source too"
        return Verdict("ownership", Stand.NOTE, reason, at_least=Tier.HIGH if verb(case) == "undo" else Tier.MEDIUM)
    return Verdict(
        "ownership", Stand.NOTE, f"owned by {owner}: it will put this back; change its source too", Tier.MEDIUM
    )
