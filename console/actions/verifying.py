"""Did it work? Asked of the same feeds that the engineer looks at, against how things were before, over a declared window.

Pure: `seen(plan, before, now, ...)` says yes, no, or not yet. No data is never a yes: a feed that is stale or gone when the
window ends makes the answer UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from console.actions.audit.operation import Outcome
from console.actions.plan import Plan
from console.actions.scene import Scene
from console.model.joined import Streams, Workloads
from console.model.kube import Deployment
from console.model.reading import Reading
from console.model.severity import Severity, State

FRESH_S = 60.0  # a watch may be quiet for as long and still be live
HOLDS_S = (
    3.0  # a state must stand for as long as this: a rollout is complete for a moment before its first new pod dies
)


class Sight(msgspec.Struct, frozen=True):
    """`outcome` None: not yet. `text` is what is seen, for the screen and the journal."""

    outcome: Outcome | None
    text: str


def seen(plan: Plan, before: Scene, now: Scene, generation: int | None) -> Sight:
    """What the feeds say of this plan's effect at this moment. `generation`: of the object as our write left it."""
    rule = _RULES.get(plan.proof.kind)
    if rule is None:
        return Sight(Outcome.UNKNOWN, f"there is no rule {plan.proof.kind!r} to verify it by")
    return rule(plan, before, now, generation)


def at_the_end(sight: Sight) -> Sight:
    """The window is over: what is not yet seen is not there, and what could not be seen is not known."""
    if sight.outcome is not None:
        return sight
    if sight.text.startswith(BLIND):
        return Sight(Outcome.UNKNOWN, sight.text)
    return Sight(Outcome.FAILURE, f"not within the window: {sight.text}")


BLIND = "cannot be seen: "


def _fresh(reading: Reading[Any] | None, now: Scene, what: str) -> str:
    """Why this reading is no witness; empty when it is one."""
    if reading is None or reading.value is None:
        return f"{BLIND}no {what}"
    age_s = reading.age_s(now.now)
    if reading.state in (State.ERROR, State.STALE, State.CONNECTING):
        return f"{BLIND}{what} {reading.state}"
    return f"{BLIND}{what} {age_s:.0f} s old" if age_s is None or age_s > FRESH_S else ""


def _workloads(now: Scene) -> tuple[Workloads | None, str]:
    blind = _fresh(now.workloads, now, "workloads")
    return (None, blind) if blind or now.workloads is None else (now.workloads.value, "")


def _deployment(plan: Plan, now: Scene) -> tuple[Deployment | None, str]:
    workloads, blind = _workloads(now)
    if workloads is None:
        return None, blind
    target = plan.target
    found = workloads.deployments.get(f"{target.cluster}/{target.namespace}/{target.name}")
    return found, "" if found is not None else f"deployment {target.full_name} is gone"


def _rollout(plan: Plan, before: Scene, now: Scene, generation: int | None) -> Sight:
    found, why = _deployment(plan, now)
    if found is None:
        return Sight(None, why)
    wants = dict(plan.proof.wants)
    planned = plan.steps[0].told.generation if plan.steps else None
    if found.generation < (generation or 0) or found.generation == planned:  # what is written always moves it
        return Sight(None, f"{BLIND}workloads have not seen the change yet")
    if found.observed_generation < found.generation:
        return Sight(None, "the controller has not seen the change yet")
    if found.progress_reason == "ProgressDeadlineExceeded":
        return Sight(Outcome.FAILURE, "the rollout does not progress (ProgressDeadlineExceeded)")
    desired = wants.get("desired")
    if isinstance(desired, int) and found.desired != desired:
        by = "its autoscaler?" if generation is not None and found.generation > generation else "somebody else?"
        return Sight(Outcome.FAILURE, f"{found.desired} pods are wanted and not {desired} ({by})")
    counts = f"{found.updated}/{found.desired} updated, {found.available} available"
    if found.is_rolling or found.ready < found.desired:
        return Sight(None, counts)
    return _streams(plan, before, now, heals=wants.get("heals") is True, counts=counts)


def _streams(plan: Plan, before: Scene, now: Scene, *, heals: bool, counts: str) -> Sight:
    """The channels that the action may touch: none worse than before, and where it is to heal, all well."""
    names = plan.blast.channels
    if not names:
        return Sight(Outcome.SUCCESS, f"{counts}; no channel depends on it" if names is not None else counts)
    if before.streams is None and now.streams is None:
        return Sight(Outcome.SUCCESS, f"{counts}; no streams are watched here")
    blind = _fresh(now.streams, now, "streams")
    if blind or now.streams is None or now.streams.value is None:
        return Sight(None, blind)
    bad = _bad(now.streams.value, names)
    earlier = _bad(before.streams.value, names) if before.streams is not None and before.streams.value else {}
    if heals:
        if bad:
            return Sight(None, f"{counts}; still {_named(bad)}")
        healed = f"; {_listed(earlier)} OK again" if earlier else "; its channels are well"
        return Sight(Outcome.SUCCESS, counts + healed)
    worse = {name: severity for name, severity in bad.items() if severity.rank > _rank(earlier.get(name))}
    if worse:
        return Sight(None, f"{counts}; worse than before: {_named(worse)}")
    return Sight(Outcome.SUCCESS, f"{counts}; no channel worse than before")


def _bad(streams: Streams, names: Iterable[str]) -> dict[str, Severity]:
    """WARN and CRIT by channel; what is not known counts as bad too, since no data is never green."""
    found: dict[str, Severity] = {}
    for name in names:
        verdict = streams.verdicts.get(name)
        severity = verdict.severity if verdict is not None else Severity.UNKNOWN
        if severity is not Severity.OK:
            found[name] = severity
    return found


def _rank(severity: Severity | None) -> int:
    return severity.rank if severity is not None else 0


def _named(bad: Mapping[str, Severity]) -> str:
    return ", ".join(f"{name} {severity}" for name, severity in list(bad.items())[:4])


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:4]) + (f" and {len(every) - 4} more" if len(every) > 4 else "")


def _field(plan: Plan, before: Scene, now: Scene, generation: int | None) -> Sight:
    """A field of a deployment or node, as the feed has it."""
    workloads, blind = _workloads(now)
    if workloads is None:
        return Sight(None, blind)
    target = plan.target
    found: object = (
        workloads.nodes.get(f"{target.cluster}/{target.name}")
        if target.object_kind == "node"
        else workloads.deployments.get(f"{target.cluster}/{target.namespace}/{target.name}")
    )
    if found is None:
        return Sight(None, f"{target.full_name} is gone")
    wrong = [name for name, value in plan.proof.wants if getattr(found, name) != value]
    return Sight(None, f"{', '.join(wrong)} not yet as wanted") if wrong else Sight(Outcome.SUCCESS, plan.proof.text)


def _replaced(plan: Plan, before: Scene, now: Scene, generation: int | None) -> Sight:
    workloads, blind = _workloads(now)
    if workloads is None:
        return Sight(None, blind)
    wants = dict(plan.proof.wants)
    if any(pod.uid == wants.get("uid") for pod in workloads.pods.values()):
        return Sight(None, "the pod is still there")
    return as_ready(before, workloads, plan.target.cluster, (str(wants.get("service") or ""),))


def _drained(plan: Plan, before: Scene, now: Scene, generation: int | None) -> Sight:
    workloads, blind = _workloads(now)
    if workloads is None:
        return Sight(None, blind)
    wants = dict(plan.proof.wants)
    uids = {step.told.uid for step in plan.steps if step.told.what == "evict"}
    left = [pod.name for pod in workloads.pods.values() if pod.uid in uids]
    if left:
        return Sight(None, f"{len(left)} of the evicted pods are still there: {_listed(left)}")
    return as_ready(before, workloads, plan.target.cluster, str(wants.get("services") or "").split(","))


def as_ready(before: Scene, now: Workloads, cluster: str, services: Iterable[str]) -> Sight:
    """As many ready pods of each service as before the operation."""
    earlier = before.workloads.value if before.workloads is not None else None
    if earlier is None:
        return Sight(None, f"{BLIND}how many pods there were before is not known")
    short = []
    for service in filter(None, services):
        had, has = _ready(earlier, cluster, service), _ready(now, cluster, service)
        if has < had:
            short.append(f"{service} {has}/{had} ready")
    return Sight(None, ", ".join(short)) if short else Sight(Outcome.SUCCESS, "gone, and as many pods ready as before")


def _ready(workloads: Workloads, cluster: str, service: str) -> int:
    return sum(
        pod.cluster == cluster and pod.service == service and pod.ready == pod.containers and pod.containers > 0
        for pod in workloads.pods.values()
        if not pod.is_deleting
    )


def _recorded(plan: Plan, before: Scene, now: Scene, generation: int | None) -> Sight:
    """The answer to the write itself is the proof: nothing else can be seen of it."""
    return Sight(Outcome.SUCCESS, plan.proof.text)


def _silenced(plan: Plan, before: Scene, now: Scene, generation: int | None) -> Sight:
    blind = _fresh(now.alerts, now, "alerts")
    if blind or now.alerts is None or now.alerts.value is None:
        return Sight(None, blind)
    wants = dict(plan.proof.wants)
    fingerprints = [name for name in str(wants.get("fingerprints") or "").split(",") if name]
    is_silenced = wants.get("silenced") is True
    wrong = [
        alert.name
        for name in fingerprints
        if (alert := now.alerts.value.alerts.get(name)) is not None and bool(alert.silenced_by) is not is_silenced
    ]
    if wrong:
        return Sight(None, f"not yet {'silenced' if is_silenced else 'loud'}: {_listed(wrong)}")
    return Sight(Outcome.SUCCESS, plan.proof.text)


def _traffic(plan: Plan, before: Scene, now: Scene, generation: int | None) -> Sight:
    """The feeds' half: loads and channels. Whether the weights stand, the balancers and switches are asked themselves."""
    wanted = [name for name in str(dict(plan.proof.wants).get("gauges") or "").split("\n") if name]
    text = "no gauge tells the load" if "gauges" in dict(plan.proof.wants) else ""
    if wanted:
        blind = _fresh(now.capacity, now, "capacity gauges")
        if blind or now.capacity is None or now.capacity.value is None:
            return Sight(None, blind)
        ratios = {gauge.spec.name: gauge.ratio for gauge in now.capacity.value.gauges if gauge.spec.name in wanted}
        missing = [name for name in wanted if ratios.get(name) is None]
        if missing:
            return Sight(None, f"{BLIND}no number for {_listed(missing)}")
        over = [f"{name} at {ratio:.0%}" for name, ratio in ratios.items() if ratio is not None and ratio >= 1]
        if over:
            return Sight(None, f"over its total: {_listed(over)}")
        fullest = max(ratios, key=lambda name: ratios[name] or 0.0)
        text = f"{fullest} at {ratios[fullest]:.0%} at most"
    elif text:
        return Sight(None, f"{BLIND}{text}")
    if plan.blast.channels is None and before.streams is not None and before.streams.value is not None:
        plan = msgspec.structs.replace(
            plan, blast=msgspec.structs.replace(plan.blast, channels=tuple(before.streams.value.verdicts))
        )
    return _streams(plan, before, now, heals=False, counts=text or "loads told by the balancers")


_RULES: Mapping[str, Callable[[Plan, Scene, Scene, int | None], Sight]] = {
    "rollout": _rollout,
    "field": _field,
    "replaced": _replaced,
    "drained": _drained,
    "recorded": _recorded,
    "silenced": _silenced,
    "traffic": _traffic,
}
