"""The policy as it was read: roles, freezes, tiers, limits. Patterns are globs over action names and over the parts of a
TARGET; `patterns.py` says how they match.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from console.actions.audit.operation import Tier
from console.config.errors import Problem


class Read(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a role may see. `serve` limits its sessions by this; alone on a host the credentials do."""

    sites: tuple[str, ...] = ("*",)
    namespaces: tuple[str, ...] = ("*",)
    indices: tuple[str, ...] = ("*",)
    addresses: bool = False  # from where other people's sessions come


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person may do what any of their roles allows and none of them denies: deny wins."""

    people: tuple[str, ...] = ()  # names; "*" is everybody
    read: Read = Read()
    may: tuple[str, ...] = ()  # actions: "deployment.*"
    never: tuple[str, ...] = ()
    on: tuple[str, ...] = ("*",)  # targets: "kube:apac-*/live/*"
    never_on: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()  # actions of others that it may approve
    override_freeze: bool = False
    post: tuple[str, ...] = ()  # names of [chat.NAME] to which they may send what they see, from `serve`


class Weekly(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every week on these days (mon … sun), from one time of day until another in a time zone. `until` at or before `from`
    is that of the next day; 24:00 is midnight at the end of the day.
    """

    days: tuple[str, ...]
    begin: str = msgspec.field(name="from")  # "17:00"
    until: str  # "23:30"
    timezone: str = "UTC"


class Freeze(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which nothing that matches may be done. Exactly one of (`from` and `until`) and `weekly`."""

    name: str
    begin: datetime | None = msgspec.field(default=None, name="from")
    until: datetime | None = None
    weekly: Weekly | None = None
    actions: tuple[str, ...] = ("*",)
    targets: tuple[str, ...] = ("*",)
    sites: tuple[str, ...] = ("*",)
    override: bool = False  # a person with `override_freeze` may pass it, with a reason


Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Span = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers that the guards reckon with."""

    per_person_per_hour: Count = 20
    per_target_per_hour: Count = 4
    medium_pods: Count = 2
    high_pods: Count = 25
    medium_viewers: Count = 10_000
    high_viewers: Count = 500_000
    high_channels: Count = 10
    floor_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.4  # of a service in a zone, ready pods that must stay
    headroom: Annotated[float, msgspec.Meta(ge=1, le=100)] = 1.2  # capacity needed over the load
    max_age_s: Span = 60.0  # of the data that a decision rests on
    plan_s: Span = 300.0  # from the plan to its confirmation
    approval_s: Span = 900.0  # from the confirmation to the approval
    execution_s: Span = 600.0  # from the approval to the intent
    silence_max_s: Annotated[int, msgspec.Meta(ge=1, le=30 * 86_400)] = 8 * 3600
    silence_max_alerts: Count = 50
    traffic_step: Annotated[int, msgspec.Meta(ge=1, le=100)] = 25  # points of weight that one step may move


class Demands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tier asks of its requester. `approvals`: second persons."""

    approvals: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0
    reason: bool = True
    ticket: bool = False
    ticket_pattern: str = ""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the file."""

    roles: dict[str, Role]
    freezes: tuple[Freeze, ...] = ()
    tiers: dict[str, Tier] = {}  # action pattern -> at least this tier
    limits: Limits = Limits()
    low: Demands = Demands(reason=False)
    medium: Demands = Demands()
    high: Demands = Demands(approvals=1)


class Policy(Written, frozen=True, kw_only=True):
    """All of it. `version` is the hash of the file's bytes: it goes into every plan."""

    version: str

    def demands(self, tier: Tier) -> Demands:
        """What this tier asks for."""
        return {Tier.LOW: self.low, Tier.MEDIUM: self.medium, Tier.HIGH: self.high}[tier]


class PolicyError(Exception):
    """The policy cannot be had: the file, the line, the key and what is wrong. While it stands nothing may be written."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))
