"""What can open or join an incident: an alert, or all renditions of one code on one channel, as one thing
with a cause.
"""

from __future__ import annotations

from collections.abc import Mapping

from console.model.alert import Alert
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.incident import EntryKind, Member
from console.model.severity import Layer, Severity

OPENING_LABELS = ("critical", "page")
JOINING_LABELS = (*OPENING_LABELS, "warning")
NAMING_LABELS = ("pod", "deployment", "statefulset", "daemonset", "replicaset", "job_name", "service", "workload")
CAUSAL_LAYERS = (Layer.PACKAGE, Layer.TRANSCODE, Layer.ORIGIN, Layer.EDGE, Layer.INGEST)


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
                namespaces=namespaces_of(alert.labels),
                names=names_of(alert.labels),
            )
        )
    return members


def namespaces_of(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Every namespace that an alert is about: `namespace`, `exported_namespace` and their like."""
    return tuple(dict.fromkeys(v for k, v in labels.items() if v and (k == "ns" or k.lower().endswith("namespace"))))


def names_of(labels: Mapping[str, str]) -> tuple[str, ...]:
    """The workloads and pods that its labels name."""
    return tuple(dict.fromkeys(labels[k] for k in NAMING_LABELS if labels.get(k)))


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
