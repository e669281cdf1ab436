"""Between two steps: has the one before come to rest, and does anything speak against the next? Pure, on the feeds' words."""

from __future__ import annotations

from console.actions.scene import Scene
from console.actions.verifying import Sight, as_ready
from console.model.severity import State

PENDING_S = 60.0
CANARY_S = 180.0


def stuck(scene: Scene, before: Scene) -> str:
    """Why the next step must not come: a replacement finds no place. Empty: nothing against it.

    Pods that were there before the operation began are not its doing.
    """
    if scene.workloads is None or scene.workloads.value is None:
        return ""
    if scene.workloads.state is State.ERROR:
        return f"workloads cannot be seen: {scene.workloads.error.short if scene.workloads.error else 'no answer'}"
    earlier = set()
    if before.workloads is not None and before.workloads.value is not None:
        earlier = {pod.uid for pod in before.workloads.value.pods.values()}
    for pod in scene.workloads.value.pods.values():
        if pod.phase != "Pending" or pod.uid in earlier or pod.created_at is None:
            continue
        age_s = (scene.now.utc - pod.created_at).total_seconds()
        if age_s > PENDING_S:
            return f"{pod.namespace}/{pod.name} has been pending for {age_s:.0f} s: replacements find no place"
    return ""


def whole(scene: Scene, before: Scene, cluster: str, service: str) -> Sight:
    """Whether a service has as many ready pods as before the operation; asked after the canary."""
    if scene.workloads is None or scene.workloads.value is None or scene.workloads.state is State.ERROR:
        return Sight(None, "workloads cannot be seen")
    return as_ready(before, scene.workloads.value, cluster, (service,))
