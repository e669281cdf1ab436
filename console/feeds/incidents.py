"""Incidents from alerts, findings and rollouts, with what was done about them."""

from __future__ import annotations

from typing import Any

from console.feeds.derived import Derived, Inputs
from console.feeds.joins import joined
from console.feeds.raw import PUBLISH_EVERY_S
from console.judge import incidents as judge
from console.judge.acted import acted
from console.model.alert import Alerts
from console.model.incident import Incident
from console.model.instant import Instant
from console.model.joined import Streams, Workloads
from console.model.operation import Operations
from console.model.reading import Reading

ALERTS = "alertmanager.alerts"
STREAMS = "streams"
WORKLOADS = "workloads"
OPERATIONS = "actions.operations"
_ADDED = (WORKLOADS, OPERATIONS)  # without them an incident is told all the same

UNWATCHED_S = 10.0  # it steps every second: more is a machine that slept, or a console that was stopped


class IncidentsDerivation:
    """Keeps what the judge must remember of open incidents; stands on whatever of its inputs the site has."""

    misses_none_of: tuple[str, ...] = ()
    every_s = PUBLISH_EVERY_S

    def __init__(self, inputs: tuple[str, ...]) -> None:
        self.inputs = inputs
        self._memory = judge.IncidentMemory()
        self._stepped: float | None = None  # monotonic

    def step(self, inputs: Inputs, now: Instant) -> Derived[tuple[Incident, ...]]:
        """Judge again. Partial while one of the inputs fails; the workloads only add rollouts, the operations what was
        done.
        """
        alerts: Alerts | None = self._value(inputs, ALERTS)
        streams: Streams | None = self._value(inputs, STREAMS)
        workloads: Workloads | None = self._value(inputs, WORKLOADS)
        operations: Operations | None = self._value(inputs, OPERATIONS)
        gap_s = now.mono - self._stepped if self._stepped is not None else 0.0
        self._stepped = now.mono
        self._memory, found = judge.step(
            self._memory,
            verdicts=streams.verdicts if streams is not None else {},
            channels=streams.channels if streams is not None else {},
            alerts=alerts.alerts if alerts is not None else {},
            deployments=workloads.deployments if workloads is not None else {},
            now=now,
            unwatched_s=gap_s if gap_s > UNWATCHED_S else 0.0,
        )
        found = acted(found, operations.lines if operations is not None else (), now.utc)
        decisive = [inputs.readings[name] for name in self.inputs if name not in _ADDED]
        has_any = any(part.value is not None for part in decisive)
        return Derived(reading=joined(found if has_any else None, decisive), deadline_mono=now.mono + 1.0)

    @staticmethod
    def _value(inputs: Inputs, name: str) -> Any:
        reading: Reading[Any] | None = inputs.readings.get(name)
        return reading.value if reading is not None else None
