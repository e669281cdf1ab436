"""What the roles of a policy give to a person. Deny wins, whatever else is granted, and what is not granted is not allowed.

Names are compared as they are, character by character; a name with a character outside ASCII has no role at all, not even
what everybody has, because it may look like another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from console.actions.policy.patterns import matches_action, matches_name, matches_target
from console.actions.policy.policy import Policy, Role
from console.actions.target import Target, TargetKind
from console.model.sight import Sight

EVERYBODY = "*"


def roles_of(policy: Policy, person: str, *, only_roles: Iterable[str] | None = None) -> tuple[str, ...]:
    """The roles that this person has, in the order of the file. `only_roles`: of these the ones that are named, because a key
    was narrowed; None: all.
    """
    if not is_plain(person):
        return ()
    wanted = None if only_roles is None else frozenset(only_roles)
    return tuple(
        name
        for name, role in policy.roles.items()
        if (person in role.people or EVERYBODY in role.people) and (wanted is None or name in wanted)
    )


def is_plain(name: str) -> bool:
    """Whether a name is one that can be compared: printable ASCII without blanks, and not the star."""
    return name != EVERYBODY and bool(name) and all("!" <= character <= "~" for character in name)


def may(
    policy: Policy, person: str, action: str, target: Target, *, only_roles: Iterable[str] | None = None
) -> tuple[bool, str]:
    """Whether the person may do this to that, and by which role or denial. `only_roles` narrows what is granted and never
    what is denied: with a key of fewer roles nobody can do more.
    """
    if (refused := _refusal(policy, person, action, target)) is not None:
        return False, refused
    elsewhere = ""
    for name, role in _roles(policy, person, only_roles):
        if not matches_action(role.may, action):
            continue
        if matches_target(role.on, target):
            return True, f"role {name}"
        elsewhere = elsewhere or name
    if elsewhere:
        return False, f"role {elsewhere} allows {action}, but not on {target.text}"
    return False, f"no role of {person} ({_told(policy, person, only_roles)}) allows {action}"


def may_approve(
    policy: Policy, person: str, action: str, target: Target, *, only_roles: Iterable[str] | None = None
) -> tuple[bool, str]:
    """Whether the person may approve that another does this to that. What one is denied, one cannot approve either."""
    if (refused := _refusal(policy, person, action, target)) is not None:
        return False, refused
    for name, role in _roles(policy, person, only_roles):
        if matches_action(role.approve, action) and matches_target(role.on, target):
            return True, f"role {name}"
    return False, f"no role of {person} ({_told(policy, person, only_roles)}) may approve {action} on {target.text}"


def may_override(
    policy: Policy, person: str, target: Target, *, only_roles: Iterable[str] | None = None
) -> tuple[bool, str]:
    """Whether the person may pass an overridable freeze over this target."""
    for name, role in _roles(policy, person, only_roles):
        if role.override_freeze and matches_target(role.on, target):
            return True, f"role {name}"
    return False, f"no role of {person} ({_told(policy, person, only_roles)}) may override a freeze there"


def may_post(
    policy: Policy, person: str, destination: str, *, only_roles: Iterable[str] | None = None
) -> tuple[bool, str]:
    """Whether the person may send a snapshot of what they see to this chat destination. What they see is another question
    (`sight_of`), and no right to post adds to it.
    """
    if not is_plain(person):
        return False, f"{person[:60]!a} is no name that can be compared with those of the policy"
    for name, role in _roles(policy, person, only_roles):
        if matches_name(role.post, destination):
            return True, f"role {name}"
    roles = _told(policy, person, only_roles)
    return False, f"no role of {person} ({roles}) may post to {destination}: `post` of a role says who may"


def sight_of(policy: Policy, person: str, only_roles: Iterable[str] | None, site: str) -> Sight | None:
    """What the person may read of a site: the union over their roles. None when no role of theirs reads this site at all.

    `only_roles`: of the roles that the policy gives them, only these (a key that was narrowed); None is all of them. A role
    that the policy does not give is not had by naming it.
    """
    reads = [role.read for _, role in _roles(policy, person, only_roles) if matches_name(role.read.sites, site)]
    return Sight.of((read.namespaces, read.indices) for read in reads) if reads else None


def sees_addresses(policy: Policy, person: str, only_roles: Iterable[str] | None) -> bool:
    """Whether the person is told from where other people's sessions come."""
    return any(role.read.addresses for _, role in _roles(policy, person, only_roles))


def may_name(sight: Sight, target: Target) -> bool:
    """Whether a session that sees so much may name this target: to plan something there is to be told of it.

    A node carries pods of every namespace, and a plan for it names them: only who reads all namespaces may. Alerts, silences
    and incidents are named by ids that say nothing; whether they are seen is the desk's to say.
    """
    if sight.reads_all_namespaces:
        return True
    if target.kind is TargetKind.KUBE:
        return sight.reads(target.namespace)
    return target.kind is not TargetKind.NODE


def unmatched(policy: Policy, actions: Iterable[str]) -> tuple[str, ...]:
    """Patterns of the policy that match none of these actions, each with where it stands. Not errors: an older policy may
    name what a newer version can do.
    """
    known = tuple(actions)
    found = []
    for where, pattern in _action_patterns(policy):
        if not any(matches_action((pattern,), action) for action in known):
            found.append(f"{where}: `{pattern}` matches no action")
    return tuple(found)


def _action_patterns(policy: Policy) -> Iterator[tuple[str, str]]:
    for name, role in policy.roles.items():
        for key in ("may", "never", "approve"):
            for pattern in getattr(role, key):
                yield f"roles.{name}.{key}", pattern
    for freeze in policy.freezes:
        for pattern in freeze.actions:
            yield f"freeze `{freeze.name}`", pattern
    for pattern in policy.tiers:
        yield "tiers", pattern


def _refusal(policy: Policy, person: str, action: str, target: Target) -> str | None:
    """Why not, whatever else is granted."""
    if not is_plain(person):
        return f"{person[:60]!a} is no name that can be compared with those of the policy"
    if not roles_of(policy, person):
        return f"{person} has no role"
    for name, role in _roles(policy, person):
        if pattern := matches_action(role.never, action):
            return f"role {name} never allows {pattern}"
        if pattern := matches_target(role.never_on, target):
            return f"role {name} allows nothing on {pattern}"
    return None


def _roles(policy: Policy, person: str, only_roles: Iterable[str] | None = None) -> Iterator[tuple[str, Role]]:
    for name in roles_of(policy, person, only_roles=only_roles):
        yield name, policy.roles[name]


def _told(policy: Policy, person: str, only_roles: Iterable[str] | None) -> str:
    return ", ".join(roles_of(policy, person, only_roles=only_roles)) or "none"
