"""Verdicts that somebody else reached: shards of `midwatch probe --metrics`, read back from the metrics store."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.model.finding import ChannelVerdict


class ToldVerdicts(msgspec.Struct, frozen=True):
    """What the shards say. Of a channel that two of them tell (a pair of replicas), the one that judged last."""

    verdicts: Mapping[str, ChannelVerdict]
    ages_s: Mapping[str, float] = {}  # shard -> how long ago it judged, by the metrics store's clock
