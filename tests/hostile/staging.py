"""A scene in which every text is hostile, and a driver that keeps the bytes a terminal would get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from itertools import cycle
from typing import Any

import msgspec
import pytest
from textual.drivers.headless_driver import HeadlessDriver

from console.model.failure import Failure, FailureKind
from console.model.incident import EntryKind, Incident, TimelineEntry
from console.model.logline import LogLine
from console.model.severity import Layer, Severity, State
from tests.hostile.corpus import EVERYTHING
from tests.scene import Scene

KEPT = frozenset(("level", "index", "own_id"))  # a line's level is one of five words by its type's contract


class Poison:
    """Puts an attack before every text, the same before equal texts: names stay names, and still find each other."""

    def __init__(self, start: int = 0, attacks: Mapping[str, str] = EVERYTHING) -> None:
        ordered = list(attacks.values())
        self._next = cycle([*ordered[start % len(ordered) :], *ordered[: start % len(ordered)]])
        self._given: dict[str, str] = {}

    def text(self, honest: str) -> str:
        if honest not in self._given:
            self._given[honest] = next(self._next) + honest
        return self._given[honest]

    def of(self, value: Any) -> Any:
        """The same value with every text in it poisoned, however deep."""
        if isinstance(value, Enum | datetime) or value is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, msgspec.Struct):
            changed = {}
            for field in value.__struct_fields__:
                before = getattr(value, field)
                if field == "services" and isinstance(before, Mapping):
                    changed[field] = {layer: self.of(service) for layer, service in before.items()}
                elif field not in KEPT:
                    changed[field] = self.of(before)
            return msgspec.structs.replace(value, **changed)
        if isinstance(value, Mapping):
            return {self._key(key): self.of(each) for key, each in value.items()}
        if isinstance(value, tuple | list | frozenset):
            return type(value)(self.of(each) for each in value)
        return value

    def _key(self, key: Any) -> Any:
        """`cluster/namespace/name` is poisoned part by part, as the struct's own property joins it."""
        return "/".join(map(self.text, key.split("/"))) if isinstance(key, str) else key


def poisoned(start: int = 0, attacks: Mapping[str, str] = EVERYTHING) -> Scene:
    """The scene of a bad deploy as an attacker would have it: nothing of it has been through the first gate."""
    scene = Scene()
    poison(scene, start, attacks)
    return scene


def poison(scene: Scene, start: int = 0, attacks: Mapping[str, str] = EVERYTHING) -> None:
    """Every feed says it again, with attacks in every text; the ring gets the lines once more."""
    honest, drop = Scene(scene.clock), Poison(start, attacks)
    now = scene.clock.now()
    for line in reversed([*honest.ring.newest(30)]):
        scene.ring.append(drop.of(line))
    for text in attacks.values():
        scene.ring.append(LogLine(at=now.utc, level="error", message=text, service=text, pod=text, channel=text))
    for view, feed in honest.feeds.items():
        value = drop.of(feed.topic.reading.value)
        if view == "incidents":
            value = (*value, _told_by_all(now.utc, attacks))
        if view == "logs":
            window = msgspec.structs.replace(value.window, first_seq=scene.ring.first_seq, last_seq=scene.ring.last_seq)
            value = msgspec.structs.replace(value, window=window)
        reading = msgspec.structs.replace(feed.topic.reading, value=value, state=State.PARTIAL, partial_reason=drop.text("why partial"))
        scene.feeds[view].set(reading)


def failed(scene: Scene, texts: Sequence[str]) -> None:
    """Every feed fails, each in the words of another attack; every second one keeps its rows."""
    for number, view in enumerate(scene.feeds):
        text = texts[number % len(texts)]
        failure = Failure(kind=FailureKind.BAD_ANSWER, tried=text, on=text, got=text, hint=text, ref=text)
        scene.fail(view, failure, keep=number % 2 == 0)


def _told_by_all(at: datetime, attacks: Mapping[str, str]) -> Incident:
    return Incident(
        id="INC-0001", title="all attacks at once", severity=Severity.CRIT, opened_at=at, entities=tuple(attacks.values())[:5],
        layer=Layer.ORIGIN, service="origin", before_it="a change",
        timeline=tuple(TimelineEntry(at, EntryKind.ALERT, Severity.CRIT, text, text) for text in attacks.values()),
    )  # fmt: skip


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the app writes to its terminal: Textual takes its real way of drawing, only the last step is ours."""
    kept: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda _: False))
    monkeypatch.setattr(HeadlessDriver, "write", lambda _, data: kept.append(data))
    return kept
