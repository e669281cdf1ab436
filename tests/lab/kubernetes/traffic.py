"""Random writes to the API server, the same ones for the same seed: what controllers, kubelets and people do to objects.

There is no kubelet and no controller in the lab, so statuses are patched here. Every write carries its number (in a label, a
container's image, an event's message), so that two states that look alike are told apart.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

Json = dict[str, Any]
MERGE = {"Content-Type": "application/merge-patch+json"}
SPACES = ("live", "vod")
KINDS = ("pods", "deployments", "nodes", "events")
PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
NAMES = {"pods": 60, "deployments": 15, "nodes": 8, "events": 40}  # a namespace, of each kind; few, so that they meet again
WEIGHTS = {"pods": 10, "deployments": 3, "nodes": 2, "events": 5}
AT = "2026-11-22T02:00:00Z"
PATIENCE_S = 0.1  # before a write is tried again while the server is away

Write = tuple[str, str, str, Json | None]  # verb, path, kind, body


def collection(kind: str, space: str | None = None) -> str:
    prefix = "/apis/apps/v1" if kind == "deployments" else "/api/v1"
    return f"{prefix}/{kind}" if space is None or kind == "nodes" else f"{prefix}/namespaces/{space}/{kind}"


def pod(name: str, step: int, node: str | None, containers: int = 1) -> Json:
    return {
        "metadata": {"name": name, "labels": {"app": "packager", "step": str(step)}},
        "spec": {
            "containers": [{"name": f"c{n}", "image": f"registry.example/packager:{step}"} for n in range(containers)],
            **({"nodeName": node} if node is not None else {}),
        },
    }


def deployment(name: str, step: int) -> Json:
    labels = {"app": name}
    return {
        "metadata": {"name": name, "labels": {**labels, "step": str(step)}},
        "spec": {
            "replicas": step % 4,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": f"registry.example/app:{step}"}]},
            },
        },
    }


def node(name: str, step: int) -> Json:
    return {"metadata": {"name": name, "labels": {"topology.kubernetes.io/region": "lab", "step": str(step)}}}


def event(name: str, step: int, space: str) -> Json:
    return {
        "metadata": {"name": name},
        "involvedObject": {"kind": "Pod", "namespace": space, "name": f"p{step % 60}"},
        "reason": "BackOff",
        "message": f"step {step}",
        "type": "Warning" if step % 2 else "Normal",
        "count": 1,
        "firstTimestamp": AT,
        "lastTimestamp": AT,
        "source": {"component": "lab"},
    }


class Traffic:
    """`writes` as they come; `exists` is what was made and not ended, by kind, namespace and name."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self.step = 0
        self.exists: dict[str, dict[tuple[str, str], Json]] = {kind: {} for kind in KINDS}

    def next(self) -> Write:
        self.step += 1
        rng = self._rng
        kind = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        space = "" if kind == "nodes" else rng.choice(SPACES)
        name = f"{kind[0]}{rng.randrange(NAMES[kind])}"
        path = f"{collection(kind, space)}/{name}"
        known = self.exists[kind].get((space, name))
        if known is None:
            return self._create(kind, space, name)
        choice = rng.random()
        if choice < 0.15:
            return self._delete(kind, space, name, path, known)
        if choice < 0.5 and kind != "events":
            return "PATCH", path, kind, {"metadata": {"labels": {"step": str(self.step)}}}
        match kind:
            case "pods":
                return "PATCH", f"{path}/status", kind, self._pod_status(known["containers"])
            case "deployments":
                if choice < 0.75:
                    return "PATCH", path, kind, {"spec": {"replicas": rng.randrange(5), "paused": rng.random() < 0.2}}
                return "PATCH", f"{path}/status", kind, self._deployment_status()
            case "nodes":
                if choice < 0.7:
                    return "PATCH", path, kind, {"spec": {"unschedulable": rng.random() < 0.5}}
                return "PATCH", f"{path}/status", kind, self._node_status()
        return "PATCH", path, kind, {"message": f"step {self.step}", "count": self.step}

    def _create(self, kind: str, space: str, name: str) -> Write:
        containers = self._rng.choice((1, 1, 2, 3))
        # With a node it is a pod some kubelet has, and a deletion waits for that kubelet; without, it goes at once.
        on = self._rng.choice((None, "n1", "n2"))
        self.exists[kind][(space, name)] = {"containers": containers, "node": on, "is_deleting": False}
        body = {
            "pods": lambda: pod(name, self.step, on, containers),
            "deployments": lambda: deployment(name, self.step),
            "nodes": lambda: node(name, self.step),
            "events": lambda: event(name, self.step, space),
        }[kind]()
        return "POST", collection(kind, space), kind, body

    def _delete(self, kind: str, space: str, name: str, path: str, known: Json) -> Write:
        if kind == "pods" and known["node"] is not None and not known["is_deleting"]:
            known["is_deleting"] = True  # Terminating, for as long as nobody forces it
            return "DELETE", path, kind, None
        del self.exists[kind][(space, name)]
        return "DELETE", path, kind, {"gracePeriodSeconds": 0} if kind == "pods" else None

    def _pod_status(self, containers: int) -> Json:
        rng = self._rng
        statuses = [
            {
                "name": f"c{n}",
                "image": "x",
                "imageID": "x",
                "ready": rng.random() < 0.7,
                "restartCount": rng.randrange(6),
                "state": rng.choice(
                    ({"running": {"startedAt": AT}}, {"waiting": {"reason": rng.choice(("CrashLoopBackOff", "ErrImagePull"))}})
                ),
                "lastState": {
                    "terminated": {"exitCode": 1, "reason": "Error", "startedAt": AT, "finishedAt": AT, "containerID": "x://1"}
                },
            }
            for n in range(containers)
        ]
        return {"status": {"phase": rng.choice(PHASES), "message": f"step {self.step}", "containerStatuses": statuses}}

    def _deployment_status(self) -> Json:
        rng = self._rng
        replicas = rng.randrange(1, 5)
        ready = rng.randrange(replicas + 1)
        return {
            "status": {
                "observedGeneration": self.step,
                "replicas": replicas,
                "updatedReplicas": rng.randrange(replicas + 1),
                "readyReplicas": ready,
                "availableReplicas": rng.randrange(ready + 1),
                "unavailableReplicas": replicas,
            }
        }

    def _node_status(self) -> Json:
        said = self._rng.choice(("True", "False", "Unknown"))
        return {
            "status": {
                "conditions": [{"type": "Ready", "status": said, "reason": "lab", "lastTransitionTime": AT}],
                "nodeInfo": {"kubeletVersion": f"v1.{self.step}"},
            }
        }


async def written(client: httpx.AsyncClient, write: Write) -> str:
    """One write, tried until the server has taken or refused it: "done", or why it was no change after all. While the
    server is away it is tried again, and may then find that it was done the first time.
    """
    verb, path, kind, body = write
    # A server-side JSON merge patch replaces lists whole, which is what a status writer wants.
    headers = MERGE if verb == "PATCH" else None
    async with asyncio.timeout(120):
        while True:
            try:
                answer = await client.request(verb, path, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(PATIENCE_S)
                continue
            if answer.is_success:
                return "done"
            if answer.status_code in (404, 409):
                return f"{answer.status_code} {answer.json().get('reason')}"
            if answer.status_code not in (429, 500, 503, 504):
                raise AssertionError(f"{verb} {path} ({kind}): {answer.status_code} {answer.text}")
            await asyncio.sleep(PATIENCE_S)


async def poured(
    client: httpx.AsyncClient, traffic: Traffic, count: int, meanwhile: Callable[[int], object] | None = None
) -> dict[str, int]:
    """`count` writes one after the other, and what became of them. `meanwhile` is told each number."""
    became: dict[str, int] = {}
    for number in range(count):
        write = traffic.next()
        word = await written(client, write)
        became[word] = became.get(word, 0) + 1
        if meanwhile is not None:
            meanwhile(number)
    return became


async def pages(client: httpx.AsyncClient, path: str, **query: str) -> AsyncIterator[Json]:
    """A list as the server gives it, page after page."""
    token = ""
    while True:
        answer = await client.get(path, params={**query, **({"continue": token} if token else {})})
        page: Json = answer.raise_for_status().json()
        yield page
        token = page["metadata"].get("continue", "")
        if not token:
            return


async def emptied(client: httpx.AsyncClient) -> None:
    """No object of the four kinds is left, and the namespaces are there."""
    for space in SPACES:
        answer = await client.post("/api/v1/namespaces", json={"metadata": {"name": space}})
        assert answer.status_code in (201, 409), answer.text
    for kind in KINDS:
        for space in (None,) if kind == "nodes" else (*SPACES, "default"):
            grace = {"gracePeriodSeconds": 0} if kind == "pods" else {}
            answer = await client.request("DELETE", collection(kind, space), json={**grace, "propagationPolicy": "Background"})
            assert answer.is_success, answer.text
