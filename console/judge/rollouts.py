"""When workloads last changed: what an engineer asks first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from console.model.incident import Rollout
from console.model.kube import Deployment

WINDOW_S = 3600.0  # a rollout longer ago than this is not told as the cause of anything
LIMIT = 500


class RolloutMemory(msgspec.Struct, frozen=True):
    """Template of each deployment as last seen, and the changes of the last hours."""

    templates: Mapping[str, tuple[int | None, str | None]] = {}  # key -> (revision, version)
    rollouts: tuple[Rollout, ...] = ()  # oldest first


def rolled(memory: RolloutMemory, deployments: Mapping[str, Deployment], now: datetime) -> RolloutMemory:
    """The memory after looking at the deployments.

    A change that we saw happen is dated now; one that was there at first sight is dated by the Progressing
    condition, which is when the controller last made headway with it.
    """
    templates = dict(memory.templates)
    rollouts = {(r.key, r.version, r.at): r for r in memory.rollouts if now - r.at < timedelta(seconds=3 * WINDOW_S)}
    latest = {r.key: (r.key, r.version, r.at) for r in memory.rollouts if (r.key, r.version, r.at) in rollouts}
    for key, deployment in deployments.items():
        template = (deployment.revision, deployment.version)
        before = templates.get(key)
        templates[key] = template
        if before is None:
            at = deployment.progress_at
            if at is None or not timedelta(0) <= now - at < timedelta(seconds=WINDOW_S) or deployment.created_at == at:
                continue
        elif before != template:
            at = now
            if key in latest:
                rollouts[latest[key]] = _replaced(rollouts[latest[key]])
        elif key in latest:
            at = latest[key][2]
            if rollouts[latest[key]].version != _version(deployment):
                continue
        else:
            continue
        rollouts[(key, _version(deployment), at)] = _rollout(deployment, at)
    for gone in templates.keys() - deployments.keys():
        del templates[gone]
    ordered = sorted(rollouts.values(), key=lambda r: (r.at, r.key))[-LIMIT:]
    return RolloutMemory(templates, tuple(ordered))


def _replaced(rollout: Rollout) -> Rollout:
    """A rollout after the next one began: it is over, whether it ever came through or not."""
    if rollout.is_over:
        return rollout
    text = f"{rollout.service} {rollout.version} replaced before it was available"
    return msgspec.structs.replace(rollout, is_over=True, text=text)


def _version(deployment: Deployment) -> str:
    return deployment.version or (f"revision {deployment.revision}" if deployment.revision is not None else "")


def _rollout(deployment: Deployment, at: datetime) -> Rollout:
    is_over = not deployment.is_rolling
    name = f"{deployment.service or deployment.name} {_version(deployment)}".strip()
    how = "rolled out" if is_over else f"rolling out, {deployment.available} of {deployment.desired} available"
    return Rollout(
        deployment.key,
        deployment.service or deployment.name,
        _version(deployment),
        at,
        is_over,
        f"{name} {how}",
    )


def before(rollouts: Iterable[Rollout], opened_at: datetime, services: frozenset[str]) -> str:
    """The last change before an incident opened: of the services involved first, else of any; "" when there
    is none.

    "packager-emea 3.8.2 rolled out 02:01" (UTC).
    """
    since = opened_at - timedelta(seconds=WINDOW_S)
    past = sorted((r for r in rollouts if since <= r.at <= opened_at), key=lambda r: (r.service in services, r.at))
    if not past:
        return ""
    last = past[-1]
    return f"{last.service} {last.version} rolled out {last.at:%H:%M}".replace("  ", " ")
