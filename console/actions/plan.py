"""A plan: everything that would be done, by whom, to what, at what cost, frozen so that a hash can name it.

What a person confirms, a second one approves and the executor sends is this value and no other. A plan is never edited;
when the world has moved, another is made and the old confirmations are void.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from console.actions.audit.operation import Actor, PlannedStep, Tier, Value
from console.actions.parameters import Argument
from console.actions.target import Target
from console.actions.verdict import Stand, Verdict
from console.actions.writes import Write


class Change(msgspec.Struct, frozen=True):
    """One line of the diff. None: it was not there, or will not be."""

    field: str  # spec.replicas
    old: Value
    new: Value


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold before the step after this one may begin. `kind` names a rule of `settling.py`; times in seconds."""

    kind: str  # "" nothing | pod-gone | load
    limit_s: float = 0.0
    at_least_s: float = 0.0  # of a load: looked at for as long, because it moves slowly, or because it was asked for
    subject: str = ""  # what is waited for: the pod's key; of a load, the server whose sessions must fall
    gauges: tuple[str, ...] = ()  # of a load, those of the site that tell of it
    service: str = ""  # of the pod: after a canary, it must be whole again


class PlanStep(msgspec.Struct, frozen=True, kw_only=True):
    """One write, what the journal keeps of it, and how patient to be. `patience_s`: how long a polite "not now" (429) is
    asked again. A stop falls between two steps. After the canary everything must be as before, or there is no next step.
    """

    told: PlannedStep
    write: Write
    settle: Settle = Settle(kind="")
    patience_s: float = 0.0
    is_canary: bool = False


class Blast(msgspec.Struct, frozen=True, kw_only=True):
    """What it may touch. None is "not known", which is more than zero."""

    pods: int | None = None
    channels: tuple[str, ...] | None = None
    viewers: int | None = None
    text: str = ""  # the line of the dialog


class Inverse(msgspec.Struct, frozen=True, kw_only=True):
    """The action that takes it back, planned when it is wanted, with guards of its own."""

    action: str
    target: str = ""  # empty: the same
    parameters: tuple[tuple[str, str], ...] = ()  # as they would be given with --set
    text: str = ""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What must be seen afterwards, by the feeds, within a window, to call it a success."""

    kind: (
        str  # a rule of `verifying.py`: rollout, undo, scale, pod-gone, cordoned, drained, silenced, traffic, recorded
    )
    window_s: float
    text: str  # "every pod on the new template, streams no worse"
    wants: tuple[tuple[str, Value], ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan. Texts in it are clean and may be shown. `dry_run` is what the server said to a rehearsal, empty where the
    target has none; `dry_run_ok` None means that there is no rehearsal to be had.
    """

    op: str
    action: str
    title: str
    target: Target
    parameters: tuple[tuple[str, Argument], ...]
    site: str
    cluster_identity: str = ""
    requester: Actor
    created_at: datetime
    expires_at: datetime
    policy: str  # version of the policy by which it was judged
    what: str
    changes: tuple[Change, ...]
    dry_run: str = ""
    dry_run_ok: bool | None = None
    steps: tuple[PlanStep, ...]
    blast: Blast
    verdicts: tuple[Verdict, ...]
    tier: Tier
    approvals_needed: int
    needs_reason: bool = True
    needs_ticket: bool = False
    proof: Proof
    undo: Inverse | None = None
    undo_text: str = "none"
    undoes: str = ""
    incident: str = ""
    is_override: bool = False  # its requester asked to pass an overridable freeze

    @property
    def hash(self) -> str:
        """SHA-256 of its canonical JSON: keys sorted, no blanks, every field."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    @property
    def known_as(self) -> str:
        """What it is done to, for whoever calls the same cluster by another name. Two sites of one name are taken for one."""
        if self.cluster_identity:
            return f"{self.cluster_identity}/{self.target.kind}:{'/'.join(self.target.path[1:])}"
        return f"{self.site}/{self.target.text}"

    @property
    def refusals(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.stand is Stand.REFUSE)

    @property
    def to_type(self) -> str:
        """What its requester must type: `y`, the name, or the whole name with the cluster."""
        if self.tier is Tier.LOW:
            return "y"
        return self.target.name if self.tier is Tier.MEDIUM else self.target.full_name
