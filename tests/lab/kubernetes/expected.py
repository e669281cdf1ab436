"""What the console must show, read from the server's own JSON without any code of the product's.

Only fields whose meaning needs no judgement: what kubectl makes of a status (podstatus) has tests of its own.
"""

from __future__ import annotations

from typing import Any

import httpx

from console.model.kube import Deployment, KubeEvent, Node, Pod
from tests.lab.kubernetes.traffic import collection, pages

Json = dict[str, Any]
Row = tuple[object, ...]


def of_server(kind: str, obj: Json) -> Row:
    meta, spec, status = obj["metadata"], obj.get("spec", {}), obj.get("status", {})
    match kind:
        case "pods":
            return (
                meta["uid"],
                status.get("phase"),
                spec.get("nodeName"),
                sum(each["restartCount"] for each in status.get("containerStatuses", ())),
                "deletionTimestamp" in meta,
                spec["containers"][0]["image"].rpartition(":")[2],
                meta["labels"],
            )
        case "deployments":
            return (
                meta["uid"],
                meta["generation"],
                status.get("observedGeneration", 0),
                spec["replicas"],
                status.get("updatedReplicas", 0),
                status.get("readyReplicas", 0),
                status.get("availableReplicas", 0),
                spec.get("paused", False),
                meta["labels"],
            )
        case "nodes":
            ready = [each["status"] for each in status.get("conditions", ()) if each["type"] == "Ready"]
            return (
                meta["uid"],
                {"True": True, "False": False}.get(ready[0]) if ready else None,
                spec.get("unschedulable", False),
                status.get("nodeInfo", {}).get("kubeletVersion") or None,
            )
    return (obj["reason"], obj["message"], obj["count"], obj["type"], obj["involvedObject"]["name"])


def of_console(value: object) -> Row:
    match value:
        case Pod():
            return (
                value.uid,
                value.phase,
                value.node,
                value.restarts,
                value.is_deleting,
                value.version,
                dict(value.labels),
            )
        case Deployment():
            return (
                value.uid,
                value.generation,
                value.observed_generation,
                value.desired,
                value.updated,
                value.ready,
                value.available,
                value.is_paused,
                dict(value.labels),
            )
        case Node():
            return (value.uid, value.is_ready, value.is_unschedulable, value.kubelet)
        case KubeEvent():
            return (
                value.reason,
                value.message,
                value.count,
                "Warning" if value.is_warning else "Normal",
                value.regarding,
            )
    raise AssertionError(f"not a value of the console: {value!r}")


class Held:
    """What the server holds of one kind: rows by the console's key, the newest version of an object, that of the list."""

    def __init__(self, kind: str, cluster: str, items: list[Json], version: int) -> None:
        self.rows: dict[str, Row] = {}
        for obj in items:
            meta = obj["metadata"]
            key = "/".join((cluster, *((meta["namespace"],) if kind != "nodes" else ()), meta["name"]))
            assert key not in self.rows, f"the server itself lists {key} twice"
            self.rows[key] = of_server(kind, obj)
        self.newest = max((int(obj["metadata"]["resourceVersion"]) for obj in items), default=0)
        self.version = version


async def held(client: httpx.AsyncClient, kind: str, cluster: str) -> Held:
    """All of a kind, straight from etcd (no resourceVersion: the newest there is)."""
    items: list[Json] = []
    version = 0
    async for page in pages(client, collection(kind), limit="500"):
        items += page["items"]
        version = int(page["metadata"]["resourceVersion"])
    return Held(kind, cluster, items, version)
