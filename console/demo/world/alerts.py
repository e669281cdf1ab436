"""The alerts that fire at a moment: `Watchdog` always, a fault's own while it lasts.

Kept apart from alertmanager.py so that a rules page or an `ALERTS` series can show the same ones.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from console.demo.world.names import CHANNEL
from console.demo.world.scenario import Fault
from console.demo.world.world import World


class Alert(msgspec.Struct, frozen=True):
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    expression: str
    """PromQL of the rule that fires it."""
    receiver: str


def _of_fault(fault: Fault) -> Alert | None:
    if fault.alert == "EdgeStale":
        channel = fault.entities[0]
        edges = ", ".join(fault.vantages)
        return Alert(
            {"alertname": "EdgeStale", "channel": channel, "region": CHANNEL[channel].region,
             "severity": "critical", "namespace": "live"},
            {"summary": f"{channel} is stale at {edges}",
             "description": f"{', '.join(fault.renditions)} has not grown at {edges}; the origin is fresh."},
            fault.alert_at, f'channel_rebuffer_ratio{{channel="{channel}"}} > 0.01', "video-oncall")
    if fault.alert == "PackagerPublishLate" and fault.service is not None:
        return Alert(
            {"alertname": "PackagerPublishLate", "service": fault.service,
             "region": CHANNEL[fault.entities[0]].region, "severity": "critical", "namespace": "live"},
            {"summary": f"{fault.service} publishes late",
             "description": f"No segment of {', '.join(fault.entities)} has been published in time."},
            fault.alert_at, f'packager_publish_delay_seconds{{service="{fault.service}"}} > 8',
            "video-oncall")
    return None


def alerts(world: World, t: datetime) -> tuple[Alert, ...]:
    """Those firing at `t`; a healed fault's alert is resolved and no longer among them."""
    watchdog = Alert(
        {"alertname": "Watchdog", "severity": "none"},
        {"summary": "Always firing: the way from rule to receiver works."},
        world.start - timedelta(days=6), "vector(1)", "deadman")
    firing = [watchdog]
    for fault in world.faults(t):
        alert = _of_fault(fault)
        if alert is not None and t >= alert.starts_at:
            firing.append(alert)
    return tuple(firing)
