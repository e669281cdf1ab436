"""MediaMTX, with the names before and after its `inbound`/`outbound` renaming.

A path that nobody publishes to is there with `state="notReady"`, which is how it is told from one that is not known. Its
connections carry the path from 1.9 on; older ones name only an id, and their SRT figures belong to no channel.
"""

from __future__ import annotations

from console.sources.prometheus.packs.pack import Formula, Pack, by, filled_rate

_PATH, _CONN = by("name"), by("path")
_IN = '{state="publish"}'
_READY = '{state="ready"}'
_PUBLISHERS = '{__name__=~"(srt|rtmps?)_conns|(rtsps?|webrtc)_sessions",state="publish"}'


def _rate(of: str) -> str:
    return f"sum {_CONN} (rate(srt_conns_packets_received{of}{_IN}[$w]))"


def _called(protocol: str, metric: str) -> str:
    return f'label_replace(max {_CONN} ({metric}{_IN}), "protocol", "{protocol}", "", "")'


MEDIAMTX = Pack(
    name="mediamtx",
    presence=("paths_inbound_bytes", "paths_bytes_received", "srt_conns_ms_rtt"),
    names=(("name",), ("path",)),
    formulas=(
        Formula(
            "ingest_bps",
            f"8 * sum {_PATH} ({filled_rate('paths_inbound_bytes' + _READY)} or "
            f"{filled_rate('paths_bytes_received' + _READY)})",
        ),
        Formula(
            "publishers",
            'sum by (name) (paths{state="ready"}) or 0 * sum by (name) (paths{state="notReady"})',
        ),
        Formula("reconnects", f"count {_CONN} (last_over_time({_PUBLISHERS}[5m])) - 1"),
        Formula(
            "protocol",
            " or ".join(
                _called(protocol, metric)
                for protocol, metric in (
                    ("srt", "srt_conns"),
                    ("rtmp", "rtmp_conns"),
                    ("rtmps", "rtmps_conns"),
                    ("rtsp", "rtsp_sessions"),
                    ("webrtc", "webrtc_sessions"),
                )
            ),
            label="protocol",
        ),
        Formula("rtt_s", f"max {_CONN} (srt_conns_ms_rtt{_IN}) / 1000"),
        Formula("loss_ratio", f"{_rate('_loss')} / ({_rate('')} + {_rate('_loss')})"),
        Formula("drop_ratio", f"{_rate('_drop')} / ({_rate('')} + {_rate('_drop')})"),
        Formula(
            "latency_budget",
            f"min {_CONN} (srt_conns_ms_receive_tsb_pd_delay{_IN} / (srt_conns_ms_rtt{_IN} > 0))",
        ),
    ),
    trap="`_loss` was asked for again and came; only `_drop` is missing from the picture",
)
