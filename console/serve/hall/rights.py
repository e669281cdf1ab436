"""What a person may see here by the policy as it is now: asked at the beginning of a session, and again while it lasts."""

from __future__ import annotations

from typing import Any

import msgspec

from console.actions.policy.policy import Policy
from console.actions.policy.roles import sees_addresses, sight_of
from console.model.sight import EVERYTHING, Sight


class Rights(msgspec.Struct, frozen=True):
    """Of one session. `addresses`: whether it is told from where the sessions of others come."""

    sight: Sight = EVERYTHING
    addresses: bool = False


WITHOUT_POLICY = Rights()  # nobody has written down who may read what: whoever is let in may


def rights_of(policy: Policy, person: Any, site: str) -> Rights | None:
    """None: this person may not read the site at all."""
    sight = sight_of(policy, person.name, person.roles, site)
    if sight is None:
        return None
    return Rights(sight=sight, addresses=sees_addresses(policy, person.name, person.roles))
