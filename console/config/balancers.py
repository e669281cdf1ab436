"""A group of HAProxy balancers that serve the same traffic."""

from __future__ import annotations

from typing import Annotated

import msgspec

from console.config.kinds import Name, Seconds


class Balancers(msgspec.Struct, frozen=True, kw_only=True):
    """`[sites.X.haproxy.GROUP]`. Each balancer is asked and told by itself: they share traffic, and no state.

    An address is `HOST:PORT` or `unix:/PATH` of a stats socket at level admin. The runtime API knows neither users nor
    encryption, so the address must be one that only the console's host can reach.
    """

    balancers: dict[Name, Name]  # name -> address, in the order in which they are told
    services: dict[Name, Name] = {}  # backend -> service behind it: says which channels depend on it
    timeout_s: Seconds = 5.0
    settle_s: Seconds = 10.0  # after one balancer was told, how long its figures are looked at before the next
    empty_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0  # in which a drained server must have become empty
