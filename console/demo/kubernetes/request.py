"""A path read the way the API server reads it: prefix, group, version, namespace, resource, name,
subresource."""

from __future__ import annotations

import msgspec

_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}


class ApiPath(msgspec.Struct, frozen=True):
    group: str
    version: str
    namespace: str = ""
    """Empty: cluster-wide, or a cluster-scoped object."""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    more: bool = False
    """True when the path goes on after the subresource (proxy and the like)."""


def parse(path: str) -> ApiPath | None:
    """None when the path is not under /api or /apis, or stops before a version."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 1:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 2:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    # /namespaces/NAME is an object; /namespaces/NAME/pods is a place, except for the namespace's own
    # subresources.
    if (
        rest[:1] == ["namespaces"]
        and len(rest) > 2
        and not (len(rest) == 3 and rest[2] in ("status", "finalize"))
    ):
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource, *more = [*rest, "", "", ""][: max(3, len(rest))]
    return ApiPath(group, version, namespace, resource, name, subresource, bool([m for m in more if m]))


def verb(method: str, path: ApiPath, watch: bool) -> str:
    """The word RBAC knows for it."""
    found = _VERBS.get(method, method.lower())
    if found == "get" and not path.name:
        return "watch" if watch else "list"
    if found == "delete" and not path.name:
        return "deletecollection"
    return found
