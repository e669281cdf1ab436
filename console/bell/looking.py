"""What the running engine shows of an alert: its scope as far as there is such a thing here, and the digest of its view."""

from __future__ import annotations

from typing import Any

import msgspec

from console.bell.book import Pairs, Thread
from console.feeds.desk import OVERVIEW, Desk
from console.model.joined import Streams, Workloads
from console.model.scope import Scope
from console.rows import pods, streams
from console.rows.digest import Digest
from console.snapshot import session


class Sighting(msgspec.Struct, frozen=True):
    """`unknown`: what the labels name and nobody here knows, so that it does not narrow what is shown."""

    view: str
    scope: Scope
    digest: Digest
    unknown: Pairs = ()


def sighted(desk: Desk, site: str, thread: Thread) -> Sighting:
    """At once, of what the feeds have: an alert waits for nothing."""
    named = thread.scope or ()
    known, unknown = _known(desk, named)
    view = thread.view or OVERVIEW
    if thread.is_storm:
        view = OVERVIEW
    elif view == streams.VIEW and "channel" not in dict(known):
        view = OVERVIEW  # the channel is none of ours, or the alerts have none in common
    scope = Scope(known)
    with session(desk, site, view, scope) as taking:
        return Sighting(view=view, scope=scope, digest=taking.digest(), unknown=unknown)


def _known(desk: Desk, named: Pairs) -> tuple[Pairs, Pairs]:
    """The dimensions that something here has, and those that nothing has: a scope of nothing would show nothing and be
    read as "all is well". What no feed can tell yet is believed.
    """
    fleet: Streams | None = _value(desk, streams.VIEW)
    loads: Workloads | None = _value(desk, pods.VIEW)
    known: list[tuple[str, str]] = []
    unknown: list[tuple[str, str]] = []
    for dimension, value in named:
        (known if _is_there(dimension, value, fleet, loads) else unknown).append((dimension, value))
    return tuple(known), tuple(unknown)


def _is_there(dimension: str, value: str, fleet: Streams | None, loads: Workloads | None) -> bool:
    answers = []
    if fleet is not None and dimension in ("channel", "region"):
        answers.append(
            value in fleet.channels if dimension == "channel" else any(one.region == value for one in fleet.channels.values())
        )
    if loads is not None and not loads.unread and dimension in ("pod", "namespace", "node", "service", "region", "cluster"):
        field = "name" if dimension == "pod" else dimension
        answers.append(any(getattr(pod, field) == value for pod in loads.pods.values()))
        if dimension == "node":
            answers.append(any(node.name == value for node in loads.nodes.values()))
    return any(answers) if answers else True


def _value(desk: Desk, view: str) -> Any:
    seat = desk.sit(view)
    try:
        reading = seat.reading
        return reading.value if reading is not None else None
    finally:
        seat.close()
