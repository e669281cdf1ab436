"""What a session sees of the feeds: every reading without what it may not read, before a row, a count or a verdict is made.

The feeds are one for all. A pair of `Eyes` stands for all sessions of the same sight: it makes the filtered reading once for
each new one, and hands out the same ring, filtered once. So what a role may not read is not in its rows, and therefore neither
in its counts, its search, its digests and pictures, nor among what can be acted upon: as if it had never been.
docs/reading-rights.md lists every place, and how it is closed.

A failure speaks in the words of a backend, which may name anything: who does not read everything is told which source failed
and what kind of failure it was.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from console.feeds.hub import Hub
from console.feeds.incidents import ALERTS
from console.feeds.log import LogRing
from console.feeds.made import are_same
from console.feeds.seenring import SeenRing
from console.feeds.told_incidents import sees_named, told_to
from console.feeds.veil import HIDDEN, NOBODY, Veil, names_of
from console.feeds.withheld import (
    causes_of,
    counted_only,
    figure_of,
    gauge_of,
    metrics_of,
    operation_of,
    status_of,
    verdict_of,
    without_words,
)
from console.judge.members import names_of as names_in
from console.judge.members import namespaces_of
from console.model.alert import Alert, Alerts
from console.model.channel import Channel
from console.model.failure import Failure, FailureKind
from console.model.figure import Figures
from console.model.incident import Incident
from console.model.instant import Instant
from console.model.joined import Logs, Streams, Workloads
from console.model.logline import LogLine
from console.model.metric import Capacity
from console.model.opened import OpenedChannel
from console.model.operation import OperationLine, Operations
from console.model.reading import Reading, connecting
from console.model.sight import Sight

WORKLOADS, STREAMS, LOGS = "workloads", "streams", "logs"
INCIDENTS, OPERATIONS, SOURCES = "incidents", "actions.operations", "sources"
KNOWN_ALERTS = 20_000
NAMES_EVERY_S = 2.0  # names are gathered from every pod; a new one of a known workload is known before it is seen
OF_ALL = "the account is of all lines, also of those that you may not read"
COUNTED_HERE = "counts by level are of the lines you may read, since they are held here"
NOT_WORKED_OUT = Failure(
    kind=FailureKind.INTERNAL,
    tried="filter",
    on="midwatch",
    got="what you may see of it could not be worked out",
    hint="a fault of midwatch itself; the log file has the traceback",
)

log = logging.getLogger(__name__)


class Eyes:
    """Of all sessions that may read the same."""

    def __init__(self, sight: Sight, hub: Hub, ring: LogRing | None, now: Instant) -> None:
        self.sight = sight
        self._hub = hub
        self._has_clusters = WORKLOADS in hub
        self._veil = Veil(sight, msgspec.structs.replace(NOBODY, is_whole=not self._has_clusters))
        self._named: tuple[Any, ...] = ()  # what the names were gathered from
        self._named_at = float("-inf")
        self._listed: Mapping[str, Channel] | None = None
        self._channels: dict[str, tuple[Channel, Veil, Channel]] = {}
        self._known: dict[str, tuple[tuple[Any, ...], Reading[Any]]] = {}
        self._parts: dict[str, tuple[Mapping[str, Any], Veil, Mapping[str, Any]]] = {}
        self._lines: dict[tuple[str, str], bool] = {}
        self._alerts: dict[str, None] = {}  # fingerprints of those that may be seen, the newest last
        self.ring: SeenRing | None = None
        self._look(now)  # whose a line is, is asked when it is judged, and the first are judged now
        self.ring = SeenRing(ring, self._sees_line) if ring is not None else None

    def reading(self, feed: str, reading: Reading[Any], now: Instant) -> Reading[Any]:
        """A reading of this feed as it may be seen: the same object for the same reading, while names stay whose they are."""
        try:
            veil = self._look(now)
            stands_on = (reading, veil, *self._beside(feed))
            known = self._known.get(feed)
            if known is not None and are_same(known[0], stands_on):
                return known[1]
            seen = self._told(reading, veil, self._value(feed, reading, veil, now))
        except Exception:
            log.exception("what may be seen of %s could not be worked out", feed)
            return connecting().failed(msgspec.structs.replace(NOT_WORKED_OUT, tried=f"filter {feed}"))
        self._known[feed] = (stands_on, seen)
        return seen

    def opened(self, found: OpenedChannel, now: Instant) -> OpenedChannel:
        """The close look at one channel."""
        veil = self._look(now)
        return msgspec.structs.replace(
            found,
            channel=self._channel(found.channel, veil),
            verdict=verdict_of(found.verdict, veil),
            places=tuple(
                msgspec.structs.replace(place, url=HIDDEN if veil.is_blind else veil.text(place.url)) for place in found.places
            ),
        )

    def hides(self, text: str) -> bool:
        """Whether a text names what may not be seen."""
        return self._veil.is_told_in(text)

    # -- what is hidden ------------------------------------------------------------------------------------------------
    def _look(self, now: Instant) -> Veil:
        """The veil over what the clusters say now."""
        if self.ring is not None:
            self.ring.advance()
        if self._veil.is_clear:
            return self._veil
        reading = self._hub.newest(WORKLOADS)
        workloads: Workloads | None = reading.value if reading is not None else None
        streams = self._hub.newest(STREAMS)
        listed = streams.value.channels if streams is not None and streams.value is not None else None
        names = self._veil.names
        if workloads is not None:
            stands_on = (workloads.pods, workloads.deployments, workloads.events, workloads.unread)
            is_due = now.mono - self._named_at >= NAMES_EVERY_S or not names.is_whole
            if is_due and not are_same(stands_on, self._named):
                self._named, self._named_at = stands_on, now.mono
                names = names_of(workloads, self.sight, names)
        if names != self._veil.names or (listed is not None and not _lists_the_same(listed, self._listed)):
            self._listed = listed if listed is not None else self._listed
            self._veil = Veil(self.sight, names, _spared(self._listed))
        return self._veil

    def _beside(self, feed: str) -> tuple[Any, ...]:
        """What a feed's filtering looks at beside its own reading."""
        if feed == INCIDENTS:
            return (self._hub.newest(OPERATIONS), self._hub.newest(ALERTS))
        if feed == OPERATIONS:
            return (self._hub.newest(INCIDENTS), self._hub.newest(ALERTS))
        return ()

    # -- by feed -------------------------------------------------------------------------------------------------------
    def _value(self, feed: str, reading: Reading[Any], veil: Veil, now: Instant) -> Any:
        value = reading.value
        if value is None:
            return None
        if feed == WORKLOADS:
            return self._workloads(value, veil)
        if feed == LOGS:
            return self._logs(value, veil, now.utc)
        if feed == STREAMS:
            return self._streams(value, veil)
        if feed == INCIDENTS:
            return self._both(value, self._newest(OPERATIONS), veil, now.utc)[0]
        if feed == OPERATIONS:
            return self._both(self._newest(INCIDENTS) or (), value, veil, now.utc)[1]
        if feed == SOURCES:
            return tuple(status_of(status, veil) for status in value)
        if isinstance(value, Capacity):
            value = msgspec.structs.replace(value, gauges=tuple(gauge_of(gauge) for gauge in value.gauges))
        if isinstance(value, Figures):
            value = msgspec.structs.replace(value, figures=tuple(figure_of(figure) for figure in value.figures))
        return veil.of(value)

    def _newest(self, feed: str) -> Any:
        reading = self._hub.newest(feed)
        return reading.value if reading is not None else None

    def _both(
        self, incidents: tuple[Incident, ...], operations: Operations | None, veil: Veil, now: datetime
    ) -> tuple[tuple[Incident, ...], Operations | None]:
        """Each tells of the other: an operation is of an incident that is seen, and an incident of the operations that are."""
        if veil.is_clear:
            return incidents, operations
        lines = operations.lines if operations is not None else ()
        seen = told_to(incidents, veil, now)
        ids = {incident.id for incident in seen}
        self._note_alerts(self._newest(ALERTS), seen, veil)
        shown = tuple(
            operation_of(line, veil) for line in lines if _is_seen_operation(line, veil, ids, self._alerts)
        )
        if operations is not None:
            operations = Operations(lines=shown, trouble=veil.text(operations.trouble, of_cluster=True))
        return told_to(incidents, veil, now, shown), operations

    def _workloads(self, workloads: Workloads, veil: Veil) -> Workloads:
        errors = {part: without_words(error) for part, error in workloads.errors.items()}
        if veil.is_clear:
            return msgspec.structs.replace(workloads, errors=errors)
        return msgspec.structs.replace(
            workloads,
            pods=self._part(workloads.pods, veil, None),
            deployments=self._part(workloads.deployments, veil, "change_cause"),
            nodes=veil.of(workloads.nodes, of_cluster=True),
            events=self._part(workloads.events, veil, "message"),
            errors=errors,
        )

    def _part(self, items: Mapping[str, Any], veil: Veil, free: str | None) -> Mapping[str, Any]:
        """Those of one kind in readable namespaces. `free`: its field of free text, which may name anything. A mapping is made
        once for as long as the cluster tells nothing new of that kind.
        """
        key = free or "pods"
        known = self._parts.get(key)
        if known is not None and known[0] is items and known[1] is veil:
            return known[2]
        reads = veil.reads
        seen = {name: item for name, item in items.items() if reads(item.namespace)}
        if free is not None:
            for name, item in seen.items():
                said = getattr(item, free) or ""
                if (told := veil.text(said, of_cluster=True)) != said:
                    seen[name] = msgspec.structs.replace(item, **{free: told})
        self._parts[key] = (items, veil, seen)
        return seen

    def _note_alerts(self, alerts: Alerts | None, incidents: tuple[Incident, ...], veil: Veil) -> None:
        """Fingerprints of the alerts that may be seen. One that is over is known from then: its labels are gone."""
        known = alerts.alerts.values() if alerts is not None else ()
        told = {alert.fingerprint: sees_alert(alert, veil) for alert in known}
        told.update((fingerprint, True) for incident in incidents for fingerprint in incident.alerts)
        for fingerprint, is_seen in told.items():
            self._alerts.pop(fingerprint, None)
            if is_seen:
                self._alerts[fingerprint] = None
        for gone in list(self._alerts)[: max(0, len(self._alerts) - KNOWN_ALERTS)]:
            del self._alerts[gone]

    def _logs(self, logs: Logs, veil: Veil, now: datetime) -> Logs:
        ring = self.ring
        if ring is None:
            return logs
        if not ring.is_whole:
            ring.backfill()
        levels = ring.levels(now)
        window = msgspec.structs.replace(
            logs.window,
            first_seq=ring.first_seq,
            last_seq=ring.last_seq,
            note="; ".join(part for part in (counted_only(logs.window.note), OF_ALL, COUNTED_HERE) if part),
        )
        return Logs(window=window, levels=levels)

    def _sees_line(self, line: LogLine) -> bool:
        if line.is_mark:
            return True
        key = (line.namespace or "", line.index)
        known = self._lines.get(key)
        if known is None:
            if len(self._lines) >= 10_000:
                self._lines.clear()
            known = self._lines[key] = self.sight.reads_line(line.namespace or None, line.index)
        if not known or line.namespace or self._veil.is_clear:
            return known
        veil = self._veil
        if line.pod and not veil.is_known(line.pod):
            return False  # a pod is in some namespace, and nobody can say in which
        if line.service and veil.named(line.service) is None:
            return False
        if veil.is_blind:
            return False  # its text may name anything, and not all names are known
        return not (line.host and veil.hides(line.host)) and not veil.is_told_in(line.message)

    def _streams(self, streams: Streams, veil: Veil) -> Streams:
        if veil.is_clear:
            return msgspec.structs.replace(streams, **causes_of(streams))
        for gone in self._channels.keys() - streams.channels.keys():
            del self._channels[gone]
        return msgspec.structs.replace(
            streams,
            channels={name: self._channel(channel, veil) for name, channel in streams.channels.items()},
            verdicts={name: verdict_of(verdict, veil) for name, verdict in streams.verdicts.items()},
            metrics={name: metrics_of(metrics, veil) for name, metrics in streams.metrics.items()},
            **causes_of(streams),
        )

    def _channel(self, channel: Channel, veil: Veil) -> Channel:
        """The channel with those of its workloads that may be named."""
        known = self._channels.get(channel.name)
        if known is not None and known[0] is channel and known[1] is veil:
            return known[2]
        services = {layer: name for layer, name in channel.services.items() if veil.named(name) is not None}
        vantages = tuple(
            msgspec.structs.replace(
                vantage,
                service=veil.named(vantage.service),
                url=HIDDEN if veil.is_blind else veil.text(vantage.url),
                connect_to=veil.text(vantage.connect_to) if vantage.connect_to and not veil.is_blind else None,
                headers={} if veil.is_blind else veil.of(vantage.headers),
                token_command=() if veil.is_blind else veil.of(vantage.token_command),
            )
            for vantage in channel.vantages
        )
        seen = msgspec.structs.replace(channel, services=services, vantages=vantages)
        self._channels[channel.name] = (channel, veil, seen)
        return seen

    # -- the frame of a reading ----------------------------------------------------------------------------------------
    @staticmethod
    def _told(reading: Reading[Any], veil: Veil, value: Any) -> Reading[Any]:
        error = without_words(reading.error) if reading.error is not None else None
        reason = counted_only(reading.partial_reason)
        if reading.partial_reason and not reason:
            reason = error.short if error is not None else "one of its sources failed in part"
        return msgspec.structs.replace(reading, value=value, error=error, partial_reason=reason)


def sees_alert(alert: Alert, veil: Veil) -> bool:
    """Whether every namespace, workload and pod that its labels name may be seen."""
    return sees_named(namespaces_of(alert.labels), names_in(alert.labels), veil)


def _is_seen_operation(line: OperationLine, veil: Veil, incidents: set[str], alerts: Collection[str]) -> bool:
    """An operation on what has a namespace is seen with it; one on an alert or an incident, with that. What silences match is
    known to the silence only, so of those none is shown.
    """
    kind, _, path = line.target.partition(":")
    if kind == "kube":
        parts = path.split("/")
        return len(parts) == 4 and veil.reads(parts[1])
    if kind == "incident":
        return path in incidents
    if kind == "alert":
        return path in alerts
    if kind == "silence":
        return False
    return HIDDEN not in veil.text(line.target, of_cluster=True)


def _spared(listed: Mapping[str, Channel] | None) -> frozenset[str]:
    if listed is None:
        return frozenset()
    return frozenset(
        word for channel in listed.values() for word in (channel.name, *(vantage.name for vantage in channel.vantages))
    )


def _lists_the_same(one: Mapping[str, Channel], other: Mapping[str, Channel] | None) -> bool:
    """The mapping is a new one with every reading, its channels are the same."""
    return other is not None and are_same(tuple(one.values()), tuple(other.values()))
