"""One entry of the catalogue: what it is called, what it may be done to, what it must be told, and how it is drafted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from console.actions.audit.operation import Actor, Operation, Tier
from console.actions.parameters import Argument, Parameter
from console.actions.plan import Change, Inverse, PlanStep, Proof
from console.actions.policy.policy import Limits
from console.actions.scene import Scene
from console.actions.survey import Survey
from console.actions.target import Target, TargetKind
from console.actions.verdict import Verdict


class NoPlan(Exception):
    """A plan cannot be made: the target is not there, cannot be asked, or this cannot be done to it. Says what to do."""

    def __init__(self, why: str, *, is_unreachable: bool = False) -> None:
        super().__init__(why)
        self.is_unreachable = is_unreachable


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalogue says of an action before anything is asked."""

    name: str  # deployment.restart
    title: str  # rollout restart
    about: str  # one sentence
    kind: TargetKind
    object_kind: str = ""  # of a kube target: deployment, pod
    parameters: tuple[Parameter, ...] = ()
    tier: Tier = Tier.MEDIUM
    undo: str = "none"  # in a word: for help and the audit

    def fits(self, target: Target) -> bool:
        """Whether it can be done to this kind of thing."""
        return target.kind is self.kind and (not self.object_kind or target.object_kind == self.object_kind)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted. `at` is the moment of the plan: what goes into a write must not change when it is drafted again."""

    op: str
    target: Target
    parameters: Mapping[str, Argument]
    person: Actor
    at: datetime
    scene: Scene
    rehearse: bool = True  # ask for a server-side dry-run
    limits: Limits = Limits()  # the policy's: of these only the step of traffic shapes a plan


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What the action makes of it: still without verdicts. `verdicts` are those that only the action itself can give."""

    what: str
    survey: Survey
    changes: tuple[Change, ...]
    steps: tuple[PlanStep, ...]
    proof: Proof
    cluster_identity: str = ""
    dry_run: str = ""
    dry_run_ok: bool | None = None
    undo: Inverse | None = None
    undo_text: str = "none"
    verdicts: tuple[Verdict, ...] = ()


class Action(Protocol):
    """One thing that can be done."""

    @property
    def about(self) -> About: ...

    async def draft(self, order: Order) -> Draft:
        """Look at the target and say what would be sent. Changes nothing. Raises NoPlan."""
        ...

    def inverse(self, operation: Operation) -> Inverse | None:
        """What takes back what this operation did, from the journal's words alone; None when nothing does."""
        ...
