"""The one error that leaves this room."""

from __future__ import annotations


class MpdError(Exception):
    """The body is no MPD, or one that cannot be read. `is_mpd` tells which: a page in HTML where the MPD should be is another
    fault than an MPD whose numbers make no sense.
    """

    def __init__(self, reason: str, is_mpd: bool = True) -> None:
        super().__init__(reason[:200])
        self.is_mpd = is_mpd
