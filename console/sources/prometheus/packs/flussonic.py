"""Flussonic, by the exporters in use for it: one names the stream `name`, another `stream`."""

from __future__ import annotations

from console.sources.prometheus.packs.pack import Formula, Pack, by

_BOTH = by("name", "stream")

FLUSSONIC = Pack(
    name="flussonic",
    presence=("flussonic_stream_retry_count", "flussonic_stream_input_bitrate_kbps"),
    names=(("name",), ("stream",)),
    formulas=(
        Formula("ingest_bps", f"1000 * sum {_BOTH} (flussonic_stream_input_bitrate_kbps)"),
        Formula("reconnects", f"max {_BOTH} (increase(flussonic_stream_retry_count[5m]))"),
    ),
    trap="a retry is one attempt to get the source back: an hour without a source is many",
)
