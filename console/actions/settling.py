"""Between two steps: has the one before come to rest, and does anything speak against the next? Pure, on the feeds' words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from console.actions.audit.operation import Outcome
from console.actions.bearing import Bearer, Bearing
from console.actions.plan import Settle
from console.actions.scene import Scene
from console.actions.verifying import BLIND, Sight, as_ready
from console.model.metric import Gauge
from console.model.severity import Severity, State

Names = Collection[str]

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


# --- load: after a step that moved traffic ---------------------------------------------------------------------------

MORE = 0.01  # of its total: by less a gauge moves anyhow
FEW_ERRORS = 5  # 5xx since the step, below which a share of them says nothing
ERROR_SHARE = 0.01
WORSE_TIMES = 3.0  # than before the step


def strained(settle: Settle, before: Scene, now: Scene, base: Bearing, found: Bearing, channels: Names) -> str:
    """Why the operation must halt after a step that moved traffic; empty: nothing speaks against going on.

    `before`: when the operation began. `base`: before this step. What was bad already and is no worse does not halt: taking
    load off it is what the operation may be for.
    """
    if found.drift:
        return found.drift
    for each in found.bearers:
        why = _worse(each, base.of(each.name))
        if why:
            return f"{each.name} {why}"
    for gauge in _gauges(now, settle.gauges):
        ratio = gauge.ratio
        earlier = next((one.ratio for one in _gauges(before, (gauge.spec.name,))), None)
        if ratio is not None and ratio > gauge.spec.warn and (earlier is None or ratio > earlier + MORE):
            return f"{gauge.spec.name} is at {ratio:.0%}, above its warning at {gauge.spec.warn:.0%}"
    return _worse_channels(before, now, channels)


def _worse(bearer: Bearer, base: Bearer | None) -> str:
    if base is None:
        return ""
    if base.is_up and not bearer.is_up:
        return "is down"
    if bearer.ratio is not None and bearer.ratio >= 1 and (base.ratio is None or base.ratio < 1):
        return f"is full: {bearer.used:.0f} of {bearer.total:.0f} sessions"
    if bearer.requests is None or base.requests is None or bearer.errors is None or base.errors is None:
        return ""
    requests, errors = bearer.requests - base.requests, bearer.errors - base.errors
    if requests < 0 or errors < 0:
        return "counts from 0 again: the balancer was reloaded"
    usual = base.errors / base.requests if base.requests else 0.0
    if errors >= FEW_ERRORS and errors > requests * max(ERROR_SHARE, WORSE_TIMES * usual):
        return f"answered {errors} of {requests} requests with 5xx since the step"
    return ""


def unsettled(settle: Settle, now: Scene, base: Bearing, found: Bearing, since: float) -> str:
    """What is still waited for after a step that moved traffic. `since`, monotonic: only what is told later tells of it."""
    if found.trouble:
        return f"it cannot be seen: {found.trouble}"
    if settle.gauges:
        reading = now.capacity
        if reading is None or reading.value is None or reading.state in (State.ERROR, State.STALE, State.CONNECTING):
            return "the gauges cannot be seen"
        if reading.received is None or reading.received.mono < since:
            return "the gauges have not told of it yet"
        known = {gauge.spec.name for gauge in _gauges(now, settle.gauges) if gauge.ratio is not None}
        missing = [name for name in settle.gauges if name not in known]
        if missing:
            return f"gauge {missing[0]} has no number"
    if settle.subject:
        drained, earlier = found.of(settle.subject), base.of(settle.subject)
        if drained is None or drained.used is None:
            return f"the sessions of {settle.subject} cannot be seen"
        if drained.used and (earlier is None or earlier.used is None or drained.used > earlier.used / 2):
            return f"{settle.subject} still has {drained.used:.0f} sessions"
    return ""


def stands(found: Iterable[Bearing], empty: Names) -> Sight:
    """Of every balancer or switch at the end: as it was set, nobody over the limit, who was drained empty."""
    every = tuple(found)
    bearers = [bearer for each in every for bearer in each.bearers]
    drifted = [each.drift for each in every if each.drift]
    if drifted:
        return Sight(Outcome.FAILURE, "; ".join(drifted))
    troubled = [each.trouble for each in every if each.trouble]
    if troubled:
        return Sight(None, f"{BLIND}{'; '.join(troubled)}")
    full = [each.name for each in bearers if each.ratio is not None and each.ratio >= 1]
    if full:
        return Sight(None, f"full: {', '.join(full)}")
    left = [f"{each.name} has {each.used:.0f} sessions" for each in bearers if each.name in empty and each.used]
    if left:
        return Sight(None, ", ".join(left))
    return Sight(Outcome.SUCCESS, "as set everywhere" if len(every) > 1 else "as set")


def _gauges(scene: Scene, names: Names) -> Iterator[Gauge]:
    if scene.capacity is not None and scene.capacity.value is not None:
        yield from (gauge for gauge in scene.capacity.value.gauges if gauge.spec.name in names)


def _worse_channels(before: Scene, now: Scene, names: Names) -> str:
    """Of these channels, or of all where they are not known, one that is worse than when the operation began."""
    if now.streams is None or now.streams.value is None or before.streams is None or before.streams.value is None:
        return ""
    earlier, verdicts = before.streams.value.verdicts, now.streams.value.verdicts
    for name in names or tuple(verdicts):
        verdict, was = verdicts.get(name), earlier.get(name)
        if verdict is None or verdict.severity not in (Severity.WARN, Severity.CRIT):
            continue
        if was is None or was.severity.rank < verdict.severity.rank:
            return f"channel {name} is {verdict.severity} and was {was.severity if was is not None else 'not known'}"
    return ""
