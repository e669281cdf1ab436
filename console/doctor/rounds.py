"""The visit to every backend of a site, all at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from console.config.root import Config
from console.config.site import Site
from console.doctor import alertmanager, elasticsearch, ingest, kubernetes, prometheus, streams
from console.doctor.diagnosis import Chart, Diagnosis
from console.model.failure import SourceError
from console.model.instant import Clock
from console.sources.loading import load

CEILING_S = 15.0

log = logging.getLogger(__name__)


async def examined(
    site: Site, config: Config, clock: Clock, ceiling_s: float = CEILING_S
) -> tuple[Diagnosis, ...]:
    """Every configured backend, in the order of the configuration's sections. No backend takes longer than `ceiling_s`,
    and none hides another.
    """
    names = config.scope
    await load(*_connectors(site))  # once and before the clocks run: an import is nobody's latency

    def visit(chart: Chart, ask: Callable[[], Awaitable[None]]) -> Awaitable[Chart]:
        return visited(chart, ask, ceiling_s)

    visits: list[Awaitable[Chart]] = []
    if site.prometheus is not None:
        chart = prometheus.chart(site.prometheus, clock)
        visits.append(visit(chart, lambda chart=chart: prometheus.ask(chart, site, names, clock)))  # type: ignore[misc]
    if site.alertmanager is not None:
        for peer, access in alertmanager.peers(site.alertmanager):
            chart = alertmanager.chart(peer, access, clock)
            visits.append(visit(chart, lambda c=chart, a=access: alertmanager.ask(c, a, clock)))  # type: ignore[misc]
    if site.elasticsearch is not None:
        backend = site.elasticsearch
        chart = elasticsearch.chart(backend, clock)
        visits.append(visit(chart, lambda chart=chart: elasticsearch.ask(chart, backend, names, clock)))  # type: ignore[misc]
    for cluster, target in site.kubernetes.items():
        chart = kubernetes.chart(cluster, target, clock)
        visits.append(
            visit(chart, lambda c=chart, n=cluster, t=target: kubernetes.ask(c, n, t, clock))  # type: ignore[misc]
        )
    for name, server in site.ingest.items():
        chart = ingest.chart(name, server, clock)
        visits.append(visit(chart, lambda c=chart, s=server: ingest.ask(c, s, clock)))  # type: ignore[misc]
    backends, channels = await asyncio.gather(asyncio.gather(*visits), streams.visits(site.channels, clock, visit))
    return tuple(chart.diagnosis() for chart in (*backends, *channels))


async def visited(chart: Chart, ask: Callable[[], Awaitable[None]], ceiling_s: float) -> Chart:
    """One visit to its end, however it ends."""
    try:
        async with asyncio.timeout(ceiling_s):
            await ask()
    except SourceError as error:
        chart.failed(error.failure)
    except TimeoutError:
        chart.lacks(f"not all was answered within {ceiling_s:g} s", "it answers too slowly, or not at all")
    except Exception as error:
        log.exception("doctor: the visit to %s", chart.name)
        chart.lacks(f"midwatch's own {type(error).__name__}", "a fault of midwatch itself: report it")
    return chart


def _connectors(site: Site) -> tuple[str, ...]:
    wanted = {
        "aiohttp": site.kubernetes or site.elasticsearch,
        "httpx": True,
        "prometheus_api_client": site.prometheus,
        "elasticsearch": site.elasticsearch,
    }
    return tuple(module for module, is_wanted in wanted.items() if is_wanted)
