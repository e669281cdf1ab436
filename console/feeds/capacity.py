"""Gauges with their verdicts, which remember what they said last so that a gauge on its threshold does not flicker."""

from __future__ import annotations

from console.feeds.derived import Derived, Inputs
from console.feeds.raw import PUBLISH_EVERY_S
from console.judge.gauges import gauge_severity
from console.model.instant import Instant
from console.model.metric import Capacity, Gauges
from console.model.reading import Reading
from console.model.severity import Severity


class CapacityDerivation:
    """Judges each gauge on each reading."""

    misses_none_of: tuple[str, ...] = ()
    every_s = PUBLISH_EVERY_S

    def __init__(self, gauges_feed: str) -> None:
        self.inputs = (gauges_feed,)
        self._gauges_feed = gauges_feed
        self._verdicts: dict[str, Severity] = {}

    def step(self, inputs: Inputs, now: Instant) -> Derived[Capacity]:
        """The same reading with verdicts."""
        reading: Reading[Gauges] = inputs.readings[self._gauges_feed]
        value = None
        if reading.value is not None:
            self._verdicts = {
                gauge.spec.name: gauge_severity(gauge, self._verdicts.get(gauge.spec.name, Severity.OK))
                for gauge in reading.value.gauges
            }
            value = Capacity(gauges=reading.value.gauges, verdicts=self._verdicts)
        return Derived(reading=reading.carrying(value))
