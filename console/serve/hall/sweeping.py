"""What a session that has ended must not leave in the process: Textual's and Rich's caches hold on to it.

They are made for one app in a process. A cached method keeps the object it was called on, a cached function its arguments, and
some of both lead to a widget, from there to its app, and to everything that it showed. They are looked for once, by what they
are (methods: their first argument is an object), and emptied when a session ends: seldom, and refilled by the others at once.

The rest is the collector's, and its full collection looks at every object of every session: with fifty of them a tenth of a
second and more, in which nobody's key is answered, and left to itself it comes every few seconds. So it is called here: soon
after somebody has left, which is when there is something to find, and else once in a long while. Once is not always enough: a
timer that was cancelled stays in the loop until it would have been due, and with it the context that it was made in, whose app
that is. So it is looked whether what was left has really gone, and the collector called again where it has not.

What must not be done here: empty the caches of plain values, which every session shares and nobody leaks through.
"""

from __future__ import annotations

import gc
import inspect
import logging
import sys
import weakref
from collections.abc import Iterator
from functools import _lru_cache_wrapper
from typing import Any

YOUNG = (1_000, 5, 1_000_000)  # thresholds: the young are looked at as ever, few at a time; everything never by itself
SOON_S = 15.0  # between two full collections, while people leave
SELDOM_S = 900.0
TRIES = 20  # collections after which what is still there is held by somebody, and no collector will find it
_ROOTS = ("textual", "rich", "widgets", "themes")

log = logging.getLogger(__name__)


def caches() -> tuple[Any, ...]:
    """Cached methods of everything that is imported of these packages, and cached functions that are given a widget."""
    return tuple({id(each): each for each in _found()}.values())


def _found() -> Iterator[Any]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in _ROOTS or module is None:
            continue
        for value in list(vars(module).values()):
            if isinstance(value, type):
                yield from (each for each in map(_unwrapped, vars(value).values()) if _holds(each))
            elif _holds(_unwrapped(value)):
                yield _unwrapped(value)


def _unwrapped(value: Any) -> Any:
    if isinstance(value, classmethod | staticmethod):
        value = value.__func__
    return value.fget if isinstance(value, property) else value


def _holds(value: Any) -> bool:
    if not isinstance(value, _lru_cache_wrapper):
        return False
    try:
        named = list(inspect.signature(value.__wrapped__).parameters)
    except (TypeError, ValueError):
        return False
    return bool(named) and named[0] in ("self", "cls", "widget", "node", "app")


class Sweeper:
    """One for a server; while it is open, a full collection is made by `look` only. `now` is monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._caches = caches()
        self._thresholds = gc.get_threshold()
        self._collected_at = now
        self._is_owed = False
        self._going: list[weakref.ref[Any]] = []
        self._tries = 0
        gc.set_threshold(*YOUNG)

    def left(self, app: Any) -> None:
        """A session has ended, and this was its app: from now on nobody is to hold it."""
        self._going.append(weakref.ref(app))
        self._tries = 0

    def sweep(self) -> None:
        """Empty what may hold an app, and let go of what only holds itself: an app is one great knot of references."""
        self._empty()
        gc.collect(1)
        self._is_owed = True

    def _empty(self) -> None:
        for cache in self._caches:
            cache.cache_clear()

    def look(self, now: float) -> None:
        """Once in a while: collect everything, if it is time."""
        if now - self._collected_at < (SOON_S if self._is_owed else SELDOM_S):
            return
        if self._tries:  # somebody held it the last time
            self._empty()
        gc.collect()
        self._collected_at = now
        self._tries += 1
        self._going = [each for each in self._going if each() is not None]
        if self._going and self._tries >= TRIES:
            held = len(self._going)
            log.error("%d app(s) of sessions that have ended are still held by somebody: a leak, please report it", held)
            self._going.clear()
        self._is_owed = bool(self._going)

    def close(self) -> None:
        """The process collects as it did before."""
        gc.set_threshold(*self._thresholds)
