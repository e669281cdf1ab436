"""What makes a cluster move: the real kube-controller-manager and kube-scheduler beside the lab's API server, and a kubelet
that is played.

They run only while a test wants them: the tests of the reflectors need a cluster in which nothing moves by itself. Each is a
child of the test, ended by its pid.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx

from tests.lab.kubernetes.cluster import Cluster
from tests.lab.kubernetes.traffic import AT, MERGE

NAMES = ("kube-controller-manager", "kube-scheduler")
# Rollouts, evictions and budgets, and whoever removes what lost its owner. Not the one that finds nodes without a kubelet.
RUN = ",".join(
    f"{name}-controller"
    for name in ("deployment", "replicaset", "statefulset", "daemonset", "disruption", "garbage-collector")
)
BROKEN = "broken"  # a pod of an image with this word in its tag never gets ready
LOOK_S = 0.05

Json = dict[str, Any]


def built(cluster: Cluster) -> bool:
    """Whether both are there."""
    return all((cluster.folder.parent / "bin" / name).exists() for name in NAMES)


@contextmanager
def controllers(cluster: Cluster) -> Iterator[None]:
    """Both run inside, and have gone afterwards."""
    folder = cluster.folder
    config = folder / "controllers.kubeconfig"
    config.write_text(json.dumps(_kubeconfig(cluster)))
    config.chmod(0o600)
    common = [f"--kubeconfig={config}", "--leader-elect=false", "--secure-port=0", "--v=0"]
    own = {NAMES[0]: [f"--controllers={RUN}", "--concurrent-gc-syncs=2"], NAMES[1]: []}
    begun: list[subprocess.Popen[bytes]] = []
    try:
        for name in NAMES:
            with (folder / f"{name}.log").open("wb") as log:
                line = [str(folder.parent / "bin" / name), *common, *own[name]]
                begun.append(subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        yield
        for name, process in zip(NAMES, begun, strict=True):
            assert process.poll() is None, f"{name} ended: {(folder / f'{name}.log').read_text()[-2000:]}"
    finally:
        for process in begun:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)  # they hold nothing that has to be given back
        for process in begun:
            process.wait(10)


def _kubeconfig(cluster: Cluster) -> Json:
    authority = str(cluster.folder / "certs/apiserver.crt")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": {"server": cluster.url, "certificate-authority": authority}}],
        "users": [{"name": "lab", "user": {"tokenFile": str(cluster.folder / "token")}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
    }


class Kubelet:
    """Every node's, for its pods: what has a node runs and is ready, what was told to end has ended."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._told: set[str] = set()  # uids
        self.ended: list[str] = []
        self.holds = False  # what was told to end goes on

    async def run(self) -> None:
        """Until it is cancelled. What another was first to change is looked at again."""
        while True:
            answer = await self._client.get("/api/v1/pods", params={"resourceVersion": "0"})
            for pod in answer.raise_for_status().json()["items"]:
                metadata = pod["metadata"]
                path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
                if not pod["spec"].get("nodeName"):
                    continue
                if "deletionTimestamp" in metadata:
                    if self.holds:
                        continue
                    end = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
                    if (await self._client.request("DELETE", path, json=end)).is_success:
                        self.ended.append(metadata["name"])
                elif metadata["uid"] not in self._told and BROKEN not in pod["spec"]["containers"][0]["image"]:
                    status = {"metadata": {"uid": metadata["uid"]}, "status": _running(pod)}
                    if (await self._client.patch(f"{path}/status", json=status, headers=MERGE)).is_success:
                        self._told.add(metadata["uid"])
            await asyncio.sleep(LOOK_S)


def _running(pod: Json) -> Json:
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": AT}],
        "containerStatuses": [
            {"name": each["name"], "image": each["image"], "imageID": "x", "ready": True, "restartCount": 0,
             "state": {"running": {"startedAt": AT}}}
            for each in pod["spec"]["containers"]
        ],
    }  # fmt: skip


@asynccontextmanager
async def kubelet(client: httpx.AsyncClient) -> AsyncIterator[Kubelet]:
    """It runs inside; a failure of it fails the test."""
    played = Kubelet(client)
    task = asyncio.create_task(played.run())
    try:
        yield played
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
