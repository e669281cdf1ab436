"""The last change of the workloads that serve a channel: the first thing one asks, in one cell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from console.model.channel import Channel
from console.model.joined import Workloads


class Change(msgspec.Struct, frozen=True):
    """One rollout, as far as the cluster tells when it last made headway."""

    service: str
    version: str
    at: datetime

    @property
    def text(self) -> str:
        """ "packager-emea 3.8.2"."""
        return " ".join(part for part in (self.service, self.version) if part)


def changes_of(workloads: Workloads, before: Mapping[str, Change] = {}) -> dict[str, Change]:
    """The newest change by service; a first deployment is none. A deployment whose pods crash makes "headway" again and again:
    what was told `before` of the same version keeps its time.
    """
    newest: dict[str, Change] = {}
    for deployment in workloads.deployments.values():
        at, service = deployment.progress_at, deployment.service or deployment.name
        if at is None or deployment.revision in (None, 1):
            continue
        if service not in newest or newest[service].at < at:
            newest[service] = Change(service, deployment.version or f"revision {deployment.revision}", at)
    for service, change in newest.items():
        known = before.get(service)
        if known is not None and known.version == change.version and known.at < change.at:
            newest[service] = known
    return newest


def last_change(channel: Channel, changes: Mapping[str, Change]) -> Change | None:
    """The newest of what serves this channel; None when nothing of it is known to have changed."""
    newest: Change | None = None
    for service in (*channel.services.values(), *[vantage.service for vantage in channel.vantages]):
        found = changes.get(service) if service else None
        if found is not None and (newest is None or newest.at < found.at):
            newest = found
    return newest
