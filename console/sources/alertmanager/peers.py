"""One answer of one peer: decoded alert by alert, so that one unreadable alert hides no other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from console.model.alert import Alert
from console.sources.sanitise import clean

MAX_ALERTS = 20_000
MAX_BYTES = 16_000_000
MAX_LABELS = 64
TURN = 500  # alerts decoded between two turns of the loop: 5 ms


class _Status(msgspec.Struct, rename="camel"):
    state: str = "unprocessed"
    silenced_by: list[str] = []
    inhibited_by: list[str] = []


class _Told(msgspec.Struct, rename="camel"):
    fingerprint: str
    starts_at: datetime
    labels: dict[str, str] = {}
    annotations: dict[str, str] | None = None
    status: _Status = msgspec.field(default_factory=_Status)


LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ALERT = msgspec.json.Decoder(_Told)


async def alerts_of(raw: list[msgspec.Raw], peer: str) -> tuple[dict[str, Alert], int]:
    """By fingerprint, and how many could not be read. Looks at no more than MAX_ALERTS."""
    alerts: dict[str, Alert] = {}
    unreadable = 0
    for index, one in enumerate(raw[:MAX_ALERTS]):
        if index % TURN == TURN - 1:
            await asyncio.sleep(0)
        try:
            told = _ALERT.decode(one)
        except msgspec.MsgspecError:
            unreadable += 1
            continue
        alert = _alert(told, peer)
        alerts[alert.fingerprint] = alert
    return alerts, unreadable


def _alert(told: _Told, peer: str) -> Alert:
    labels = _cleaned(told.labels)
    annotations = _cleaned(told.annotations or {})
    starts_at = told.starts_at if told.starts_at.tzinfo is not None else told.starts_at.replace(tzinfo=UTC)
    return Alert(
        fingerprint=clean(told.fingerprint, 64),
        name=labels.get("alertname", ""),
        severity=labels.get("severity", ""),
        state=told.status.state if told.status.state in ("active", "suppressed") else "unprocessed",
        starts_at=starts_at.astimezone(UTC),
        summary=annotations.get("summary") or annotations.get("message") or annotations.get("description", ""),
        labels=labels,
        annotations=annotations,
        silenced_by=tuple(clean(one, 64) for one in told.status.silenced_by[:20]),
        inhibited_by=tuple(clean(one, 64) for one in told.status.inhibited_by[:20]),
        peers=(peer,),
    )


def _cleaned(pairs: Mapping[str, str]) -> dict[str, str]:
    return {clean(name, 200): clean(value, 1000) for name, value in list(pairs.items())[:MAX_LABELS]}


def merged(one: Alert, other: Alert) -> Alert:
    """The same fingerprint at two peers. The earliest start; active if either says so; whoever silences is
    named anyway.
    """
    states = {one.state, other.state}
    state = next((word for word in ("active", "unprocessed") if word in states), "suppressed")
    return msgspec.structs.replace(
        one,
        state=state,
        starts_at=min(one.starts_at, other.starts_at),
        silenced_by=tuple(dict.fromkeys((*one.silenced_by, *other.silenced_by))),
        inhibited_by=tuple(dict.fromkeys((*one.inhibited_by, *other.inhibited_by))),
        peers=(*one.peers, *other.peers),
    )
