"""Joins the window of the tail with the counts by level."""

from __future__ import annotations

from console.feeds.derived import Derived, Inputs
from console.feeds.raw import PUBLISH_EVERY_S
from console.model.instant import Instant
from console.model.joined import Logs

TAIL = "elasticsearch.tail"
LEVELS = "elasticsearch.levels"


class LogsDerivation:
    """The tail decides the state: counts without lines are no log pane."""

    inputs = (TAIL, LEVELS)
    misses_none_of: tuple[str, ...] = ()
    every_s = PUBLISH_EVERY_S

    def step(self, inputs: Inputs, now: Instant) -> Derived[Logs]:
        """The tail's reading with the newest counts beside it."""
        tail, levels = inputs.readings[TAIL], inputs.readings[LEVELS]
        value = None
        if tail.value is not None:
            value = Logs(window=tail.value, levels=levels.value, levels_error=levels.error)
        return Derived(reading=tail.carrying(value))
