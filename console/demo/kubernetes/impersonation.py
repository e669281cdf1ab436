"""Impersonate-User and Impersonate-Group: a request done in another's name, by who may do that.

Bindings to groups and to users decide what an impersonated engineer may: `video-oncall` and `midwatch:operator` write, and
so do `ada` and `grace` without naming a group; everybody else who has a name reads.
"""

from __future__ import annotations

from typing import Any

from multidict import CIMultiDictProxy

from console.demo.kubernetes import access, status
from console.demo.kubernetes.access import User

_USER, _GROUP, _EXTRA = "Impersonate-User", "Impersonate-Group", "Impersonate-Extra-"
GROUP_ROLES = {"system:masters": "admin", "video-oncall": "writer", "midwatch:operator": "writer",
               "system:authenticated": "reader", "system:unauthenticated": "none"}
USER_ROLES = {"ada": "writer", "grace": "writer", **access.NAMED_ROLES}
_ORDER = ("admin", "operator", "writer", "reader", "view", "none")


def _refused(user: User, resource: str, name: str) -> status.ApiError:
    return status.ApiError(403, status.status(
        403, f'{resource} "{name}" is forbidden: User "{user.name}" cannot impersonate resource "{resource}" in API '
        'group "" at the cluster scope', "Forbidden", {"name": name, "kind": resource}))


def role_of(name: str, groups: tuple[str, ...]) -> str:
    """The strongest role the user or any of the groups is bound to; RBAC only ever adds."""
    roles = {GROUP_ROLES[group] for group in groups if group in GROUP_ROLES} | {USER_ROLES.get(name, "none")}
    return next((role for role in _ORDER if role in roles), "none")


def acting(user: User, headers: CIMultiDictProxy[str]) -> User:
    """Who the request is done as. Raises the 403 of who may not impersonate, the 500 of a group without a user."""
    name, groups = headers.get(_USER), headers.getall(_GROUP, [])
    extra = [key for key in headers if key.lower().startswith(_EXTRA.lower())]
    if name is None:
        if groups or extra:
            what = " ".join(f"{{Group  {one}    }}" for one in groups) or extra[0]
            raise status.ApiError(500, text=f"Internal Server Error: requested [{what}] without impersonating a user\n")
        return user
    for resource, wanted in (("users", [name]), ("groups", groups), ("userextras", extra)):
        for one in wanted:
            if not access.may(user, "impersonate", "", resource):
                raise _refused(user, resource, one)
    known = tuple(groups)
    if name != "system:anonymous":
        known = tuple(dict.fromkeys((*groups, "system:authenticated")))
    return User(name, role_of(name, known), known)


def subject_review(body: object, api_version: str) -> dict[str, Any]:
    """SubjectAccessReview: may that user, in those groups, do this? A denial is an answer, not an error."""
    spec = access.review_spec(body, "SubjectAccessReview")
    name, groups = spec.get("user"), spec.get("groups") or []
    if not name and not groups:
        raise status.invalid("SubjectAccessReview", "", [(
            "FieldValueInvalid", "spec.user",
            'Invalid value: "": at least one of user or group must be specified')], group="authorization.k8s.io")
    if not isinstance(name or "", str) or not isinstance(groups, list) or any(not isinstance(g, str) for g in groups):
        raise status.bad_request("the object provided is not a SubjectAccessReview: user and groups are text")
    # As the real one: nobody is taken for authenticated who is not said to be.
    user = User(name or "", role_of(name or "", tuple(groups)), tuple(groups))
    return access.reviewed(user, spec, "SubjectAccessReview", api_version)


__all__ = ["GROUP_ROLES", "USER_ROLES", "acting", "role_of", "subject_review"]
