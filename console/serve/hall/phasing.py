"""Who paints when. One loop serves everybody: what it does for one session, all others wait for.

A reading wakes every session that shows it, at the same moment. Fifty screens renewed in one turn of the loop are half a
second in which no key is answered. So a session that wants to renew its screen waits for its turn: one session at a time, the
loop free between two of them for keys and channels, and so much time left over that painting takes no more than `SHARE` of a
core, unless not all of them could be renewed in time then. Each renews its screen once in `EVERY_S`, and what a renewal paints
leaves as one frame: on a phone's link every packet is one more that can be lost, and a key's echo would wait for it to be sent
again.

A key is not a renewal: what it changes is painted and leaves at once, whoever's turn it is, and no other session is given its
turn before that. And a session whose key waits for
its echo is not renewed before that has left, since the echo would leave with all that the renewal has painted, or behind it.
On a line with a long way each session is renewed every `SLOW_EVERY_S` only, and while somebody types there, who would wait for
it, every `TYPED_EVERY_S`: a renewal is a kilobyte or so, for which a phone's link is taken for a sixth of a second. The screen
itself is kept as it was until then, so that the frame of a key holds what the key has changed and nothing else.

What must not be done here: know what is painted, or leave a turn to a session that is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from console.feeds.clock import SystemClock
from console.model.instant import Clock, Instant

SHARE = 0.4  # of a core, for renewing screens
EVERY_S = 1.0  # between two renewals of one session
ROUND_S = 0.8  # in which all sessions can have had their turn
SLOW_EVERY_S = 2.0  # the same, of one with a long way
TYPED_EVERY_S = 4.0  # the same, while somebody types there
TYPING_S = 2.0  # for how long after a key that is so
APART_S = 0.9  # between two frames that nobody's key has asked for; less than EVERY_S, so that no delay adds up
GATHERED_S = 0.03  # a renewal is painted in more than one turn of the loop
ECHO_S = 0.5  # for how long after a key everything leaves at once
LOOK_S = 0.03  # how soon after an echo the renewal that waited for it is made
LONGER_S = 0.25  # how soon it is asked again whether anybody types
KEY_S = 0.05  # for how long a key without an echo keeps the others from being renewed
KEYS_S = 0.15  # and all keys together, before one is renewed nevertheless
AGAIN_S = 0.004
LEARNING = 0.1  # of a new cost into the mean
MOST_COST_S = 0.05  # a turn that took longer than that was not the session's doing alone


class Turns:
    """One for a server. `cost_s` is the mean CPU time of a turn: the renewal, and what the loop did after it. `sessions` is how
    many want one in each round.
    """

    def __init__(
        self, *, spent: Callable[[], float] = time.thread_time, sessions: Callable[[], int] = lambda: 1
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._spent = spent
        self._sessions = sessions
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._next: asyncio.Handle | None = None
        self._last_spent = spent()
        self._last_at = self._loop.time()
        self._touched: dict[object, float] = {}  # by whom a key was touched that has had no echo -> when
        self._held_since: float | None = None
        self.cost_s = 0.0

    def touched(self, whose: object) -> None:
        """A key has come: what it changes is painted before any other session is renewed."""
        self._touched.setdefault(whose, self._loop.time())

    def answered(self, whose: object) -> None:
        """Its echo has left, or nobody waits for it any more."""
        self._touched.pop(whose, None)

    def _is_key_first(self) -> bool:
        """Whether the next turn waits for a key; not for long for one that changes nothing, nor for many after each other."""
        now = self._loop.time()
        for whose in [whose for whose, at in self._touched.items() if now > at + KEY_S]:
            del self._touched[whose]
        if not self._touched:
            return False
        if self._held_since is None:
            self._held_since = now
        return now < self._held_since + KEYS_S

    async def turn(self) -> None:
        """Return when it is the caller's turn; what it then does without awaiting is its turn."""
        turn = self._loop.create_future()
        self._waiting.append(turn)
        self._soon()
        await turn

    def _soon(self) -> None:
        if self._next is None:
            apart_s = min(self.cost_s / SHARE, ROUND_S / max(1, self._sessions()))
            rest_s = apart_s - (self._loop.time() - self._last_at)
            # at least one whole turn of the loop lies between two sessions: its sockets are looked at
            self._next = self._loop.call_later(rest_s, self._give) if rest_s > 0 else self._loop.call_soon(self._give)

    def _give(self) -> None:
        self._next = None
        if self._waiting and self._is_key_first():
            self._next = self._loop.call_later(AGAIN_S, self._give)
            return
        self._held_since = None
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # its session ended while it waited
                turn.set_result(None)
                self._last_at, before = self._loop.time(), self._last_spent
                self._last_spent = self._spent()
                if len(self._waiting) > 0:
                    cost_s = min(MOST_COST_S, self._last_spent - before)
                    self.cost_s += (cost_s - self.cost_s) * LEARNING
                break
        if self._waiting:
            self._loop.call_soon(self._soon)  # after the session whose turn it is


class Beat:
    """When the frames of one session leave (`Linked.turn`), and how often its screen is renewed. `has_long_way` is asked of its
    line, whenever it is of interest.
    """

    def __init__(self, has_long_way: Callable[[], bool] = lambda: False, turns: Turns | None = None) -> None:
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._has_long_way = has_long_way
        self._hurried_until = 0.0
        self._unanswered_at: float | None = None  # when the first key was touched of which no echo has left
        self._left_at = float("-inf")  # the last frame that nobody asked for
        self._going: asyncio.Handle | None = None
        self._is_soon = False
        self.hurry()
        self._typed_at = float("-inf")

    def __call__(self, depart: Callable[[], None]) -> None:
        """There is news."""
        now = self._loop.time()
        is_soon = now < self._hurried_until
        if self._going is not None:
            if self._is_soon or not is_soon:
                return
            self._going.cancel()
        self._is_soon = is_soon
        if is_soon:
            self._going = self._loop.call_soon(self._go, depart)
        else:
            self._going = self._loop.call_at(max(now + GATHERED_S, self._left_at + APART_S), self._go, depart)

    def hurry(self) -> None:
        """Somebody waits for what is painted next."""
        now = self._typed_at = self._loop.time()
        self._hurried_until = now + ECHO_S
        if not self.is_awaited:
            self._unanswered_at = now
        if self._turns is not None:
            self._turns.touched(self)

    @property
    def is_awaited(self) -> bool:
        """Whether a key waits for its echo; one that has had none by then changes nothing."""
        return self._unanswered_at is not None and self._loop.time() < self._unanswered_at + ECHO_S

    @property
    def every_s(self) -> float:
        """Between two renewals."""
        if not self._has_long_way():
            return EVERY_S
        return TYPED_EVERY_S if self._loop.time() < self._typed_at + TYPING_S else SLOW_EVERY_S

    def _go(self, depart: Callable[[], None]) -> None:
        self._going = None
        if self._is_soon:
            self._unanswered_at = None
            if self._turns is not None:
                self._turns.answered(self)
        else:
            self._left_at = self._loop.time()
        depart()

    def close(self) -> None:
        """Nothing leaves any more."""
        if self._turns is not None:
            self._turns.answered(self)
        if self._going is not None:
            self._going.cancel()
            self._going = None


class PhasedClock(SystemClock):
    """The engine's clock as one session has it: whoever slept wakes in the session's turn, and not too often."""

    def __init__(self, clock: Clock, turns: Turns, beat: Beat | None = None) -> None:
        self._clock = clock
        self._turns = turns
        self._beat = beat
        self._renewed_at = float("-inf")
        self.held_s = 0.0

    @property
    def stepped_s(self) -> float:  # type: ignore[override]
        return self._clock.stepped_s if isinstance(self._clock, SystemClock) else 0.0

    def now(self) -> Instant:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        """As long as asked, and until the session may paint again."""
        beat = self._beat
        every_s = beat.every_s if beat is not None else EVERY_S
        due = self._renewed_at + every_s - self._clock.now().mono
        self.held_s += max(0.0, due - max(0.0, seconds))
        await self._clock.sleep(max(seconds, due, 0.0))
        while beat is not None and (self._due(beat) > 0 or beat.is_awaited):
            longer_s = LOOK_S if beat.is_awaited else min(self._due(beat), LONGER_S)
            self.held_s += longer_s
            await self._clock.sleep(longer_s)
        await self._turns.turn()
        self._renewed_at = self._clock.now().mono

    def _due(self, beat: Beat) -> float:
        """In how many seconds it may paint again, as things are now: somebody may have begun to type."""
        return self._renewed_at + beat.every_s - self._clock.now().mono

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        if isinstance(self._clock, SystemClock):
            await self._clock.wait(event, seconds)
            return
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await event.wait()
        except TimeoutError:
            pass
