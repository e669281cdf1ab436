"""Who asks, and what they may: bearer tokens, roles as rules, and the two self-review endpoints.

Without tokens the server lets everybody read everything. With tokens it behaves like a cluster under RBAC: an
unknown token is 401 everywhere, a request without one is system:anonymous and gets 403, and the reviews say
beforehand what a request would get.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from console.demo.kubernetes import status
from console.demo.kubernetes.resources import READ, Resource


class Rule(msgspec.Struct, frozen=True):
    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]

    def allows(self, verb: str, group: str, resource: str) -> bool:
        return all(
            wanted in have or "*" in have
            for wanted, have in ((verb, self.verbs), (group, self.groups), (resource, self.resources))
        )

    def shown(self) -> dict[str, Any]:
        return {"verbs": self.verbs, "apiGroups": self.groups, "resources": self.resources}


class User(msgspec.Struct, frozen=True):
    name: str
    role: str
    """reader (everything, only reading), view (the ClusterRole of that name: no nodes, no secrets), writer (reads and
    changes workloads, nodes, leases), operator (a writer who may impersonate), admin, none."""
    groups: tuple[str, ...] = ()


_REVIEWS = Rule(
    ("create",), ("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
)
_VIEW = (
    Rule(
        READ,
        ("",),
        (
            "configmaps",
            "endpoints",
            "persistentvolumeclaims",
            "persistentvolumeclaims/status",
            "pods",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "serviceaccounts",
            "services",
            "services/status",
        ),
    ),
    Rule(
        READ,
        ("",),
        (
            "bindings",
            "events",
            "limitranges",
            "namespaces/status",
            "pods/log",
            "pods/status",
            "replicationcontrollers/status",
            "resourcequotas",
            "resourcequotas/status",
        ),
    ),
    Rule(READ, ("",), ("namespaces",)),
    Rule(
        READ,
        ("apps",),
        (
            "controllerrevisions",
            "daemonsets",
            "daemonsets/status",
            "deployments",
            "deployments/scale",
            "deployments/status",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
            "statefulsets",
            "statefulsets/scale",
            "statefulsets/status",
        ),
    ),
    Rule(READ, ("autoscaling",), ("horizontalpodautoscalers", "horizontalpodautoscalers/status")),
    Rule(READ, ("batch",), ("cronjobs", "cronjobs/status", "jobs", "jobs/status")),
    Rule(READ, ("policy",), ("poddisruptionbudgets", "poddisruptionbudgets/status")),
)
_CHANGES = (
    Rule(
        ("create", "update", "patch", "delete"),
        ("", "apps", "autoscaling", "policy", "coordination.k8s.io", "events.k8s.io"),
        (
            "configmaps",
            "daemonsets",
            "deployments",
            "deployments/scale",
            "events",
            "horizontalpodautoscalers",
            "leases",
            "nodes",
            "poddisruptionbudgets",
            "pods",
            "pods/eviction",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ),
    ),
    Rule(("create",), ("authorization.k8s.io",), ("subjectaccessreviews",)),
)
_IMPERSONATES = Rule(("impersonate",), ("",), ("users", "groups", "userextras", "serviceaccounts"))
RULES: dict[str, tuple[Rule, ...]] = {
    "reader": (_REVIEWS, Rule(READ, ("*",), ("*",))),
    "writer": (_REVIEWS, Rule(READ, ("*",), ("*",)), *_CHANGES),
    "operator": (_REVIEWS, Rule(READ, ("*",), ("*",)), *_CHANGES, _IMPERSONATES),
    "view": (_REVIEWS, *_VIEW),
    "admin": (Rule(("*",), ("*",), ("*",)), _REVIEWS),
    "none": (),
}
_PUBLIC = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DISCOVERY = (
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
    "/version/",
)
PATHS: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    "reader": ((("get",), _PUBLIC), (("get",), _DISCOVERY)),
    "writer": ((("get",), _PUBLIC), (("get",), _DISCOVERY)),
    "operator": ((("get",), _PUBLIC), (("get",), _DISCOVERY)),
    "view": ((("get",), _PUBLIC), (("get",), _DISCOVERY)),
    "admin": ((("get",), _DISCOVERY), (("get",), _PUBLIC), (("*",), ("*",))),
    "none": ((("get",), _PUBLIC),),
}
_WHY = {
    "reader": 'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group '
    '"system:unauthenticated"',
    "view": 'RBAC: allowed by ClusterRoleBinding "viewers" of ClusterRole "view" to Group "viewers"',
}
OPEN = User("system:anonymous", "reader")
ANONYMOUS = User("system:anonymous", "none")
NAMED_ROLES = {
    "system:serviceaccount:platform:midwatch-reader": "reader",
    "system:serviceaccount:platform:midwatch-writer": "operator",
    "system:serviceaccount:platform:midwatch-narrow": "writer",
}
"""What the service accounts of the demo are bound to, for a review about them."""


def may(user: User, verb: str, group: str, resource: str, subresource: str = "") -> bool:
    asked = f"{resource}/{subresource}" if subresource else resource
    return any(rule.allows(verb, group, asked) for rule in RULES[user.role])


def may_path(user: User, verb: str, path: str) -> bool:
    return any(
        (verb in verbs or "*" in verbs)
        and any(path.startswith(p[:-1]) if p.endswith("*") else path == p for p in paths)
        for verbs, paths in PATHS[user.role]
    )


class Gate:
    """`tokens` None: no authentication at all. `anonymous` False refuses requests without credentials; `open_` lets
    them read, as in a cluster that binds a reading role to system:unauthenticated."""

    def __init__(self, tokens: Mapping[str, User] | None, anonymous: bool = True, open_: bool = False) -> None:
        self.tokens = None if tokens is None else dict(tokens)
        self.anonymous = anonymous
        self.open = open_

    def user(self, authorization: str | None) -> User:
        """Raises the 401."""
        if self.tokens is None:
            return OPEN
        if not authorization:
            if not self.anonymous:
                raise status.unauthorized()
            return OPEN if self.open else ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        user = self.tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise status.unauthorized()
        return user

    def check(
        self, user: User, verb: str, resource: Resource, subresource: str, namespace: str, name: str
    ) -> None:
        """Raises the 403. Nobody is asked whether the object exists before."""
        if not may(user, verb, resource.group, resource.name, subresource):
            raise status.forbidden(user.name, verb, resource, subresource, namespace, name)


def review_spec(body: object, kind: str) -> dict[str, Any]:
    if (
        not isinstance(body, dict)
        or body.get("kind", kind) != kind
        or not isinstance(body.get("spec", {}), dict)
    ):
        raise status.bad_request(f"the object provided is not a {kind} with a spec")
    spec: dict[str, Any] = body.get("spec", {})
    return spec


def access_review(user: User, body: object, api_version: str) -> dict[str, Any]:
    """A denial is an answer, not an error."""
    return reviewed(user, review_spec(body, "SelfSubjectAccessReview"), "SelfSubjectAccessReview", api_version)


def reviewed(user: User, spec: dict[str, Any], kind: str, api_version: str) -> dict[str, Any]:
    asked, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (asked is None) == (path is None) or not isinstance(asked or path, dict):
        raise status.invalid(
            "",
            "",
            [
                (
                    "FieldValueInvalid",
                    "spec.resourceAttributes",
                    'Invalid value: "null": exactly one of nonResourceAttributes or '
                    "resourceAttributes must be specified",
                )
            ],
            group="authorization.k8s.io",
        )
    if asked is not None:
        allowed = may(
            user,
            asked.get("verb", ""),
            asked.get("group", ""),
            asked.get("resource", ""),
            asked.get("subresource", ""),
        )
    else:
        allowed = may_path(user, path.get("verb", ""), path.get("path", ""))  # type: ignore[union-attr]
    found: dict[str, Any] = {"allowed": allowed}
    if allowed and user.role in _WHY:
        found["reason"] = _WHY[user.role]
    return {
        "kind": kind,
        "apiVersion": api_version,
        "metadata": {"creationTimestamp": None},
        "spec": spec,
        "status": found,
    }


def rules_review(user: User, body: object, api_version: str) -> dict[str, Any]:
    spec = review_spec(body, "SelfSubjectRulesReview")
    if not spec.get("namespace"):
        raise status.bad_request("no namespace on request")
    return {
        "kind": "SelfSubjectRulesReview",
        "apiVersion": api_version,
        "metadata": {"creationTimestamp": None},
        "spec": {},
        "status": {
            "resourceRules": [rule.shown() for rule in RULES[user.role]],
            "nonResourceRules": [
                {"verbs": verbs, "nonResourceURLs": paths} for verbs, paths in PATHS[user.role]
            ],
            "incomplete": False,
        },
    }
