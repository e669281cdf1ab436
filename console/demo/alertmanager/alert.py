"""An alert as the v2 API shows it, silenced or not."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote_plus

from console.demo.world.alerts import Alert
from console.demo.world.truth import rfc3339

RESEND = timedelta(minutes=1)
"""Prometheus tells of a firing alert again this often; `endsAt` lies four times as far ahead."""
PEER_LAG_S = 0.037


def fingerprint(labels: dict[str, str]) -> str:
    """prometheus/common's Fingerprint: FNV-1a, 64 bit, names and values in name order, each ended by 0xFF. It
    survives a restart, so an alert keeps its link."""
    total = 14695981039346656037
    for name in sorted(labels):
        for byte in (*name.encode(), 0xFF, *labels[name].encode(), 0xFF):
            total = ((total ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"{total:016x}"


def gettable(alert: Alert, t: datetime, peer: int, silenced_by: list[str]) -> dict[str, object]:
    """`updatedAt` never lies before `startsAt` nor after `t`. `silenced_by`: ids of the active silences."""
    resent = alert.starts_at + (t - alert.starts_at) // RESEND * RESEND
    updated = min(t, resent + timedelta(seconds=PEER_LAG_S * (1 + 2 * peer)))
    state = "suppressed" if silenced_by else "active"
    return {
        "annotations": alert.annotations,
        "endsAt": rfc3339(updated + 4 * RESEND),
        "fingerprint": fingerprint(alert.labels),
        "receivers": [{"name": alert.receiver}],
        "startsAt": rfc3339(alert.starts_at),
        "status": {"inhibitedBy": [], "silencedBy": silenced_by, "state": state},
        "updatedAt": rfc3339(updated),
        "generatorURL": f"http://prometheus.midwatch.test/graph?g0.expr={quote_plus(alert.expression)}&g0.tab=1",
        "labels": alert.labels,
    }
