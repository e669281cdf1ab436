"""Whom a request is done as, where one account writes for many people.

The user is the name that the SSH key or certificate has proven; the groups are the roles that the policy gives that name at
this moment, each as `midwatch:ROLE`, so that a cluster binds what a role may to a group and nobody has to be listed twice. The
server adds `system:authenticated` by itself, and so does the question that is asked beforehand.

A name or a group of the cluster's own (`system:masters`) is never asked for, whatever a key file or a policy says: who could
name a file would be the cluster's master.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from console.actions.audit.operation import Actor
from console.actions.policy.policy import PolicyError
from console.actions.policy.roles import is_plain

GROUP = "midwatch:"
AUTHENTICATED = "system:authenticated"
_THEIRS = "system:"

Roles = Callable[[Actor], Awaitable[tuple[str, ...]]]
"""The roles that somebody has now. Raises PolicyError while nobody knows."""


class NoImpersonation(Exception):
    """The person cannot be acted for; says why. Nothing was sent."""


class ActsAs(msgspec.Struct, frozen=True):
    """A user, and the groups beside it."""

    user: str
    groups: tuple[str, ...] = ()

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """One line a group: a comma would be part of its name."""
        return (("Impersonate-User", self.user), *(("Impersonate-Group", group) for group in self.groups))


async def acts_as(person: Actor, roles: Roles) -> ActsAs:
    """Raises NoImpersonation."""
    if not is_plain(person.name) or person.name.lower().startswith(_THEIRS):
        raise NoImpersonation(f"{person.name[:60]!a} is no name that a cluster may be asked to act for")
    try:
        found = await roles(person)
    except PolicyError as error:
        raise NoImpersonation(f"which roles {person.name} has cannot be known: {error}") from error
    strange = [role for role in found if not is_plain(role)]
    if strange:
        raise NoImpersonation(f"role {strange[0][:60]!a} is no name that a cluster can know a group by")
    return ActsAs(person.name, tuple(f"{GROUP}{role}" for role in found))
