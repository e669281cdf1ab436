"""From a wish to a plan: look, rehearse, judge, freeze. Sends nothing that changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from console.actions.action import Draft, NoPlan, Order
from console.actions.audit.history import Known
from console.actions.audit.operation import Actor, State, Tier
from console.actions.case import Case
from console.actions.guards.judged import judged, tier_of
from console.actions.guards.reach import blast
from console.actions.parameters import Argument
from console.actions.plan import Plan
from console.actions.policy.policy import Policy
from console.actions.registry import Registry
from console.actions.scene import Scene
from console.actions.target import Target
from console.actions.verdict import Stand, Verdict
from console.model.instant import Instant

UNDO_S = 600.0  # within which an undo needs no second person: it takes back what one has already agreed to


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants done."""

    op: str
    action: str
    target: Target
    parameters: Mapping[str, Argument]
    person: Actor
    at: Instant
    undoes: str = ""
    incident: str = ""
    override: bool = False  # asks to pass what may be overridden; the guards say whether it may


class Planner:
    """For one site. `alone`: no other person can reach this process, so nobody could approve."""

    def __init__(self, registry: Registry, site: str, *, is_prod: bool, alone: bool) -> None:
        self._registry = registry
        self._site = site
        self._is_prod = is_prod
        self._alone = alone

    async def plan(
        self, wish: Wish, policy: Policy, scene: Scene, recent: tuple[Known, ...], *, rehearse: bool = True
    ) -> Plan:
        """Raises NoPlan, UnknownAction. A plan that guards refuse is a plan too: it says why, and cannot be confirmed."""
        action = self._registry.get(wish.action)
        about = action.about
        if not about.fits(wish.target):
            kind = f"{about.kind}:… {about.object_kind}".rstrip()
            raise NoPlan(f"{about.name} is not done to {wish.target.text}: it needs {kind}")
        draft = await action.draft(
            Order(
                op=wish.op,
                target=wish.target,
                parameters=wish.parameters,
                person=wish.person,
                at=wish.at.utc,
                scene=scene,
                rehearse=rehearse,
                limits=policy.limits,
            )
        )
        # The order's time is the plan's, also when it is drafted again at execution; the target was looked at just now.
        survey = msgspec.structs.replace(draft.survey, read_at=scene.now.utc)
        case = Case(
            site=self._site,
            is_prod=self._is_prod,
            actor=wish.person,
            action=about.name,
            base_tier=about.tier,
            target=wish.target,
            parameters=wish.parameters,
            policy=policy,
            survey=survey,
            scene=scene,
            blast=blast(survey, scene),
            recent=recent,
            own_op=wish.op,
            undoes=wish.undoes,
            is_override=wish.override,
        )
        verdicts = (*judged(case), *draft.verdicts, *_rehearsed(draft))
        tier = tier_of(case, verdicts)
        demands = policy.demands(tier)
        approvals = demands.approvals
        if wish.undoes and _is_fresh(wish, recent):
            approvals = 0
        if approvals and self._alone:
            verdicts = (*verdicts, _NOBODY)
        return Plan(
            op=wish.op,
            action=about.name,
            title=about.title,
            target=wish.target,
            parameters=tuple(sorted(wish.parameters.items())),
            site=self._site,
            cluster_identity=draft.cluster_identity,
            requester=wish.person,
            created_at=wish.at.utc,
            expires_at=wish.at.utc + timedelta(seconds=policy.limits.plan_s),
            policy=policy.version,
            what=draft.what,
            changes=draft.changes,
            dry_run=draft.dry_run,
            dry_run_ok=draft.dry_run_ok,
            steps=draft.steps,
            blast=case.blast,
            verdicts=verdicts,
            tier=tier,
            approvals_needed=approvals,
            needs_reason=demands.reason,
            needs_ticket=demands.ticket,
            proof=draft.proof,
            undo=draft.undo,
            undo_text=draft.undo_text,
            undoes=wish.undoes,
            incident=wish.incident,
            is_override=wish.override,
        )


_NOBODY = Verdict(
    "second person",
    Stand.REFUSE,
    "this needs a second person, and nobody else can reach this process: use midwatch serve",
)


def _rehearsed(draft: Draft) -> tuple[Verdict, ...]:
    """A rehearsal that was refused is a refusal; one that could not be had is a reason for more care, never consent."""
    if draft.dry_run_ok is False:
        return (Verdict("dry-run", Stand.REFUSE, f"the server would refuse it: {draft.dry_run}"),)
    if draft.dry_run_ok is None and draft.dry_run:
        return (Verdict("dry-run", Stand.NOTE, f"cannot be rehearsed: {draft.dry_run}", at_least=Tier.HIGH),)
    return ()


def _is_fresh(wish: Wish, recent: tuple[Known, ...]) -> bool:
    for known in recent:
        operation = known.operation
        if operation.id == wish.undoes and operation.intent_at is not None and known.state is not State.REFUSED:
            return (wish.at.utc - operation.intent_at).total_seconds() <= UNDO_S
    return False
