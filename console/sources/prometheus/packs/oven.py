"""OvenMediaEngine, by genofire's oven-exporter."""

from __future__ import annotations

from console.sources.prometheus.packs.pack import Formula, Pack, by, filled_rate

OVEN = Pack(
    name="ovenmediaengine",
    presence=("oven_stream_bytes_in_total",),
    names=(("app", "stream"),),
    formulas=(Formula("ingest_bps", f"8 * sum {by('app', 'stream')} {filled_rate('oven_stream_bytes_in_total')}"),),
    trap="oven_stream_client_total is a gauge despite its name",
)
