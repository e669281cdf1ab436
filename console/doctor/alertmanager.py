"""Each peer of Alertmanager: its version, and whether it gossips."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from console.assembly import access
from console.config.backend import Backend
from console.doctor.diagnosis import Chart
from console.model.instant import Clock
from console.sources.access import Access, place
from console.sources.http import HttpBackend
from console.sources.meter import Meter
from console.sources.sanitise import clean

KIND = "alertmanager"


class _Version(msgspec.Struct):
    version: str = ""


class _Cluster(msgspec.Struct):
    status: str = ""
    peers: list[msgspec.Raw] | None = None


class _Status(msgspec.Struct, rename="camel"):
    version_info: _Version
    cluster: _Cluster = msgspec.field(default_factory=_Cluster)


_STATUS = msgspec.json.Decoder(_Status)


def peers(backend: Backend) -> Iterator[tuple[str, Access]]:
    """Host and port, and the way there."""
    for url in backend.all_urls:
        yield (
            urlsplit(url).netloc.rpartition("@")[2],
            msgspec.structs.replace(access(backend), urls=(url.rstrip("/"),)),
        )


def chart(peer: str, access: Access, clock: Clock) -> Chart:
    """An empty one."""
    return Chart(f"alertmanager {peer}", KIND, place(KIND, access.url), clock)


async def ask(chart: Chart, access: Access, clock: Clock) -> None:
    """Raises SourceError when the peer cannot be asked."""
    backend = HttpBackend(access, KIND, Meter(clock))
    try:
        fetched = await chart.first(lambda: backend.get("/api/v2/status", _STATUS, "read the status"))
    finally:
        await backend.close()
    chart.dated(fetched.server_date)
    chart.version = clean(fetched.value.version_info.version, 40)
    cluster = fetched.value.cluster
    if cluster.status in ("ready", "disabled"):
        members = len(cluster.peers or ())
        chart.told.append(f"cluster of {members}" if members else f"clustering {cluster.status}")
    else:
        chart.lacks(
            f"its cluster is {clean(cluster.status, 40) or 'in no state it tells'}, not ready",
            "its silences and notifications may differ from its peers'",
        )
