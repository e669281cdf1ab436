"""How many bytes of segments may be fetched, over all channels: a bucket that fills at the configured rate.

Segments arrive in a fixed rhythm, so without turns the same few playlists would find the bucket full and the others never. Who
was refused therefore stands in a line, and the bytes that those before it still have coming are not given to it; who is served
goes to the line's end. What a segment will cost is guessed before it is asked (its declared rate, or the last one's size) and
put right when it has come, so a lying BANDWIDTH costs one segment's error and no more.
"""

from __future__ import annotations

from collections.abc import Hashable

BURST_S = 8.0  # seconds of the rate that may be saved up: two segments of 4 s of what the rate can carry
LEAST_BURST = 2_000_000.0  # bytes: a small rate must still be able to fetch one segment, now and then
CLAIM_S = 120.0  # who has not come back for its turn after this has nothing coming
IN_FLIGHT = 64  # whole segments at once: each holds up to `content.KEPT` in memory while it comes


class Budget:
    """Times are seconds on the monotonic clock, sizes bytes."""

    def __init__(self, rate_Bps: float, now: float) -> None:
        self._rate = max(0.0, rate_Bps)
        self._tokens = self._burst
        self._filled_at = now
        self._line: dict[Hashable, tuple[float, float]] = {}  # who was refused -> (estimate, until)
        self._in_flight = 0

    def set_rate(self, rate_Bps: float, now: float) -> None:
        """From now on this rate; what has been saved up stays, up to the new burst."""
        self._fill(now)
        self._rate = max(0.0, rate_Bps)
        self._tokens = min(self._tokens, self._burst)

    def take(self, who: Hashable, estimate: float, now: float) -> bool:
        """Whether `who` may fetch about `estimate` bytes now. Exactly one `settle` must follow a True."""
        self._fill(now)
        cost = min(estimate, self._burst)
        coming = 0.0
        for other, (claim, until) in list(self._line.items()):
            if other == who or coming + cost > self._tokens:
                break
            if until < now:
                del self._line[other]
            else:
                coming += claim
        if self._rate <= 0 or coming + cost > self._tokens or self._in_flight >= IN_FLIGHT:
            self._line[who] = (cost, now + CLAIM_S)  # a key that is there keeps its place
            return False
        self._line.pop(who, None)
        self._tokens -= estimate
        self._in_flight += 1
        return True

    def settle(self, estimate: float, actual: float, now: float) -> None:
        """The fetch is over, and this is what it cost. A debt is paid before the next is fetched, however long that takes."""
        self._fill(now)
        self._in_flight -= 1
        self._tokens += estimate - actual

    def forget(self, who: Hashable) -> None:
        """It is watched no longer."""
        self._line.pop(who, None)

    @property
    def _burst(self) -> float:
        return max(self._rate * BURST_S, LEAST_BURST)

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + self._rate * max(0.0, now - self._filled_at))
        self._filled_at = now
