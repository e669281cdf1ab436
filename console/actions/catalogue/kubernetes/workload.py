"""What every action on a deployment needs first: the deployment, its pods, and what else has a say in it."""

from __future__ import annotations

from typing import Any

import msgspec

from console.actions.action import Order
from console.actions.catalogue.kubernetes.looking import (
    Around,
    Clusters,
    Selector,
    moment,
    owned_by,
    strings,
)
from console.actions.catalogue.kubernetes.patching import deployment_path
from console.actions.survey import PodFact, Survey
from console.actions.targets.kubernetes.pointer import at
from console.actions.verdict import Verdict


class Workload(msgspec.Struct, frozen=True):
    """A deployment as it stands now."""

    item: dict[str, Any]
    around: Around
    path: str
    survey: Survey
    identity: str
    pods: tuple[PodFact, ...]
    lock: tuple[Verdict, ...] = ()  # what there is to say of the lock between hosts

    @property
    def desired(self) -> int:
        value = at(self.item, "/spec/replicas")
        return value if isinstance(value, int) else 1

    @property
    def is_paused(self) -> bool:
        return at(self.item, "/spec/paused") is True

    @property
    def at_once(self) -> int:
        """How many of its pods a rollout takes away at a time, by its own strategy."""
        if at(self.item, "/spec/strategy/type") == "Recreate":
            return self.desired
        wish = at(self.item, "/spec/strategy/rollingUpdate/maxUnavailable")
        if isinstance(wish, str) and wish.endswith("%") and wish[:-1].isdecimal():
            return self.desired * int(wish[:-1]) // 100  # rounded down, as the controller does
        return wish if isinstance(wish, int) else self.desired // 4


async def workload(clusters: Clusters, order: Order, verb: str = "patch", sub: str = "") -> Workload:
    """Raises NoPlan. The pods count as affected; an action that touches none says so itself."""
    target = order.target
    hand = clusters.hand(target)
    around = Around(clusters, hand)
    path = deployment_path(target)
    item = await around.must(path, f"deployment {target.full_name}")
    zones = await around.zones()
    selects = Selector(at(item, "/spec/selector"))
    everyone = await around.pods(target.namespace, None, zones)
    mine = tuple(pod for pod in everyone if selects(pod.labels) and pod.phase not in ("Succeeded", "Failed"))
    labels = {**strings(item, "/metadata/labels"), **strings(item, "/spec/template/metadata/labels")}
    service = clusters.service(labels)
    uids = {pod.uid for pod in mine}
    others = tuple(pod for pod in everyone if service and pod.service == service and pod.uid not in uids)
    namespace = target.namespace
    survey = Survey(
        uid=str(at(item, "/metadata/uid") or ""),
        generation=at(item, "/metadata/generation"),
        read_at=order.at,
        skew_s=hand.skew_s,
        services=(service,) if service else (),
        zones=tuple(sorted({pod.zone for pod in mine if pod.zone})),
        owned_by=owned_by(item),
        scaler=await around.scaler(namespace, "Deployment", target.name),
        is_paused=at(item, "/spec/paused") is True,
        is_terminating=at(item, "/metadata/deletionTimestamp") is not None,
        affected=mine,
        around=others,
        budgets=await around.budgets({namespace}, mine),
        rights=await around.rights(order.person, [(verb, "apps", "deployments", sub, namespace)]),
        last_change_at=_last_change(item),
    )
    identity = await around.identity()
    survey = msgspec.structs.replace(survey, unread=dict(around.unread))
    return Workload(item, around, path, survey, identity, mine, await around.lock(order, namespace))


def _last_change(item: dict[str, Any]) -> Any:
    times = [
        moment(condition, "/lastUpdateTime")
        for condition in at(item, "/status/conditions") or []
        if condition.get("type") == "Progressing"
    ]
    return next((time for time in times if time is not None), moment(item, "/metadata/creationTimestamp"))
