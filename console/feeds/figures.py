"""Figures with their verdicts, which remember what they said last so that a figure on its level does not flicker."""

from __future__ import annotations

from console.feeds.derived import Derived, Inputs
from console.feeds.raw import PUBLISH_EVERY_S
from console.judge.figures import figure_severity
from console.model.figure import Figures
from console.model.instant import Instant
from console.model.reading import Reading
from console.model.severity import Severity

FIGURES = "figures"


class FiguresDerivation:
    """Judges each figure on each reading."""

    misses_none_of: tuple[str, ...] = ()
    every_s = PUBLISH_EVERY_S

    def __init__(self, figures_feed: str) -> None:
        self.inputs = (figures_feed,)
        self._figures_feed = figures_feed
        self._verdicts: dict[str, Severity] = {}

    def step(self, inputs: Inputs, now: Instant) -> Derived[Figures]:
        """The same reading with verdicts."""
        reading: Reading[Figures] = inputs.readings[self._figures_feed]
        value = None
        if reading.value is not None:
            figures = reading.value.figures
            judged = {each.name: figure_severity(each, self._verdicts.get(each.name, Severity.OK)) for each in figures}
            self._verdicts = {name: severity for name, severity in judged.items() if severity is not None}
            value = Figures(figures=figures, verdicts=self._verdicts)
        return Derived(reading=reading.carrying(value))
