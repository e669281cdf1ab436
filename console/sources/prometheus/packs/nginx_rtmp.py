"""nginx-rtmp: one page of statistics, three exporters with three vocabularies.

Rates are made of the counters of bytes: nginx-rtmp's own are 0 for the first ten seconds of every publisher. The frame rate
is what the publisher's metadata declares, in all of them; nginx-rtmp measures none. A name that nobody publishes to vanishes,
so what these tell ends with the contribution. Asking the page itself (`[sites.X.ingest.NAME]`) tells more than any of them.
"""

from __future__ import annotations

from console.sources.prometheus.packs.pack import Formula, Pack, by, filled_rate

_APP = by("application", "stream")
_STREAM = by("stream")
_NAMES = (("application", "stream"),)
_BYTES = "nginx_rtmp_stream_incoming_bytes_total"  # of two exporters, told apart by the label that one of them lacks
_OF_AN_APP, _OF_NONE = '{application!=""}', '{application=""}'
_PUBLISHED = '{publisher!~"0?"}'

RFRATTO = Pack(
    name="nginx-rtmp (rfratto)",
    presence=("rtmp_stream_bitrate_in",),
    names=_NAMES,
    protocol="rtmp",
    formulas=(
        Formula("ingest_bps", f"8 * sum {_APP} {filled_rate('rtmp_stream_bytes_read_total' + _PUBLISHED)}"),
        Formula("reconnects", f"count {_APP} (last_over_time(rtmp_stream_bitrate_in{_PUBLISHED}[5m])) - 1"),
        Formula(
            "fps_declared",
            f"max {by('application', 'stream', 'frame_rate')} (rtmp_stream_info)",
            label="frame_rate",
        ),
    ),
    trap="`_bitrate_in` is 0 for ten seconds, so the counter of bytes is asked; frame_rate is declared, not measured",
)

KAYLENDOG = Pack(
    name="nginx-rtmp (kaylendog)",
    presence=("nginx_rtmp_stream_incoming_bandwidth",),
    names=_NAMES,
    protocol="rtmp",
    formulas=(
        Formula("ingest_bps", f"8 * sum {_APP} {filled_rate(_BYTES + _OF_AN_APP)}"),
        Formula("reconnects", f"max {_APP} (resets({_BYTES}{_OF_AN_APP}[5m]))"),
    ),
    trap="`_incoming_bandwidth` is bit/s whatever its README says, and 0 for ten seconds; two returns within a scrape are one",
)

MAURICIOABREU = Pack(
    name="nginx-rtmp (mauricioabreu)",
    presence=("nginx_rtmp_stream_receive_bytes",),
    names=(("stream",),),
    protocol="rtmp",
    formulas=(
        Formula("ingest_bps", f"8 * sum {_STREAM} {filled_rate(_BYTES + _OF_NONE)}"),
        Formula("reconnects", f"max {_STREAM} (resets(nginx_rtmp_stream_uptime_seconds_total[5m]))"),
    ),
    trap="`_receive_bytes` is Mibit/s, so the counter of bytes is asked; no application: equal names are one stream",
)
