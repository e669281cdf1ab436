"""How the readings of several feeds become one: the worst state wins, the oldest time is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from console.model.reading import Reading
from console.model.severity import State

T = TypeVar("T")


def joined(value: T | None, parts: Sequence[Reading[Any]], partial_ok: bool = True) -> Reading[T]:
    """A reading over several inputs.

    Live only if all are live. With `partial_ok`, some failed inputs beside good ones make it `partial`, and only all failed
    make it `error`; the reason names the first failure either way. Its times are those of the input heard least recently.
    """
    failed = [part for part in parts if part.state is State.ERROR]
    heard = [part for part in parts if part.received is not None]
    oldest = min(heard, key=lambda part: part.received.mono if part.received else 0.0, default=None)
    state = max((part.state for part in parts), key=lambda each: each.rank, default=State.CONNECTING)
    reason = next((part.partial_reason for part in parts if part.partial_reason), "")
    error = failed[0].error if failed else None
    if failed and partial_ok and len(failed) < len(parts):
        state = State.PARTIAL
        reason = error.short if error is not None else reason
    return Reading(
        value=value,
        state=state,
        received=oldest.received if oldest else None,
        as_of=oldest.as_of if oldest else None,
        server_age_s=oldest.server_age_s if oldest else 0.0,
        skew_s=max((part.skew_s for part in parts if part.skew_s is not None), key=abs, default=None),
        error=error,
        partial_reason=reason,
    )
