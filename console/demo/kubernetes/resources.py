"""Which groups, versions and resources the server knows; discovery, routing and storage all ask this one
table.

A resource may be served under several group versions that share one storage (Events live in core/v1 and in
events.k8s.io/v1). Which versions exist depends on the minor version the server claims to be.
"""

from __future__ import annotations

import msgspec

READ = ("get", "list", "watch")
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Subresource(msgspec.Struct, frozen=True):
    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str | None = None
    """Group and version of the subresource's own kind when they differ from the parent's (Scale,
    Eviction)."""
    version: str | None = None


class Resource(msgspec.Struct, frozen=True):
    group: str
    name: str
    """Plural, as in paths: `pods`."""
    kind: str
    namespaced: bool
    since: tuple[tuple[str, int, int], ...]
    """(version, first minor, first minor without it) of the server's 1.MINOR."""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    storage: str = ""
    """Name of the shelf in the store; resources with the same one are views of the same objects."""

    @property
    def shelf(self) -> str:
        return self.storage or (f"{self.name}.{self.group}" if self.group else self.name)

    @property
    def qualified(self) -> str:
        """As error messages name it: `pods`, `deployments.apps`."""
        return f"{self.name}.{self.group}" if self.group else self.name


_STATUS = ("get", "patch", "update")
_EVER = (("v1", 0, 999),)


def _status(kind: str) -> Subresource:
    return Subresource("status", kind, _STATUS)


def _scaled(kind: str) -> tuple[Subresource, ...]:
    return (Subresource("scale", "Scale", _STATUS, "autoscaling", "v1"), _status(kind))


RESOURCES: tuple[Resource, ...] = (
    Resource("", "configmaps", "ConfigMap", True, _EVER, ("cm",)),
    Resource("", "events", "Event", True, _EVER, ("ev",)),
    Resource("", "namespaces", "Namespace", False, _EVER, ("ns",), (), (_status("Namespace"),)),
    Resource("", "nodes", "Node", False, _EVER, ("no",), (), (_status("Node"),)),
    Resource(
        "",
        "pods",
        "Pod",
        True,
        _EVER,
        ("po",),
        ("all",),
        (
            Subresource("eviction", "Eviction", ("create",), "policy", "v1"),
            Subresource("log", "Pod", ("get",)),
            _status("Pod"),
        ),
    ),
    Resource("", "secrets", "Secret", True, _EVER),
    Resource("", "services", "Service", True, _EVER, ("svc",), ("all",), (_status("Service"),)),
    Resource("apps", "controllerrevisions", "ControllerRevision", True, _EVER),
    Resource("apps", "daemonsets", "DaemonSet", True, _EVER, ("ds",), ("all",), (_status("DaemonSet"),)),
    Resource("apps", "deployments", "Deployment", True, _EVER, ("deploy",), ("all",), _scaled("Deployment")),
    Resource("apps", "replicasets", "ReplicaSet", True, _EVER, ("rs",), ("all",), _scaled("ReplicaSet")),
    Resource("apps", "statefulsets", "StatefulSet", True, _EVER, ("sts",), ("all",), _scaled("StatefulSet")),
    Resource(
        "events.k8s.io",
        "events",
        "Event",
        True,
        (("v1", 19, 999), ("v1beta1", 8, 25)),
        ("ev",),
        storage="events",
    ),
    Resource(
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        False,
        (("v1", 0, 999), ("v1beta1", 0, 22)),
    ),
    Resource(
        "authorization.k8s.io",
        "subjectaccessreviews",
        "SubjectAccessReview",
        False,
        (("v1", 0, 999), ("v1beta1", 0, 22)),
    ),
    Resource(
        "authorization.k8s.io",
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
        False,
        (("v1", 0, 999), ("v1beta1", 0, 22)),
    ),
    Resource(
        "autoscaling",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        True,
        (("v2", 23, 999), ("v1", 0, 999), ("v2beta1", 8, 25), ("v2beta2", 12, 26)),
        ("hpa",),
        ("all",),
        (_status("HorizontalPodAutoscaler"),),
    ),
    Resource(
        "batch",
        "cronjobs",
        "CronJob",
        True,
        (("v1", 21, 999), ("v1beta1", 8, 25)),
        ("cj",),
        ("all",),
        (_status("CronJob"),),
    ),
    Resource("batch", "jobs", "Job", True, _EVER, (), ("all",), (_status("Job"),)),
    Resource("coordination.k8s.io", "leases", "Lease", True, (("v1", 14, 999), ("v1beta1", 12, 22))),
    Resource(
        "policy",
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        True,
        (("v1", 21, 999), ("v1beta1", 5, 25)),
        ("pdb",),
        (),
        (_status("PodDisruptionBudget"),),
    ),
)
# Reviews are answered, never stored.
REVIEWS = frozenset(r.name for r in RESOURCES if r.group == "authorization.k8s.io")

_BY_KIND = {(r.group, r.kind): r for r in RESOURCES}
BY_SHELF = {r.shelf: r for r in reversed(RESOURCES)}


def of_object(api_version: str, kind: str) -> Resource:
    """Raises ValueError for a kind no shelf exists for: an object that no request could ever find."""
    group = api_version.rpartition("/")[0]
    found = _BY_KIND.get((group, kind))
    if found is None or found.name in REVIEWS:
        raise ValueError(f"the store has no shelf for {api_version} {kind}")
    return found


def _preference(version: str) -> tuple[bool, int, str]:
    """Sorts stable versions first, the newest of them before the others."""
    return "beta" in version, -int(version[1]), version


class Catalogue:
    """What a server of one minor version serves. `minor` is the y of 1.y."""

    def __init__(self, minor: int) -> None:
        self.minor = minor
        self.groups: dict[str, dict[str, dict[str, Resource]]] = {}
        """group -> version, preferred first -> plural -> resource."""
        for resource in RESOURCES:
            for version, first, gone in resource.since:
                if first <= minor < gone:
                    versions = self.groups.setdefault(resource.group, {})
                    versions.setdefault(version, {})[resource.name] = resource
        for group, versions in self.groups.items():
            self.groups[group] = dict(sorted(versions.items(), key=lambda one: _preference(one[0])))

    def find(self, group: str, version: str, name: str) -> Resource | None:
        return self.groups.get(group, {}).get(version, {}).get(name)
