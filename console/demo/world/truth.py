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


def _of_fault(fault: Fault, kind: str) -> list[Event]:
    moment = rfc3339(fault.start if kind == "start" else fault.end)
    return [
        Event(moment, entity, rendition, fault.vantages, fault.layer, fault.codes, fault.cause, kind)
        for entity in fault.entities
        for rendition in (fault.renditions or (None,))
    ]


def events(world: World, since: datetime, until: datetime) -> list[Event]:
    """What started or ended in (since, until], in order."""
    found: list[tuple[datetime, list[Event]]] = []
    reach = since - timedelta(seconds=world.schedule.duration_s)
    for fault in world.begun(reach, until):
        if since < fault.start <= until:
            found.append((fault.start, _of_fault(fault, "start")))
        if since < fault.end <= until:
            found.append((fault.end, _of_fault(fault, "end")))
    found.sort(key=lambda pair: pair[0])
    return [event for _, group in found for event in group]


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
