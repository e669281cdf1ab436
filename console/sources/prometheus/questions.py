"""What doctor asks a Prometheus: who are you, and do you scrape anything."""

from __future__ import annotations

import msgspec

from console.sources.prometheus.client import PrometheusClient
from console.sources.sanitise import clean


class Build(msgspec.Struct, frozen=True):
    """What answers. Mimir and others give their own names here."""

    version: str = ""
    revision: str = ""
    application: str = ""


class Targets(msgspec.Struct, frozen=True):
    """How many scrape targets there are and how many answer; None when there is no `up` at all."""

    total: int | None
    up: int | None


async def build(client: PrometheusClient) -> Build:
    """Version and revision. Raises SourceError."""
    told = await client.get("/api/v1/status/buildinfo", Build)
    return Build(
        version=clean(told.version, 40),
        revision=clean(told.revision, 60),
        application=clean(told.application, 40),
    )


async def targets(client: PrometheusClient) -> Targets:
    """Two counts, one point each. Raises SourceError."""
    total = await client.query("count(up)")
    alive = await client.query("sum(up)")
    return Targets(
        total=int(total.series[0].value) if total.series else None,
        up=int(alive.series[0].value) if alive.series else None,
    )
