"""The cluster's own access control: would the server let this credential, or the person it acts for, do each of the writes?"""

from __future__ import annotations

from console.actions.case import Case
from console.actions.guards.trust import RIGHTS, unread
from console.actions.verdict import Stand, Verdict


def check(case: Case) -> Verdict:
    """A right that could not be asked for is none: a plan that fails half-way is worse than no plan."""
    rights = case.survey.rights
    if why := unread(case.survey, RIGHTS):
        return _refused(f"the access review could not be made: {why}")
    if not rights:
        if case.target.cluster:
            return _refused("no access review was made, so nobody knows whether the cluster allows it")
        return Verdict("access", Stand.PASS, "no cluster to ask")
    for right in rights:
        what = f"{right.verb} {right.resource}"
        why = f": {right.reason}" if right.reason else ""
        if right.is_allowed is None:
            return _refused(f"whether {case.actor.effective or case.actor.name} may {what} could not be asked{why}")
        if not right.is_allowed:
            return _refused(f"the cluster does not let {case.actor.effective or case.actor.name} {what}{why}")
    told = f"{rights[0].verb} {rights[0].resource}" if len(rights) == 1 else f"all {len(rights)} writes"
    return Verdict("access", Stand.PASS, f"the cluster allows {told}")


def _refused(reason: str) -> Verdict:
    return Verdict("access", Stand.REFUSE, reason)
