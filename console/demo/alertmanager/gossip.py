"""What the peers tell each other, and how late.

No task and no socket: a silence made at one peer lies in the other's post with the moment it arrives, and is
taken out by whoever asks that peer next. So a clock that stands still in a test holds the gossip back, and
nothing is left running.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b

from console.demo.alertmanager.silence import Silence, Silences

PEERS = (0, 1)
SOONEST_S = 0.2
LATEST_S = 1.0
"""Memberlist spreads by chance in rounds of 200 ms."""


class Cluster:
    """Two peers that agree in the end. `of` is the only way to a peer's silences, so none is read stale."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._post: dict[int, list[tuple[datetime, Silence]]] = {peer: [] for peer in PEERS}
        self._silences = {peer: Silences(self._from(peer)) for peer in PEERS}

    def of(self, peer: int) -> Silences:
        """What that peer knows by now."""
        t, known = self._clock(), self._silences[peer]
        waiting = self._post[peer]
        arrived = [silence for at, silence in waiting if at <= t]
        if arrived:
            self._post[peer] = [(at, silence) for at, silence in waiting if at > t]
            for silence in arrived:
                known.heard(silence)
        return known

    def _from(self, peer: int) -> Callable[[Silence], None]:
        def tell(silence: Silence) -> None:
            at = self._clock() + timedelta(seconds=delay_s(silence))
            for other in PEERS:
                if other != peer:
                    # What has arrived is taken in first, so that the post never holds more than a second's.
                    self.of(other)
                    self._post[other].append((at, silence))

        return tell


def delay_s(silence: Silence) -> float:
    """By what is told, so that the same telling always takes as long."""
    said = f"{silence.id}/{silence.updated_at.isoformat()}".encode()
    share = int.from_bytes(blake2b(said, digest_size=4).digest()) / 2**32
    return SOONEST_S + share * (LATEST_S - SOONEST_S)
