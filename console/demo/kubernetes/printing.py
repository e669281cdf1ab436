"""What the server's pod printer says of a pod: READY, STATUS and RESTARTS, the words an engineer knows from
kubectl.

The rules follow the server's own printer, in its order, because the order is the meaning: an init container
that is not done hides everything after it, a waiting reason hides the phase, a deletion hides nearly all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.demo.kubernetes.duration import parse, since

_NATIVE_SIDECARS = 29
_INITIALIZED_COUNTS = 29
_RESTART_AGE = 22


class _Restarts:
    def __init__(self) -> None:
        self.count = 0
        self.last: str | None = None

    def add(self, container: Mapping[str, Any]) -> None:
        self.count += container.get("restartCount", 0)
        finished = ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        if finished and (self.last is None or parse(self.last) < parse(finished)):
            self.last = finished

    def cell(self, now: datetime, minor: int) -> int | str:
        if minor < _RESTART_AGE:
            return self.count
        return f"{self.count} ({since(self.last, now)} ago)" if self.count and self.last else str(self.count)


def _exit(terminated: Mapping[str, Any]) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    return (
        f"Signal:{terminated['signal']}"
        if terminated.get("signal")
        else f"ExitCode:{terminated.get('exitCode', 0)}"
    )


def _condition(pod: Mapping[str, Any], type_: str) -> bool:
    return any(c["type"] == type_ and c["status"] == "True" for c in pod["status"].get("conditions", []))


def _init(
    pod: Mapping[str, Any], sidecars: set[str], restarts: _Restarts, sidecar_restarts: _Restarts
) -> tuple[str | None, int]:
    """(the word an unfinished initialisation puts into STATUS, or None; ready sidecars)."""
    ready = 0
    for number, one in enumerate(pod["status"].get("initContainerStatuses") or []):
        restarts.add(one)
        state, sidecar = one.get("state") or {}, one["name"] in sidecars
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        if sidecar:
            sidecar_restarts.add(one)
        if terminated is not None and terminated.get("exitCode", 0) == 0:
            continue
        if sidecar and one.get("started"):
            ready += bool(one.get("ready"))
            continue
        if terminated is not None:
            return f"Init:{_exit(terminated)}", ready
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}", ready
        return f"Init:{number}/{len(pod['spec'].get('initContainers') or [])}", ready
    return None, ready


def pod_state(pod: Mapping[str, Any], now: datetime, minor: int) -> tuple[str, str, int | str]:
    """(READY, STATUS, RESTARTS)."""
    state = pod["status"]
    reason = state.get("reason") or state.get("phase", "")
    if any(
        c["type"] == "PodScheduled" and c.get("reason") == "SchedulingGated"
        for c in state.get("conditions", [])
    ):
        reason = "SchedulingGated"
    sidecars = {
        c["name"]
        for c in pod["spec"].get("initContainers") or []
        if minor >= _NATIVE_SIDECARS and c.get("restartPolicy") == "Always"
    }
    total = len(pod["spec"].get("containers") or []) + len(sidecars)
    restarts, sidecar_restarts = _Restarts(), _Restarts()
    word, ready = _init(pod, sidecars, restarts, sidecar_restarts)
    reason = word or reason
    if word is None or (minor >= _INITIALIZED_COUNTS and _condition(pod, "Initialized")):
        restarts, running = sidecar_restarts, False
        for one in reversed(state.get("containerStatuses") or []):
            restarts.add(one)
            now_is = one.get("state") or {}
            if (now_is.get("waiting") or {}).get("reason"):
                reason = now_is["waiting"]["reason"]
            elif now_is.get("terminated") is not None:
                reason = _exit(now_is["terminated"])
            elif one.get("ready") and now_is.get("running") is not None:
                running = True
                ready += 1
        if reason == "Completed" and running:
            reason = "Running" if _condition(pod, "Ready") else "NotReady"
    if pod["metadata"].get("deletionTimestamp"):
        if state.get("reason") == "NodeLost":
            reason = "Unknown"
        elif minor < _INITIALIZED_COUNTS or state.get("phase") not in ("Succeeded", "Failed"):
            reason = "Terminating"
    return f"{ready}/{total}", reason, restarts.cell(now, minor)


def pod_cells(pod: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    pod = {"spec": {}, "status": {}, **pod}
    ready, word, restarts = pod_state(pod, now, minor)
    gates = pod["spec"].get("readinessGates") or []
    met = sum(_condition(pod, gate["conditionType"]) for gate in gates)
    ips = [one["ip"] for one in pod["status"].get("podIPs") or []]
    return [
        pod["metadata"].get("name", ""),
        ready,
        word,
        restarts,
        since(pod["metadata"].get("creationTimestamp"), now),
        ips[0] if ips else "<none>",
        pod["spec"].get("nodeName") or "<none>",
        pod["status"].get("nominatedNodeName") or "<none>",
        f"{met}/{len(gates)}" if gates else "<none>",
    ]


def selector_text(selector: Mapping[str, Any]) -> str:
    """metav1.FormatLabelSelector for what workloads use."""
    parts = [f"{k}={v}" for k, v in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or []:
        key, operator, values = one["key"], one["operator"], ",".join(sorted(one.get("values") or []))
        parts.append(
            {"Exists": key, "DoesNotExist": f"!{key}"}.get(operator, f"{key} {operator.lower()} ({values})")
        )
    return ",".join(parts) or "<none>"
