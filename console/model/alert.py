"""An alert as one or more Alertmanagers tell it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec


class Alert(msgspec.Struct, frozen=True):
    """One alert, the same fingerprint at several peers counted once."""

    fingerprint: str
    name: str
    severity: str  # the label, as it is: critical, warning, info, none, ""
    state: str  # active | suppressed | unprocessed
    starts_at: datetime
    summary: str
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()  # which Alertmanagers tell it


class Alerts(msgspec.Struct, frozen=True):
    """All alerts by fingerprint, and which peers answered."""

    alerts: Mapping[str, Alert]
    peers_answered: int
    peers_total: int
