"""The feeds as the guards and the verification see them: read at this moment, kept running while somebody asks."""

from __future__ import annotations

from typing import Any

from console.actions.scene import Scene
from console.feeds.hub import Hub
from console.feeds.incidents import ALERTS
from console.feeds.topic import Subscription
from console.model.instant import Clock
from console.model.reading import Reading
from console.model.severity import State
from console.rows import gauges, pods, streams

READY_S = 12.0  # a feed that has not answered by then is told as it is
_FEEDS = {"workloads": pods.VIEW, "streams": streams.VIEW, "capacity": gauges.VIEW, "alerts": ALERTS}


class HubWitness:
    """Of one hub. Entered several times at once by operations that run beside each other; the last to leave lets go."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._inside = 0
        self._seats: dict[str, Subscription[Any]] = {}

    async def __aenter__(self) -> HubWitness:
        if self._inside == 0:
            self._seats = {part: self._hub.subscribe(name) for part, name in _FEEDS.items() if name in self._hub}
        self._inside += 1
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._inside -= 1
        if self._inside == 0:
            seats, self._seats = self._seats, {}
            for seat in seats.values():
                seat.close()

    async def ready(self) -> None:
        until = self._clock.now().mono + READY_S
        while self._clock.now().mono < until and not all(map(_has_answered, self._readings().values())):
            await self._clock.sleep(0.1)

    def look(self) -> Scene:
        return Scene(now=self._clock.now(), **self._readings())

    def _readings(self) -> dict[str, Reading[Any]]:
        return {part: seat.reading for part, seat in self._seats.items()}


def _has_answered(reading: Reading[Any]) -> bool:
    """Numbers beside a channel come from another system than its verdict: both must have been asked."""
    if reading.state is State.CONNECTING:
        return False
    metrics = getattr(reading.value, "metrics_state", None)
    return reading.state is State.ERROR or (reading.value is not None and metrics is not State.CONNECTING)
