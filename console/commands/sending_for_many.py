"""Who may post from `serve`: the policy's `post` of a role, asked when a draft is made and again when it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor
from console.actions.policy.policy import Policy, PolicyError
from console.actions.policy.roles import may_post
from console.app.sending import Courier, NotSent
from console.assembly import Engine
from console.commands.sending import Counter
from console.feeds.desk import Desk

NO_POLICY = "nobody may post from here: the configuration names no policy_file, and a role's `post` says who may"


def couriers(
    counter: Counter, engine: Engine, policy: Callable[[], Awaitable[Policy]] | None, journal: Journal
) -> Callable[[Desk, Actor, str], Courier | None]:
    """For each session its own. The desk is the session's, with what its person may not read taken away."""

    def courier(desk: Desk, by: Actor, who: str) -> Courier | None:
        async def may(destination: str) -> str:
            if policy is None:
                raise NotSent(NO_POLICY)
            try:
                is_allowed, right = may_post(await policy(), by.name, destination, only_roles=by.roles)
            except PolicyError as wrong:
                raise NotSent("the policy cannot be read, so nobody may post; whoever keeps it must mend it") from wrong
            if not is_allowed:
                raise NotSent(right)
            return right

        return counter.clerk(
            desk, engine.name, is_prod=engine.is_prod, who=who, by=by, may=may, journal=lambda: journal
        )

    return courier
