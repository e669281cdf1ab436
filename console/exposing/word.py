"""The last word of a shard: what its channels are, and when that was true."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.model.channel import Channel
from console.model.finding import ChannelVerdict
from console.model.instant import Instant
from console.model.observation import Heartbeat

FRESH_S = 10.0  # a judge that has not spoken for so long tells nothing any more


class Word(msgspec.Struct, frozen=True):
    """Replaced as a whole, so that a scrape never sees half of two."""

    shard: str  # "2/8"
    at: Instant  # when the verdicts were made
    channels: Mapping[str, Channel]
    verdicts: Mapping[str, ChannelVerdict]
    heartbeat: Heartbeat | None = None

    def is_fresh(self, now: Instant) -> bool:
        """Whether it may still be repeated."""
        return now.mono - self.at.mono < FRESH_S
