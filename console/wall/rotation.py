"""Which page is shown, and when the next one comes. Pure; its time is monotonic seconds.

The first page is the wall's own overview, on which the worst can be seen, and it is always among the pages. While something is
critical the wall goes there and stays: nobody in the room can turn a page back.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Turn(msgspec.Struct, frozen=True):
    """What is to be seen now."""

    page: int
    left_s: float | None  # until the next page; None: there is none, or it is held
    is_held: bool = False


class Rotation:
    """The pages by their names, each for `every_s`."""

    def __init__(self, pages: Sequence[str], every_s: float) -> None:
        self.pages = tuple(pages)
        self.every_s = max(1.0, every_s)
        self._page = 0
        self._since: float | None = None

    def step(self, now: float, *, is_critical: bool) -> Turn:
        """The page now. A look that comes late turns one page, not as many as were missed."""
        if self._since is None:
            self._since = now
        if is_critical:
            self._page, self._since = 0, now
            return Turn(0, None, is_held=len(self.pages) > 1)
        if len(self.pages) < 2:
            return Turn(0, None)
        if now - self._since >= self.every_s:
            late = now - self._since - self.every_s
            self._page = (self._page + 1) % len(self.pages)
            self._since = now - late if late < self.every_s else now
        return Turn(self._page, max(0.0, self._since + self.every_s - now))
