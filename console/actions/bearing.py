"""What bears the load, as its own system tells it at this moment. Between two steps it is asked whether the next may come."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from console.actions.writes import Write


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """One server of a balancer. None is not known. `requests` and `errors` (5xx) only ever rise while it runs."""

    name: str  # lb-1 origin/origin-2
    used: float | None = None
    total: float | None = None
    is_up: bool = True  # takes new traffic, or would if it were let
    requests: int | None = None
    errors: int | None = None

    @property
    def ratio(self) -> float | None:
        """Used over total; None where either is not known."""
        return self.used / self.total if self.used is not None and self.total else None


class Bearing(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `trouble`: it could not be asked. `drift`: what was written does not stand there any more."""

    bearers: tuple[Bearer, ...] = ()
    trouble: str = ""
    drift: str = ""

    def of(self, name: str) -> Bearer | None:
        """One of them."""
        return next((each for each in self.bearers if each.name == name), None)


@runtime_checkable
class Bears(Protocol):
    """A hand whose target can tell what bears the load."""

    async def bearing(self, write: Write) -> Bearing:
        """Of what this write touches. Never raises for the other side's sake."""
        ...
