"""One channel, looked at closely: what each of its playlists was last seen to say, wherever it is fetched from.

The fleet is judged twice a second and shown by one row a channel; what a matrix of every rendition at every vantage needs is
made only for the channel that somebody has opened.
"""

from __future__ import annotations

import msgspec

from console.model.channel import Channel
from console.model.finding import ChannelVerdict
from console.model.observation import Outcome, Variant


class PlaceFacts(msgspec.Struct, frozen=True):
    """One media playlist at one vantage, as last answered. Facts only: how bad it is, the findings say."""

    vantage: str
    rendition: str
    outcome: Outcome  # of the newest fetch
    status: int | None = None  # of the newest fetch, where it came to one
    target_s: float | None = None  # T; None until a playlist has told it
    age_s: float | None = None  # since the newest segment was first shown; None when it is over or was never read
    latency_s: float | None = None  # now - end of the newest segment by PROGRAM-DATE-TIME
    newest_sequence: int | None = None
    window_s: float | None = None  # of the segments that the playlist holds
    asked_s: float = 0.0  # since the newest answer
    is_over: bool = False  # closed by ENDLIST
    url: str = ""  # without credentials and query

    @property
    def age_over_t(self) -> float | None:
        """Age in target durations: what the limits of STALE are measured in."""
        return self.age_s / self.target_s if self.age_s is not None and self.target_s else None


class OpenedChannel(msgspec.Struct, frozen=True):
    """A channel with its verdict, every place it is watched at, and its ladder."""

    channel: Channel
    verdict: ChannelVerdict
    places: tuple[PlaceFacts, ...]
    ladder: tuple[Variant, ...]  # as the master names it, best rung first; empty for a single media playlist
