"""Prometheus: who it is, whether it scrapes, and whether each expression of the configuration answers."""

from __future__ import annotations

import asyncio

from console.assembly import access, measure_queries
from console.config.backend import Backend
from console.config.scope import ScopeNames
from console.config.site import Measures, Site
from console.doctor.diagnosis import Chart
from console.model.failure import FailureKind, SourceError
from console.model.instant import Clock
from console.sources.access import place
from console.sources.meter import Meter
from console.sources.prometheus import questions
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.presence import Presence

OPTIONAL = ("ingest_declared_bps", "ingest_reconnects")  # nobody is told off for not having what he did not ask for


def chart(backend: Backend, clock: Clock) -> Chart:
    """An empty one."""
    return Chart("prometheus", "prometheus", place("prometheus", backend.all_urls[0]), clock)


async def ask(chart: Chart, site: Site, names: ScopeNames, clock: Clock) -> None:
    """Raises SourceError when it cannot be asked at all."""
    assert site.prometheus is not None
    client = PrometheusClient(access(site.prometheus), clock, Meter(clock))
    try:
        await _greet(chart, client)
        await _targets(chart, client)
        await _expressions(chart, client, site, names)
        await _packs(chart, client, clock)
    finally:
        await client.close()


async def _greet(chart: Chart, client: PrometheusClient) -> None:
    try:
        build = await chart.first(lambda: questions.build(client))
    except SourceError as error:
        if error.failure.kind is not FailureKind.NOT_FOUND:
            raise
        chart.note("it does not tell its version (no /api/v1/status/buildinfo)")
    else:
        chart.version = " ".join(filter(None, (build.application, build.version)))


async def _targets(chart: Chart, client: PrometheusClient) -> None:
    chart.dated((await client.query("count(up)")).server_date)
    targets = await questions.targets(client)
    if targets.total is None:
        chart.note("there is no series `up`: it scrapes nothing itself")
    else:
        chart.told.append(f"{targets.up} of {targets.total} targets up")


async def _expressions(chart: Chart, client: PrometheusClient, site: Site, names: ScopeNames) -> None:
    """A gauge needs exactly one series, a measure at least one that names a channel."""
    slots = asyncio.Semaphore(client.workers)

    async def labels_of(expression: str) -> list[frozenset[str]] | str:
        """The label names of each series, or why there is none."""
        async with slots:
            try:
                answered = await client.query(expression)
            except SourceError as error:
                return error.failure.got
        return [frozenset(series.labels) for series in answered.series]

    parts = [
        (f"gauge `{gauge.name}` {part}", expression)
        for gauge in site.gauges
        for part, expression in (("used", gauge.used), ("total", gauge.total))
        if expression is not None
    ]
    label = names.channel.prometheus
    has_channels = bool(site.channels.files or site.channels.urls or site.channels.inline)
    measures = measure_queries(site.measures, label) if has_channels and label else {}
    answers = await asyncio.gather(*(labels_of(expression) for _, expression in parts))
    for (what, _), found in zip(parts, answers, strict=True):
        if isinstance(found, str):
            chart.lacks(f"{what}: {found}", "check the expressions of [[sites.NAME.gauges]]")
        elif len(found) != 1:
            told = f"{len(found)} series, expected 1" if found else "no data"
            chart.lacks(f"{what}: {told}", "each expression of [[sites.NAME.gauges]] must answer with one series")
    if parts:
        chart.told.append(f"{len(site.gauges)} gauge{'s' * (len(site.gauges) != 1)} asked")
    answers = await asyncio.gather(*(labels_of(expression) for expression in measures.values()))
    for what, found in zip(measures, answers, strict=True):
        if what in OPTIONAL and not found and getattr(site.measures, what) == getattr(Measures(), what):
            continue
        advice = f"[sites.NAME.measures]: one series per channel with the label {label}; empty: not asked"
        if isinstance(found, str):
            chart.lacks(f"measure {what}: {found}", advice)
        elif not found:
            chart.lacks(f"measure {what}: no data", advice)
        elif not any(label in labels for labels in found):
            chart.lacks(f"measure {what}: no series has the label {label}", advice)


async def _packs(chart: Chart, client: PrometheusClient, clock: Clock) -> None:
    """Which exporters are recognised: what fills the columns of ingest and edges."""
    try:
        present = await Presence(client, clock).ask()
    except SourceError as error:
        chart.note(f"which exporters it scrapes cannot be asked: {error.failure.got}")
        return
    if present:
        chart.told.append(f"recognised: {', '.join(here.pack.name for here in present)}")
    for here in present:
        if not here.pack.formulas:
            chart.note(f"{here.pack.name}: {here.pack.trap}")
