"""What the console's own feeds say at the moment of a question: the guards' view of the world around the target, and
later the witness of what an operation did.

Assembly fills it from the hub, so that this room knows no feed; every part keeps its reading, because an old answer must
not count as an answer.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from console.model.alert import Alerts
from console.model.instant import Instant
from console.model.joined import Streams, Workloads
from console.model.metric import Capacity
from console.model.reading import Reading


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Readings of one moment; None where the site has no such source."""

    now: Instant
    workloads: Reading[Workloads] | None = None
    streams: Reading[Streams] | None = None
    capacity: Reading[Capacity] | None = None
    alerts: Reading[Alerts] | None = None


class Witness(Protocol):
    """Who can be asked what the feeds say now. Entered while an operation is planned or runs, so that the feeds do; several
    may be inside at once.
    """

    async def __aenter__(self) -> Witness: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def ready(self) -> None:
        """Until every feed has answered, or has had its time: a command that just began has seen nothing yet."""
        ...

    def look(self) -> Scene:
        """At once, from what the feeds last said."""
        ...
