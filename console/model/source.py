"""The seam between outside systems and feeds: what a source can do, and what it costs the one it asks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, TypeVar

import msgspec

from console.model.failure import Failure
from console.model.reading import Reading
from console.model.severity import State

T = TypeVar("T")


class Cost(msgspec.Struct, frozen=True):
    """What we have asked of one backend since start: shown in the `sources` view, so that nobody must guess."""

    requests: int = 0
    errors: int = 0
    bytes_in: int = 0
    requests_per_s: float = 0.0  # over the last minute
    bytes_per_s: float = 0.0


class SourceStatus(msgspec.Struct, frozen=True):
    """One line of the `sources` view."""

    name: str  # "kubernetes.demo-1.pods"
    kind: str  # "kubernetes"
    state: State
    age_s: float | None
    error: Failure | None
    cost: Cost
    skew_s: float | None = None
    note: str = ""  # "watching from 48120, 3 relists"


class Source(Protocol[T]):
    """An outside system as an async generator of readings.

    `readings()` never ends by itself and never raises for the outside system's sake: a failure is a reading with
    `state=error` that keeps the last value. It polls or watches at its own pace (jitter, backoff and breaker inside), never
    queues without bound, and closes everything it opened when it is closed or cancelled.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def stale_after_s(self) -> float:
        """Silence longer than this makes the last reading stale."""
        ...

    @property
    def cost(self) -> Cost: ...

    def readings(self) -> AsyncGenerator[Reading[T], None]:
        """An async generator, because its reader closes it (`aclosing`) and nothing may outlive that."""
        ...
