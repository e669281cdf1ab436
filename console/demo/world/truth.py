"""The truth file: what really happened, one JSON object per line, for whoever judges the console.

`{t, entity, rendition, vantages, layer, codes, cause, kind}`, t in UTC as RFC 3339, kind `start` or `end`. A
line is appended when its moment has passed and never earlier, so that a reader cannot learn the future from
it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from console.demo.world.scenario import Fault
from console.demo.world.world import World


class Event(msgspec.Struct, frozen=True):
    t: str
    entity: str
    rendition: str | None
    vantages: tuple[str, ...]
    layer: str
    codes: tuple[str, ...]
    cause: str
    kind: str


def rfc3339(t: datetime) -> str:
    return t.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _of_fault(world: World, fault: Fault) -> list[tuple[datetime, Event]]:
    """Its lines and their moments. What a lost node's channels lose ends when another node publishes them, before the
    node is back: that has lines of its own, without a code."""
    found: list[tuple[datetime, Event]] = []

    def tell(end: datetime, entity: str, rendition: str | None, vantages: tuple[str, ...], codes: tuple[str, ...],
             layer: str = fault.layer) -> None:
        for moment, kind in ((fault.start, "start"), (end, "end")):
            event = Event(rfc3339(moment), entity, rendition, vantages, layer, codes, fault.cause, kind)
            found.append((moment, event))

    for entity in fault.entities:
        for rendition in fault.renditions or (None,):
            tell(world.over_at(fault, entity), entity, rendition, fault.vantages, fault.codes)
    if fault.node is not None:
        tell(fault.end, fault.node, None, (), ())
    for entity, layer in fault.aside:
        tell(fault.end, entity, None, (), (), layer)
    return found


def events(world: World, since: datetime, until: datetime) -> list[Event]:
    """What started or ended in (since, until], in order."""
    reach = since - timedelta(seconds=world.schedule.duration_s)
    found = [pair for fault in world.begun(reach, until) for pair in _of_fault(world, fault) if since < pair[0] <= until]
    return [event for _, event in sorted(found, key=lambda pair: pair[0])]


class TruthFile:
    """Truncated when opened; each line is whole when it appears."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_bytes(b"")

    def append(self, happened: list[Event]) -> None:
        if happened:
            lines = b"".join(msgspec.json.encode(event) + b"\n" for event in happened)
            with self._path.open("ab", buffering=0) as file:
                file.write(lines)
