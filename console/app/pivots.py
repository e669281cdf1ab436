"""Where the keys lead: from what stands under the cursor to the view and scope that show it from another side. Pure."""

from __future__ import annotations

import msgspec

from console.model.scope import Scope
from views.pane import Selection


class Place(msgspec.Struct, frozen=True):
    """A view and the scope it is seen in: what `esc` returns to."""

    view: str
    scope: Scope


def pivot(selection: Selection, scope: Scope) -> Place | None:
    """To the other side: from a stream to the workload at fault, from a pod, line or incident to the streams it serves.

    None when the selection knows of no other side: a healthy stream has no layer at fault.
    """
    if selection.view == "streams":
        if selection.service is None:
            return None
        return Place("workloads", _of(scope, channel=selection.channel, service=selection.service))
    if selection.view == "incidents":
        if selection.service is not None:
            return Place("workloads", _of(scope, channel=None, service=selection.service))
        return Place("streams", _of(scope, channel=selection.channel, service=None)) if selection.channel else None
    if selection.view == "logs" and (selection.pod or selection.service):
        return Place("workloads", _of(scope, channel=None, service=selection.service, pod=selection.pod))
    if selection.view == "workloads" and selection.service is not None:
        return Place("streams", _of(scope, channel=None, service=selection.service))
    return None


def logs(selection: Selection, scope: Scope) -> Place | None:
    """To the log lines: of the pod, else of the workload at fault, else of the channel."""
    if selection.view == "workloads":
        return Place("logs", _of(scope, channel=None, service=selection.service, pod=selection.pod))
    if selection.service is not None:
        return Place("logs", _of(scope, channel=None, service=selection.service))
    if selection.channel is not None:
        return Place("logs", _of(scope, channel=selection.channel, service=None))
    return None


def _of(scope: Scope, **dimensions: str | None) -> Scope:
    """The scope with these dimensions fixed, or opened where None; a pod asked for before is left behind."""
    narrowed = scope.without("pod")
    for dimension, value in dimensions.items():
        narrowed = narrowed.narrowed(dimension, value) if value else narrowed.without(dimension)
    return narrowed
