"""The keys on their way to the screen: each is given only once what the key before it did is done.

A slow line bundles keys, so that `:` and what is typed into its prompt come in one read. Textual looks for the focus of all of
them at once, before the first has acted: they fell to the screen behind the prompt, where `q` leaves and `a` acts. Here a key,
or a paste, waits until the one before it has gone its whole way, and the page that it opened is mounted and has the focus.

Where every pump of the screen in front waits for its next message, all is done, and the key is given at once: so it is for a
key that comes alone. Else what is waited for is that every pump on the way of a key has come to a mark in its queue, or has
ended: a page that fails to mount ends, or takes the mark as a page without widgets, and the keys go on. Marks alone, three
rounds of them through six pumps before every key, cost more than most keys do. Nothing here looks at a clock.

Keys belong to the pages that keys lead to. When something else opens or closes a page, what still waits was typed for another
one and is dropped (`forget`).

What must not be done here: wait for a worker. A plan takes seconds, and the page that stands meanwhile takes the keys.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

from textual.app import App, ScreenStackError
from textual.events import Key, Paste
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget

log = logging.getLogger(__name__)

# Rounds in which nothing moved: the first is the key's own way and ends with its action; the second, that of the message
# which the action sent; the third, that of what was put off by its handler (`call_later`).
CALM_ROUNDS = 3

Typed = Key | Paste


class Keyboard:
    """One app's. `give` hands a key to whoever has the focus; `arrived` returns once the view that was gone to is there."""

    def __init__(
        self, app: App[None], give: Callable[[Typed], Awaitable[None]], arrived: Callable[[], Awaitable[None]]
    ) -> None:
        self._app = app
        self._give = give
        self._arrived = arrived
        self._typed: deque[Typed] = deque()
        self._giving: asyncio.Task[None] | None = None
        self._is_held = False
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """Keys that were heard, and not yet given to anybody."""
        return len(self._typed)

    def hear(self, typed: Typed) -> None:
        """It takes its turn."""
        if not self._is_closed:
            self._typed.append(typed)
            self._go_on()

    def hold(self) -> None:
        """Whoever the next key is for is about to be replaced: it waits for `release`."""
        self._is_held = True

    def release(self, before: Iterable[Typed] = ()) -> None:
        """Go on; with those that were kept elsewhere, and came before all that wait here."""
        self._is_held = False
        self._typed.extendleft(reversed(list(before)))
        self._go_on()

    def forget(self) -> None:
        """What waits is for nobody any more."""
        self._typed.clear()

    def close(self) -> None:
        """Nobody is going to be given anything."""
        self._is_closed = True
        self.forget()
        if self._giving is not None:
            self._giving.cancel()

    async def given(self) -> None:
        """Return once no key waits."""
        while self._giving is not None:
            await asyncio.wait({self._giving})

    # -- one after the other -------------------------------------------------------------------------------------------
    def _go_on(self) -> None:
        if self._giving is None and self._typed and not self._is_held:
            self._giving = asyncio.get_running_loop().create_task(self._give_all(), name="keyboard")

    async def _give_all(self) -> None:
        try:
            while self._typed:
                await self._settled()
                if self._is_held:
                    return
                if self._app._exit or not self._app.is_running:
                    self.forget()
                elif self._typed:  # not forgotten meanwhile
                    await self._give(self._typed.popleft())
        except ScreenStackError:  # the last screen is gone: the app is being closed
            self.forget()
        except Exception:  # not once more with the same key, for ever
            log.exception("a key could not be given; %d that waited are dropped", len(self._typed))
            self.forget()
        finally:
            self._giving = None
            if not self._is_closed:
                self._go_on()

    async def _settled(self) -> None:
        """Return once what was typed before has done all that it does, and whoever it led to has the focus."""
        calm = 0
        while calm < CALM_ROUNDS:
            before = self._at()
            await self._arrived()
            if self._rests():
                return
            for pump in _way(*self._at()):
                await _passed(pump)
            await self._passed_app()
            calm = calm + 1 if self._at() == before else 0

    def _rests(self) -> bool:
        """Whether nobody who is in front, nor the app, has anything to do."""
        screen = self._app.screen
        return screen.is_mounted and all(map(_waits, (self._app, screen, *screen.walk_children(with_self=False))))

    def _at(self) -> tuple[Screen[object], Widget | None]:
        screen = self._app.screen
        return screen, screen.focused

    async def _passed_app(self) -> None:
        """The app's own pump, which is no task: its end is ours (`close`)."""
        mark: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._app.call_later(_reach, mark):
            await mark


def _way(screen: Screen[object], focused: Widget | None) -> list[MessagePump]:
    """Whose queues a key goes through before it comes to the app."""
    if focused is None:
        return [screen]
    return [node for node in focused.ancestors_with_self if isinstance(node, Widget)]


def _waits(pump: MessagePump) -> bool:
    """Whether it has handled all that it was sent, and what that put off, and has come back to its queue for more."""
    queue = cast(Any, pump)._message_queue  # Textual's own, whose `get` waits for an `asyncio.Event`
    return queue.empty() and any(not waiter.done() for waiter in queue.ready_event._waiters)


def _reach(mark: asyncio.Future[None]) -> None:
    if not mark.done():
        mark.set_result(None)


async def _passed(pump: MessagePump) -> None:
    """Return once it has handled all that it had been sent; or has ended, and will handle nothing."""
    mark: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task = pump._task
    if task is not None and pump.call_later(_reach, mark):
        await asyncio.wait({mark, task}, return_when=asyncio.FIRST_COMPLETED)
