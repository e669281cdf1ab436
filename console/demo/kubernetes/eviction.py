"""pods/{name}/eviction: a deletion that asks the disruption budget first.

As the real one: the budget is used up before the pod is deleted (a precondition that then fails has burnt it until
the controller looks again), a dry run uses nothing up and so is never cumulative, and two budgets over one pod are
a 500 that no retry heals.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from console.demo.kubernetes import status
from console.demo.kubernetes.matching import requirements, selects
from console.demo.kubernetes.request import ApiPath
from console.demo.kubernetes.serving import Serving
from console.demo.kubernetes.store import Stored, stamp
from console.demo.kubernetes.views import View
from console.demo.kubernetes.writing import Writer, json_body, options_of

Object = dict[str, Any]
_V1, _V1BETA1 = "policy/v1", "policy/v1beta1"
_KNOWS_V1, _KNOWS_POLICY, _SAYS_WHEN = 22, 26, 22
RETRY_S = 10
BUDGETS = "poddisruptionbudgets.policy"


async def answer(asked: web.Request, serving: Serving, view: View, path: ApiPath) -> Object:
    """The 201 Success, or raises ApiError 400, 404, 409, 429, 500."""
    how = options_of(asked, "CreateOptions")
    given = await json_body(asked, "Eviction")
    minor = serving.catalogue.minor
    version, kind = given.get("apiVersion"), given.get("kind", "Eviction")
    known = (_V1, _V1BETA1) if minor >= _KNOWS_V1 else (_V1BETA1,)
    if version is not None and (kind != "Eviction" or version not in known):
        short = str(version).rpartition("/")[2]
        raise status.bad_request(
            f'{kind} in version "{short}" cannot be handled as a Eviction: no kind "{kind}" is registered for version '
            f'"{version}" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"')
    metadata = given.get("metadata") or {}
    if metadata.get("name") != path.name:
        raise status.bad_request("name in URL does not match name in Eviction object")
    options = dict(given.get("deleteOptions") or {})
    if how.dry:
        options["dryRun"] = ["All"]
    writer = Writer(serving)
    pod = writer.stored(view.resource, path)
    if not _goes_freely(pod.read()):
        _ask_budget(serving, pod, "All" in (options.get("dryRun") or []))
        pod = writer.stored(view.resource, path)
    writer.deletion(view, pod, options)
    return status.success(201)


def _goes_freely(pod: Object) -> bool:
    """Of what no budget protects: it is not running, or is going already."""
    return pod["status"].get("phase") in ("Pending", "Succeeded", "Failed") or bool(
        pod["metadata"].get("deletionTimestamp"))


def _ready(pod: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def budgets_of(serving: Serving, pod: Stored) -> list[Stored]:
    found = []
    for one in serving.store.shelf(BUDGETS).current.values():
        if one.namespace == pod.namespace:
            selector = one.read()["spec"].get("selector")
            if selector is not None and selects(requirements(selector), pod.labels):
                found.append(one)
    return found


def _ask_budget(serving: Serving, pod: Stored, dry: bool) -> None:
    budgets = budgets_of(serving, pod)
    if len(budgets) > 1:
        raise status.internal(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
    if not budgets:
        return
    stored, minor = budgets[0], serving.catalogue.minor
    budget = stored.read()
    state = budget["status"]
    if not _ready(pod.read()) and minor >= _KNOWS_POLICY:
        healthy = state.get("currentHealthy", 0) >= state.get("desiredHealthy", 0) > 0
        if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow" or healthy:
            return
    if state.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        error = status.disruption_budget(
            f"The disruption budget {stored.name} is still being processed by the server.")
        if minor >= _SAYS_WHEN and error.body is not None:
            error.body["details"]["retryAfterSeconds"] = RETRY_S
            error.headers["Retry-After"] = str(RETRY_S)
        raise error
    if state.get("disruptionsAllowed", 0) <= 0:
        raise status.disruption_budget(
            f"The disruption budget {stored.name} needs {state.get('desiredHealthy', 0)} healthy pods and has "
            f"{state.get('currentHealthy', 0)} currently")
    if dry:
        return
    state["disruptionsAllowed"] -= 1
    state["disruptedPods"] = {**(state.get("disruptedPods") or {}), pod.name: stamp(serving.clock())}
    serving.store.apply({"kind": "PodDisruptionBudget", "apiVersion": _V1, **budget})
