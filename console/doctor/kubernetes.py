"""A Kubernetes cluster: its version, and what this credential may list and watch there."""

from __future__ import annotations

import asyncio

from console.assembly import kube_target
from console.config.site import Cluster
from console.doctor.diagnosis import Chart
from console.model.failure import SourceError
from console.model.instant import Clock
from console.sources.access import place
from console.sources.kubernetes.connection import Connection
from console.sources.kubernetes.questions import Questions

VERBS = ("list", "watch")
NAMESPACED = (("pods", ""), ("deployments", "apps"), ("events", ""))
CLUSTER_WIDE = (("nodes", ""),)
AT_ONCE = 6  # reviews


def chart(name: str, backend: Cluster, clock: Clock) -> Chart:
    """An empty one."""
    where = backend.all_urls[0] if backend.all_urls else None
    on = place("kubernetes", where) if where is not None else f"kubernetes context {backend.context or 'by default'}"
    return Chart(f"kubernetes {name}", "kubernetes", on, clock)


async def ask(chart: Chart, name: str, backend: Cluster, clock: Clock) -> None:
    """Raises SourceError when it cannot be asked at all."""
    async with Connection(kube_target(name, backend), clock) as connection:
        questions = Questions(connection)
        chart.version = await chart.first(questions.version)
        chart.dated(questions.server_date)
        await _rights(chart, questions, backend.namespaces)


async def _rights(chart: Chart, questions: Questions, namespaces: tuple[str, ...]) -> None:
    spaces: tuple[str | None, ...] = namespaces or (None,)
    wanted: list[tuple[str, str, str, str | None]] = [
        *((verb, resource, group, space) for space in spaces for resource, group in NAMESPACED for verb in VERBS),
        *((verb, resource, group, None) for resource, group in CLUSTER_WIDE for verb in VERBS),
    ]
    slots = asyncio.Semaphore(AT_ONCE)

    async def may(verb: str, resource: str, group: str, space: str | None) -> bool:
        async with slots:
            return (await questions.access_review(verb, resource, space, group)).is_allowed

    try:
        answers = await asyncio.gather(*(may(*one) for one in wanted))
    except SourceError as error:
        chart.note(f"what we may do there cannot be asked: {error.failure.got}")
        return
    refused: dict[tuple[str, str | None], list[str]] = {}
    for (verb, resource, _, space), is_allowed in zip(wanted, answers, strict=True):
        if not is_allowed:
            refused.setdefault((resource, space), []).append(verb)
    for (resource, space), verbs in refused.items():
        where = f"in namespace {space}" if space is not None else "in the whole cluster"
        is_node = resource == "nodes"
        chart.lacks(
            f"may not {' or '.join(verbs)} {resource} {where}",
            "nodes need a ClusterRole with list and watch on nodes (`view` has none)"
            if is_node
            else "bind ClusterRole view to this credential there",
        )
    if not refused:
        chart.told.append(f"may list and watch in {', '.join(namespaces) or 'all namespaces'}")
