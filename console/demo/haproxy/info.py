"""`show info`: one process about itself, in the order and by the names of 2.6."""

from __future__ import annotations

from datetime import datetime

from console.demo.haproxy.balancer import Balancer, since_epoch
from console.demo.haproxy.layout import BACKENDS, FRONTENDS, MAXCONN, VERSION

_RATES = ("ConnRate", "ConnRateLimit", "MaxConnRate", "SessRate", "SessRateLimit", "MaxSessRate")


def _zeros(names: str) -> dict[str, object]:
    return dict.fromkeys(names.split(), 0)


def table(balancer: Balancer, t: datetime) -> str:
    up, process = balancer.uptime_s(t), balancer.at(t)
    current = sum(balancer.current(b, s, t) for b in BACKENDS for s in b.servers)
    total = sum(balancer.requests_total(backend, t) for backend in BACKENDS)
    rate = round(sum(balancer.sessions_per_s(backend, t) for backend in BACKENDS))
    days, rest = divmod(up, 86400)
    shown: dict[str, object] = {
        "Name": "HAProxy", "Version": VERSION, "Release_date": "2026/10/17", "Nbthread": 2, "Nbproc": 1,
        "Process_num": 1, "Pid": balancer.pid,
        "Uptime": f"{days}d {rest // 3600}h{rest // 60 % 60:02d}m{rest % 60:02d}s", "Uptime_sec": up,
        **_zeros("Memmax_MB PoolAlloc_MB PoolUsed_MB PoolFailed"),
        "Ulimit-n": 2 * MAXCONN + 39, "Maxsock": 2 * MAXCONN + 39, "Maxconn": MAXCONN, "Hard_maxconn": MAXCONN,
        "CurrConns": current, "CumConns": total, "CumReq": total,
        **_zeros("MaxSslConns CurrSslConns CumSslConns Maxpipes PipesUsed PipesFree"),
        **{name: 0 if name.endswith("Limit") else rate for name in _RATES},
        **_zeros("SslRate SslRateLimit MaxSslRate SslFrontendKeyRate SslFrontendMaxKeyRate "
                 "SslFrontendSessionReuse_pct SslBackendKeyRate SslBackendMaxKeyRate SslCacheLookups "
                 "SslCacheMisses CompressBpsIn CompressBpsOut CompressBpsRateLim"),
        "Tasks": 2 * current + 27, "Run_queue": 0, "Idle_pct": 92, "node": balancer.name, "Stopping": 0,
        "Jobs": current + 7, "Unstoppable Jobs": 0, "Listeners": len(FRONTENDS) + 2,
        **_zeros("ActivePeers ConnectedPeers DroppedLogs BusyPolling FailedResolutions"),
        "TotalBytesOut": sum(balancer.requests_total(b, t) * b.bytes_out for b in BACKENDS),
        "TotalSplicdedBytesOut": 0,
        "BytesOutRate": round(sum(balancer.sessions_per_s(b, t) * b.bytes_out for b in BACKENDS)),
        **_zeros("DebugCommandsIssued CumRecvLogs"), "Build info": VERSION,
        **_zeros("Memmax_bytes PoolAlloc_bytes PoolUsed_bytes"), "Start_time_sec": since_epoch(process.started),
        "Tainted": 0,
    }
    return "".join(f"{name}: {value}\n" for name, value in shown.items())
