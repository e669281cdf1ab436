"""What an API server tells of a target and of what stands around it, read fresh for a plan.

Nothing here decides. What could not be read is named in `unread`, so that a guard can tell "there is none" from "we may not
see it".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from console.actions.action import NoPlan, Order
from console.actions.audit.operation import Actor
from console.actions.survey import Budget, PodFact, Right, Scaler
from console.actions.target import Target
from console.actions.targets.kubernetes.hand import KubeHand, Rehearsal
from console.actions.targets.kubernetes.pointer import at
from console.actions.verdict import Stand, Verdict
from console.actions.writes import KubeWrite
from console.model.failure import FailureKind, SourceError
from console.sources.kubernetes.decode import owner_tool
from console.sources.sanitise import clean

MIRROR = "kubernetes.io/config.mirror"
HASH = "pod-template-hash"
_NOBODY = (FailureKind.UNREACHABLE, FailureKind.TIMEOUT, FailureKind.OVERLOADED)


class Clusters(msgspec.Struct, frozen=True):
    """The hands by cluster, and by which labels this site knows a service and a zone."""

    hands: Mapping[str, KubeHand]
    service_labels: tuple[str, ...]
    zone_labels: tuple[str, ...]

    def hand(self, target: Target) -> KubeHand:
        """Raises NoPlan for a cluster that the site does not have, or may not write to."""
        hand = self.hands.get(target.cluster)
        if hand is None:
            there_are = ", ".join(self.hands) or "none"
            raise NoPlan(
                f"no cluster {target.cluster} that may be written to (there are: {there_are}); see `write` in the configuration"
            )
        return hand

    def service(self, labels: Mapping[str, str]) -> str:
        """The service that an object's labels name."""
        return next((clean(labels[name], 200) for name in self.service_labels if labels.get(name)), "")

    def zone(self, labels: Mapping[str, str]) -> str:
        return next((clean(labels[name], 100) for name in self.zone_labels if labels.get(name)), "")


class Around:
    """One look at one cluster: asks each thing once, remembers what it may not see."""

    def __init__(self, clusters: Clusters, hand: KubeHand) -> None:
        self._clusters = clusters
        self.hand = hand
        self.unread: dict[str, str] = {}

    async def must(self, path: str, what: str) -> dict[str, Any]:
        """An object without which there is nothing to plan. Raises NoPlan."""
        try:
            found = await self.hand.get(path, f"read {what}")
        except SourceError as error:
            raise NoPlan(str(error.failure), is_unreachable=error.failure.kind in _NOBODY) from error
        if found is None:
            raise NoPlan(f"{what} is not there: it may have been deleted; look again")
        return found

    async def listed(self, name: str, path: str, params: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """A list, or an entry in `unread`."""
        try:
            return await self.hand.listed(path, f"list {name}", params)
        except SourceError as error:
            self.unread[name] = error.failure.got
            return []

    async def zones(self) -> dict[str, str]:
        """Node -> zone."""
        nodes = await self.listed("nodes", "/api/v1/nodes")
        return {text(node, "/metadata/name"): self._clusters.zone(strings(node, "/metadata/labels")) for node in nodes}

    async def pods(self, namespace: str, params: Mapping[str, str] | None, zones: Mapping[str, str]) -> list[PodFact]:
        """Pods of one namespace ("" for all)."""
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods" if namespace else "/api/v1/pods"
        return [self.pod(item, zones) for item in await self.listed("pods", path, params)]

    def pod(self, item: Mapping[str, Any], zones: Mapping[str, str]) -> PodFact:
        """One pod as the guards need it."""
        labels = strings(item, "/metadata/labels")
        owners = at(item, "/metadata/ownerReferences") or []
        owner = next((each for each in owners if each.get("controller")), owners[0] if owners else {})
        conditions = at(item, "/status/conditions") or []
        node = text(item, "/spec/nodeName")
        is_mirror = MIRROR in strings(item, "/metadata/annotations")
        return PodFact(
            namespace=text(item, "/metadata/namespace"),
            name=text(item, "/metadata/name"),
            uid=text(item, "/metadata/uid"),
            node=node,
            zone=zones.get(node, ""),
            service=self._clusters.service(labels),
            owner_kind="Node" if is_mirror else clean(str(owner.get("kind") or ""), 60),
            owner=clean(str(owner.get("name") or ""), 253),
            is_ready=any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions),
            is_terminating=at(item, "/metadata/deletionTimestamp") is not None,
            phase=text(item, "/status/phase"),
            has_empty_dir=any("emptyDir" in each for each in at(item, "/spec/volumes") or [] if isinstance(each, dict)),
            labels=labels,
        )

    async def budgets(self, namespaces: Iterable[str], pods: Iterable[PodFact]) -> tuple[Budget, ...]:
        """The disruption budgets of these namespaces, each with the pods of ours that it selects."""
        everyone = tuple(pods)
        found: list[Budget] = []
        for namespace in sorted(set(namespaces)):
            place = f"namespaces/{quote(namespace, safe='')}/poddisruptionbudgets"
            for item in await self._policy(place):
                selects = Selector(at(item, "/spec/selector"))
                chosen = frozenset(pod.key for pod in everyone if pod.namespace == namespace and selects(pod.labels))
                if not chosen:
                    continue
                is_seen = at(item, "/status/observedGeneration") == at(item, "/metadata/generation")
                allowed = at(item, "/status/disruptionsAllowed")
                found.append(
                    Budget(
                        namespace=namespace,
                        name=text(item, "/metadata/name"),
                        allowed=allowed if is_seen and isinstance(allowed, int) else None,
                        pods=chosen,
                    )
                )
        return tuple(found)

    async def policy_version(self) -> str:
        """`v1`, or `v1beta1` on servers before 1.21."""
        try:
            group = await self.hand.get("/apis/policy", "ask which policy API there is")
        except SourceError:
            return "v1"
        versions = [each.get("version") for each in (group or {}).get("versions") or []]
        return "v1beta1" if versions and "v1" not in versions else "v1"

    async def _policy(self, place: str) -> list[dict[str, Any]]:
        return await self.listed("budgets", f"/apis/policy/{await self.policy_version()}/{place}")

    async def scaler(self, namespace: str, kind: str, name: str) -> Scaler | None:
        """The HorizontalPodAutoscaler of a workload. autoscaling/v1 is there on every server."""
        path = f"/apis/autoscaling/v1/namespaces/{quote(namespace, safe='')}/horizontalpodautoscalers"
        for item in await self.listed("autoscalers", path):
            if at(item, "/spec/scaleTargetRef/kind") == kind and at(item, "/spec/scaleTargetRef/name") == name:
                least = at(item, "/spec/minReplicas")
                return Scaler(
                    name=text(item, "/metadata/name"),
                    least=least if isinstance(least, int) else 1,
                    most=int(at(item, "/spec/maxReplicas") or 0),
                    wants=at(item, "/status/desiredReplicas"),
                )
        return None

    async def rights(self, person: Actor, wanted: Iterable[tuple[str, str, str, str, str]]) -> tuple[Right, ...]:
        """(verb, group, resource, subresource, namespace) each."""
        return tuple(
            [
                await self.hand.right(person, verb, resource, group=group, sub=sub, namespace=namespace)
                for verb, group, resource, sub, namespace in wanted
            ]
        )

    async def lock(self, order: Order, namespace: str) -> tuple[Verdict, ...]:
        """A note where there will be no lock between hosts, because Leases may not be used. Asked for a plan, and not
        again for its recheck.
        """
        if not order.rehearse:
            return ()
        wanted = [(verb, "coordination.k8s.io", "leases", "", namespace) for verb in ("get", "create", "update")]
        for right in await self.rights(order.person, wanted):
            if right.is_allowed is False:
                why = f": {right.reason}" if right.reason else ""
                told = f"none between hosts, {right.verb} leases is not allowed in {namespace}{why}"
                return (Verdict("lock", Stand.NOTE, f"{told}; what is in the writes themselves still guards them"),)
        return ()

    async def rehearsed(self, write: KubeWrite, order: Order) -> Rehearsal:
        """The server's word on a dry-run; an empty one where none is wanted, as when a plan is looked at again."""
        if not order.rehearse:
            return Rehearsal(None, "")
        return await self.hand.rehearse(write, order.op, order.person)

    async def identity(self) -> str:
        """Of the cluster; empty and `unread` where it may not be asked."""
        try:
            return await self.hand.identity()
        except SourceError as error:
            self.unread["cluster identity"] = error.failure.got
            return ""


def text(item: Mapping[str, Any], pointer: str) -> str:
    """A text of an object, clean and bounded; empty for none."""
    value = at(item, pointer)
    return clean(value, 300) if isinstance(value, str) else ""


def strings(item: Mapping[str, Any], pointer: str) -> dict[str, str]:
    """Labels or annotations."""
    value = at(item, pointer)
    if not isinstance(value, dict):
        return {}
    return {str(name): each for name, each in value.items() if isinstance(each, str)}


def moment(item: Mapping[str, Any], pointer: str) -> datetime | None:
    """A time as Kubernetes writes it."""
    value = at(item, pointer)
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def owned_by(item: Mapping[str, Any]) -> str:
    """Who else decides what this object is: a GitOps tool by its labels, an operator by an owner that is no built-in kind."""
    tool = owner_tool(strings(item, "/metadata/labels"), strings(item, "/metadata/annotations"))
    if tool is not None:
        return tool
    for owner in at(item, "/metadata/ownerReferences") or []:
        group = str(owner.get("apiVersion") or "").partition("/")[0]
        if owner.get("controller") and "." in group and not group.endswith(".k8s.io"):
            return f"operator {clean(str(owner.get('kind')), 60)}"
    return ""


class Selector:
    """A label selector. An empty one selects everything, as policy/v1 has it; none selects nothing."""

    def __init__(self, spec: Any) -> None:
        self._spec = spec if isinstance(spec, dict) else None

    def __call__(self, labels: Mapping[str, str]) -> bool:
        if self._spec is None:
            return False
        wanted = self._spec.get("matchLabels") or {}
        if any(labels.get(name) != value for name, value in wanted.items()):
            return False
        return all(_matches(each, labels) for each in self._spec.get("matchExpressions") or [])

    @property
    def query(self) -> str:
        """As a labelSelector parameter."""
        spec = self._spec or {}
        parts = [f"{name}={value}" for name, value in (spec.get("matchLabels") or {}).items()]
        for each in spec.get("matchExpressions") or []:
            key, values = each.get("key"), ",".join(each.get("values") or [])
            form = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
            parts.append(form.get(each.get("operator"), f"!{key}"))
        return ",".join(parts)


def _matches(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False
