"""nginx-rtmp: one page of statistics, three exporters with three vocabularies.

The frame rate is what the publisher's metadata declares, in all of them; nginx-rtmp measures none. A name that nobody
publishes to vanishes, so what these tell ends with the contribution. Asking the page itself (`[sites.X.ingest.NAME]`) tells
more than any of them.
"""

from __future__ import annotations

from console.sources.prometheus.packs.pack import Formula, Pack, by

_APP = by("application", "stream")
_STREAM = by("stream")
_NAMES = (("application", "stream"),)

RFRATTO = Pack(
    name="nginx-rtmp (rfratto)",
    presence=("rtmp_stream_bitrate_in",),
    names=_NAMES,
    protocol="rtmp",
    formulas=(
        Formula("ingest_bps", f'sum {_APP} (rtmp_stream_bitrate_in{{publisher!~"0?"}})'),
        Formula("reconnects", f'count {_APP} (last_over_time(rtmp_stream_bitrate_in{{publisher!~"0?"}}[5m])) - 1'),
        Formula(
            "fps_declared",
            f"max {by('application', 'stream', 'frame_rate')} (rtmp_stream_info)",
            label="frame_rate",
        ),
    ),
    trap="bitrates are bit/s already; frame_rate is declared, not measured",
)

KAYLENDOG = Pack(
    name="nginx-rtmp (kaylendog)",
    presence=("nginx_rtmp_stream_incoming_bandwidth",),
    names=_NAMES,
    protocol="rtmp",
    formulas=(
        Formula("ingest_bps", f"sum {_APP} (nginx_rtmp_stream_incoming_bandwidth)"),
        Formula("reconnects", f"max {_APP} (resets(nginx_rtmp_stream_incoming_bytes_total[5m]))"),
    ),
    trap="its README says bytes per second, and it passes on nginx-rtmp's bit/s; reconnects within a scrape are not seen",
)

MAURICIOABREU = Pack(
    name="nginx-rtmp (mauricioabreu)",
    presence=("nginx_rtmp_stream_receive_bytes",),
    names=(("stream",),),
    protocol="rtmp",
    formulas=(
        Formula("ingest_bps", f"8 * sum {_STREAM} (rate(nginx_rtmp_stream_incoming_bytes_total[$w]))"),
        Formula("reconnects", f"max {_STREAM} (resets(nginx_rtmp_stream_uptime_seconds_total[5m]))"),
    ),
    trap="`_receive_bytes` is Mibit/s, so the counter of bytes is asked; no application: equal names are one stream",
)
