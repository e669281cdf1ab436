"""JSON patches with their preconditions inside.

`test` of uid and generation: a status change moves resourceVersion all the time (a crash-looping deployment could never be
undone), the generation moves with the spec alone. Our operation's id goes into an annotation of the same patch, so that
finding it there proves that all of the patch took effect.

A `test` against null holds where the last member of its path is absent, in every API server: that is how absence is tested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from console.actions.catalogue.kubernetes.looking import strings
from console.actions.target import Target
from console.actions.targets.kubernetes.pointer import at, escaped
from console.actions.writes import Expect, KubeWrite

OPERATION = "midwatch/operation"
JSON_PATCH = "application/json-patch+json"


def deployment_path(target: Target) -> str:
    """Of the object on its API server."""
    return f"/apis/apps/v1/namespaces/{quote(target.namespace, safe='')}/deployments/{quote(target.name, safe='')}"


def node_path(name: str) -> str:
    return f"/api/v1/nodes/{quote(name, safe='')}"


def pod_path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}"


def patch(
    cluster: str,
    path: str,
    item: Mapping[str, Any],
    operation: str,
    changes: Iterable[Mapping[str, Any]],
    before: Iterable[Expect] = (),
) -> KubeWrite:
    """`changes` as operations of RFC 6902, after the tests. `before` is what an object without the patch holds, besides
    the operation's annotation, which it lacks.
    """
    uid, generation = at(item, "/metadata/uid"), at(item, "/metadata/generation")
    operations: list[Mapping[str, Any]] = [{"op": "test", "path": "/metadata/uid", "value": uid}]
    if isinstance(generation, int):
        operations.append({"op": "test", "path": "/metadata/generation", "value": generation})
    mark = f"/metadata/annotations/{escaped(OPERATION)}"
    marking: Mapping[str, Any]
    if strings(item, "/metadata/annotations"):
        marking = {"op": "add", "path": mark, "value": operation}
    else:
        # Not every kind's generation moves with its annotations: those that another gave it meanwhile must not be lost.
        operations.append({"op": "test", "path": "/metadata/annotations", "value": None})
        marking = {"op": "add", "path": "/metadata/annotations", "value": {OPERATION: operation}}
    unchanged = (Expect("/metadata/generation", generation),) if isinstance(generation, int) else tuple(before)
    return KubeWrite(
        cluster=cluster,
        method="PATCH",
        path=path,
        content_type=JSON_PATCH,
        body=msgspec.json.encode([*operations, *changes, marking]).decode(),
        read_path=path,
        uid=str(uid),
        before=unchanged,
        after=(Expect(mark, operation),),
    )
