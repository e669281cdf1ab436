"""The word, the ready count and the restarts that kubectl prints for a pod.

Ported from the server's own printer (`printPod` in Kubernetes' pkg/printers/internalversion), because people
compare this table with kubectl's at 03:00, and because a pod's phase hides what matters: a crash-looping pod
is in phase Running.
"""

from __future__ import annotations

from typing import NamedTuple

from console.sources.kubernetes.wire import (
    ContainerStatus,
    InitContainer,
    InitStatus,
    PodCondition,
    PodStatus,
    Terminated,
    WirePod,
)

NODE_LOST = "NodeLost"
TERMINAL_PHASES = frozenset(("Succeeded", "Failed"))


class Printed(NamedTuple):
    """kubectl's STATUS, READY (ready/containers) and RESTARTS."""

    status: str
    ready: int
    containers: int
    restarts: int


def running(pod: WirePod) -> tuple[int, int, bool] | None:
    """A short way for the pod of which `printed` would say Running, and in which nothing is ended or waits now:
    how many are ready, the restarts, and whether some container has ended before. That is most pods.

    None for every other, also where only the long way can tell: init containers, a deletion, a scheduling gate.
    """
    status, spec = pod.status, pod.spec
    if (
        status is None
        or status.phase != "Running"
        or status.reason
        or status.init_container_statuses
        or pod.metadata.deletion_timestamp is not None
        or (spec is not None and spec.init_containers)
    ):
        return None
    for condition in status.conditions or ():
        if condition.reason == "SchedulingGated":
            return None
    ready = restarts = 0
    has_ended_before = False
    for container in status.container_statuses or ():
        state, last = container.state, container.last_state
        if state is None or state.running is None or state.waiting is not None or state.terminated is not None:
            return None
        if container.ready:
            ready += 1
        restarts += container.restart_count or 0
        if last is not None and last.terminated is not None:
            has_ended_before = True
    return ready, restarts, has_ended_before


def printed(pod: WirePod) -> Printed:
    """What kubectl would print. Native sidecars (init containers that restart always) count in READY and
    RESTARTS.
    """
    status = pod.status or PodStatus()
    spec_containers = (pod.spec.containers if pod.spec else None) or []
    inits = (pod.spec.init_containers if pod.spec else None) or []
    conditions = status.conditions or []
    sidecars = {container.name for container in inits if _is_sidecar(container)}

    word = status.reason or status.phase or ""
    if any(c.type == "PodScheduled" and c.reason == "SchedulingGated" for c in conditions):
        word = "SchedulingGated"

    init = _inits(status.init_container_statuses or [], sidecars, len(inits))
    restarts, ready = init.restarts, init.ready
    if init.word is not None:
        word = init.word
    if init.word is None or _is_true(conditions, "Initialized"):
        restarts = init.sidecar_restarts
        has_running = False
        for container in reversed(status.container_statuses or []):
            restarts += container.restart_count or 0
            said = _container_word(container)
            if said is not None:
                word = said
            elif container.ready and container.state is not None and container.state.running is not None:
                has_running = True
                ready += 1
        if word == "Completed" and has_running:
            word = "Running" if _is_true(conditions, "Ready") else "NotReady"

    if pod.metadata.deletion_timestamp is not None:
        if status.reason == NODE_LOST:
            word = "Unknown"
        elif status.phase not in TERMINAL_PHASES:
            word = "Terminating"
    return Printed(word or "Unknown", ready, len(spec_containers) + len(sidecars), restarts)


class _Inits(NamedTuple):
    word: str | None  # "Init:0/2" while initialising (or failed at it), None once past it
    ready: int
    restarts: int
    sidecar_restarts: int


def _inits(statuses: list[InitStatus], sidecars: set[str | None], total: int) -> _Inits:
    """The first init container that is neither done nor a started sidecar names the pod."""
    ready = restarts = sidecar_restarts = 0
    for index, container in enumerate(statuses):
        restarts += container.restart_count or 0
        is_sidecar = container.name in sidecars
        if is_sidecar:
            sidecar_restarts += container.restart_count or 0
        ended = container.state.terminated if container.state else None
        if ended is not None and not ended.exit_code:
            continue
        if is_sidecar and container.started:
            ready += bool(container.ready)
            continue
        waiting = container.state.waiting if container.state else None
        if ended is not None:
            word = f"Init:{_end_word(ended)}"
        elif waiting is not None and waiting.reason and waiting.reason != "PodInitializing":
            word = f"Init:{waiting.reason}"
        else:
            word = f"Init:{index}/{total}"
        return _Inits(word, ready, restarts, sidecar_restarts)
    return _Inits(None, ready, restarts, sidecar_restarts)


def _container_word(container: ContainerStatus) -> str | None:
    """Why this container does not run, None when it runs or nothing is known of it."""
    if container.state is None:
        return None
    if container.state.waiting is not None and container.state.waiting.reason:
        return container.state.waiting.reason
    if container.state.terminated is not None:
        return _end_word(container.state.terminated)
    return None


def _end_word(ended: Terminated) -> str:
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code or 0}"


def _is_sidecar(container: InitContainer) -> bool:
    return container.restart_policy == "Always"


def _is_true(conditions: list[PodCondition], kind: str) -> bool:
    return any(condition.type == kind and condition.status == "True" for condition in conditions)
