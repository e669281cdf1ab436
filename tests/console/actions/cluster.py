"""A cluster of nothing but what a test puts there, and consoles that act on it through a proxy.

It is the embedded platform's API server after everything of the demo was deleted from it, so that a rollout takes seconds and
a node can be drained of three pods. Each test has its own workloads; what other tests do to theirs does not matter to it.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from console.acting.arming import armed
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor
from console.actions.service import ActionService
from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock
from console.model.instant import Instant
from tests.console.actions.audit.sample import Memory
from tests.console.actions.proxy import Proxy

ANNA = Actor(name="anna", id="1000")
NAMESPACE = "live"
SPEED = 5.0  # of the consoles' clocks: what they wait for takes a fifth; the API server's own pace is real
REGION = "topology.kubernetes.io/region"
_SPEC = {"containers": [{"name": "c", "image": "images.example.test/any:1"}]}
POLICY = """
[roles.everybody]
people = ["*"]
may = ["*"]
approve = ["*"]

[limits]
per_person_per_hour = 100000
per_target_per_hour = 100000

[low]
reason = false

[high]
approvals = 0
"""


class Refusal(Exception):
    """The API server said no to the test itself."""


class Cluster:
    """`folder` is where the platform wrote what reaches it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = tomllib.loads((folder / "platform.toml").read_text())
        self.url: str = found["sites"]["demo"]["kubernetes"]["demo-1"]["url"]
        self.token = folder / "platform.toml.kubernetes-writer.token"
        self.other_token = folder / "platform.toml.kubernetes-narrow.token"
        self._session: aiohttp.ClientSession | None = None
        self._lists: dict[str, tuple[float, list[dict[str, Any]]]] = {}
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Cluster:
        headers = {"Authorization": f"Bearer {self.token.read_text().strip()}"}
        self._session = aiohttp.ClientSession(self.url, headers=headers)
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """Raises Refusal. None for what is not there."""
        assert self._session is not None
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, path, data=data, headers={"Content-Type": kind}) as answer:
            said = await answer.json()
            if answer.status == 404:
                return None
            if answer.status >= 400:
                raise Refusal(f"{method} {path}: {answer.status} {said}")
            return said

    async def get(self, path: str) -> Any:
        return await self.call("GET", path)

    async def emptied(self) -> None:
        """Nothing is left but nodes, their daemons and what stands outside the namespaces."""
        for item in (await self.get("/apis/apps/v1/deployments"))["items"]:
            await self.call("DELETE", _deployment(item["metadata"]["name"], item["metadata"]["namespace"]))
        await self.until(self._is_empty)

    async def _is_empty(self) -> bool:
        return len((await self.get("/api/v1/pods"))["items"]) < 40

    async def until(self, condition: Callable[[], Any], within_s: float = 30.0) -> None:
        deadline = time.monotonic() + within_s
        while not await condition():
            assert time.monotonic() < deadline, "it did not come about"
            await asyncio.sleep(0.1)

    async def deployment(self, name: str, replicas: int = 1) -> None:
        """Made, and not waited for. Its pods are in emea, so that who drains a node elsewhere does not meet them."""
        labels = {"app": name, REGION: "emea"}
        await self.call(
            "POST",
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {"app": name}},
                    "template": {"metadata": {"labels": labels}, "spec": {**_SPEC, "nodeSelector": {REGION: "emea"}}},
                },
            },
        )

    async def pod(self, name: str, node: str, **labels: str) -> Any:
        """A bare pod on this node, which nobody replaces."""
        return await self.call(
            "POST",
            f"/api/v1/namespaces/{NAMESPACE}/pods",
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
                "spec": {**_SPEC, "nodeSelector": {"kubernetes.io/hostname": node}},
            },
        )

    async def budget(self, name: str, over: str, needed: int) -> None:
        """One over the pods labelled `drain: over`, of which so many must stay available. Made anew, or changed."""
        path = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets"
        spec = {"minAvailable": needed, "selector": {"matchLabels": {"drain": over}}}
        if await self.get(f"{path}/{name}") is not None:
            await self.call("PATCH", f"{path}/{name}", {"spec": spec}, "application/merge-patch+json")
            return
        metadata = {"name": name, "namespace": NAMESPACE}
        kind = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
        await self.call("POST", path, {**kind, "metadata": metadata, "spec": spec})

    async def budget_allows(self, name: str, allowed: int | None = None) -> bool:
        """So many, or any number that its controller reckoned after the last change."""
        found = await self.get(f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/{name}")
        status = found["status"]
        is_seen = status.get("observedGeneration") == found["metadata"]["generation"]
        return bool(is_seen and allowed in (None, status.get("disruptionsAllowed")))

    async def deleted(self, pod: str) -> None:
        """At once, as `kubectl delete --force` does."""
        await self.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}", {"gracePeriodSeconds": 0})

    async def listed(self, path: str) -> list[dict[str, Any]]:
        """One answer for all who ask within a third of a second: dozens of tests wait at once."""
        async with self._asking:
            at, items = self._lists.get(path, (0.0, []))
            if time.monotonic() - at > 0.3:
                items = (await self.get(path))["items"]
                self._lists[path] = (time.monotonic(), items)
            return items

    async def is_available(self, *names: str) -> bool:
        """Every one of these deployments has all its pods."""
        items = await self.listed(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")
        full = {
            item["metadata"]["name"]
            for item in items
            if item["status"].get("availableReplicas", 0) >= item["spec"]["replicas"]
        }
        return full >= set(names)

    async def are_ready(self, drain: str, count: int) -> bool:
        """So many pods labelled so."""
        ready = 0
        for item in await self.listed(f"/api/v1/namespaces/{NAMESPACE}/pods"):
            if item["metadata"].get("labels", {}).get("drain") == drain:
                conditions = item["status"].get("conditions", ())
                ready += any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        return ready == count

    async def deployed(self, name: str) -> Any:
        return await self.get(_deployment(name))

    async def node(self, name: str) -> Any:
        return await self.get(f"/api/v1/nodes/{name}")

    async def pods_of(self, drain: str) -> list[str]:
        """Of those labelled so, that are there and stay."""
        items = (await self.get(f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=drain%3D{drain}"))["items"]
        return sorted(each["metadata"]["name"] for each in items if "deletionTimestamp" not in each["metadata"])

    def received(self, operation: str) -> list[dict[str, Any]]:
        """What the wire log says that the API server was asked to change for this operation, its lock not counted."""
        asked = []
        for line in (self.folder / "wire.log").read_bytes().split(b"\n")[:-1]:
            if operation.encode() not in line:
                continue
            entry = json.loads(line)
            if entry.get("write") and operation in entry.get("agent", "") and not entry.get("dry_run"):
                asked.append(entry)
        return [entry for entry in asked if "/leases" not in entry["path"]]


def _deployment(name: str, namespace: str = NAMESPACE) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


class FastClock(SystemClock):
    """Waiting costs a fifth. The machine's clock is off by `off_s`, and may be set while this runs."""

    def __init__(self, off_s: float = 0.0) -> None:
        self.off_s = off_s
        super().__init__(wall=lambda: time.time() + self.off_s)
        self._began_mono = super().now().mono

    def now(self) -> Instant:
        true = super().now()
        return Instant(utc=true.utc, mono=self._began_mono + (true.mono - self._began_mono) * SPEED)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / SPEED)


class Console:
    """One process' engine and service. `place` holds its configuration, its policy and its state."""

    def __init__(self, place: Path, proxy: Proxy, service: ActionService, clock: FastClock) -> None:
        self.place, self.proxy, self.service, self.clock = place, proxy, service, clock

    @property
    def policy(self) -> Path:
        return self.place / "policy.toml"

    @property
    def audit(self) -> Path:
        return self.place / "state" / "midwatch" / "audit"


def configured(place: Path, url: str, token: Path) -> Path:
    """The configuration of a console in `place`."""
    place.mkdir(parents=True, exist_ok=True)
    policy = place / "policy.toml"
    if not policy.exists():
        policy.write_text(POLICY)
    config = place / "config.toml"
    config.write_text(
        f"""default_site = "yard"
policy_file = "{policy}"

[sites.yard.kubernetes.demo-1]
url = "{url}"
namespaces = ["{NAMESPACE}"]
timeout_s = 3.0
write = {{ bearer_file = "{token}" }}
"""
    )
    return config


def environment(place: Path) -> dict[str, str]:
    """What a process in `place` is started with."""
    return {**os.environ, "XDG_STATE_HOME": str(place / "state"), "MIDWATCH_CONFIG": str(place / "config.toml")}


@asynccontextmanager
async def console(
    place: Path, cluster: Cluster, *, disk: Any = None, person: Actor = ANNA, token: Path | None = None, off_s: float = 0.0
) -> AsyncIterator[Console]:
    """A console of the real assembly that watches its cluster already; its disk alone is chosen."""
    audit = place / "state" / "midwatch" / "audit"
    async with Proxy(cluster.url, lambda: audit.glob("*.jsonl")) as proxy:
        environ = environment(place)
        config = load(configured(place, proxy.url, token or cluster.token), environ)
        clock = FastClock(off_s)
        engine = Engine.open(config, None, clock, environ)
        service = armed(engine, config, environ, person)

        async def journal() -> Journal:
            return await Journal.open(audit, clock, person, disk=disk or Memory())

        service._tools = msgspec.structs.replace(service._tools, journal=journal)
        try:
            async with service._tools.witness as witness:

                async def is_seen() -> bool:
                    reading = witness.look().workloads
                    return reading is not None and reading.value is not None

                await cluster.until(is_seen)
                yield Console(place, proxy, service, clock)
        finally:
            await service.close()
            await engine.close()
