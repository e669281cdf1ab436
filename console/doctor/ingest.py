"""An ingest server that is asked itself: whether its page of statistics can be read, and what it carries."""

from __future__ import annotations

from console.assembly import access
from console.config.ingest import IngestServer
from console.doctor.diagnosis import Chart
from console.model.instant import Clock
from console.sources.access import place
from console.sources.http import HttpBackend
from console.sources.meter import Meter
from console.sources.nginx_rtmp.page import MAX_BYTES, Decoder
from console.sources.nginx_rtmp.source import KIND


def chart(name: str, server: IngestServer, clock: Clock) -> Chart:
    """An empty one."""
    return Chart(f"ingest {name}", KIND, place(KIND, server.all_urls[0]), clock)


async def ask(chart: Chart, server: IngestServer, clock: Clock) -> None:
    """Raises SourceError when it cannot be asked, or answers with anything else."""
    backend = HttpBackend(access(server), KIND, Meter(clock))
    try:
        fetched = await chart.first(
            lambda: backend.get("", Decoder(), "read the RTMP statistics", max_bytes=MAX_BYTES)
        )
    finally:
        await backend.close()
    chart.dated(fetched.server_date)
    page = fetched.value
    chart.version = page.version
    publishing = sum(stream.publisher is not None for stream in page.streams)
    chart.told.append(f"{publishing} of {len(page.streams)} streams published")
    if page.streams and not publishing:
        chart.note("no stream names its publisher", "`rtmp_stat all` tells clients, `rtmp_stat live` does not")
