"""All that a guard may look at. A guard is a function of this and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.actions.audit.history import Known
from console.actions.audit.operation import Actor, Tier
from console.actions.parameters import Argument
from console.actions.plan import Blast
from console.actions.policy.policy import Policy
from console.actions.scene import Scene
from console.actions.survey import Survey
from console.actions.target import Target


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A question to the guards: may this person do this to that, now?"""

    site: str
    is_prod: bool
    actor: Actor
    action: str  # deployment.restart
    base_tier: Tier  # what the catalogue asks at least
    target: Target
    parameters: Mapping[str, Argument]
    policy: Policy
    survey: Survey
    scene: Scene
    blast: Blast
    recent: tuple[Known, ...] = ()  # operations of the last hours, the running ones among them
    own_op: str = ""  # the operation that this is about, so that it does not stand in its own way
    undoes: str = ""  # an undo within the window of what it undoes needs no new approval
    is_override: bool = False  # its requester asked, with a reason, to pass what may be passed: an overridable freeze
