"""A token bucket: how fast a destination may be posted to."""

from __future__ import annotations

from console.model.instant import Clock


class Bucket:
    """`rate` tokens a second, at most `burst` of them saved up. Who waits is served in turn."""

    def __init__(self, clock: Clock, rate: float, burst: int) -> None:
        self._clock = clock
        self._rate = rate
        self._interval_s = 1.0 / rate
        self._slack_s = (burst - 1) / rate
        self._next = 0.0  # the moment whose token is the next to be given, were there no savings

    async def take(self) -> None:
        """Return once a token is ours."""
        now = self._clock.now().mono
        self._next = max(self._next, now - self._slack_s)
        due, self._next = self._next, self._next + self._interval_s
        if due > now:
            await self._clock.sleep(due - now)
