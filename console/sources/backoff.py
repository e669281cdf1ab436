"""How long to wait after a failure: full jitter, so that fifty consoles do not come back in step."""

from __future__ import annotations

import random

RETRY_AFTER_CEILING_S = 300.0  # a server may ask for a year; we look again before the shift is over
FLOOR_S = 0.05


class Backoff:
    """Doubling ceilings from `base_s` to `ceiling_s`, and a uniform draw below the present one."""

    def __init__(self, base_s: float = 0.8, ceiling_s: float = 30.0, rng: random.Random | None = None) -> None:
        self._base_s = base_s
        self._ceiling_s = ceiling_s
        self._rng = rng if rng is not None else random.Random()
        self._failures = 0

    @property
    def failures(self) -> int:
        """Failures since the last success."""
        return self._failures

    def next_s(self, retry_after_s: float | None = None) -> float:
        """Seconds to wait after one more failure. A server's Retry-After is a floor, with a tenth of jitter
        above it.
        """
        reach = min(self._ceiling_s, self._base_s * 2.0 ** min(self._failures, 30))
        self._failures += 1
        drawn = max(FLOOR_S, self._rng.uniform(0.0, reach))
        if retry_after_s is None or not retry_after_s > 0:
            return drawn
        wish = min(retry_after_s, RETRY_AFTER_CEILING_S)
        return max(drawn, wish + self._rng.uniform(0.0, 0.1 * wish))

    def reset(self) -> None:
        """After a success: the next failure waits little again."""
        self._failures = 0
