"""A circuit breaker: after several failures in a row a backend gets rest, then one probe decides."""

from __future__ import annotations

from console.model.instant import Clock


class Breaker:
    """Closed -> open after `threshold` failures in a row -> after `rest_s` half-open: one probe -> closed, or
    open again.
    """

    def __init__(self, clock: Clock, threshold: int = 5, rest_s: float = 10.0) -> None:
        self._clock = clock
        self._threshold = threshold
        self._rest_s = rest_s
        self._failures = 0
        self._opened_at: float | None = None
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """True from the failure that opened it until a probe succeeds."""
        return self._opened_at is not None

    @property
    def rest_s(self) -> float:
        """Seconds until a question is allowed again; 0 when one is allowed now."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._rest_s - self._clock.now().mono)

    def allows(self) -> bool:
        """Whether one question may be asked now. When half-open, the first to ask is the probe and others are
        refused.
        """
        if self._opened_at is None:
            return True
        if self._is_probing or self.rest_s > 0:
            return False
        self._is_probing = True
        return True

    def succeeded(self) -> None:
        """The answer came: closed."""
        self._failures = 0
        self._opened_at = None
        self._is_probing = False

    def failed(self) -> None:
        """One more failure; the threshold, or a failed probe, opens it."""
        self._failures += 1
        if self._is_probing or self._failures >= self._threshold:
            self._opened_at = self._clock.now().mono
        self._is_probing = False

    def cancelled(self) -> None:
        """The question was withdrawn without an answer: nothing learned, the next may probe."""
        self._is_probing = False
