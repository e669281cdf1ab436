"""Back to the template of an earlier revision.

kubectl's own undo sends no precondition and replaces the whole map of annotations. This one tests uid and generation, and
touches the template and one annotation.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from console.actions.action import About, Draft, NoPlan, Order
from console.actions.audit.operation import Operation, PlannedStep
from console.actions.catalogue.kubernetes.deployment import ROLLOUT_S
from console.actions.catalogue.kubernetes.looking import HASH, Clusters, Selector, strings
from console.actions.catalogue.kubernetes.patching import patch
from console.actions.catalogue.kubernetes.workload import workload
from console.actions.parameters import Parameter, Type
from console.actions.plan import Change, Inverse, PlanStep, Proof
from console.actions.target import TargetKind
from console.actions.targets.kubernetes.pointer import at
from console.actions.verdict import Stand, Verdict
from console.sources.sanitise import clean

REVISION = "deployment.kubernetes.io/revision"
MAX_LINES = 40


class Undo:
    """Roll back to the template of the revision before, or of the one that is named."""

    about = About(
        name="deployment.undo",
        title="rollout undo",
        about="put the template of an earlier revision back and roll it out",
        kind=TargetKind.KUBE,
        object_kind="deployment",
        parameters=(
            Parameter(name="revision", type=Type.INTEGER, about="the revision to return to", is_optional=True, least=1),
        ),
        undo="deployment.undo to the revision that it left",
    )

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def draft(self, order: Order) -> Draft:
        found = await workload(self._clusters, order)
        item = found.item
        namespace = quote(order.target.namespace, safe="")
        sets = await found.around.listed(
            "replicasets",
            f"/apis/apps/v1/namespaces/{namespace}/replicasets",
            {"labelSelector": Selector(at(item, "/spec/selector")).query},
        )
        if "replicasets" in found.around.unread:
            raise NoPlan(f"its revisions cannot be read: {found.around.unread['replicasets']}")
        revisions = _revisions(sets, found.survey.uid)
        here = _number(strings(item, "/metadata/annotations").get(REVISION))
        wanted = order.parameters.get("revision")
        chosen = _chosen(revisions, here, wanted if isinstance(wanted, int) else None, order.target.full_name)
        template = _template(revisions[chosen])
        old = at(item, "/spec/template")
        write = patch(
            order.target.cluster,
            found.path,
            item,
            order.op,
            [{"op": "replace", "path": "/spec/template", "value": template}],
        )
        rehearsal = await found.around.rehearsed(write, order)
        changes = tuple(_differences("spec.template", old, template))
        step = PlanStep(
            told=PlannedStep(
                what="undo",
                target=order.target.text,
                uid=found.survey.uid,
                generation=found.survey.generation,
                field="revision",
                old=here,
                new=chosen,
                undo="deployment.undo",
            ),
            write=write,
        )
        back = Inverse(
            action="deployment.undo",
            parameters=(("revision", str(here)),) if here is not None else (),
            text=f"roll forward again to revision {here}",
        )
        image = changes[0] if changes else None
        return Draft(
            what=f"rollout undo: {found.desired} pods from revision {here} back to {chosen}"
            + (f" ({_tail(image.old)} → {_tail(image.new)})" if image and image.field.endswith("image") else ""),
            survey=msgspec.structs.replace(found.survey, at_once=found.at_once),
            changes=changes,
            steps=(step,),
            proof=Proof(
                kind="rollout",
                window_s=ROLLOUT_S,
                text="every pod on the old template and available, the channels it serves well again",
                wants=(("heals", True),),
            ),
            cluster_identity=found.identity,
            dry_run=rehearsal.text,
            dry_run_ok=rehearsal.is_accepted,
            undo=back if here is not None else None,
            undo_text=back.text if here is not None else "none: its present revision has no number",
            verdicts=found.lock
            if changes
            else (Verdict("change", Stand.REFUSE, f"revision {chosen} has the template that it has now"),),
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        left = operation.steps[0].plan.old if operation.steps else None
        if not isinstance(left, int):
            return None
        return Inverse(
            action="deployment.undo",
            parameters=(("revision", str(left)),),
            text=f"roll forward again to revision {left}",
        )


def _revisions(sets: list[dict[str, Any]], uid: str) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for each in sets:
        owners = at(each, "/metadata/ownerReferences") or []
        number = _number(strings(each, "/metadata/annotations").get(REVISION))
        if number is not None and any(owner.get("uid") == uid for owner in owners):
            found[number] = each
    return found


def _chosen(revisions: dict[int, Any], here: int | None, wanted: int | None, name: str) -> int:
    there_are = ", ".join(map(str, sorted(revisions))) or "none"
    if wanted is not None:
        if wanted not in revisions:
            raise NoPlan(f"{name} has no revision {wanted} any more (there are: {there_are})")
        return wanted
    earlier = [number for number in revisions if here is None or number < here]
    if not earlier or (here is None and len(earlier) < 2):
        raise NoPlan(f"{name} has no revision before the present one (there are: {there_are})")
    return sorted(earlier)[-1 if here is not None else -2]


def _template(replica_set: dict[str, Any]) -> dict[str, Any]:
    """Its template as the deployment had it: without the hash that the controller added."""
    template = dict(at(replica_set, "/spec/template") or {})
    metadata = dict(template.get("metadata") or {})
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}


def _differences(field: str, old: Any, new: Any) -> list[Change]:
    """Leaf by leaf, images first: what most undos are about. An environment may hold secrets: only that it differs."""
    lines = _walked(field, old, new)
    lines.sort(key=lambda change: (not change.field.endswith("image"), change.field))
    if len(lines) > MAX_LINES:
        rest = len(lines) - MAX_LINES
        lines = [*lines[:MAX_LINES], Change("…", None, f"and {rest} more fields")]
    return lines


def _walked(field: str, old: Any, new: Any) -> list[Change]:
    if old == new or (not old and not new and not isinstance(old, int) and not isinstance(new, int)):
        return []  # a null that the API server leaves out
    if isinstance(old, dict) and isinstance(new, dict):
        lines: list[Change] = []
        for key in sorted({*old, *new}):
            lines += _walked(f"{field}.{clean(str(key), 100)}", old.get(key), new.get(key))
        return lines
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        lines = []
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            name = one.get("name") if isinstance(one, dict) and isinstance(one.get("name"), str) else index
            lines += _walked(f"{field}[{clean(str(name), 60)}]", one, other)
        return lines
    if ".env" in field and field.endswith("value"):
        return [Change(field, "*** (before)", "*** (after)")]
    return [Change(field, _leaf(old), _leaf(new))]


def _leaf(value: Any) -> str | int | bool | None:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return clean(value, 200)
    return clean(msgspec.json.encode(value).decode(), 200)


def _tail(value: object) -> str:
    return str(value).rpartition("/")[2]


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None
