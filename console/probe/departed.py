"""Which segment that left the window is asked for, and when. Pure; times are seconds on the monotonic clock.

RFC 8216 6.2.2: a segment stays available, after it left the playlist, for its duration plus that of the longest playlist it was
in. Near the end of that time it is asked for, once, by HEAD; while all is well twice a minute at most, and after a failure the
next one that leaves.
"""

from __future__ import annotations

from collections import deque

from console.model.observation import MediaFacts
from console.probe.listed import Listed

EVERY_S = 30.0
KEPT = 8  # segments that were seen there and may be asked for when they leave
ASK_SHARE = 0.7  # of the promised time: late enough to find an early removal, early enough to be within the promise
LONGEST_WAIT_S = 600.0  # a DVR window of a day would be asked about tomorrow
CLOSE_S = 1.0  # this near to its end the promise is not relied upon


class Departed:
    """What left one playlist. At most one is waited for at a time."""

    def __init__(self) -> None:
        self._seen: deque[Listed] = deque(maxlen=KEPT)
        self._spacing = 1  # segments between two that are kept
        self._is_waiting = False
        self._until = 0.0
        self._asked_at: float | None = None
        self._was_good = True

    def seen(self, listed: Listed) -> None:
        """It was there while it was listed. Spread over the window, so that one always leaves soon."""
        if self._seen and listed.sequence <= self._seen[-1].sequence:
            self._seen.clear()  # numbered anew
        if not self._seen or listed.sequence - self._seen[-1].sequence >= self._spacing:
            self._seen.append(listed)

    def leaving(self, media: MediaFacts, now: float) -> tuple[Listed, float] | None:
        """The segment to ask for, and when; None when none has left or one is already waited for."""
        self._spacing = media.segment_count // KEPT + 1
        gone: Listed | None = None
        while self._seen and self._seen[0].sequence < media.media_sequence:
            gone = self._seen.popleft()
        if gone is None or self._is_waiting or media.has_endlist or gone.sequence < media.media_sequence - media.segment_count:
            return None
        if self._asked_at is not None and self._was_good and now - self._asked_at < EVERY_S:
            return None
        promise_s = media.window_s + gone.extinf_s
        # that it had left was seen up to one poll late
        wait_s = min(ASK_SHARE * promise_s, promise_s - media.target_duration_s - CLOSE_S, LONGEST_WAIT_S)
        if wait_s <= 0:
            return None
        self._is_waiting = True
        self._until = now + promise_s - media.target_duration_s
        return gone, now + wait_s

    def is_promised(self, now: float) -> bool:
        """Whether an answer of now proves anything."""
        return now < self._until

    def given_up(self) -> None:
        """It was too late to ask."""
        self._is_waiting = False

    def answered(self, is_good: bool, now: float) -> None:
        """It was asked for."""
        self._is_waiting, self._asked_at, self._was_good = False, now, is_good
