"""What can open or join an incident: an alert, or all renditions of one code on one channel, as one thing
with a cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from console.model.alert import Alert
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.incident import EntryKind
from console.model.severity import Layer, Severity

OPENING_LABELS = ("critical", "page")
JOINING_LABELS = (*OPENING_LABELS, "warning")
CAUSAL_LAYERS = (Layer.PACKAGE, Layer.TRANSCODE, Layer.ORIGIN, Layer.EDGE, Layer.INGEST)


class Member(msgspec.Struct, frozen=True):
    """One thing that belongs to an incident while it lasts and after."""

    key: str  # the same for the same thing at every step
    group: str  # "service:packager-emea", "channel:uk-sport-1", "alert:<fingerprint>"
    kind: EntryKind
    severity: Severity
    opens: bool  # whether it may open an incident, or only join one
    at: datetime
    text: str
    entity: str
    channel: str | None
    service: str | None
    layer: Layer | None
    is_over: bool = False
    code: str = ""  # of a finding
    node: str = ""  # "PoP lhr": what is at fault for many channels at once


def of_alerts(alerts: Mapping[str, Alert]) -> list[Member]:
    """Members of the active alerts. A watchdog (severity none) is no member."""
    members = []
    for alert in alerts.values():
        label = alert.severity.lower()
        if alert.state != "active" or label not in JOINING_LABELS:
            continue
        service, channel = alert.labels.get("service") or None, alert.labels.get("channel") or None
        group = f"service:{service}" if service else f"channel:{channel}" if channel else f"alert:{alert.fingerprint}"
        is_opening = label in OPENING_LABELS
        members.append(
            Member(
                key=f"alert:{alert.fingerprint}",
                group=group,
                kind=EntryKind.ALERT,
                severity=Severity.CRIT if is_opening else Severity.WARN,
                opens=is_opening,
                at=alert.starts_at,
                text=f"{alert.name}: {alert.summary}" if alert.summary else alert.name,
                entity=service or channel or alert.name,
                channel=channel,
                service=service,
                layer=None,
            )
        )
    return members


def of_verdicts(verdicts: Mapping[str, ChannelVerdict], channels: Mapping[str, Channel]) -> list[Member]:
    """Members of the findings: renditions with the same code and layer are one."""
    members = []
    for name, verdict in verdicts.items():
        groups: dict[tuple[str, Layer], list[Finding]] = {}
        for finding in verdict.findings:
            if finding.severity in (Severity.WARN, Severity.CRIT):
                groups.setdefault((finding.code, finding.layer), []).append(finding)
        members += [_of_findings(channels.get(name), group) for group in groups.values()]
    return members


def _of_findings(channel: Channel | None, group: list[Finding]) -> Member:
    lead = max(group, key=lambda finding: finding.severity.rank)
    service = service_of(channel, lead)
    renditions = [finding.rendition for finding in group if finding.rendition]
    named = f"{lead.code} {', '.join(renditions)}" if len(renditions) > 1 else lead.reason
    return Member(
        key=f"finding:{lead.entity}:{lead.code}:{lead.layer.value}",
        group=f"service:{service}" if service else f"channel:{lead.entity}",
        kind=EntryKind.FINDING,
        severity=lead.severity,
        opens=lead.severity is Severity.CRIT,
        at=min(finding.first_seen for finding in group),
        text=f"{lead.entity}: {named}",
        entity=lead.entity,
        channel=lead.entity,
        service=service,
        layer=lead.layer,
        code=lead.code,
    )


def service_of(channel: Channel | None, finding: Finding) -> str | None:
    """The workload that the finding points at; None when there is no one workload."""
    if channel is None or finding.layer not in CAUSAL_LAYERS:
        return None
    if finding.layer in (Layer.EDGE, Layer.ORIGIN):
        named = finding.evidence.get("vantages")
        at_fault = {finding.vantage} if finding.vantage else set(named if isinstance(named, list) else ())
        services = {v.service for v in channel.vantages if v.name in at_fault and v.layer is finding.layer}
        if len(services) == 1:
            found = services.pop()
            return found or channel.services.get(finding.layer.value)
        return None if finding.layer is Layer.EDGE else channel.services.get(finding.layer.value)
    return channel.services.get(finding.layer.value)
