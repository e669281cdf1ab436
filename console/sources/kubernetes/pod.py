"""One pod of the wire as the console's `Pod`.

Twenty thousand of them come at a start, and thousands a second in a bad minute. So what pods share is looked up
(`vocabulary`), and the healthy majority takes the short way through kubectl's printer (`podstatus.running`).
"""

from __future__ import annotations

from datetime import UTC, datetime

from console.model.kube import Pod
from console.sources.kubernetes.kinds import Place
from console.sources.kubernetes.podstatus import printed, running
from console.sources.kubernetes.vocabulary import LABELS, NAME_LIMIT, OWNERS, TAGS, TIMES, WORDS, timestamp
from console.sources.kubernetes.wire import ContainerStatus, PodSpec, PodStatus, Terminated, WirePod
from console.sources.sanitise import clean

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_NO_SPEC, _NO_STATUS = PodSpec(), PodStatus()
_join = b"".join  # the shortest way from a Raw, which cannot be looked up, to bytes


def pod_of(wire: WirePod, place: Place) -> tuple[str, Pod, str]:
    """Key, pod as kubectl would print it, version. Raises ValueError without a name, MsgspecError for bad labels."""
    meta, spec, status = wire.metadata, wire.spec or _NO_SPEC, wire.status or _NO_STATUS
    name = clean(meta.name, NAME_LIMIT) if meta.name else ""
    if not name:
        raise ValueError("an object without a name")
    labels = LABELS[_join((meta.labels,))]
    service: str | None = None
    for label in place.service_labels:
        if label in labels and (service := labels[label] or None):
            break
    containers = spec.containers
    last_exit: str | None = None
    quick = running(wire)
    if quick is not None:
        ready, restarts, has_ended_before = quick
        word, total = "Running", len(containers) if containers else 0
        if has_ended_before:
            last_exit = _last_exit(status.container_statuses or [])
    else:
        told, ready, total, restarts = printed(wire)
        word = WORDS[told]
        last_exit = _last_exit([*(status.init_container_statuses or ()), *(status.container_statuses or ())])
    cluster, namespace = place.cluster, WORDS[meta.namespace]
    # By position, because names cost a third more: the order is that of the fields.
    pod = Pod(
        cluster,
        namespace,
        name,
        clean(meta.uid, NAME_LIMIT) if meta.uid else "",
        word,  # status
        WORDS[status.phase],
        ready,
        total,  # containers
        restarts,
        TIMES[meta.creation_timestamp],
        WORDS[spec.node_name] or None,
        service,
        labels.get(place.region_label) or None,
        OWNERS[_join((meta.owner_references,))],
        TAGS[containers[0].image] if containers else None,
        last_exit,
        meta.deletion_timestamp is not None,
        labels,
        TIMES[meta.deletion_timestamp],
    )
    return f"{cluster}/{namespace}/{name}", pod, meta.resource_version or ""


def _last_exit(statuses: list[ContainerStatus]) -> str | None:
    """The latest end of any container that is news: an init container that did its work is not."""
    best: tuple[datetime, Terminated] | None = None
    for status in statuses:
        for state in (status.state, status.last_state):
            ended = state.terminated if state else None
            if ended is None or (not ended.exit_code and ended.reason in (None, "", "Completed")):
                continue
            at = timestamp(ended.finished_at) or _NEVER
            if best is None or at > best[0]:
                best = (at, ended)
    if best is None:
        return None
    at, ended = best
    how = f"signal {ended.signal}" if ended.signal and not ended.exit_code else f"exit {ended.exit_code or 0}"
    when = f", {at:%H:%M:%S}" if at > _NEVER else ""
    return f"{(clean(ended.reason, NAME_LIMIT) if ended.reason else '') or 'Ended'}, {how}{when}"
