"""Restart, pause and resume a deployment's rollout."""

from __future__ import annotations

import msgspec

from console.actions.action import About, Draft, Order
from console.actions.audit.operation import Operation, PlannedStep, Tier
from console.actions.catalogue.kubernetes.looking import Clusters, strings
from console.actions.catalogue.kubernetes.patching import patch
from console.actions.catalogue.kubernetes.workload import Workload, workload
from console.actions.plan import Change, Inverse, PlanStep, Proof
from console.actions.target import TargetKind
from console.actions.targets.kubernetes.pointer import escaped
from console.actions.verdict import Stand, Verdict

RESTARTED = "midwatch/restartedAt"
ROLLOUT_S = 600.0


class Restart:
    """New pods of the same template. The time is fixed when it is planned, so that the same bytes sent twice do it once."""

    about = About(
        name="deployment.restart",
        title="rollout restart",
        about="replace every pod by a new one of the same template, in the deployment's own batches",
        kind=TargetKind.KUBE,
        object_kind="deployment",
        undo="none needed: the template stays",
    )

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def draft(self, order: Order) -> Draft:
        found = await workload(self._clusters, order)
        at = order.at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        annotations = strings(found.item, "/spec/template/metadata/annotations")
        old = annotations.get(RESTARTED)
        place = "/spec/template/metadata/annotations"
        change = (
            {"op": "add", "path": f"{place}/{escaped(RESTARTED)}", "value": at}
            if annotations
            else {"op": "add", "path": place, "value": {RESTARTED: at}}
        )
        write = patch(order.target.cluster, found.path, found.item, order.op, [change])
        rehearsal = await found.around.rehearsed(write, order)
        pods = len(found.pods)
        step = PlanStep(
            told=PlannedStep(
                what="restart",
                target=order.target.text,
                uid=found.survey.uid,
                generation=found.survey.generation,
                field="spec.template.metadata.annotations",
                old=old,
                new=at,
            ),
            write=write,
        )
        return Draft(
            what=f"rollout restart: {pods} pods, {max(1, found.at_once)} at a time",
            survey=msgspec.structs.replace(found.survey, at_once=found.at_once),
            changes=(Change(f"spec.template.metadata.annotations.{RESTARTED}", old, at),),
            steps=(step,),
            proof=Proof(
                kind="rollout", window_s=ROLLOUT_S, text="every pod new and available, no channel worse than before"
            ),
            cluster_identity=found.identity,
            dry_run=rehearsal.text,
            dry_run_ok=rehearsal.is_accepted,
            undo_text="none needed: the template stays as it is",
            verdicts=found.lock,
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        return None


class _Pausing:
    about: About
    wants: bool

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def draft(self, order: Order) -> Draft:
        found = await workload(self._clusters, order)
        change = {"op": "add", "path": "/spec/paused", "value": self.wants}
        write = patch(order.target.cluster, found.path, found.item, order.op, [change])
        rehearsal = await found.around.rehearsed(write, order)
        inverse = self._inverse()
        step = PlanStep(
            told=PlannedStep(
                what=self.about.name.partition(".")[2],
                target=order.target.text,
                uid=found.survey.uid,
                generation=found.survey.generation,
                field="spec.paused",
                old=found.is_paused,
                new=self.wants,
                undo=inverse.action,
            ),
            write=write,
        )
        return Draft(
            what=self._what(found),
            survey=msgspec.structs.replace(found.survey, affected=(), around=()),
            changes=(Change("spec.paused", found.is_paused, self.wants),),
            steps=(step,),
            proof=Proof(
                kind="field",
                window_s=30.0,
                text=f"the deployment says that it is {'paused' if self.wants else 'not paused'}",
                wants=(("is_paused", self.wants),),
            ),
            cluster_identity=found.identity,
            dry_run=rehearsal.text,
            dry_run_ok=rehearsal.is_accepted,
            undo=inverse,
            undo_text=inverse.text,
            verdicts=(*found.lock, *self._already(found)),
        )

    def _what(self, found: Workload) -> str:
        return f"{self.about.title}: {found.desired} pods keep what they run"

    def _already(self, found: Workload) -> tuple[Verdict, ...]:
        if found.is_paused is not self.wants:
            return ()
        word = "paused" if self.wants else "not paused"
        return (Verdict("change", Stand.REFUSE, f"it is {word} already: there is nothing to do"),)

    def _inverse(self) -> Inverse:
        raise NotImplementedError

    def inverse(self, operation: Operation) -> Inverse | None:
        return self._inverse()


class Pause(_Pausing):
    """A paused deployment takes changes of its template and rolls nothing out."""

    about = About(
        name="deployment.pause",
        title="pause the rollout",
        about="stop the rollout where it is; changes of the template wait",
        kind=TargetKind.KUBE,
        object_kind="deployment",
        tier=Tier.LOW,
        undo="deployment.resume",
    )
    wants = True

    def _inverse(self) -> Inverse:
        return Inverse(action="deployment.resume", text="resume the rollout")


class Resume(_Pausing):
    """The rollout goes on with whatever the template is by now."""

    about = About(
        name="deployment.resume",
        title="resume the rollout",
        about="let a paused rollout go on with the template as it is now",
        kind=TargetKind.KUBE,
        object_kind="deployment",
        undo="deployment.pause",
    )
    wants = False

    def _inverse(self) -> Inverse:
        return Inverse(action="deployment.pause", text="pause the rollout again")
