"""One call of Alertmanager's webhook, version 4, read without belief.

The envelope is read as a whole and each alert by itself, so that one that cannot be read hides no other: it is counted. What
Alertmanager guarantees (fingerprints, a group key, a status that is one of two words) somebody else with its token does not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from console.model.severity import Severity

VERSION = "4"
MOST_ALERTS = 20_000  # of one call; the rest is counted
MOST_LABELS = 64
MOST_LEFT_OUT = 10**9
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_CRIT = ("critical", "crit", "page", "emergency", "fatal", "error", "p0", "p1", "sev0", "sev1")
_WARN = ("warning", "warn", "high", "medium", "p2", "p3", "sev2", "sev3")


class Unreadable(Exception):
    """No notification; the text says what was expected and where, and quotes nothing of it."""


class Told(msgspec.Struct, frozen=True):
    """One alert of a call. Labels and annotations are foreign text, as it came."""

    fingerprint: str  # 16 hexadecimal digits
    is_firing: bool
    since: float  # startsAt, seconds of UTC
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def severity(self) -> Severity:
        """By the label. An alert without one is not known to be harmless."""
        word = self.labels.get("severity", self.labels.get("priority", "")).strip().lower()
        return Severity.CRIT if word in _CRIT else Severity.WARN if word in _WARN else Severity.UNKNOWN


class Notification(msgspec.Struct, frozen=True):
    """One call."""

    group: str  # 16 hexadecimal digits of groupKey
    labels: Mapping[str, str]  # groupLabels
    alerts: tuple[Told, ...]
    left_out: int = 0  # truncatedAlerts, and what was beyond MOST_ALERTS
    unreadable: int = 0


class _Envelope(msgspec.Struct, rename="camel"):
    version: str
    alerts: list[msgspec.Raw]
    group_key: str = ""
    receiver: str = ""
    truncated_alerts: int = 0
    group_labels: dict[str, str] | None = None


class _Alert(msgspec.Struct, rename="camel"):
    status: str
    starts_at: datetime
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    fingerprint: str = ""


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ALERT = msgspec.json.Decoder(_Alert)


def read(body: bytes | bytearray) -> Notification:
    """Blocks for some milliseconds a megabyte. Raises Unreadable."""
    try:
        told = _ENVELOPE.decode(body)
    except msgspec.ValidationError as wrong:
        raise Unreadable(f"this is not what Alertmanager's webhook sends: {wrong}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unreadable("the body is not JSON") from None
    except RecursionError:
        raise Unreadable("the body is nested too deeply") from None
    if told.version != VERSION:
        raise Unreadable(f'version is not "{VERSION}": this midwatch knows no other of Alertmanager\'s webhook')
    if not told.alerts:
        raise Unreadable("there is no alert in it")
    alerts: dict[str, Told] = {}
    unreadable = 0
    for raw in told.alerts[:MOST_ALERTS]:
        try:
            alert = _told(_ALERT.decode(raw))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, ValueError):
            unreadable += 1
            continue
        known = alerts.get(alert.fingerprint)
        # two of one fingerprint: the later one is what holds
        if known is None or (alert.since, not alert.is_firing) >= (known.since, not known.is_firing):
            alerts[alert.fingerprint] = alert
    if not alerts:
        raise Unreadable(f"none of its {unreadable} alerts can be read: each needs status, labels and startsAt")
    labels = _bounded(told.group_labels)
    key = told.group_key or "\0".join((told.receiver, *(f"{name}={value}" for name, value in sorted(labels.items()))))
    return Notification(
        group=_digits(key),
        labels=labels,
        alerts=tuple(alerts.values()),
        left_out=min(MOST_LEFT_OUT, max(0, told.truncated_alerts) + max(0, len(told.alerts) - MOST_ALERTS)),
        unreadable=unreadable,
    )


def _told(alert: _Alert) -> Told:
    """Raises ValueError for a status that is none."""
    if alert.status not in ("firing", "resolved"):
        raise ValueError("status is neither firing nor resolved")
    labels = _bounded(alert.labels)
    fingerprint = alert.fingerprint
    if not _FINGERPRINT.fullmatch(fingerprint):
        fingerprint = _digits(fingerprint or "\0".join(f"{name}={value}" for name, value in sorted(labels.items())))
    since = alert.starts_at if alert.starts_at.tzinfo is not None else alert.starts_at.replace(tzinfo=UTC)
    return Told(
        fingerprint=fingerprint,
        is_firing=alert.status == "firing",
        since=since.timestamp(),
        labels=labels,
        annotations=_bounded(alert.annotations),
    )


def _bounded(pairs: Mapping[str, str] | None) -> dict[str, str]:
    return dict(list((pairs or {}).items())[:MOST_LABELS])


def _digits(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
