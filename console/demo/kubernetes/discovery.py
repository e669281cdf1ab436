"""What a client reads first: version, groups, resource lists, health."""

from __future__ import annotations

from base64 import b64encode
from hashlib import blake2b
from typing import Any

from console.demo.kubernetes.resources import REVIEWS, VERBS, Catalogue, Resource

_SINGULAR_NAMES = 27
_CHECKS = (
    "ping",
    "log",
    "etcd",
    "poststarthook/start-kube-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/apiservice-registration-controller",
)
_PATCH = {20: "v1.20.2", 31: "v1.31.4"}
_GO = {20: "go1.15.5", 31: "go1.22.9"}


def version(minor: int) -> dict[str, str]:
    return {
        "major": "1",
        "minor": str(minor),
        "gitVersion": _PATCH.get(minor, f"v1.{minor}.0"),
        "gitCommit": "midwatch",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": _GO.get(minor, "go1.22.9"),
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def core_versions(address: str) -> dict[str, Any]:
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def _group(catalogue: Catalogue, name: str) -> dict[str, Any]:
    versions = [{"groupVersion": f"{name}/{v}", "version": v} for v in catalogue.groups[name]]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def group_list(catalogue: Catalogue) -> dict[str, Any]:
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(catalogue, name) for name in catalogue.groups if name],
    }


def group(catalogue: Catalogue, name: str) -> dict[str, Any]:
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(catalogue, name)}


def _storage_hash(resource: Resource) -> str:
    return b64encode(blake2b(resource.shelf.encode(), digest_size=8).digest()).decode()


def _entries(resource: Resource, minor: int) -> list[dict[str, Any]]:
    singular = resource.kind.lower() if minor >= _SINGULAR_NAMES else ""
    own: dict[str, Any] = {
        "name": resource.name,
        "singularName": singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": VERBS if resource.name not in REVIEWS else ("create",),
    }
    if resource.short_names:
        own["shortNames"] = resource.short_names
    if resource.categories:
        own["categories"] = resource.categories
    if resource.name not in REVIEWS:
        own["storageVersionHash"] = _storage_hash(resource)
    found = [own]
    for part in resource.subresources:
        entry: dict[str, Any] = {
            "name": f"{resource.name}/{part.name}",
            "singularName": "",
            "namespaced": resource.namespaced,
        }
        if part.group is not None:
            entry["group"] = part.group
            entry["version"] = "v1beta1" if part.kind == "Eviction" and minor < 22 else part.version
        found.append({**entry, "kind": part.kind, "verbs": part.verbs})
    return found


def resource_list(catalogue: Catalogue, group_name: str, version_name: str) -> dict[str, Any]:
    """The verbs are those of the API, as a real server lists them; deletecollection is refused all the same."""
    found = catalogue.groups[group_name][version_name]
    head: dict[str, Any] = {"kind": "APIResourceList"}
    if group_name:
        head["apiVersion"] = "v1"
    return {
        **head,
        "groupVersion": f"{group_name}/{version_name}" if group_name else version_name,
        "resources": [entry for resource in found.values() for entry in _entries(resource, catalogue.minor)],
    }


def health(path: str, verbose: bool) -> str:
    if not verbose:
        return "ok"
    return (
        "".join(f"[+]{check} ok\n" for check in _CHECKS) + f"{path.strip('/').split('/')[0]} check passed\n"
    )


def paths(catalogue: Catalogue) -> dict[str, Any]:
    """What `GET /` lists."""
    found = ["/api", "/api/v1", "/apis"]
    for name, versions in catalogue.groups.items():
        if name:
            found += [f"/apis/{name}", *(f"/apis/{name}/{v}" for v in versions)]
    return {"paths": sorted([*found, "/healthz", "/livez", "/readyz", "/version"])}
