"""The alerts that fire at a moment: `Watchdog` always, a fault's own while it lasts.

Kept apart from alertmanager.py so that a rules page or an `ALERTS` series can show the same ones.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from console.demo.world.names import CHANNEL, TARGET_DURATION_S, VANTAGE
from console.demo.world.scenario import ALERT_AFTER_S, DOOR, Fault
from console.demo.world.world import World


class Alert(msgspec.Struct, frozen=True):
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    expression: str
    """PromQL of the rule that fires it."""
    receiver: str


def _of_fault(world: World, fault: Fault, t: datetime) -> list[Alert]:
    match fault.alert:
        case "EdgeStale":
            channel = fault.entities[0]
            edges = ", ".join(fault.vantages)
            return [Alert(
                {"alertname": "EdgeStale", "channel": channel, "region": CHANNEL[channel].region,
                 "severity": "critical", "namespace": "live"},
                {"summary": f"{channel} is stale at {edges}",
                 "description": f"{', '.join(fault.renditions)} has not grown at {edges}; the origin is fresh."},
                fault.alert_at, f'channel_rebuffer_ratio{{channel="{channel}"}} > 0.01', "video-oncall")]
        case "PackagerPublishLate":
            return [_publish_late(fault)]
        case "IngestUnstable":
            return [_unstable(channel, fault) for channel in fault.entities]
        case "EdgeSlow":
            return [_slow(fault)]
        case "KubeNodeNotReady":
            late = [_publish_late(fault)] if any(world.gone_since(channel, t) for channel in fault.entities) else []
            return [*late, _not_ready(fault)]
        case "EntitlementPoolExhausted":
            return [_exhausted(fault), _rejected(fault)]
        case "EdgeEgressNearCapacity":
            return [_near_capacity(fault), _refused(fault)]
    return []


def _publish_late(fault: Fault) -> Alert:
    region = CHANNEL[fault.entities[0]].region
    service = fault.service or CHANNEL[fault.entities[0]].packager
    return Alert(
        {"alertname": "PackagerPublishLate", "service": service, "region": region, "severity": "critical",
         "namespace": "live"},
        {"summary": f"{service} publishes late",
         "description": f"No segment of {', '.join(fault.entities)} has been published in time."},
        fault.start + timedelta(seconds=ALERT_AFTER_S),
        f'packager_publish_delay_seconds{{service="{service}"}} > 8', "video-oncall")


def _unstable(channel: str, fault: Fault) -> Alert:
    ratio = (f'avg_over_time(channel_ingest_bps{{channel="{channel}"}}[1m]) / '
             f'channel_ingest_declared_bps{{channel="{channel}"}}')
    return Alert(
        {"alertname": "IngestUnstable", "channel": channel, "region": CHANNEL[channel].region,
         "severity": "critical", "namespace": "live"},
        {"summary": f"the contribution of {channel} comes and goes",
         "description": f"Less than 90 % of what the encoder of {channel} declared has arrived in the last minute."},
        fault.alert_at, f"{ratio} < 0.9", "video-oncall")


def _slow(fault: Fault) -> Alert:
    edges, cdn = ", ".join(fault.vantages), VANTAGE[fault.vantages[0]].cdn or ""
    return Alert(
        {"alertname": "EdgeSlow", "cdn": cdn, "severity": "critical", "namespace": "live"},
        {"summary": f"{edges} of CDN {cdn} send segments slower than they play",
         "description": f"A segment of {', '.join(fault.renditions)} takes longer than {TARGET_DURATION_S} s."},
        fault.alert_at, f'max by (cdn) (edge_segment_delivery_seconds{{cdn="{cdn}"}}) > {TARGET_DURATION_S}',
        "video-oncall")


def _not_ready(fault: Fault) -> Alert:
    """A warning, as in the usual rules: who is hit by it has an alert of its own."""
    node = fault.node or ""
    return Alert(
        {"alertname": "KubeNodeNotReady", "node": node, "region": CHANNEL[fault.entities[0]].region,
         "severity": "warning"},
        {"summary": f"{node} is not ready", "description": f"{node} has been unready for more than 15 s."},
        fault.alert_at,
        f'kube_node_status_condition{{condition="Ready",node="{node}",status="true"}} == 0', "video-oncall")


def _exhausted(fault: Fault) -> Alert:
    service = fault.entities[0]
    return Alert(
        {"alertname": "EntitlementPoolExhausted", "service": service, "severity": "critical", "namespace": "platform"},
        {"summary": f"{service} has no free database connection",
         "description": "Entitlement checks fail: video on demand does not start for whoever is not in a cache."},
        fault.alert_at, "entitlement_db_connections_in_use / entitlement_db_connections_max > 0.98", "platform-oncall")


def _rejected(fault: Fault) -> Alert:
    """A warning: nobody watches worse because logs come late."""
    return Alert(
        {"alertname": "LogShippersRejected", "service": "log-shipper", "severity": "warning", "namespace": "platform"},
        {"summary": "Elasticsearch rejects bulk requests, logs come late",
         "description": "The shippers' queues fill. When they are full, the oldest lines are lost."},
        fault.start + timedelta(seconds=45), "rate(logshipper_bulk_rejected_total[1m]) > 1", "platform-oncall")


def _near_capacity(fault: Fault) -> Alert:
    edge = fault.entities[0]
    vantage = VANTAGE[edge]
    return Alert(
        {"alertname": "EdgeEgressNearCapacity", "service": edge, "pop": vantage.pop or "", "cdn": vantage.cdn or "",
         "region": vantage.region, "severity": "critical", "namespace": "live"},
        {"summary": f"{edge} sends more than 92 % of what it can",
         "description": f"New viewers of {edge} are turned away. Move traffic to another CDN, or add capacity."},
        fault.alert_at,
        f'sum(rate(edge_bytes_total{{pop="{vantage.pop}"}}[1m])) * 8 > 0.92 * sum(edge_capacity_bps{{pop="{vantage.pop}"}})',
        "video-oncall")


def _refused(fault: Fault) -> Alert:
    return Alert(
        {"alertname": "SessionsRefused", "service": DOOR, "severity": "warning", "namespace": "platform"},
        {"summary": f"{DOOR} refuses new sessions",
         "description": f"New viewers are told to come again. Is the autoscaler of {DOOR} at its maximum?"},
        fault.start + timedelta(seconds=60), "rate(session_refused_total[1m]) > 1", "platform-oncall")


def alerts(world: World, t: datetime) -> tuple[Alert, ...]:
    """Those firing at `t`; a healed fault's alert is resolved and no longer among them."""
    watchdog = Alert(
        {"alertname": "Watchdog", "severity": "none"},
        {"summary": "Always firing: the way from rule to receiver works."},
        world.start - timedelta(days=6), "vector(1)", "deadman")
    firing = [watchdog]
    for fault in world.faults(t):
        firing += [alert for alert in _of_fault(world, fault, t) if t >= alert.starts_at]
    return tuple(firing)
