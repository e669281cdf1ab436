"""How many pods a deployment has; where an autoscaler decides that, how many it may choose from."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import quote

import msgspec

from console.actions.action import About, Draft, NoPlan, Order
from console.actions.audit.operation import Operation, PlannedStep, Tier
from console.actions.catalogue.kubernetes.looking import Clusters
from console.actions.catalogue.kubernetes.patching import JSON_PATCH, patch
from console.actions.catalogue.kubernetes.workload import workload
from console.actions.parameters import Parameter, Type
from console.actions.plan import Change, Inverse, PlanStep, Proof
from console.actions.target import TargetKind
from console.actions.targets.kubernetes.pointer import at
from console.actions.verdict import Stand, Verdict
from console.actions.writes import Expect, KubeWrite

SCALE_S = 300.0
_REPLICAS = Parameter(name="replicas", type=Type.INTEGER, about="how many pods", least=0, most=5000)


class Scale:
    """By the scale subresource, whose JSON patch tests the uid and the size that was seen."""

    about = About(
        name="deployment.scale",
        title="scale",
        about="change how many pods it has; refused where an autoscaler decides that",
        kind=TargetKind.KUBE,
        object_kind="deployment",
        parameters=(_REPLICAS,),
        undo="deployment.scale to the size before",
    )

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def draft(self, order: Order) -> Draft:
        found = await workload(self._clusters, order, "patch", "scale")
        wanted = int(order.parameters["replicas"])
        now = found.desired
        path = f"{found.path}/scale"
        uid = found.survey.uid
        write = KubeWrite(
            cluster=order.target.cluster,
            method="PATCH",
            path=path,
            content_type=JSON_PATCH,
            body=msgspec.json.encode(
                [
                    {"op": "test", "path": "/metadata/uid", "value": uid},
                    # A Scale of 0 pods has no such field: the server leaves it out, and its test knows absent as null.
                    {"op": "test", "path": "/spec/replicas", "value": now or None},
                    {"op": "add", "path": "/spec/replicas", "value": wanted},
                ]
            ).decode(),
            read_path=path,
            uid=uid,
            before=(Expect("/spec/replicas", now or None),),
            after=(Expect("/spec/replicas", wanted or None),),
        )
        rehearsal = await found.around.rehearsed(write, order)
        fewer = max(0, now - wanted)
        back = Inverse(
            action="deployment.scale", parameters=(("replicas", str(now)),), text=f"scale back to {now} pods"
        )
        verdicts: tuple[Verdict, ...] = ()
        if wanted == now:
            verdicts = (Verdict("change", Stand.REFUSE, f"it has {now} replicas already: there is nothing to do"),)
        elif wanted == 0:
            verdicts = (Verdict("change", Stand.NOTE, "0 replicas takes it out of service", at_least=Tier.HIGH),)
        # Which pods go is the controller's choice: those not ready first, then of the nodes that hold most of them.
        on = Counter(pod.node for pod in found.pods)
        going = tuple(sorted(found.pods, key=lambda pod: (pod.is_ready, -on[pod.node], pod.name)))[:fewer]
        return Draft(
            what=f"scale from {now} to {wanted} pods",
            survey=msgspec.structs.replace(
                found.survey,
                affected=going,
                around=(*found.survey.around, *(pod for pod in found.pods if pod not in going)),
                at_once=fewer,
            ),
            changes=(Change("spec.replicas", now, wanted),),
            steps=(
                PlanStep(
                    told=PlannedStep(
                        what="scale",
                        target=order.target.text,
                        uid=uid,
                        generation=found.survey.generation,
                        field="spec.replicas",
                        old=now,
                        new=wanted,
                        undo="deployment.scale",
                    ),
                    write=write,
                ),
            ),
            proof=Proof(
                kind="rollout",
                window_s=SCALE_S,
                text=f"{wanted} pods wanted and available, no channel worse than before",
                wants=(("desired", wanted),),
            ),
            cluster_identity=found.identity,
            dry_run=rehearsal.text,
            dry_run_ok=rehearsal.is_accepted,
            undo=back,
            undo_text=back.text,
            verdicts=(*found.lock, *verdicts),
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        old = operation.steps[0].plan.old if operation.steps else None
        if not isinstance(old, int):
            return None
        return Inverse(
            action="deployment.scale", parameters=(("replicas", str(old)),), text=f"scale back to {old} pods"
        )


class Autoscale:
    """The bounds of the autoscaler that owns a deployment's size: what `scale` is where `scale` would be undone."""

    about = About(
        name="deployment.autoscale",
        title="bounds of the autoscaler",
        about="change minReplicas or maxReplicas of the HorizontalPodAutoscaler of a deployment",
        kind=TargetKind.KUBE,
        object_kind="deployment",
        parameters=(
            Parameter(name="min", type=Type.INTEGER, about="the fewest pods", is_optional=True, least=1, most=5000),
            Parameter(name="max", type=Type.INTEGER, about="the most pods", is_optional=True, least=1, most=5000),
        ),
        undo="deployment.autoscale to the bounds before",
    )

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def draft(self, order: Order) -> Draft:
        found = await workload(self._clusters, order)
        scaler = found.survey.scaler
        if scaler is None:
            raise NoPlan(f"{order.target.full_name} has no autoscaler: use deployment.scale")
        wanted = {name: int(value) for name, value in order.parameters.items()}
        if not wanted:
            raise NoPlan("neither min nor max was given: --set min=4 or --set max=20")
        if wanted.get("min", scaler.least) > wanted.get("max", scaler.most):
            raise NoPlan(f"min {wanted.get('min', scaler.least)} would be above max {wanted.get('max', scaler.most)}")
        path = (
            f"/apis/autoscaling/v1/namespaces/{quote(order.target.namespace, safe='')}"
            f"/horizontalpodautoscalers/{quote(scaler.name, safe='')}"
        )
        item = await found.around.must(path, f"autoscaler {scaler.name}")
        fields = {"min": ("minReplicas", scaler.least), "max": ("maxReplicas", scaler.most)}
        changes = tuple(
            Change(f"spec.{fields[name][0]}", fields[name][1], value)
            for name, value in sorted(wanted.items())
            if value != fields[name][1]
        )
        operations: list[dict[str, Any]] = []
        for change in changes:
            place = "/" + change.field.replace(".", "/")
            operations.append({"op": "test", "path": place, "value": at(item, place)})
            operations.append({"op": "add", "path": place, "value": change.new})
        before = tuple(Expect("/" + change.field.replace(".", "/"), change.old) for change in changes)
        write = patch(order.target.cluster, path, item, order.op, operations, before)
        rehearsal = await found.around.rehearsed(write, order)
        bounds = {change.field.removeprefix("spec.")[:3]: str(change.old) for change in changes}
        text = "bounds back to " + ", ".join(f"{name} {value}" for name, value in bounds.items())
        back = Inverse(action="deployment.autoscale", parameters=tuple(bounds.items()), text=text)
        told = tuple(f"{change.field.removeprefix('spec.')} {change.old} → {change.new}" for change in changes)
        return Draft(
            what=f"autoscaler {scaler.name}: {', '.join(told) or 'nothing changes'}",
            survey=msgspec.structs.replace(found.survey, scaler=None, affected=(), around=()),
            changes=changes,
            steps=(
                PlanStep(
                    told=PlannedStep(
                        what="autoscale",
                        target=order.target.text,
                        uid=str(at(item, "/metadata/uid") or ""),
                        field=",".join(change.field for change in changes),
                        old=",".join(str(change.old) for change in changes),
                        new=",".join(str(change.new) for change in changes),
                        undo="deployment.autoscale",
                    ),
                    write=write,
                ),
            ),
            proof=Proof(kind="recorded", window_s=10.0, text="the API server keeps the new bounds"),
            cluster_identity=found.identity,
            dry_run=rehearsal.text,
            dry_run_ok=rehearsal.is_accepted,
            undo=back if changes else None,
            undo_text=back.text,
            verdicts=found.lock if changes else (Verdict("change", Stand.REFUSE, "it has these bounds already"),),
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        plan = operation.steps[0].plan if operation.steps else None
        if plan is None or not isinstance(plan.old, str):
            return None
        names = [field.removeprefix("spec.")[:3] for field in plan.field.split(",")]
        pairs = tuple(zip(names, plan.old.split(","), strict=False))
        return Inverse(action="deployment.autoscale", parameters=pairs, text="the bounds before")
