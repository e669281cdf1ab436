"""What the row under the cursor is to an action: the targets that it names, the nearest first. Pure.

A name that no target can be written with (a letter that is not ASCII, a slash) is told as such and never folded into one
that could.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.actions.target import BadTarget, Target
from console.model.joined import Workloads
from console.model.kube import Deployment, Pod
from console.rows.actions import OperationRow
from console.rows.incidents import IncidentRow
from views.pane import Selection

MOST_DEPLOYMENTS = 6  # of one service, in as many clusters


def targets_of(selection: Selection, workloads: Workloads | None) -> tuple[tuple[Target, ...], str]:
    """The targets, and when there is none, why."""
    found: dict[str, Target] = {}
    trouble = ""
    for text in _named(selection, workloads):
        try:
            target = Target.parse(text)
        except BadTarget as error:
            trouble = trouble or str(error)
            continue
        found.setdefault(target.text, target)
    if found:
        return tuple(found.values()), ""
    return (), trouble or _why_none(selection, workloads)


def _named(selection: Selection, workloads: Workloads | None) -> Iterator[str]:
    row = selection.row
    if isinstance(row, OperationRow):
        yield row.target
        return
    if selection.pod is not None:
        pod = _pod(selection, workloads)
        if pod is not None:
            yield from _of_pod(pod)
        return
    if isinstance(row, IncidentRow):
        yield from (f"alert:{fingerprint}" for fingerprint in row.alerts)
    if selection.service is not None and workloads is not None:
        found = [each for each in workloads.deployments.values() if selection.service in (each.service, each.name)]
        yield from (_text(each) for each in found[:MOST_DEPLOYMENTS])


def _pod(selection: Selection, workloads: Workloads | None) -> Pod | None:
    """By its key where the row has one; a log line knows only names."""
    if workloads is None:
        return None
    key = getattr(selection.row, "key", None)
    if isinstance(key, str) and key in workloads.pods:
        return workloads.pods[key]
    named = [
        pod
        for pod in workloads.pods.values()
        if pod.name == selection.pod and selection.namespace in (None, pod.namespace)
    ]
    return named[0] if len(named) == 1 else None  # of two clusters' namesakes neither is meant for sure


def _of_pod(pod: Pod) -> Iterator[str]:
    kind, _, owner = (pod.owner or "").partition("/")
    if kind == "ReplicaSet" and "-" in owner:  # DEPLOYMENT-TEMPLATEHASH
        yield f"kube:{pod.cluster}/{pod.namespace}/deployment/{owner.rpartition('-')[0]}"
    yield f"kube:{pod.cluster}/{pod.namespace}/pod/{pod.name}"
    if pod.node:
        yield f"node:{pod.cluster}/{pod.node}"


def _text(deployment: Deployment) -> str:
    return f"kube:{deployment.cluster}/{deployment.namespace}/deployment/{deployment.name}"


def _why_none(selection: Selection, workloads: Workloads | None) -> str:
    if selection.view == "streams" and selection.service is None:
        return "no workload is at fault here: act on a pod (3) or an incident (5)"
    if selection.view not in ("streams", "incidents", "workloads", "logs", "actions"):
        return f"nothing can be done to a row of {selection.view}"
    if workloads is None:
        return "the workloads are not known: nothing can be named"
    if selection.pod is not None:
        return f"pod {selection.pod} is not there any more, or there are several of that name"
    return "the selection names no workload and no alert"
