"""What the roles of a policy give to a person. Deny wins, whatever else is granted, and what is not granted is not allowed.

Names are compared as they are, character by character; a name with a character outside ASCII has no role at all, not even
what everybody has, because it may look like another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from console.actions.policy.patterns import matches_action, matches_target
from console.actions.policy.policy import Policy, Role
from console.actions.target import Target

EVERYBODY = "*"


def roles_of(policy: Policy, person: str) -> tuple[str, ...]:
    """The roles that this person has, in the order of the file."""
    if not is_plain(person):
        return ()
    return tuple(name for name, role in policy.roles.items() if person in role.people or EVERYBODY in role.people)


def is_plain(name: str) -> bool:
    """Whether a name is one that can be compared: printable ASCII without blanks, and not the star."""
    return name != EVERYBODY and bool(name) and all("!" <= character <= "~" for character in name)


def may(policy: Policy, person: str, action: str, target: Target) -> tuple[bool, str]:
    """Whether the person may do this to that, and by which role or denial."""
    if (refused := _refusal(policy, person, action, target)) is not None:
        return False, refused
    elsewhere = ""
    for name, role in _roles(policy, person):
        if not matches_action(role.may, action):
            continue
        if matches_target(role.on, target):
            return True, f"role {name}"
        elsewhere = elsewhere or name
    if elsewhere:
        return False, f"role {elsewhere} allows {action}, but not on {target.text}"
    return False, f"no role of {person} ({_told(policy, person)}) allows {action}"


def may_approve(policy: Policy, person: str, action: str, target: Target) -> tuple[bool, str]:
    """Whether the person may approve that another does this to that. What one is denied, one cannot approve either."""
    if (refused := _refusal(policy, person, action, target)) is not None:
        return False, refused
    for name, role in _roles(policy, person):
        if matches_action(role.approve, action) and matches_target(role.on, target):
            return True, f"role {name}"
    return False, f"no role of {person} ({_told(policy, person)}) may approve {action} on {target.text}"


def may_override(policy: Policy, person: str, target: Target) -> tuple[bool, str]:
    """Whether the person may pass an overridable freeze over this target."""
    for name, role in _roles(policy, person):
        if role.override_freeze and matches_target(role.on, target):
            return True, f"role {name}"
    return False, f"no role of {person} ({_told(policy, person)}) may override a freeze there"


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


def _roles(policy: Policy, person: str) -> Iterator[tuple[str, Role]]:
    for name in roles_of(policy, person):
        yield name, policy.roles[name]


def _told(policy: Policy, person: str) -> str:
    return ", ".join(roles_of(policy, person)) or "none"
