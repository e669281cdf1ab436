"""What each exporter exposes at its n-th scrape, in the words of that exporter."""

from __future__ import annotations

EVERY_S = 5


def mediamtx(
    n: int, *, new: bool = True, old: bool = False, path: str = "live/uk-sport-1", bps: int = 6_000_000, rtt_ms: float = 40.0,
    tsbpd_ms: int = 200, lost: int = 0, dropped: int = 0, received: int = 3000, conn: str = "c1", ready: bool = True,
) -> str:  # fmt: skip
    """`lost`, `dropped` and `received` packets a scrape."""
    state = "ready" if ready else "notReady"
    where = f'{{name="{path}",state="{state}"}}'
    total = n * bps * EVERY_S // 8
    lines = [f"paths{where} 1"]
    lines += [f"paths_inbound_bytes{where} {total}", f"paths_outbound_bytes{where} 0"] if new else []
    lines += [f"paths_bytes_received{where} {total}", f"paths_bytes_sent{where} 0"] if old else []
    if ready:
        srt = f'{{id="{conn}",path="{path}",remoteAddr="192.0.2.7:5000",state="publish"}}'
        for name, value in (
            ("", 1), ("_ms_rtt", rtt_ms), ("_ms_receive_tsb_pd_delay", tsbpd_ms), ("_packets_received", n * received),
            ("_packets_received_loss", n * lost), ("_packets_received_drop", n * dropped), ("_mbps_receive_rate", 6.01),
        ):  # fmt: skip
            lines.append(f"srt_conns{name}{srt} {value}")
        reader = f'{{id="r{n}",path="{path}",remoteAddr="192.0.2.9:5001",state="read"}}'
        lines += [f"srt_conns{reader} 1", f"srt_conns_ms_rtt{reader} 900"]
    return "\n".join([*lines, "rtmp_conns 0", "webrtc_sessions 0"])


def rfratto(n: int, *, stream: str = "uk-sport-1", bps: int = 6_000_000, publisher: str = "17", fps: str = "50") -> str:
    where = f'application="live",stream="{stream}",publisher="{publisher}"'
    return f"""
# HELP rtmp_stream_bitrate_in Current incoming bitrate for the given stream
# TYPE rtmp_stream_bitrate_in gauge
rtmp_stream_bitrate_in{{{where}}} {bps}
rtmp_stream_bytes_read_total{{{where}}} {n * bps * EVERY_S // 8}
rtmp_stream_current_clients{{{where}}} 2
rtmp_stream_uptime_seconds{{{where}}} {n * EVERY_S}
rtmp_stream_info{{{where},video_resolution="1920x1080",frame_rate="{fps}",video_codec="H264"}} 1
rtmp_server_bitrate_in {bps}
"""


def kaylendog(n: int, *, bps: int = 6_000_000, since: int = 0) -> str:
    where = '{application="live",stream="uk-sport-1"}'
    return f"""
nginx_rtmp_active_streams{{application="live"}} 1
nginx_rtmp_stream_incoming_bandwidth{where} {bps}
nginx_rtmp_stream_incoming_bytes_total{where} {(n - since) * bps * EVERY_S // 8}
nginx_rtmp_stream_bandwidth_video{where} {bps - 128_000}
nginx_rtmp_stream_publisher_avsync{where} -12
"""


def mauricioabreu(n: int, *, bps: int = 6_000_000, since: int = 0) -> str:
    where = '{stream="uk-sport-1"}'
    return f"""
nginx_rtmp_server_current_streams 1
nginx_rtmp_stream_incoming_bytes_total{where} {(n - since) * bps * EVERY_S // 8}
nginx_rtmp_stream_receive_bytes{where} {bps / 1048576}
nginx_rtmp_stream_uptime_seconds_total{where} {(n - since) * EVERY_S}
"""


def srs(n: int) -> str:
    return f"srs_receive_bytes_total {n * 3_750_000}\nsrs_streams 4\nsrs_clients 9\nsrs_clients_errs_total {n}"


def oven(n: int) -> str:
    where = '{vhost="default",app="live",stream="uk-sport-1"}'
    return f"oven_stream_bytes_in_total{where} {n * 6_000_000 * EVERY_S // 8}\noven_stream_client_total{where} 3"


def flussonic(n: int) -> str:
    where = '{name="uk-sport-1",server="flu-1"}'
    retries = max(0, n - 50)
    return (
        f"flussonic_stream_retry_count{where} {retries}\nflussonic_scrape_collector_success 1\n"
        'flussonic_stream_input_bitrate_kbps{stream="uk-sport-1"} 6000'
    )


def dcgm(n: int, use: int = 91) -> str:
    gpu = 'UUID="GPU-1",device="nvidia0",modelName="Tesla T4",Hostname="gpu-7",container="ffmpeg",namespace="live"'
    return (
        f'DCGM_FI_DEV_ENC_UTIL{{gpu="0",{gpu},exported_pod="transcoder-emea-5d9c-x2"}} {use}\n'
        f'DCGM_FI_DEV_ENC_UTIL{{gpu="1",{gpu},exported_pod="transcoder-emea-5d9c-x2"}} 12'
    )


def nginx_vts(n: int) -> str:
    lines = []
    for host, hits in (("edge-lhr.example", 97), ("*", 50)):
        for status, a_scrape in (("hit", hits - 1), ("stale", 1), ("miss", 100 - hits), ("expired", 0)):
            lines.append(f'nginx_vts_server_cache_total{{host="{host}",status="{status}"}} {n * a_scrape}')
    return "\n".join(lines)
